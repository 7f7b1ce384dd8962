#!/bin/sh
# Fetches packages of Debian 12, with an apt configuration of its own: the system's sources, package lists and installed
# packages stay as they are, and it works on Ubuntu as well.
#
#   scripts/debian.sh CACHE source NAME       downloads the source package NAME, and prints the path of its .dsc
#   scripts/debian.sh CACHE binary NAME:ARCH  downloads that package, and prints its path (without what it depends on)
#   scripts/debian.sh CACHE unpack NAME:ARCH DIR  the same, and unpacks it into DIR
#
# CACHE is a directory that keeps what was fetched. Package lists older than a day are fetched again.
set -eu
script=debian
. "$(dirname "$0")/apt.sh"

keyring=/usr/share/keyrings/debian-archive-keyring.gpg
archive=http://deb.debian.org/debian
security=http://deb.debian.org/debian-security

[ $# -ge 3 ] || die "usage: see the head of scripts/debian.sh"
alone "$1" "$0" "$@"
cache=$(cd "$1" && pwd)
what=$2
name=$3

have apt-get || die "needs apt-get (Debian or Ubuntu)"
have dpkg-deb || die "needs dpkg-deb (Debian or Ubuntu)"
[ -e $keyring ] || { apt_update; apt_install debian-archive-keyring; }

root=$cache/apt
mkdir -p "$root/lists/partial" "$root/archives/partial" "$cache/files"
cat >"$root/debian.sources" <<END
Types: deb deb-src
URIs: $archive
Suites: bookworm bookworm-updates
Components: main
Architectures: armhf
Signed-By: $keyring

Types: deb deb-src
URIs: $security
Suites: bookworm-security
Components: main
Architectures: armhf
Signed-By: $keyring
END
# No packages are installed as far as this apt knows.
[ -e "$root/status" ] || : >"$root/status"

# Runs apt-get or apt-cache with the private configuration.
private() {
    tool=$1
    shift
    "$tool" -qq -o Dir::Etc::sourcelist="$root/debian.sources" -o Dir::Etc::sourceparts=/dev/null \
        -o Dir::Etc::preferencesparts=/dev/null -o Dir::State::lists="$root/lists" -o Dir::State::status="$root/status" \
        -o Dir::Cache="$root" -o APT::Architecture=armhf -o APT::Architectures=armhf -o APT::Sandbox::User= \
        -o Acquire::Languages=none "$@"
}

if [ -z "$(find "$root/updated" -mmin -1440 2>/dev/null)" ]; then
    say "fetching Debian's package lists"
    private apt-get update >&2 || say "apt-get update had errors; going on with what there is"
    : >"$root/updated"
fi

binary() {
    # `apt-get download` writes to the current directory, and its file names carry the version.
    (cd "$cache/files" && private apt-get download "$1" >&2)
    deb=$(private apt-cache show --no-all-versions "$1" | sed -n 's/^Filename: .*\///p' | head -n 1)
    # In a file name on disk the colon of an epoch is written as %3a.
    for file in "$cache/files/${1%%:*}"_*.deb; do
        case $(basename "$file" | sed 's/_[^_]*%3a/_/') in
        "$deb") echo "$file"; return ;;
        esac
    done
    die "$1: no $deb in $cache/files"
}

case $what in
source)
    (cd "$cache/files" && private apt-get source --download-only "$name" >&2)
    # The newest, where an earlier one was left.
    ls -t "$cache/files/$name"_*.dsc | head -n 1
    ;;
binary)
    binary "$name"
    ;;
unpack)
    dpkg-deb --extract "$(binary "$name")" "$4"
    ;;
*)
    die "$what: not source, binary or unpack"
    ;;
esac

#!/bin/sh
# Fetches packages of Debian 12 and unpacks them into a cache directory. Nothing is installed, and neither apt's nor
# dpkg's configuration of this system is changed: the cache is a root of its own for them, with armhf as its architecture.
#
#   scripts/debian/fetch.sh CACHE PACKAGE...
#
# CACHE/root/PACKAGE/ gets each package's files. `linux-image-armmp` and `linux-image-armmp-lpae` stand for the newest
# kernel, as those packages themselves do; CACHE/root/PACKAGE.version says what was taken.
# What is there already is not fetched again: then no network is needed. CACHE/refresh, if there, asks for newer ones.
#
# The mirror, proxies and credentials are those that this system's apt uses; if it has no Debian mirror,
# deb.debian.org. Signatures are checked by apt, with Debian's own keys.
set -eu
cd "$(dirname "$0")/../.."
script=debian
. scripts/apt.sh

[ $# -ge 2 ] || die "usage: scripts/debian/fetch.sh CACHE PACKAGE..."
alone "$1" scripts/debian/fetch.sh "$@"
mkdir -p "$1/root"
cache=$(cd "$1" && pwd)
shift
release=bookworm
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
default_mirror=http://deb.debian.org

missing=
for package in "$@"; do
    [ -e "$cache/root/$package.version" ] && [ ! -e "$cache/refresh" ] || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

have apt-get && have dpkg-deb || die "apt and dpkg are needed to fetch$missing (on a system without them, put the files
there by hand: docs/guests.md)"
if [ ! -r $keyring ]; then
    apt_update
    apt_install debian-archive-keyring
fi

# ---- The private root ----

# The first repository of Debian's archive `$1` (debian, debian-security) that this system has.
mirror_of() {
    uri=$(apt-get indextargets --no-release-info --format '$(REPO_URI)' 'Created-By: Packages' 2>/dev/null |
        sed -n "s|/$1/*\$|/$1|p" | head -n 1)
    echo "${uri:-$default_mirror/$1}"
}

apt=$cache/apt
mkdir -p "$apt/etc/preferences.d" "$apt/lists/partial" "$apt/archives/partial" "$cache/debs"
: >"$apt/status"
cat >"$apt/etc/sources.list" <<SOURCES
deb [signed-by=$keyring] $(mirror_of debian) $release main
deb [signed-by=$keyring] $(mirror_of debian) $release-updates main
deb [signed-by=$keyring] $(mirror_of debian-security) $release-security main
SOURCES
# Read after the system's own configuration: what that says about proxies stays, its hooks do not run.
cat >"$apt/etc/apt.conf" <<CONF
#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
#clear APT::Architectures;
#clear Acquire::Languages;
APT::Architecture "armhf";
APT::Architectures { "armhf"; };
APT::Sandbox::User "root";
Acquire::Languages { "none"; };
Acquire::IndexTargets::deb::DEP-11::DefaultEnabled "false";
Acquire::IndexTargets::deb::Contents-deb::DefaultEnabled "false";
Acquire::Retries "3";
Acquire::AllowInsecureRepositories "false";
APT::Get::AllowUnauthenticated "false";
Dir::Etc::sourcelist "$apt/etc/sources.list";
Dir::Etc::sourceparts "/dev/null";
Dir::Etc::preferences "/dev/null";
Dir::Etc::preferencesparts "$apt/etc/preferences.d";
Dir::Etc::trusted "/dev/null";
Dir::Etc::trustedparts "/dev/null";
Dir::State "$apt";
Dir::State::status "$apt/status";
Dir::Cache "$apt";
Dir::Cache::archives "$apt/archives";
CONF

private_apt() { tool=$1; shift; "$tool" -c="$apt/etc/apt.conf" "$@"; }

offline() {
    die "$1. Without a network, copy the directory $cache from another machine, or give the files yourself:
  make linux KERNEL=file INITRD=file, make uboot UBOOT=file. What was fetched so far is kept; the next run goes on."
}

# ---- Which versions, and the files ----

say "fetching$missing from $(sed -n 's/.*] \([^ ]*\) .*/\1/p' "$apt/etc/sources.list" | sort -u | tr '\n' ' ')"
if ! private_apt apt-get -qq -o APT::Update::Error-Mode=any update >&2; then
    # apt leaves out a list that it could not get or that does not match its signature, and keeps an earlier, good one.
    # With the release itself there is a kernel; it may lack the latest security updates.
    [ -n "$(private_apt apt-cache show --no-all-versions linux-image-armmp 2>/dev/null)" ] ||
        offline "Debian's package lists cannot be fetched"
    say "going on with those lists that are complete and rightly signed"
fi

# The package that the metapackage $1 depends on, or $1.
resolve() {
    case $1 in
        linux-image-armmp | linux-image-armmp-lpae)
            private_apt apt-cache show --no-all-versions "$1" | sed -n 's/^Depends: \(linux-image-[^ ,]*\).*/\1/p'
            ;;
        *) echo "$1" ;;
    esac
}

for package in $missing; do
    real=$(resolve "$package")
    [ -n "$real" ] || die "Debian $release has no package $package"
    # Names the file with the version that apt chose, and only if its signed checksum is right.
    uri=$(private_apt apt-get download --print-uris "$real") || die "Debian $release has no package $real"
    file=$(echo "$uri" | cut -d ' ' -f 2)
    if [ ! -e "$cache/debs/$file" ]; then
        say "fetching $real ($(($(echo "$uri" | cut -d ' ' -f 3) / 1024)) KiB)"
        (cd "$apt/archives" && private_apt apt-get -qq download "$real" >&2) || offline "$real cannot be fetched"
        mv "$apt/archives/$file" "$cache/debs/$file"
    fi
    rm -rf "$cache/root/$package" "$cache/root/$package.version"
    mkdir "$cache/root/$package.new"
    dpkg-deb -x "$cache/debs/$file" "$cache/root/$package.new"
    mv "$cache/root/$package.new" "$cache/root/$package"
    dpkg-deb -W --showformat '${Package} ${Version}\n' "$cache/debs/$file" >"$cache/root/$package.version"
done
rm -f "$cache/refresh"

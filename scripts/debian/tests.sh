#!/bin/sh
# Makes the initial RAM disk of the tests and of the benchmark with Linux:
#
#   scripts/debian/tests.sh OUT CACHE PROGRAMS
#
# That is busybox, all test modules, the programs lbench and lsoak (guest-kit/linux) from the directory PROGRAMS, and
# what is in guest-kit/linux/tests, which runs them at the command line's request. Packages are fetched into CACHE if need be.
set -eu
cd "$(dirname "$0")/../.."
script=debian
. scripts/apt.sh

[ $# = 3 ] || die "usage: scripts/debian/tests.sh OUT CACHE PROGRAMS"
out=$1
cache=$2
programs=$3

scripts/debian/fetch.sh "$cache" busybox-static linux-image-armmp
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
trap 'exit 1' INT TERM HUP
cp -R guest-kit/linux/tests/. "$root/"
mkdir -p "$root/bin"
for program in lbench lsoak; do
    [ -r "$programs/$program" ] || die "$programs/$program: not built"
    cp "$programs/$program" "$root/bin/$program"
    chmod 755 "$root/bin/$program"
done
scripts/debian/initramfs.sh "$out" "$cache/root/busybox-static/bin/busybox" \
    -m "$cache/root/linux-image-armmp" test_static_keys test_user_copy test_bpf -d "$root"

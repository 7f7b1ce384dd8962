#!/bin/sh
# Makes the initial RAM disk with Debian's stress-ng:
#
#   scripts/debian/stress.sh OUT CACHE
#
# That is busybox, stress-ng, the shared libraries that it names, and what is in guest-kit/linux/stress. Packages are fetched
# into CACHE if need be.
set -eu
cd "$(dirname "$0")/../.."
script=debian
. scripts/apt.sh

[ $# = 2 ] || die "usage: scripts/debian/stress.sh OUT CACHE"
out=$1
cache=$2

# The packages of Debian 12 with the libraries that stress-ng is linked with, and those that they are linked with. Not all that
# the packages depend on: libegl1 alone would bring in graphics drivers with a compiler.
libraries="libc6 libgcc-s1 libapparmor1 libbsd0 libmd0 libcrypt1 libegl1 libglvnd0 libgbm1 libdrm2 libexpat1
    libwayland-server0 libffi8 libgles2 libjpeg62-turbo libjudydebian1 libkmod2 liblzma5 libssl3 libzstd1 libsctp1
    libxxhash0 zlib1g"
# shellcheck disable=SC2086 # a list of words
scripts/debian/fetch.sh "$cache" busybox-static stress-ng $libraries
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
trap 'exit 1' INT TERM HUP
cp -R guest-kit/linux/stress/. "$root/"
mkdir -p "$root/lib" "$root/usr/bin"
cp "$cache/root/stress-ng/usr/bin/stress-ng" "$root/usr/bin/"
# The loader looks in /lib, for the names that programs ask for: libX.so.N, mostly links to files with more numbers.
for package in $libraries; do
    for library in "$cache/root/$package"/lib/*/*.so.* "$cache/root/$package"/usr/lib/*/*.so.*; do
        case $library in
            *.so.*.*) ;;
            *) [ ! -e "$library" ] || cp -L "$library" "$root/lib/" ;;
        esac
    done
done
[ -e "$root/lib/ld-linux-armhf.so.3" ] || die "libc6: there is no ld-linux-armhf.so.3"
chmod 755 "$root/usr/bin/stress-ng" "$root"/lib/ld-*
scripts/debian/initramfs.sh "$out" "$cache/root/busybox-static/bin/busybox" -d "$root"

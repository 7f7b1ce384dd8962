#!/bin/sh
# Builds qemu-system-arm with the emulated Xoom (boards/tegra2/qemu) from Debian 12's QEMU source package, unless that
# was done before, and prints the path of the binary.
#
#   scripts/build-qemu-xoom.sh [CACHE]        CACHE defaults to $NEX_QEMU_XOOM_CACHE, else target/qemu-xoom
#   scripts/build-qemu-xoom.sh --key          prints the key of the cache: what the binary is made of
#   scripts/build-qemu-xoom.sh --tree DIR     puts the patched source of QEMU into DIR, to work on the models there
#
# The result is in CACHE/KEY, so a cache of that directory never holds a wrong one. Takes about four CPU minutes.
set -eu
cd "$(dirname "$0")/.."
script=build-qemu-xoom
. scripts/apt.sh

# Debian updates its package within this version; the patch is for all of them.
version=7.2
models=boards/tegra2/qemu

# Every file that the binary depends on, by name and content.
key() {
    {
        echo "qemu $version"
        find $models/overlay $models/qemu.patch scripts/build-qemu-xoom.sh -type f | LC_ALL=C sort | xargs sha256sum
    } | sha256sum | cut -c 1-20
}

missing_packages() {
    have ninja || echo ninja-build
    have meson || echo meson
    have pkg-config || echo pkg-config
    have dpkg-source || echo dpkg-dev
    have flock || echo util-linux
    have patch || echo patch
    have xz || echo xz-utils
    have cc || echo gcc libc6-dev
    have python3 || echo python3
    python3 -c 'import ensurepip' 2>/dev/null || echo python3-venv
    for library in glib-2.0:libglib2.0-dev pixman-1:libpixman-1-dev zlib:zlib1g-dev; do
        pkg-config --exists "${library%%:*}" 2>/dev/null || echo "${library#*:}"
    done
    [ -e /usr/include/libfdt.h ] || echo libfdt-dev
}

install_missing() {
    missing=$(missing_packages | tr '\n' ' ')
    [ -n "$missing" ] || return 0
    have apt-get || die "please install these with your system's package manager: $missing(Debian's names)"
    apt_update
    # shellcheck disable=SC2086 # a list of words
    apt_install $missing
}

# unpack CACHE DIR: QEMU's source, with the machine.
unpack() {
    dsc=$(scripts/debian.sh "$1" source qemu)
    case $dsc in
    */qemu_$version+*) ;;
    *) die "$dsc: Debian 12 should have QEMU $version" ;;
    esac
    say "unpacking $(basename "$dsc")"
    rm -rf "$2"
    mkdir -p "$(dirname "$2")"
    dpkg-source -q --no-check -x "$dsc" "$2" >&2
    cp -R $models/overlay/. "$2"
    patch --quiet -d "$2" -p1 <$models/qemu.patch >&2
}

# build CACHE OUT
build() {
    work=$1/build
    log=$1/build.log
    unpack "$1" "$work/source"
    rm -rf "$work/out"
    mkdir -p "$work/out"
    say "building QEMU with the machine xoom; this takes some minutes (log: $log)"
    (
        cd "$work/out"
        ../source/configure --target-list=arm-softmmu --without-default-features --without-default-devices \
            --with-devices-arm=xoom --enable-system --enable-tcg --enable-fdt=system --enable-vnc --disable-docs \
            --disable-tools --disable-guest-agent --disable-werror --disable-debug-info
        nice -n 19 ninja -j "${JOBS:-$(nproc)}" qemu-system-arm
    ) >"$log" 2>&1 || { tail -n 30 "$log" >&2; die "QEMU does not build; all of it: $log"; }
    # The models need no firmware or key map files.
    strip -o "$2.new" "$work/out/qemu-system-arm"
    mv "$2.new" "$2"
    rm -rf "$work"
}

case ${1-} in
--key)
    key
    exit
    ;;
--tree)
    [ $# = 2 ] || die "usage: scripts/build-qemu-xoom.sh --tree DIR"
    install_missing
    unpack "${NEX_QEMU_XOOM_CACHE:-target/qemu-xoom}" "$2"
    exit
    ;;
esac

cache=${1:-${NEX_QEMU_XOOM_CACHE:-target/qemu-xoom}}
mkdir -p "$cache"
cache=$(cd "$cache" && pwd)
result=$cache/$(key)/qemu-system-arm
if [ ! -x "$result" ]; then
    install_missing
    # One build at a time, for two would share the directory; the second finds what the first has built.
    exec 9>"$cache/lock"
    flock 9
    if [ ! -x "$result" ]; then
        mkdir -p "$(dirname "$result")"
        build "$cache" "$result"
    fi
fi
echo "$result"

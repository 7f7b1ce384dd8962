#!/bin/sh
# Prepares Linux for the emulated Xoom, and prints the directory where it is:
#
#   scripts/xoom-linux.sh generic    vmlinuz: Debian 12's kernel for ARMv7, as it is; xoom-generic.dtb: our device tree for
#                                    it; initrd.gz: a shell
#   scripts/xoom-linux.sh tegra20    the same, and zImage: Debian's kernel source, built with Tegra 2 support, which Debian's
#                                    own kernel lacks; tegra20-{harmony,trimslice,ventana}.dtb from that source. Takes a
#                                    cross compiler and some minutes at the first time
#
# What it makes is kept in $NEX_QEMU_XOOM_CACHE (default target/qemu-xoom), so that it is only made once; Debian's packages
# for guests are in $CACHE (default target/debian).
set -eu
cd "$(dirname "$0")/.."
script=xoom-linux
. scripts/apt.sh

what=${1-}
case $what in
generic | tegra20) ;;
*) die "usage: scripts/xoom-linux.sh generic|tegra20" ;;
esac

cache=${NEX_QEMU_XOOM_CACHE:-target/qemu-xoom}
mkdir -p "$cache"
cache=$(cd "$cache" && pwd)
sources=boards/tegra2/qemu/linux
out=$cache/linux
mkdir -p "$out"
exec 9>"$cache/linux.lock"
flock 9

need() {
    missing=
    while [ $# -gt 0 ]; do
        have "$1" || missing="$missing $2"
        shift 2
    done
    [ -z "$missing" ] && return
    apt_update
    # shellcheck disable=SC2086 # a list of words
    apt_install $missing
}

# ---- Debian's kernel, a device tree, a shell ----

need dtc device-tree-compiler cpio cpio xz xz-utils

# The packages that guests use as well.
debian=${CACHE:-target/debian}
scripts/debian/files.sh "$debian" vmlinuz
cmp -s "$debian/vmlinuz" "$out/vmlinuz" || { cp "$debian/vmlinuz" "$out/vmlinuz.new" && mv "$out/vmlinuz.new" "$out/vmlinuz"; }

if [ ! -e "$out/initrd.gz" ] || [ "$sources/init" -nt "$out/initrd.gz" ]; then
    scripts/debian/fetch.sh "$debian" busybox-static
    root=$cache/root
    rm -rf "$root"
    mkdir -p "$root/bin" "$root/dev" "$root/proc" "$root/sys"
    cp "$debian/root/busybox-static/bin/busybox" "$root/bin"
    cp "$sources/init" "$root/init"
    chmod 755 "$root/init"
    (cd "$root" && find . | LC_ALL=C sort | cpio --quiet -o -H newc -R 0:0 | gzip -n) >"$out/initrd.gz.new"
    rm -rf "$root"
    mv "$out/initrd.gz.new" "$out/initrd.gz"
fi

# Quiet about interrupt controllers without #address-cells, which only matters with an interrupt-map.
for board in generic tegra20; do
    dtc -q -I dts -O dtb -o "$out/xoom-$board.dtb" "$sources/xoom-$board.dts"
done

# ---- A kernel that knows the Tegra 2 ----

if [ "$what" = tegra20 ]; then
    key=$(sha256sum <"$sources/tegra20.config" | cut -c 1-20)
    if [ "$(cat "$out/tegra20.key" 2>/dev/null)" != "$key" ]; then
        need arm-linux-gnueabihf-gcc gcc-arm-linux-gnueabihf make make gcc "gcc libc6-dev" bc bc bison bison flex flex \
            perl perl
        say "fetching Debian's kernel source"
        build=$cache/linux-build
        rm -rf "$build"
        mkdir -p "$build/source" "$build/out"
        scripts/debian.sh "$cache" unpack linux-source-6.1 "$build/package"
        tar -xf "$build/package/usr/src/linux-source-6.1.tar.xz" -C "$build/source" --strip-components=1
        rm -rf "$build/package"
        cp "$sources/tegra20.config" "$build/tegra20.config"
        say "building it; this takes some minutes (log: $cache/linux-build.log)"
        (
            set -- make -s -C "$build/source" "O=$build/out" ARCH=arm CROSS_COMPILE=arm-linux-gnueabihf-
            "$@" "KCONFIG_ALLCONFIG=$build/tegra20.config" allnoconfig
            # An option that Linux has renamed, or whose dependencies have changed, is not silently lost.
            sed -n 's/^\(CONFIG_[A-Z0-9_]*=y\)$/\1/p' "$build/tegra20.config" | while read -r option; do
                grep -qx "$option" "$build/out/.config" || echo "xoom-linux: not set: $option"
            done
            nice -n 19 "$@" -j "${JOBS:-$(nproc)}" zImage tegra20-harmony.dtb tegra20-trimslice.dtb tegra20-ventana.dtb
        ) >"$cache/linux-build.log" 2>&1 || { tail -n 30 "$cache/linux-build.log" >&2; die "Linux does not build"; }
        grep '^xoom-linux: not set' "$cache/linux-build.log" >&2 && die "Linux does not take all of tegra20.config"
        cp "$build"/out/arch/arm/boot/dts/tegra20-*.dtb "$build/out/arch/arm/boot/zImage" "$out"
        rm -rf "$build"
        echo "$key" >"$out/tegra20.key"
    fi
fi

echo "$out"

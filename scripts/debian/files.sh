#!/bin/sh
# Makes what the Debian guests boot, from Debian's packages, in the directory CACHE:
#
#   scripts/debian/files.sh CACHE FILE...
#
#   vmlinuz         Debian's kernel for armhf (armmp), as it is
#   vmlinuz-lpae    the same with long descriptors (armmp-lpae)
#   initrd.gz       busybox to a shell, with small modules for vmlinuz (guest-kit/linux)
#   initrd-test.gz  the same and large test modules
#   initrd-lpae.gz, initrd-lpae-test.gz   those for vmlinuz-lpae
#   u-boot.bin      Debian's U-Boot for QEMU's virt machine, as it is
#
# The packages are fetched if they are not in CACHE yet; see fetch.sh.
set -eu
cd "$(dirname "$0")/../.."
script=debian
. scripts/apt.sh

[ $# -ge 2 ] || die "usage: scripts/debian/files.sh CACHE FILE..."
alone "$1" scripts/debian/files.sh "$@"
cache=$1
shift

small_modules="test_static_keys test_user_copy"
large_modules="test_bpf"

fetch() { scripts/debian/fetch.sh "$cache" "$@"; }

# Copies $1, the only file of that pattern, to $2, unless that is the same already: make goes by times.
copy() {
    [ -r "$1" ] || die "$1: the package does not have that file"
    cmp -s "$1" "$2" || { cp "$1" "$2.new" && chmod 644 "$2.new" && mv "$2.new" "$2"; }
}

# initrd NAME KERNEL_PACKAGE MODULE...
initrd() {
    name=$1
    package=$2
    shift 2
    fetch busybox-static "$package"
    scripts/debian/initramfs.sh "$cache/$name.made" "$cache/root/busybox-static/bin/busybox" \
        -m "$cache/root/$package" "$@"
    copy "$cache/$name.made" "$cache/$name"
    rm "$cache/$name.made"
}

for file in "$@"; do
    # shellcheck disable=SC2086 # lists of words
    case $file in
        vmlinuz) package=linux-image-armmp ;;
        vmlinuz-lpae) package=linux-image-armmp-lpae ;;
        initrd.gz) initrd $file linux-image-armmp $small_modules ;;
        initrd-test.gz) initrd $file linux-image-armmp $small_modules $large_modules ;;
        initrd-lpae.gz) initrd $file linux-image-armmp-lpae $small_modules ;;
        initrd-lpae-test.gz) initrd $file linux-image-armmp-lpae $small_modules $large_modules ;;
        u-boot.bin)
            fetch u-boot-qemu
            copy "$cache/root/u-boot-qemu/usr/lib/u-boot/qemu_arm/u-boot.bin" "$cache/$file"
            ;;
        *) die "no rule to make $file" ;;
    esac
    case $file in
        vmlinuz*)
            fetch $package
            copy "$(echo "$cache/root/$package/boot/vmlinuz-"*)" "$cache/$file"
            ;;
    esac
done

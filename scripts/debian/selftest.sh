#!/bin/sh
# Tests initramfs.sh and volume.sh without a network: with files made up here in place of Debian's. Prints what fails.
set -eu
cd "$(dirname "$0")/../.."
script=selftest
. scripts/apt.sh

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
kernel=$work/kernel
modules=$kernel/lib/modules/6.1.0-test/kernel
mkdir -p "$modules/lib" "$modules/net" "$work/extra/etc/rc.d" "$work/out"
echo busybox >"$work/busybox"

# module PATH NEEDS: a file with what a module says about itself.
module() { printf 'ELF\0license=GPL\0depends=%s\0name=x\0' "$2" >"$modules/$1.ko"; }
module lib/base ""
module lib/middle base
module net/other-one ""
module net/top_one middle,other_one
module net/unused base
printf '#!/bin/sh\n' >"$work/extra/etc/rc.d/run"
chmod 700 "$work/extra/etc/rc.d/run"

build() { (umask "$1" && scripts/debian/initramfs.sh "$2" "$work/busybox" -m "$kernel" top_one base -d "$work/extra"); }
build 022 "$work/one.gz"
touch "$work/busybox" "$modules"/*/*.ko
build 077 "$work/two.gz"
cmp "$work/one.gz" "$work/two.gz" || die "the same input gave two initial RAM disks"

gzip -dc "$work/one.gz" >"$work/one.cpio"
(cd "$work/out" && cpio --quiet -idm --no-preserve-owner <../one.cpio)
expected="kernel/lib/base.ko:
kernel/lib/middle.ko: kernel/lib/base.ko
kernel/net/other-one.ko:
kernel/net/top_one.ko: kernel/lib/middle.ko kernel/lib/base.ko kernel/net/other-one.ko"
found=$(cat "$work/out/lib/modules/6.1.0-test/modules.dep")
[ "$found" = "$expected" ] || die "modules.dep is
$found
and not
$expected"
[ ! -e "$work/out/lib/modules/6.1.0-test/kernel/net/unused.ko" ] || die "a module is there that nothing needs"
[ "$(readlink "$work/out/init")" = bin/busybox ] || die "/init does not lead to busybox"
for file in bin/busybox etc/rc etc/rc.d/run; do
    [ "$(stat -c %a "$work/out/$file")" = 755 ] || die "/$file is not executable for everyone"
done
for dir in dev proc sys tmp root; do
    [ -d "$work/out/$dir" ] || die "/$dir is missing"
done
if TZ=UTC LC_ALL=C cpio --quiet -tvn <"$work/one.cpio" | grep -v '^.* 0  *0  *[0-9]* Jan  *1  *1970 '; then
    die "these have an owner or a time"
fi
! scripts/debian/initramfs.sh "$work/three.gz" "$work/busybox" -m "$kernel" no_such 2>/dev/null ||
    die "a module that does not exist was taken"

# volume.sh: any words must come through as a string of TOML.
words='a="b c" d\e & f|g'
KERNEL=$work/busybox INITRD=none CMDLINE=$words scripts/debian/volume.sh linux "$work/volume"
found=$(sed -n 's/^cmdline *= //p' "$work/volume/nex.toml" | sort -u)
[ "$found" = '"a=\"b c\" d\\e & f|g"' ] || die "the command line became $found"
! grep -q '^initrd' "$work/volume/nex.toml" || die "INITRD=none left an initrd in nex.toml"
cmp "$work/busybox" "$work/volume/vmlinuz" || die "KERNEL is not in the volume"
KERNEL=$work/busybox INITRD=$work/one.gz scripts/debian/volume.sh linux "$work/volume"
cmp "$work/volume/nex.toml" guest-kit/volumes/linux/nex.toml || die "nex.toml changed without need"
UBOOT=$work/busybox scripts/debian/volume.sh uboot "$work/volume"
[ "$(cd "$work/volume" && echo *)" = "nex.toml u-boot.bin" ] || die "the volume for U-Boot holds something else"
! KERNEL=$work/nothing scripts/debian/volume.sh linux "$work/volume" 2>/dev/null || die "KERNEL may be missing"
echo "ok"

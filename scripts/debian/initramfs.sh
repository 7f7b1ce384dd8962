#!/bin/sh
# Makes an initramfs for the Linux guests: busybox, what is in guest-kit/linux/root, and kernel modules.
#
#   scripts/debian/initramfs.sh OUT BUSYBOX [-m KERNEL_ROOT MODULE...]... [-d DIRECTORY]...
#
# OUT is gzipped cpio. BUSYBOX is a static busybox for the guest. KERNEL_ROOT is an unpacked kernel package; of it the
# named MODULEs and what they depend on are taken, with a modules.dep, for modprobe. What is below DIRECTORY is added as it
# is, over what there is already.
#
# The same input gives the same bytes: no times, no users, names in order. Nothing needs root.
set -eu
cd "$(dirname "$0")/../.."
script=initramfs
. scripts/apt.sh

[ $# -ge 2 ] || die "usage: scripts/debian/initramfs.sh OUT BUSYBOX [-m KERNEL_ROOT MODULE...] [-d DIRECTORY]"
out=$1
busybox=$2
shift 2
have cpio || die "cpio is missing: make setup"
[ -r "$busybox" ] || die "$busybox: no such file"
mkdir -p "$(dirname "$out")"
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
trap 'exit 1' INT TERM HUP

# cpio itself is umask-proof, mkdir and cp are not.
umask 022
for dir in bin dev etc proc root sbin sys tmp usr/bin usr/sbin; do
    mkdir -p "$root/$dir"
done
cp -R guest-kit/linux/root/. "$root/"
cp "$busybox" "$root/bin/busybox"
chmod 755 "$root/bin/busybox"
# The kernel starts /init, and busybox is what the name says.
ln -s bin/busybox "$root/init"
for applet in sh mount umount cttyhack; do
    ln -s busybox "$root/bin/$applet"
done

# Copies the module $3 of the kernel in $1 with version $2, after those that it needs, and writes down what those are.
# Debian's package has no modules.dep, and depmod may be missing here: every module says in itself what it needs.
add_module() {
    path=$(cd "$1/lib/modules/$2" && find . -name "$(echo "$3" | tr _ '?').ko" | head -n 1)
    [ -n "$path" ] || die "$1: there is no module $3"
    path=${path#./}
    to=$root/lib/modules/$2
    [ ! -e "$to/$path" ] || return 0
    needs=$(tr '\0' '\n' <"$1/lib/modules/$2/$path" | sed -n 's/^depends=//p' | head -n 1 | tr ',' ' ')
    for need in $needs; do
        (add_module "$1" "$2" "$need")
    done
    mkdir -p "$to/$(dirname "$path")"
    cp "$1/lib/modules/$2/$path" "$to/$path"
    # A module's line names all that are needed, those of the needed ones included, as depmod writes it.
    all=
    for need in $needs; do
        all="$all $(sed -n "s|^\(.*/$(echo "$need" | tr _ .)\.ko\):|\1|p" "$to/modules.dep")"
    done
    # shellcheck disable=SC2086 # a list of words
    echo "$path:" $all >>"$to/modules.dep"
}

while [ $# -gt 0 ]; do
    case $1 in
        -m)
            [ $# -ge 2 ] || die "-m needs a directory"
            kernel=$2
            version=$(ls "$kernel/lib/modules")
            shift 2
            while [ $# -gt 0 ] && [ "${1#-}" = "$1" ]; do
                add_module "$kernel" "$version" "$1"
                shift
            done
            ;;
        -d)
            [ $# -ge 2 ] && [ -d "$2" ] || die "-d needs a directory"
            cp -R "$2/." "$root/"
            shift 2
            ;;
        *) die "what is $1?" ;;
    esac
done

# Git keeps no other permissions than these, whatever the umask at checkout was.
find "$root" -type d -exec chmod 755 {} +
find "$root" -type f -perm -u+x -exec chmod 755 {} +
find "$root" -type f ! -perm -u+x -exec chmod 644 {} +
find "$root" -exec touch -h -d @0 {} +
(cd "$root" && find . | LC_ALL=C sort | cpio --quiet -o -H newc -R 0:0 --reproducible) | gzip -9n >"$out.new"
mv "$out.new" "$out"

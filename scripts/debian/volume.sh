#!/bin/sh
# Puts together the directory of a boot volume that runs a Linux kernel or firmware:
#
#   scripts/debian/volume.sh linux DIR     dom0 and domU, both with KERNEL and INITRD
#   scripts/debian/volume.sh uboot DIR     one domain with UBOOT as its firmware
#   scripts/debian/volume.sh linux-uboot DIR     two of each
#   scripts/debian/volume.sh everything DIR     Linux twice, one U-Boot, and the sample guests (which `nextool bootvol` adds)
#
# nex.toml is that of guest-kit/volumes/linux and so on. The files come from the environment: KERNEL,
# INITRD, UBOOT, each empty for Debian's, which files.sh makes in CACHE; CMDLINE, if not empty, is the command line of both
# kernels. INITRD=none is no initrd.
set -eu
cd "$(dirname "$0")/../.."
script=volume
. scripts/apt.sh

[ $# = 2 ] || die "usage: scripts/debian/volume.sh linux|uboot|linux-uboot|everything DIR"
kind=$1
dir=$2
cache=${CACHE:-target/debian}
toml=guest-kit/volumes/$kind/nex.toml
[ -r "$toml" ] || die "$kind: must be linux, uboot, linux-uboot or everything"

# The file that the user gave in the variable $1, with the value $2, or Debian's $3.
source_of() {
    if [ -n "$2" ]; then
        [ -r "$2" ] || die "$1=$2: no such file"
        echo "$2"
    else
        scripts/debian/files.sh "$cache" "$3"
        echo "$cache/$3"
    fi
}

rm -rf "$dir"
mkdir -p "$dir"
edit=
if grep -q '^firmware' "$toml"; then
    file=$(source_of UBOOT "${UBOOT:-}" u-boot.bin)
    cp "$file" "$dir/u-boot.bin"
fi
if ! grep -q '^kernel' "$toml"; then
    cp "$toml" "$dir/nex.toml"
    exit 0
fi

file=$(source_of KERNEL "${KERNEL:-}" vmlinuz)
cp "$file" "$dir/vmlinuz"
if [ "${INITRD:-}" = none ]; then
    edit='/^initrd /d'
else
    file=$(source_of INITRD "${INITRD:-}" initrd.gz)
    cp "$file" "$dir/initrd.gz"
fi
if [ -n "${CMDLINE:-}" ]; then
    # As a string of TOML, and then as the text of a sed command.
    string=$(printf '%s' "$CMDLINE" | sed -e 's/[\"]/\\&/g' -e 's/[\&|]/\\&/g')
    edit="$edit
s|^\(cmdline *= \).*|\1\"$string\"|"
fi
sed "$edit" "$toml" >"$dir/nex.toml"

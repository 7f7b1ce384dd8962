#!/bin/sh
# Runs the conformance guest natively on QEMU's `virt` and as a domain of Nex, and compares what it prints.
# Exit status 0 if every case is right natively and all lines are the same.
#
#   scripts/conformance.sh GUEST IMAGE ELF OUT
#
# GUEST is the guest's ELF file, IMAGE and ELF are Nex, OUT is a directory for the boot volume and both outputs.
# CPU and NEXTOOL come from the environment, as the Makefile exports them.
set -eu
guest=$1
image=$2
elf=$3
out=$4
mkdir -p "$out/volume"

# No more than this; a guest that hangs must not hang `make`.
limit="timeout ${CONFORMANCE_SECONDS:-600}"

$limit qemu-system-arm -M virt -cpu "$CPU" -m 128 -display none -nic none -monitor none -serial stdio \
    -kernel "$guest" </dev/null | tr -d '\r' >"$out/native.txt" || true

cat >"$out/volume/nex.toml" <<'TOML'
on_idle = "poweroff"

[[domain]]
name   = "conformance"
kernel = "conformance"
memory = "128M"
TOML
"$NEXTOOL" bootvol --dir "$out/volume" --guests "$(dirname "$guest")" --out "$out/volume.cpio"
BOARD=qemu-virt MEM=256 $limit scripts/qemu.sh "$image" "$out/volume.cpio" "$elf" </dev/null | tr -d '\r' >"$out/console.txt" || true
sed -n 's/^\[conformance\] //p' "$out/console.txt" >"$out/nex.txt"

echo "natively: $(tail -n 1 "$out/native.txt")"
echo "in Nex:   $(tail -n 1 "$out/nex.txt")"
if ! grep -q '^conformance: [0-9]* cases, 0 failed$' "$out/native.txt"; then
    echo "Natively not all is right: $out/native.txt"
    grep -v ': ok ' "$out/native.txt" | head -n 20
    exit 1
fi
if ! diff "$out/native.txt" "$out/nex.txt" >"$out/diff.txt"; then
    echo "Lines that differ (< natively, > in Nex): $(grep -c '^>' "$out/diff.txt") of $(wc -l <"$out/native.txt"), in $out/diff.txt"
    head -n 40 "$out/diff.txt"
    exit 1
fi
echo "Both print the same."

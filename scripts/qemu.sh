#!/bin/sh
# Runs a Nex image on QEMU's `virt` machine with the console on this terminal.
#
#   scripts/qemu.sh IMAGE BOOTVOL [ELF]
#
# Settings come from the environment, as the Makefile exports them: CPU, SMP, MEM (MiB), ICOUNT, GDB, APPEND (more
# for the command line of Nex), QEMU_ARGS. ELF is only named in the hint for gdb.
#
# QEMU's status is 0 when Nex powers off and 1 when it panics: `exit=semihosting` tells Nex that it may leave by semihosting.
# userspace=off: QEMU takes semihosting calls from privileged modes only, so no guest can make one.
set -eu
image=$1
bootvol=$2
elf=${3:-}

for file in "$image" "$bootvol"; do
    [ -r "$file" ] || { echo "qemu.sh: cannot read $file" >&2; exit 1; }
done

set -- -M virt -cpu "${CPU:-cortex-a15}" -smp "${SMP:-1}" -m "${MEM:-256}" \
    -display none -nic none -no-reboot \
    -semihosting-config enable=on,target=native,userspace=off \
    -kernel "$image" -initrd "$bootvol" -append "exit=semihosting${APPEND:+ $APPEND}"

# QEMU's own escape key is Ctrl-] here: the usual Ctrl-A is Nex's.
set -- "$@" -serial mon:stdio -echr 0x1d

if [ "${ICOUNT:-0}" = 1 ]; then
    # One instruction is one nanosecond, and waiting takes no real time: every run is the same.
    set -- "$@" -icount shift=0,sleep=off
fi
if [ "${GDB:-0}" = 1 ]; then
    set -- "$@" -S -gdb tcp:127.0.0.1:1234
    echo "QEMU waits. In another terminal: gdb-multiarch ${elf:-$image} -ex 'target remote :1234'" >&2
fi
if [ -t 0 ]; then
    echo "Quit with Ctrl-] x. Three times Ctrl-A switches the input between Nex and its domains." >&2
fi

# QEMU_ARGS is a list of words, taken as it is.
# shellcheck disable=SC2086
exec qemu-system-arm "$@" ${QEMU_ARGS:-}

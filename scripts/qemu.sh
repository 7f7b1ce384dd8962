#!/bin/sh
# Runs a Nex image on QEMU's `virt` machine, or on `vexpress-a9`, with the console on this terminal.
#
#   scripts/qemu.sh IMAGE BOOTVOL [ELF]
#
# Settings come from the environment, as the Makefile exports them: BOARD, CPU, SMP, MEM (MiB), ICOUNT, GDB, FB, APPEND (more
# for the command line of Nex), QEMU_ARGS, NEXTOOL (the host tool).
#
# With ELF, the linked Nex, and NEXTOOL the console goes through `nextool run`, which decodes Nex's log records. Without
# them Nex is asked to log text. ELF is named in the hint for gdb as well.
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

words=exit=semihosting
# With a person there, a panic ends at the debugger's prompt; its `exit` ends QEMU.
[ ! -t 0 ] || words="$words panic=debugger"
if [ -r "$elf" ] && [ -x "${NEXTOOL:-}" ]; then
    decode=yes
else
    decode=
    words="$words log=text"
fi

case ${BOARD:-qemu-virt} in
    vexpress-a9)
        machine=vexpress-a9
        # It has a sound chip, for which QEMU would look for a sound server.
        QEMU_AUDIO_DRV=none
        export QEMU_AUDIO_DRV
        ;;
    *) machine=virt ;;
esac

set -- -M $machine -cpu "${CPU:-cortex-a15}" -smp "${SMP:-1}" -m "${MEM:-256}" \
    -nic none -no-reboot \
    -semihosting-config enable=on,target=native,userspace=off \
    -kernel "$image" -initrd "$bootvol" -append "$words${APPEND:+ $APPEND}"

# QEMU's own escape key is Ctrl-] here: the usual Ctrl-A is Nex's.
set -- "$@" -serial mon:stdio -echr 0x1d

if [ "${FB:-0}" = 1 ]; then
    # QEMU says that it cannot open vgabios-ramfb.bin where that is not installed: only PC firmware would need it.
    set -- "$@" -device ramfb
    if [ -n "${DISPLAY:-}${WAYLAND_DISPLAY:-}" ]; then
        echo "The screen is a window if QEMU has one to offer (Debian: qemu-system-gui), else a VNC server." >&2
    else
        qmp=${TMPDIR:-/tmp}/nex-qmp-$$
        set -- "$@" -display none -qmp "unix:$qmp,server=on,wait=off"
        echo "No display here. QMP's screendump takes a picture of the screen: socket $qmp" >&2
    fi
else
    set -- "$@" -display none
fi

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
set -- qemu-system-arm "$@" ${QEMU_ARGS:-}
if [ "$decode" ]; then
    exec "$NEXTOOL" run --elf "$elf" -- "$@"
fi
exec "$@"

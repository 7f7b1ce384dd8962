#!/bin/sh
# Boots an Android boot image with Nex on the emulated Xoom (docs/xoom-machine.md), with the console on this terminal. The
# emulator is built first if that was not done before.
#
#   scripts/qemu-xoom.sh IMAGE [ELF]
#
# Settings come from the environment, as the Makefile exports them: MEM (MiB), ICOUNT, GDB, FB, QEMU_ARGS, NEXTOOL, with the
# meanings that scripts/qemu.sh gives them. The command line of Nex is in IMAGE; what is added here only says that this is
# no tablet.
set -eu
image=$1
elf=${2:-}

[ -r "$image" ] || { echo "qemu-xoom.sh: cannot read $image" >&2; exit 1; }
qemu=$("$(dirname "$0")/build-qemu-xoom.sh")

words=exit=semihosting
# With a person there, a panic ends at the debugger's prompt; its `exit` ends QEMU.
[ ! -t 0 ] || words="$words panic=debugger"
if [ -r "$elf" ] && [ -x "${NEXTOOL:-}" ]; then
    decode=yes
else
    decode=
    words="$words log=text"
fi

set -- "$qemu" -M xoom -m "${MEM:-1024}" -no-reboot -semihosting-config enable=on,target=native,userspace=off \
    -kernel "$image" -append "$words" -serial mon:stdio -echr 0x1d

if [ "${FB:-0}" = 1 ]; then
    # The server wants a key map, whatever the machine has; this one has no keyboard, so an empty map does.
    data=$(dirname "$qemu")/data
    mkdir -p "$data/keymaps"
    : >"$data/keymaps/en-us"
    set -- "$@" -L "$data" -vnc 127.0.0.1:0
    echo "The panel is shown by a VNC server: vncviewer 127.0.0.1:0" >&2
else
    set -- "$@" -display none
fi
if [ "${ICOUNT:-0}" = 1 ]; then
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
set -- "$@" ${QEMU_ARGS:-}
if [ "$decode" ]; then
    exec "$NEXTOOL" run --elf "$elf" -- "$@"
fi
exec "$@"

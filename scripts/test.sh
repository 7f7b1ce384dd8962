#!/bin/sh
# All checks and tests. Goes on after a failure. The last line says `N passed, N failed` over all tests; a check that
# is no test (formatting, clippy, a build, the size) counts as one failure if it fails. Exit status 0 if nothing failed.
#
#   scripts/test.sh TARGET_DIR
#
# Started by `make test`, which has run scripts/setup.sh and exports what that found.
set -u
cd "$(dirname "$0")/.."
target_dir=$1
log=$target_dir/test.log
other_failures=0
: >"$log"
rm -f "$target_dir/test.summary"

# Sums the field $1 of all lines `test result: ok. 3 passed; 0 failed; ...` so far.
sum() { sed -n "s/^test result: .*[ ;]\([0-9][0-9]*\) $1;.*/\1/p" "$log" | awk '{ n += $1 } END { print n + 0 }'; }

# check WHAT COMMAND...: runs it with its output on the terminal and in the log, and remembers a failure.
check() {
    what=$1
    shift
    echo "==> $what"
    before=$(sum failed)
    began=$(date +%s)
    { "$@" 2>&1; echo $? >"$target_dir/test.status"; } | tee -a "$log"
    if [ "$(cat "$target_dir/test.status")" != 0 ]; then
        echo "==> FAILED: $what"
        [ "$(sum failed)" != "$before" ] || other_failures=$((other_failures + 1))
    fi
    echo "==> took $(($(date +%s) - began)) s"
}

# What is tested is the default configuration, whatever .config says.
unset NEX_CONFIG
make="make --no-print-directory NEX_CONFIG=default"
check "formatting and clippy" $make lint
# The default members of the workspace, and the guest kit, whose logic has host tests too.
check "tests on the host" cargo test --no-fail-fast
check "tests of the guest kit and the configuration on the host" \
    cargo test --no-fail-fast --package nex-guest --package nex-config
check "the instruction decoder against another disassembler, a sample" cargo test --no-fail-fast --package nex-decoder-proof
export NEX_KCONFIGLIB="$target_dir/kconfiglib"
if scripts/menuconfig.sh "$NEX_KCONFIGLIB" .config install; then
    check "menuconfig" cargo test --no-fail-fast --package nex-config --test menuconfig -- --ignored
else
    echo "==> NOT TESTED: menuconfig, for there is no kconfiglib"
fi
# QEMU with the tablet, if it has to be built: some minutes of both cores, but only when the models have changed. The builds
# that follow leave a core idle half of the time. If this fails, the tests of the tablet say why.
xoom_builds=
if [ "${NEX_XOOM:-}" != skip ] && [ "${NEX_LINUX:-}" != skip ]; then
    nice scripts/build-qemu-xoom.sh >"$target_dir/build-qemu-xoom.log" 2>&1 &
    xoom_builds=$!
fi
check "image, guests, boot volume" $make build BOARD=qemu-virt
check "the other board" $make build BOARD=tegra2 CPU=cortex-a9
check "the board for tests on a Cortex-A9" $make build BOARD=vexpress-a9
check "size" $make size BOARD=qemu-virt
check "the smallest and the largest configuration" $make configs
[ -z "$xoom_builds" ] || wait "$xoom_builds"
# Without a network only those who look at the output can know; a CI must not pass for that reason.
export CACHE="${CACHE:-$target_dir/debian}"
export NEX_LINUX_KERNEL="$CACHE/vmlinuz" NEX_LINUX_LPAE_KERNEL="$CACHE/vmlinuz-lpae" NEX_LINUX_INITRD="$target_dir/linux-tests.gz"
linux_files() { $make linux-tests && scripts/debian/files.sh "$CACHE" vmlinuz-lpae; }
if [ -n "${CI:-}" ]; then
    check "Debian's Linux and the programs for it" linux_files
elif ! linux_files; then
    echo "==> NOT TESTED: Linux, for Debian's files cannot be fetched"
    export NEX_LINUX=skip
fi
export NEX_IMAGE="$target_dir/nex-qemu-virt.bin" NEX_DEFAULT_VOLUME="$target_dir/default.cpio"
export NEX_GUESTS_DIR="$target_dir/armv7a-none-eabi/release"
check "Debian's U-Boot, for a guest" scripts/debian/files.sh "$CACHE" u-boot.bin
export NEX_UBOOT="$CACHE/u-boot.bin"
check "tests in QEMU" cargo test --no-fail-fast --package nex-qemu-tests
check "random cases natively and under Nex" $make difftest N=2000
# Instructions, not seconds: the same on every machine.
if [ "${NEX_LINUX:-}" = skip ]; then
    check "no ratio of the benchmark is worse than in bench/" $make bench CHECK=1 GROUPS=kernel
else
    check "no ratio of the benchmark is worse than in bench/" $make bench CHECK=1 GROUPS="kernel linux"
fi
if [ "${NEX_XOOM:-}" = skip ] || [ "${NEX_LINUX:-}" = skip ]; then
    echo "==> NOT TESTED: the emulated Xoom, by NEX_XOOM=skip or for want of Debian's files"
else
    check "the emulated Xoom, and Nex on it" $make test-xoom TIER=generic
fi

failed=$(($(sum failed) + other_failures))
echo "$(sum passed) passed, $failed failed" | tee "$target_dir/test.summary"
[ "$failed" = 0 ]

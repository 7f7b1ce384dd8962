#!/bin/sh
# Tests the emulated Xoom (docs/xoom-machine.md) and Nex on it: builds the emulator if needed, gets the Linux systems that it
# is validated with, and runs scripts/xoom-tests.
#
#   scripts/test-xoom.sh [generic|tegra20]
#
# generic: with Debian's kernel as it is. tegra20, the default: also with one built for the Tegra 2, which takes some minutes
# at the first time; and those tests of scripts/qemu-tests that run guests, and the differential tester, once more on the
# emulated Xoom, which takes some minutes each time.
#
# Started by `make test-xoom`, which has run scripts/setup.sh and exports what that found; TARGET_ENV and TARGET_FLAGS are what
# building for the target needs.
set -eu
cd "$(dirname "$0")/.."
target=${CARGO_TARGET_DIR:-$PWD/target}
release=$target/armv7a-none-eabi/release
make="make --no-print-directory NEX_CONFIG=default"

tier=${1:-tegra20}
# The names of the tests with the built kernel begin so.
[ "$tier" = generic ] && skip="--skip tegra20" || skip=
# Each machine has two CPUs, and every test is one: more at once than the host can run only makes them slower.
threads=${NEX_XOOM_THREADS:-2}

NEX_QEMU_XOOM=$(scripts/build-qemu-xoom.sh)
NEX_XOOM_LINUX=$(CACHE=${CACHE:-$target/debian} scripts/xoom-linux.sh "$tier")
# shellcheck disable=SC2086 # lists of words
env ${TARGET_ENV-} cargo build --release --target armv7a-none-eabi ${TARGET_FLAGS-} --package nex-xoom-bare
NEX_XOOM_BARE=$release/nex-xoom-bare

# Two boot images, which `make` writes to the same place.
image=$target/nex-tegra2.img
NEX_XOOM_IMAGE=$target/nex-tegra2-default.img
NEX_XOOM_EVERYTHING=$target/nex-tegra2-everything.img
$make image BOARD=tegra2 APPEND= BOOTVOL="$target/default.cpio"
mv "$image" "$NEX_XOOM_IMAGE"
$make image BOARD=tegra2 APPEND= CACHE="${CACHE:-$target/debian}"
mv "$image" "$NEX_XOOM_EVERYTHING"

NEX_XOOM_FLAT=$target/nex-tegra2.bin
NEX_XOOM_VOLUME=$target/default.cpio

export NEX_XOOM_FLAT NEX_XOOM_VOLUME NEX_QEMU_XOOM NEX_XOOM_LINUX NEX_XOOM_BARE NEX_XOOM_IMAGE NEX_XOOM_EVERYTHING
status=0
# shellcheck disable=SC2086 # a list of words
cargo test --no-fail-fast --package nex-xoom-tests -- --test-threads "$threads" $skip || status=1
[ "$tier" != generic ] || exit $status

$make linux-tests CACHE="${CACHE:-$target/debian}"
export NEX_TEST_BOARD=tegra2 NEX_QEMU="$NEX_QEMU_XOOM" NEX_GUESTS_DIR="$release" NEX_DEFAULT_VOLUME="$target/default.cpio"
export NEX_IMAGE="$target/nex-tegra2.bin" NEX_ELF="$release/nex-tegra2"
export NEX_LINUX_KERNEL="${CACHE:-$target/debian}/vmlinuz" NEX_LINUX_INITRD="$target/linux-tests.gz"
export NEX_UBOOT="${CACHE:-$target/debian}/u-boot.bin"
# The CPU is the tablet's whatever a test asks for, so once is enough.
cargo test --no-fail-fast --package nex-qemu-tests --test conformance --test abuse --test isolation --test linux --test uboot \
    --test selftest -- --test-threads "$threads" --skip cortex_a7 || status=1
$make difftest BOARD=tegra2 N=2000 || status=1
exit $status

#!/bin/sh
# Tests the emulated Xoom (docs/xoom-machine.md): builds it if needed, gets the Linux systems that it is validated with,
# and runs scripts/xoom-tests, at last with the boot image of Nex.
#
#   scripts/test-xoom.sh [generic|tegra20]
#
# generic: with Debian's kernel as it is; tegra20, the default: also with one built for the Tegra 2, which takes some
# minutes at the first time. Started by `make test-xoom`, which has run scripts/setup.sh and exports what that found;
# TARGET_ENV and TARGET_FLAGS are what building for the target needs.
set -eu
cd "$(dirname "$0")/.."
target=armv7a-none-eabi

tier=${1:-tegra20}
# The names of the tests with the built kernel begin so.
[ "$tier" = generic ] && skip="--skip tegra20" || skip=

NEX_QEMU_XOOM=$(scripts/build-qemu-xoom.sh)
NEX_XOOM_LINUX=$(scripts/xoom-linux.sh "$tier")
# shellcheck disable=SC2086 # lists of words
env ${TARGET_ENV-} cargo build --release --target $target ${TARGET_FLAGS-} --package nex-xoom-bare
NEX_XOOM_BARE=${CARGO_TARGET_DIR:-$PWD/target}/$target/release/nex-xoom-bare
NEX_XOOM_IMAGE=${CARGO_TARGET_DIR:-$PWD/target}/nex-tegra2.img
make --no-print-directory image BOARD=tegra2 BOOTVOL="${CARGO_TARGET_DIR:-target}/default.cpio" APPEND= NEX_CONFIG=default
NEX_XOOM_FLAT=${CARGO_TARGET_DIR:-$PWD/target}/nex-tegra2.bin
NEX_XOOM_VOLUME=${CARGO_TARGET_DIR:-$PWD/target}/default.cpio
export NEX_XOOM_FLAT NEX_XOOM_VOLUME
export NEX_QEMU_XOOM NEX_XOOM_LINUX NEX_XOOM_BARE NEX_XOOM_IMAGE
# Each machine has two CPUs, and every test is one: more at once than the host can run only makes them slower.
# shellcheck disable=SC2086 # a list of words
cargo test --no-fail-fast --package nex-xoom-tests -- --test-threads "${NEX_XOOM_THREADS:-2}" $skip

#!/bin/sh
# Installs what building and running Nex needs and is not there, and records the Rust toolchain in the file $1
# (default target/toolchain.mk), which the Makefile includes. Does nothing, quickly, when everything is there.
#
# Rust: the toolchain of rust-toolchain.toml, by rustup. Where there is no rustup, or it cannot reach its server,
# Debian's own packages of a recent Rust (rustc-web and friends) are used instead.
set -eu
cd "$(dirname "$0")/.."
record=${1:-target/toolchain.mk}

script=setup
. scripts/apt.sh

# ---- Packages of the system ----

missing_packages() {
    have qemu-system-arm || echo qemu-system-arm
    have gdb-multiarch || echo gdb-multiarch
    have cpio || echo cpio
    have cc || echo gcc
    [ ! -d /etc/apt ] || [ -e /usr/include/stdio.h ] || echo libc6-dev
    [ ! -d /etc/apt ] || [ -s /etc/ssl/certs/ca-certificates.crt ] || echo ca-certificates
}

missing=$(missing_packages | tr '\n' ' ')
if [ -n "$missing" ]; then
    have apt-get || die "please install these with your system's package manager: $missing(Debian's names)"
    apt_update
    # shellcheck disable=SC2086 # a list of words
    apt_install $missing
fi

# ---- Rust by rustup ----

setting() { sed -n "s/^$1 *= *//p" rust-toolchain.toml | tr -d '[]",'; }
channel=$(setting channel)
target=$(setting targets)

# rustup may be installed for this user without being in PATH, for example in a non-login shell.
cargo_bin=${CARGO_HOME:-${HOME:-/root}/.cargo}/bin
path_suffix=
if ! have rustup && [ -x "$cargo_bin/rustup" ]; then
    path_suffix=:$cargo_bin
    PATH=$PATH$path_suffix
fi

rustup_has_all() {
    sysroot=$(rustup run "$channel" rustc --print sysroot 2>/dev/null) || return 1
    [ -d "$sysroot/lib/rustlib/$target" ] && [ -x "$sysroot/bin/cargo-clippy" ] && [ -x "$sysroot/bin/rustfmt" ]
}

rustup_install() {
    say "installing Rust $channel with rustup"
    set -- toolchain install "$channel" --no-self-update --profile "$(setting profile)" --target "$target"
    for component in $(setting components); do
        set -- "$@" --component "$component"
    done
    rustup "$@" >&2 && rustup_has_all
}

# ---- Rust by Debian ----

# The oldest release of Rust that will do: rust-version in Cargo.toml.
oldest=$(sed -n 's/^rust-version *= *"\(.*\)"/\1/p' Cargo.toml)

new_enough() { [ "$(printf '%s\n' "$oldest" "$1" | sort -V | head -n 1)" = "$oldest" ]; }

debian_has_all() {
    [ -x /usr/bin/cargo ] && [ -x /usr/bin/cargo-clippy ] && [ -x /usr/bin/rustfmt ] && debian_lld >/dev/null &&
        [ -d "$(/usr/bin/rustc --print sysroot)/lib/rustlib/src/rust/library/core" ] &&
        new_enough "$(/usr/bin/rustc --version | cut -d ' ' -f 2)"
}

debian_lld() {
    # The newest, for it has to read what rustc's LLVM wrote.
    newest=$(ls /usr/bin/ld.lld-[0-9]* 2>/dev/null | sort -V | tail -n 1)
    [ -n "$newest" ] && echo "$newest"
}

debian_candidate() { apt-cache policy rustc-web 2>/dev/null | sed -n 's/^ *Candidate: *//p'; }

debian_install() {
    have apt-get || return 1
    apt_update
    version=$(debian_candidate)
    if ! new_enough "${version:-0}" && grep -q '^ID=debian' /etc/os-release; then
        # A minimal installation has only the release itself, whose Rust is too old; Debian's security archive has the
        # new one, which it needs to build browsers.
        codename=$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release)
        list=/etc/apt/sources.list.d/debian-security-for-nex.list
        say "adding Debian's security archive to apt's sources, in $list, for Rust $oldest or newer"
        echo "deb http://deb.debian.org/debian-security $codename-security main" | as_root tee $list >/dev/null
        updated=
        apt_update
        version=$(debian_candidate)
    fi
    if ! new_enough "${version:-0}"; then
        say "this system's packages have no Rust $oldest or newer (rustc-web: ${version:-none})"
        return 1
    fi
    lld=$(apt-cache search --names-only '^lld-[0-9]+$' | cut -d ' ' -f 1 | sort -V | tail -n 1)
    apt_install rustc-web cargo-web rust-web-src rustfmt-web rust-web-clippy "$lld" && debian_has_all
}

# Newer Debian and Ubuntu have rustup itself as a package.
apt_rustup() {
    have apt-get || return 1
    apt_update
    apt-cache policy rustup 2>/dev/null | grep -q 'Candidate: [0-9]' && apt_install rustup && rustup_install
}

# ---- Which one ----

use_rustup() {
    cat <<EOF
# Written by scripts/setup.sh: Rust $channel by rustup.
export PATH := \$(PATH)$path_suffix
export RUSTUP_TOOLCHAIN := $channel
EOF
}

# build-std needs RUSTC_BOOTSTRAP, which would make build scripts of host crates think that they have a nightly compiler;
# so only builds for the target get it.
use_debian() {
    cat <<EOF
# Written by scripts/setup.sh: Debian's Rust, with core and alloc built from source.
# /usr/bin goes first, so that a rustup elsewhere in PATH does not get in between.
export PATH := /usr/bin:/bin:\$(PATH)
export CARGO_TARGET_ARMV7A_NONE_EABI_LINKER := $(debian_lld)
TARGET_ENV := RUSTC_BOOTSTRAP=1
TARGET_FLAGS := -Zbuild-std=core,alloc
# Its clippy is newer than the pinned one and may know more lints: they are shown, but do not fail.
CLIPPY_FLAGS :=
EOF
}

if have rustup && rustup_has_all; then
    chosen=$(use_rustup)
elif [ -e "$record" ] && grep -q "Debian's Rust" "$record" && debian_has_all; then
    # rustup failed before; do not try again each time. `make setup` does.
    chosen=$(use_debian)
elif have rustup && rustup_install; then
    chosen=$(use_rustup)
elif debian_has_all; then
    chosen=$(use_debian)
elif ! have rustup && apt_rustup; then
    chosen=$(use_rustup)
elif debian_install; then
    chosen=$(use_debian)
else
    die "no Rust $channel or newer to be had: install rustup (https://rustup.rs), then run this again"
fi

if [ "$(cat "$record" 2>/dev/null)" != "$chosen" ]; then
    mkdir -p "$(dirname "$record")"
    echo "$chosen" >"$record"
fi

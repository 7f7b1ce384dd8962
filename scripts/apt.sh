# Functions of the scripts that install something; sourced. They speak as $script.

say() { echo "$script: $*" >&2; }
die() { say "$*"; exit 1; }
have() { command -v "$1" >/dev/null 2>&1; }

as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    elif have sudo; then
        sudo "$@"
    else
        die "not root, and no sudo, to run: $*"
    fi
}

# alone DIRECTORY SCRIPT ARGUMENT...: starts the script anew with the directory locked, unless it has that lock: two that fetch
# into one directory would spoil each other's package lists.
alone() {
    mkdir -p "$1"
    directory=$(cd "$1" && pwd)
    shift
    [ "${NEX_LOCKED:-}" != "$directory" ] && have flock || return 0
    export NEX_LOCKED="$directory"
    exec flock "$directory/fetch.lock" "$@"
}

updated=
apt_update() {
    [ -n "$updated" ] || as_root apt-get -qq update >&2 || say "apt-get update had errors; going on"
    updated=1
}

apt_install() {
    say "installing $*"
    as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -y -o DPkg::Lock::Timeout=300 \
        install --no-install-recommends "$@" >&2
}

#!/bin/sh
# Edits the build configuration with kconfiglib. Only this needs Python; a build reads the file by itself.
#
#   scripts/menuconfig.sh VENV FILE menuconfig            in the terminal
#   scripts/menuconfig.sh VENV FILE defconfig [FROM]      writes FILE: all defaults, or what FROM sets and the defaults
#   scripts/menuconfig.sh VENV FILE savedefconfig OUT     writes what differs from the defaults to OUT
#   scripts/menuconfig.sh VENV FILE install               only installs kconfiglib
#
# kconfiglib is installed into VENV, a virtual environment of Python, at the first use.
set -eu
cd "$(dirname "$0")/.."
venv=$1
file=$2
command=$3
argument=${4:-}
requirements=scripts/menuconfig-requirements.txt

script=menuconfig
. scripts/apt.sh

# Debian's python3 alone can make no virtual environment with pip.
python_has_all() { python3 -c 'import curses, ensurepip, venv' 2>/dev/null; }

install_python() {
    have apt-get || die "please install Python 3 with its modules curses and venv (with ensurepip)"
    apt_update
    apt_install python3 python3-venv &&
        python_has_all || die "Python 3 with curses and venv could not be installed; see above"
}

# A copy of the requirements is left where they are installed, as the last step.
is_installed() { [ -x "$venv/bin/menuconfig" ] && cmp -s "$requirements" "$venv/installed.txt"; }

install_kconfiglib() {
    python_has_all || install_python
    say "installing kconfiglib into $venv"
    rm -rf "$venv"
    python3 -m venv "$venv" >&2 || die "python3 could not make a virtual environment in $venv"
    "$venv/bin/python" -m pip install --quiet --retries 1 --disable-pip-version-check --no-deps --require-hashes \
        --requirement "$requirements" >&2 ||
        die "pip could not install kconfiglib; this takes a connection to PyPI (or PIP_INDEX_URL=...) once. A" \
            "configuration can also be written by hand: docs/configuration.md has the options and the format"
    cp "$requirements" "$venv/installed.txt"
}

if [ "$command" = menuconfig ]; then
    [ -t 0 ] && [ -t 1 ] || die "this is no terminal; \`make defconfig\` writes a file with the defaults to edit by hand"
    [ "${TERM:-dumb}" != dumb ] || die "TERM=${TERM:-}: menuconfig needs a terminal that can move its cursor"
fi
is_installed || install_kconfiglib

# What kconfiglib goes by. It reads Kconfig files as UTF-8 only under such a locale.
export KCONFIG_CONFIG="$file" LC_ALL=C.UTF-8
export KCONFIG_CONFIG_HEADER='# The build configuration of Nex; see docs/configuration.md.
'
case $command in
    install) ;;
    menuconfig) exec "$venv/bin/menuconfig" Kconfig ;;
    defconfig)
        if [ -n "$argument" ]; then
            [ -r "$argument" ] || die "$argument: cannot be read"
            exec "$venv/bin/defconfig" --kconfig Kconfig "$argument"
        fi
        exec "$venv/bin/alldefconfig" Kconfig
        ;;
    savedefconfig)
        [ -n "$argument" ] || die "savedefconfig needs the name of the file to write"
        exec "$venv/bin/savedefconfig" --kconfig Kconfig --out "$argument"
        ;;
    *) die "no command $command" ;;
esac

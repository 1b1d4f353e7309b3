#!/bin/sh
# Make a virtual environment and install the locked packages and this project into it.
#
#     sh requirements/install.sh PYTHON VENV runtime|dev
#
# Every file that is fetched is checked against a hash in requirements/*.txt.
set -eu

python=$1 venv=$2 set=$3

fail() { echo "$1" >&2; exit 1; }
version() { "$1" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null || true; }

found=$(version "$python")
case $found in
    3.11 | 3.12 | 3.13) ;;
    '') fail "There is no \`$python\` here. Install Python 3.11, 3.12 or 3.13 (e.g. \`apt install python3 python3-venv\`), or say where it is: make PYTHON=/path/to/python3 ..." ;;
    *) fail "Wanneng needs Python 3.11, 3.12 or 3.13, and \`$python\` is $found. Choose another: make PYTHON=python3.12 ..." ;;
esac

uv=''
if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
    uv=$(command -v uv) || fail "This Python cannot make virtual environments. Install that part (\`apt install python3-venv\`), or uv, and repeat."
fi

fits() {
    [ "$(version "$venv/bin/python")" = "$found" ] || return 1
    [ -n "$uv" ] || "$venv/bin/python" -c 'import pip' 2>/dev/null
}

if ! fits; then
    echo "Making $venv with Python $found ..."
    rm -rf "$venv"
    if [ -n "$uv" ]; then
        "$uv" venv --quiet --python "$python" "$venv"
    else
        "$python" -m venv "$venv"
    fi
fi

install() {
    if [ -n "$uv" ]; then
        "$uv" pip install --quiet --python "$venv/bin/python" "$@"
    else
        "$venv/bin/python" -m pip install --quiet --quiet --no-input --disable-pip-version-check "$@"
    fi
}

files='-r requirements/dev.txt'
[ "$set" = dev ] || files='-r requirements/runtime.txt -r requirements/build.txt'
echo "Installing the locked packages into $venv (a minute or so the first time) ..."
# shellcheck disable=SC2086 # the list of files is split on purpose
install --require-hashes $files
install --no-deps --no-build-isolation --editable .

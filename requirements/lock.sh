#!/bin/sh
# Write requirements/*.txt from pyproject.toml: exact versions and the hash of every file of each,
# for Python 3.11 to 3.13 on all platforms. No address stands in them, so that each installer uses
# the registry it is set up for. Settings of this machine's own (extra indexes, folders of wheels)
# are left out of account: they may hold other files under the same names.
#
#     sh requirements/lock.sh [--upgrade]
set -eu

uv=.venv/bin/uv
[ -x "$uv" ] || uv=$(command -v uv) || { echo "Install uv to write the lock." >&2; exit 1; }

lock() {
    output=requirements/$1.txt
    shift
    env -i PATH="$PATH" HOME="$HOME" SSL_CERT_FILE="${SSL_CERT_FILE-}" HTTPS_PROXY="${HTTPS_PROXY-}" \
        "$uv" pip compile --no-config --quiet --universal --python-version 3.11 \
        --generate-hashes --no-annotate --custom-compile-command 'make lock' \
        --output-file "$output" "$@"
    echo "$output: $(grep -c == "$output") packages"
}

# All together first; what serves and what builds are then parts of it with the same versions.
lock dev --group dev pyproject.toml "$@"
lock runtime --constraint requirements/dev.txt pyproject.toml "$@"
lock build --constraint requirements/dev.txt --group build "$@"

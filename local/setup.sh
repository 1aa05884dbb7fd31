#!/bin/sh
# Makes .venv: Python 3.13 and exactly what requirements/run.txt locks; with the word `tests`, and wherever that was
# asked for before, requirements/dev.txt, which holds all of it. Run by make; repeating it costs seconds.
set -eu
cd "$(dirname "$0")/.."

say() { printf '%s\n' "$*" >&2; }
fail() { say "setup: $*"; exit 1; }

here=$(pwd -P)
[ -w . ] || fail "nothing can be written in $here, and all that is set up goes there. Clone into a folder of your own."
[ ! -e .venv ] || [ -w .venv ] || fail "nothing can be written in $here/.venv. Who made it can remove it; then run make again."
# Scripts in .venv name the place where they were made: in a copy they would run the original's code.
made_at=$(cat .venv/.ready 2>/dev/null || true)
if [ -n "$made_at" ] && [ "$made_at" != "$here" ]; then
    say "setup: this clone was moved or copied from $made_at: setting it up anew."
    rm -rf .venv .uv
fi

lock=requirements/run.txt
if [ "${1:-}" = tests ] || [ -e .venv/.complete ]; then lock=requirements/dev.txt; fi

# uv makes the environment, and finds or fetches Python 3.13. Where it is missing it goes into .uv/, and nowhere else.
find_uv() {
    for candidate in uv .uv/bin/uv; do
        if "$candidate" --version >/dev/null 2>&1; then echo "$candidate"; return; fi
    done
}

find_python() {
    for candidate in python3.13 python3 python3.14 python3.12 python3.11 /usr/bin/python3; do
        if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then
            echo "$candidate"; return
        fi
    done
}

uv=$(find_uv)
if [ -z "$uv" ]; then
    python=$(find_python)
    [ -n "$python" ] || fail "neither uv nor Python 3.11 or newer was found. Install one of them (https://docs.astral.sh/uv or https://www.python.org), then run make again."
    say "setup: installing uv into .uv/ ..."
    rm -rf .uv
    "$python" -m venv .uv || fail "$python cannot make a virtual environment. On Debian and Ubuntu: apt install python3-venv; then run make again."
    pinned=$(sed -n '/^uv==/,/[^\\]$/p' "$lock")
    printf '%s\n' "$pinned" >.uv/uv.txt
    .uv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r .uv/uv.txt \
        || fail "pip could not install uv. Is the package index reachable from here?"
    uv=.uv/bin/uv
fi

if ! .venv/bin/python -c 'import sys; sys.exit(sys.version_info[:2] != (3, 13))' >/dev/null 2>&1; then
    say "setup: making .venv with Python 3.13 ..."
    "$uv" venv --quiet --clear --python 3.13 .venv \
        || fail "no Python 3.13 was found, and uv could not fetch one. Install Python 3.13, then run make again."
fi

say "setup: installing the locked packages ..."
"$uv" pip sync --quiet --python .venv/bin/python --require-hashes "$lock" \
    || fail "the locked packages could not be installed. Is the package index reachable from here?"
"$uv" pip install --quiet --python .venv/bin/python --no-deps --no-build-isolation --editable . \
    || fail "stockstream itself could not be installed."
# What the tests import is compiled here, once: the processes of `make test` would all do so at the same time.
if [ "$lock" != requirements/run.txt ] && [ ! -e .venv/.complete ]; then
    say "setup: compiling what the tests import ..."
    env -u PYTHONDONTWRITEBYTECODE .venv/bin/pytest --collect-only --quiet >/dev/null 2>&1 || true
fi
[ "$lock" = requirements/run.txt ] || printf '%s\n' "$here" >.venv/.complete
printf '%s\n' "$here" >.venv/.ready

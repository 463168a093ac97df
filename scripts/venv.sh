#!/usr/bin/env bash
# Makes the virtual environment NAME from scripts/requirements/NAME.txt, if it is not there or was made from another, and
# prints the folder of its programs. Each tool has its own, so that none forces versions upon another.
set -euo pipefail
cd "$(dirname "$0")/.."
name=${1:?usage: scripts/venv.sh NAME}
wanted=scripts/requirements/$name.txt venv=target/venvs/$name
if ! cmp -s "$wanted" "$venv/made-from.txt"; then
  rm -rf "$venv"
  python3 -m venv "$venv"
  "$venv/bin/pip" install --quiet --disable-pip-version-check -r "$wanted" >&2
  cp "$wanted" "$venv/made-from.txt"
fi
echo "$PWD/$venv/bin"

#!/usr/bin/env bash
# Makes the Python environment of scripts/requirements/NAME.txt if it is missing or out of date, and prints its bin directory.
set -euo pipefail
cd "$(dirname "$0")/.."
name=${1:?usage: scripts/venv.sh NAME}
requirements=scripts/requirements/$name.txt venv=target/venvs/$name
wanted=$(sha256sum <"$requirements")
if [ "$(cat "$venv/stamp" 2>/dev/null)" != "$wanted" ]; then
  rm -rf "$venv"
  python3 -m venv "$venv" >&2
  "$venv/bin/pip" install -q --disable-pip-version-check -r "$requirements" >&2
  echo "$wanted" >"$venv/stamp"
fi
echo "$PWD/$venv/bin"

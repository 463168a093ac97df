#!/usr/bin/env bash
# Runs the Stripe client against localstripe (https://github.com/adrienverge/localstripe), a double of Stripe that somebody else wrote, for the
# calls it knows. It is a program under the GPL that is run beside, on a free port of 127.0.0.1, and ended by its pid; nothing is linked with it.
# It needs Python 3 and, the first time, the package index. Without them it is skipped, loudly; with LOCALSTRIPE_REQUIRED=1 that is a failure.
set -euo pipefail
cd "$(dirname "$0")/.."
skip() {
  echo "localstripe: SKIPPED, NOTHING WAS CHECKED: $1" >&2
  [ "${LOCALSTRIPE_REQUIRED:-0}" != 1 ] || exit 1
  exit 0
}
command -v python3 >/dev/null || skip "there is no python3"
venv=$(scripts/venv.sh localstripe) || skip "it cannot be installed"
# The one file that it keeps, at a path of its own choosing.
kept=/tmp/localstripe.pickle
[ ! -e "$kept" ] || skip "$kept is there: another localstripe may be running"
work=$(mktemp -d) pid=
finish() {
  [ -n "$pid" ] && kill "$pid" 2>/dev/null && wait "$pid" 2>/dev/null || true
  rm -rf "$work" "$kept"
}
trap finish EXIT
cargo test --quiet -p tributary-processor --test outside --no-run
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
PYTHONDONTWRITEBYTECODE=1 "$venv/python" scripts/on-loopback.py localstripe --port "$port" --from-scratch >"$work/log" 2>&1 &
pid=$!
for _ in $(seq 300); do
  curl --silent --output /dev/null "http://127.0.0.1:$port/" && break
  kill -0 "$pid" 2>/dev/null || { cat "$work/log" >&2; exit 1; }
  sleep 0.1
done
PROCESSOR_TEST_URL="http://127.0.0.1:$port" cargo test --quiet -p tributary-processor --test outside -- --ignored || { tail -20 "$work/log" >&2; exit 1; }
echo "localstripe: the client's calls are taken"

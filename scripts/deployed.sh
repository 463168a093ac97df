#!/usr/bin/env bash
# Deploys the very template with the very programs into an emulator of AWS on loopback, makes the first key as
# docs/DEPLOY.md says, and runs the flow tests against its API: scripts/deployed.sh [--keep | --build]
# --keep leaves the emulator running until Enter is pressed, with the address and key printed. --build only builds the programs.
set -euo pipefail
cd "$(dirname "$0")/.."
lambda=$(scripts/venv.sh lambda) emulator=$(scripts/venv.sh emulator)
export PATH="$lambda:$PATH" SAM_CLI_TELEMETRY=0
# Nothing here may reach a real account.
export AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test AWS_DEFAULT_REGION=us-east-1 AWS_REGION=us-east-1
unset AWS_PROFILE AWS_SESSION_TOKEN
say() { printf '%4s s  %s\n' "$SECONDS" "$*"; }
work=$(mktemp -d) stack=tributary-test build=target/sam emulator_pid=
finish() {
  status=$?
  if [ "$status" != 0 ] && [ -f "$work/emulator.log" ]; then
    echo "--- the end of the emulator's log" >&2
    tail -n 60 "$work/emulator.log" >&2
  fi
  if [ -n "$emulator_pid" ]; then
    # Its functions are processes of its group.
    kill -- "-$emulator_pid" 2>/dev/null || true
    wait "$emulator_pid" 2>/dev/null || true
  fi
  rm -rf "$work"
}
trap finish EXIT

# What is shipped is optimised across crates, which takes a linker minutes for each program and changes nothing that is looked at here.
export CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16
say "building the functions for Lambda"
sam build --config-env dev --build-dir "$build" >"$work/build.log" 2>&1 || { cat "$work/build.log" >&2; exit 1; }
[ "${1:-}" != --build ] || exit 0
scripts/stamp.sh "$build"

port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
export AWS_ENDPOINT_URL=http://127.0.0.1:$port
say "starting the emulator on $AWS_ENDPOINT_URL"
set -m
# The emulator hands its own AWS_ENDPOINT_URL to the functions; it names itself by a host and binds to every address unless told.
GATEWAY_PORT=$port BIND_HOST=127.0.0.1 MINISTACK_HOST=127.0.0.1 S3_DATA_DIR=$work/s3 TMPDIR=$work \
  "$emulator/ministack" >"$work/emulator.log" 2>&1 &
emulator_pid=$!
set +m
for _ in $(seq 300); do curl -sf "$AWS_ENDPOINT_URL/_ministack/health" >/dev/null && break; sleep 0.1; done

say "deploying the template"
sam deploy --config-env dev --config-file "$PWD/samconfig.toml" --template-file "$build/template.yaml" --stack-name "$stack" --no-progressbar --no-confirm-changeset \
  >"$work/deploy.log" 2>&1 || { cat "$work/deploy.log" >&2; exit 1; }

say "publishing the pages"
scripts/publish-pages.sh dev "$stack" 2>"$work/pages.log" || { cat "$work/pages.log" >&2; exit 1; }
"$emulator/python" scripts/deployed-pages.py "$stack"

say "making the operator and its first key"
invoke() {
  sam remote invoke "$1" --stack-name "$stack" --output text "${@:2}" 2>"$work/invoke.log" || { cat "$work/invoke.log" >&2; exit 1; }
}
invoke AdminFunction --event '{"action": "make_operator", "name": "Deployed", "currency": "USD"}' >"$work/made.json"
read -r url key < <("$emulator/python" scripts/deployed-address.py "$stack" "$work/made.json")
say "the API is $url"

say "asking as the distribution asks"
# The emulator's own does not reach its gateway. Under the distribution's name there is the operator's brand, under a host that nobody has none.
branded() { curl -s -o /dev/null -w '%{http_code}' -H "X-Forwarded-Host: $1" "$url/portal/brand"; }
for asked in 'd111111abcdef8.cloudfront.net 200' 'nobody.example 404'; do
  read -r host wanted <<<"$asked"
  answered=$(branded "$host")
  [ "$answered" = "$wanted" ] || { echo "under $host the brand is answered $answered, not $wanted" >&2; exit 1; }
done

say "running the flows against it"
TRIBUTARY_TEST_URL=$url TRIBUTARY_TEST_KEY=$key cargo test -q --workspace --test all -- flows::

say "running what runs on a schedule, on what the flows left"
for program in housekeeping reconcile usage_worker watcher forecast notifier billing_run collector; do
  function=$(sed -E 's/(^|_)([a-z])/\U\2/g' <<<"$program")
  answer=$(invoke "${function}Function" --event-file "events/eventbridge/$program.json")
  echo "$program: $answer"
  python3 - "$function" "$answer" <<'PYTHON'
import json, sys

function, answer = sys.argv[1], json.loads(sys.argv[2])
assert answer["failed"] == 0, f"{function} failed"
assert answer.get("drift", 0) == 0, f"{function} found drift in what the flows left"
PYTHON
done

say "one request, from its answer to its line"
id=$(curl -sf -D - -o /dev/null -H "Authorization: Bearer $key" "$url/reseller/accounts" | tr -d '\r' | sed -n 's/^x-request-id: //p')
"$emulator/python" scripts/deployed-line.py "/tributary/$stack/accounts" "$id"
say "the deployed shape holds"
if [ "${1:-}" = --keep ]; then
  printf 'export TRIBUTARY_URL=%s TRIBUTARY_KEY=%s\n' "$url" "$key"
  read -rp "Enter ends it. "
fi

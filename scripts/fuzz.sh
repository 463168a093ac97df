#!/usr/bin/env bash
# Tries docs/openapi.json against the local run with Schemathesis: scripts/fuzz.sh [MAX_EXAMPLES] [SEED]
# What the document allows must be taken, what it forbids refused, and every answer be as it says. The same seed makes the
# same requests, but for the ids in them. Everything is on loopback, in memory, and ended when it is done.
set -euo pipefail
cd "$(dirname "$0")/.."
examples=${1:-20} seed=${2:-1}
venv=$(scripts/venv.sh fuzz)
program=target/debug/tributary-local
cargo build --quiet --workspace --bin tributary-local
work=$(mktemp -d) pid=
finish() {
  [ -n "$pid" ] && kill "$pid" 2>/dev/null && wait "$pid" 2>/dev/null || true
  rm -rf "$work"
}
trap finish EXIT
"$program" --ephemeral --port 0 --ready-file "$work/ready.json" >"$work/local.log" 2>&1 &
pid=$!
for _ in $(seq 600); do
  [ -s "$work/ready.json" ] && break
  kill -0 "$pid" 2>/dev/null || { cat "$work/local.log" >&2; exit 1; }
  sleep 0.1
done
[ -s "$work/ready.json" ] || { echo "the local run was not ready within a minute" >&2; exit 1; }
read -r url key < <(python3 -c "import json;d=json.load(open('$work/ready.json'));print(d['base_url'],d['operator_key'])")
echo "fuzz: seed $seed, at most $examples examples of each operation"
status=0
checks=not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance
checks+=,response_headers_conformance,negative_data_rejection,positive_data_acceptance
FUZZ_URL=$url FUZZ_KEY=$key FUZZ_ANSWERS=$work/answers.json SCHEMATHESIS_HOOKS=scripts/fuzz/hooks.py PYTHONDONTWRITEBYTECODE=1 \
  "$venv/schemathesis" --config-file scripts/fuzz/schemathesis.toml run docs/openapi.json --url "$url" \
  -H "Authorization: Bearer $key" --seed "$seed" --max-examples "$examples" --phases examples,coverage,fuzzing,stateful \
  --continue-on-failure --warnings off --no-color --checks "$checks" \
  || status=$?
python3 scripts/fuzz/depth.py "$work/answers.json" docs/openapi.json || status=1
curl --silent --fail --output /dev/null -H "Authorization: Bearer $key" "$url/reseller/credits/balance" ||
  { echo "the run's own key is taken no more: what came after proves nothing" >&2; status=1; }
exit "$status"

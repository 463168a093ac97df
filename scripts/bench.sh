#!/usr/bin/env bash
# Measures transfers on the local run beside PostgreSQL 15 in one run: scripts/bench.sh [SECONDS] [CLIENTS]
# Everything is on loopback, in a temporary folder, and ended when it is done.
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=${1:-5} clients=${2:-1,16,64}
bin=$(ls -d /usr/lib/postgresql/15/bin 2>/dev/null || true)
if [ -z "$bin" ]; then
  echo "PostgreSQL 15 is not installed: apt-get install postgresql-15" >&2
  [ "$(id -u)" = 0 ] && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq postgresql-15 >/dev/null || exit 1
  bin=/usr/lib/postgresql/15/bin
fi
cargo build --quiet --profile ci -p tributary-local
cargo build --quiet --profile ci -p tributary-tests --example bench_transfers
work=$(mktemp -d) local_pid=
as_postgres() { if [ "$(id -u)" = 0 ]; then su postgres -s /bin/bash -c "$1"; else bash -c "$1"; fi; }
finish() {
  [ -n "$local_pid" ] && kill "$local_pid" 2>/dev/null || true
  as_postgres "$bin/pg_ctl -D $work/pg -m immediate stop" >/dev/null 2>&1 || true
  rm -rf "$work"
}
trap finish EXIT
mkdir "$work/pg"
[ "$(id -u)" = 0 ] && chown postgres "$work" "$work/pg"
as_postgres "$bin/initdb -D $work/pg -A trust -U bench >/dev/null"
port=$((20000 + RANDOM % 20000))
as_postgres "$bin/pg_ctl -D $work/pg -w -l $work/pg/log -o '-p $port -c listen_addresses=127.0.0.1 -c unix_socket_directories=$work -c max_connections=200' start" >/dev/null
target/ci/tributary-local --port 0 --no-seed --data "$work/data" --ready-file "$work/ready.json" >"$work/local.log" 2>&1 &
local_pid=$!
for _ in $(seq 600); do [ -s "$work/ready.json" ] && break; sleep 0.1; done
read -r url key < <(python3 -c "import json;d=json.load(open('$work/ready.json'));print(d['base_url'],d['operator_key'])")
echo "$(nproc) cores, $(uname -sm); both durable on disk (PostgreSQL fsync on, synchronous_commit on; the local run's engine on SQLite)"
target/ci/examples/bench_transfers --url "$url" --key "$key" --seconds "$seconds" --clients "$clients" --postgres "host=127.0.0.1 port=$port user=bench dbname=postgres"

#!/usr/bin/env bash
# Measures counting usage beside PostgreSQL 15 in one run, the instructions of rating, and what reading it costs:
# scripts/bench-usage.sh [EVENTS] [CLIENTS] [ACCOUNTS,…]
# Everything is on loopback, in a temporary folder, and ended when it is done.
set -euo pipefail
cd "$(dirname "$0")/.."
events=${1:-1000000} clients=${2:-4} accounts=${3:-10,1000,100000}
bin=$(ls -d /usr/lib/postgresql/15/bin 2>/dev/null || true)
if [ -z "$bin" ]; then
  echo "PostgreSQL 15 is not installed: apt-get install postgresql-15" >&2
  [ "$(id -u)" = 0 ] && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq postgresql-15 >/dev/null || exit 1
  bin=/usr/lib/postgresql/15/bin
fi
cargo build --quiet --profile ci -p tributary-tests --example bench_usage --example rate_events --example bench_reports
work=$(mktemp -d)
as_postgres() { if [ "$(id -u)" = 0 ]; then su postgres -s /bin/bash -c "$1"; else bash -c "$1"; fi; }
finish() {
  as_postgres "$bin/pg_ctl -D $work/pg -m immediate stop" >/dev/null 2>&1 || true
  rm -rf "$work"
}
trap finish EXIT
mkdir "$work/pg" "$work/data"
[ "$(id -u)" = 0 ] && chown postgres "$work" "$work/pg"
as_postgres "$bin/initdb -D $work/pg -A trust -U bench >/dev/null"
port=$((20000 + RANDOM % 20000))
as_postgres "$bin/pg_ctl -D $work/pg -w -l $work/pg/log -o '-p $port -c listen_addresses=127.0.0.1 -c unix_socket_directories=$work' start" >/dev/null
echo "$(nproc) cores, $(uname -sm), load $(cut -d' ' -f1 /proc/loadavg); PostgreSQL with fsync and synchronous_commit on; $clients clients"
target/ci/examples/bench_usage --events "$events" --clients "$clients" --data "$work/data" --postgres "host=127.0.0.1 port=$port user=bench dbname=postgres"
instructions() { # MODEL LEVELS EVENTS
  valgrind --tool=callgrind --callgrind-out-file=/dev/null target/ci/examples/rate_events --model "$1" --levels "$2" --events "$3" 2>&1 >/dev/null \
    | sed -n 's/.*Collected : \([0-9]*\).*/\1/p'
}
echo
if command -v valgrind >/dev/null; then
  echo "| model | levels | instructions to rate an event |"
  echo "| --- | ---: | ---: |"
  for model in flat graduated volume; do
    for levels in 1 3 8; do
      echo "| $model | $levels | $((($(instructions "$model" "$levels" 20000) - $(instructions "$model" "$levels" 10000)) / 10000)) |"
    done
  done
else
  echo "valgrind is not installed: no instructions counted" >&2
fi
mkdir "$work/reports"
echo
echo "reading; load $(cut -d' ' -f1 /proc/loadavg)"
target/ci/examples/bench_reports --accounts "$accounts" --data "$work/reports"

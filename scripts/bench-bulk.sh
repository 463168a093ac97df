#!/usr/bin/env bash
# Measures credit for many accounts as one bulk job, beside the same rows sent one by one, in one run: scripts/bench-bulk.sh
# Everything is on loopback, in a temporary folder, and ended when it is done.
set -euo pipefail
cd "$(dirname "$0")/.."
cargo build --quiet --profile ci -p tributary-tests --example bench_bulk
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/small" "$work/large"
echo "$(nproc) cores, $(uname -sm), load $(cut -d' ' -f1 /proc/loadavg)"
target/ci/examples/bench_bulk --rows 1000 --singly 1000 --clients "${1:-8}" --data "$work/small"
target/ci/examples/bench_bulk --rows 100000 --singly 0 --data "$work/large"

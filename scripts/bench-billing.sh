#!/usr/bin/env bash
# Measures a billing run over 10, 1,000 and 10,000 accounts on the local engine, with its slope, and each invoice's PDF: scripts/bench-billing.sh
# Everything is on loopback, in a temporary folder, and ended when it is done.
set -euo pipefail
cd "$(dirname "$0")/.."
cargo build --quiet --profile ci -p tributary-tests --example bench_billing
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
echo "$(nproc) cores, $(uname -sm), load $(cut -d' ' -f1 /proc/loadavg)"
echo "| accounts | seconds | µs an account | queries | calls | transactions | read units | write units | s for all PDFs |"
echo "| ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |"
for accounts in 10 1000 10000; do
  mkdir "$work/$accounts"
  target/ci/examples/bench_billing --accounts "$accounts" --data "$work/$accounts"
done

#!/usr/bin/env bash
# Cold starts of the release binaries beside hello-world ones, in one run: scripts/cold-start.sh [--binaries DIR] [OPTIONS]
# DIR holds <function>/bootstrap for the four functions and the two hellos; target/lambda unless given, and built if one is
# missing. OPTIONS go to the example `cold_start`: --runs 25, --warm 200, --latency-ms 5.
set -euo pipefail
cd "$(dirname "$0")/.."
case "$(uname -sm)" in
  "Linux x86_64") ;;
  *) echo "AWS's emulator of the runtime, as sam brings it, and the programs built here are for Linux on x86_64" >&2; exit 1 ;;
esac
binaries=target/lambda
if [ "${1:-}" = --binaries ]; then binaries=$2; shift 2; fi
bin=$(scripts/venv.sh lambda)
for name in accounts credits portal housekeeping hello_http hello_event; do
  [ -x "$binaries/$name/bootstrap" ] && continue
  # The functions and the hellos of the same packages, so that they share every dependency and its features.
  for kind in --bins --examples; do
    PATH="$bin:$PATH" cargo lambda build --release --lambda-dir "$binaries" $kind \
      -p tributary-accounts -p tributary-credits -p tributary-portal -p tributary-housekeeping
  done
  break
done
emulator=$(echo "${bin%/bin}"/lib/python3*/site-packages/samcli/local/rapid/aws-lambda-rie-x86_64)
instructions=--instructions
if ! command -v valgrind >/dev/null; then
  echo "SKIPPED: valgrind is not installed, so instructions are not counted and their column is empty" >&2
  instructions=
fi
cargo build --quiet --profile ci -p tributary-tests --example cold_start
echo "$(nproc) cores, $(uname -sm), load $(cut -d' ' -f1 /proc/loadavg) before the run"
target/ci/examples/cold_start --binaries "$binaries" --emulator "$emulator" $instructions "$@"

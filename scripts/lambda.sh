#!/usr/bin/env bash
# Kills the release binaries under load in AWS's runtime emulator: scripts/lambda.sh [--binaries DIR] [FILTER]
# DIR holds <function>/bootstrap, as `cargo lambda build` leaves them; target/lambda unless given, and built if it is missing.
set -euo pipefail
cd "$(dirname "$0")/.."
case "$(uname -sm)" in
  "Linux x86_64") ;;
  *) echo "AWS's emulator of the runtime, as sam brings it, and the programs built here are for Linux on x86_64" >&2; exit 1 ;;
esac
binaries=target/lambda
if [ "${1:-}" = --binaries ]; then binaries=$2; shift 2; fi
bin=$(scripts/venv.sh lambda)
if [ ! -x "$binaries/credits/bootstrap" ] || [ ! -x "$binaries/accounts/bootstrap" ]; then
  PATH="$bin:$PATH" cargo lambda build --release --lambda-dir "$binaries" --bins \
    -p tributary-accounts -p tributary-credits -p tributary-portal -p tributary-housekeeping
fi
TRIBUTARY_BINARIES=$(cd "$binaries" && pwd)
TRIBUTARY_EMULATOR=$(echo "${bin%/bin}"/lib/python3*/site-packages/samcli/local/rapid/aws-lambda-rie-x86_64)
export TRIBUTARY_BINARIES TRIBUTARY_EMULATOR
cargo test --workspace --test all -- --ignored --nocapture "lambda::${1:-}"

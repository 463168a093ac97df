#!/usr/bin/env bash
# Puts the pages into the bucket of an environment's stack: scripts/publish-pages.sh ENVIRONMENT [--built] [STACK]
# They are built first, unless --built says that they are. STACK stands instead of the stack that samconfig.toml names.
set -euo pipefail
cd "$(dirname "$0")/.."
environment=${1:?usage: scripts/publish-pages.sh ENVIRONMENT [--built] [STACK]}
shift
lambda=$(scripts/venv.sh lambda)
if [ "${1:-}" = --built ]; then shift; else scripts/build-pages.sh; fi
"$lambda/python" scripts/publish-pages.py "$environment" functions/portal/web/dist "$@"

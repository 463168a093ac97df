#!/usr/bin/env bash
# Builds the pages and puts them into a stack's bucket: scripts/publish-pages.sh STACK
set -euo pipefail
cd "$(dirname "$0")/.."
lambda=$(scripts/venv.sh lambda)
(cd functions/portal/web && npm ci --no-audit --no-fund && npm run build) >&2
"$lambda/python" scripts/publish-pages.py "$1" functions/portal/web/dist

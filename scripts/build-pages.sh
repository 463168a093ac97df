#!/usr/bin/env bash
# Builds the pages: scripts/build-pages.sh
set -euo pipefail
cd "$(dirname "$0")/../functions/portal/web"
{ npm ci --no-audit --no-fund && npm run build; } >&2

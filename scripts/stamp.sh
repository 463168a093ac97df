#!/usr/bin/env bash
# Writes a digest of the settings into a built template, so that a changed setting makes a new version of each function:
# scripts/stamp.sh [BUILD_DIR]
set -euo pipefail
cd "$(dirname "$0")/.."
template=${1:-.aws-sam/build}/template.yaml
digest=$(python3 -c 'import hashlib; print(hashlib.sha256(open("samconfig.toml", "rb").read()).hexdigest()[:16])')
python3 - "$template" "$digest" <<'PYTHON'
import re
import sys

path, digest = sys.argv[1:]
with open(path, encoding="utf-8") as file:
    text = file.read()
stamped, times = re.subn(r"(SETTINGS: ).*", rf"\g<1>s{digest}", text)
if times != 1:
    sys.exit(f"{path}: SETTINGS stands there {times} times, not once")
with open(path, "w", encoding="utf-8") as file:
    file.write(stamped)
PYTHON
echo "settings $digest"

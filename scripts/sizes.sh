#!/usr/bin/env bash
# The sizes of the release binaries, and a failure if one is over the limit when zipped: scripts/sizes.sh [DIR]
# DIR holds <function>/bootstrap for every function of template.yaml; target/lambda unless given.
set -euo pipefail
cd "$(dirname "$0")/.."
exec python3 - "${1:-target/lambda}" <<'PYTHON'
import io, pathlib, re, sys, zipfile

LIMIT_MB = 5
directory = pathlib.Path(sys.argv[1])
names = re.findall(r"^\s+Binary: (\S+)$", pathlib.Path("template.yaml").read_text(), re.MULTILINE)
if not names:
    sys.exit("template.yaml names no binaries")
print("| function | bootstrap, bytes | zipped, bytes |\n| --- | ---: | ---: |")
over = []
for name in names:
    bootstrap = directory / name / "bootstrap"
    if not bootstrap.exists():
        sys.exit(f"{bootstrap} is missing: cargo lambda build --release")
    content, archive = bootstrap.read_bytes(), io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as zipped:
        zipped.writestr("bootstrap", content)
    size = len(archive.getvalue())
    print(f"| {name} | {len(content):,} | {size:,} |")
    if size >= LIMIT_MB * 1_000_000:
        over.append(name)
if over:
    sys.exit(f"{LIMIT_MB} MB or more when zipped: {', '.join(over)}")
PYTHON

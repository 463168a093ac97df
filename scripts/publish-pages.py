#!/usr/bin/env python3
"""Puts the built pages into the bucket of a stack: publish-pages.py STACK DIST

Files whose name is made of their content go first and are kept for a year; the document that names them goes last and is asked for
anew each time. So a page that is loaded meanwhile finds all its files, the older ones too.
"""

import mimetypes
import sys
from pathlib import Path

import boto3

KEPT = "public, max-age=31536000, immutable"
ASKED = "no-cache"


def put(s3, bucket: str, dist: Path, file: Path, cache: str) -> None:
    kind, _ = mimetypes.guess_type(file.name)
    kind = kind or "application/octet-stream"
    if kind.startswith("text/") or kind in ("application/javascript", "application/json", "image/svg+xml"):
        kind += "; charset=utf-8"
    key = file.relative_to(dist).as_posix()
    s3.put_object(Bucket=bucket, Key=key, Body=file.read_bytes(), ContentType=kind, CacheControl=cache)


def main(stack: str, dist: Path) -> None:
    outputs = boto3.client("cloudformation").describe_stacks(StackName=stack)["Stacks"][0]["Outputs"]
    named = {output["OutputKey"]: output["OutputValue"] for output in outputs}
    s3, bucket = boto3.client("s3"), named["PagesBucketName"]
    files = sorted(file for file in dist.rglob("*") if file.is_file() and not any(part.startswith(".") for part in file.relative_to(dist).parts))
    documents = [file for file in files if file.name == "index.html"]
    if not documents:
        sys.exit(f"{dist} holds no index.html: run `npm ci && npm run build` in functions/portal/web")
    for file in files:
        if file not in documents:
            put(s3, bucket, dist, file, KEPT)
    for file in documents:
        put(s3, bucket, dist, file, ASKED)
    print(f"{len(files)} files are in {bucket}; the pages are at {named['PagesUrl']}")


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))

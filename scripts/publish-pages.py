#!/usr/bin/env python3
"""Puts the built pages into the bucket of an environment's stack: publish-pages.py ENVIRONMENT DIST [STACK]

Stack, region and profile are those that `sam deploy --config-env ENVIRONMENT` takes from samconfig.toml; STACK stands instead of the stack named there.

Files whose name is made of their content go first and are kept for a year; the document that names them goes last and is asked for
anew each time. So a page that is loaded meanwhile finds all its files, the older ones too.
"""

import mimetypes
import os
import sys
import tomllib
from pathlib import Path

import boto3

KEPT = "public, max-age=31536000, immutable"
ASKED = "no-cache"


def settings(environment: str) -> dict:
    with open(Path(__file__).parent.parent / "samconfig.toml", "rb") as file:
        config = tomllib.load(file)
    if environment not in config:
        sys.exit(f"samconfig.toml has no section {environment}")
    sections = (config[environment].get(command, {}).get("parameters", {}) for command in ("global", "deploy"))
    return {name: value for section in sections for name, value in section.items()}


def put(s3, bucket: str, dist: Path, file: Path, cache: str) -> None:
    kind, _ = mimetypes.guess_type(file.name)
    kind = kind or "application/octet-stream"
    if kind.startswith("text/") or kind in ("application/javascript", "application/json", "image/svg+xml"):
        kind += "; charset=utf-8"
    key = file.relative_to(dist).as_posix()
    s3.put_object(Bucket=bucket, Key=key, Body=file.read_bytes(), ContentType=kind, CacheControl=cache)


def main(environment: str, dist: Path, stack: str | None = None) -> None:
    told = settings(environment)
    stack = stack or told.get("stack_name") or sys.exit(f"samconfig.toml names no stack_name for {environment}")
    # The AWS CLI and sam also take AWS_REGION; boto3 does not.
    region = told.get("region") or os.environ.get("AWS_REGION")
    session = boto3.Session(region_name=region, profile_name=told.get("profile"))
    outputs = session.client("cloudformation").describe_stacks(StackName=stack)["Stacks"][0]["Outputs"]
    named = {output["OutputKey"]: output["OutputValue"] for output in outputs}
    s3, bucket = session.client("s3"), named["PagesBucketName"]
    files = sorted(file for file in dist.rglob("*") if file.is_file() and not any(part.startswith(".") for part in file.relative_to(dist).parts))
    documents = [file for file in files if file.name == "index.html"]
    if not documents:
        sys.exit(f"{dist} holds no index.html: run scripts/build-pages.sh")
    for file in files:
        if file not in documents:
            put(s3, bucket, dist, file, KEPT)
    for file in documents:
        put(s3, bucket, dist, file, ASKED)
    print(f"{len(files)} files are in {bucket}; the pages are at {named['PagesUrl']}")


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), *sys.argv[3:])

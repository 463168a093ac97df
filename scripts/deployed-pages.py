"""Checks the pages of a stack in the emulator, in their bucket and through the distribution: deployed-pages.py STACK"""

import json
import os
import sys
import urllib.error
import urllib.request

import boto3

stack = sys.argv[1]
outputs = boto3.client("cloudformation").describe_stacks(StackName=stack)["Stacks"][0]["Outputs"]
named = {output["OutputKey"]: output["OutputValue"] for output in outputs}
s3, bucket = boto3.client("s3"), named["PagesBucketName"]
keys = [item["Key"] for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket) for item in page.get("Contents", [])]
script = next(key for key in keys if key.startswith("assets/") and key.endswith(".js"))
for key, kind, kept in [
    ("index.html", "text/html; charset=utf-8", "no-cache"),
    (script, "text/javascript; charset=utf-8", "public, max-age=31536000, immutable"),
]:
    found = s3.get_object(Bucket=bucket, Key=key)
    assert (found["ContentType"], found["CacheControl"]) == (kind, kept), (key, found["ContentType"], found["CacheControl"])
document = s3.get_object(Bucket=bucket, Key="index.html")["Body"].read()

# The emulator's distribution asks its bucket in the open, which the policy refuses; on AWS it asks as it was asked, over TLS.
policy = json.loads(s3.get_bucket_policy(Bucket=bucket)["Policy"])
policy["Statement"] = [statement for statement in policy["Statement"] if statement["Sid"] != "OnlyOverTls"]
s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(policy))
host = boto3.client("cloudfront").get_distribution(Id=named["PagesDistributionId"])["Distribution"]["DomainName"]


def ask(path):
    # The emulator knows a distribution by its name, and takes a proxy's word that the connection was encrypted.
    request = urllib.request.Request(os.environ["AWS_ENDPOINT_URL"] + path, headers={"Host": host, "X-Forwarded-Proto": "https"})
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as answer:
        return answer.code, answer.headers, answer.read()


for path in ["/", "/index.html", "/app", "/app/accounts", "/portal/corner"]:
    status, headers, body = ask(path)
    assert (status, body, headers["Cache-Control"]) == (200, document, "no-cache"), (path, status, headers.items())
    assert "script-src 'self'" in headers["Content-Security-Policy"], (path, headers.items())
status, headers, _ = ask("/" + script)
assert (status, headers["Cache-Control"]) == (200, "public, max-age=31536000, immutable"), (status, headers.items())
status, headers, body = ask("/wp-login.php")
assert (status, json.loads(body)["code"]) == (404, "route_not_found"), (status, body)
print(f"{len(keys)} files in {bucket}, and the same through {host}")

"""Finds the line of a request in a function's logs, and checks what it holds: deployed-line.py LOG_GROUP REQUEST_ID"""

import json
import sys
import time

import boto3

group, request_id = sys.argv[1:]
logs = boto3.client("logs")
for _ in range(100):
    events = logs.filter_log_events(logGroupName=group, limit=10000).get("events", [])
    texts = [text for event in events for text in event["message"].splitlines() if request_id in text and '"_aws"' in text]
    if texts:
        break
    time.sleep(0.1)
else:
    sys.exit(f"{group} has no line of request {request_id}")
line = json.loads(texts[0])
metrics = line["_aws"]["CloudWatchMetrics"][0]
assert [metric["Name"] for metric in metrics["Metrics"]] == ["RequestMs"], metrics
assert (line["request_id"], line["route"], line["status"]) == (request_id, "list_accounts", 200), line
assert line["Function"] == "accounts" and line["account_id"].startswith("acc_") and line["actor_id"].startswith("key_"), line
print(json.dumps(line))

"""Prints the address of the API and the first key: deployed-address.py STACK MADE.json

The stack's output ApiUrl is AWS's address; on loopback the emulator serves the same API under a path of its own."""

import json
import os
import sys

import boto3

stack, made = sys.argv[1:]
outputs = boto3.client("cloudformation").describe_stacks(StackName=stack)["Stacks"][0]["Outputs"]
values = {output["OutputKey"]: output["OutputValue"] for output in outputs}
stage = values["ApiUrl"].rsplit("/", 1)[-1]
with open(made, encoding="utf-8") as file:
    answer = json.load(file)
print(f"{os.environ['AWS_ENDPOINT_URL']}/restapis/{values['ApiId']}/{stage}/_user_request_", answer["key"]["secret"])

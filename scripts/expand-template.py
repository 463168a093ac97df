"""Prints the template as CloudFormation gets it: SAM's own transform, with every optional part asked for.

Run with the Python of the environment `lambda` (scripts/venv.sh lambda)."""

import json
import os
import sys

os.environ.setdefault("AWS_DEFAULT_REGION", "us-east-1")

from samcli.yamlhelper import yaml_parse  # noqa: E402
from samtranslator.parser.parser import Parser  # noqa: E402
from samtranslator.translator.translator import Translator  # noqa: E402

# The largest form: a canary, domains, a zone, a firewall, mail.
ASKED = {
    "CanaryEnabled": "true",
    "Rollout": "Canary10Percent5Minutes",
    "PagesDomain": "app.example.com",
    "PortalHosts": "portal.corner.example,portal.shop.example",
    "PagesCertificateArn": "arn:aws:acm:us-east-1:123456789012:certificate/00000000-0000-0000-0000-000000000000",
    "DomainName": "api.example.com",
    "CertificateArn": "arn:aws:acm:us-east-1:123456789012:certificate/00000000-0000-0000-0000-000000000000",
    "HostedZoneId": "Z123456789",
    "AlarmEmail": "ops@example.com",
    "Waf": "create",
    "AWS::Region": "us-east-1",
    "AWS::Partition": "aws",
}


class NoManagedPolicies:
    """No role of the template is made of AWS's managed policies by name, so none has to be looked up."""

    def load(self):
        return {}


def main():
    template = yaml_parse(open(sys.argv[1], encoding="utf-8").read())
    for resource in template["Resources"].values():
        # `sam package` puts the programs' addresses here.
        if resource["Type"] == "AWS::Serverless::Function":
            resource["Properties"]["CodeUri"] = "s3://packaged/program.zip"
    values = {name: parameter.get("Default", "") for name, parameter in template["Parameters"].items()}
    translator = Translator(managed_policy_map=NoManagedPolicies().load(), sam_parser=Parser())
    expanded = translator.translate(sam_template=template, parameter_values={**values, **ASKED})
    json.dump(expanded, sys.stdout, indent=1, default=str)


main()

#!/usr/bin/env bash
# Holds template.yaml against SAM, cfn-lint and checkov, as written and as CloudFormation gets it.
set -euo pipefail
cd "$(dirname "$0")/.."
lambda=$(scripts/venv.sh lambda) lint=$(scripts/venv.sh lint) checkov=$(scripts/venv.sh checkov)
export SAM_CLI_TELEMETRY=0 AWS_DEFAULT_REGION=us-east-1
expanded=target/template-expanded.json
"$lambda/sam" validate --lint --template template.yaml
"$lambda/python" scripts/expand-template.py template.yaml > "$expanded" 2> target/expand.log || { cat target/expand.log >&2; exit 1; }
"$lint/cfn-lint" --config-file .cfn-lint.yaml -t template.yaml
"$lint/cfn-lint" --config-file .cfn-lint.yaml -t "$expanded"
"$checkov/checkov" --config-file .checkov.yaml -f template.yaml "$expanded"
echo "template.yaml and its expanded form: no findings"

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
# Other settings must make other versions, or an alias would keep the old ones (see SETTINGS in the template).
versions() { "$lambda/python" scripts/expand-template.py "$1" 2>/dev/null | grep -o '"[A-Za-z]*FunctionVersion[0-9a-f][0-9a-f]*"' | sort -u; }
sed 's/SETTINGS: .*/SETTINGS: others/' template.yaml > target/template-others.yaml
if [ -n "$(comm -12 <(versions template.yaml) <(versions target/template-others.yaml))" ]; then
  echo "other settings do not make other versions of every function" >&2
  exit 1
fi
echo "template.yaml and its expanded form: no findings"

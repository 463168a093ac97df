#!/usr/bin/env bash
# Deploys what is built at once, without CodeDeploy, whatever samconfig.toml says of the rollout: scripts/deploy-now.sh ENVIRONMENT
set -euo pipefail
cd "$(dirname "$0")/.."
environment=${1:?usage: scripts/deploy-now.sh ENVIRONMENT}
# What is given on the command line stands instead of the whole list of the file, so the list is given, with two values changed.
overrides=()
while IFS= read -r override; do overrides+=("$override"); done < <(python3 - "$environment" <<'PYTHON'
import sys
import tomllib

with open("samconfig.toml", "rb") as file:
    given = tomllib.load(file)[sys.argv[1]]["deploy"]["parameters"]["parameter_overrides"]
values = dict(item.split("=", 1) for item in given)
for name, value in {**values, "Rollout": "AllAtOnce", "CanaryEnabled": "false"}.items():
    print(f"{name}={value}")
PYTHON
)
sam deploy --config-env "$environment" --config-file "$PWD/samconfig.toml" --parameter-overrides "${overrides[@]}"

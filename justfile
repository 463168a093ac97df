# The README's commands, by name.

# The whole platform on this machine.
dev *flags:
    cargo dev {{flags}}

# Every promise.
test:
    cargo test --workspace

# Checks, builds and deploys to an AWS account: docs/DEPLOY.md. `just deploy prod` for production.
deploy env="dev":
    # The settings before the build, the programs after it. (A running platform's address in the environment would be looked at
    # too, and one that is broken could not be mended.)
    rm -rf .aws-sam/build
    env -u TRIBUTARY_URL cargo run -q -p tributary-cli -- doctor --env {{env}}
    sam build --config-env {{env}}
    env -u TRIBUTARY_URL cargo run -q -p tributary-cli -- doctor --env {{env}}
    scripts/stamp.sh
    # Before anything is deployed, so that no platform is left with pages that could not be built; published when what they ask is there.
    scripts/build-pages.sh
    sam deploy --config-env {{env}} --config-file "$PWD/samconfig.toml"
    scripts/publish-pages.sh {{env}} --built

# The pages alone.
publish env="dev":
    scripts/publish-pages.sh {{env}}

# The same at once, unchecked and without CodeDeploy: the way out when something is broken.
deploy-now env="dev":
    sam build --config-env {{env}}
    scripts/stamp.sh
    scripts/deploy-now.sh {{env}}
    # Last: the API is not to wait for them.
    scripts/publish-pages.sh {{env}}

# Deploys into an emulator on loopback and runs the flow tests against it.
deployed:
    scripts/deployed.sh

# What CI runs.
ci:
    bash .ci/run

# The simulation, longer.
soak seeds="1000" ops="20000":
    cargo soak --seeds {{seeds}} --ops {{ops}}

# The API's document against the local run.
fuzz examples="20" seed="1":
    scripts/fuzz.sh {{examples}} {{seed}}

# Transfers per second beside PostgreSQL.
bench seconds="5" clients="1,16,64":
    scripts/bench.sh {{seconds}} {{clients}}

# Cold starts of the release binaries beside hello-world ones.
cold-start *flags:
    scripts/cold-start.sh {{flags}}

# Sizes of the release binaries, and whether each is small enough.
sizes dir="target/lambda":
    scripts/sizes.sh {{dir}}

# The release binaries, killed under load in AWS's runtime emulator.
kill-test *flags:
    scripts/lambda.sh {{flags}}

# Rewrites what is generated.
generate:
    cargo run -q -p tributary-tests --example openapi
    UPDATE_GOLDEN=1 cargo test -q -p tributary-tests -- golden budgets isolation contract

# The README's commands, by name.

# The whole platform on this machine.
dev *flags:
    cargo dev {{flags}}

# Every promise.
test:
    cargo test --workspace

# What CI runs.
ci:
    bash .ci/run

# The simulation, longer.
soak seeds="1000" ops="20000":
    cargo soak --seeds {{seeds}} --ops {{ops}}

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
    UPDATE_GOLDEN=1 cargo test -q -p tributary-tests -- golden budgets

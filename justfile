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

# The API's document against the local run.
fuzz examples="20" seed="1":
    scripts/fuzz.sh {{examples}} {{seed}}

# Transfers per second beside PostgreSQL.
bench seconds="5" clients="1,16,64":
    scripts/bench.sh {{seconds}} {{clients}}

# Rewrites what is generated.
generate:
    cargo run -q -p tributary-tests --example openapi
    UPDATE_GOLDEN=1 cargo test -q -p tributary-tests -- golden budgets isolation

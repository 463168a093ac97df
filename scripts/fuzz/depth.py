"""Says how deep a run of scripts/fuzz.sh got, and fails if an operation never answered well: requests that are all refused
prove little. Arguments: the answers by operation, and the API's document."""

import json
import sys

# What cannot be answered well here, and why.
ELSEWHERE = {"POST /reseller/bulk/{id}/pause": "the jobs of this run are done at once; tests/flows/bulk.rs pauses one that runs"}

found = json.load(open(sys.argv[1], encoding="utf-8"))
answers = found["answers"]
paths = json.load(open(sys.argv[2], encoding="utf-8"))["paths"]
operations = [f"{method.upper()} {path}" for path, item in paths.items() for method in item]
total, never = 0, []
for operation in operations:
    counts = answers.get(operation, {})
    total += sum(counts.values())
    print(f"{operation:<72}", "  ".join(f"{status}: {count}" for status, count in sorted(counts.items())))
    if not any(status.startswith("2") for status in counts):
        if operation in ELSEWHERE:
            print(f"not shown here: {operation}: {ELSEWHERE[operation]}")
        else:
            never.append(operation)
print(f"{total} requests of {len(operations)} operations")
for why, count in sorted(found["dropped"].items()):
    print(f"{count} refused for what a schema cannot say: {why}")
if never:
    sys.exit("never answered well: " + ", ".join(never))

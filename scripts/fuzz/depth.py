"""Says how deep a run of scripts/fuzz.sh got, and fails if an operation never answered well: requests that are all refused
prove little. Arguments: the answers by operation, and the API's document."""

import json
import sys

# What cannot be answered well here, and why.
ELSEWHERE = {
    "POST /reseller/bulk/{id}/pause": "the jobs of this run are done at once; tests/flows/bulk.rs pauses one that runs",
    "POST /reseller/bulk/{id}/resume": "a job that waits for credit goes on when some request gives its payer some; tests/flows/bulk.rs resumes one",
    "POST /reseller/accounts/{id}/keys": "the run's set-up makes keys by it",
}
# An invoice is made when a period is over, and a card is added in a browser.
OF_INVOICES = [
    "GET /reseller/invoices/{id}", "GET /reseller/invoices/{id}/pdf", "GET /reseller/payments/{id}", "GET /reseller/credit-notes/{id}",
    "GET /reseller/disputes/{id}", "POST /reseller/disputes", "POST /reseller/payments/{id}/refund", "POST /reseller/payments/{id}/retry-refunds", "DELETE /reseller/payment-methods/{id}",
    "PUT /reseller/payment-methods/default", "POST /billing/processor/{account_id}",
    *(f"POST /reseller/invoices/{{id}}/{what}" for what in ("finalize", "void", "write-off", "pay", "payments", "credit-notes")),
    *(f"POST /reseller/disputes/{{id}}/{what}" for what in ("messages", "take-up", "resolve", "withdraw")),
]
ELSEWHERE.update({operation: "no period is over in this run; tests/flows/billing.rs and payments.rs have invoices" for operation in OF_INVOICES})

# A clock is put on an account that has just been made, and has nothing.
OF_CLOCKS = ["POST /reseller/test-clocks", *(f"{method} /reseller/test-clocks/{{id}}" for method in ("GET", "DELETE")), "POST /reseller/test-clocks/{id}/advance"]
ELSEWHERE.update({operation: "no clock is made in this run; tests/flows/test_clocks.rs has them" for operation in OF_CLOCKS})

# A session's cookie is a browser's, and this run sends a key.
OF_SESSIONS = [f"{method} /portal/{what}" for what in ("session", "sessions") for method in ("GET", "DELETE")] + ["POST /portal/session"]
ELSEWHERE.update({operation: "this run sends a key, not a cookie; tests/flows/sessions.rs signs in" for operation in OF_SESSIONS})

# Neither bytes of a picture nor a record of DNS can be made up.
OF_BRANDS = ["PUT /reseller/accounts/{id}/brand/logo", "GET /portal/logo/{digest}", "POST /reseller/accounts/{id}/brand/host/verify"]
ELSEWHERE.update({operation: "no picture and no record of DNS is made up; tests/flows/branding.rs has them" for operation in OF_BRANDS})

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

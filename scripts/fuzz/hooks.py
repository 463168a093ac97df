"""What Schemathesis is told beside docs/openapi.json: ids that exist, and which refusals no schema can foretell.

The schema says what a request looks like, not which accounts there are. Without help almost every request would end at 404,
so most well-formed ids are put in place of made-up ones: a key together with its account, a hold, a transfer. Most bodies
of prices and usage are made to hang together too (repair.py). What was malformed stays so.
"""

import collections
import datetime
import hashlib
import json
import os
import re
import sys
import time

import requests
import schemathesis

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import repair  # noqa: E402

URL, KEY = os.environ["FUZZ_URL"], os.environ["FUZZ_KEY"]
ID = re.compile(r"^(acc|txf|hld|key|mem|rol|rcd|mkp|prm|pkg|exp|bat|job|alr|whk|evt|chg|inv|pay|crn|dsp|run)_[0-7][0-9a-hjkmnp-tv-z]{25}$")
NAME = re.compile(r"^[!-~]{1,128}$")

# Refusals with 400 of requests that the schema allows, because JSON Schema has no words for the rule: code, what the problem
# says, and why.
UNSAYABLE = [
    ("invalid_cursor", "", "a cursor is opaque; whether it was given out for this list only the server knows"),
    ("idempotency_key_missing", "", "a header that is required by a field of the body, `initial_credits`"),
    ("validation_failed", "cannot be given together with key_id", "two query parameters that exclude each other"),
    ("validation_failed", "/query/account_id: cannot be given with seller_id", "two query parameters that exclude each other"),
    ("validation_failed", "/query/to: must be after from", "an order of two query parameters"),
    ("validation_failed", "/query/from: is too long before to: ", "a distance of two query parameters"),
    ("validation_failed", "/to: must be after from", "an order of two fields"),
    ("validation_failed", "/to: must be at most 400 days after from", "a distance of two fields"),
    ("validation_failed", "/ends_at: must be after starts_at", "an order of two fields"),
    ("validation_failed", "/available_until: must be later than now and than available_from", "what is in the future changes"),
    ("validation_failed", "/at: must be at most 35 days ago and at most 366 days ahead", "what is in the future changes"),
    ("validation_failed", "must be in the future", "what is in the future changes"),
    ("validation_failed", "/query/period: must not be a month to come", "what is in the future changes"),
    ("validation_failed", "/month: must not be in the future", "what is in the future changes"),
    ("validation_failed", "must not be before 0000-01-01T00:00:00Z", "no keyword bounds a time, and a zone can put it before the year 0"),
    ("validation_failed", "must be greater than in the entry before it", "an order of the entries of a list"),
    ("validation_failed", "leaves a gap: must begin at", "an entry of a list begins where the one before ends"),
    ("validation_failed", "overlaps the band before it: must begin at", "an entry of a list begins where the one before ends"),
    ("validation_failed", "/to: must be greater than the band's from", "an order of two fields"),
    ("validation_failed", "/to: only the last band may be open", "which entry of a list is its last"),
    ("validation_failed", "/to: the last band must be open (null)", "which entry of a list is its last"),
    ("validation_failed", "/name: is there twice", "`uniqueItems` looks at whole entries, not at one field of them"),
    ("validation_failed", "/unique_by: must be one of the dimensions", "a field that is an entry of another"),
    ("validation_failed", "names account, meter, one tag and one dimension at most once", "parts of a text that are there once"),
    ("validation_failed", "has more than 6 decimals", "`multipleOf` of a decimal fraction is not exact"),
    ("validation_failed", "bytes of UTF-8", "`maxLength` counts characters, the API bytes"),
    ("validation_failed", "U+E00", "characters beyond U+FFFF in a class have no form that all readers of patterns share"),
    ("validation_failed", "must be an IANA time zone", "the zones that exist are too many to list"),
    ("validation_failed", "/rows: is required, or an upload_id", "one of two fields must be given"),
    ("validation_failed", "/upload_id: cannot be given with rows", "and not both"),
    ("validation_failed", "/format: is of an upload", "a field that goes with another one"),
    ("validation_failed", "a place for a value is written", "what stands between braces is a name"),
    ("validation_failed", "must be one line without control characters", "a subject is shown in one line"),
    ("validation_failed", "must not be empty", "white space alone is no text"),
    ("validation_failed", "is too long with its values", "`maxLength` counts characters, the API bytes"),
    ("validation_failed", "/target: must be at least the threshold", "an order of two fields"),
    ("validation_failed", "/amount: is required, or target", "fields that go with a value of another"),
    ("validation_failed", "/target: cannot be given with amount", "fields that go with a value of another"),
    ("validation_failed", "is of the parent's credit; of a package, its quantity is given", "fields that go with a value of another"),
    ("validation_failed", "/meter: is required for usage", "fields that go with a value of another"),
    ("validation_failed", "/meter: is of usage and loss alone", "fields that go with a value of another"),
    ("validation_failed", "/period: is required: day or month", "fields that go with a value of another"),
    ("validation_failed", "/period: is of spend, usage and loss alone", "fields that go with a value of another"),
    ("validation_failed", "/account_id: loss is watched from your own account", "whose an account is, with a value of another field"),
    ("validation_failed", "/account_id: spend with `subtree` is watched from your own account", "whose an account is, with a value of another field"),
    ("validation_failed", "/account_id: spend is watched of your own account and of those right below", "whose an account is, with a value of another field"),
    ("validation_failed", "/threshold: must not be negative", "a range that goes with a value of another"),
    ("validation_failed", "must not be zero", "a number other than nothing"),
    ("validation_failed", "cannot be given with account_id", "fields that exclude one another"),
    ("validation_failed", "must not be before suspend_after_days", "an order of two fields"),
    ("validation_failed", "in whole coins", "how many decimals a currency has"),
    ("validation_failed", "has no such line", "which lines an invoice has"),
    ("validation_failed", "is there twice", "`uniqueItems` looks at whole entries, not at one field of them"),
    ("validation_failed", "that is left of the line", "how much of a line is left"),
    ("validation_failed", "that is disputed of the line", "how much of a line is disputed"),
    ("validation_failed", "/paid_at: must not be in the future", "what is in the future changes"),
    ("validation_failed", "/lines: is", "fields that go with a value of another"),
    ("validation_failed", "/reference: cannot be given with pay_with card", "fields that exclude one another"),
    ("validation_failed", "key of the test mode", "in which mode a platform runs"),
    ("validation_failed", "/header/stripe-signature", "a signature, which only the payment processor can make"),
    ("validation_failed", "/url: ", "which addresses are of the public internet"),
    ("validation_failed", "takes no event that there is", "the types of events are too many to list"),
    ("validation_failed", "is named twice", "a list of texts that differ"),
    ("validation_failed", "/settings/brand/support_url", "an https address"),
    ("validation_failed", "must be at most 36 months before `to`", "a distance of two query parameters"),
    ("validation_failed", "must not be a month to come", "what is in the future changes"),
    ("validation_failed", "/month: must be at most ten years ago, and not to come", "what is in the future changes"),
    ("validation_failed", "/to: must be later than the clock's time", "what is in the future changes"),
    ("validation_failed", "must have either token or api_key", "one of two fields must be given"),
    ("validation_failed", "account_id: goes with token", "fields that go with one another"),
    ("validation_failed", "/host: ", "which names can be hosts"),
    ("validation_failed", "/image: must be", "a picture's bytes"),
    ("validation_failed", "invalid type: floating point", "to JSON Schema 1.0 is an integer"),
]


def chance(text):
    """A number that depends on nothing but the text, so that a seed gives the same run."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")


def api(method, path, **more):
    headers = {"Authorization": f"Bearer {KEY}", "Idempotency-Key": os.urandom(16).hex()}
    answer = requests.request(method, URL + path, headers=headers, timeout=10, **more)
    answer.raise_for_status()
    return answer.json()


def world():
    """The ids that exist: for each path parameter a list of values that belong together. Beside them, the run's own key."""
    operator = api("GET", "/reseller/credits/balance")["account_id"]
    api("POST", "/reseller/credits/issue", json={"account_id": operator, "amount": "1000000"})
    own_key = api("GET", f"/reseller/accounts/{operator}/permissions")["principal"]["id"]
    made = collections.defaultdict(list)
    for number in range(5):
        parent = operator
        for level in range(3):
            kind = "reseller" if level < 2 else "customer"
            account = api("POST", "/reseller/accounts/create", json={"name": f"Fuzz {number}", "kind": kind, "parent_id": parent})["id"]
            at = f"/reseller/accounts/{account}"
            api("POST", "/reseller/credits/issue", json={"account_id": account, "amount": "100000"})
            made["accounts"].append({"id": account})
            for _ in range(2):
                key = api("POST", f"{at}/keys", json={"name": "Fuzz", "role": "viewer"})["id"]
                member = api("POST", f"{at}/members", json={"email": f"{os.urandom(8).hex()}@x.example", "role": "viewer"})["id"]
                role = api("POST", f"{at}/roles", json={"name": f"r{os.urandom(8).hex()}", "rights": ["accounts.read"]})["id"]
                hold = api("POST", "/reseller/credits/holds", json={"account_id": account, "amount": "10"})["id"]
                move = api("POST", "/reseller/credits/allocate", json={"account_id": account, "amount": "1"})["id"]
                denied = api("POST", f"{at}/keys", json={"name": "Fuzz", "role": "viewer"})["id"]
                api("PUT", f"{at}/keys/{denied}/denies/{account}", json={"rights": ["accounts.read"]})
                # A key that is revoked has no denies to change, so those with one are others.
                made["denied"].append({"id": account, "key_id": denied, "account_id": account})
                made["keys"].append({"id": account, "key_id": key, "account_id": account})
                made["members"].append({"id": account, "member_id": member, "account_id": account})
                made["roles"].append({"id": account, "role_id": role})
                made["holds"].append({"id": hold})
                made["transfers"].append({"id": move})
            parent = account
    # One row that can be done, and one that cannot: each job comes to its end, and has something to retry and to undo.
    for number in range(12):
        rows = [{"account_id": made["accounts"][number]["id"], "amount": "1"}, {"account_id": operator, "amount": "1"}]
        made["bulk"].append({"id": api("POST", "/reseller/bulk/credits", json={"rows": rows})["id"]})
    # A job whose payer has too little waits for it: such ones are resumed and cancelled.
    poor = api("POST", "/reseller/accounts/create", json={"name": "Poor", "kind": "reseller"})["id"]
    child = api("POST", "/reseller/accounts/create", json={"name": "Poor's", "parent_id": poor})["id"]
    for _ in range(40):
        job = api("POST", "/reseller/bulk/credits", json={"from": poor, "rows": [{"account_id": child, "amount": "1"}]})["id"]
        made["paused"].append({"id": job})
    # An account is closed once, and only when there is nothing in it.
    for number in range(30):
        made["empty"].append({"id": api("POST", "/reseller/accounts/create", json={"name": f"Empty {number}"})["id"]})
    made["sales"] = [
        {"seller_id": seller, "account_id": buyer["id"]}
        for at, buyer in enumerate(made["accounts"])
        for seller in [operator if at % 3 == 0 else made["accounts"][at - 1]["id"]]
    ]
    prices(operator, made)
    usage(made)
    made["sellers"] = [{"id": operator}] + [account for at, account in enumerate(made["accounts"]) if at % 3 < 2]
    watched(made)
    billed(made)
    hooked(made)
    return own_key, made


def prices(operator, made):
    """Meters with prices, and rules that are there to be ended: each once, so there are many."""
    book = "/reseller/pricing"
    unique = {"key": "fuzz.seen", "aggregation": "unique", "unique_by": "country"}
    for meter in ({"key": "fuzz.sms", "aggregation": "sum"}, unique, {"key": "fuzz.later", "aggregation": "count"}):
        api("POST", f"{book}/meters", json={"name": "Fuzz", "unit": "one", "dimensions": ["country"], **meter})
        made["meters"].append({"key": meter["key"], "account_id": operator})
        # Cheap, so that what is asked for by chance is rarely under it.
        card = {"meter": meter["key"], "currency": "USD", "model": {"type": "flat", "unit_price": "0.001"}}
        api("POST", f"{book}/rate-cards", json=card)
    for number in range(40):
        later = repair.later(100 + number)
        card = {"meter": "fuzz.later", "currency": "USD", "model": {"type": "flat", "unit_price": "1"}, "effective_from": later}
        made["rate-cards"].append({"id": api("POST", f"{book}/rate-cards", json=card)["id"], "seller_id": operator})
        promotion = {"name": "Fuzz", "percent": "1", "ends_at": later, "code": f"fuzz-{number}"}
        made["promotions"].append({"id": api("POST", f"{book}/promotions", json=promotion)["id"], "seller_id": operator})
        made["codes"].append({"code": promotion["code"]})
    package = {"name": "Fuzz", "credits": "10", "bonus": "1", "price": "9"}
    for number in range(30):
        made["packages"].append({"id": api("POST", f"{book}/packages", json=package)["id"], "seller_id": operator})
    for sale in made["sales"]:
        bought = api("POST", f"{book}/packages", json={**package, "seller_id": sale["seller_id"]})["id"]
        made["offers"].append({"account_id": sale["account_id"], "package_id": bought})


def usage(made):
    """Events, each to be taken back once, and what is made of them."""
    for account in made["accounts"]:
        events = [repair.event(account["id"], "fuzz.sms", f"{account['id']}-{number}") for number in range(8)]
        answer = api("POST", "/reseller/usage/events", json={"events": events})
        assert answer["accepted"] == len(events), answer
        made["events"] += [{"id": event["id"], "account_id": account["id"]} for event in events]
        made["batches"].append({"id": api("POST", "/reseller/usage/events/async", json={"events": events})["id"]})
        export = {"account_id": account["id"], "format": "csv", "from": repair.later(-1), "to": repair.later(0)}
        made["exports"].append({"id": api("POST", "/reseller/usage/export", json=export)["id"]})


def watched(made):
    """Accounts that top themselves up, and alerts; of each, several to be removed."""
    for account in made["accounts"]:
        for _ in range(3):
            rule = {"account_id": account["id"], "metric": "balance", "threshold": "1"}
            made["alerts"].append({"id": api("POST", "/reseller/alerts", json=rule)["id"], "account_id": account["id"]})
        topup = {"account_id": account["id"], "threshold": "1", "amount": "5", "source": "parent"}
        api("PUT", "/reseller/credits/auto-topup", json=topup)


def billed(made):
    """Charges that wait, several of them to be taken back. An invoice is made by a billing run alone."""
    for account in made["accounts"]:
        for _ in range(4):
            charge = {"account_id": account["id"], "amount": "1", "text": "Fuzz"}
            made["charges"].append({"id": api("POST", "/reseller/billing/charges", json=charge)["id"], "account_id": account["id"]})
    for seller in made["sellers"]:
        processor = {"account_id": seller["id"], "api_key": "sk_test_fuzz", "webhook_secret": "whsec_fuzz"}
        requests.put(f"{URL}/reseller/billing/processor", headers={"Authorization": f"Bearer {KEY}"}, json=processor, timeout=10).raise_for_status()
    for _ in range(4):
        made["runs"].append({"id": api("POST", "/reseller/billing/runs", json={"month": repair.later(-40)[:7], "dry_run": True})["id"]})


def hooked(made):
    """Webhook endpoints, of each account one to be removed and one that stays, with a delivery. Nothing listens at their addresses."""
    for account in made["accounts"]:
        for what in ("webhooks", "removable-webhooks"):
            hook = {"account_id": account["id"], "url": "https://hooks.example.com/", "events": ["webhook.*"]}
            made[what].append({"id": api("POST", "/reseller/webhooks", json=hook)["id"], "account_id": account["id"]})
    for hook in made["webhooks"]:
        event = api("POST", f"/reseller/webhooks/{hook['id']}/test?account_id={hook['account_id']}")["event_id"]
        made["deliveries"].append({**hook, "event_id": event})


def unsubscribable():
    """What stands behind the link of a mail that somebody may not want."""
    account = api("POST", "/reseller/accounts/create", json={"name": "Read", "email": "fuzz@example.com"})["id"]
    row = {"account_id": account, "email": "fuzz@example.com"}
    api("POST", "/reseller/bulk/notifications", json={"rows": [row], "subject": "Hello", "text": "There is news."})
    for _ in range(100):
        for mail in requests.get(URL + "/_local/mail", timeout=10).json()["data"]:
            found = re.search(r"/unsubscribe/([A-Za-z0-9_-]+)", mail["text"])
            if found:
                return found[1]
        time.sleep(0.1)
    raise AssertionError("no mail came with a link to unsubscribe")


def settled(jobs, state):
    """Jobs are done in their own time: waits until these are."""
    for job in jobs:
        for _ in range(300):
            if api("GET", f"/reseller/bulk/{job['id']}")["state"] == state:
                break
            time.sleep(0.1)
        else:
            raise AssertionError(f"{job['id']} is not {state}")


OWN_KEY, MADE = world()
settled(MADE["paused"], "paused")
TOKEN = unsubscribable()
REPAIR = repair.Repair(MADE, chance)
# Whose what is of which kind: a rule of its seller, an event of its account.
OWNERS = {row["id"]: row for what in ("rate-cards", "promotions", "packages", "events", "alerts", "charges", "webhooks", "removable-webhooks") for row in MADE[what]}
STAYS = {row["id"] for row in MADE["webhooks"]}
# Ids begin with the time they were made: one that begins like these was made by this run and stays.
NOW = MADE["accounts"][0]["id"][4:9]
ANSWERS = collections.defaultdict(collections.Counter)
DROPPED = collections.Counter()


def made_up(value):
    return isinstance(value, str) and ID.match(value) and value[4:9] != NOW


def kept(request):
    """Every eighth request goes out with the ids it was made with."""
    return chance(json.dumps(request, sort_keys=True, default=repr)) % 8 == 0


KINDS = ("keys", "members", "roles", "holds", "transfers", "rate-cards", "promotions", "packages", "events", "batches", "exports", "alerts", "charges", "runs", "meters", "bulk", "deliveries", "webhooks")


def pool(method, path):
    if method == "DELETE" and path.endswith("/webhooks/{id}"):
        return MADE["removable-webhooks"]
    if path.endswith("/close"):
        return MADE["empty"]
    if path.endswith(("/resume", "/cancel")):
        return MADE["paused"]
    if "/keys/{key_id}/denies/" in path:
        return MADE["denied"]
    for what in KINDS:
        if f"/{what}/{{" in path:
            return MADE[what]
    return MADE["accounts"]


def real_path(method, path, values):
    # Meters and events go by names of their owners' choosing; these are as good as made up.
    named = "/meters/{" in path or "/events/{" in path
    if named and all(isinstance(value, str) and NAME.match(value) for value in values.values()) and not kept(values):
        ids = pool(method, path)
        return {name: ids[chance("".join(values.values())) % len(ids)][name] for name in values}
    if "token" in values:
        return values if kept(values) else {"token": TOKEN}
    # The key that the run itself uses is not revoked, rotated or denied anything, and what stays is not removed.
    spoils = values.get("key_id") == OWN_KEY or method == "DELETE" and values.get("id") in STAYS
    if all(isinstance(value, str) and ID.match(value) for value in values.values()):
        if spoils or any(made_up(value) for value in values.values()) and not kept(values):
            ids = pool(method, path)
            chosen = ids[chance("".join(values.values())) % len(ids)]
            return {name: chosen.get(name, value) for name, value in values.items()}
    return values


def real(name, value):
    if isinstance(value, dict):
        return {member: real(member, inner) for member, inner in value.items()}
    if isinstance(value, list):
        return [real(name, inner) for inner in value]
    if made_up(value) and value.startswith("acc_"):
        return MADE["accounts"][chance(f"{name}{value}") % len(MADE["accounts"])]["id"]
    if name == "expires_at" and isinstance(value, str) and chance(value) % 4 and is_time(value):
        later = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=1 + chance(value) % 20)
        return later.strftime("%Y-%m-%dT%H:%M:%SZ")
    return value


def is_time(text):
    return re.match(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$", text) is not None


def real_query(query):
    query = dict(query)
    for name, what in (("key_id", "keys"), ("member_id", "members")):
        if made_up(query.get(name)):
            query[name] = MADE[what][chance(query[name]) % len(MADE[what])][name]
    # Both together are refused, always.
    if all(isinstance(query.get(name), str) and ID.match(query[name]) for name in ("key_id", "member_id")):
        del query["key_id" if chance(query["key_id"]) % 2 else "member_id"]
    return real("", query)


def owned(case):
    """Of what an account owns, that account: the request names it, or it is not found."""
    values = case.path_parameters or {}
    owner = OWNERS.get(values.get("id"))
    if owner is None:
        return
    for part in (case.query, case.body):
        if isinstance(part, dict) and "seller_id" in owner and "seller_id" in part:
            part["seller_id"] = owner["seller_id"]
    if isinstance(case.query, dict) and "seller_id" in owner:
        case.query.pop("account_id", None)
    path = case.operation.path
    by_query = path.endswith("/explain") or "/webhooks/" in path or "/charges/" in path or "/alerts/" in path and not isinstance(case.body, dict)
    if "account_id" in owner and by_query:
        case.query = {**(case.query or {}), "account_id": owner["account_id"]}
    elif "account_id" in owner and isinstance(case.body, dict):
        case.body["account_id"] = owner["account_id"]


@schemathesis.hook
def before_call(ctx, case, kwargs):
    path = case.operation.path
    if case.path_parameters:
        case.path_parameters = real_path(case.method, path, dict(case.path_parameters))
    # What is wrong on purpose stays as it is, so that it stays wrong for the reason it was made with.
    if case.meta is None or not case.meta.generation.mode.is_negative:
        if case.query and not kept(dict(case.query)):
            text = repr(case.query)
            case.query = real_query(case.query)
            REPAIR.query(path, case.query, text)
        if isinstance(case.body, dict) and not kept(case.body):
            text = json.dumps(case.body, sort_keys=True)
            case.body = real("", case.body)
            REPAIR.body(path, case.body, text)
        owned(case)
        # What was read before is named, or nothing: a version that is made up is almost never the one that is there.
        if ("/webhooks/" in path or "/billing/" in path or path.endswith("/auto-topup")) and case.headers and chance(repr(case.headers)) % 4:
            case.headers.pop("If-Match", None)


def refused_within(case, response):
    """Events are answered each on its own: what is wrong with one is said in its result, or in its batch once that is counted."""
    if case.operation.path not in ("/reseller/usage/events", "/reseller/usage/events/async"):
        return False
    body = case.body
    if not isinstance(body, dict) or set(body) != {"events"} or not isinstance(body["events"], list) or len(body["events"]) > 1000:
        return False
    return response.status_code == 202 or response.json()["rejected"] > 0


@schemathesis.hook
def filter_failure(ctx, failure, case, response):
    """Drops what is said in UNSAYABLE and what is refused within the answer, and nothing else."""
    kind = type(failure).__name__
    if kind == "AcceptedNegativeData" and refused_within(case, response):
        DROPPED["taken, and refused within the answer: an event that is none"] += 1
        return False
    if case.operation.path.startswith("/billing/processor/") and kind == "RejectedPositiveData" and response.status_code == 415:
        DROPPED["a webhook's body, which only the payment processor can sign"] += 1
        return False
    if kind != "RejectedPositiveData" or response.status_code != 400:
        return True
    try:
        problem = response.json()
    except ValueError:
        return True
    for code, words, why in UNSAYABLE:
        if problem.get("code") == code and words in problem.get("detail", ""):
            DROPPED[why] += 1
            return False
    return True


@schemathesis.hook
def after_call(ctx, case, response):
    ANSWERS[f"{case.method} {case.operation.path}"][response.status_code] += 1
    with open(os.environ["FUZZ_ANSWERS"], "w", encoding="utf-8") as file:
        json.dump({"answers": ANSWERS, "dropped": DROPPED}, file)

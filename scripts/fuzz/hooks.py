"""What Schemathesis is told beside docs/openapi.json: ids that exist, and which refusals no schema can foretell.

The schema says what a request looks like, not which accounts there are. Without help almost every request would end at 404,
so most well-formed ids are put in place of made-up ones: a key together with its account, a hold, a transfer. What was
malformed stays so.
"""

import collections
import datetime
import hashlib
import json
import os
import re

import requests
import schemathesis

URL, KEY = os.environ["FUZZ_URL"], os.environ["FUZZ_KEY"]
ID = re.compile(r"^(acc|txf|hld|key|mem|rol|job)_[0-7][0-9a-hjkmnp-tv-z]{25}$")

# Refusals with 400 of requests that the schema allows, because JSON Schema has no words for the rule: code, what the problem
# says, and why.
UNSAYABLE = [
    ("invalid_cursor", "", "a cursor is opaque; whether it was given out for this list only the server knows"),
    ("idempotency_key_missing", "", "a header that is required by a field of the body, `initial_credits`"),
    ("validation_failed", "cannot be given together with key_id", "two query parameters that exclude each other"),
    ("validation_failed", "/query/to: must be after from", "an order of two query parameters"),
    ("validation_failed", "must be in the future", "what is in the future changes"),
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
    ("validation_failed", "invalid type: floating point", "to JSON Schema 1.0 is an integer"),
]


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
    # An account is closed once, and only when there is nothing in it.
    for number in range(30):
        made["empty"].append({"id": api("POST", "/reseller/accounts/create", json={"name": f"Empty {number}"})["id"]})
    return own_key, made


OWN_KEY, MADE = world()
# Ids begin with the time they were made: one that begins like these was made by this run and stays.
NOW = MADE["accounts"][0]["id"][4:9]
ANSWERS = collections.defaultdict(collections.Counter)
DROPPED = collections.Counter()


def chance(text):
    """A number that depends on nothing but the text, so that a seed gives the same run."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")


def made_up(value):
    return isinstance(value, str) and ID.match(value) and value[4:9] != NOW


def kept(request):
    """Every eighth request goes out with the ids it was made with."""
    return chance(json.dumps(request, sort_keys=True, default=repr)) % 8 == 0


def pool(path):
    if path.endswith("/close"):
        return MADE["empty"]
    for what in ("keys", "members", "roles", "holds", "transfers", "bulk"):
        if f"/{what}/{{" in path:
            return MADE[what]
    return MADE["accounts"]


def real_path(path, values):
    spoils = values.get("key_id") == OWN_KEY
    if all(isinstance(value, str) and ID.match(value) for value in values.values()):
        # The key that the run itself uses is not revoked, rotated or denied anything.
        if spoils or any(made_up(value) for value in values.values()) and not kept(values):
            ids = pool(path)
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


@schemathesis.hook
def before_call(ctx, case, kwargs):
    if case.path_parameters:
        case.path_parameters = real_path(case.operation.path, dict(case.path_parameters))
    # What is wrong on purpose stays as it is, so that it stays wrong for the reason it was made with.
    if case.meta is None or not case.meta.generation.mode.is_negative:
        if case.query and not kept(dict(case.query)):
            case.query = real_query(case.query)
        if isinstance(case.body, dict) and not kept(case.body):
            case.body = real("", case.body)


@schemathesis.hook
def filter_failure(ctx, failure, case, response):
    """Drops what is said in UNSAYABLE, and nothing else."""
    if type(failure).__name__ != "RejectedPositiveData" or response.status_code != 400:
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

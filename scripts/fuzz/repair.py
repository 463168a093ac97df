"""Bodies of prices and usage that hang together. The schema says what each field looks like; that a seller sells to the account,
that a meter exists, that bands rise and that times are near is made so here, of most requests. Whatever is put in is what
the schema allows too."""

import datetime

CURRENCY = "USD"


def later(days, hours=0):
    at = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=days, hours=hours)
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def month():
    return later(0)[:7]


def event(account, meter, name):
    return {"id": name, "account_id": account, "meter": meter, "quantity": "2", "occurred_at": later(0), "properties": {"country": "AT"}}


class Repair:
    """Repairs by the text of a request alone, so that a seed gives the same run. `chance` gives a number for a text."""

    def __init__(self, made, chance):
        self.made, self.chance = made, chance

    def one(self, what, text):
        rows = self.made[what]
        return rows[self.chance(text) % len(rows)]

    def meter(self, text):
        # The first is the one with usage.
        return self.made["meters"][0]["key"] if self.chance(text) % 2 else self.one("meters", text)["key"]

    def sale(self, fields, text):
        """A seller and one of its buyers, where either is named."""
        sale = self.one("sales", text)
        if fields.get("account_id") is not None:
            fields.update(sale)
        elif fields.get("seller_id") is not None:
            fields["seller_id"] = sale["seller_id"]

    def bands(self, bands, start, step, discount):
        for at, band in enumerate(bands):
            band["from"] = str(start + at * step)
            if discount:
                band["discount"] = str(at + 1)

    def model(self, model):
        if isinstance(model.get("bands"), list):
            self.bands(model["bands"], 0, 10, False)
            for at, band in enumerate(model["bands"]):
                band["to"] = None if at + 1 == len(model["bands"]) else str(10 + at * 10)
        if isinstance(model.get("model"), dict):
            self.model(model["model"])

    def query(self, path, query, text):
        if "/pricing/" in path:
            if "seller_id" in query and path.endswith("/packages"):
                query.pop("account_id", None)
            elif not path.endswith(("/meters", "/tiers", "/resolve")):
                self.sale(query, text)
        if isinstance(query.get("meter"), str):
            query["meter"] = self.meter(text)
        if isinstance(query.get("period"), str):
            query["period"] = month()
        if path.endswith("/report") and isinstance(query.get("from"), str):
            query["from"], query["to"] = later(-2), later(-1)

    def body(self, path, body, text):
        what = path.split("/reseller/")[-1]
        if what in ("pricing/rate-cards", "pricing/markups", "pricing/promotions"):
            self.rule(body, text)
        elif what == "pricing/what-if":
            self.what_if(body, text)
        elif what == "pricing/meters":
            if body.get("unique_by") is not None and body["unique_by"] not in body.get("dimensions", []):
                body["dimensions"] = [body["unique_by"]]
        elif what == "pricing/meters/{key}":
            body.pop("account_id", None)
        elif what == "pricing/tiers" and body.get("tiers"):
            for at, tier in enumerate(body["tiers"]):
                tier["name"] = f"t{at}"
            self.bands(body["tiers"], 1, 10, True)
        elif what == "pricing/bulk-discounts" and body.get("bands"):
            self.bands(body["bands"], 1, 10, True)
        elif what == "pricing/packages":
            self.package(body)
        elif what == "pricing/quote":
            self.quote(body, text)
        elif what == "pricing/promotions/redeem":
            body.update(self.one("codes", text), account_id=self.one("accounts", text)["id"])
        elif what == "pricing/packages/quote":
            body.update(account_id=self.one("offers", text)["account_id"], credits=str(1 + self.chance(text) % 50))
        elif what == "payment-methods/setup":
            body.update(success_url="https://shop.example/", cancel_url="https://shop.example/")
        elif what == "credits/auto-topup":
            body.update(threshold="1", source="parent", amount="5")
            body.pop("target", None)
        elif what.startswith("billing/"):
            self.billing(what, body, text)
        elif what.startswith("alerts") and isinstance(body.get("metric"), str):
            body["threshold"] = "1"
            body.pop("meter", None)
            if body["metric"] == "usage":
                body["meter"] = self.meter(text)
            if body["metric"] in ("spend", "usage", "loss"):
                body["period"] = "day"
            else:
                body.pop("period", None)
        elif what.startswith("bulk/") and body.get("rows"):
            for field in ("upload_id", "format"):
                body.pop(field, None)
        elif what.startswith("webhooks") and body.get("url"):
            body.update(url="https://hooks.example.com/", events=["credit.*"])
        elif what == "credits/purchase":
            self.purchase(body, text)
        elif what in ("usage/events", "usage/events/async"):
            account = self.one("accounts", text)["id"]
            body["events"] = [event(account, self.meter(text), f"{self.chance(text)}-{at}") for at in range(len(body["events"][:5]))]
        elif what == "usage/export":
            body["from"], body["to"] = later(-2), later(-1)
        elif what == "usage/events/{id}/correct":
            body["quantity"] = str(self.chance(text) % 10)

    def billing(self, what, body, text):
        if what == "billing/settings":
            # A customer bills nobody.
            body["account_id"] = self.one("sellers", text)["id"]
        for field in ("fees", "tax_rates"):
            for at, one in enumerate(body.get(field) or []):
                one["id"] = f"k{at}"
                one.pop("account_id", None)
        if isinstance(body.get("time_zone"), str):
            body["time_zone"] = "Europe/Vienna"
        if isinstance(body.get("dunning"), dict):
            body["dunning"] = {"retry_days": [1, 3], "remind_days": [2], "suspend_after_days": 14, "uncollectible_after_days": 90}
        if what == "billing/processor":
            body.update(account_id=self.one("sellers", text)["id"], api_key="sk_test_fuzz", webhook_secret="whsec_fuzz")
            body.pop("publishable_key", None)
        if what == "billing/runs":
            body["month"] = month()
        if what == "billing/charges":
            body["amount"] = str(1 + self.chance(text) % 50)

    def rule(self, body, text):
        self.sale(body, text)
        if isinstance(body.get("meter"), str):
            body["meter"] = self.meter(text)
        if body.get("meters"):
            body["meters"] = [self.meter(text)]
        if body.get("currency") is not None:
            body["currency"] = CURRENCY
        if isinstance(body.get("effective_from"), str):
            body["effective_from"] = later(1 + self.chance(text) % 300, self.chance(text) % 24)
        if isinstance(body.get("starts_at"), str):
            body["starts_at"] = later(1)
        if isinstance(body.get("ends_at"), str):
            body["ends_at"] = later(2)
        if isinstance(body.get("model"), dict):
            self.model(body["model"])
        if self.chance(text) % 2:
            body["allow_loss"] = True

    def what_if(self, body, text):
        body["month"] = month()
        sale = self.one("sales", text)
        body["seller_id"] = sale["seller_id"]
        draft = body.get("card") or body.get("markup")
        if draft.get("account_id") is not None:
            draft["account_id"] = sale["account_id"]
        if draft.get("currency") is not None:
            draft["currency"] = CURRENCY
        if isinstance(draft.get("meter"), str):
            draft["meter"] = self.meter(text)
        if isinstance(draft.get("model"), dict):
            self.model(draft["model"])

    def package(self, body):
        if body.get("currency") is not None:
            body["currency"] = CURRENCY
        if isinstance(body.get("available_from"), str):
            body["available_from"] = later(1)
        if isinstance(body.get("available_until"), str):
            body["available_until"] = later(2)

    def quote(self, body, text):
        if isinstance(body.get("at"), str):
            body["at"] = later(1)
        for line in [body, *(body.get("lines") or [])]:
            if isinstance(line.get("meter"), str):
                line["meter"], line["quantity"] = self.meter(text), str(self.chance(text) % 1000)

    def purchase(self, body, text):
        offer = self.one("offers", text)
        body["account_id"] = offer["account_id"]
        # No account here has a card.
        body.pop("pay_with", None)
        if isinstance(body.get("package_id"), str):
            body["package_id"] = offer["package_id"]
        if isinstance(body.get("credits"), str):
            body["credits"] = str(1 + self.chance(text) % 10)

//! The demo of a first start, made through the API itself. Every step can be repeated: a run that was killed in the
//! middle goes on at the next start.

mod billing;
mod plan;
mod usage;

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};

use bytes::Bytes;
use http::{Method, Request, StatusCode};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use self::plan::{ACCOUNTS, ALLOCATIONS, HELD, ISSUES, Movement, POSTPAID, STAFFED, SUSPENDED, TRANSFERS};
use self::usage::{CARDS, MARKUPS, METERS, USERS};
use crate::cards::Seller;
use crate::gateway::Gateway;
use crate::options::{Progress, Step};
use crate::pump::Pump;
use tributary_processor::Processor;
use tributary_runtime::clock::{Clock as _, SystemClock};

/// The holds, the capture, the suspension, the member, what is watched, the keys, and the jobs.
const OTHER_STEPS: usize = 3 + 1 + 1 + 2 + KEYS.len() + 2;
/// How many weeks of usage there are, and the rest of the last.
const WEEKS: usize = 13;

/// The address of the demo's one member.
pub const MEMBER: &str = "nora.lind@northwind.example";
/// The keys: of which account, called what, in which role.
const KEYS: [(&str, &str, &str); 3] = [
    ("northwind", "Northwind back office", "owner"),
    (STAFFED, "Northwind dashboards", "viewer"),
    ("alpenblick", "Alpenblick back office", "owner"),
];

/// What the demo made, for the page that the run prints.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Demo {
    /// The accounts, parents first.
    pub accounts: Vec<DemoAccount>,
    /// The keys.
    pub keys: Vec<DemoKey>,
}

/// An account of the demo.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DemoAccount {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its kind.
    pub kind: String,
    /// Its currency.
    pub currency: String,
    /// Levels below the operator.
    pub depth: usize,
}

/// A key of the demo.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DemoKey {
    /// The account's name.
    pub account: String,
    /// The account's id.
    pub account_id: String,
    /// Its role.
    pub role: String,
    /// The key.
    pub secret: String,
}

/// What the demo is made with.
pub struct Ground<'a> {
    /// The API.
    pub gateway: &'a Gateway,
    /// What delivers messages.
    pub pump: &'a Pump,
    /// The payment processor.
    pub processor: &'a Processor,
    /// Where the API will be, without a slash at the end.
    pub base_url: &'a str,
    /// The clock, which is set back meanwhile.
    pub clock: &'a SystemClock,
}

/// A step of the demo was not answered as it should.
#[derive(Debug, thiserror::Error)]
#[error("the demo stopped at {what:?}: the API answered {status} {body}")]
pub struct SeedError {
    what: String,
    status: StatusCode,
    body: String,
}

impl SeedError {
    fn of(what: &str, error: &dyn std::error::Error) -> Self {
        Self { what: what.to_owned(), status: StatusCode::BAD_REQUEST, body: error.to_string() }
    }
}

/// Makes the demo with the operator's key. It begins three months ago: the clock is set back, moved on week by week while
/// usage comes in, and stands where it stood when this returns.
///
/// # Errors
/// [`SeedError`] names the step that failed.
pub async fn seed(ground: &Ground<'_>, operator_key: &str, progress: &Progress) -> Result<Demo, SeedError> {
    let prices = METERS.len() + CARDS.len() + MARKUPS.len() + usage::packages().len() + POSTPAID.len() + 1;
    let of = ACCOUNTS.len() + ISSUES.len() + ALLOCATIONS.len() + TRANSFERS.len() + OTHER_STEPS + prices + WEEKS + 1 + billing::STEPS;
    let &Ground { gateway, pump, processor, base_url, clock } = ground;
    let mut seeder = Seeder {
        gateway,
        pump,
        processor,
        base_url,
        clock,
        key: operator_key.to_owned(),
        progress,
        of,
        done: 0,
        accounts: BTreeMap::new(),
        sellers: Vec::new(),
        began: Timestamp::UNIX_EPOCH,
    };
    let ends = clock.now();
    let mut back = Back::by_days(clock, usage::DAYS);
    let accounts = seeder.accounts().await?;
    seeder.credit().await?;
    seeder.prices().await?;
    seeder.selling(ends).await?;
    seeder.usage(&mut back).await?;
    drop(back);
    seeder.invoices().await?;
    seeder.movements().await?;
    seeder.holds().await?;
    seeder.people().await?;
    seeder.watched().await?;
    let keys = seeder.keys().await?;
    if let Some(owner) = keys.iter().find(|key| key.account_id == seeder.id("northwind")) {
        seeder.key.clone_from(&owner.secret);
        seeder.jobs().await?;
    }
    seeder.insights(&accounts).await;
    Ok(Demo { accounts, keys })
}

/// A clock that was set back; it is set where it was when this is dropped.
struct Back<'a> {
    clock: &'a SystemClock,
    left_ms: i64,
}

impl<'a> Back<'a> {
    fn by_days(clock: &'a SystemClock, days: i64) -> Self {
        let left_ms = days * 86_400_000;
        clock.advance_ms(-left_ms);
        Self { clock, left_ms }
    }

    /// Moves on to a time, but not beyond where the clock stood, and returns the time that it is then.
    fn until(&mut self, at: Timestamp) -> Timestamp {
        let ms = (at.as_millisecond() - self.clock.now().as_millisecond()).clamp(0, self.left_ms);
        self.clock.advance_ms(ms);
        self.left_ms -= ms;
        self.clock.now()
    }
}

impl Drop for Back<'_> {
    fn drop(&mut self) {
        self.clock.advance_ms(self.left_ms);
    }
}

struct Seeder<'a> {
    gateway: &'a Gateway,
    pump: &'a Pump,
    processor: &'a Processor,
    base_url: &'a str,
    clock: &'a SystemClock,
    /// Whose key the requests are made with.
    key: String,
    progress: &'a Progress,
    of: usize,
    done: usize,
    /// Ids and names by handle.
    accounts: BTreeMap<&'static str, DemoAccount>,
    /// Who takes cards, by account.
    sellers: Vec<(String, Seller)>,
    /// The first midnight after the first account was made.
    began: Timestamp,
}

impl Seeder<'_> {
    async fn accounts(&mut self) -> Result<Vec<DemoAccount>, SeedError> {
        let mut made = Vec::new();
        for planned in ACCOUNTS {
            let mut body = json!({
                "name": planned.name,
                "kind": planned.kind,
                "external_id": format!("demo-{}", planned.handle),
                "email": format!("billing@{}.example", planned.handle),
                "tags": {"region": planned.region},
            });
            if !planned.parent.is_empty() {
                body["parent_id"] = json!(self.id(planned.parent));
            }
            if let Some(currency) = planned.currency {
                body["currency"] = json!(currency);
            }
            let answer = self.post(&format!("account {}", planned.handle), "/reseller/accounts/create", body, true).await?;
            if made.is_empty() {
                // A run that goes on with another's demo is told when that began.
                let at: Timestamp = text(&answer, "created_at").parse().unwrap_or(Timestamp::UNIX_EPOCH);
                self.began = Timestamp::from_second((at.as_second() / 86_400 + 1) * 86_400).unwrap_or(at);
            }
            let account = DemoAccount {
                id: text(&answer, "id"),
                name: planned.name.to_owned(),
                kind: planned.kind.to_owned(),
                currency: text(&answer, "currency"),
                depth: self.accounts.get(planned.parent).map_or(1, |parent| parent.depth + 1),
            };
            self.accounts.insert(planned.handle, account.clone());
            made.push(account);
        }
        Ok(made)
    }

    async fn credit(&mut self) -> Result<(), SeedError> {
        for Movement { to, amount, reference, .. } in ISSUES {
            let body = json!({"account_id": self.id(to), "amount": amount, "reference": reference});
            self.post(&format!("credit for {to}"), "/reseller/credits/issue", body, true).await?;
        }
        for Movement { from, to, amount, reference } in ALLOCATIONS {
            let body = json!({"from": self.id(from), "account_id": self.id(to), "amount": amount, "reference": reference});
            self.post(&format!("allocation to {to}"), "/reseller/credits/allocate", body, true).await?;
        }
        Ok(())
    }

    async fn movements(&mut self) -> Result<(), SeedError> {
        for Movement { from, to, amount, reference } in TRANSFERS {
            let body = json!({"from": self.id(from), "to": self.id(to), "amount": amount, "reference": reference});
            self.post(&format!("transfer from {from}"), "/reseller/credits/transfer", body, true).await?;
        }
        Ok(())
    }

    async fn prices(&mut self) -> Result<(), SeedError> {
        for (key, name, unit, aggregation) in METERS {
            let meter = json!({"key": key, "name": name, "unit": unit, "aggregation": aggregation, "dimensions": ["country"]});
            self.post(&format!("meter {key}"), "/reseller/pricing/meters", meter, true).await?;
        }
        for card in CARDS {
            let model: Value = serde_json::from_str(card.model).unwrap_or_default();
            let mut body = json!({"meter": card.meter, "currency": card.currency, "model": model});
            if !card.seller.is_empty() {
                body["seller_id"] = json!(self.id(card.seller));
            }
            let what = format!("price of {} in {} {}", card.meter, card.currency, card.seller);
            self.post(what.trim(), "/reseller/pricing/rate-cards", body, true).await?;
        }
        self.markups(0).await?;
        for mut package in usage::packages() {
            package["seller_id"] = json!(self.id("northwind"));
            self.post(&format!("package {}", text(&package, "name")), "/reseller/pricing/packages", package, true).await?;
        }
        for handle in POSTPAID {
            let path = format!("/reseller/accounts/{}", self.id(handle));
            self.send("postpaid account", Method::PUT, &path, Some(json!({"funding": "postpaid"})), None).await?;
            self.step_done("postpaid account");
        }
        let welcome = json!({"seller_id": self.id("northwind"), "name": "Welcome", "code": "welcome", "percent": "10",
            "ends_at": "2099-01-01T00:00:00Z"});
        self.post("promotion", "/reseller/pricing/promotions", welcome, true).await?;
        Ok(())
    }

    async fn markups(&mut self, week: usize) -> Result<(), SeedError> {
        for markup in MARKUPS.iter().filter(|markup| markup.week == week) {
            let body = json!({"seller_id": self.id(markup.seller), "percent": markup.percent});
            self.post(&format!("markup of {} in week {week}", markup.seller), "/reseller/pricing/markups", body, true).await?;
        }
        Ok(())
    }

    /// Usage, a week at a time, and the rest up to now.
    async fn usage(&mut self, back: &mut Back<'_>) -> Result<(), SeedError> {
        let mut from = self.began;
        for week in 0..WEEKS {
            if week > 0 {
                self.markups(week).await?;
            }
            let to = from.checked_add(SignedDuration::from_hours(24 * 7)).unwrap_or(from);
            let now = back.until(to);
            self.week(from, to.min(now)).await?;
            self.bill().await?;
            self.step_done("a week of usage");
            from = to;
        }
        let now = back.until(Timestamp::MAX);
        self.week(from, now).await?;
        self.bill().await?;
        self.step_done("usage up to now");
        Ok(())
    }

    /// Sums usage up and builds the rosters, as the schedules do within minutes: the pages show the demo's figures from the start.
    async fn insights(&self, accounts: &[DemoAccount]) {
        self.told("UsageWorkerFunction", json!({"action": "sum_up"})).await;
        self.pump.run_due().await;
        for account in accounts.iter().filter(|account| account.kind != "customer") {
            self.told("RosterFunction", json!({"action": "rebuild", "account_id": account.id})).await;
        }
    }

    /// Calls a function as one would by hand.
    async fn told(&self, name: &str, event: Value) {
        let Some(function) = self.gateway.function(name) else { return };
        let id = self.gateway.request_id();
        if let Err(error) = function.call(event, &id).await {
            tracing::error!(request_id = id, "{error}");
        }
    }

    async fn week(&mut self, from: Timestamp, to: Timestamp) -> Result<(), SeedError> {
        for user in USERS {
            let events = usage::events(user, &self.id(user.handle), self.began, from, to);
            if events.is_empty() {
                continue;
            }
            let answer = self.send("usage", Method::POST, "/reseller/usage/events", Some(json!({"events": events})), None).await?;
            if answer["rejected"] != 0 {
                return Err(SeedError { what: format!("usage of {}", user.handle), status: StatusCode::OK, body: answer.to_string() });
            }
        }
        Ok(())
    }

    async fn holds(&mut self) -> Result<(), SeedError> {
        let held = self.id(HELD);
        let open = json!({"account_id": held, "amount": "150", "reference": "Nightly export"});
        self.post("hold", "/reseller/credits/holds", open, true).await?;
        let job = json!({"account_id": held, "amount": "75.50", "reference": "Report run 2291"});
        let hold = self.post("second hold", "/reseller/credits/holds", job, true).await?;
        let capture = format!("/reseller/credits/holds/{}/capture", text(&hold, "id"));
        self.post("capture", &capture, json!({"amount": "61.25"}), true).await?;
        Ok(())
    }

    async fn people(&mut self) -> Result<(), SeedError> {
        let member = json!({"email": MEMBER, "name": "Nora Lind", "role": "billing"});
        self.post("member", &format!("/reseller/accounts/{}/members", self.id(STAFFED)), member, true).await?;
        let path = format!("/reseller/accounts/{}", self.id(SUSPENDED));
        let account = self.send("look at an account", Method::GET, &path, None, None).await?;
        if account["status"] == "active" {
            self.send("suspension", Method::DELETE, &path, None, None).await?;
        }
        self.step_done("suspension");
        Ok(())
    }

    /// One account that tops itself up, and one alert; both have enough, so nothing happens before somebody spends.
    async fn watched(&mut self) -> Result<(), SeedError> {
        let topup =
            json!({"account_id": self.id("brightside"), "threshold": "25", "target": "250", "source": "parent", "daily_cap": "1000"});
        self.send("automatic topping up", Method::PUT, "/reseller/credits/auto-topup", Some(topup), None).await?;
        self.step_done("automatic topping up");
        let alert = json!({"account_id": self.id("northwind"), "metric": "balance", "threshold": "1000",
            "channels": {"emails": ["billing@northwind.example"]}});
        self.post("alert", "/reseller/alerts", alert, true).await?;
        Ok(())
    }

    /// Two of the first reseller's own: a job that is done at once, and one that is planned only until somebody applies it. A row of that cannot
    /// be done, for the account is another reseller's.
    async fn jobs(&mut self) -> Result<(), SeedError> {
        let address = |handle: &str| json!({"account_id": self.id(handle), "email": format!("office@{handle}.example")});
        let addresses: Vec<Value> = ["harbor", "brightside", "cedar"].into_iter().map(address).collect();
        let credit = |handle: &str| json!({"account_id": self.id(handle), "amount": "40", "reference": "December"});
        let credits: Vec<Value> = ["oldmill", "brightside", "cedar", "seeblick"].into_iter().map(credit).collect();
        self.post("bulk update", "/reseller/bulk/updates", json!({"rows": addresses}), true).await?;
        self.post("bulk plan", "/reseller/bulk/credits", json!({"rows": credits, "dry_run": true}), true).await?;
        Ok(())
    }

    /// Makes the keys last and without idempotency keys: a secret is told once, so a repeated answer would lack it. A run
    /// that is killed here leaves keys that nobody knows.
    async fn keys(&mut self) -> Result<Vec<DemoKey>, SeedError> {
        let mut keys = Vec::new();
        for (handle, name, role) in KEYS {
            let path = format!("/reseller/accounts/{}/keys", self.id(handle));
            let answer = self.post(&format!("key {name}"), &path, json!({"name": name, "role": role}), false).await?;
            let account = self.accounts.get(handle).map(|account| account.name.clone()).unwrap_or_default();
            keys.push(DemoKey { account, account_id: self.id(handle), role: role.to_owned(), secret: text(&answer, "secret") });
        }
        Ok(keys)
    }

    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    fn id(&self, handle: &str) -> String {
        self.accounts.get(handle).map(|account| account.id.clone()).unwrap_or_default()
    }

    async fn post(&mut self, what: &str, path: &str, body: Value, repeatable: bool) -> Result<Value, SeedError> {
        let idempotency_key = repeatable.then(|| format!("demo {what}").replace(' ', "-"));
        let answer = self.send(what, Method::POST, path, Some(body), idempotency_key).await?;
        self.step_done(what);
        Ok(answer)
    }

    fn step_done(&mut self, what: &str) {
        self.done += 1;
        (self.progress)(Step { done: self.done, of: self.of, what });
    }

    async fn send(
        &self,
        what: &str,
        method: Method,
        path: &str,
        body: Option<Value>,
        idempotency_key: Option<String>,
    ) -> Result<Value, SeedError> {
        let failed = |status, body: String| SeedError { what: what.to_owned(), status, body };
        let mut request = Request::builder().method(method).uri(path).header("authorization", format!("Bearer {}", self.key));
        request = request.header("content-type", "application/json").header("user-agent", "tributary-local");
        if let Some(key) = idempotency_key {
            request = request.header("idempotency-key", key);
        }
        let body = Bytes::from(body.map(|body| body.to_string()).unwrap_or_default());
        let request = request.body(body).map_err(|error| failed(StatusCode::BAD_REQUEST, error.to_string()))?;
        let (parts, body) = self.gateway.answer(request, IpAddr::V4(Ipv4Addr::LOCALHOST)).await.into_parts();
        let text = String::from_utf8_lossy(&body).into_owned();
        if !parts.status.is_success() {
            return Err(failed(parts.status, text));
        }
        serde_json::from_str(&text).map_err(|_| failed(parts.status, text))
    }
}

fn text(answer: &Value, member: &str) -> String {
    answer[member].as_str().unwrap_or_default().to_owned()
}

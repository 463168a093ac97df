//! A town: a tree of accounts with every kind of rule in their books, what happens in it, and what its people use. All of it
//! follows from a seed.

use jiff::{SignedDuration, Timestamp};
use rand::rngs::SmallRng;
use rand::{Rng as _, SeedableRng as _};
use rust_decimal::Decimal;
use serde_json::{Value, json};
use tributary_domain::account::{Funding, Kind};
use tributary_domain::id::{AccountId, MarkupId, PromotionId, RateCardId};
use tributary_domain::money::Micros;
use tributary_domain::pricing::number::Quantity;
use tributary_metering::adjust::Adjustment;
use tributary_store::error::StoreError;

use super::platform::{Adjusted, Opening, Platform};
use crate::oracle::log::{Command, Kind as OracleKind};

/// The operator's meters: the key, how it counts, whether it counts to tiers.
const METERS: [(&str, &str, bool); 6] = [
    ("api.calls", "count", true),
    ("sms", "sum", true),
    ("gb", "sum", true),
    ("storage", "max", true),
    ("seats", "unique", true),
    ("minutes", "sum", false),
];
/// How many events back one is sent again.
const SENT_KEPT: usize = 40_000;
const DAY_MS: i64 = 24 * 3_600_000;

/// One account.
#[derive(Debug, Clone)]
pub struct Citizen {
    /// Its id.
    pub id: AccountId,
    /// Its parent, by number; none for the operator.
    pub parent: Option<usize>,
    /// What it is.
    pub kind: Kind,
    /// Its currency.
    pub currency: &'static str,
    /// How many accounts are above it, the operator included.
    pub depth: usize,
    /// It pays from its credit.
    pub prepaid: bool,
    /// It is suspended.
    pub suspended: bool,
    /// Its pricing book.
    pub book: Value,
}

/// The town.
#[derive(Debug)]
pub struct Town {
    random: SmallRng,
    /// The accounts, the operator first.
    pub citizens: Vec<Citizen>,
    sent: Vec<Value>,
    made: u64,
    keys: u64,
    commands: Vec<Command>,
}

impl Town {
    /// Builds a town of about seventy accounts on a fresh platform. What was done is in [`Town::take_commands`].
    ///
    /// # Errors
    /// Of the store.
    pub async fn build(platform: &Platform, seed: u64) -> Result<Self, StoreError> {
        let mut town =
            Self { random: SmallRng::seed_from_u64(seed), citizens: Vec::new(), sent: Vec::new(), made: 0, keys: 0, commands: Vec::new() };
        town.settle_operator(platform).await?;
        for currency in ["USD", "USD", "EUR", "USD", "USD"] {
            let postpaid = town.random.random_bool(0.4);
            let master = town.open(platform, 0, Kind::Reseller, Some(currency), postpaid).await?;
            town.settle(platform, master).await?;
        }
        for citizen in 1..town.citizens.len() {
            town.sells(platform, citizen).await?;
        }
        Ok(town)
    }

    /// What happened since this was called before, for the oracle.
    pub fn take_commands(&mut self) -> Vec<Command> {
        std::mem::take(&mut self.commands)
    }

    /// Notes a batch for the oracle, as it was received.
    pub fn note_batch(&mut self, received_at: Timestamp, events: Vec<Value>) {
        self.commands.push(Command::Batch { received_at, events });
    }

    async fn settle_operator(&mut self, platform: &Platform) -> Result<(), StoreError> {
        let now = platform.now();
        let mut book = json!({ "meters": [], "cards": [], "markups": [], "promotions": [] });
        for (key, aggregation, counts) in METERS {
            let by = (aggregation == "unique").then_some("user");
            push(&mut book, "meters", meter(key, aggregation, counts, by));
            for currency in ["USD", "EUR"] {
                let model = self.model(1);
                push(&mut book, "cards", card(platform, key, currency, back(now, 35), model, false));
            }
        }
        self.citizens.push(Citizen {
            id: platform.operator.clone(),
            parent: None,
            kind: Kind::Operator,
            currency: "USD",
            depth: 0,
            prepaid: false,
            suspended: false,
            book: book.clone(),
        });
        let id = platform.operator.to_string();
        self.commands.push(Command::Open {
            id,
            parent: None,
            kind: OracleKind::Operator,
            postpaid: false,
            currency: "USD".to_owned(),
            credit_limit: Decimal::ZERO,
        });
        self.write_book(platform, 0).await
    }

    /// A master's tree: two to four resellers a level, customers below each.
    async fn settle(&mut self, platform: &Platform, master: usize) -> Result<(), StoreError> {
        let mut level = vec![master];
        for _ in 0..self.random.random_range(2..=4) {
            let mut next = Vec::new();
            for parent in level {
                for _ in 0..self.random.random_range(1..=2) {
                    let postpaid = self.random.random_bool(0.15);
                    let kind = if next.len() < 2 { Kind::Reseller } else { Kind::Customer };
                    let child = self.open(platform, parent, kind, None, postpaid).await?;
                    if kind == Kind::Reseller {
                        next.push(child);
                    }
                }
                let postpaid = self.random.random_bool(0.2);
                self.open(platform, parent, Kind::Customer, None, postpaid).await?;
            }
            level = next;
        }
        for parent in level {
            self.open(platform, parent, Kind::Customer, None, false).await?;
        }
        for _ in 0..3 {
            self.open(platform, master, Kind::Customer, None, false).await?;
        }
        Ok(())
    }

    async fn open(
        &mut self,
        platform: &Platform,
        parent: usize,
        kind: Kind,
        currency: Option<&'static str>,
        postpaid: bool,
    ) -> Result<usize, StoreError> {
        let limit = if self.random.random_bool(0.3) { self.random.random_range(0..50_000_000) } else { 0 };
        let funding = if postpaid { Funding::Postpaid } else { Funding::Prepaid };
        let above = &self.citizens[parent];
        let (own, depth) = (currency.unwrap_or(above.currency), above.depth + 1);
        let opening = Opening { parent: above.id.clone(), kind, currency, funding, credit_limit: Micros::new(limit) };
        let id = platform.open(&opening).await?;
        self.commands.push(Command::Open {
            id: id.to_string(),
            parent: Some(opening.parent.to_string()),
            kind: if kind == Kind::Reseller { OracleKind::Reseller } else { OracleKind::Customer },
            postpaid,
            currency: own.to_owned(),
            credit_limit: Decimal::new(limit, 6),
        });
        let book = json!({ "cards": [], "markups": [], "promotions": [] });
        self.citizens.push(Citizen { id, parent: Some(parent), kind, currency: own, depth, prepaid: !postpaid, suspended: false, book });
        let opened = self.citizens.len() - 1;
        // Most have enough for long; some run out soon.
        let credit = if self.random.random_bool(0.15) { self.random.random_range(1..40) } else { self.random.random_range(2_000..60_000) };
        self.credit(platform, opened, credit * 1_000_000).await?;
        Ok(opened)
    }

    async fn credit(&mut self, platform: &Platform, to: usize, micros: i64) -> Result<(), StoreError> {
        self.keys += 1;
        let id = self.citizens[to].id.clone();
        platform.issue(&id, Micros::new(micros), &format!("credit-{}", self.keys)).await?;
        self.commands.push(Command::Credit { id: id.to_string(), amount: Decimal::new(micros, 6) });
        Ok(())
    }

    /// A reseller's first rules.
    async fn sells(&mut self, platform: &Platform, citizen: usize) -> Result<(), StoreError> {
        if self.citizens[citizen].kind != Kind::Reseller {
            return Ok(());
        }
        let since = back(platform.now(), 35);
        if self.random.random_bool(0.25) {
            let key = format!("own-{citizen}");
            let counts = self.random.random_bool(0.5);
            let aggregation = ["sum", "count", "max"][self.random.random_range(0..3)];
            push(&mut self.citizens[citizen].book, "meters", meter(&key, aggregation, counts, None));
            let (model, currency) = (self.model(3), self.citizens[citizen].currency);
            // Now and then the price comes later than the meter.
            let from = if self.random.random_bool(0.3) { platform.now() + SignedDuration::from_hours(24 * 9) } else { since };
            push(&mut self.citizens[citizen].book, "cards", card(platform, &key, currency, from, model, false));
        }
        if self.random.random_bool(0.3) {
            // Who gives discounts by volume also earns something.
            let (id, now) = (MarkupId::from_uuid(platform.app.uuid()), platform.now());
            let markup = json!({ "id": id, "effective_from": since, "rule": { "percent": "33.3333" }, "created_at": now });
            push(&mut self.citizens[citizen].book, "markups", markup);
            self.citizens[citizen].book["tiers"] = json!({ "tiers": [
                { "name": "small", "from": "100", "discount": "1.25" },
                { "name": "large", "from": "2500.5", "discount": "3.3333" },
                { "name": "huge", "from": "40000", "discount": "7" },
            ] });
        }
        for _ in 0..self.random.random_range(0..4) {
            self.rule(platform, citizen, since);
        }
        self.write_book(platform, citizen).await
    }

    /// A card or markup of a reseller, for everybody below it or for one account, from `since` or later.
    fn rule(&mut self, platform: &Platform, seller: usize, since: Timestamp) {
        let children: Vec<usize> = (0..self.citizens.len()).filter(|at| self.citizens[*at].parent == Some(seller)).collect();
        let only = if self.random.random_bool(0.3) { pick(&mut self.random, &children) } else { None };
        let holder = only.unwrap_or(seller);
        let seller_id = self.citizens[seller].id.to_string();
        if only.is_some() && self.citizens[holder].book["terms"]["seller"] != json!(seller_id) {
            self.citizens[holder].book["terms"] = json!({ "seller": seller_id, "cards": [], "markups": [] });
        }
        let account = only.map(|only| self.citizens[only].id.to_string());
        let mut rule = if self.random.random_range(0..10) < 4 {
            let (meter, loss) = (METERS[self.random.random_range(0..METERS.len())].0, self.random.random_bool(0.5));
            let model = self.model(8);
            ("cards", card(platform, meter, self.citizens[seller].currency, since, model, loss))
        } else {
            ("markups", self.markup(platform, seller, since, only.is_none()))
        };
        if let Some(account) = account {
            rule.1["account_id"] = json!(account);
        }
        let list = if only.is_some() { &mut self.citizens[holder].book["terms"] } else { &mut self.citizens[holder].book };
        // Versions of one price follow each other.
        let newest = list[rule.0].as_array().into_iter().flatten().filter(|old| same_line(old, &rule.1)).filter_map(begins).max();
        if newest.is_some_and(|newest| begins(&rule.1).is_none_or(|own| own <= newest)) {
            return;
        }
        push(list, rule.0, rule.1);
    }

    fn markup(&mut self, platform: &Platform, seller: usize, since: Timestamp, may_inherit: bool) -> Value {
        let meter = self.random.random_bool(0.5).then(|| METERS[self.random.random_range(0..METERS.len())].0);
        let (rule, loss) = match self.random.random_range(0..20) {
            0 => (json!("end"), false),
            1 => (json!({ "percent": format!("-{}", self.random.random_range(1..20)) }), true),
            2 => (json!({ "fixed": format!("-0.{:06}", self.random.random_range(1..900)) }), true),
            3..8 => (json!({ "fixed": format!("0.{:012}", self.random.random_range(1_i64..30_000_000_000)) }), false),
            _ => (json!({ "percent": format!("{}.{:04}", self.random.random_range(0..60), self.random.random_range(0..10_000)) }), false),
        };
        let (id, created_at) = (MarkupId::from_uuid(platform.app.uuid()), platform.now());
        let mut markup = json!({ "id": id, "effective_from": since, "rule": rule, "allow_loss": loss, "created_at": created_at });
        if let Some(meter) = meter {
            markup["meter"] = json!(meter);
        }
        if rule.get("fixed").is_some() {
            // Now and then in a currency that the chain does not see.
            let other = self.random.random_bool(0.1);
            markup["currency"] = json!(if other { "GBP" } else { self.citizens[seller].currency });
        }
        markup["inherit"] = json!(may_inherit && self.random.random_bool(0.4));
        markup
    }

    /// A price model around `factor` cents a unit.
    fn model(&mut self, factor: i64) -> Value {
        let price = |random: &mut SmallRng, share: i64| {
            let picos = random.random_range(4_000_000_000_i64..12_000_000_000) * factor * share / 100;
            let rough = random.random_bool(0.5);
            format!("0.{:012}", if rough { picos / 1_000_000_000 * 1_000_000_000 } else { picos })
        };
        let random = &mut self.random;
        let bands = |random: &mut SmallRng| {
            json!([
                { "from": "0", "to": "1000", "unit_price": price(random, 100) },
                { "from": "1000", "to": "10000.5", "unit_price": price(random, 85), "flat_fee": "1.250000" },
                { "from": "10000.5", "to": null, "unit_price": price(random, 70) },
            ])
        };
        match random.random_range(0..10) {
            0..4 => json!({ "type": "flat", "unit_price": price(random, 100) }),
            4..6 => json!({ "type": "graduated", "bands": bands(random) }),
            6 => json!({ "type": "volume", "bands": bands(random) }),
            7..9 => {
                let size = ["1", "2.5", "100"][random.random_range(0..3)];
                let micros = random.random_range(5_000_i64..12_000) * factor * if size == "100" { 100 } else { 2 };
                json!({ "type": "package", "size": size, "price": format!("{}.{:06}", micros / 1_000_000, micros % 1_000_000) })
            }
            _ => json!({ "type": "minimum", "minimum": "2.500000", "model": { "type": "flat", "unit_price": price(random, 100) } }),
        }
    }

    async fn write_book(&mut self, platform: &Platform, citizen: usize) -> Result<(), StoreError> {
        let citizen = &self.citizens[citizen];
        let book = serde_json::from_value(citizen.book.clone()).map_err(|error| StoreError::Corrupt(error.to_string()))?;
        platform.set_book(&citizen.id, &book).await?;
        self.commands.push(Command::Book { id: citizen.id.to_string(), book: citizen.book.clone() });
        Ok(())
    }

    /// Something happens, or nothing: a price changes, somebody moves, credit arrives.
    ///
    /// # Errors
    /// Of the store, but for refusals of what cannot be.
    pub async fn happens(&mut self, platform: &Platform) -> Result<Option<Adjusted>, StoreError> {
        let soon = |random: &mut SmallRng| platform.now() + SignedDuration::from_millis(random.random_range(1..3 * DAY_MS));
        match self.random.random_range(0..100) {
            0..10 => {
                let at = soon(&mut self.random);
                let (meter, currency) =
                    (METERS[self.random.random_range(0..METERS.len())].0, ["USD", "EUR"][self.random.random_range(0..2)]);
                let model = self.model(1);
                let new = card(platform, meter, currency, at, model, false);
                let newest = self.citizens[0].book["cards"].as_array().into_iter().flatten().filter(|old| same_line(old, &new));
                if newest.filter_map(begins).max() < Some(at) && self.cards(0) < 60 {
                    push(&mut self.citizens[0].book, "cards", new);
                    self.write_book(platform, 0).await?;
                }
            }
            10..25 => {
                let Some(seller) = self.any(Kind::Reseller) else { return Ok(None) };
                let at = soon(&mut self.random);
                if self.cards(seller) < 20 {
                    self.rule(platform, seller, at);
                    self.write_book(platform, seller).await?;
                    for child in 0..self.citizens.len() {
                        if self.citizens[child].parent == Some(seller) {
                            self.write_book(platform, child).await?;
                        }
                    }
                }
            }
            25..35 => self.promote(platform).await?,
            35..42 => self.redeem(platform).await?,
            42..46 => self.relocate(platform).await?,
            46..49 => self.suspend(platform).await?,
            80..95 if !self.sent.is_empty() => return Ok(self.adjust(platform).await),
            49..52 if self.citizens.iter().any(|citizen| citizen.suspended) => self.suspend(platform).await?,
            49..80 => {
                let to = self.random.random_range(1..self.citizens.len());
                let micros = self.random.random_range(1..2_000_000_000);
                self.credit(platform, to, micros).await?;
            }
            _ => {}
        }
        Ok(None)
    }

    fn cards(&self, citizen: usize) -> usize {
        let count = |list: &str| self.citizens[citizen].book[list].as_array().map_or(0, Vec::len);
        count("cards") + count("markups")
    }

    fn any(&mut self, kind: Kind) -> Option<usize> {
        let all: Vec<usize> = (0..self.citizens.len()).filter(|at| self.citizens[*at].kind == kind).collect();
        pick(&mut self.random, &all)
    }

    async fn promote(&mut self, platform: &Platform) -> Result<(), StoreError> {
        let owner = if self.random.random_bool(0.3) { 0 } else { self.any(Kind::Reseller).unwrap_or(0) };
        let (now, days) = (platform.now(), self.random.random_range(1..20));
        if self.citizens[owner].book["promotions"].as_array().map_or(0, Vec::len) > 12 {
            return self.end_promotion(platform, owner).await;
        }
        let random = &mut self.random;
        let rule = if random.random_bool(0.7) {
            json!({ "percent": format!("{}.5", random.random_range(1..40)) })
        } else {
            json!({ "fixed": format!("0.{:06}", random.random_range(10..5_000)) })
        };
        let mut promotion = json!({
            "id": PromotionId::from_uuid(platform.app.uuid()), "name": "Off", "starts_at": now, "created_at": now, "rule": rule,
            "ends_at": now + SignedDuration::from_hours(24 * days), "currency": self.citizens[owner].currency,
            "funded_by": if random.random_bool(0.5) { "owner" } else { "seller" }, "allow_loss": random.random_bool(0.6),
        });
        if random.random_bool(0.5) {
            // Some are soon used up.
            let micros =
                if random.random_bool(0.7) { random.random_range(1_000..800_000_i64) } else { random.random_range(1..30) * 1_000_000 };
            promotion["cap"] = json!(format!("{}.{:06}", micros / 1_000_000, micros % 1_000_000));
        }
        if random.random_bool(0.5) {
            promotion["meters"] = json!([METERS[random.random_range(0..METERS.len())].0]);
        }
        match random.random_range(0..4) {
            0 => promotion["code"] = json!(format!("code-{}", self.keys)),
            1 => {
                let below: Vec<usize> = (1..self.citizens.len()).filter(|at| self.is_below(*at, owner)).collect();
                if let Some(only) = pick(&mut self.random, &below) {
                    promotion["account_id"] = json!(self.citizens[only].id);
                }
            }
            _ => {}
        }
        push(&mut self.citizens[owner].book, "promotions", promotion);
        self.write_book(platform, owner).await
    }

    async fn end_promotion(&mut self, platform: &Platform, owner: usize) -> Result<(), StoreError> {
        let now = platform.now();
        let promotions = self.citizens[owner].book["promotions"].as_array_mut().into_iter().flatten();
        let mut running: Vec<&mut Value> = promotions.filter(|promotion| promotion.get("ended_at").is_none()).collect();
        let at = self.random.random_range(0..running.len().max(1));
        if let Some(promotion) = running.get_mut(at)
            && promotion["ends_at"].as_str().and_then(|ends| ends.parse::<Timestamp>().ok()).is_some_and(|ends| ends > now)
        {
            promotion["ended_at"] = json!(now);
        }
        self.write_book(platform, owner).await
    }

    async fn redeem(&mut self, platform: &Platform) -> Result<(), StoreError> {
        let now = platform.now();
        let mut codes = Vec::new();
        for owner in 0..self.citizens.len() {
            let promotions = self.citizens[owner].book["promotions"].as_array().into_iter().flatten();
            codes.extend(promotions.filter(|promotion| promotion.get("code").is_some()).map(|promotion| (owner, promotion.clone())));
        }
        let Some((owner, promotion)) = pick(&mut self.random, &codes) else { return Ok(()) };
        let below: Vec<usize> = (1..self.citizens.len()).filter(|at| self.is_below(*at, owner)).collect();
        let Some(who) = pick(&mut self.random, &below) else { return Ok(()) };
        let redeemed = self.citizens[who].book["redeemed"].as_array().cloned().unwrap_or_default();
        if redeemed.iter().any(|old| old["promotion_id"] == promotion["id"]) {
            return Ok(());
        }
        let redemption =
            json!({ "code": promotion["code"], "promotion_id": promotion["id"], "owner": self.citizens[owner].id, "redeemed_at": now });
        push(&mut self.citizens[who].book, "redeemed", redemption);
        self.write_book(platform, who).await
    }

    async fn relocate(&mut self, platform: &Platform) -> Result<(), StoreError> {
        let who = self.random.random_range(1..self.citizens.len());
        let Some(to) = self.any(Kind::Reseller) else { return Ok(()) };
        let (own, target) = (&self.citizens[who], &self.citizens[to]);
        let stays = own.parent == Some(to) || own.parent == Some(0) || own.currency != target.currency;
        if stays || who == to || self.is_below(to, who) || target.depth > 4 {
            return Ok(());
        }
        match platform.relocate(&own.id, &target.id).await {
            Ok(()) => {}
            Err(StoreError::TooDeep(_) | StoreError::AccountState(_) | StoreError::Denied(_) | StoreError::Credit(_)) => return Ok(()),
            Err(error) => return Err(error),
        }
        self.commands.push(Command::Move { id: own.id.to_string(), to: target.id.to_string() });
        self.citizens[who].parent = Some(to);
        for at in 1..self.citizens.len() {
            self.citizens[at].depth = self.lineage(at).len() - 1;
        }
        Ok(())
    }

    /// An event that was sent lately is taken back, or its quantity corrected. What became of it is for the caller to compare.
    async fn adjust(&mut self, platform: &Platform) -> Option<Adjusted> {
        let from = self.sent.len().saturating_sub(3_000);
        let event = self.sent.get(self.random.random_range(from..self.sent.len().max(1)))?.clone();
        let (Some(id), Some(account)) = (event["id"].as_str(), event["account_id"].as_str()) else { return None };
        let units = self.random.random_bool(0.5).then(|| self.random.random_range(0..20_000_000));
        self.keys += 1;
        let asked = Adjustment {
            account: account.parse().ok()?,
            event: id.to_owned(),
            quantity: units.map(Quantity::new),
            reason: Some("a mistake".to_owned()),
        };
        let outcome = platform.adjust(&asked, &format!("adjust-{}", self.keys)).await;
        let (id, event, at) = (account.to_owned(), id.to_owned(), platform.now());
        self.commands.push(Command::Adjust { id, event, quantity: units.map(|units| Decimal::new(units, 6)), at });
        Some(outcome)
    }

    async fn suspend(&mut self, platform: &Platform) -> Result<(), StoreError> {
        let who = self.random.random_range(1..self.citizens.len());
        let stopped: Vec<usize> = (1..self.citizens.len()).filter(|at| self.citizens[*at].suspended).collect();
        // Never two at once.
        let (who, suspended) = match stopped.first() {
            Some(first) => (*first, false),
            None => (who, true),
        };
        platform.set_suspended(&self.citizens[who].id, suspended).await?;
        self.citizens[who].suspended = suspended;
        self.commands.push(Command::Suspend { id: self.citizens[who].id.to_string(), suspended });
        Ok(())
    }

    /// The numbers of an account and everything above it.
    fn lineage(&self, at: usize) -> Vec<usize> {
        std::iter::successors(Some(at), |at| self.citizens[*at].parent).collect()
    }

    fn is_below(&self, at: usize, top: usize) -> bool {
        at != top && self.lineage(at).contains(&top)
    }

    /// Some events, at most `most`: new ones, late ones, and ones that were sent before.
    pub fn events(&mut self, now: Timestamp, most: usize) -> Vec<Value> {
        let mut events: Vec<Value> = Vec::with_capacity(most);
        while events.len() < most {
            let again = !self.sent.is_empty() && self.random.random_range(0..1_000) < 300;
            let event = match again {
                true => self.again(),
                false => self.fresh(now),
            };
            if self.sent.len() < SENT_KEPT {
                self.sent.push(event.clone());
            } else {
                let at = self.random.random_range(0..SENT_KEPT);
                self.sent[at] = event.clone();
            }
            events.push(event);
        }
        events
    }

    fn again(&mut self) -> Value {
        // Often one of the last, as a client does that got no answer.
        let recent = self.random.random_bool(0.5);
        let from = if recent { self.sent.len().saturating_sub(2_000) } else { 0 };
        let mut event = self.sent[self.random.random_range(from..self.sent.len())].clone();
        if self.random.random_range(0..100) < 4 {
            event["quantity"] = json!(format!("{}.25", self.random.random_range(1..50)));
        }
        event
    }

    fn fresh(&mut self, now: Timestamp) -> Value {
        let who = match self.random.random_range(0..10) {
            0 => self.random.random_range(1..self.citizens.len()),
            _ => self.any(Kind::Customer).unwrap_or(1),
        };
        let mut keys: Vec<&str> = METERS.iter().map(|meter| meter.0).collect();
        let lineage = self.lineage(who);
        let own = lineage.iter().filter_map(|at| self.citizens[*at].book["meters"][0]["key"].as_str());
        keys.extend(own.filter(|key| key.starts_with("own-")));
        let random = &mut self.random;
        let key = if random.random_range(0..200) == 0 { "unknown" } else { keys[random.random_range(0..keys.len())] }.to_owned();
        let quantity = match random.random_range(0..20) {
            0 => "0".to_owned(),
            1 => random.random_range(50..400).to_string(),
            2..8 => format!("{}.{:06}", random.random_range(0..12), random.random_range(0..1_000_000)),
            _ => random.random_range(1..9).to_string(),
        };
        let ago_ms = match random.random_range(0..100) {
            0..12 => random.random_range(DAY_MS / 24..35 * DAY_MS - 1),
            12..20 => random.random_range(0..3 * DAY_MS),
            20 => 35 * DAY_MS + random.random_range(-2..3),
            21 => -5 * 60_000 + random.random_range(-2..3),
            _ => random.random_range(-60_000..1_800_000),
        };
        self.made += 1;
        let mut event = json!({
            "id": format!("e-{}", self.made), "account_id": self.citizens[who].id, "meter": key, "quantity": quantity,
            "occurred_at": now - SignedDuration::from_millis(ago_ms),
        });
        if key == "seats" {
            event["properties"] = json!({ "user": format!("u-{}", self.random.random_range(0..400)) });
        } else if self.random.random_bool(0.2) {
            let region = if self.random.random_bool(0.5) { "eu" } else { "us" };
            event["properties"] = json!({ "region": region });
        }
        if self.random.random_range(0..500) == 0 {
            event["account_id"] = json!(AccountId::from_uuid(uuid::Uuid::from_u128(self.random.random())));
        }
        event
    }
}

fn pick<T: Clone>(random: &mut SmallRng, from: &[T]) -> Option<T> {
    if from.is_empty() { None } else { Some(from[random.random_range(0..from.len())].clone()) }
}

fn push(book: &mut Value, list: &str, rule: Value) {
    match book[list].as_array_mut() {
        Some(list) => list.push(rule),
        None => book[list] = json!([rule]),
    }
}

fn same_line(a: &Value, b: &Value) -> bool {
    a["meter"] == b["meter"] && a["account_id"] == b["account_id"] && (a.get("model").is_none() || a["currency"] == b["currency"])
}

fn begins(rule: &Value) -> Option<Timestamp> {
    rule["effective_from"].as_str().and_then(|at| at.parse().ok())
}

fn back(now: Timestamp, days: i64) -> Timestamp {
    now - SignedDuration::from_hours(24 * days)
}

fn meter(key: &str, aggregation: &str, counts_to_tier: bool, by: Option<&str>) -> Value {
    let mut meter = json!({ "key": key, "name": key, "unit": "unit", "aggregation": aggregation, "counts_to_tier": counts_to_tier });
    if let Some(by) = by {
        meter["dimensions"] = json!([by]);
        meter["unique_by"] = json!(by);
    }
    meter
}

fn card(platform: &Platform, meter: &str, currency: &str, from: Timestamp, model: Value, allow_loss: bool) -> Value {
    json!({
        "id": RateCardId::from_uuid(platform.app.uuid()), "meter": meter, "currency": currency, "effective_from": from, "model": model,
        "allow_loss": allow_loss, "created_at": platform.now(),
    })
}

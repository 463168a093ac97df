//! Every account with what it used and paid, month by month, and what happens to it when events come in.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use jiff::{SignedDuration, Timestamp};
use rust_decimal::Decimal;
use serde_json::Value;

use super::decimal::to_ledger;
use super::log::{Command, Kind, Month};
use super::prices::{self, Given, Level, Link, Usage};
use super::rules::{Book, Meter};

/// One meter of one account in one month.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Line {
    /// What it and everybody below it used.
    pub used: Decimal,
    /// What it paid, exactly.
    pub paid: Decimal,
    /// What its seller paid for the same.
    pub seller_paid: Decimal,
    /// What its direct sub-accounts paid it.
    pub earned: Decimal,
    /// The largest of its own events.
    pub largest: Decimal,
    /// The values its own events had.
    pub values: BTreeSet<String>,
}

/// One account.
#[derive(Debug, Clone)]
pub struct Account {
    /// Its parent.
    pub parent: Option<String>,
    /// What it is.
    pub kind: Kind,
    /// It pays by invoice.
    pub postpaid: bool,
    /// Its currency.
    pub currency: String,
    /// How far its credit may go below zero.
    pub credit_limit: Decimal,
    /// Its own state.
    pub suspended: bool,
    /// Its credit.
    pub credit: Decimal,
    /// Its book.
    pub book: Book,
    /// By month and meter.
    pub lines: BTreeMap<(Month, String), Line>,
    /// What counts to its tier, by month.
    pub volumes: BTreeMap<Month, Decimal>,
    /// What its own usage had from each promotion with a cap.
    pub promoted: BTreeMap<String, Decimal>,
    /// Its own events that were counted, by their ids.
    pub counted: HashMap<String, Counted>,
}

/// An event that was counted.
#[derive(Debug, Clone)]
pub struct Counted {
    /// As it came in: what the same id must hold to be the same event.
    pub content: Content,
    /// The quantity that it is counted with now.
    quantity: Decimal,
    /// Its prices now; none once it was taken back.
    pub rated: Option<Rated>,
    adjusted: u32,
}

/// What makes two events of one id the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Content {
    meter: String,
    quantity: Decimal,
    occurred_at: Timestamp,
    properties: BTreeMap<String, String>,
}

/// Why an event is not counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rejected {
    /// There is no such account.
    UnknownAccount,
    /// The id was counted with another content.
    EventIdReused,
    /// More than 35 days ago.
    TooLate,
    /// More than five minutes ahead.
    TooEarly,
    /// The account or one above it is suspended.
    Suspended,
    /// Neither the account nor one above it has the meter.
    UnknownMeter,
    /// The owner of the meter has no card for it.
    NoPrice,
    /// A seller would sell under its cost.
    UnderCost,
    /// A prepaid account of the chain has too little credit.
    InsufficientCredits,
    /// Of an adjustment: there is no such event, or not any more, or it was adjusted as often as it may be.
    NoSuchEvent,
    /// Of an adjustment: what is left of the largest, or of different values, cannot be told.
    NotSeparable,
}

/// How often an event may be adjusted.
const MOST_ADJUSTMENTS: u32 = 20;

/// What came of one event, or of its adjustment.
#[derive(Debug, Clone)]
pub enum Outcome {
    /// It was taken back, and nothing is counted instead.
    TakenBack,
    /// It is counted and priced.
    Accepted(Rated),
    /// It was counted before.
    Duplicate,
    /// It is not counted.
    Rejected(Rejected),
}

/// A counted event.
#[derive(Debug, Clone)]
pub struct Rated {
    /// Who owns the meter.
    pub owner: String,
    /// The month it belongs to.
    pub month: Month,
    /// What it adds to the month.
    pub units: Decimal,
    /// Its units count to volume tiers.
    counts_to_tier: bool,
    /// The value that a `unique` meter counts.
    value: Option<String>,
    /// What each level pays, the using account's first.
    pub levels: Vec<Level>,
    /// The promotion.
    pub given: Option<Given>,
}

/// All accounts.
#[derive(Debug, Default)]
pub struct Oracle {
    /// By id.
    pub accounts: BTreeMap<String, Account>,
}

impl Oracle {
    /// Does one thing; for a batch of events says what came of each.
    ///
    /// # Panics
    /// If the log does not make sense: an account that was never opened, a book that does not read.
    pub fn apply(&mut self, command: &Command) -> Vec<Outcome> {
        match command {
            Command::Open { id, parent, kind, postpaid, currency, credit_limit } => {
                let (parent, kind, currency) = (parent.clone(), *kind, currency.clone());
                self.accounts.insert(id.clone(), Account::new(parent, kind, *postpaid, currency, *credit_limit));
            }
            Command::Move { id, to } => self.account(id).parent = Some(to.clone()),
            Command::Suspend { id, suspended } => self.account(id).suspended = *suspended,
            Command::Credit { id, amount } => self.account(id).credit += amount,
            Command::Book { id, book } => self.account(id).book = serde_json::from_value(book.clone()).expect("a book that reads"),
            Command::Adjust { id, event, quantity, at } => {
                return vec![self.adjust(id, event, *quantity, *at).unwrap_or_else(Outcome::Rejected)];
            }
            Command::Batch { received_at, events } => return events.iter().map(|event| self.event(event, *received_at)).collect(),
        }
        Vec::new()
    }

    fn account(&mut self, id: &str) -> &mut Account {
        self.accounts.get_mut(id).unwrap_or_else(|| panic!("no account {id}"))
    }

    /// The account and everybody above it, the operator last.
    pub fn lineage(&self, id: &str) -> Vec<&str> {
        let up = |id: &&str| self.accounts.get(*id).and_then(|account| account.parent.as_deref());
        let first = self.accounts.get_key_value(id).map(|(id, _)| id.as_str());
        std::iter::successors(first, up).collect()
    }

    /// One event: is it new, may it be counted, what does it cost, is it paid for; then it is written to every account.
    fn event(&mut self, event: &Value, received_at: Timestamp) -> Outcome {
        let text = |name: &str| event[name].as_str().unwrap_or_default();
        let (id, account) = (text("id"), text("account_id"));
        let content = Content::of(event);
        match self.accounts.get(account).map(|account| account.counted.get(id)) {
            None => return Outcome::Rejected(Rejected::UnknownAccount),
            Some(Some(before)) if before.content == content => return Outcome::Duplicate,
            Some(Some(_)) => return Outcome::Rejected(Rejected::EventIdReused),
            Some(None) => {}
        }
        match self.rate_paid(account, &content, received_at) {
            Ok(rated) => {
                self.write(account, &content, &rated, Decimal::ONE);
                let counted = Counted { quantity: content.quantity, content, rated: Some(rated.clone()), adjusted: 0 };
                self.account(account).counted.insert(id.to_owned(), counted);
                Outcome::Accepted(rated)
            }
            Err(why) => Outcome::Rejected(why),
        }
    }

    /// Takes an event back at every level that paid for it, and prices it anew if there is another quantity. Either both, or
    /// nothing if somebody could not pay the difference.
    fn adjust(&mut self, id: &str, event: &str, quantity: Option<Decimal>, at: Timestamp) -> Result<Outcome, Rejected> {
        let counted = self.accounts.get(id).and_then(|account| account.counted.get(event)).ok_or(Rejected::NoSuchEvent)?.clone();
        let rated = counted.rated.as_ref().filter(|_| counted.adjusted < MOST_ADJUSTMENTS).ok_or(Rejected::NoSuchEvent)?;
        let known = |above: &str| self.accounts[above].book.meters.iter().find(|meter| meter.key == counted.content.meter);
        let meter = self.lineage(id).into_iter().find_map(known).ok_or(Rejected::UnknownMeter)?;
        if ["max", "unique"].contains(&meter.aggregation.as_str()) {
            return Err(Rejected::NotSeparable);
        }
        let content = Content { quantity: counted.quantity, ..counted.content.clone() };
        let back = self.write(id, &content, rated, Decimal::NEGATIVE_ONE);
        let anew = quantity.map(|quantity| Content { quantity, ..content.clone() });
        let rated_anew = match anew.as_ref().map(|anew| in_time(anew, at).and_then(|()| self.rate(id, anew))).transpose() {
            Ok(rated_anew) => rated_anew,
            Err(why) => {
                self.write(id, &content, rated, Decimal::ONE);
                return Err(why);
            }
        };
        let mut changes = back;
        if let (Some(anew), Some(rated_anew)) = (&anew, &rated_anew) {
            for (account, change) in self.write(id, anew, rated_anew, Decimal::ONE) {
                *changes.entry(account).or_default() += change;
            }
        }
        let short = |(account, change): (&String, &Decimal)| *change < Decimal::ZERO && self.accounts[account].is_short();
        if changes.iter().any(short) {
            if let (Some(anew), Some(rated_anew)) = (&anew, &rated_anew) {
                self.write(id, anew, rated_anew, Decimal::NEGATIVE_ONE);
            }
            self.write(id, &content, rated, Decimal::ONE);
            return Err(Rejected::InsufficientCredits);
        }
        let quantity = quantity.unwrap_or(counted.quantity);
        let rated = rated_anew;
        let outcome = rated.clone().map_or(Outcome::TakenBack, Outcome::Accepted);
        self.account(id).counted.insert(event.to_owned(), Counted { quantity, rated, adjusted: counted.adjusted + 1, ..counted });
        Ok(outcome)
    }

    /// Prices an event, if it may be counted now and everybody can pay.
    fn rate_paid(&self, id: &str, content: &Content, received_at: Timestamp) -> Result<Rated, Rejected> {
        if self.lineage(id).into_iter().any(|above| self.accounts[above].suspended) {
            return Err(Rejected::Suspended);
        }
        in_time(content, received_at)?;
        let rated = self.rate(id, content)?;
        let amounts = rated.levels.iter().map(|level| level.amount);
        for (account, change) in self.changes(&rated.levels, amounts) {
            let account = &self.accounts[&account];
            if change < Decimal::ZERO && account.credit + change < -account.credit_limit {
                return Err(Rejected::InsufficientCredits);
            }
        }
        Ok(rated)
    }

    /// What an event costs at every level.
    fn rate(&self, id: &str, content: &Content) -> Result<Rated, Rejected> {
        let lineage: Vec<(&str, &Account)> = self.lineage(id).into_iter().map(|id| (id, &self.accounts[id])).collect();
        let meter_of = |(_, account): &(&str, &Account)| account.book.meters.iter().any(|meter| meter.key == content.meter);
        let owner = lineage.iter().position(meter_of).ok_or(Rejected::UnknownMeter)?;
        let meter = lineage[owner].1.book.meters.iter().find(|meter| meter.key == content.meter).ok_or(Rejected::UnknownMeter)?;
        let month = Month::of(content.occurred_at);
        let units = lineage[0].1.contribution(meter, month, content);
        let value = meter.unique_by.as_ref().and_then(|by| content.properties.get(by)).cloned();
        let chain: Vec<Link<'_>> = lineage.iter().map(|(id, account)| account.link(id, &content.meter, month)).collect();
        let usage = Usage { meter: &content.meter, currency: &lineage[0].1.currency, at: content.occurred_at, units };
        let had = |promotion: &str| lineage[0].1.promoted.get(promotion).copied().unwrap_or_default();
        let (mut levels, given) = prices::levels(&chain, owner, usage, had)?;
        for (level, link) in levels.iter_mut().zip(&chain) {
            level.amount = to_ledger(link.paid + level.price) - to_ledger(link.paid);
        }
        Ok(Rated { owner: lineage[owner].0.to_owned(), month, units, counts_to_tier: meter.counts_to_tier, value, levels, given })
    }

    /// What the amounts of an event's levels do to each account's credit: who is prepaid pays, and its seller receives. The
    /// operator's credit is not kept.
    fn changes(&self, levels: &[Level], amounts: impl Iterator<Item = Decimal>) -> Changes {
        let mut changes = Changes::new();
        for (level, amount) in levels.iter().zip(amounts).filter(|(level, _)| !self.accounts[&level.payer].postpaid) {
            *changes.entry(level.payer.clone()).or_default() -= amount;
            *changes.entry(level.seller.clone()).or_default() += amount;
        }
        changes.retain(|id, _| self.accounts[id].kind != Kind::Operator);
        changes
    }

    /// Writes a priced event to every account, or with `times` −1 takes it back; says what it did to their credit. An amount is
    /// always how far the total of the month moves on the ledger.
    fn write(&mut self, id: &str, content: &Content, rated: &Rated, times: Decimal) -> Changes {
        let key = (rated.month, content.meter.clone());
        let owner_sells = self.accounts[&rated.owner].kind != Kind::Operator;
        let mut amounts = Vec::new();
        for level in &rated.levels {
            let payer = self.account(&level.payer);
            let line = payer.lines.entry(key.clone()).or_default();
            let before = to_ledger(line.paid);
            line.used += times * rated.units;
            line.paid += times * level.price;
            line.seller_paid += times * level.cost.unwrap_or_default();
            let amount = to_ledger(line.paid) - before;
            if rated.counts_to_tier {
                *payer.volumes.entry(rated.month).or_default() += times * rated.units;
            }
            if owner_sells || level.seller != rated.owner {
                self.account(&level.seller).lines.entry(key.clone()).or_default().earned += amount;
            }
            amounts.push(amount);
        }
        if owner_sells {
            // What is used of its own meter is in the owner's books too, but it buys nothing, so it counts to no tier of its.
            self.account(&rated.owner).lines.entry(key.clone()).or_default().used += times * rated.units;
        }
        let own = self.account(id);
        let line = own.lines.entry(key).or_default();
        line.largest = line.largest.max(content.quantity);
        line.values.extend(rated.value.clone());
        if let Some(Given { id, off, capped: true }) = &rated.given {
            *own.promoted.entry(id.clone()).or_default() += times * off;
        }
        let changes = self.changes(&rated.levels, amounts.into_iter());
        for (account, change) in &changes {
            self.account(account).credit += change;
        }
        changes
    }
}

/// By how much each account's credit changes.
type Changes = BTreeMap<String, Decimal>;

/// Usage may be 35 days late and five minutes ahead.
fn in_time(content: &Content, now: Timestamp) -> Result<(), Rejected> {
    if content.occurred_at < now - SignedDuration::from_hours(35 * 24) {
        return Err(Rejected::TooLate);
    }
    if content.occurred_at > now + SignedDuration::from_mins(5) {
        return Err(Rejected::TooEarly);
    }
    Ok(())
}

impl Account {
    fn new(parent: Option<String>, kind: Kind, postpaid: bool, currency: String, credit_limit: Decimal) -> Self {
        Self {
            parent,
            kind,
            postpaid,
            currency,
            credit_limit,
            suspended: false,
            credit: Decimal::ZERO,
            book: Book::default(),
            lines: BTreeMap::new(),
            volumes: BTreeMap::new(),
            promoted: BTreeMap::new(),
            counted: HashMap::new(),
        }
    }

    fn is_short(&self) -> bool {
        self.credit < -self.credit_limit
    }

    fn line(&self, month: Month, meter: &str) -> Option<&Line> {
        self.lines.get(&(month, meter.to_owned()))
    }

    fn link<'a>(&'a self, id: &'a str, meter: &str, month: Month) -> Link<'a> {
        let none = Line::default();
        let line = self.line(month, meter).unwrap_or(&none);
        let volume = |month| self.volumes.get(&month).copied().unwrap_or_default();
        Link {
            id,
            kind: self.kind,
            book: &self.book,
            used: line.used,
            volume: volume(month),
            volume_last_month: volume(month.before()),
            paid: line.paid,
            seller_paid: line.seller_paid,
        }
    }

    /// What an event of its own adds to the month.
    fn contribution(&self, meter: &Meter, month: Month, content: &Content) -> Decimal {
        let line = self.line(month, &meter.key);
        match meter.aggregation.as_str() {
            "count" => Decimal::ONE,
            "max" => (content.quantity - line.map_or(Decimal::ZERO, |line| line.largest)).max(Decimal::ZERO),
            "unique" => {
                let value = meter.unique_by.as_ref().and_then(|by| content.properties.get(by));
                let seen = value.is_none_or(|value| line.is_some_and(|line| line.values.contains(value)));
                if seen { Decimal::ZERO } else { Decimal::ONE }
            }
            _ => content.quantity,
        }
    }
}

impl Content {
    fn of(event: &Value) -> Self {
        let text = |name: &str| event[name].as_str().unwrap_or_default();
        let properties = event["properties"].as_object().into_iter().flatten();
        Self {
            meter: text("meter").to_owned(),
            quantity: text("quantity").parse().unwrap_or(Decimal::ONE),
            occurred_at: text("occurred_at").parse().expect("a time"),
            properties: properties.map(|(name, value)| (name.clone(), value.as_str().unwrap_or_default().to_owned())).collect(),
        }
    }
}

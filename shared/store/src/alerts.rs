//! Alerts: an account's rules, how each stands of each account, and what it told.
//!
//! That a rule fired is kept in one transaction with the event that tells so, only on the standing as it was read: each
//! crossing is told once, whoever looks and how often.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json as detail};
use tributary_domain::account::Account;
use tributary_domain::alert::{MAX_RULES, Metric, Rule, Standing, Turn};
use tributary_domain::event::RecordKind;
use tributary_domain::id::{AccountId, AlertId, EventId};
use tributary_domain::lineage::Lineage;
use tributary_domain::money::Micros;

use crate::Store;
use crate::accounts::Authority;
use crate::aggregates::Kept;
use crate::beside::Edit;
use crate::codec::{Reader, json, put};
use crate::commit::{Part, Tx, patiently};
use crate::error::{Denied, StoreError};
use crate::events::{Act, push_event};
use crate::holds::due_position;
use crate::idempotency::{Outcome, Scope};
use crate::keys;
use crate::table::{Action, Change, Cond, Index, Item, MAX_BATCH_GET, Position, Query, SortRange, TableError, Value, Write, s};
use crate::topups::{self, Topup};

/// What is set beside an account and above it that a look at its credit concerns.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Watched {
    /// How it tops itself up.
    pub topup: Option<Topup>,
    /// The rules that watch it.
    pub rules: Vec<Rule>,
}

/// How a rule stands of an account, as it was read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct StandingRead {
    /// How.
    pub standing: Standing,
    version: i64,
}

/// One line of a rule's history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TurnRecord {
    /// The event that told it.
    pub event_id: EventId,
    /// What happened.
    pub turn: Turn,
    /// The account whose value it was.
    pub watched_id: AccountId,
    /// The value.
    pub value: Micros,
    /// The threshold then.
    pub threshold: Micros,
    /// When.
    pub at: Timestamp,
}

/// A rule that fires of a period which is over, and the account of which it does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Overdue {
    /// Whose rule.
    pub owner: AccountId,
    /// Which.
    pub rule: AlertId,
    /// Of which account.
    pub watched: AccountId,
}

impl Store {
    /// An account's rules, the oldest first: one read.
    ///
    /// # Errors
    /// Table errors; [`StoreError::Corrupt`].
    pub async fn alerts(&self, account: &AccountId) -> Result<Vec<Rule>, StoreError> {
        let key = keys::alerts(account);
        let item = patiently(&self.patience, || self.table.get(&key, true)).await?;
        Ok(stored(item.as_ref())?.1)
    }

    /// Changes an account's rules with the audit record that `change` names.
    ///
    /// # Errors
    /// [`StoreError::Denied`], [`StoreError::Limit`], [`StoreError::AccountState`] of a closed account, [`StoreError::KeyReused`], what
    /// `change` refuses.
    pub async fn edit_alerts<T: Serialize + serde::de::DeserializeOwned>(
        &self,
        account: &AccountId,
        authority: Authority<'_>,
        act: &Act,
        scope: Option<&Scope>,
        change: impl Fn(&mut Vec<Rule>, &Account) -> Result<(T, RecordKind, AlertId), StoreError> + Send + Sync,
    ) -> Result<Outcome<T>, StoreError> {
        let change = |item: Option<&Item>, owner: &Account| {
            let (version, mut rules) = stored(item)?;
            let (answer, kind, id) = change(&mut rules, owner)?;
            if rules.len() > MAX_RULES {
                return Err(StoreError::Limit { what: "alerts of one account", limit: i64::try_from(MAX_RULES).unwrap_or(i64::MAX) });
            }
            let write = rules_write(account, version, &rules, act.now)?;
            Ok(Edit { answer, kind, detail: detail!({ "alert_id": id }), write })
        };
        self.edit_beside((account, keys::alerts(account)), authority, act, scope, change).await
    }

    /// What is set that a look at these accounts concerns, with where they stand: one read for some ten accounts.
    ///
    /// # Errors
    /// Table errors; [`StoreError::Corrupt`].
    pub async fn watched(&self, account: &AccountId, lineage: &Lineage) -> Result<Watched, StoreError> {
        let mut keys = vec![keys::topup(account), keys::alerts(account)];
        keys.extend(lineage.ids().map(keys::alerts));
        let mut items = patiently(&self.patience, || self.table.batch_get(&keys)).await?.into_iter();
        let topup = items.next().flatten().as_ref().map(topups::decode).transpose()?.filter(|topup| !topup.gone);
        let mut rules = Vec::new();
        for item in items.flatten() {
            let own: Vec<Rule> = Reader(&item).json("doc")?;
            rules.extend(own.into_iter().filter(|rule| rule.watches(account, lineage.ids())));
        }
        Ok(Watched { topup, rules })
    }

    /// How rules stand of an account, in their order: one read for up to a hundred.
    ///
    /// # Errors
    /// Table errors; [`StoreError::Corrupt`].
    pub async fn standings(&self, rules: &[&Rule], watched: &AccountId) -> Result<Vec<StandingRead>, StoreError> {
        let mut found = Vec::with_capacity(rules.len());
        for chunk in rules.chunks(MAX_BATCH_GET) {
            let keys: Vec<_> = chunk.iter().map(|rule| keys::alert_standing(&rule.id, watched)).collect();
            for item in patiently(&self.patience, || self.table.batch_get(&keys)).await? {
                found.push(item.map_or(Ok(StandingRead::default()), |item| -> Result<_, StoreError> {
                    Ok(StandingRead { standing: Reader(&item).json("doc")?, version: Reader(&item).number("ver")? })
                })?);
            }
        }
        Ok(found)
    }

    /// Keeps that a rule fired or was resolved of an account, with the event that tells so to the rule's own account. `None` if
    /// somebody else came first.
    ///
    /// # Errors
    /// Table errors.
    pub async fn turn_alert(
        &self,
        rule: &Rule,
        watched: &AccountId,
        read: &StandingRead,
        turn: Turn,
        new: &Standing,
        value: Micros,
        act: &Act,
    ) -> Result<Option<StandingRead>, StoreError> {
        let kind = match turn {
            Turn::Fired => RecordKind::AlertFired,
            Turn::Resolved => RecordKind::AlertResolved,
        };
        let mut tx = Tx::default();
        push_event(&mut tx, Part::Guard, act, &rule.account_id, kind, &said(rule, watched, value))?;
        let mut item = Item::new();
        put(&mut item, "doc", json(new)?);
        put(&mut item, "ver", Value::N(read.version + 1));
        if let (Some(period), Some(_)) = (rule.period, &new.firing) {
            put(&mut item, "own", s(rule.account_id.as_str()));
            put(&mut item, "gsi2pk", s(keys::ALERTS_DUE_INDEX));
            put(&mut item, "gsi2sk", s(due_position(period.ends(act.now), &format!("{}#{watched}", rule.id))));
        }
        let as_read = if read.version == 0 { Cond::NotExists } else { Cond::Eq("ver", Value::N(read.version)) };
        tx.push(Part::Setting, Write { key: keys::alert_standing(&rule.id, watched), action: Action::Put(item), cond: Some(as_read) });
        let line =
            TurnRecord { event_id: act.event.clone(), turn, watched_id: watched.clone(), value, threshold: rule.threshold, at: act.now };
        let mut item = Item::new();
        put(&mut item, "doc", json(&line)?);
        tx.push(Part::Plain, Write::create(keys::alert_turn(&rule.id, &act.event), item));
        let done = match tx.commit(&*self.table, &self.patience).await? {
            Ok(()) => true,
            Err(refused) => refused.guard().is_some(),
        };
        Ok(done.then(|| StandingRead { standing: new.clone(), version: read.version + 1 }))
    }

    /// What a rule told, newest first.
    ///
    /// # Errors
    /// Table errors; [`StoreError::Corrupt`].
    pub async fn alert_history(
        &self,
        rule: &AlertId,
        limit: usize,
        start: Option<Position>,
    ) -> Result<(Vec<TurnRecord>, Option<Position>), StoreError> {
        let range = SortRange::BeginsWith(keys::TURNS.to_owned());
        let query = Query::table(keys::alert_partition(rule), range).newest_first().limit(limit).after(start);
        let page = patiently(&self.patience, || self.table.query(&query)).await?;
        let lines = page.items.iter().map(|item| Reader(item).json("doc")).collect::<Result<_, _>>()?;
        Ok((lines, page.next))
    }

    /// Of which accounts a rule fires now; at most `limit`.
    ///
    /// # Errors
    /// Table errors; [`StoreError::Corrupt`].
    pub async fn alert_firing(&self, rule: &AlertId, limit: usize) -> Result<BTreeMap<AccountId, Standing>, StoreError> {
        let range = SortRange::BeginsWith(format!("{}_", AccountId::PREFIX));
        let query = Query::table(keys::alert_partition(rule), range).limit(limit);
        let page = patiently(&self.patience, || self.table.query(&query)).await?;
        let mut firing = BTreeMap::new();
        for item in &page.items {
            let standing: Standing = Reader(item).json("doc")?;
            if standing.firing.is_some() {
                firing.insert(Reader(item).parsed("sk")?, standing);
            }
        }
        Ok(firing)
    }

    /// Rules that fire of a period which is over at `now`, through an index.
    ///
    /// # Errors
    /// Table errors.
    pub async fn alerts_due(
        &self,
        now: Timestamp,
        limit: usize,
        start: Option<Position>,
    ) -> Result<(Vec<Overdue>, Option<Position>), StoreError> {
        let range = SortRange::Between("0".to_owned(), due_position(now, "~"));
        let query = Query::index(Index::Gsi2, keys::ALERTS_DUE_INDEX, range).limit(limit).after(start);
        let page = patiently(&self.patience, || self.table.query(&query)).await?;
        let read = |item: &Item| {
            let reader = Reader(item);
            let rule = reader.text("pk").ok()?.strip_prefix(keys::STANDINGS)?.parse().ok()?;
            Some(Overdue { rule, owner: reader.parsed("own").ok()?, watched: reader.parsed("sk").ok()? })
        };
        Ok((self.mine(&page.items).filter_map(read).collect(), page.next))
    }

    /// Forgets how a rule stood that is no more.
    ///
    /// # Errors
    /// Table errors.
    pub async fn forget_standing(&self, rule: &AlertId, watched: &AccountId) -> Result<(), StoreError> {
        let write = Write { key: keys::alert_standing(rule, watched), action: Action::Delete, cond: None };
        patiently(&self.patience, || self.table.write(&write)).await?;
        Ok(())
    }

    /// Accounts with rules on when credit runs out that are due to be looked at, through an index.
    ///
    /// # Errors
    /// Table errors.
    pub async fn empties_due(&self, now: Timestamp, limit: usize) -> Result<Vec<AccountId>, StoreError> {
        let range = SortRange::Between("0".to_owned(), due_position(now, "~"));
        let query = Query::index(Index::Gsi2, keys::EMPTIES_DUE_INDEX, range).limit(limit);
        let page = patiently(&self.patience, || self.table.query(&query)).await?;
        let id = |item: &Item| Reader(item).text("gsi2sk").ok().and_then(|at| at.split_once('#')?.1.parse().ok());
        Ok(self.mine(&page.items).filter_map(id).collect())
    }

    /// Puts off until `at` the next look at an account's rules on when credit runs out, unless they were changed meanwhile.
    ///
    /// # Errors
    /// Table errors.
    pub async fn put_off_empties(&self, account: &AccountId, at: Timestamp) -> Result<Kept, StoreError> {
        let changes = vec![Change::Set("gsi2sk", s(due_position(at, account.as_str())))];
        let cond = Cond::All(vec![Cond::Exists, Cond::Has("gsi2pk")]);
        let write = Write::update(keys::alerts(account), changes, cond);
        let put_off = async || match self.table.write(&write).await {
            Ok(_) => Ok(Kept::Yes),
            Err(TableError::Condition(_)) => Ok(Kept::Raced),
            Err(error) => Err(error),
        };
        patiently(&self.patience, put_off).await
    }
}

fn stored(item: Option<&Item>) -> Result<(i64, Vec<Rule>), StoreError> {
    item.map_or(Ok((0, Vec::new())), |item| Ok((Reader(item).number("ver")?, Reader(item).json("doc")?)))
}

/// What an event tells of a rule and a value.
fn said(rule: &Rule, watched: &AccountId, value: Micros) -> Json {
    detail!({
        "alert_id": rule.id, "watched_id": watched, "metric": rule.metric, "meter": rule.meter, "period": rule.period,
        "threshold": rule.threshold, "value": value, "webhook": rule.channels.webhook,
        // For the notifier alone: the event does not tell them.
        "emails": rule.channels.emails,
    })
}

/// The rule of this id.
///
/// # Errors
/// [`Denied::Absent`].
pub fn of_id<'a>(rules: &'a mut [Rule], id: &AlertId) -> Result<&'a mut Rule, StoreError> {
    rules.iter_mut().find(|rule| rule.id == *id).ok_or(StoreError::Denied(Denied::Absent))
}

fn rules_write(account: &AccountId, version: i64, rules: &[Rule], now: Timestamp) -> Result<Write, StoreError> {
    let mut item = Item::new();
    put(&mut item, "doc", json(&rules)?);
    put(&mut item, "ver", Value::N(version + 1));
    if rules.iter().any(|rule| rule.enabled && rule.metric == Metric::TimeToEmpty) {
        put(&mut item, "gsi2pk", s(keys::EMPTIES_DUE_INDEX));
        put(&mut item, "gsi2sk", s(due_position(now, account.as_str())));
    }
    let as_read = if version == 0 { Cond::NotExists } else { Cond::Eq("ver", Value::N(version)) };
    Ok(Write { key: keys::alerts(account), action: Action::Put(item), cond: Some(as_read) })
}

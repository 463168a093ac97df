//! How accounts top themselves up: the setting, the draw, and what failed.
//!
//! A draw is one transaction: the movement of credit, the setting's item only as it was read, and the run. Its entry and that
//! item hold the decision to the very state that it was made on, so a bell that rings twice draws once.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json as detail;
use tributary_domain::account::Account;
use tributary_domain::event::RecordKind;
use tributary_domain::id::{AccountId, LotId, TransferId};
use tributary_domain::ledger::{CreditError, EntryKind, Head, LedgerId};
use tributary_domain::money::{Amount, Micros};
use tributary_domain::pricing::package::MAX_QUANTITY;
use tributary_domain::topup::{self, Decision, Reason, Run, Setting, Source, State, decide};
use tributary_domain::transfer::{Leg, Purchased, Transfer, TransferPlan, TransferRequest, plan_transfer};

use crate::Store;
use crate::accounts::{Authority, REPLANS};
use crate::beside::Edit;
use crate::codec::{Reader, json, put};
use crate::commit::{Part, Refused, Tx, patiently};
use crate::entries::push_entry;
use crate::error::{Denied, StoreError};
use crate::events::{Act, push_event};
use crate::gates::{self, GateVerdict};
use crate::heads::Heads;
use crate::holds::due_position;
use crate::idempotency::Scope;
use crate::keys;
use crate::purchases::{push_purchase, read_purchase_refusal};
use crate::table::{Action, Cond, Index, Item, Position, Query, SortRange, TableError, Value, Write, s};
use crate::transfers::push_transfer_record;

/// Under which route the records of draws are kept.
const ROUTE: &str = "auto_topup";

/// How an account tops itself up, and what came of it so far.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Topup {
    /// Whose.
    pub account_id: AccountId,
    /// What was set.
    pub setting: Setting,
    /// What came of it.
    pub state: State,
    /// When it was set first.
    pub created_at: Timestamp,
    /// When it was set last.
    pub updated_at: Timestamp,
    /// Raised by one each time it is set; runs leave it.
    pub version: i64,
    /// It was removed. The numbers of runs and the sums of the caps go on when it is set again.
    #[serde(default)]
    pub gone: bool,
    /// Raised by one with every write.
    #[serde(skip)]
    pub write: i64,
}

/// The ids of a draw, made before it is known whether there is one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DrawIds {
    /// Of the movement of credit.
    pub transfer: TransferId,
    /// Of the lot, if what is bought expires.
    pub lot: LotId,
}

/// What a look at an account's credit came to.
#[derive(Debug, Clone, PartialEq)]
pub enum ToppedUp {
    /// There is nothing to do.
    Nothing,
    /// The balance is enough again: what failed before is forgotten.
    Forgot,
    /// Credit was drawn.
    Drawn(Transfer),
    /// Not before this time is it tried again.
    Waits(Timestamp),
    /// It is tried no more.
    Stopped,
    /// Credit should be drawn, and cannot be.
    Short(Short),
    /// The card is being charged: what comes of it is kept by [`Store::keep_charge`].
    Charges(Charge),
}

/// A charge of the card, written down before the processor is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Charge {
    /// How much.
    pub amount: Amount,
    /// Its idempotency key, which follows from the account and its run.
    pub key: String,
    /// The setting as read.
    read: Topup,
}

/// What came of a charge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Charged {
    /// The credit is there, by this movement.
    Done(Option<TransferId>),
    /// Nothing was drawn.
    Failed(Reason),
    /// It is not known yet.
    Open,
}

/// What a draw further up is made for. It is made only while the setting further down is as it was read: else somebody drew
/// there meanwhile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Need {
    /// So much must be available, whatever the threshold says.
    pub floor: Micros,
    account: AccountId,
    write: i64,
}

/// A draw that cannot be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Short {
    /// Why.
    pub reason: Reason,
    /// Who has too little credit, and what it is needed for.
    pub payer: Option<(AccountId, Need)>,
    /// How much should have been drawn.
    pub amount: Option<Micros>,
    /// The balance it was decided on.
    available: Micros,
    /// The setting as read.
    read: Topup,
}

/// A draw as planned, or why there is none.
enum Planned {
    Done(ToppedUp),
    Draw(TransferPlan, Amount),
    Charge(Amount),
    /// The lineage must be resolved.
    Resolve,
}

impl Store {
    /// How an account tops itself up, if it does: one read.
    ///
    /// # Errors
    /// Table errors; [`StoreError::Corrupt`].
    pub async fn topup(&self, account: &AccountId) -> Result<Option<Topup>, StoreError> {
        let key = keys::topup(account);
        let item = patiently(&self.patience, || self.table.get(&key, true)).await?;
        Ok(item.as_ref().map(decode).transpose()?.filter(|topup| !topup.gone))
    }

    /// Sets how an account tops itself up. What failed before is forgotten; what was drawn still counts to the caps. `setting`
    /// is asked for the account as it stands.
    ///
    /// # Errors
    /// [`StoreError::Denied`], [`StoreError::Stale`] if it is of another version than `expected`, [`StoreError::AccountState`] of
    /// a closed account, what `setting` refuses.
    pub async fn set_topup(
        &self,
        account: &AccountId,
        expected: Option<i64>,
        authority: Authority<'_>,
        act: &Act,
        setting: impl Fn(&Account) -> Result<Setting, StoreError> + Send + Sync,
    ) -> Result<Topup, StoreError> {
        let change = |item: Option<&Item>, owner: &Account| {
            let old = item.map(decode).transpose()?;
            refuse_other(expected, old.as_ref())?;
            let setting = setting(owner)?;
            let new = Topup {
                account_id: account.clone(),
                state: old.as_ref().map(|old| old.state.forgotten()).unwrap_or_default(),
                created_at: old.as_ref().filter(|old| !old.gone).map_or(act.now, |old| old.created_at),
                updated_at: act.now,
                version: old.as_ref().map_or(0, |old| old.version) + 1,
                gone: false,
                write: old.as_ref().map_or(0, |old| old.write) + 1,
                setting,
            };
            let detail = detail!({ "enabled": new.setting.enabled, "threshold": new.setting.threshold });
            let write = write(old.as_ref(), &new)?;
            Ok(Edit { answer: new, kind: RecordKind::AutoTopupSet, detail, write })
        };
        let set = self.edit_beside((account, keys::topup(account)), authority, act, None, change).await?;
        Ok(set.into_inner())
    }

    /// Removes how an account tops itself up. Its runs stay.
    ///
    /// # Errors
    /// [`Denied::Absent`] if there is nothing to remove; as [`Store::set_topup`].
    pub async fn remove_topup(
        &self,
        account: &AccountId,
        expected: Option<i64>,
        authority: Authority<'_>,
        act: &Act,
    ) -> Result<Topup, StoreError> {
        let change = |item: Option<&Item>, _: &Account| {
            let old = item.map(decode).transpose()?.filter(|old| !old.gone).ok_or(Denied::Absent)?;
            refuse_other(expected, Some(&old))?;
            // What a card is being charged for it settles by itself.
            let gone = Topup { state: old.state.charged(), version: old.version + 1, gone: true, write: old.write + 1, ..old.clone() };
            let write = write(Some(&old), &gone)?;
            Ok(Edit { answer: old, kind: RecordKind::AutoTopupRemoved, detail: detail!({}), write })
        };
        Ok(self.edit_beside((account, keys::topup(account)), authority, act, None, change).await?.into_inner())
    }

    /// Draws credit for an account if its setting says so of its balance, both read fresh; or for a draw further down.
    ///
    /// # Errors
    /// [`StoreError::Busy`], [`StoreError::Unknown`], table errors. What cannot be drawn is [`ToppedUp::Short`].
    pub async fn top_up(&self, account: &AccountId, need: Option<&Need>, ids: &DrawIds, act: &Act) -> Result<ToppedUp, StoreError> {
        let own = LedgerId::Account(account.clone());
        let mut resolve = false;
        for replan in 0..REPLANS {
            if replan > 2 {
                self.patience.pause((replan - 2).min(4)).await;
            }
            let Some(topup) = self.topup(account).await? else { return Ok(ToppedUp::Nothing) };
            if topup.state.charging.is_some() {
                return Ok(charge_of(topup));
            }
            let mut head = self.head(&own).await?;
            if resolve {
                head.lineage = self.resolved_lineage(&head.lineage).await?;
            }
            let (plan, amount) = match self.plan_draw(&topup, &head, need, resolve, ids, act).await? {
                Planned::Done(ToppedUp::Forgot) => {
                    let forgotten = Topup { state: topup.state.forgotten(), write: topup.write + 1, ..topup.clone() };
                    match self.table.write(&write(Some(&topup), &forgotten)?).await {
                        Ok(_) => return Ok(ToppedUp::Forgot),
                        Err(TableError::Condition(_) | TableError::Busy(_) | TableError::Unknown(_)) => continue,
                        Err(error) => return Err(error.into()),
                    }
                }
                Planned::Done(done) => return Ok(done),
                Planned::Charge(amount) => {
                    let state = topup.state.charges(amount, head.available, act.now);
                    let begun = Topup { state, write: topup.write + 1, ..topup.clone() };
                    match self.table.write(&write(Some(&topup), &begun)?).await {
                        Ok(_) => return Ok(charge_of(begun)),
                        // An attempt that was not answered is found by the next look.
                        Err(TableError::Condition(_) | TableError::Busy(_) | TableError::Unknown(_)) => continue,
                        Err(error) => return Err(error.into()),
                    }
                }
                Planned::Draw(plan, amount) => (plan, amount),
                Planned::Resolve => {
                    resolve = true;
                    continue;
                }
            };
            let after = Topup { state: topup.state.drew(amount, act.now), write: topup.write + 1, ..topup.clone() };
            let refused = match self.commit_draw((&topup, &after), need, &plan, amount, head.available, act).await? {
                Ok(()) => {
                    self.memory.learn(plan.entries.iter().map(|entry| &entry.after));
                    return Ok(ToppedUp::Drawn(plan.transfer));
                }
                Err(refused) => refused,
            };
            plan.entries.iter().for_each(|entry| self.memory.forget(&entry.after.ledger));
            if let Some(Some(record)) = refused.guard() {
                // An attempt of this very call that went unanswered; else another's of the same run: look again.
                if Reader(record).maybe_text("evt")? == Some(act.event.as_str()) {
                    return Ok(ToppedUp::Drawn(Reader(record).json("answer")?));
                }
                continue;
            }
            if refused.of(&Part::Cause).is_some() {
                return Ok(ToppedUp::Nothing);
            }
            let amount = Some(amount.micros());
            let short = |reason| Short { reason, payer: None, amount, available: head.available, read: topup.clone() };
            if let Some(bought) = &plan.transfer.purchase
                && let Err(StoreError::Limit { .. }) = read_purchase_refusal(&refused, bought)
            {
                return Ok(ToppedUp::Short(short(Reason::LimitReached)));
            }
            match gates::verdict(&refused, &plan.gates) {
                Some(GateVerdict::Moved) => resolve = true,
                Some(GateVerdict::Suspended(_)) if !refused.has_entry() => return Ok(ToppedUp::Short(short(Reason::ParentSuspended))),
                Some(GateVerdict::Suspended(_)) | None => {}
            }
        }
        Err(StoreError::Busy)
    }

    async fn plan_draw(
        &self,
        topup: &Topup,
        head: &Head,
        need: Option<&Need>,
        resolved: bool,
        ids: &DrawIds,
        act: &Act,
    ) -> Result<Planned, StoreError> {
        let (setting, state) = (&topup.setting, &topup.state);
        let floor = need.map(|need| need.floor);
        let decided = |package| decide(setting, state, head.status, head.available, floor, package, act.now);
        let short = |reason, amount: Option<Amount>, payer| {
            let amount = amount.map(Amount::micros);
            Ok(Planned::Done(ToppedUp::Short(Short { reason, payer, amount, available: head.available, read: topup.clone() })))
        };
        // What one purchase brings is asked for only where something is to be bought.
        let least = decided(Amount::new(Micros::new(1)).ok());
        if !matches!(least, Decision::Draw { .. } | Decision::Capped { .. }) {
            return Ok(Planned::Done(at_rest(least)));
        }
        let Some(parent) = head.lineage.parent().cloned() else { return Ok(Planned::Done(ToppedUp::Nothing)) };
        let (kind, bought) = match &setting.source {
            Source::Parent { payer, .. } | Source::Card { payer, .. } if *payer != parent => return short(Reason::Moved, None, None),
            Source::Card { .. } => {
                return match least {
                    Decision::Draw { amount, .. } => Ok(Planned::Charge(amount)),
                    Decision::Capped { reason, .. } => short(reason, None, None),
                    other => Ok(Planned::Done(at_rest(other))),
                };
            }
            Source::Parent { .. } => (EntryKind::AutoTopup, None),
            Source::Package { package_id, quantity } => {
                let book = self.book(&parent).await?;
                let package = book.packages.iter().find(|package| package.id == *package_id);
                let one = package.and_then(|package| package.bought(*quantity, ids.lot.clone(), book.version, act.now).ok());
                let brings = one.as_ref().and_then(brings);
                let (Some(package), Some(brings)) = (package, brings) else { return short(Reason::PackageUnavailable, None, None) };
                let times = match decided(Some(brings)) {
                    Decision::Draw { times, .. } => times,
                    _ => 1,
                };
                let bought = package.bought((quantity * times).min(MAX_QUANTITY), ids.lot.clone(), book.version, act.now);
                let Ok(bought) = bought else { return short(Reason::OutOfRange, None, None) };
                if bought.max_per_account.is_some_and(|max| bought.quantity > max) {
                    return short(Reason::LimitReached, None, None);
                }
                (EntryKind::Purchase, Some((bought, brings)))
            }
        };
        let amount = match decided(bought.as_ref().map(|(_, brings)| *brings)) {
            Decision::Draw { amount, .. } => amount,
            Decision::Capped { reason, .. } => return short(reason, None, None),
            other => return Ok(Planned::Done(at_rest(other))),
        };
        let (from, to) = (LedgerId::Account(parent.clone()), head.ledger.clone());
        let mut payer = self.head(&from).await?;
        if resolved {
            payer.lineage = self.resolved_lineage(&payer.lineage).await?;
        }
        let request = TransferRequest {
            id: ids.transfer.clone(),
            kind,
            legs: vec![Leg { from: from.clone(), to, amount }],
            reference: None,
            reverses: None,
            purchase: bought.map(|(bought, _)| bought),
            // The parent's own entry holds it where it is, and the account's names its parent.
            authority: parent.clone(),
            now: act.now,
        };
        let heads = Heads::from([(from, payer.clone()), (head.ledger.clone(), head.clone())]);
        match plan_transfer(&request, &heads) {
            Ok(plan) => Ok(Planned::Draw(plan, amount)),
            Err(CreditError::NotBelow { .. }) if !resolved => Ok(Planned::Resolve),
            Err(error) => {
                let reason = Reason::of_credit(&error);
                // The least that must be available there, debts within its credit limit left aside.
                let floor = Micros::new(amount.micros().get().saturating_sub(payer.credit_limit.get()));
                let need = Need { floor, account: topup.account_id.clone(), write: topup.write };
                short(reason, Some(amount), (reason == Reason::ParentShort).then_some((parent, need)))
            }
        }
    }

    async fn commit_draw(
        &self,
        (read, after): (&Topup, &Topup),
        need: Option<&Need>,
        plan: &TransferPlan,
        amount: Amount,
        available: Micros,
        act: &Act,
    ) -> Result<Result<(), Refused>, StoreError> {
        let mut tx = Tx::default();
        push_transfer_record(&mut tx, &scope(after, act), &plan.transfer, &act.event)?;
        plan.entries.iter().for_each(|entry| push_entry(&mut tx, entry));
        tx.push(Part::Setting, write(Some(read), after)?);
        let run = Run {
            number: after.state.run,
            at: act.now,
            outcome: topup::Outcome::Done,
            amount: Some(amount.micros()),
            available,
            transfer_id: Some(plan.transfer.id.clone()),
            reason: None,
            again_at: None,
        };
        push_run(&mut tx, &after.account_id, &run)?;
        gates::push_checks(&mut tx, &plan.gates, after.account_id.as_str());
        push_purchase(&mut tx, &plan.transfer)?;
        self.push_purchase_charge(&mut tx, &plan.transfer).await?;
        if let Some(need) = need {
            tx.push(Part::Cause, Write::check(keys::topup(&need.account), Cond::Eq("ver", Value::N(need.write))));
        }
        tx.commit(&*self.table, &self.patience).await
    }

    /// Keeps what came of a charge, if nobody else came first: the state it is in now.
    ///
    /// # Errors
    /// Table errors.
    pub async fn keep_charge(&self, charge: &Charge, charged: &Charged, act: &Act) -> Result<Option<State>, StoreError> {
        let read = &charge.read;
        let Some(charging) = read.state.charging.clone() else { return Ok(None) };
        let (amount, available) = (Some(charge.amount.micros()), charging.available);
        let transfer_id = match charged {
            Charged::Failed(reason) => {
                let read = Topup { state: read.state.not_charged(), ..read.clone() };
                return self.keep_short(&Short { reason: *reason, payer: None, amount, available, read }, act).await;
            }
            Charged::Open => {
                let later = State { again_at: State::asked_again(act.now), ..read.state.clone() };
                let after = Topup { state: later.clone(), write: read.write + 1, ..read.clone() };
                let mut tx = Tx::default();
                tx.push(Part::Setting, write(Some(read), &after)?);
                return Ok(tx.commit(&*self.table, &self.patience).await?.is_ok().then_some(later));
            }
            Charged::Done(transfer_id) => transfer_id.clone(),
        };
        let state = read.state.charged();
        let after = Topup { state: state.clone(), write: read.write + 1, ..read.clone() };
        let run = Run {
            number: state.run,
            at: act.now,
            outcome: topup::Outcome::Done,
            amount,
            available,
            transfer_id,
            reason: None,
            again_at: None,
        };
        let mut tx = Tx::default();
        tx.push(Part::Setting, write(Some(read), &after)?);
        push_run(&mut tx, &read.account_id, &run)?;
        Ok(tx.commit(&*self.table, &self.patience).await?.is_ok().then_some(state))
    }

    /// Keeps that a draw could not be made, with the event that tells so, if the setting is still as it was read then: the
    /// state it is in now. `None` if somebody else came first.
    ///
    /// # Errors
    /// Table errors.
    pub async fn keep_short(&self, short: &Short, act: &Act) -> Result<Option<State>, StoreError> {
        let read = &short.read;
        let state = read.state.failed(short.reason, act.now);
        let after = Topup { state: state.clone(), write: read.write + 1, ..read.clone() };
        let (outcome, kind) = match (state.stopped_at, short.reason.is_cap()) {
            (Some(_), _) => (topup::Outcome::Stopped, RecordKind::AutoTopupStopped),
            (None, true) => (topup::Outcome::Capped, RecordKind::AutoTopupFailed),
            (None, false) => (topup::Outcome::Failed, RecordKind::AutoTopupFailed),
        };
        let run = Run {
            number: state.run,
            at: act.now,
            outcome,
            amount: short.amount,
            available: short.available,
            transfer_id: None,
            reason: Some(short.reason),
            again_at: state.again_at,
        };
        let said = detail!({
            "run": run.number, "amount": run.amount, "reason": run.reason, "failures": state.failures, "again_at": run.again_at,
        });
        let mut tx = Tx::default();
        push_event(&mut tx, Part::Guard, act, &read.account_id, kind, &said)?;
        tx.push(Part::Setting, write(Some(read), &after)?);
        push_run(&mut tx, &read.account_id, &run)?;
        match tx.commit(&*self.table, &self.patience).await? {
            Ok(()) => Ok(Some(state)),
            Err(refused) => Ok(refused.guard().map(|_| state)),
        }
    }

    /// The runs of an account, newest first.
    ///
    /// # Errors
    /// Table errors; [`StoreError::Corrupt`].
    pub async fn topup_runs(
        &self,
        account: &AccountId,
        limit: usize,
        start: Option<Position>,
    ) -> Result<(Vec<Run>, Option<Position>), StoreError> {
        let range = SortRange::BeginsWith(keys::RUNS.to_owned());
        let query = Query::table(keys::topup_partition(account), range).newest_first().limit(limit).after(start);
        let page = patiently(&self.patience, || self.table.query(&query)).await?;
        let runs = page.items.iter().map(|item| Reader(item).json("doc")).collect::<Result<_, _>>()?;
        Ok((runs, page.next))
    }

    /// Accounts whose topping up is due to be tried again at `now`, through an index; the setting itself decides.
    ///
    /// # Errors
    /// Table errors.
    pub async fn topups_due(
        &self,
        now: Timestamp,
        limit: usize,
        start: Option<Position>,
    ) -> Result<(Vec<AccountId>, Option<Position>), StoreError> {
        let range = SortRange::Between("0".to_owned(), due_position(now, "~"));
        let query = Query::index(Index::Gsi2, keys::TOPUPS_DUE_INDEX, range).limit(limit).after(start);
        let page = patiently(&self.patience, || self.table.query(&query)).await?;
        let id = |item: &Item| Reader(item).text("gsi2sk").ok().and_then(|at| at.split_once('#')?.1.parse().ok());
        Ok((self.mine(&page.items).filter_map(id).collect(), page.next))
    }
}

/// A decision that needs no reads.
fn at_rest(decision: Decision) -> ToppedUp {
    match decision {
        Decision::Forget => ToppedUp::Forgot,
        Decision::Waits(until) => ToppedUp::Waits(until),
        Decision::Stopped => ToppedUp::Stopped,
        Decision::Nothing | Decision::Draw { .. } | Decision::Capped { .. } => ToppedUp::Nothing,
    }
}

fn charge_of(read: Topup) -> ToppedUp {
    let (run, account) = (read.state.run, &read.account_id);
    match &read.state.charging {
        Some(charging) => ToppedUp::Charges(Charge { amount: charging.amount, key: format!("topup:{account}:{run}"), read }),
        None => ToppedUp::Nothing,
    }
}

fn brings(bought: &Purchased) -> Option<Amount> {
    Amount::new(bought.credits.plus(bought.bonus).ok()?).ok()
}

/// Under which idempotency key a run's draw is kept.
fn scope(topup: &Topup, act: &Act) -> Scope {
    let (account, run) = (topup.account_id.clone(), topup.state.run);
    let key = format!("topup:{account}:{run}");
    Scope { account, route: ROUTE, body: key.clone(), key, actor: act.actor.clone(), request: act.request.clone() }
}

fn refuse_other(expected: Option<i64>, stored: Option<&Topup>) -> Result<(), StoreError> {
    let version = stored.filter(|stored| !stored.gone).map_or(0, |stored| stored.version);
    match expected.filter(|expected| *expected != version) {
        Some(expected) => Err(StoreError::Stale(version.max(expected.saturating_add(1)))),
        None => Ok(()),
    }
}

pub(crate) fn decode(item: &Item) -> Result<Topup, StoreError> {
    let reader = Reader(item);
    Ok(Topup { write: reader.number("ver")?, ..reader.json("doc")? })
}

fn write(read: Option<&Topup>, new: &Topup) -> Result<Write, StoreError> {
    let mut item = Item::new();
    put(&mut item, "doc", json(new)?);
    put(&mut item, "ver", Value::N(new.write));
    let charging = new.state.charging.is_some();
    if let Some(at) = new.state.again_at.filter(|_| new.setting.enabled || charging) {
        put(&mut item, "gsi2pk", s(keys::TOPUPS_DUE_INDEX));
        put(&mut item, "gsi2sk", s(due_position(at, new.account_id.as_str())));
    }
    let as_read = read.map_or(Cond::NotExists, |read| Cond::Eq("ver", Value::N(read.write)));
    Ok(Write { key: keys::topup(&new.account_id), action: Action::Put(item), cond: Some(as_read) })
}

fn push_run(tx: &mut Tx, account: &AccountId, run: &Run) -> Result<(), StoreError> {
    let mut item = Item::new();
    put(&mut item, "doc", json(run)?);
    tx.push(Part::Plain, Write::create(keys::topup_run(account, run.number), item));
    Ok(())
}

impl Topup {
    /// Whether a look at this balance may have anything to do.
    pub fn wants(&self, head: &Head) -> bool {
        // What the card is being charged is seen to its end.
        let charging = self.state.charging.is_some();
        charging || (self.setting.enabled && (head.available < self.setting.threshold || self.state.is_troubled()))
    }
}

//! Taking an event back, and counting it anew with another quantity. Both are entries: what was written stays.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use tributary_api::App;
use tributary_domain::account::{Funding, Kind};
use tributary_domain::id::{AccountId, EventId, TransferId};
use tributary_domain::ledger::{CreditError, EntryKind, Head, LedgerId};
use tributary_domain::money::Micros;
use tributary_domain::pricing::number::Quantity;
use tributary_domain::pricing::postings::{Party, postings};
use tributary_domain::pricing::rate::{EventToRate, RatedEvent, RatedLevel, check_occurred_at, rate_event, unrate_event};
use tributary_domain::pricing::state::UsageState;
use tributary_store::error::{Denied, StoreError};
use tributary_store::idempotency::{Outcome, Scope};
use tributary_store::usage_entries::{Committed, Mark, UsageBatch};

use crate::event::NewEvent;
use crate::find::{Found, MAX_ADJUSTMENTS, find};
use crate::ingest::{Loaded, MaySend, adjustment_mark, place};
use crate::plan::{Moved, Unplanned, chain_of, entries};
use crate::record::{self, RecordKind, UsageRecord};

/// How often an adjustment is planned anew when other writers come first.
const REPLANS: u32 = 40;

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Adjustment {
    /// Whose event.
    pub account: AccountId,
    /// Which event.
    pub event: String,
    /// The quantity that it is counted with instead; `None` takes it back.
    pub quantity: Option<Quantity>,
    /// Why.
    pub reason: Option<String>,
}

/// What was done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Adjusted {
    /// The event, with its new quantity if it was corrected.
    pub event: NewEvent,
    /// The batch of the adjustment.
    pub batch: TransferId,
    /// What was taken back; all signs turned.
    pub taken_back: RatedEvent,
    /// What is counted instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counted: Option<RatedEvent>,
}

/// Why an adjustment was not made. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum AdjustError {
    /// The store's reasons.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The event was taken back before.
    #[error("the event was voided already")]
    Voided,
    /// It was adjusted as often as it may be.
    #[error("an event can be adjusted {MAX_ADJUSTMENTS} times")]
    TooOften,
    /// It cannot be taken back, or not be counted anew.
    #[error("{0}")]
    Refused(String),
}

/// Adjusts an event, once for each idempotency key. What every level paid for it is paid back to the micro-unit of the
/// month's running totals; a correction is then rated anew by the rules of the time of the event.
///
/// # Errors
/// [`AdjustError`].
pub async fn adjust(
    app: &App,
    may: MaySend<'_>,
    asked: &Adjustment,
    scope: &Scope,
    attempt: &EventId,
) -> Result<Outcome<Adjusted>, AdjustError> {
    let store = app.store();
    if let Err(denied) = place(app, may, &asked.account).await {
        return Err(denied.into());
    }
    if let Some(first) = store.first_answer(scope).await? {
        return Ok(Outcome::Replayed(first));
    }
    for replan in 0..REPLANS {
        let head = store.head(&LedgerId::Account(asked.account.clone())).await?;
        let found = find(app, &head, &asked.account, &asked.event).await?;
        if found.voided.is_some() {
            return Err(AdjustError::Voided);
        }
        if found.adjustments >= MAX_ADJUSTMENTS {
            return Err(AdjustError::TooOften);
        }
        let batch = TransferId::from_uuid(app.uuid());
        let (planned, records, adjusted) = match plan(app, asked, &head, &found, &batch, replan > 0).await? {
            Some(planned) => planned,
            None => continue,
        };
        record::put(app.blobs(), &batch, &records).await.map_err(|error| StoreError::Unknown(error.to_string()))?;
        let answer = serde_json::to_value(&adjusted).map_err(|error| StoreError::Corrupt(error.to_string()))?;
        let planned = UsageBatch { record: Some((scope.clone(), answer, attempt.clone())), ..planned };
        match store.commit_usage(&planned).await? {
            Committed::Done => return Ok(Outcome::Done(adjusted)),
            Committed::Recorded(record) => return Ok(scope.outcome(Some(&record), attempt)?),
            Committed::Raced { .. } | Committed::Suspended(_) if replan > 2 => store.pause((replan - 2).min(4)).await,
            Committed::Raced { .. } | Committed::Suspended(_) => {}
        }
    }
    Err(StoreError::Busy.into())
}

type Planned = (UsageBatch, Vec<UsageRecord>, Adjusted);

/// `None`: a lineage is out of date; to be planned anew.
async fn plan(
    app: &App,
    asked: &Adjustment,
    head: &Head,
    found: &Found,
    batch: &TransferId,
    resolve: bool,
) -> Result<Option<Planned>, AdjustError> {
    let (store, now, old) = (app.store(), app.now(), &found.record);
    // Who paid then gets it back, wherever the account stands now.
    let mut concerned: BTreeSet<AccountId> = old.rated.levels.iter().map(|level| level.payer.clone()).collect();
    concerned.insert(asked.account.clone());
    if old.rated.owner_kind != Kind::Operator {
        concerned.insert(old.rated.owner.clone());
    }
    let lineage = if resolve { store.resolved_lineage(&head.lineage).await? } else { head.lineage.clone() };
    let ledgers = concerned.iter().chain(lineage.ids().skip(1)).cloned().map(LedgerId::Account).collect();
    let heads = store.usage_heads(&ledgers, true, resolve).await?;
    let loaded = Loaded::load(app, heads, &[asked.account.clone()].into()).await?;
    let planned = plan_on(&loaded, asked, found, batch, now, &mut concerned, app);
    loaded.keep(app);
    match planned {
        Ok(planned) => Ok(Some(planned)),
        Err(Unadjusted::Stale) => Ok(None),
        Err(Unadjusted::Refused(error)) => Err(error),
    }
}

enum Unadjusted {
    Stale,
    Refused(AdjustError),
}

impl From<Unplanned> for Unadjusted {
    fn from(unplanned: Unplanned) -> Self {
        match unplanned {
            Unplanned::Stale => Unadjusted::Stale,
            Unplanned::Broken(error) => Unadjusted::Refused(error.into()),
        }
    }
}

fn refused(why: impl ToString) -> Unadjusted {
    Unadjusted::Refused(AdjustError::Refused(why.to_string()))
}

fn plan_on(
    loaded: &Loaded,
    asked: &Adjustment,
    found: &Found,
    batch: &TransferId,
    now: jiff::Timestamp,
    concerned: &mut BTreeSet<AccountId>,
    app: &App,
) -> Result<Planned, Unadjusted> {
    let (ground, old) = (loaded.ground(now), &found.record);
    let chain = chain_of(&asked.account, &ground)?;
    let mut states: BTreeMap<AccountId, UsageState> =
        ground.states.iter().map(|(id, state)| (id.clone(), UsageState::clone(state))).collect();
    let aggregation = chain.meter(&old.event.meter).map(|(meter, _)| meter.aggregation);
    let aggregation = aggregation.ok_or_else(|| refused("the event's meter is not known at the account any more"))?;
    let left = |level: &RatedLevel| left(&ground, level);
    let taken_back = unrate_event(&mut states, &old.rated, aggregation, left).map_err(refused)?;
    let record = |kind, event: &NewEvent, rated: &RatedEvent| UsageRecord {
        kind,
        event: event.clone(),
        received_at: now,
        currency: old.currency,
        rated: rated.clone(),
        reason: asked.reason.clone(),
    };
    let mut records = vec![record(RecordKind::Void, &old.event, &taken_back)];
    let (mut event, mut counted) = (old.event.clone(), None);
    if let Some(quantity) = asked.quantity {
        event.quantity = quantity;
        check_occurred_at(event.occurred_at, now).map_err(refused)?;
        let to_rate = EventToRate { meter: event.meter.clone(), quantity, first_of_value: false, occurred_at: event.occurred_at };
        let rated = rate_event(&chain, &mut states, &to_rate).map_err(refused)?;
        concerned.extend(rated.levels.iter().map(|level| level.payer.clone()));
        if rated.owner_kind != Kind::Operator {
            concerned.insert(rated.owner.clone());
        }
        records.push(record(RecordKind::Correction, &event, &rated));
        counted = Some(rated);
    }
    let (nets, consumed) = nets(&ground, [Some(&taken_back), counted.as_ref()].into_iter().flatten())?;
    let moved = Moved { touched: concerned, nets: &nets, consumed, kind: EntryKind::UsageAdjustment };
    let mut planned = entries(&ground, &moved, &mut states, batch)?;
    let mark = adjustment_mark(app.secrets(), &asked.account, &asked.event, found.adjustments + 1);
    let own = planned.writes.iter_mut().find(|write| write.entry.after.ledger.account() == Some(&asked.account));
    own.ok_or(Unadjusted::Stale)?.marks.push(Mark { id: mark, content: [0, 0] });
    let adjusted = Adjusted { event, batch: batch.clone(), taken_back, counted };
    Ok((planned, records, adjusted))
}

/// Whether the payer of a level has another seller by now.
fn left(ground: &crate::plan::Ground<'_>, level: &RatedLevel) -> bool {
    let head = ground.heads.get(&LedgerId::Account(level.payer.clone()));
    head.and_then(|head| head.lineage.parent()).is_some_and(|seller| *seller != level.seller)
}

/// The change of each account's credit, each of which must be able to pay it, and of what is used up.
fn nets<'a>(
    ground: &crate::plan::Ground<'_>,
    events: impl Iterator<Item = &'a RatedEvent>,
) -> Result<(BTreeMap<AccountId, Micros>, Micros), Unadjusted> {
    let head = |id: &AccountId| ground.heads.get(&LedgerId::Account(id.clone()));
    // Who has left its seller since gets back in credit what it paid or owes there: no invoice of that seller comes any more.
    let funding = |level: &RatedLevel| match left(ground, level) {
        true => Funding::Prepaid,
        false => head(&level.payer).map(|head| head.funding).unwrap_or_default(),
    };
    let sums = postings(events, funding);
    let overflow = |_| Unadjusted::Refused(StoreError::Credit(CreditError::Overflow).into());
    let (mut nets, mut consumed) = (BTreeMap::new(), Micros::ZERO);
    for (party, amount) in sums.map_err(overflow)? {
        match party {
            Party::Operator => consumed = amount,
            Party::Account(id) => {
                let head = head(&id).ok_or(Unadjusted::Refused(StoreError::from(Denied::Absent).into()))?;
                if amount.is_negative() {
                    let required = amount.negated().map_err(overflow)?;
                    head.may_debit(EntryKind::UsageAdjustment, required)
                        .map_err(|error| Unadjusted::Refused(StoreError::Credit(error).into()))?;
                }
                nets.insert(id, amount);
            }
        }
    }
    Ok((nets, consumed))
}

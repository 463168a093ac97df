//! Taking events: each is answered on its own, and each that counts moves its credit at every level in one transaction with
//! the others of its batch.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use tributary_api::{App, Code, Problem};
use tributary_domain::id::{AccountId, TransferId};
use tributary_domain::ledger::{Book, LedgerId};
use tributary_domain::lineage::Lineage;
use tributary_domain::pricing::meter::Meter;
use tributary_domain::pricing::month::Month;
use tributary_domain::pricing::rate::MAX_LATE_DAYS;
use tributary_runtime::secrets::Secrets;
use tributary_store::error::{Denied, StoreError};
use tributary_store::heads::Heads;
use tributary_store::usage_entries::{Committed, Mark, MarkIndex};

use crate::event::{NewEvent, Rejection, id_of, parse};
use crate::plan::{Ground, Marked, Plan, Unplanned, Verdict, plan};
use crate::record;

/// How often a batch is planned anew when other writers come first.
const REPLANS: u32 = 40;
/// The most accounts of one transaction, those above included: each has an entry, and may have a new tier, and DynamoDB takes 100
/// items.
const MAX_ACCOUNTS: usize = 45;

/// Says whether the sender may send usage of an account.
pub type MaySend<'a> = &'a (dyn Fn(&AccountId, &Lineage) -> Result<(), Denied> + Sync);

/// The answer to one event.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// The event's id, if one could be read.
    pub id: Option<String>,
    /// What became of it.
    pub verdict: Verdict,
}

impl Answer {
    /// The answer to an event that does not count.
    pub fn rejected(event: &Value, rejection: Rejection) -> Self {
        Self { id: id_of(event).map(str::to_owned), verdict: Verdict::Rejected(rejection) }
    }
}

/// Takes events, at most [`crate::event::MAX_EVENTS`], and answers each in its place. Safe to repeat: what was counted is a
/// duplicate the next time. Where the platform was too busy, the rejection says so and the event may be sent again.
///
/// # Errors
/// Only what keeps every event from being looked at.
pub async fn ingest(app: &App, may: MaySend<'_>, events: &[Value]) -> Result<Vec<Answer>, Problem> {
    let mut answers: Vec<Answer> = Vec::with_capacity(events.len());
    let mut waiting: Vec<(usize, NewEvent)> = Vec::with_capacity(events.len());
    for (at, event) in events.iter().enumerate() {
        let verdict = match parse(event) {
            Ok(event) => {
                waiting.push((at, event));
                Verdict::Duplicate
            }
            Err(rejection) => Verdict::Rejected(rejection),
        };
        answers.push(Answer { id: id_of(event).map(str::to_owned), verdict });
    }
    let (allowed, refused) = places(app, may, waiting).await?;
    for (at, rejection) in refused {
        answers[at].verdict = Verdict::Rejected(rejection);
    }
    for group in groups(allowed) {
        for (at, verdict) in take(app, may, &group).await {
            answers[at].verdict = verdict;
        }
    }
    Ok(answers)
}

/// An event that may be sent, where it stood in the request, and where its account stands.
struct Placed {
    at: usize,
    event: NewEvent,
    lineage: Lineage,
}

/// The events that may be sent, and why the others may not.
type Places = (Vec<Placed>, Vec<(usize, Rejection)>);

/// Asks the sender's rights over each account, on fresh state before one is refused.
async fn places(app: &App, may: MaySend<'_>, events: Vec<(usize, NewEvent)>) -> Result<Places, Problem> {
    let mut lineages: BTreeMap<AccountId, Result<Lineage, Rejection>> = BTreeMap::new();
    let (mut allowed, mut refused) = (Vec::new(), Vec::new());
    for (at, event) in events {
        let id = &event.account_id;
        if !lineages.contains_key(id) {
            let place = match place(app, may, id).await {
                Ok(lineage) => Ok(lineage),
                Err(StoreError::Denied(denied)) => Err(Problem::from(denied).into()),
                Err(error) => return Err(error.into()),
            };
            lineages.insert(id.clone(), place);
        }
        match &lineages[id] {
            Ok(lineage) => allowed.push(Placed { at, lineage: lineage.clone(), event }),
            Err(rejection) => refused.push((at, rejection.clone())),
        }
    }
    Ok((allowed, refused))
}

/// Where an account stands, if `may` allows what is asked there; decided on fresh state before it is refused.
///
/// # Errors
/// [`Denied`]; table errors.
pub async fn place(app: &App, may: MaySend<'_>, id: &AccountId) -> Result<Lineage, StoreError> {
    let (store, ledger) = (app.store(), LedgerId::Account(id.clone()));
    let ledgers = [ledger.clone()].into();
    for (fresh, resolve) in [(false, false), (true, false), (true, true)] {
        let heads = store.usage_heads(&ledgers, fresh, resolve).await?;
        let Some(head) = heads.get(&ledger) else { continue };
        match may(id, &head.lineage) {
            Ok(()) => return Ok(head.lineage.clone()),
            Err(denied) if resolve => return Err(denied.into()),
            Err(_) => {}
        }
    }
    Err(Denied::Absent.into())
}

/// The accounts of one transaction, those above included, and its events.
type Group = (BTreeSet<AccountId>, Vec<Placed>);

/// Shares the events out over transactions: one for each master, as long as its accounts fit.
fn groups(events: Vec<Placed>) -> Vec<Vec<Placed>> {
    let mut by_master: BTreeMap<AccountId, Vec<Group>> = BTreeMap::new();
    for placed in events {
        let master = placed.lineage.ids().nth(1).unwrap_or(&placed.event.account_id).clone();
        let accounts: BTreeSet<AccountId> = placed.lineage.ids().skip(1).chain([&placed.event.account_id]).cloned().collect();
        let groups = by_master.entry(master).or_default();
        // An account's events stay together and in their order.
        let own = groups.iter().position(|(taken, _)| taken.contains(&placed.event.account_id));
        let fits = |(taken, _): &Group| taken.union(&accounts).count() <= MAX_ACCOUNTS;
        match own.or_else(|| groups.iter().rposition(fits)) {
            Some(at) => {
                groups[at].0.extend(accounts);
                groups[at].1.push(placed);
            }
            None => groups.push((accounts, vec![placed])),
        }
    }
    by_master.into_values().flatten().map(|(_, events)| events).collect()
}

/// Counts the events of one group, or says of each why not.
async fn take(app: &App, may: MaySend<'_>, group: &[Placed]) -> Vec<(usize, Verdict)> {
    match commit(app, may, group).await {
        Ok(verdicts) => group.iter().map(|placed| placed.at).zip(verdicts).collect(),
        Err(error) => {
            let problem = Problem::from(error);
            if problem.code.status().is_server_error() {
                let internal = problem.internal.clone().unwrap_or_default();
                tracing::error!(code = problem.code.word(), internal, detail = problem.detail, "a batch of usage failed");
            }
            let rejection = Rejection::from(problem);
            group.iter().map(|placed| (placed.at, Verdict::Rejected(rejection.clone()))).collect()
        }
    }
}

async fn commit(app: &App, may: MaySend<'_>, group: &[Placed]) -> Result<Vec<Verdict>, StoreError> {
    let store = app.store();
    let events: Vec<Marked> = group.iter().map(|placed| marked(app.secrets(), &placed.event)).collect();
    let own: BTreeSet<AccountId> = group.iter().map(|placed| placed.event.account_id.clone()).collect();
    let mut ledgers = ledgers_of(group.iter().map(|placed| &placed.lineage), &own);
    let _turn = store.turn(&ledgers).await;
    let (mut fresh, mut resolve) = (false, false);
    for replan in 0..REPLANS {
        let mut heads = store.usage_heads(&ledgers, fresh, resolve).await?;
        if resolve {
            ledgers = ledgers_of(own.iter().filter_map(|id| Some(&heads.get(&LedgerId::Account(id.clone()))?.lineage)), &own);
            heads = store.usage_heads(&ledgers, true, true).await?;
            allowed_still(&heads, &own, may)?;
        }
        let ground = Loaded::load(app, heads, &own).await?;
        let batch = TransferId::from_uuid(app.uuid());
        let planned = plan(&events, &ground.ground(app.now()), &batch, &|account, meter, month, value| {
            mark_of_value(app.secrets(), account, meter, month, value)
        });
        let outcome = match planned {
            Ok(plan) if plan.batch.writes.is_empty() && !fresh => None,
            Ok(plan) if plan.verdicts.iter().any(is_refused_by_state) && !fresh => None,
            Ok(plan) => Some(write(app, &batch, &plan).await.map(|committed| (committed, plan))),
            Err(Unplanned::Stale) if !resolve => {
                ground.keep(app);
                (fresh, resolve) = (true, true);
                continue;
            }
            Err(Unplanned::Stale) => {
                ground.keep(app);
                return Err(StoreError::Busy);
            }
            Err(Unplanned::Broken(error)) => {
                ground.keep(app);
                return Err(error);
            }
        };
        match outcome {
            // No refusal is given from a guess.
            None => {
                ground.keep(app);
                fresh = true;
            }
            Some(Err(error)) => return Err(error),
            Some(Ok((Committed::Done, plan))) => {
                ground.keep_with(app, &plan);
                return Ok(plan.verdicts);
            }
            Some(Ok((Committed::Suspended(_) | Committed::Recorded(_), _))) => {
                ground.keep(app);
                (fresh, resolve) = (true, false);
                // The next plan sees the suspension; an ancestor without an entry is read with the others.
            }
            Some(Ok((Committed::Raced { moved }, _))) => {
                ground.keep(app);
                (fresh, resolve) = (true, moved);
                if replan > 2 {
                    store.pause((replan - 2).min(4)).await;
                }
            }
        }
    }
    Err(StoreError::Busy)
}

async fn write(app: &App, batch: &TransferId, plan: &Plan) -> Result<Committed, StoreError> {
    if plan.batch.writes.is_empty() {
        return Ok(Committed::Done);
    }
    record::put(app.blobs(), batch, &plan.records).await.map_err(|error| StoreError::Unknown(error.to_string()))?;
    app.store().commit_usage(&plan.batch).await
}

/// Whether a verdict rests on what another request may have changed since it was read.
fn is_refused_by_state(verdict: &Verdict) -> bool {
    match verdict {
        Verdict::Accepted(_) | Verdict::Duplicate => false,
        Verdict::Rejected(_) => true,
    }
}

fn allowed_still(heads: &Heads, own: &BTreeSet<AccountId>, may: MaySend<'_>) -> Result<(), StoreError> {
    for id in own {
        let head = heads.get(&LedgerId::Account(id.clone())).ok_or(Denied::Absent)?;
        may(id, &head.lineage)?;
    }
    Ok(())
}

/// The accounts' ledgers that a group reads and may write: its own, and everything above them but the operator.
fn ledgers_of<'a>(lineages: impl IntoIterator<Item = &'a Lineage>, own: &BTreeSet<AccountId>) -> BTreeSet<LedgerId> {
    let above = lineages.into_iter().flat_map(|lineage| lineage.ids().skip(1));
    above.chain(own).cloned().map(LedgerId::Account).collect()
}

/// What a plan stands on, read.
pub(crate) struct Loaded {
    heads: Heads,
    states: BTreeMap<AccountId, Arc<tributary_domain::pricing::state::UsageState>>,
    books: BTreeMap<AccountId, Arc<tributary_domain::pricing::book::PricingBook>>,
    marks: BTreeMap<AccountId, MarkIndex>,
}

impl Loaded {
    pub(crate) async fn load(app: &App, mut heads: Heads, own: &BTreeSet<AccountId>) -> Result<Self, StoreError> {
        let store = app.store();
        let states = store.usage_states(heads.values()).await?;
        let operator = heads.values().find_map(|head| head.lineage.ids().next());
        let books = store.books(heads.keys().filter_map(LedgerId::account).chain(operator)).await?;
        let since = marks_since(app.now());
        let mut marks = BTreeMap::new();
        for id in own {
            let head = heads.get(&LedgerId::Account(id.clone())).ok_or(Denied::Absent)?;
            marks.insert(id.clone(), store.marks(head, since).await?);
        }
        // Which of the striped ledgers takes what is used up follows from the first account.
        if let Some(first) = own.first().and_then(|id| heads.get(&LedgerId::Account(id.clone()))) {
            let system = LedgerId::system(Book::Consumed, first.currency, own.first().ok_or(Denied::Absent)?);
            let found = store.usage_heads(&[system].into(), false, false).await?;
            heads.extend(found);
        }
        Ok(Self { heads, states, books, marks })
    }

    pub(crate) fn ground(&self, now: Timestamp) -> Ground<'_> {
        Ground { heads: &self.heads, states: &self.states, books: &self.books, marks: &self.marks, now }
    }

    /// Gives the marks back for the next request.
    pub(crate) fn keep(self, app: &App) {
        for (id, index) in self.marks {
            app.store().keep_marks(&LedgerId::Account(id), index);
        }
    }

    fn keep_with(mut self, app: &App, plan: &Plan) {
        for write in &plan.batch.writes {
            let after = &write.entry.after;
            if let Some(index) = after.ledger.account().and_then(|id| self.marks.get_mut(id)) {
                index.learn(after.seq, write.marks.iter().copied());
            }
        }
        self.keep(app);
    }
}

/// From when on marks are looked at: an event that came before is too old to come again.
fn marks_since(now: Timestamp) -> Timestamp {
    now.checked_sub(SignedDuration::from_hours(24 * (MAX_LATE_DAYS + 1))).unwrap_or(Timestamp::MIN)
}

/// An event with its mark.
fn marked(secrets: &Secrets, event: &NewEvent) -> Marked {
    Marked { mark: mark_of(secrets, event), event: event.clone() }
}

/// The mark of an event: its id within its account, and its content.
pub fn mark_of(secrets: &Secrets, event: &NewEvent) -> Mark {
    let content = secrets.mac(format!("{} {} {} {:?}", event.meter, event.quantity, event.occurred_at, event.properties).as_bytes());
    Mark { id: id_mark(secrets, &event.account_id, &event.id), content: [content[0], content[1]] }
}

/// The part of a mark that names an event.
pub fn id_mark(secrets: &Secrets, account: &AccountId, id: &str) -> [u8; 10] {
    ten(secrets.mac(format!("event\n{account}\n{id}").as_bytes()))
}

/// Names the `number`th adjustment of an event, from 1.
pub fn adjustment_mark(secrets: &Secrets, account: &AccountId, id: &str, number: u32) -> [u8; 10] {
    ten(secrets.mac(format!("adjustment\n{account}\n{id}\n{number}").as_bytes()))
}

/// The mark of a value that a `unique` meter counts once a month.
fn mark_of_value(secrets: &Secrets, account: &AccountId, meter: &Meter, month: Month, value: &str) -> Mark {
    let id = ten(secrets.mac(format!("value\n{account}\n{}\n{month}\n{value}", meter.key).as_bytes()));
    Mark { id, content: [0, 0] }
}

fn ten(mac: [u8; 32]) -> [u8; 10] {
    let [a, b, c, d, e, f, g, h, i, j, ..] = mac;
    [a, b, c, d, e, f, g, h, i, j]
}

/// Whether a rejection may be different the next time although nothing about the event changes.
pub fn is_retryable(rejection: &Rejection) -> bool {
    [Code::Busy, Code::OutcomeUnknown, Code::Internal].iter().any(|code| code.word() == rejection.code)
}

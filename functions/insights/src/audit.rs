//! `GET /reseller/insights/audit`: who did what to an account, or to all of a small subtree.

use std::collections::{BTreeMap, BTreeSet};

use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Map, Value};
#[cfg(feature = "openapi")]
use tributary_api::openapi::wire;
use tributary_api::params::Params;
use tributary_api::reply::PageView;
use tributary_api::{Call, Code, Problem, Reply};
use tributary_domain::event::{Audience, RecordKind};
use tributary_domain::id::{AccountId, EventId};
use tributary_store::principals::Named;
use tributary_store::rosters::Audited;

use crate::scene::{Scene, head_of, over};

/// The most accounts of a subtree whose records are shown together: each is a query.
const MOST_ACCOUNTS: usize = 200;
/// How many are asked at the same time.
const PARALLEL: usize = 16;
/// With a filter, so many pages of records are looked through for one page; a cursor goes on behind them.
const LOOKED_THROUGH: usize = 10;

/// Who did it.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = AuditActor))]
pub struct ActorView {
    /// `key` or `member`.
    pub kind: String,
    /// Its id.
    pub id: String,
    /// Its name, or a member's address; null if it is gone.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub name: Option<String>,
}

/// What was done.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = AuditRecord))]
pub struct AuditView {
    /// The record's id, which is the event's where it is told.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::EventId))]
    pub id: EventId,
    /// When.
    #[serde(serialize_with = "tributary_api::time::millis")]
    pub at: Timestamp,
    /// What was done, as a word.
    #[cfg_attr(feature = "openapi", schema(example = "account.suspended"))]
    pub kind: String,
    /// To which account.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::AccountId))]
    pub account_id: AccountId,
    /// Who did it; null for the platform itself, and for whoever stands above your account.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub actor: Option<ActorView>,
    /// In which request.
    pub request_id: String,
    /// What was done, in words.
    pub summary: String,
    /// More about it: what the event of that kind tells.
    #[cfg_attr(feature = "openapi", schema(value_type = Object))]
    pub data: Value,
}

/// What is looked for.
struct Filter {
    kind: Option<String>,
    actor: Option<String>,
}

impl Filter {
    fn takes(&self, record: &Audited) -> bool {
        let kind = |kind: &String| match kind.strip_suffix('*') {
            Some(family) => record.kind.starts_with(family),
            None => record.kind == *kind,
        };
        self.kind.as_ref().is_none_or(kind) && self.actor.as_ref().is_none_or(|actor| record.actor == *actor)
    }
}

/// The most bytes of a filter's word; none that there is comes near.
const MOST_WORD: usize = 100;

fn word(params: &mut Params, name: &str) -> Result<Option<String>, Problem> {
    match params.text(name) {
        Some(text) if text.len() > MOST_WORD => Err(Problem::field(format!("/query/{name}"), format!("is longer than {MOST_WORD} bytes"))),
        text => Ok(text),
    }
}

/// Lists audit records, newest first. With a rare filter a page may be short and still name a cursor.
///
/// # Errors
/// `not_found`, `forbidden`, `validation_failed`, `invalid_cursor`, `limit_reached` for a subtree of more than 200 accounts.
pub async fn list(call: Call) -> Result<Reply, Problem> {
    let mut params = call.params()?;
    let home = call.home()?.clone();
    let focus = params.parsed::<AccountId>("account_id")?.unwrap_or_else(|| home.clone());
    let subtree = params.flag("subtree")?;
    let filter = Filter { kind: word(&mut params, "kind")?, actor: word(&mut params, "actor")? };
    let (from, to) = (params.time("from")?, params.time("to")?);
    let (limit, scope, cursor) = (params.limit()?, call.cursor_scope()?, params.text("cursor"));
    params.done()?;
    let cursor: Option<EventId> = scope.open(&call.app, cursor)?;
    let head = head_of(&call, &focus).await?;
    let accounts = accounts(&call, &home, &focus, head, subtree).await?;
    let from = EventId::from_number(first_at(from.unwrap_or(Timestamp::UNIX_EPOCH)));
    let mut before = cursor.unwrap_or_else(|| EventId::from_number(to.map_or(u128::MAX, first_at)));
    let (mut rows, mut more) = (Vec::new(), true);
    for _ in 0..LOOKED_THROUGH {
        let (page, goes_on) = newest(&call, &accounts, &from, &before, limit).await?;
        more = goes_on;
        for record in page {
            if rows.len() == limit {
                more = true;
                break;
            }
            before = record.id.clone();
            if filter.takes(&record) && visible(&record, &home, &call)? {
                rows.push(record);
            }
        }
        if rows.len() == limit || !more {
            break;
        }
    }
    let names = names(&call, &home, &accounts, &rows).await?;
    hide_foreign(&call, &home, &mut rows).await?;
    let next_cursor = scope.seal(&call.app, more.then_some(&before))?;
    let data = rows.into_iter().map(|record| view(record, &names)).collect::<Vec<_>>();
    Reply::ok(&PageView { data, next_cursor })
}

/// The least id of a moment.
fn first_at(at: Timestamp) -> u128 {
    u128::try_from(at.as_millisecond().max(0)).unwrap_or(0) << 80
}

async fn accounts(
    call: &Call,
    home: &AccountId,
    focus: &AccountId,
    head: tributary_domain::ledger::Head,
    subtree: bool,
) -> Result<Vec<AccountId>, Problem> {
    if !subtree || head.kind == tributary_domain::account::Kind::Customer {
        return Ok(vec![focus.clone()]);
    }
    let scene = Scene::with(call, home.clone(), focus.clone(), head).await?;
    let mut accounts: Vec<AccountId> = scene.below().into_iter().map(|row| row.id()).collect();
    accounts.push(focus.clone());
    if accounts.len() > MOST_ACCOUNTS {
        let text = "The records of at most 200 accounts are shown together; ask for each account, or for a smaller subtree.";
        return Err(Problem::new(Code::LimitReached, text).with("limit", MOST_ACCOUNTS));
    }
    Ok(accounts)
}

/// The newest records before one, of several accounts together.
async fn newest(
    call: &Call,
    accounts: &[AccountId],
    from: &EventId,
    before: &EventId,
    limit: usize,
) -> Result<(Vec<Audited>, bool), Problem> {
    if before <= from {
        return Ok((Vec::new(), false));
    }
    let one = async |account: &AccountId| call.store().audited(account, from.clone(), before.clone(), limit).await;
    let found: Vec<(Vec<Audited>, bool)> = stream::iter(accounts.iter().map(one)).buffer_unordered(PARALLEL).try_collect().await?;
    let any_more = found.iter().any(|(_, more)| *more);
    let mut all: Vec<Audited> = found.into_iter().flat_map(|(records, _)| records).collect();
    all.sort_by(|one, other| other.id.cmp(&one.id));
    let more = any_more || all.len() > limit;
    // Behind these, an account of which more is to come may have newer ones than the rest.
    all.truncate(limit);
    Ok((all, more))
}

/// Whether the caller may see that there is such a record: what only a seller or the operator hears of is not an account's to see.
fn visible(record: &Audited, home: &AccountId, call: &Call) -> Result<bool, Problem> {
    let at_operator = call.caller()?.grants.home_is_operator;
    Ok(match record.kind.parse::<RecordKind>().map(RecordKind::audience) {
        Ok(Audience::Account | Audience::Person | Audience::Nobody) => true,
        Ok(Audience::Seller) => at_operator || record.account_id != *home,
        Ok(Audience::Operator) => at_operator,
        // A kind that this program does not know yet.
        Err(_) => at_operator,
    })
}

/// The names of who did it, of the caller's account and those whose records these are: whoever stands above has no name here.
async fn names(call: &Call, home: &AccountId, accounts: &[AccountId], rows: &[Audited]) -> Result<BTreeMap<String, Named>, Problem> {
    let actors: BTreeSet<&str> = rows.iter().map(|record| record.actor.as_str()).collect();
    let mut homes: BTreeSet<&AccountId> = accounts.iter().filter(|account| rows.iter().any(|row| row.account_id == **account)).collect();
    homes.insert(home);
    // Accounts between the caller's and the record's may have done it too.
    let between = between(call, home, &homes).await?;
    homes.extend(&between);
    Ok(call.store().named(&homes, &actors).await?)
}

async fn between(call: &Call, home: &AccountId, homes: &BTreeSet<&AccountId>) -> Result<Vec<AccountId>, Problem> {
    let ids: Vec<AccountId> = homes.iter().map(|id| (*id).clone()).collect();
    let may = over(call.caller()?);
    let mut found = BTreeSet::new();
    for account in call.store().accounts(&ids).await? {
        if may(&account.id, &account.lineage).is_ok() && account.id != *home {
            found.extend(account.lineage.below(home).iter().map(|step| step.id.clone()));
        }
    }
    Ok(found.into_iter().collect())
}

/// Takes the ids of accounts out of details that are not the caller's to see, such as the parent that its own account has or another was moved from: a
/// batch read of those that are named.
async fn hide_foreign(call: &Call, home: &AccountId, rows: &mut [Audited]) -> Result<(), Problem> {
    let mut named = BTreeSet::new();
    for record in &mut *rows {
        each_account(&mut record.detail, &mut |id, _| {
            named.insert(id.clone());
        });
    }
    let may = over(call.caller()?);
    let wanted: Vec<AccountId> = named.into_iter().filter(|id| id != home).collect();
    let mut seen = BTreeSet::from([home.clone()]);
    for account in call.store().accounts(&wanted).await? {
        if may(&account.id, &account.lineage).is_ok() {
            seen.insert(account.id);
        }
    }
    for record in rows {
        each_account(&mut record.detail, &mut |id, value| {
            if !seen.contains(id) {
                *value = Value::Null;
            }
        });
    }
    Ok(())
}

/// Every text of a document that is the id of an account.
fn each_account(value: &mut Value, take: &mut impl FnMut(&AccountId, &mut Value)) {
    match value {
        Value::String(text) => {
            if let Ok(id) = text.parse::<AccountId>() {
                take(&id, value);
            }
        }
        Value::Array(values) => values.iter_mut().for_each(|value| each_account(value, take)),
        Value::Object(members) => members.values_mut().for_each(|value| each_account(value, take)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn view(record: Audited, names: &BTreeMap<String, Named>) -> AuditView {
    let kind = record.kind.parse::<RecordKind>().ok();
    let told = kind.map(RecordKind::members).unwrap_or_default();
    let data: Map<String, Value> =
        told.iter().map(|name| ((*name).to_owned(), record.detail.get(*name).cloned().unwrap_or(Value::Null))).collect();
    let actor =
        names.get(&record.actor).map(|named| ActorView { kind: named.kind.to_owned(), id: record.actor.clone(), name: named.name.clone() });
    AuditView {
        id: record.id,
        at: record.at,
        summary: kind.map_or_else(|| record.kind.replace(['.', '_'], " "), |kind| kind.about().to_owned()),
        kind: record.kind,
        account_id: record.account_id,
        actor,
        request_id: record.request_id,
        data: Value::Object(data),
    }
}

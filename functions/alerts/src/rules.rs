//! `/reseller/alerts`: making, reading, changing and removing rules.

use std::collections::BTreeMap;

use tributary_api::reply::PageView;
use tributary_api::{Call, Problem, Reply};
use tributary_domain::alert::{Metric, Rule};
use tributary_domain::event::RecordKind;
use tributary_domain::id::{AccountId, AlertId};
use tributary_domain::rights::Right;
use tributary_store::accounts::Authority;
use tributary_store::alerts::of_id;
use tributary_store::error::StoreError;
use tributary_store::idempotency::Outcome;

use crate::views::{AlertNowView, AlertView, FiringView, RuleBody};

/// Of how many accounts it is shown that a rule fires.
const MOST_FIRING: usize = 100;

/// The account whose alerts a request reads, if the caller may.
///
/// # Errors
/// `not_found`, `forbidden`.
pub(crate) async fn owner(call: &Call, id: Option<AccountId>) -> Result<AccountId, Problem> {
    let home = call.home()?;
    let may = call.caller()?.over(Right::AlertsRead);
    let owner = call.store().account_for(&id.unwrap_or_else(|| home.clone()), Authority { home, may: &may }).await?;
    Ok(owner.id)
}

/// A rule of an account.
///
/// # Errors
/// `not_found`.
pub(crate) async fn rule(call: &Call, owner: &AccountId) -> Result<Rule, Problem> {
    let id: AlertId = call.id("id")?;
    let mut rules = call.store().alerts(owner).await?;
    Ok(of_id(&mut rules, &id)?.clone())
}

/// Refuses what would tell its caller what others pay each other: a rule's money is that of the level of its account, so whoever stands above it
/// sets none on what it is paid, and one on what it pays only where that is paid to the caller.
async fn own_level(call: &Call, rule: &Rule) -> Result<(), Problem> {
    let home = call.home()?;
    if rule.account_id == *home {
        return Ok(());
    }
    match (rule.metric, rule.subtree) {
        (Metric::Loss, _) => Err(Problem::field("/account_id", "loss is watched from your own account, with `subtree` of those below it")),
        (Metric::Spend, true) => Err(Problem::field("/account_id", "spend with `subtree` is watched from your own account")),
        (Metric::Spend, false) => {
            let may = call.caller()?.over(Right::AlertsManage);
            let watched = call.store().account_for(&rule.account_id, Authority { home, may: &may }).await?;
            match watched.lineage.parent() == Some(home) {
                true => Ok(()),
                false => Err(Problem::field("/account_id", "spend is watched of your own account and of those right below it")),
            }
        }
        (Metric::Balance | Metric::Usage | Metric::TimeToEmpty, _) => Ok(()),
    }
}

/// Makes a rule.
///
/// # Errors
/// `validation_failed`, `limit_reached`, `account_closed`, `idempotency_key_reused`, `not_found`, `forbidden`.
pub async fn create(call: Call) -> Result<Reply, Problem> {
    let (caller, home) = (call.caller()?, call.home()?);
    let scope = call.scope()?;
    let body: RuleBody = call.body()?;
    let owner = body.account_id.clone().unwrap_or_else(|| home.clone());
    let rule = body.rule(AlertId::from_uuid(call.app.uuid()), owner.clone(), call.app.now())?;
    own_level(&call, &rule).await?;
    let (may, act) = (caller.over(Right::AlertsManage), call.act()?);
    let made = call.store().edit_alerts(&owner, Authority { home, may: &may }, &act, scope.as_ref(), |rules, _| {
        rules.push(rule.clone());
        Ok((rule.clone(), RecordKind::AlertCreated, rule.id.clone()))
    });
    let made = made.await?;
    let replayed = matches!(made, Outcome::Replayed(_));
    let rule = made.into_inner();
    let of_another = if owner == *home { String::new() } else { format!("?account_id={owner}") };
    let location = format!("/reseller/alerts/{}{of_another}", rule.id);
    Ok(Reply::created(&AlertView::from(&rule))?.location(&location).etag(rule.version).replayed(replayed))
}

/// Lists an account's rules, the oldest first.
///
/// # Errors
/// `not_found`, `forbidden`, `invalid_cursor`.
pub async fn list(call: Call) -> Result<Reply, Problem> {
    let mut params = call.params()?;
    let id = params.parsed::<AccountId>("account_id")?;
    let (limit, scope, cursor) = (params.limit()?, call.cursor_scope()?, params.text("cursor"));
    params.done()?;
    let start: Option<AlertId> = scope.open(&call.app, cursor)?;
    let owner = owner(&call, id).await?;
    let mut rules = call.store().alerts(&owner).await?;
    rules.sort_by(|one, other| one.id.cmp(&other.id));
    rules.retain(|rule| start.as_ref().is_none_or(|start| rule.id > *start));
    let more = rules.len() > limit;
    rules.truncate(limit);
    let last = rules.last().map(|rule| &rule.id).filter(|_| more);
    let next_cursor = scope.seal(&call.app, last)?;
    Reply::ok(&PageView { data: rules.iter().map(AlertView::from).collect(), next_cursor })
}

/// Gets a rule, and of which accounts it fires.
///
/// # Errors
/// `not_found`, `forbidden`.
pub async fn get(call: Call) -> Result<Reply, Problem> {
    let mut params = call.params()?;
    let id = params.parsed("account_id")?;
    params.done()?;
    let rule = rule(&call, &owner(&call, id).await?).await?;
    let firing = call.store().alert_firing(&rule.id, MOST_FIRING).await?;
    let seen = seen(&call, firing.keys()).await?;
    let firing = firing.into_iter().filter(|(id, _)| seen.contains_key(id));
    let firing = firing.filter_map(|(account_id, standing)| {
        let firing = standing.firing?;
        Some(FiringView { account_id, since: firing.since, value: firing.value })
    });
    let view = AlertNowView { alert: AlertView::from(&rule), firing: firing.collect() };
    Ok(Reply::ok(&view)?.etag(rule.version))
}

/// Those of some accounts that the caller may see alerts of: what was denied below, or moved away, is left out.
pub(crate) async fn seen<'a>(call: &Call, ids: impl Iterator<Item = &'a AccountId>) -> Result<BTreeMap<AccountId, ()>, Problem> {
    let mut ids: Vec<AccountId> = ids.cloned().collect();
    ids.sort();
    ids.dedup();
    let may = call.caller()?.over(Right::AlertsRead);
    let accounts = call.store().accounts(&ids).await?;
    Ok(accounts.into_iter().filter(|account| may(&account.id, &account.lineage).is_ok()).map(|account| (account.id, ())).collect())
}

/// Changes a rule as a whole. One that was spent may fire again.
///
/// # Errors
/// `validation_failed`, `precondition_failed`, `account_closed`, `not_found`, `forbidden`.
pub async fn put(call: Call) -> Result<Reply, Problem> {
    let (id, expected): (AlertId, _) = (call.id("id")?, call.if_match()?);
    let body: RuleBody = call.body()?;
    let owner = body.account_id.clone().map_or_else(|| call.home().cloned(), Ok)?;
    let new = body.rule(id.clone(), owner.clone(), call.app.now())?;
    own_level(&call, &new).await?;
    let (may, act) = (call.caller()?.over(Right::AlertsManage), call.act()?);
    let authority = Authority { home: call.home()?, may: &may };
    let changed = call.store().edit_alerts(&owner, authority, &act, None, |rules, _| {
        let old = of_id(rules, &id)?;
        refuse_other(expected, old)?;
        *old = Rule { created_at: old.created_at, version: old.version + 1, ..new.clone() };
        Ok((old.clone(), RecordKind::AlertChanged, id.clone()))
    });
    let rule = changed.await?.into_inner();
    Ok(Reply::ok(&AlertView::from(&rule))?.etag(rule.version))
}

/// Removes a rule. What it told stays told.
///
/// # Errors
/// `precondition_failed`, `account_closed`, `not_found`, `forbidden`.
pub async fn delete(call: Call) -> Result<Reply, Problem> {
    let (id, expected): (AlertId, _) = (call.id("id")?, call.if_match()?);
    call.no_body()?;
    let mut params = call.params()?;
    let owner = params.parsed::<AccountId>("account_id")?.map_or_else(|| call.home().cloned(), Ok)?;
    params.done()?;
    let (may, act) = (call.caller()?.over(Right::AlertsManage), call.act()?);
    let authority = Authority { home: call.home()?, may: &may };
    let removed = call.store().edit_alerts(&owner, authority, &act, None, |rules, _| {
        let old = of_id(rules, &id)?.clone();
        refuse_other(expected, &old)?;
        rules.retain(|rule| rule.id != id);
        Ok((old, RecordKind::AlertRemoved, id.clone()))
    });
    let rule = removed.await?.into_inner();
    Ok(Reply::ok(&AlertView::from(&rule))?.etag(rule.version))
}

fn refuse_other(expected: Option<i64>, stored: &Rule) -> Result<(), StoreError> {
    match expected {
        Some(expected) if expected != stored.version => Err(StoreError::Stale(stored.version)),
        Some(_) | None => Ok(()),
    }
}

//! Brands: what an account shows its customers, its logo, its portal's slug and its own host.

pub mod host;
pub mod logo;
pub mod picture;
pub mod slug;
pub mod tokens;
pub mod view;

use serde_json::{Value as Json, json};
use tributary_api::{Call, Problem, Reply};
use tributary_domain::account::{Account, Kind};
use tributary_domain::brand::{Brand, Portal};
use tributary_domain::event::RecordKind;
use tributary_domain::id::AccountId;
use tributary_domain::rights::Right;
use tributary_store::accounts::Authority;
use tributary_store::brands::PortalEdit;
use tributary_store::error::StoreError;

use crate::brand::view::BrandView;

/// The account of the path, if the caller has the right there.
async fn seen(call: &Call, right: Right) -> Result<Account, Problem> {
    let (caller, home) = (call.caller()?, call.home()?);
    let may = caller.over(right);
    Ok(call.store().account_for(&call.id("id")?, Authority { home, may: &may }).await?)
}

/// Changes what `change` says of the account of the path, and answers the view. The version that `If-Match` names is held.
async fn changed(call: &Call, change: impl Fn(&Account) -> Result<Option<PortalEdit>, StoreError> + Send + Sync) -> Result<Reply, Problem> {
    let (caller, home) = (call.caller()?, call.home()?);
    let may = caller.over(Right::AccountsUpdate);
    let id: AccountId = call.id("id")?;
    let change = |path: &[Account]| path.last().map_or(Ok(None), &change);
    let done = call.store().change_portal(&id, call.if_match()?, Authority { home, may: &may }, &call.act()?, change).await;
    answer(call, &done.map_err(refusal)?)
}

/// Refuses what [`changed`] would refuse, and changes nothing.
async fn refuse(call: &Call, change: impl Fn(&Account) -> Result<Option<PortalEdit>, StoreError> + Send + Sync) -> Result<(), Problem> {
    let (caller, home) = (call.caller()?, call.home()?);
    let may = caller.over(Right::AccountsUpdate);
    let id: AccountId = call.id("id")?;
    let change = |path: &[Account]| path.last().map_or(Ok(None), &change);
    call.store().refuse_portal(&id, call.if_match()?, Authority { home, may: &may }, &call.act()?, change).await.map_err(refusal)
}

fn refusal(error: StoreError) -> Problem {
    match error {
        StoreError::BrandLocked(tokens) => Problem::locked(&tokens, ""),
        other => other.into(),
    }
}

fn answer(call: &Call, path: &[Account]) -> Result<Reply, Problem> {
    let view = BrandView::of(call, path)?;
    let version = view.version;
    Ok(Reply::ok(&view)?.etag(version))
}

fn brand(account: &Account) -> Brand {
    account.settings.brand.clone().unwrap_or_default()
}

/// An edit of the account's portal alone.
fn portal_edit(account: &Account, portal: Portal, kind: RecordKind, detail: Json) -> Option<PortalEdit> {
    (portal != account.portal).then(|| PortalEdit { brand: brand(account), portal, kind, detail })
}

fn what(changed: &str) -> Json {
    json!({ "changed": [changed] })
}

/// Customers sell to nobody: nobody would come to their portal.
fn sells(account: &Account) -> Result<(), StoreError> {
    match account.kind {
        Kind::Operator | Kind::Reseller => Ok(()),
        Kind::Customer => Err(StoreError::Conflict("a customer account has no portal of its own")),
    }
}

//! `GET /reseller/accounts/{id}/relationships`.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::Serialize;
#[cfg(feature = "openapi")]
use tributary_api::openapi::wire;
use tributary_api::{Call, Problem, Reply};
use tributary_domain::account::Account;
use tributary_domain::id::AccountId;
use tributary_domain::rights::Right;
use tributary_store::account_lists::{ListFilter, Sort};
use tributary_store::accounts::Authority;
use tributary_store::moves::Move;
use tributary_store::table::Position;

use crate::views::{AccountView, AccountsView};

/// Where an account stands.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Relationships {
    /// The account.
    pub account: AccountView,
    /// Its parent, if the caller may see it.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub parent: Option<AccountView>,
    /// Its ancestors from the caller's account down.
    pub ancestors: Vec<AccountView>,
    /// A page of its children.
    pub children: AccountsView,
    /// Everything below it, counted.
    pub subtree: SubtreeView,
    /// Its moves, oldest first.
    pub moves: Vec<MoveView>,
}

/// A move as its caller sees it.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = Move))]
pub struct MoveView {
    /// The parent before, if the caller may see it.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::AccountId>, required))]
    pub from_parent_id: Option<AccountId>,
    /// The parent after, if the caller may see it.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::AccountId>, required))]
    pub to_parent_id: Option<AccountId>,
    /// When.
    #[serde(serialize_with = "tributary_api::time::millis")]
    pub moved_at: Timestamp,
}

/// A subtree in numbers.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = SubtreeCount))]
pub struct SubtreeView {
    /// Accounts below.
    pub accounts: usize,
    /// Accounts by levels below the account.
    pub by_depth: Vec<DepthView>,
}

/// One level of a subtree.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = DepthCount))]
pub struct DepthView {
    /// Levels below the account: 1 for its children.
    pub depth: usize,
    /// Accounts there.
    pub accounts: usize,
}

/// Parent, ancestors, children and subtree in one answer.
///
/// # Errors
/// `not_found`, `forbidden`, `invalid_cursor`, `limit_reached` for a subtree too large to count.
pub async fn get(call: Call) -> Result<Reply, Problem> {
    let (caller, home) = (call.caller()?, call.home()?);
    let mut params = call.params()?;
    let (limit, scope, cursor) = (params.limit()?, call.cursor_scope()?, params.text("cursor"));
    params.done()?;
    let start: Option<Position> = scope.open(&call.app, cursor)?;
    let may = caller.over(Right::AccountsRead);
    let sees = |account: &Account| may(&account.id, &account.lineage).is_ok();
    let account = call.store().account_for(&call.id("id")?, Authority { home, may: &may }).await?;
    let ids: Vec<AccountId> = account.lineage.ids().cloned().collect();
    let mut ancestors = call.store().accounts(&ids).await?;
    ancestors.retain(|ancestor| sees(ancestor));
    let filter = ListFilter { status: None, kind: None, q: None, sort: Sort::Created, descending: false, limit };
    let (mut children, next) = call.store().children(&account.id, &filter, start).await?;
    children.retain(|child| sees(child));
    let below: Vec<Account> = call.store().whole_subtree(&account.id, &account.lineage).await?.into_iter().filter(|a| sees(a)).collect();
    let moves = call.store().moves(&account.id).await?;
    let mut shown = vec![account.clone()];
    shown.extend(children.iter().cloned());
    let stopped = call.store().stopped_ancestors(&shown).await?;
    let view = |account: &Account| AccountView::of(account, home, &stopped);
    let parent = account.lineage.parent().and_then(|id| ancestors.iter().find(|ancestor| &ancestor.id == id)).map(view);
    let data = children.iter().map(view).collect();
    Reply::ok(&Relationships {
        account: view(&account),
        parent,
        ancestors: ancestors.iter().map(view).collect(),
        children: AccountsView { data, next_cursor: scope.seal(&call.app, next.as_ref())? },
        subtree: counted(&account, &below),
        moves: shown_moves(&call, moves).await?,
    })
}

/// Moves, without the ids of parents that the caller may not see.
async fn shown_moves(call: &Call, moves: Vec<Move>) -> Result<Vec<MoveView>, Problem> {
    let may = call.caller()?.over(Right::AccountsRead);
    let ids: BTreeSet<AccountId> = moves.iter().flat_map(|one| [one.from_parent_id.clone(), one.to_parent_id.clone()]).collect();
    let ids: Vec<AccountId> = ids.into_iter().collect();
    let mut parents = call.store().accounts(&ids).await?;
    parents.retain(|parent| may(&parent.id, &parent.lineage).is_ok());
    let shown = |id: AccountId| parents.iter().any(|parent| parent.id == id).then_some(id);
    let view =
        |one: Move| MoveView { from_parent_id: shown(one.from_parent_id), to_parent_id: shown(one.to_parent_id), moved_at: one.moved_at };
    Ok(moves.into_iter().map(view).collect())
}

fn counted(account: &Account, below: &[Account]) -> SubtreeView {
    let mut levels: BTreeMap<usize, usize> = BTreeMap::new();
    for one in below {
        *levels.entry(one.lineage.depth().saturating_sub(account.lineage.depth())).or_default() += 1;
    }
    SubtreeView { accounts: below.len(), by_depth: levels.into_iter().map(|(depth, accounts)| DepthView { depth, accounts }).collect() }
}

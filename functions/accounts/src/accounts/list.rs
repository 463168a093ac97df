//! `GET /reseller/accounts`.

use serde::Deserialize;
use tributary_api::{Call, Problem, Reply};
use tributary_domain::account::{Account, Kind, Status};
use tributary_domain::id::AccountId;
use tributary_domain::rights::Right;
use tributary_domain::text::{SearchText, fold};
use tributary_store::account_lists::{ListFilter, Sort};
use tributary_store::accounts::Authority;
use tributary_store::table::Position;

use crate::views::{AccountView, AccountsView};

/// The order of a list; with `-`, highest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = AccountSort))]
pub enum SortBy {
    /// Oldest first (a subtree: parents before their children).
    #[serde(rename = "created_at")]
    Created,
    /// Newest first.
    #[serde(rename = "-created_at")]
    CreatedDescending,
    /// By name.
    #[serde(rename = "name")]
    Name,
    /// By name, highest first.
    #[serde(rename = "-name")]
    NameDescending,
}

impl SortBy {
    fn parts(self) -> (Sort, bool) {
        match self {
            SortBy::Created => (Sort::Created, false),
            SortBy::CreatedDescending => (Sort::Created, true),
            SortBy::Name => (Sort::Name, false),
            SortBy::NameDescending => (Sort::Name, true),
        }
    }
}

/// Lists children or a subtree. One read of the parent, one query, and one batch read of ancestors not on the page.
///
/// # Errors
/// `not_found`, `forbidden`, `validation_failed`, `invalid_cursor`, `limit_reached` for a subtree too large to sort by name.
pub async fn list(call: Call) -> Result<Reply, Problem> {
    let (caller, home) = (call.caller()?, call.home()?);
    let mut params = call.params()?;
    let parent = params.parsed::<AccountId>("parent_id")?.unwrap_or_else(|| home.clone());
    let subtree = params.flag("subtree")?;
    let (sort, descending) = params.word::<SortBy>("sort")?.unwrap_or(SortBy::Created).parts();
    let search = |text: String| SearchText::parse(&text).map_err(|error| Problem::field("/query/q", error.to_string()));
    let filter = ListFilter {
        status: params.word::<Status>("status")?,
        kind: params.word::<Kind>("kind")?,
        q: params.text("q").map(search).transpose()?.map(|q| fold(q.as_str())),
        sort,
        descending,
        limit: params.limit()?,
    };
    let (scope, cursor) = (call.cursor_scope()?, params.text("cursor"));
    params.done()?;
    let start: Option<Position> = scope.open(&call.app, cursor)?;
    let may = caller.over(Right::AccountsRead);
    let root = call.store().account_for(&parent, Authority { home, may: &may }).await?;
    let (accounts, next) = match subtree {
        true => call.store().subtree(&root.id, &root.lineage, &filter, start).await?,
        false => call.store().children(&root.id, &filter, start).await?,
    };
    // What was denied below is left out, as if it were not there.
    let seen: Vec<Account> = accounts.into_iter().filter(|account| may(&account.id, &account.lineage).is_ok()).collect();
    let stopped = call.store().stopped_ancestors(&seen).await?;
    let data = seen.iter().map(|account| AccountView::of(account, home, &stopped)).collect();
    Reply::ok(&AccountsView { data, next_cursor: scope.seal(&call.app, next.as_ref())? })
}

//! `GET /reseller/credits/history`.

use tributary_api::reply::PageView;
use tributary_api::{Call, Problem, Reply};
use tributary_domain::id::AccountId;
use tributary_domain::ledger::{EntryKind, LedgerId};
use tributary_store::history::HistoryFilter;

use crate::balance::visible_head;
use crate::views::EntryView;

/// An account's ledger, newest first: one read of the newest entry, one query.
///
/// # Errors
/// `not_found`, `forbidden`, `validation_failed`, `invalid_cursor`.
pub async fn get(call: Call) -> Result<Reply, Problem> {
    let home = call.home()?;
    let mut params = call.params()?;
    let id = params.parsed::<AccountId>("account_id")?.unwrap_or_else(|| home.clone());
    let (from, to) = (params.time("from")?, params.time("to")?);
    if let (Some(from), Some(to)) = (from, to)
        && from >= to
    {
        return Err(Problem::field("/query/to", "must be after from"));
    }
    let kind = params.text("kind").map(money_kind).transpose()?;
    let (limit, scope, cursor) = (params.limit()?, call.cursor_scope()?, params.text("cursor"));
    params.done()?;
    let below_seq: Option<i64> = scope.open(&call.app, cursor)?;
    visible_head(&call, &id).await?;
    let filter = HistoryFilter { from, to, kind, below_seq, limit };
    let page = call.store().history(&LedgerId::Account(id), &filter).await?;
    let data = page.entries.iter().map(EntryView::of).collect();
    Reply::ok(&PageView { data, next_cursor: scope.seal(&call.app, page.next_below_seq.as_ref())? })
}

fn money_kind(word: String) -> Result<EntryKind, Problem> {
    let words = || EntryKind::MONEY.iter().map(|kind| kind.word()).collect::<Vec<_>>().join(", ");
    let kind = EntryKind::MONEY.into_iter().find(|kind| kind.word() == word);
    kind.ok_or_else(|| Problem::field("/query/kind", format!("must be one of {}", words())))
}

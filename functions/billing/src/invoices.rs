//! `GET /reseller/invoices` and `GET /reseller/invoices/{id}`.

use jiff::{SignedDuration, Timestamp};
use tributary_api::reply::PageView;
use tributary_api::{Call, Problem, Reply};
use tributary_domain::account::Account;
use tributary_domain::billing::invoice::{Invoice, InvoiceState};
use tributary_domain::billing::profile::MAX_HOURS;
use tributary_domain::id::AccountId;
use tributary_domain::rights::Right;
use tributary_store::table::Position;

use crate::sight;
use crate::views::{InvoiceView, Side, SummaryView};

/// The most pages of the table looked through for one page of those that are asked for; its cursor goes on.
const MOST_PAGES: usize = 5;

/// Which invoices are asked for.
#[derive(Debug, Clone, Copy)]
struct Wanted {
    state: Option<InvoiceState>,
    from: Option<Timestamp>,
    to: Option<Timestamp>,
}

impl Wanted {
    fn takes(&self, invoice: &Invoice) -> bool {
        let end = invoice.period.end;
        let in_time = self.from.is_none_or(|from| end >= from) && self.to.is_none_or(|to| end < to);
        in_time && self.state.is_none_or(|state| state == invoice.state)
    }

    /// Whether all that is listed behind an invoice ended before what is asked for. They are listed by when their periods were closed, which
    /// late usage may have delayed.
    fn is_behind(&self, invoice: &Invoice) -> bool {
        let longest = SignedDuration::from_hours(i64::from(MAX_HOURS));
        self.from.is_some_and(|from| invoice.period.end.checked_add(longest).is_ok_and(|closed| closed < from))
    }
}

/// Lists invoices that an account was sent, or sent itself.
///
/// # Errors
/// `not_found`, `forbidden`, `validation_failed`, `invalid_cursor`.
pub async fn list(call: Call) -> Result<Reply, Problem> {
    let mut params = call.params()?;
    let id = params.parsed("account_id")?;
    let side = params.word("side")?.unwrap_or_default();
    let wanted = Wanted { state: params.word("state")?, from: params.time("from")?, to: params.time("to")? };
    let (limit, scope, cursor) = (params.limit()?, call.cursor_scope()?, params.text("cursor"));
    params.done()?;
    if wanted.from.zip(wanted.to).is_some_and(|(from, to)| from >= to) {
        return Err(Problem::field("/query/to", "must be after from"));
    }
    let mut start: Option<Position> = scope.open(&call.app, cursor)?;
    let account = sight::account(&call, id, Right::BillingRead).await?;
    let mut found = Vec::new();
    for _ in 0..MOST_PAGES {
        let (invoices, next) = page(&call, &account.id, side, start, limit - found.len()).await?;
        let ended = invoices.last().is_some_and(|last| wanted.is_behind(last));
        found.extend(invoices.into_iter().filter(|invoice| wanted.takes(invoice)));
        start = next.filter(|_| !ended);
        if start.is_none() || found.len() >= limit {
            break;
        }
    }
    let shown = seen(&call, &account, side, found).await?;
    let data = shown.iter().map(SummaryView::of).collect::<Result<_, _>>()?;
    Reply::ok(&PageView { data, next_cursor: scope.seal(&call.app, start.as_ref())? })
}

async fn page(
    call: &Call,
    account: &AccountId,
    side: Side,
    start: Option<Position>,
    limit: usize,
) -> Result<(Vec<Invoice>, Option<Position>), Problem> {
    let read = match side {
        Side::Bought => call.store().invoices(account, start, limit).await,
        Side::Sold => call.store().sold(account, start, limit).await,
    };
    Ok(read?)
}

/// Those that the caller may see.
async fn seen(call: &Call, account: &Account, side: Side, found: Vec<Invoice>) -> Result<Vec<Invoice>, Problem> {
    match side {
        Side::Bought => bought(call, account, found).await,
        Side::Sold => sold(call, account, found).await,
    }
}

/// Of what an account was sent: to itself all, to others what was sent by whom they see.
async fn bought(call: &Call, account: &Account, mut found: Vec<Invoice>) -> Result<Vec<Invoice>, Problem> {
    let sellers = sight::visible_sellers(call, account, found.iter().map(|invoice| invoice.seller_id.clone()).collect()).await?;
    found.retain(|invoice| sellers.contains(&invoice.seller_id));
    Ok(found)
}

/// Of what an account sent: all but what it sent to accounts below that the caller is denied.
async fn sold(call: &Call, account: &Account, mut found: Vec<Invoice>) -> Result<Vec<Invoice>, Problem> {
    let denied = sight::denied_buyers(call, &account.id, found.iter().map(|invoice| invoice.account_id.clone()).collect()).await?;
    found.retain(|invoice| !denied.contains(&invoice.account_id));
    Ok(found)
}

/// Gets an invoice.
///
/// # Errors
/// `not_found`, `forbidden`.
pub async fn get(call: Call) -> Result<Reply, Problem> {
    call.params()?.done()?;
    let seen = sight::invoice(&call, Right::BillingRead).await?;
    Ok(Reply::ok(&InvoiceView::of(&seen.invoice, seen.sells)?)?.etag(seen.invoice.version))
}

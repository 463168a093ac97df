//! What the handlers of prices share: whose book a request is about, the chain above it, and pages of what is in a book.

use std::collections::BTreeMap;

use serde::Serialize;
use serde::de::DeserializeOwned;
use tributary_api::reply::PageView;
use tributary_api::{Call, Code, Problem};
use tributary_domain::account::{Account, Kind};
use tributary_domain::id::AccountId;
use tributary_domain::money::Currency;
use tributary_domain::pricing::book::PricingBook;
use tributary_domain::pricing::chain::Chain;
use tributary_domain::pricing::meter::MeterKey;
use tributary_domain::pricing::resolve::ResolveError;
use tributary_domain::pricing::state::UsageState;
use tributary_domain::rights::Right;
use tributary_store::accounts::Authority;
use tributary_store::books::BookEdit;
use tributary_store::error::{Denied, StoreError};
use tributary_store::idempotency::{Outcome, Scope};

/// The account that a request names, or the caller's own, if the caller has the right there.
///
/// # Errors
/// `not_found`, `forbidden`.
pub async fn account(call: &Call, id: Option<AccountId>, right: Right) -> Result<Account, Problem> {
    let home = call.home()?;
    let may = call.caller()?.over(right);
    Ok(call.store().account_for(&id.unwrap_or_else(|| home.clone()), Authority { home, may: &may }).await?)
}

/// The same for one whose own prices are asked for or set: a customer sells nothing.
///
/// # Errors
/// `parent_is_customer`; as [`account`].
pub async fn seller(call: &Call, id: Option<AccountId>, right: Right) -> Result<Account, Problem> {
    let seller = account(call, id, right).await?;
    match seller.kind {
        Kind::Operator | Kind::Reseller => Ok(seller),
        Kind::Customer => Err(StoreError::ParentIsCustomer.into()),
    }
}

/// The one direct sub-account that a price of `seller` is for, if it names one.
///
/// # Errors
/// `not_a_buyer`; as [`account`].
pub async fn buyer(call: &Call, seller: &Account, id: Option<AccountId>, right: Right) -> Result<Option<Account>, Problem> {
    let Some(id) = id else { return Ok(None) };
    let buyer = account(call, Some(id), right).await?;
    match buyer.lineage.parent() == Some(&seller.id) {
        true => Ok(Some(buyer)),
        false => Err(not_a_buyer("/account_id", "must be a direct sub-account of the seller")),
    }
}

/// The account buys elsewhere.
pub fn not_a_buyer(pointer: &str, detail: &str) -> Problem {
    Problem { code: Code::NotABuyer, ..Problem::field(pointer, detail) }
}

/// The currency of a price: the one that is given, else the buyers'. Below the operator all accounts of a tree have one.
///
/// # Errors
/// `currency_mismatch`.
pub fn currency(given: Option<Currency>, seller: &Account, buyer: Option<&Account>) -> Result<Currency, Problem> {
    let given = given.unwrap_or_else(|| buyer.map_or(seller.currency, |buyer| buyer.currency));
    let of_buyers = match (buyer, seller.kind) {
        (Some(buyer), _) => buyer.currency,
        // A master reseller chooses its currency, so the operator has prices in all of them.
        (None, Kind::Operator) => given,
        (None, Kind::Reseller | Kind::Customer) => seller.currency,
    };
    if given == of_buyers {
        return Ok(given);
    }
    let detail = format!("is {given}, but the buyers keep {of_buyers}");
    let problem = Problem { code: Code::CurrencyMismatch, ..Problem::field("/currency", detail) };
    Err(problem.with("buyers_currency", of_buyers.code()))
}

/// Refuses a meter that neither the account nor one above it has.
///
/// # Errors
/// `unknown_meter`.
pub fn known(chain: &Chain, meter: &MeterKey) -> Result<(), Problem> {
    chain.meter(meter).map(|_| ()).ok_or_else(|| ResolveError::UnknownMeter(meter.clone()).into())
}

/// The totals of every account of a chain, as they are now: one read of each head, and one of all entries that hold totals.
///
/// # Errors
/// Store errors.
pub async fn states(call: &Call, chain: &Chain) -> Result<BTreeMap<AccountId, UsageState>, Problem> {
    let ids: Vec<AccountId> = chain.accounts().iter().map(|account| account.id.clone()).collect();
    let heads = call.store().heads_of(&ids).await?;
    let states = call.store().usage_states(heads.values()).await?;
    Ok(states.into_iter().map(|(id, state)| (id, UsageState::clone(&state))).collect())
}

/// Of rows with their positions, in order, the page after `start`.
///
/// # Errors
/// `internal_error` without randomness for the cursor.
pub fn page<P: Serialize + DeserializeOwned + Ord, T>(
    call: &Call,
    mut rows: Vec<(P, T)>,
    limit: usize,
    start: Option<P>,
) -> Result<PageView<T>, Problem> {
    rows.sort_by(|(one, _), (other, _)| one.cmp(other));
    rows.retain(|(position, _)| start.as_ref().is_none_or(|start| position > start));
    let more = rows.len() > limit;
    rows.truncate(limit);
    let last = rows.last().map(|(position, _)| position).filter(|_| more);
    let next_cursor = call.cursor_scope()?.seal(&call.app, last)?;
    Ok(PageView { data: rows.into_iter().map(|(_, row)| row).collect(), next_cursor })
}

/// The seller whose terms an account's book keeps, if the account still buys from it.
///
/// # Errors
/// As an absent account: it was moved meanwhile.
pub fn still_buys<'a>(account: &Account, seller: &'a AccountId) -> Result<&'a AccountId, StoreError> {
    if account.lineage.parent() == Some(seller) { Ok(seller) } else { Err(Denied::Absent.into()) }
}

/// Changes an account's book, with the right to manage prices held there until the commit.
///
/// # Errors
/// What `change` refuses; `precondition_failed`, `account_closed`, `limit_reached`, `not_found`, `forbidden`.
pub async fn edit<T: Serialize + DeserializeOwned + Clone>(
    call: &Call,
    account: &AccountId,
    expected: Option<i64>,
    scope: Option<&Scope>,
    change: impl FnMut(&mut PricingBook, &Account) -> Result<BookEdit<T>, StoreError>,
) -> Result<Outcome<T>, Problem> {
    let may = call.caller()?.over(Right::PricingManage);
    let authority = Authority { home: call.home()?, may: &may };
    Ok(call.store().edit_book(account, expected, authority, &call.act()?, scope, change).await?)
}

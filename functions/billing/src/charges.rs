//! `/reseller/billing/charges`: what waits for an account's next invoice.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
#[cfg(feature = "openapi")]
use tributary_api::openapi::wire;
use tributary_api::reply::PageView;
use tributary_api::{Call, Problem, Reply};
use tributary_domain::billing::charge::{Charge, ChargeKind};
use tributary_domain::id::{AccountId, ChargeId, TransferId};
use tributary_domain::money::{MAX_AMOUNT_UNITS, MICROS_PER_UNIT, Micros};
use tributary_domain::pricing::error::{PricingError, Reason};
use tributary_domain::rights::Right;
use tributary_domain::text::Reference;
use tributary_store::accounts::Authority;
use tributary_store::idempotency::Outcome;

use crate::sight;

/// A charge for an account's next invoice.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = CreateCharge))]
pub struct ChargeBody {
    /// Who is charged, by its parent.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::AccountId))]
    pub account_id: AccountId,
    /// How much; below zero it is taken off.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::ChargeAmount))]
    pub amount: Micros,
    /// What the line says.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Reference))]
    pub text: Reference,
    /// Tax is added to it.
    #[serde(default = "yes")]
    #[cfg_attr(feature = "openapi", schema(default = true))]
    pub taxable: bool,
}

fn yes() -> bool {
    true
}

/// What waits for an account's next invoice.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = Charge))]
pub struct ChargeView {
    /// Its id, and that of its line.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::ChargeId))]
    pub id: ChargeId,
    /// Who is charged.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::AccountId))]
    pub account_id: AccountId,
    /// By whom.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::AccountId))]
    pub seller_id: AccountId,
    /// What it is for.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::ChargeKind))]
    pub kind: ChargeKind,
    /// What the line says.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Reference))]
    pub text: Reference,
    /// How much; below zero it is taken off.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Credit))]
    pub amount: Micros,
    /// Tax is added to it.
    pub taxable: bool,
    /// How many purchases it adds up: more than one once a hundred wait.
    pub count: u32,
    /// The movement of credit of the newest purchase in it.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::TransferId>, required))]
    pub transfer_id: Option<TransferId>,
    /// When it came to be.
    #[serde(serialize_with = "tributary_api::time::millis")]
    pub created_at: Timestamp,
}

impl ChargeView {
    fn of(account_id: AccountId, charge: Charge) -> Self {
        Self {
            id: charge.id,
            account_id,
            seller_id: charge.seller_id,
            kind: charge.kind,
            text: charge.text,
            amount: charge.amount,
            taxable: charge.taxable,
            count: charge.count,
            transfer_id: charge.transfer_id,
            created_at: charge.at,
        }
    }
}

/// What waits, the oldest first. What an earlier seller is still owed shows to the account itself alone.
///
/// # Errors
/// `not_found`, `forbidden`, `invalid_cursor`.
pub async fn list(call: Call) -> Result<Reply, Problem> {
    let mut params = call.params()?;
    let id = params.parsed("account_id")?;
    let (limit, scope, cursor) = (params.limit()?, call.cursor_scope()?, params.text("cursor"));
    params.done()?;
    let start: Option<ChargeId> = scope.open(&call.app, cursor)?;
    let account = sight::account(&call, id, Right::BillingRead).await?;
    let home = call.home()?;
    let mut charges = call.store().billing(&account.id).await?.map(|billing| billing.charges).unwrap_or_default();
    charges.retain(|charge| account.id == *home || account.lineage.parent() == Some(&charge.seller_id));
    charges.sort_by(|one, other| one.id.cmp(&other.id));
    charges.retain(|charge| start.as_ref().is_none_or(|start| charge.id > *start));
    let more = charges.len() > limit;
    charges.truncate(limit);
    let next_cursor = scope.seal(&call.app, charges.last().map(|charge| &charge.id).filter(|_| more))?;
    Reply::ok(&PageView { data: charges.into_iter().map(|charge| ChargeView::of(account.id.clone(), charge)).collect(), next_cursor })
}

/// Puts a charge on the account's next invoice, from its parent.
///
/// # Errors
/// `validation_failed`, `limit_reached`, `account_closed`, `idempotency_key_missing`, `idempotency_key_reused`, `not_found`, `forbidden`.
pub async fn create(call: Call) -> Result<Reply, Problem> {
    let scope = call.required_scope()?;
    let body: ChargeBody = call.body()?;
    if body.amount.is_zero() {
        return Err(Problem::field("/amount", "must not be zero"));
    }
    if body.amount.get().unsigned_abs() > (MAX_AMOUNT_UNITS * MICROS_PER_UNIT).unsigned_abs() {
        return Err(Problem::field("/amount", format!("is too large; it may be at most {MAX_AMOUNT_UNITS}")));
    }
    let (caller, act) = (call.caller()?, call.act()?);
    let may = caller.from_above(Right::BillingManage);
    let authority = Authority { home: call.home()?, may: &may };
    let id = ChargeId::from_uuid(call.app.uuid());
    let made = call.store().add_charge(&body.account_id, authority, &act, &scope, |billing, account| {
        in_coins(body.amount, account.currency.minor())?;
        Ok(Charge {
            id: id.clone(),
            seller_id: billing.newest_seller().clone(),
            kind: ChargeKind::Adjustment,
            text: body.text.clone(),
            amount: body.amount,
            taxable: body.taxable,
            count: 1,
            transfer_id: None,
            at: act.now,
            created_by: Some(act.actor.to_string()),
        })
    });
    let made = made.await?;
    let replayed = matches!(made, Outcome::Replayed(_));
    let charge = made.into_inner();
    let location = format!("/reseller/billing/charges/{}?account_id={}", charge.id, body.account_id);
    Ok(Reply::created(&ChargeView::of(body.account_id, charge))?.location(&location).replayed(replayed))
}

/// A line is rounded to the currency's smallest coin, so a charge is in whole ones.
fn in_coins(amount: Micros, coin: Micros) -> Result<(), PricingError> {
    let whole = amount.get() % coin.get() == 0;
    if whole { Ok(()) } else { Err(PricingError::at("/amount", Reason::Shape("must be in whole coins of the account's currency"))) }
}

/// Takes back what the account's seller added, and that no invoice has yet.
///
/// # Errors
/// `conflict` for what was bought or carried forward, `account_closed`, `not_found`, `forbidden`.
pub async fn delete(call: Call) -> Result<Reply, Problem> {
    let id: ChargeId = call.id("id")?;
    call.no_body()?;
    let mut params = call.params()?;
    let account = params.parsed::<AccountId>("account_id")?;
    params.done()?;
    let account = account.ok_or_else(|| Problem::field("/query/account_id", "is required"))?;
    let (caller, act) = (call.caller()?, call.act()?);
    let may = caller.from_above(Right::BillingManage);
    let charge = call.store().remove_charge(&account, &id, Authority { home: call.home()?, may: &may }, &act).await?;
    Reply::ok(&ChargeView::of(account, charge))
}

//! Credit bought with a card, loose or by the package: charged first, then it comes from the parent.

use http::StatusCode;
use serde::Serialize;
#[cfg(feature = "openapi")]
use tributary_api::openapi::wire;
use tributary_api::{Call, Problem, Reply};
use tributary_billing::Desk;
use tributary_billing::card_credit::buy_for;
use tributary_domain::account::Status;
use tributary_domain::billing::payment::{DeclineKind, Payment, PaymentState, Purpose};
use tributary_domain::id::{AccountId, LotId, PackageId, PaymentId, TransferId};
use tributary_domain::money::{Currency, Micros};
use tributary_domain::rights::Right;
use tributary_runtime::secrets::digest;
use tributary_store::accounts::Authority;
use tributary_store::error::StoreError;
use tributary_store::idempotency::Scope;
use tributary_store::purchases::{Wanted, sold};

/// Credit that is bought with a card: the credit comes once the money is there.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = CardPurchase))]
pub struct CardPurchase {
    /// The payment; `GET /reseller/payments/{id}` says how it goes on.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::PaymentId))]
    pub payment_id: PaymentId,
    /// Who buys.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::AccountId))]
    pub account_id: AccountId,
    /// How much credit, the bonus of a package included.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Credit))]
    pub credits: Micros,
    /// The package; null of loose credit.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::PackageId>, required))]
    pub package_id: Option<PackageId>,
    /// How many of it; 1 for loose credit.
    pub quantity: u32,
    /// What the card is charged.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Credit))]
    pub price: Micros,
    /// The currency of the price.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Currency))]
    pub currency: Currency,
    /// Where the payment stands.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::PaymentState))]
    pub state: PaymentState,
    /// Why it was declined.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::DeclineKind>, required))]
    pub decline: Option<DeclineKind>,
    /// Where its payer confirms it, while it waits for that.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub action_url: Option<String>,
    /// The movement of credit, once it came; null for good if the seller had too little and the money goes back.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::TransferId>, required))]
    pub transfer_id: Option<TransferId>,
}

impl CardPurchase {
    fn of(payment: Payment) -> Self {
        let (package_id, quantity) = match &payment.purpose {
            Purpose::Package(bought) => (bought.package_id.clone(), bought.quantity),
            Purpose::Credit(_) | Purpose::Invoice(_) => (None, 1),
        };
        Self {
            payment_id: payment.id,
            account_id: payment.account_id,
            // What was sold was added up before it was charged for.
            credits: payment.purpose.credit().ok().flatten().unwrap_or_default(),
            package_id,
            quantity,
            price: payment.amount,
            currency: payment.currency,
            state: payment.state,
            decline: payment.decline,
            action_url: payment.action_url,
            transfer_id: payment.transfer_id,
        }
    }
}

/// What was bought: on account, or with a card.
#[cfg(feature = "openapi")]
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
#[serde(untagged)]
#[schema(as = PurchaseAnswer)]
pub enum PurchaseView {
    /// On account: the movement from the parent, with what was bought as `purchase`.
    OnAccount(crate::views::TransferView),
    /// With a card.
    WithCard(CardPurchase),
}

/// Buys packages or loose credits of the parent with the default card, at the parent's price: 202 while the outcome is not known.
///
/// # Errors
/// `package_unavailable`, `limit_reached` for a limited package, `conflict` without a card, of a seller that takes none, or a price that no card can be charged; `account_closed`,
/// `account_suspended`, `idempotency_key_reused`, `not_found`, `forbidden`.
pub async fn purchase(call: &Call, scope: &Scope, buyer: AccountId, wanted: &Wanted) -> Result<Reply, Problem> {
    let caller = call.caller()?;
    let may = caller.over(Right::CreditsPurchase);
    let account = call.store().account_for(&buyer, Authority { home: &caller.account_id, may: &may }).await?;
    if let Some(first) = call.store().payment_asked(scope).await? {
        return answer(first, true);
    }
    match account.status {
        Status::Active => {}
        Status::Suspended => return Err(StoreError::AccountState("suspended").into()),
        Status::Closed => return Err(StoreError::AccountState("closed").into()),
    }
    let seller = account.lineage.parent().ok_or(StoreError::Conflict("the operator's account has nobody to buy from"))?;
    let book = call.store().book(seller).await?;
    let bought = sold(&book, wanted, LotId::from_uuid(call.app.uuid()), call.app.now())?;
    let price = bought.price;
    let purpose = if bought.package_id.is_some() { Purpose::Package(Box::new(bought)) } else { Purpose::Credit(bought.credits) };
    let key = digest(format!("{} {} {}", scope.account, scope.route, scope.key).as_bytes());
    answer(buy_for(&Desk::for_call(call)?, &buyer, (purpose, price), &key, Some(scope)).await?, false)
}

fn answer(payment: Payment, replayed: bool) -> Result<Reply, Problem> {
    let status = if payment.state.is_open() { StatusCode::ACCEPTED } else { StatusCode::CREATED };
    let location = format!("/reseller/payments/{}", payment.id);
    Ok(Reply::json(status, &CardPurchase::of(payment))?.location(&location).replayed(replayed))
}

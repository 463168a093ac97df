//! `POST /reseller/credits/purchase`: credit from the parent, by the package or loose, on account or with a card.

use serde::Deserialize;
#[cfg(feature = "openapi")]
use tributary_api::openapi::wire;
use tributary_api::{Call, Problem, Reply};
use tributary_domain::id::{AccountId, LotId, PackageId, TransferId};
use tributary_domain::ledger::LedgerId;
use tributary_domain::money::Amount;
use tributary_domain::pricing::package::{MAX_QUANTITY, whole_credits};
use tributary_domain::rights::Right;
use tributary_domain::text::Reference;
use tributary_store::accounts::Authority;
use tributary_store::error::StoreError;
use tributary_store::idempotency::Outcome;
use tributary_store::purchases::{PurchaseRequest, Wanted};

use crate::by_card;
use crate::views::AnyTransferView;

/// The request to buy credit from the account's parent. Either `package_id` or `credits` is given.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = PurchaseCredits))]
pub struct Purchase {
    /// Who buys; your own account unless you name another of your subtree.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::AccountId>))]
    pub account_id: Option<AccountId>,
    /// The package.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::PackageId>))]
    pub package_id: Option<PackageId>,
    /// How many of the package: 1 to 100; one unless said otherwise.
    #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 100))]
    pub quantity: Option<u32>,
    /// How many loose credits: whole.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::WholeCredits>))]
    pub credits: Option<Amount>,
    /// From what it is paid. With `card` the default card is charged first, and the answer is the payment.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(value_type = wire::PurchaseWith, required = false))]
    pub pay_with: PayWith,
    /// A note.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::Reference>))]
    pub reference: Option<Reference>,
}

/// From what a purchase is paid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PayWith {
    /// On account: the price is on the next invoice.
    #[default]
    Credit,
    /// With the default card, at once.
    Card,
}

fn wanted(body: &Purchase) -> Result<Wanted, Problem> {
    match (&body.package_id, body.credits, body.quantity) {
        (Some(_), Some(_), _) => Err(Problem::field("/credits", "cannot be given with package_id: credits are loose ones")),
        (Some(package), None, quantity) => match quantity.unwrap_or(1) {
            quantity @ 1..=MAX_QUANTITY => Ok(Wanted::Package(package.clone(), quantity)),
            _ => Err(Problem::field("/quantity", format!("must be from 1 to {MAX_QUANTITY}"))),
        },
        (None, Some(_), Some(_)) => Err(Problem::field("/quantity", "is of packages; of loose credits only credits is given")),
        (None, Some(credits), None) => Ok(Wanted::Loose(whole_credits(credits.micros(), "/credits").map_err(StoreError::from)?)),
        (None, None, _) => Err(Problem::field("/package_id", "is required, or credits for loose ones")),
    }
}

/// Buys credit from the parent, at once and whole.
///
/// # Errors
/// `package_unavailable`, `seller_out_of_credit`, `limit_reached` for a limited package and for too many lots,
/// `account_suspended`, `account_closed`, `currency_mismatch`, `conflict` for the operator's account, `idempotency_key_reused`,
/// `not_found`, `forbidden`, `busy`, `outcome_unknown`.
pub async fn purchase(call: Call) -> Result<Reply, Problem> {
    let caller = call.caller()?;
    let scope = call.required_scope()?;
    let body: Purchase = call.body()?;
    let wanted = wanted(&body)?;
    if body.pay_with == PayWith::Card {
        if body.reference.is_some() {
            return Err(Problem::field("/reference", "cannot be given with pay_with card: the movement of credit names the payment"));
        }
        let buyer = body.account_id.unwrap_or_else(|| caller.account_id.clone());
        return by_card::purchase(&call, &scope, buyer, &wanted).await;
    }
    let asked = PurchaseRequest {
        id: TransferId::from_uuid(call.app.uuid()),
        lot: LotId::from_uuid(call.app.uuid()),
        wanted,
        buyer: body.account_id.unwrap_or_else(|| caller.account_id.clone()),
        reference: body.reference,
        now: call.app.now(),
    };
    let may = caller.over(Right::CreditsPurchase);
    let authority = Authority { home: &caller.account_id, may: &may };
    let outcome = call.store().purchase(&asked, &scope, &call.act()?.event, authority).await?;
    let replayed = matches!(outcome, Outcome::Replayed(_));
    let transfer = outcome.into_inner();
    let location = format!("/reseller/credits/transfers/{}", transfer.id);
    // What the parent has left is not the buyer's to know.
    let buyers = |ledger: &LedgerId| ledger.account() == Some(&asked.buyer);
    Ok(Reply::created(&AnyTransferView::seen(&transfer, &buyers))?.location(&location).replayed(replayed))
}

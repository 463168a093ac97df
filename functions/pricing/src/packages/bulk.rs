//! `PUT /reseller/pricing/bulk-discounts`: what loose credits cost.

use serde::{Deserialize, Serialize};
use serde_json::json;
#[cfg(feature = "openapi")]
use tributary_api::openapi::wire;
use tributary_api::{Call, Problem, Reply};
use tributary_domain::event::RecordKind;
use tributary_domain::id::AccountId;
use tributary_domain::money::Amount;
use tributary_domain::pricing::number::Percent;
use tributary_domain::pricing::package::{BulkBand, BulkTable};
use tributary_domain::rights::Right;
use tributary_store::books::BookEdit;
use tributary_store::error::StoreError;

use super::{BandView, bands};
use crate::shelf;

/// A band as it is set.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PutBand {
    /// From how many credits on; whole.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::WholeCredits))]
    pub from: Amount,
    /// Percent off, on all of them: 0 to 99.9999.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::ShareBelowAll))]
    pub discount: Percent,
}

/// The request to set what loose credits cost.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PutBulkDiscounts {
    /// All bands, at most 20; both `from` and `discount` rise. None: loose credits are sold at one unit each. Null: none are sold.
    #[cfg_attr(feature = "openapi", schema(max_items = 20))]
    pub bands: Option<Vec<PutBand>>,
    /// Who sells them; your own account unless you name another of your subtree.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::AccountId>))]
    pub seller_id: Option<AccountId>,
}

/// What loose credits cost.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = BulkDiscounts))]
pub struct BulkView {
    /// Who sells them.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::AccountId))]
    pub seller_id: AccountId,
    /// The bands; null: none are sold.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub bands: Option<Vec<BandView>>,
}

/// Sets all bulk discounts of a seller.
///
/// # Errors
/// `validation_failed` with the band's pointer, `precondition_failed`, `parent_is_customer`, `not_found`, `forbidden`.
pub async fn put(call: Call) -> Result<Reply, Problem> {
    let request: PutBulkDiscounts = call.body()?;
    let seller = shelf::seller(&call, request.seller_id, Right::PricingManage).await?;
    let table = request.bands.map(|bands| {
        let band = |PutBand { from, discount }: PutBand| BulkBand { from, discount };
        BulkTable { bands: bands.into_iter().map(band).collect() }
    });
    table.as_ref().map_or(Ok(()), BulkTable::validate).map_err(StoreError::from)?;
    let edited = shelf::edit(&call, &seller.id, call.if_match()?, None, |book, _| {
        book.bulk.clone_from(&table);
        Ok(BookEdit { answer: book.version + 1, kind: RecordKind::BulkDiscountsChanged, detail: json!({ "bands": table }) })
    });
    let version = edited.await?.into_inner();
    Ok(Reply::ok(&BulkView { bands: bands(table.as_ref()), seller_id: seller.id })?.etag(version))
}

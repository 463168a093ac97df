//! Meters: what is counted, for the accounts below their owner.

use serde::{Deserialize, Serialize};
use serde_json::json;
#[cfg(feature = "openapi")]
use tributary_api::openapi::wire;
use tributary_api::{Call, Problem, Reply};
use tributary_domain::event::RecordKind;
use tributary_domain::id::AccountId;
use tributary_domain::pricing::error::{PricingError, Reason};
use tributary_domain::pricing::meter::{Aggregation, Meter, MeterKey, PropertyName};
use tributary_domain::rights::Right;
use tributary_domain::text::Name;
use tributary_store::books::BookEdit;
use tributary_store::idempotency::Outcome;

use crate::shelf;

/// A meter as an account sees it.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = Meter))]
pub struct MeterView {
    /// Its key.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::MeterKey))]
    pub key: MeterKey,
    /// Its name.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Name))]
    pub name: Name,
    /// What one of it is called.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Name, example = "message"))]
    pub unit: Name,
    /// How events become a month's quantity.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Aggregation))]
    pub aggregation: Aggregation,
    /// The properties of its events that are kept for reports.
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<wire::PropertyName>))]
    pub dimensions: Vec<PropertyName>,
    /// The property whose different values a `unique` meter counts; null for others.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::PropertyName>, required))]
    pub unique_by: Option<PropertyName>,
    /// Whether it counts towards volume tiers.
    pub counts_to_tier: bool,
    /// It is of an account further up.
    pub inherited: bool,
}

impl MeterView {
    fn of(meter: &Meter, inherited: bool) -> Self {
        let Meter { key, name, unit, aggregation, dimensions, unique_by, counts_to_tier } = meter.clone();
        Self { key, name, unit, aggregation, dimensions, unique_by, counts_to_tier, inherited }
    }
}

/// The request to make a meter.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CreateMeter {
    /// Whose meter it is; the caller's own account unless said otherwise. The accounts below it use it.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::AccountId>))]
    pub account_id: Option<AccountId>,
    /// Its key: unique in the account and above it.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::MeterKey))]
    pub key: MeterKey,
    /// Its name.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Name))]
    pub name: Name,
    /// What one of it is called.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Name, example = "message"))]
    pub unit: Name,
    /// How events become a month's quantity; never changes.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Aggregation))]
    pub aggregation: Aggregation,
    /// Up to 5 properties of its events that are kept for reports.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<wire::PropertyName>, max_items = 5, required = false))]
    pub dimensions: Vec<PropertyName>,
    /// Of a `unique` meter, and of no other: the dimension whose different values are counted; never changes.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::PropertyName>))]
    pub unique_by: Option<PropertyName>,
    /// Whether it counts towards volume tiers; it does unless said otherwise.
    pub counts_to_tier: Option<bool>,
}

/// The request to change a meter: what is not named stays.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct UpdateMeter {
    /// Whose meter it is; the caller's own account unless said otherwise.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::AccountId>))]
    pub account_id: Option<AccountId>,
    /// New name.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::Name>))]
    pub name: Option<Name>,
    /// What one of it is called from now on.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::Name>))]
    pub unit: Option<Name>,
    /// New properties that are kept, all of them.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Vec<wire::PropertyName>>, max_items = 5))]
    pub dimensions: Option<Vec<PropertyName>>,
    /// Whether it counts towards volume tiers from now on.
    pub counts_to_tier: Option<bool>,
}

/// Makes a meter.
///
/// # Errors
/// `already_exists`, `limit_reached`, `parent_is_customer`, `account_closed`, `validation_failed`, `not_found`, `forbidden`.
pub async fn create(call: Call) -> Result<Reply, Problem> {
    let scope = call.scope()?;
    let request: CreateMeter = call.body()?;
    let owner = shelf::seller(&call, request.account_id, Right::PricingManage).await?;
    let chain = call.store().chain(&owner).await?;
    let CreateMeter { key, name, unit, aggregation, dimensions, unique_by, counts_to_tier, .. } = request;
    let meter = Meter { key, name, unit, aggregation, dimensions, unique_by, counts_to_tier: counts_to_tier.unwrap_or(true) };
    let above = || chain.accounts().iter().skip(1).map(|account| (&account.id, &*account.book));
    let made = shelf::edit(&call, &owner.id, None, scope.as_ref(), |book, _| {
        book.add_meter(meter.clone(), above())?;
        Ok(BookEdit { answer: meter.clone(), kind: RecordKind::MeterCreated, detail: json!({ "meter": meter }) })
    })
    .await?;
    let replayed = matches!(made, Outcome::Replayed(_));
    let view = MeterView::of(&made.into_inner(), false);
    Ok(Reply::created(&view)?.location(&format!("/reseller/pricing/meters?account_id={}", owner.id)).replayed(replayed))
}

/// Lists the meters that an account and those below it can use: its own and those from above.
///
/// # Errors
/// `not_found`, `forbidden`, `invalid_cursor`.
pub async fn list(call: Call) -> Result<Reply, Problem> {
    let mut params = call.params()?;
    let id = params.parsed::<AccountId>("account_id")?;
    let (limit, cursor) = (params.limit()?, params.text("cursor"));
    params.done()?;
    let start: Option<MeterKey> = call.cursor_scope()?.open(&call.app, cursor)?;
    let account = shelf::account(&call, id, Right::PricingRead).await?;
    let chain = call.store().chain(&account).await?;
    let mut rows: Vec<(MeterKey, MeterView)> = Vec::new();
    for (at, owner) in chain.accounts().iter().enumerate() {
        // Of two with one key the nearest counts.
        let nearest = |meter: &&Meter| chain.meter(&meter.key).is_some_and(|(_, owner)| owner == at);
        rows.extend(owner.book.meters.iter().filter(nearest).map(|meter| (meter.key.clone(), MeterView::of(meter, at > 0))));
    }
    let version = chain.account().book.version;
    Ok(Reply::ok(&shelf::page(&call, rows, limit, start)?)?.etag(version))
}

/// Changes a meter's name, unit, dimensions, or whether it counts to tiers.
///
/// # Errors
/// `precondition_failed`, `validation_failed`, `account_closed`, `not_found`, `forbidden`.
pub async fn update(call: Call) -> Result<Reply, Problem> {
    let request: UpdateMeter = call.body()?;
    let owner = shelf::account(&call, request.account_id.clone(), Right::PricingManage).await?;
    let key: MeterKey = call.id("key")?;
    if matches!(&request, UpdateMeter { name: None, unit: None, dimensions: None, counts_to_tier: None, .. }) {
        return Err(Problem::field("", "names nothing to change: name, unit, dimensions or counts_to_tier"));
    }
    let edited = shelf::edit(&call, &owner.id, call.if_match()?, None, |book, _| {
        let mut meter = book.meter(&key).cloned().ok_or_else(|| PricingError::at("", Reason::NotFound))?;
        meter.name = request.name.clone().unwrap_or(meter.name);
        meter.unit = request.unit.clone().unwrap_or(meter.unit);
        meter.dimensions = request.dimensions.clone().unwrap_or(meter.dimensions);
        meter.counts_to_tier = request.counts_to_tier.unwrap_or(meter.counts_to_tier);
        book.change_meter(meter.clone())?;
        let detail = json!({ "meter": meter });
        Ok(BookEdit { answer: (meter, book.version + 1), kind: RecordKind::MeterChanged, detail })
    });
    let (meter, version) = edited.await?.into_inner();
    Ok(Reply::ok(&MeterView::of(&meter, false))?.etag(version))
}

//! What the document says of price models, which the domain reads and writes itself.

#[cfg(feature = "openapi")]
use tributary_api::openapi::wire;
#[cfg(feature = "openapi")]
use utoipa::ToSchema;

/// The kinds of price models.
#[cfg(feature = "openapi")]
#[derive(Debug, Clone, ToSchema)]
#[schema(rename_all = "snake_case")]
pub enum PriceModelType {
    /// Every unit costs the same: `unit_price`.
    Flat,
    /// Each unit costs what its band says: `bands`.
    Graduated,
    /// All units cost what the band says that the month's quantity falls in: `bands`.
    Volume,
    /// Units are sold in packages, a begun one whole: `size`, `price`.
    Package,
    /// As another model, but at least so much in a month with usage: `minimum`, `model`.
    Minimum,
}

/// How a month's quantity is priced. Which members stand beside `type` depends on it: `flat` has `unit_price`, `graduated` and
/// `volume` have `bands`, `package` has `size` and `price`, `minimum` has `minimum` and `model`, which is another kind.
#[cfg(feature = "openapi")]
#[derive(Debug, Clone, ToSchema)]
#[schema(example = json!({ "type": "graduated", "bands": [
    { "from": "0", "to": "1000", "unit_price": "0.05" },
    { "from": "1000", "to": null, "unit_price": "0.04" },
] }))]
pub struct PriceModel {
    /// Its kind.
    #[schema(rename = "type")]
    pub kind: PriceModelType,
    /// The price of one unit, from 0.
    #[schema(value_type = Option<wire::UnitPrice>)]
    pub unit_price: Option<()>,
    /// 1 to 50 bands: the first from 0, each from where the one before ends, the last without an end.
    #[schema(min_items = 1, max_items = 50)]
    pub bands: Option<Vec<PriceBand>>,
    /// Units in one package, above 0.
    #[schema(value_type = Option<wire::Quantity>)]
    pub size: Option<()>,
    /// The price of one package.
    #[schema(value_type = Option<wire::Allowance>)]
    pub price: Option<()>,
    /// The least in a month with usage.
    #[schema(value_type = Option<wire::Allowance>)]
    pub minimum: Option<()>,
    /// What is priced at least at the minimum.
    #[schema(no_recursion)]
    pub model: Option<Box<PriceModel>>,
}

/// A band: quantities above `from`, up to `to`.
#[cfg(feature = "openapi")]
#[derive(Debug, Clone, ToSchema)]
pub struct PriceBand {
    /// Where it begins.
    #[schema(value_type = wire::Quantity)]
    pub from: (),
    /// Where it ends; null for the last.
    #[schema(value_type = Option<wire::Quantity>)]
    pub to: Option<()>,
    /// The price of one unit in it, from 0.
    #[schema(value_type = wire::UnitPrice)]
    pub unit_price: (),
    /// What is added once when the month enters it; nothing unless said otherwise.
    #[schema(value_type = wire::Allowance, required = false)]
    pub flat_fee: (),
}

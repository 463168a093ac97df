//! What the document says of price models, which the domain reads and writes itself.

#[cfg(feature = "openapi")]
use tributary_api::openapi::wire;
#[cfg(feature = "openapi")]
use utoipa::ToSchema;

/// How a month's quantity is priced.
#[cfg(feature = "openapi")]
#[derive(Debug, Clone, ToSchema)]
#[schema(
    discriminator(property_name = "type", mapping(
        ("flat" = "#/components/schemas/FlatPrice"), ("graduated" = "#/components/schemas/GraduatedPrice"),
        ("volume" = "#/components/schemas/VolumePrice"), ("package" = "#/components/schemas/PackagePrice"),
        ("minimum" = "#/components/schemas/MinimumPrice"),
    )),
    example = json!({ "type": "graduated", "bands": [
        { "from": "0", "to": "1000", "unit_price": "0.05" },
        { "from": "1000", "to": null, "unit_price": "0.04" },
    ] })
)]
#[serde(untagged)]
pub enum PriceModel {
    /// Every unit costs the same.
    Flat(FlatPrice),
    /// Each unit costs what its band says.
    Graduated(GraduatedPrice),
    /// All units cost what the band says that the month's quantity falls in.
    Volume(VolumePrice),
    /// Units are sold in packages.
    Package(PackagePrice),
    /// At least so much in a month with usage.
    Minimum(MinimumPrice),
}

/// A model that has no minimum.
#[cfg(feature = "openapi")]
#[derive(Debug, Clone, ToSchema)]
#[serde(untagged)]
#[schema(discriminator(property_name = "type", mapping(
    ("flat" = "#/components/schemas/FlatPrice"), ("graduated" = "#/components/schemas/GraduatedPrice"),
    ("volume" = "#/components/schemas/VolumePrice"), ("package" = "#/components/schemas/PackagePrice"),
)))]
pub enum PlainPriceModel {
    /// Every unit costs the same.
    Flat(FlatPrice),
    /// Each unit costs what its band says.
    Graduated(GraduatedPrice),
    /// All units cost what the band says that the month's quantity falls in.
    Volume(VolumePrice),
    /// Units are sold in packages.
    Package(PackagePrice),
}

/// Every unit costs the same.
#[cfg(feature = "openapi")]
#[derive(Debug, Clone, ToSchema)]
pub struct FlatPrice {
    /// The kind.
    #[schema(rename = "type", value_type = wire::FlatPriceType)]
    pub kind: (),
    /// The price of one unit.
    #[schema(value_type = wire::PlainUnitPrice)]
    pub unit_price: (),
}

/// Each unit costs what its band says; the flat fees of all bands entered are added.
#[cfg(feature = "openapi")]
#[derive(Debug, Clone, ToSchema)]
pub struct GraduatedPrice {
    /// The kind.
    #[schema(rename = "type", value_type = wire::GraduatedPriceType)]
    pub kind: (),
    /// 1 to 50 bands: the first from 0, each from where the one before ends, the last without an end.
    #[schema(min_items = 1, max_items = 50)]
    pub bands: Vec<PriceBand>,
}

/// All units cost what the band says that the month's quantity falls in; its flat fee is added.
#[cfg(feature = "openapi")]
#[derive(Debug, Clone, ToSchema)]
pub struct VolumePrice {
    /// The kind.
    #[schema(rename = "type", value_type = wire::VolumePriceType)]
    pub kind: (),
    /// 1 to 50 bands: the first from 0, each from where the one before ends, the last without an end.
    #[schema(min_items = 1, max_items = 50)]
    pub bands: Vec<PriceBand>,
}

/// Units are sold in packages, a begun one whole.
#[cfg(feature = "openapi")]
#[derive(Debug, Clone, ToSchema)]
pub struct PackagePrice {
    /// The kind.
    #[schema(rename = "type", value_type = wire::PackagePriceType)]
    pub kind: (),
    /// Units in one package.
    #[schema(value_type = wire::PositiveQuantity)]
    pub size: (),
    /// The price of one package.
    #[schema(value_type = wire::Allowance)]
    pub price: (),
}

/// As another model, but at least so much in a month with usage.
#[cfg(feature = "openapi")]
#[derive(Debug, Clone, ToSchema)]
pub struct MinimumPrice {
    /// The kind.
    #[schema(rename = "type", value_type = wire::MinimumPriceType)]
    pub kind: (),
    /// The least in a month with usage.
    #[schema(value_type = wire::Allowance)]
    pub minimum: (),
    /// What is priced at least at the minimum.
    pub model: PlainPriceModel,
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
    /// The price of one unit in it.
    #[schema(value_type = wire::PlainUnitPrice)]
    pub unit_price: (),
    /// What is added once when the month enters it; nothing unless said otherwise.
    #[schema(value_type = wire::Allowance, required = false)]
    pub flat_fee: (),
}

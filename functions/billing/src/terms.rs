//! What settings and profiles share: addresses, fees, rates of tax.

use serde::{Deserialize, Serialize};
#[cfg(feature = "openapi")]
use tributary_api::openapi::wire;
use tributary_domain::billing::profile::{Address, AddressLine, AppliesTo, Fee, Per};
use tributary_domain::billing::tax::{Country, TagIs, TaxRate};
use tributary_domain::id::AccountId;
use tributary_domain::money::Micros;
use tributary_domain::pricing::meter::BillingKey;
use tributary_domain::pricing::number::Percent;
use tributary_domain::text::{Name, TagName, TagValue};

/// A postal address.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = BillingAddress))]
pub struct AddressView {
    /// Street and number, or what stands for them.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::AddressLine))]
    pub line1: AddressLine,
    /// More of it.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::AddressLine>))]
    pub line2: Option<AddressLine>,
    /// The town.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::AddressLine))]
    pub city: AddressLine,
    /// The state, province or canton.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::AddressLine>))]
    pub region: Option<AddressLine>,
    /// The postal code.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::AddressLine>))]
    pub postal_code: Option<AddressLine>,
    /// The country.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Country))]
    pub country: Country,
}

impl From<AddressView> for Address {
    fn from(AddressView { line1, line2, city, region, postal_code, country }: AddressView) -> Self {
        Self { line1, line2, city, region, postal_code, country }
    }
}

impl From<Address> for AddressView {
    fn from(Address { line1, line2, city, region, postal_code, country }: Address) -> Self {
        Self { line1, line2, city, region, postal_code, country }
    }
}

/// A tag that an account must have.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = HasTag))]
pub struct TagView {
    /// Its name.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::TagName))]
    pub name: TagName,
    /// Its value; any if none is named.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::TagValue>))]
    pub value: Option<TagValue>,
}

impl From<TagView> for TagIs {
    fn from(TagView { name, value }: TagView) -> Self {
        Self { name, value }
    }
}

impl From<TagIs> for TagView {
    fn from(TagIs { name, value }: TagIs) -> Self {
        Self { name, value }
    }
}

/// A fee that recurs, for all sub-accounts, for one, or for those with a tag.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = BillingFee))]
pub struct FeeView {
    /// Its key, unique in its list.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::BillingKey))]
    pub id: BillingKey,
    /// What the invoice says.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Name))]
    pub name: Name,
    /// How much a period.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Amount))]
    pub amount: Micros,
    /// Over what.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(value_type = wire::FeePer, required = false))]
    pub per: Per,
    /// A part of a period costs a part of it; else it costs all of it, once.
    #[serde(default)]
    pub prorate: bool,
    /// Only this direct sub-account pays it.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::AccountId>))]
    pub account_id: Option<AccountId>,
    /// Only sub-accounts with this tag pay it. Not with `account_id`.
    pub tag: Option<TagView>,
}

/// A fee of one account.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = OwnFee))]
pub struct OwnFeeView {
    /// Its key, unique in its list.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::BillingKey))]
    pub id: BillingKey,
    /// What the invoice says.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Name))]
    pub name: Name,
    /// How much a period.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Amount))]
    pub amount: Micros,
    /// Over what.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(value_type = wire::FeePer, required = false))]
    pub per: Per,
    /// A part of a period costs a part of it; else it costs all of it, once.
    #[serde(default)]
    pub prorate: bool,
}

impl From<FeeView> for Fee {
    fn from(FeeView { id, name, amount, per, prorate, account_id, tag }: FeeView) -> Self {
        let applies_to = match (account_id, tag) {
            (Some(account), _) => AppliesTo::Account(account),
            (None, Some(tag)) => AppliesTo::Tag(tag.into()),
            (None, None) => AppliesTo::All,
        };
        Self { id, name, amount, per, prorate, applies_to }
    }
}

impl From<Fee> for FeeView {
    fn from(fee: Fee) -> Self {
        let (account_id, tag) = match fee.applies_to {
            AppliesTo::All => (None, None),
            AppliesTo::Tag(tag) => (None, Some(tag.into())),
            AppliesTo::Account(account) => (Some(account), None),
        };
        Self { id: fee.id, name: fee.name, amount: fee.amount, per: fee.per, prorate: fee.prorate, account_id, tag }
    }
}

impl From<OwnFeeView> for Fee {
    fn from(OwnFeeView { id, name, amount, per, prorate }: OwnFeeView) -> Self {
        Self { id, name, amount, per, prorate, applies_to: AppliesTo::All }
    }
}

impl From<Fee> for OwnFeeView {
    fn from(fee: Fee) -> Self {
        Self { id: fee.id, name: fee.name, amount: fee.amount, per: fee.per, prorate: fee.prorate }
    }
}

/// A rate of tax, added to what is due. It is for everybody, unless it names a country or a tag: then the buyer must have each that it names.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = TaxRate))]
pub struct TaxView {
    /// Its key, unique in its list.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::BillingKey))]
    pub id: BillingKey,
    /// What the invoice says.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Name))]
    pub name: Name,
    /// How much is added.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Share))]
    pub percent: Percent,
    /// Only to buyers with an address in this country.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::Country>))]
    pub country: Option<Country>,
    /// Only to buyers with this tag.
    pub tag: Option<TagView>,
}

impl From<TaxView> for TaxRate {
    fn from(TaxView { id, name, percent, country, tag }: TaxView) -> Self {
        Self { id, name, percent, country, tag: tag.map(TagIs::from) }
    }
}

impl From<TaxRate> for TaxView {
    fn from(TaxRate { id, name, percent, country, tag }: TaxRate) -> Self {
        Self { id, name, percent, country, tag: tag.map(TagView::from) }
    }
}

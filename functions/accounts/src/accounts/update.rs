//! `PUT /reseller/accounts/{id}`.

use serde::{Deserialize, Deserializer};
#[cfg(feature = "openapi")]
use tributary_api::openapi::wire;
use tributary_api::{Call, Problem, Reply};
use tributary_domain::account::{Funding, Settings, Tags};
use tributary_domain::id::AccountId;
use tributary_domain::money::Allowance;
use tributary_domain::rights::Right;
use tributary_domain::text::{Email, ExternalId, Name};
use tributary_store::accounts::{Authority, Edit};

use crate::accounts::create::check_tags;
use crate::views::AccountView;

/// The request to edit an account: what is not given stays as it is; null empties what may be empty.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(min_properties = 1))]
pub struct UpdateAccount {
    /// New name.
    #[serde(default, deserialize_with = "not_null")]
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Name, required = false))]
    pub name: Option<Name>,
    /// New external id, or null.
    #[serde(default, deserialize_with = "given")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::ExternalId>))]
    pub external_id: Option<Option<ExternalId>>,
    /// New address, or null.
    #[serde(default, deserialize_with = "given")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::Email>))]
    pub email: Option<Option<Email>>,
    /// New labels, all of them.
    #[serde(default, deserialize_with = "not_null")]
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Tags, required = false))]
    pub tags: Option<Tags>,
    /// New settings, all of them.
    #[serde(default, deserialize_with = "not_null")]
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Settings, required = false))]
    pub settings: Option<Settings>,
    /// New credit limit; needs the right `credits.limit`, which only the operator has.
    #[serde(default, deserialize_with = "not_null")]
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Allowance, required = false))]
    pub credit_limit: Option<Allowance>,
    /// How it pays its parent for usage from now on; needs the right `pricing.manage` at the account above it.
    #[serde(default, deserialize_with = "not_null")]
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Funding, required = false))]
    pub funding: Option<Funding>,
}

/// Takes a value, and not null.
pub fn not_null<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

/// Tells null from absent.
fn given<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<Option<T>>, D::Error> {
    Option::<T>::deserialize(deserializer).map(Some)
}

/// Edits an account.
///
/// # Errors
/// `precondition_failed`, `account_exists`, `account_closed`, `not_found`, `forbidden`, `validation_failed`.
pub async fn update(call: Call) -> Result<Reply, Problem> {
    let (caller, home) = (call.caller()?, call.home()?);
    let request: UpdateAccount = call.body()?;
    check_tags(request.tags.as_ref())?;
    let edit = Edit {
        name: request.name,
        external_id: request.external_id,
        email: request.email,
        tags: request.tags,
        settings: request.settings,
        credit_limit: request.credit_limit.map(Allowance::micros),
        funding: request.funding,
    };
    let edits_self = Edit { credit_limit: None, funding: None, ..edit.clone() } != Edit::default();
    let (sets_limit, sets_funding) = (edit.credit_limit.is_some(), edit.funding.is_some());
    if !edits_self && !sets_limit && !sets_funding {
        return Err(Problem::field("", "names nothing to change: name, external_id, email, tags, settings, credit_limit or funding"));
    }
    let (may_edit, may_limit) = (caller.over(Right::AccountsUpdate), caller.from_above(Right::CreditsLimit));
    let may_price = caller.from_above(Right::PricingManage);
    let may = move |id: &AccountId, lineage: &_| {
        if edits_self {
            may_edit(id, lineage)?;
        }
        if sets_funding {
            may_price(id, lineage)?;
        }
        if sets_limit { may_limit(id, lineage) } else { Ok(()) }
    };
    let account =
        call.store().edit_account(&call.id("id")?, &edit, call.if_match()?, Authority { home, may: &may }, &call.act()?, None).await?;
    Ok(Reply::ok(&AccountView::read(&call.app, &account, home).await?)?.etag(account.version))
}

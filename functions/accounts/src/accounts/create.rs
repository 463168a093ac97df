//! `POST /reseller/accounts/create`.

use std::collections::BTreeSet;

use serde::Deserialize;
#[cfg(feature = "openapi")]
use tributary_api::openapi::wire;
use tributary_api::{Call, Problem, Reply};
use tributary_domain::account::{Funding, Kind, MAX_TAGS, Settings, Tags};
use tributary_domain::id::{AccountId, TransferId};
use tributary_domain::money::{Allowance, Amount, Currency};
use tributary_domain::rights::Right;
use tributary_domain::text::{Email, ExternalId, Name};
use tributary_store::accounts::{Authority, NewAccount};
use tributary_store::idempotency::Outcome;

use crate::views::AccountView;

/// What may be made: the operator is made once, by other means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum NewKind {
    /// May have sub-accounts.
    Reseller,
    /// An end customer.
    Customer,
}

/// The request to make an account.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CreateAccount {
    /// Its name: 1 to 200 bytes.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Name))]
    pub name: Name,
    /// `customer` unless said otherwise.
    pub kind: Option<NewKind>,
    /// Its parent; the caller's account unless said otherwise.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::AccountId>))]
    pub parent_id: Option<AccountId>,
    /// The caller's own id for it, unique under one parent.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::ExternalId>))]
    pub external_id: Option<ExternalId>,
    /// Where its people are reached.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::Email>))]
    pub email: Option<Email>,
    /// Credit moved from the parent in the same transaction.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::Amount>))]
    pub initial_credits: Option<Amount>,
    /// Up to 20 labels.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::Tags>))]
    pub tags: Option<Tags>,
    /// Its currency; another than the parent's only below the operator.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::Currency>))]
    pub currency: Option<Currency>,
    /// How far its credit may go below zero; needs the right `credits.limit`, which only the operator has.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::Allowance>))]
    pub credit_limit: Option<Allowance>,
    /// How it pays its parent for usage; `prepaid` unless said otherwise. `postpaid` needs the right `pricing.manage`.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::Funding>))]
    pub funding: Option<Funding>,
    /// Settings.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::Settings>))]
    pub settings: Option<Settings>,
    /// An account whose kind, tags and settings are taken where this request gives none.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::AccountId>))]
    pub clone_from: Option<AccountId>,
}

/// Refuses too many tags.
pub fn check_tags(tags: Option<&Tags>) -> Result<(), Problem> {
    match tags {
        Some(tags) if tags.len() > MAX_TAGS => {
            Err(Problem::field("/tags", format!("has {} tags; at most {MAX_TAGS} are kept", tags.len())))
        }
        Some(_) | None => Ok(()),
    }
}

/// Makes a sub-account.
///
/// # Errors
/// `idempotency_key_missing` with initial credits, `account_exists`, `too_deep`, `parent_is_customer`,
/// `account_suspended`, `currency_mismatch`, `insufficient_credits`, `forbidden`, `not_found`.
pub async fn create(call: Call) -> Result<Reply, Problem> {
    let (caller, home) = (call.caller()?, call.home()?);
    let request: CreateAccount = call.body()?;
    check_tags(request.tags.as_ref())?;
    let scope = match request.initial_credits {
        Some(_) => Some(call.required_scope()?),
        None => call.scope()?,
    };
    let (create, allocate, limit) =
        (caller.over(Right::AccountsCreate), caller.over(Right::CreditsAllocate), caller.over(Right::CreditsLimit));
    let (moves_credit, sets_limit) = (request.initial_credits.is_some(), request.credit_limit.is_some());
    let (pricing, trusts) = (caller.over(Right::PricingManage), request.funding == Some(Funding::Postpaid));
    let may = move |id: &AccountId, lineage: &_| {
        create(id, lineage)?;
        if moves_credit {
            allocate(id, lineage)?;
        }
        if trusts {
            pricing(id, lineage)?;
        }
        if sets_limit { limit(id, lineage) } else { Ok(()) }
    };
    let read = caller.over(Right::AccountsRead);
    let new = NewAccount {
        id: AccountId::from_uuid(call.app.uuid()),
        parent: request.parent_id.unwrap_or_else(|| home.clone()),
        kind: request.kind.map(|kind| match kind {
            NewKind::Reseller => Kind::Reseller,
            NewKind::Customer => Kind::Customer,
        }),
        name: request.name,
        external_id: request.external_id,
        email: request.email,
        tags: request.tags,
        settings: request.settings,
        currency: request.currency,
        credit_limit: request.credit_limit.map(Allowance::micros),
        funding: request.funding,
        initial_credits: request.initial_credits.map(|amount| (amount, TransferId::from_uuid(call.app.uuid()))),
        clone_from: request.clone_from,
    };
    let (authority, may_clone) = (Authority { home, may: &may }, Authority { home, may: &read });
    let outcome = call.store().create_account(&new, authority, may_clone, &call.act()?, scope.as_ref()).await?;
    let replayed = matches!(outcome, Outcome::Replayed(_));
    let account = outcome.into_inner();
    let view = AccountView::of(&account, home, &BTreeSet::new());
    Ok(Reply::created(&view)?.location(&format!("/reseller/accounts/{}", account.id)).etag(account.version).replayed(replayed))
}

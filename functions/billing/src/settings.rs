//! `/reseller/billing/settings`: how an account bills its direct sub-accounts.

use serde::{Deserialize, Serialize};
#[cfg(feature = "openapi")]
use tributary_api::openapi::wire;
use tributary_api::{Call, Code, Problem, Reply};
use tributary_domain::account::Kind;
use tributary_domain::billing::dunning::Policy;
use tributary_domain::billing::number::NumberPrefix;
use tributary_domain::billing::profile::{Address, AddressLine, Collection, Fee, Footer, SellerSettings};
use tributary_domain::billing::tax::TaxRate;
use tributary_domain::id::AccountId;
use tributary_domain::money::{Allowance, Micros};
use tributary_domain::rights::Right;
use tributary_store::accounts::Authority;
use tributary_store::error::StoreError;
use tributary_store::sellers::Seller;

use crate::sight;
use crate::terms::{AddressView, FeeView, TaxView};

/// How what is due is chased. Days are counted from the due date; a list of days rises.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = Dunning))]
pub struct DunningView {
    /// On which days it is tried again to collect it: 1 to 365.
    #[serde(default = "retries")]
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<wire::DunningDay>, max_items = 10, required = false))]
    pub retry_days: Vec<u16>,
    /// On which days it is reminded of: 1 to 365.
    #[serde(default = "reminders")]
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<wire::DunningDay>, max_items = 10, required = false))]
    pub remind_days: Vec<u16>,
    /// After so many days the account is suspended; null: never.
    #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 365))]
    pub suspend_after_days: Option<u16>,
    /// After so many days it is given up, not before it is suspended; null: never.
    #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 365))]
    pub uncollectible_after_days: Option<u16>,
}

fn retries() -> Vec<u16> {
    Policy::default().retry_days
}

fn reminders() -> Vec<u16> {
    Policy::default().remind_days
}

fn usual_dunning() -> DunningView {
    Policy::default().into()
}

impl From<DunningView> for Policy {
    fn from(DunningView { retry_days, remind_days, suspend_after_days, uncollectible_after_days }: DunningView) -> Self {
        Self { retry_days, remind_days, suspend_after_days, uncollectible_after_days }
    }
}

impl From<Policy> for DunningView {
    fn from(Policy { retry_days, remind_days, suspend_after_days, uncollectible_after_days }: Policy) -> Self {
        Self { retry_days, remind_days, suspend_after_days, uncollectible_after_days }
    }
}

/// How an account bills its direct sub-accounts, as a whole: what is left out is as if it had never been set.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = SetBillingSettings))]
pub struct SettingsBody {
    /// Which account; your own unless you name another of your subtree.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::AccountId>))]
    pub account_id: Option<AccountId>,
    /// What its numbers begin with. Another prefix goes on counting.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(value_type = wire::NumberPrefix, required = false))]
    pub number_prefix: NumberPrefix,
    /// Days from an invoice's date until it is due; 14 unless given.
    #[cfg_attr(feature = "openapi", schema(minimum = 0, maximum = 90))]
    pub terms_days: Option<u16>,
    /// How long usage of a past month is waited for, in hours, where periods are the months in UTC.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(minimum = 0, maximum = 168))]
    pub grace_hours: u16,
    /// How long an invoice stays a draft, in hours; 0 is not at all.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(minimum = 0, maximum = 168))]
    pub draft_hours: u16,
    /// What recurs.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(max_items = 50, required = false))]
    pub fees: Vec<FeeView>,
    /// The least that a period comes to.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::Allowance>))]
    pub minimum: Option<Allowance>,
    /// Rates of tax.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(max_items = 50, required = false))]
    pub tax_rates: Vec<TaxView>,
    /// Where it is.
    pub address: Option<AddressView>,
    /// What tax offices know it by.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::AddressLine>))]
    pub tax_id: Option<AddressLine>,
    /// What is below its invoices.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::InvoiceFooter>))]
    pub footer: Option<Footer>,
    /// How what is due is chased; unless given, tried again after 1, 3, 5 and 7 days, reminded of after 1, 7 and 14, suspended after 14, given up after 90.
    #[serde(default = "usual_dunning")]
    #[cfg_attr(feature = "openapi", schema(required = false))]
    pub dunning: DunningView,
    /// Whether cards are charged by themselves; `manual` unless given.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Collection, required = false))]
    pub collection: Collection,
}

/// A seller's account at a payment processor. Its secrets are never shown.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = SellerProcessor))]
pub struct ProcessorView {
    /// Its name.
    pub kind: String,
    /// What pages may know of it.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub publishable_key: Option<String>,
    /// Where it sends its webhooks: this path at the API's address.
    pub webhook_path: String,
}

/// How an account bills its direct sub-accounts.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = BillingSettings))]
pub struct SettingsView {
    /// Which account.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::AccountId))]
    pub account_id: AccountId,
    /// What its numbers begin with.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::NumberPrefix))]
    pub number_prefix: NumberPrefix,
    /// Days from an invoice's date until it is due; null is 14.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub terms_days: Option<u16>,
    /// How long usage of a past month is waited for, in hours.
    pub grace_hours: u16,
    /// How long an invoice stays a draft, in hours.
    pub draft_hours: u16,
    /// What recurs.
    pub fees: Vec<FeeView>,
    /// The least that a period comes to.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::Credit>, required))]
    pub minimum: Option<Micros>,
    /// Rates of tax.
    pub tax_rates: Vec<TaxView>,
    /// Where it is.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub address: Option<AddressView>,
    /// What tax offices know it by.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::AddressLine>, required))]
    pub tax_id: Option<AddressLine>,
    /// What is below its invoices.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::InvoiceFooter>, required))]
    pub footer: Option<Footer>,
    /// How what is due is chased.
    pub dunning: DunningView,
    /// Whether cards are charged by themselves.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Collection))]
    pub collection: Collection,
    /// Where cards are charged.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub processor: Option<ProcessorView>,
    /// Its version, which is its `ETag`; 0 before it was set.
    pub version: i64,
}

impl SettingsView {
    pub(crate) fn of(account_id: AccountId, Seller { settings, version }: Seller) -> Self {
        let webhook_path = format!("/billing/processor/{account_id}");
        Self {
            account_id,
            number_prefix: settings.number_prefix,
            terms_days: settings.terms_days,
            grace_hours: settings.grace_hours,
            draft_hours: settings.draft_hours,
            fees: settings.fees.into_iter().map(FeeView::from).collect(),
            minimum: settings.minimum,
            tax_rates: settings.tax_rates.into_iter().map(TaxView::from).collect(),
            address: settings.address.map(AddressView::from),
            tax_id: settings.tax_id,
            footer: settings.footer,
            dunning: settings.dunning.into(),
            collection: settings.collection,
            processor: settings.processor.map(|kept| ProcessorView {
                kind: kept.kind.to_string(),
                publishable_key: kept.publishable_key,
                webhook_path,
            }),
            version,
        }
    }
}

/// How an account bills its sub-accounts.
///
/// # Errors
/// `not_found`, `forbidden`, `parent_is_customer`.
pub async fn get(call: Call) -> Result<Reply, Problem> {
    let mut params = call.params()?;
    let id = params.parsed("account_id")?;
    params.done()?;
    let account = sight::account(&call, id, Right::BillingRead).await?;
    if account.kind == Kind::Customer {
        return Err(StoreError::ParentIsCustomer.into());
    }
    let seller = call.store().seller(&account.id).await?;
    let version = seller.version;
    Ok(Reply::ok(&SettingsView::of(account.id, seller))?.etag(version))
}

/// Sets how an account bills its sub-accounts, from their next invoice on.
///
/// # Errors
/// `validation_failed`, `parent_is_customer`, `not_a_buyer`, `precondition_failed`, `account_closed`, `not_found`, `forbidden`.
pub async fn put(call: Call) -> Result<Reply, Problem> {
    let expected = call.if_match()?;
    let body: SettingsBody = call.body()?;
    for (at, fee) in body.fees.iter().enumerate() {
        if fee.account_id.is_some() && fee.tag.is_some() {
            return Err(Problem::field(format!("/fees/{at}/tag"), "cannot be given with account_id"));
        }
    }
    let account = sight::account(&call, body.account_id.clone(), Right::BillingManage).await?;
    if account.kind == Kind::Customer {
        return Err(StoreError::ParentIsCustomer.into());
    }
    payers(&call, &account.id, &body.fees).await?;
    let new = SellerSettings {
        number_prefix: body.number_prefix,
        terms_days: body.terms_days,
        grace_hours: body.grace_hours,
        draft_hours: body.draft_hours,
        fees: body.fees.into_iter().map(Fee::from).collect(),
        minimum: body.minimum.map(Allowance::micros),
        tax_rates: body.tax_rates.into_iter().map(TaxRate::from).collect(),
        address: body.address.map(Address::from),
        tax_id: body.tax_id,
        footer: body.footer,
        dunning: body.dunning.into(),
        processor: None,
        collection: body.collection,
    };
    new.validate()?;
    let (may, act) = (call.caller()?.over(Right::BillingManage), call.act()?);
    let authority = Authority { home: call.home()?, may: &may };
    let set = call.store().set_seller(&account.id, expected, authority, &act, |old| {
        // Its secrets are set elsewhere, and stay.
        Ok(SellerSettings { processor: old.processor.clone(), ..new.clone() })
    });
    let seller = set.await?;
    let version = seller.version;
    Ok(Reply::ok(&SettingsView::of(account.id, seller))?.etag(version))
}

/// Refuses fees of accounts that are not direct sub-accounts.
async fn payers(call: &Call, seller: &AccountId, fees: &[FeeView]) -> Result<(), Problem> {
    for (at, id) in fees.iter().enumerate().filter_map(|(at, fee)| Some((at, fee.account_id.as_ref()?))) {
        let payer = sight::account(call, Some(id.clone()), Right::BillingManage).await?;
        if payer.lineage.parent() != Some(seller) {
            let problem = Problem::field(format!("/fees/{at}/account_id"), "must be a direct sub-account of the seller");
            return Err(Problem { code: Code::NotABuyer, ..problem });
        }
    }
    Ok(())
}

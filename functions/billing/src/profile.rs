//! `/reseller/billing/profile`: what differs for an account that is billed. Whoever stands above it sets all of it; the account itself its address, tax id
//! and purchase order number.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
#[cfg(feature = "openapi")]
use tributary_api::openapi::wire;
use tributary_api::{Call, Problem, Reply};
use tributary_domain::account::TimeZoneName;
use tributary_domain::billing::bill::Billing;
use tributary_domain::billing::cycle::AnchorDay;
use tributary_domain::billing::profile::{AddressLine, Collection, Fee, Profile};
use tributary_domain::billing::tax::TaxRate;
use tributary_domain::id::AccountId;
use tributary_domain::money::{Allowance, Micros};
use tributary_domain::rights::Right;
use tributary_domain::text::Reference;
use tributary_store::accounts::Authority;

use crate::sight;
use crate::terms::{AddressView, OwnFeeView, TaxView};

/// What differs for an account, as a whole: what is left out is as its seller has it for all. From the account itself, what only its seller sets may be
/// left out, and stays.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = SetBillingProfile))]
pub struct ProfileBody {
    /// Which account; your own unless you name another of your subtree.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::AccountId>))]
    pub account_id: Option<AccountId>,
    /// The day of the month on which its periods begin; the first unless given. A month without it ends with its last day.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<i64>, minimum = 1, maximum = 31))]
    pub anchor_day: Option<AnchorDay>,
    /// The time zone of its periods; that of the account's settings unless given, else UTC.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::TimeZoneName>))]
    pub time_zone: Option<TimeZoneName>,
    /// Days until its invoices are due.
    #[cfg_attr(feature = "openapi", schema(minimum = 0, maximum = 90))]
    pub terms_days: Option<u16>,
    /// The least that its period comes to; zero is no minimum.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::Allowance>))]
    pub minimum: Option<Allowance>,
    /// Its fees instead of its seller's.
    #[cfg_attr(feature = "openapi", schema(max_items = 50))]
    pub fees: Option<Vec<OwnFeeView>>,
    /// It pays no tax.
    pub tax_exempt: Option<bool>,
    /// Its rates of tax instead of its seller's.
    #[cfg_attr(feature = "openapi", schema(max_items = 50))]
    pub tax_rates: Option<Vec<TaxView>>,
    /// Where it is.
    pub address: Option<AddressView>,
    /// What tax offices know it by.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::AddressLine>))]
    pub tax_id: Option<AddressLine>,
    /// The number of its order, which its invoices say.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::Reference>))]
    pub po_number: Option<Reference>,
    /// Whether its card is charged by itself.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::Collection>))]
    pub collection: Option<Collection>,
}

impl ProfileBody {
    fn profile(self) -> Profile {
        Profile {
            anchor_day: self.anchor_day,
            time_zone: self.time_zone,
            terms_days: self.terms_days,
            minimum: self.minimum.map(Allowance::micros),
            fees: self.fees.map(|fees| fees.into_iter().map(Fee::from).collect()),
            tax_exempt: self.tax_exempt.unwrap_or_default(),
            tax_rates: self.tax_rates.map(|rates| rates.into_iter().map(TaxRate::from).collect()),
            address: self.address.map(Into::into),
            tax_id: self.tax_id,
            po_number: self.po_number,
            collection: self.collection,
        }
    }
}

/// What `old` becomes if only what an account sets of itself is taken from `new`.
fn own_part(old: &Profile, new: &Profile) -> Profile {
    Profile { address: new.address.clone(), tax_id: new.tax_id.clone(), po_number: new.po_number.clone(), ..old.clone() }
}

/// Whether `new` says nothing of what only a seller sets, or the same as `old`.
fn leaves_terms(old: &Profile, new: &Profile) -> bool {
    fn same<T: PartialEq>(old: &Option<T>, new: &Option<T>) -> bool {
        new.is_none() || old == new
    }
    same(&old.anchor_day, &new.anchor_day)
        && same(&old.time_zone, &new.time_zone)
        && same(&old.terms_days, &new.terms_days)
        && same(&old.minimum, &new.minimum)
        && same(&old.fees, &new.fees)
        && (!new.tax_exempt || old.tax_exempt)
        && same(&old.tax_rates, &new.tax_rates)
        && same(&old.collection, &new.collection)
}

/// How an account is billed.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = BillingProfile))]
pub struct ProfileView {
    /// Which account.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::AccountId))]
    pub account_id: AccountId,
    /// Who bills it: its parent.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::AccountId))]
    pub seller_id: AccountId,
    /// When its running period began; null before its billing has begun.
    #[serde(serialize_with = "tributary_api::time::millis_or_null")]
    #[cfg_attr(feature = "openapi", schema(required))]
    pub period_start: Option<Timestamp>,
    /// When that ends.
    #[serde(serialize_with = "tributary_api::time::millis_or_null")]
    #[cfg_attr(feature = "openapi", schema(required))]
    pub period_end: Option<Timestamp>,
    /// The day of the month on which its periods begin; null is the first.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<i64>, required))]
    pub anchor_day: Option<AnchorDay>,
    /// The time zone of its periods; null is that of the account's settings, else UTC.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::TimeZoneName>, required))]
    pub time_zone: Option<TimeZoneName>,
    /// Days until its invoices are due; null is as its seller has it, as is what follows.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub terms_days: Option<u16>,
    /// The least that its period comes to.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::Credit>, required))]
    pub minimum: Option<Micros>,
    /// Its fees.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub fees: Option<Vec<OwnFeeView>>,
    /// It pays no tax.
    pub tax_exempt: bool,
    /// Its rates of tax.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub tax_rates: Option<Vec<TaxView>>,
    /// Where it is.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub address: Option<AddressView>,
    /// What tax offices know it by.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::AddressLine>, required))]
    pub tax_id: Option<AddressLine>,
    /// The number of its order, which its invoices say.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::Reference>, required))]
    pub po_number: Option<Reference>,
    /// Whether its card is charged by itself.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::Collection>, required))]
    pub collection: Option<Collection>,
    /// The version of the account's billing, which is its `ETag`. It rises with everything that is put aside or billed, too.
    pub version: i64,
}

impl ProfileView {
    fn of(account_id: AccountId, seller_id: AccountId, billing: Option<Billing>) -> Self {
        let (start, end, version) = billing.as_ref().map_or((None, None, 0), |b| (Some(b.period_start), Some(b.next_close), b.version));
        let profile = billing.map(|billing| billing.profile).unwrap_or_default();
        Self {
            account_id,
            seller_id,
            period_start: start,
            period_end: end,
            anchor_day: profile.anchor_day,
            time_zone: profile.time_zone,
            terms_days: profile.terms_days,
            minimum: profile.minimum,
            fees: profile.fees.map(|fees| fees.into_iter().map(OwnFeeView::from).collect()),
            tax_exempt: profile.tax_exempt,
            tax_rates: profile.tax_rates.map(|rates| rates.into_iter().map(TaxView::from).collect()),
            address: profile.address.map(AddressView::from),
            tax_id: profile.tax_id,
            po_number: profile.po_number,
            collection: profile.collection,
            version,
        }
    }
}

/// What differs for an account.
///
/// # Errors
/// `not_found`, `forbidden`, `not_a_buyer`.
pub async fn get(call: Call) -> Result<Reply, Problem> {
    let mut params = call.params()?;
    let id = params.parsed("account_id")?;
    params.done()?;
    let account = sight::billed(&call, id, Right::BillingRead).await?;
    let billing = call.store().billing(&account.id).await?;
    let seller = account.lineage.parent().cloned().ok_or_else(Problem::not_found)?;
    let view = ProfileView::of(account.id, seller, billing);
    Ok(Reply::ok(&view)?.etag(view.version))
}

/// Sets what differs for an account, from its next invoice on.
///
/// # Errors
/// `validation_failed`, `not_a_buyer`, `precondition_failed`, `account_closed`, `not_found`, `forbidden`, also to the account itself for what only its
/// seller sets.
pub async fn put(call: Call) -> Result<Reply, Problem> {
    let expected = call.if_match()?;
    let body: ProfileBody = call.body()?;
    let account = sight::billed(&call, body.account_id.clone(), Right::BillingManage).await?;
    let new = body.profile();
    new.validate()?;
    let caller = call.caller()?;
    let (may, above, act) = (caller.over(Right::BillingManage), caller.from_above(Right::BillingManage), call.act()?);
    let authority = Authority { home: call.home()?, may: &may };
    let set = call.store().set_profile(&account.id, expected, authority, &act, |old, account| match above(&account.id, &account.lineage) {
        Ok(()) => Ok(new.clone()),
        Err(_) if leaves_terms(old, &new) => Ok(own_part(old, &new)),
        Err(denied) => Err(denied.into()),
    });
    let billing = set.await?;
    let view = ProfileView::of(account.id, billing.newest_seller().clone(), Some(billing));
    Ok(Reply::ok(&view)?.etag(view.version))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn profile(value: serde_json::Value) -> Profile {
        serde_json::from_value::<ProfileBody>(value).expect("a body").profile()
    }

    #[test]
    fn an_account_sets_of_itself_only_where_it_is() {
        let old = profile(json!({ "terms_days": 30, "tax_exempt": true, "tax_id": "old", "minimum": "5" }));
        let moved = json!({ "line1": "1 High St", "city": "Graz", "country": "AT" });
        let new = profile(json!({ "address": moved, "po_number": "7" }));
        assert!(leaves_terms(&old, &new));
        let set = own_part(&old, &new);
        assert_eq!((set.terms_days, set.tax_exempt, &set.tax_id), (Some(30), true, &None));
        assert_eq!(set.po_number.as_ref().map(Reference::as_str), Some("7"));
        assert!(leaves_terms(&old, &profile(json!({ "terms_days": 30, "tax_exempt": true, "minimum": "5" }))), "the same again");
        for other in [
            json!({ "terms_days": 31 }),
            json!({ "minimum": "0" }),
            json!({ "anchor_day": 1 }),
            json!({ "time_zone": "Europe/Vienna" }),
            json!({ "fees": [] }),
            json!({ "tax_rates": [] }),
            json!({ "collection": "manual" }),
        ] {
            assert!(!leaves_terms(&old, &profile(other.clone())), "{other}");
        }
        assert!(!leaves_terms(&profile(json!({})), &profile(json!({ "tax_exempt": true }))));
    }
}

//! How a seller bills, what differs for one of its sub-accounts, and what comes of both.

use serde::{Deserialize, Serialize};

use crate::account::{Account, Tags, TimeZoneName};
use crate::billing::cycle::{AnchorDay, Cycle};
use crate::billing::dunning::Policy;
use crate::billing::number::NumberPrefix;
use crate::billing::tax::{self, Country, TagIs, TaxRate};
use crate::id::AccountId;
use crate::money::Micros;
use crate::pricing::error::{PricingError, Reason};
use crate::pricing::meter::BillingKey;
use crate::pricing::model::money;
use crate::text::{Name, Reference, TextError, clean};

/// The most fees of one seller, or of one profile.
pub const MAX_FEES: usize = 50;
/// The most days until an invoice is due.
pub const MAX_TERMS_DAYS: u16 = 90;
/// The longest that late usage of a month is waited for, or a draft kept, in hours: a week.
pub const MAX_HOURS: u16 = 168;
/// Days until an invoice is due, where nobody said otherwise.
pub const TERMS_DAYS: u16 = 14;

/// A postal address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Address {
    /// Street and number, or what stands for them.
    pub line1: AddressLine,
    /// More of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line2: Option<AddressLine>,
    /// The town.
    pub city: AddressLine,
    /// The state, province or canton.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<AddressLine>,
    /// The postal code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub postal_code: Option<AddressLine>,
    /// The country.
    pub country: Country,
}

/// One line of an address, or a tax id: 1 to 120 bytes of UTF-8.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct AddressLine(String);

impl AddressLine {
    /// Reads a line.
    ///
    /// # Errors
    /// [`TextError`].
    pub fn parse(text: &str) -> Result<Self, TextError> {
        clean(text, 120).map(Self)
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<'de> Deserialize<'de> for AddressLine {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

/// What is below all lines of a seller's invoices: 1 to 1,000 bytes of UTF-8.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Footer(String);

impl Footer {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<'de> Deserialize<'de> for Footer {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        clean(&String::deserialize(deserializer)?, 1000).map(Self).map_err(serde::de::Error::custom)
    }
}

/// Over what a fee is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Per {
    /// One period of billing.
    #[default]
    Month,
}

/// Who pays a fee.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AppliesTo {
    /// Every direct sub-account.
    #[default]
    All,
    /// Those with this tag.
    Tag(TagIs),
    /// This one.
    Account(AccountId),
}

impl AppliesTo {
    /// Whether an account pays it.
    pub fn matches(&self, account: &AccountId, tags: &Tags) -> bool {
        match self {
            AppliesTo::All => true,
            AppliesTo::Tag(tag) => tag.matches(tags),
            AppliesTo::Account(wanted) => wanted == account,
        }
    }
}

/// A fee that recurs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fee {
    /// Its key, unique in its list.
    pub id: BillingKey,
    /// What the invoice says.
    pub name: Name,
    /// How much a period; more than zero.
    pub amount: Micros,
    /// Over what.
    #[serde(default)]
    pub per: Per,
    /// A part of a period costs a part of it; else it costs all of it, once.
    #[serde(default)]
    pub prorate: bool,
    /// Who pays it.
    #[serde(default)]
    pub applies_to: AppliesTo,
}

/// Whether a card is charged by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Collection {
    /// Credit first, then the card.
    Automatic,
    /// Credit alone; the rest is paid by the customer itself.
    #[default]
    Manual,
}

/// A seller's account at a payment processor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Processor {
    /// Its name: `stripe`.
    pub kind: BillingKey,
    /// The secret key, sealed: nothing here can open it.
    pub sealed_key: String,
    /// The secret that its webhooks are signed with, sealed.
    pub sealed_webhook_secret: String,
    /// What pages may know: the publishable key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub publishable_key: Option<String>,
}

/// How a seller bills its direct sub-accounts.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct SellerSettings {
    /// What its numbers begin with.
    pub number_prefix: NumberPrefix,
    /// Days from an invoice's date until it is due: 0 to [`MAX_TERMS_DAYS`]; absent is [`TERMS_DAYS`].
    pub terms_days: Option<u16>,
    /// How long usage of a past month is waited for, in hours, where periods are the months in UTC: 0 to [`MAX_HOURS`].
    pub grace_hours: u16,
    /// How long an invoice stays a draft, in hours: 0 to [`MAX_HOURS`]; 0 is not at all.
    pub draft_hours: u16,
    /// What recurs.
    pub fees: Vec<Fee>,
    /// The least that a period comes to.
    pub minimum: Option<Micros>,
    /// Rates of tax.
    pub tax_rates: Vec<TaxRate>,
    /// Where it is.
    pub address: Option<Address>,
    /// What tax offices know it by.
    pub tax_id: Option<AddressLine>,
    /// What is below its invoices.
    pub footer: Option<Footer>,
    /// How what is due is chased.
    pub dunning: Policy,
    /// Where cards are charged.
    pub processor: Option<Processor>,
    /// Whether cards are charged by themselves.
    pub collection: Collection,
}

/// What differs for one sub-account; what is absent is as its seller has it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Profile {
    /// The day on which its periods begin.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub anchor_day: Option<AnchorDay>,
    /// The time zone of its periods; absent is that of the account's settings, then UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time_zone: Option<TimeZoneName>,
    /// Days until its invoices are due.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub terms_days: Option<u16>,
    /// The least that its period comes to; zero is no minimum.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub minimum: Option<Micros>,
    /// Its fees instead of the seller's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fees: Option<Vec<Fee>>,
    /// It pays no tax.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub tax_exempt: bool,
    /// Its rates of tax instead of the seller's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tax_rates: Option<Vec<TaxRate>>,
    /// Where it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<Address>,
    /// What tax offices know it by.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tax_id: Option<AddressLine>,
    /// The number of its order, which its invoices say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub po_number: Option<Reference>,
    /// Whether its card is charged by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub collection: Option<Collection>,
}

/// What is in force for one sub-account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Terms {
    /// Its periods.
    pub cycle: Cycle,
    /// How long usage of a past month is waited for, in hours; none unless its periods are the months in UTC.
    pub grace_hours: u16,
    /// How long its invoices stay drafts, in hours.
    pub draft_hours: u16,
    /// Days until its invoices are due.
    pub terms_days: u16,
    /// What it pays each period.
    pub fees: Vec<Fee>,
    /// The least that a period comes to; zero if there is no minimum.
    pub minimum: Micros,
    /// The taxes that it pays.
    pub taxes: Vec<TaxRate>,
    /// Whether its card is charged by itself.
    pub collection: Collection,
    /// How what is due is chased.
    pub dunning: Policy,
}

fn fees(pointer: &str, fees: &[Fee]) -> Result<(), PricingError> {
    if fees.len() > MAX_FEES {
        return Err(PricingError::at(pointer, Reason::TooMany(MAX_FEES)));
    }
    for (at, fee) in fees.iter().enumerate() {
        if fees.iter().take(at).any(|other| other.id == fee.id) {
            return Err(PricingError::at(format!("{pointer}/{at}/id"), Reason::Duplicate));
        }
        amount(&format!("{pointer}/{at}/amount"), fee.amount)?;
        if fee.amount.is_zero() {
            return Err(PricingError::at(format!("{pointer}/{at}/amount"), Reason::NotPositive));
        }
    }
    Ok(())
}

fn amount(pointer: &str, amount: Micros) -> Result<(), PricingError> {
    money("", amount).map_err(|error| error.under(pointer))
}

fn terms(days: Option<u16>) -> Result<(), PricingError> {
    let far = days.is_some_and(|days| days > MAX_TERMS_DAYS);
    if far { Err(PricingError::at("/terms_days", Reason::OutOfRange("0", "90"))) } else { Ok(()) }
}

impl SellerSettings {
    /// Refuses what is out of range.
    ///
    /// # Errors
    /// The first wrong part, with its pointer.
    pub fn validate(&self) -> Result<(), PricingError> {
        terms(self.terms_days)?;
        for (pointer, hours) in [("/grace_hours", self.grace_hours), ("/draft_hours", self.draft_hours)] {
            if hours > MAX_HOURS {
                return Err(PricingError::at(pointer, Reason::OutOfRange("0", "168")));
            }
        }
        fees("/fees", &self.fees)?;
        amount("/minimum", self.minimum.unwrap_or_default())?;
        tax::validate(&self.tax_rates).map_err(|error| error.under("/tax_rates"))?;
        self.dunning.validate().map_err(|error| error.under("/dunning"))
    }
}

impl Profile {
    /// Refuses what is out of range.
    ///
    /// # Errors
    /// The first wrong part, with its pointer.
    pub fn validate(&self) -> Result<(), PricingError> {
        terms(self.terms_days)?;
        fees("/fees", self.fees.as_deref().unwrap_or_default())?;
        amount("/minimum", self.minimum.unwrap_or_default())?;
        tax::validate(self.tax_rates.as_deref().unwrap_or_default()).map_err(|error| error.under("/tax_rates"))
    }

    /// The account's periods.
    pub fn cycle(&self, account: &Account) -> Cycle {
        Cycle::new(self.anchor_day.unwrap_or_default(), self.time_zone.as_ref().or(account.settings.time_zone.as_ref()))
    }

    /// What is in force for `account` under its seller's settings.
    pub fn terms(&self, seller: &SellerSettings, account: &Account) -> Terms {
        let cycle = self.cycle(account);
        let country = self.address.as_ref().map(|address| &address.country);
        let rates = self.tax_rates.as_ref().unwrap_or(&seller.tax_rates).iter();
        let fees = self.fees.as_ref().unwrap_or(&seller.fees).iter();
        Terms {
            grace_hours: if cycle.is_utc_months() { seller.grace_hours } else { 0 },
            draft_hours: seller.draft_hours,
            terms_days: self.terms_days.or(seller.terms_days).unwrap_or(TERMS_DAYS),
            fees: fees.filter(|fee| fee.applies_to.matches(&account.id, &account.tags)).cloned().collect(),
            minimum: self.minimum.or(seller.minimum).unwrap_or_default(),
            taxes: rates.filter(|rate| !self.tax_exempt && rate.applies(country, &account.tags)).cloned().collect(),
            collection: self.collection.unwrap_or(seller.collection),
            dunning: seller.dunning.clone(),
            cycle,
        }
    }
}

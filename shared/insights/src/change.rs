//! What is told to a roster: the newest of what changed of one account. Each part carries the version that it has where it comes
//! from, and the highest version stays, so it does not matter how often or in which order changes are told.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tributary_domain::account::{Account, Funding, Kind, Status};
use tributary_domain::id::{AccountId, InvoiceId};
use tributary_domain::ledger::Head;
use tributary_domain::money::Currency;

use crate::figures::Figures;

/// What changed of one account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowChange {
    /// Which account.
    #[serde(rename = "i")]
    pub id: AccountId,
    /// What it is called.
    #[serde(rename = "p", default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<Profile>,
    /// Its volume tier.
    #[serde(rename = "w", default, skip_serializing_if = "Option::is_none")]
    pub tier: Option<Tier>,
    /// Where it stands, and its credit.
    #[serde(rename = "l", default, skip_serializing_if = "Option::is_none")]
    pub place: Option<Place>,
    /// When it had usage last.
    #[serde(rename = "u", default, skip_serializing_if = "Option::is_none")]
    pub used: Option<Used>,
    /// Its usage of months and days, at the level of the roster's owner.
    #[serde(rename = "s", default, skip_serializing_if = "Vec::is_empty")]
    pub sums: Vec<SlotSum>,
    /// Invoices that the roster's owner sold it.
    #[serde(rename = "b", default, skip_serializing_if = "Vec::is_empty")]
    pub bills: Vec<Bill>,
}

impl RowChange {
    /// Nothing of an account yet.
    pub fn of(id: AccountId) -> Self {
        Self { id, profile: None, tier: None, place: None, used: None, sums: Vec::new(), bills: Vec::new() }
    }

    /// Nothing is said.
    pub fn is_empty(&self) -> bool {
        let Self { id: _, profile, tier, place, used, sums, bills } = self;
        profile.is_none() && tier.is_none() && place.is_none() && used.is_none() && sums.is_empty() && bills.is_empty()
    }

    /// Adds what another says of the same account.
    pub fn merge(&mut self, other: RowChange) {
        fn newer<T>(own: &mut Option<T>, other: Option<T>, version: impl Fn(&T) -> i64) {
            if let Some(other) = other
                && own.as_ref().is_none_or(|own| version(&other) > version(own))
            {
                *own = Some(other);
            }
        }
        newer(&mut self.profile, other.profile, |profile| profile.version);
        newer(&mut self.tier, other.tier, |tier| tier.version);
        newer(&mut self.place, other.place, |place| place.seq);
        newer(&mut self.used, other.used, |used| used.seq);
        for sum in other.sums {
            match self.sums.iter_mut().find(|own| own.slot == sum.slot) {
                Some(own) if own.seq >= sum.seq => {}
                Some(own) => *own = sum,
                None => self.sums.push(sum),
            }
        }
        for bill in other.bills {
            match self.bills.iter_mut().find(|own| own.id == bill.id) {
                Some(own) if own.version >= bill.version => {}
                Some(own) => *own = bill,
                None => self.bills.push(bill),
            }
        }
    }
}

/// What an account is called, as of one version of its item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Profile {
    /// The item's version.
    #[serde(rename = "v")]
    pub version: i64,
    /// Its name.
    #[serde(rename = "n")]
    pub name: String,
    /// Its seller's own id for it.
    #[serde(rename = "x", default, skip_serializing_if = "Option::is_none")]
    pub external_id: Option<String>,
    /// Where it is reached.
    #[serde(rename = "e", default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// Its tags.
    #[serde(rename = "g", default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<(String, String)>,
    /// When it was made, milliseconds since 1970.
    #[serde(rename = "c")]
    pub created_ms: i64,
}

impl From<&Account> for Profile {
    fn from(account: &Account) -> Self {
        Self {
            version: account.version,
            name: account.name.to_string(),
            external_id: account.external_id.as_ref().map(ToString::to_string),
            email: account.email.as_ref().map(ToString::to_string),
            tags: account.tags.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect(),
            created_ms: account.created_at.as_millisecond(),
        }
    }
}

/// An account's volume tier, which changes with its usage and beside the version of its item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tier {
    /// Which tier it is, counted from 1.
    #[serde(rename = "v")]
    pub version: i64,
    /// What it is called.
    #[serde(rename = "n")]
    pub name: String,
}

impl From<&Account> for Tier {
    fn from(account: &Account) -> Self {
        Self { version: account.tier_version + 1, name: account.tier.clone() }
    }
}

/// Where an account stands and its credit, as of one entry of its ledger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// The entry's number.
    #[serde(rename = "v")]
    pub seq: i64,
    /// It is the roster's owner, or below it.
    #[serde(rename = "in")]
    pub inside: bool,
    /// Right below which account; none of the operator.
    #[serde(rename = "p", default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<AccountId>,
    /// What it is.
    #[serde(rename = "k")]
    pub kind: Kind,
    /// Its own state.
    #[serde(rename = "s")]
    pub status: Status,
    /// How it pays for usage.
    #[serde(rename = "f")]
    pub funding: Funding,
    /// Its currency.
    #[serde(rename = "c")]
    pub currency: Currency,
    /// Credit free to spend, micro-units.
    #[serde(rename = "a")]
    pub available: i64,
    /// Credit held, micro-units.
    #[serde(rename = "h")]
    pub held: i64,
    /// When the entry was written, milliseconds since 1970.
    #[serde(rename = "t")]
    pub at_ms: i64,
}

impl Place {
    /// The place that a head says, for a roster's owner.
    pub fn of(id: &AccountId, head: &Head, owner: &AccountId) -> Self {
        Self {
            seq: head.seq,
            inside: id == owner || head.lineage.has(owner),
            parent: head.lineage.parent().cloned(),
            kind: head.kind,
            status: head.status,
            funding: head.funding,
            currency: head.currency,
            available: head.available.get(),
            held: head.held.get(),
            at_ms: head.at.as_millisecond(),
        }
    }
}

/// An account's newest usage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Used {
    /// The number of the entry that carries it.
    #[serde(rename = "v")]
    pub seq: i64,
    /// When it was counted, milliseconds since 1970.
    #[serde(rename = "t")]
    pub at_ms: i64,
}

/// A stretch of time that usage is summed up for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum SlotKey {
    /// The day of that number since 1970, in UTC.
    #[serde(rename = "d")]
    Day(i32),
    /// The month of that number since the year 0, in UTC.
    #[serde(rename = "m")]
    Month(i32),
}

/// The figures of one slot, as of one entry of the account's ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SlotSum {
    /// Which slot.
    #[serde(rename = "k")]
    pub slot: SlotKey,
    /// Up to which entry it holds the ledger.
    #[serde(rename = "v")]
    pub seq: i64,
    /// The figures.
    #[serde(rename = "f")]
    pub figures: Figures,
}

/// An invoice, as of one version of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bill {
    /// Which.
    #[serde(rename = "i")]
    pub id: InvoiceId,
    /// Its version.
    #[serde(rename = "v")]
    pub version: i64,
    /// What is due of it, micro-units; zero of one that is not open.
    #[serde(rename = "a")]
    pub due: i64,
    /// Until when it is to be paid, milliseconds since 1970.
    #[serde(rename = "t")]
    pub due_ms: i64,
    /// Money is taken for it.
    #[serde(rename = "o")]
    pub open: bool,
    /// When this was told, milliseconds since 1970: a bill that is not open is forgotten a while after.
    #[serde(rename = "c")]
    pub told_ms: i64,
}

/// When something was told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// When.
    pub at: Timestamp,
    /// What.
    pub changes: Vec<RowChange>,
}

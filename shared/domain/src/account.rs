//! Accounts: the operator, resellers and customers; what may be edited, and the states they pass through.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::brand::Portal;
use crate::id::AccountId;
use crate::lineage::Lineage;
use crate::money::{Currency, Micros};
use crate::text::{Email, ExternalId, Name, TagName, TagValue};

/// What an account is in the tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// The root of the tree: the platform itself. There is one.
    Operator,
    /// May have sub-accounts.
    Reseller,
    /// An end customer: has no sub-accounts.
    Customer,
}

/// How an account pays its parent for usage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Funding {
    /// From its credit, with the usage itself; without enough credit there is no usage.
    #[default]
    Prepaid,
    /// By invoice; usage accrues.
    Postpaid,
}

impl Funding {
    /// The word on the wire.
    pub fn word(self) -> &'static str {
        match self {
            Funding::Prepaid => "prepaid",
            Funding::Postpaid => "postpaid",
        }
    }
}

/// The state of one account, its ancestors left aside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// In use.
    Active,
    /// Spends nothing, and nothing below it does; credit stays. Reversible.
    Suspended,
    /// Empty and at its end; kept for its history.
    Closed,
}

/// What is done to an account's state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum StatusChange {
    /// `DELETE /reseller/accounts/{id}`.
    Suspend,
    /// `POST /reseller/accounts/{id}/reactivate`.
    Reactivate,
    /// `POST /reseller/accounts/{id}/close`.
    Close,
}

impl Status {
    /// The state after `change`; `None` when the change is not allowed from here. The whole machine.
    pub fn after(self, change: StatusChange) -> Option<Status> {
        match (self, change) {
            (Status::Active | Status::Suspended, StatusChange::Suspend) => Some(Status::Suspended),
            (Status::Active | Status::Suspended, StatusChange::Reactivate) => Some(Status::Active),
            (Status::Active | Status::Suspended | Status::Closed, StatusChange::Close) => Some(Status::Closed),
            (Status::Closed, StatusChange::Suspend | StatusChange::Reactivate) => None,
        }
    }

    /// The state in force under `ancestors`: closed stays closed, else any suspended ancestor suspends.
    pub fn effective(self, any_ancestor_stopped: bool) -> Status {
        match (self, any_ancestor_stopped) {
            (Status::Active, true) => Status::Suspended,
            (own, _) => own,
        }
    }

    /// The word on the wire.
    pub fn word(self) -> &'static str {
        match self {
            Status::Active => "active",
            Status::Suspended => "suspended",
            Status::Closed => "closed",
        }
    }
}

impl Kind {
    /// The word on the wire.
    pub fn word(self) -> &'static str {
        match self {
            Kind::Operator => "operator",
            Kind::Reseller => "reseller",
            Kind::Customer => "customer",
        }
    }
}

/// The most tags on one account.
pub const MAX_TAGS: usize = 20;

/// Tags of an account: up to [`MAX_TAGS`] names with values.
pub type Tags = BTreeMap<TagName, TagValue>;

/// Settings that an account's owner edits and a clone copies.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Settings {
    /// IANA time zone in which the account's days and months begin; `None` is UTC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_zone: Option<TimeZoneName>,
    /// BCP 47 language tag for pages, mail and documents; `None` inherits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub locale: Option<Locale>,
    /// Under whose name and colour the account and those below it are written to; what is absent is inherited.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub brand: Option<crate::brand::Brand>,
}

/// The name of an IANA time zone that exists.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct TimeZoneName(String);

impl TimeZoneName {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The zone of that name; UTC if this build does not know it.
    pub fn zone(&self) -> jiff::tz::TimeZone {
        jiff::tz::TimeZone::get(&self.0).unwrap_or(jiff::tz::TimeZone::UTC)
    }
}

impl<'de> Deserialize<'de> for TimeZoneName {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        match jiff::tz::TimeZone::get(&name) {
            Ok(_) => Ok(Self(name)),
            Err(_) => Err(serde::de::Error::custom("must be an IANA time zone such as \"Europe/Berlin\"")),
        }
    }
}

/// A language tag: two or three letters, optionally a script and a region.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Locale(String);

impl Locale {
    /// The tag.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<'de> Deserialize<'de> for Locale {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let tag = String::deserialize(deserializer)?;
        let mut parts = tag.split('-');
        let language = parts.next().is_some_and(|l| (2..=3).contains(&l.len()) && l.bytes().all(|b| b.is_ascii_lowercase()));
        let rest = parts.clone().count() <= 2 && parts.all(|p| (2..=4).contains(&p.len()) && p.bytes().all(|b| b.is_ascii_alphanumeric()));
        if language && rest { Ok(Self(tag)) } else { Err(serde::de::Error::custom("must be a language tag such as \"en\" or \"de-CH\"")) }
    }
}

/// An account as it is kept. Its credit is in its ledger ([`crate::ledger::Head`]), not here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// Its id.
    pub id: AccountId,
    /// Its ancestors.
    pub lineage: Lineage,
    /// How often it has itself been moved.
    pub generation: u32,
    /// What it is.
    pub kind: Kind,
    /// Its name.
    pub name: Name,
    /// The caller's own id for it, unique under one parent.
    pub external_id: Option<ExternalId>,
    /// Where its people are reached.
    pub email: Option<Email>,
    /// Its own state.
    pub status: Status,
    /// The currency its credit is kept in; never changes.
    pub currency: Currency,
    /// Volume tier; below the first tier it is `none`.
    pub tier: String,
    /// Raised by one with each other tier.
    pub tier_version: i64,
    /// How far its credit may go below zero.
    pub credit_limit: Micros,
    /// How it pays its parent for usage.
    #[serde(default)]
    pub funding: Funding,
    /// Free labels.
    pub tags: Tags,
    /// Settings.
    pub settings: Settings,
    /// Sub-accounts not closed.
    pub open_children: i64,
    /// Raised by one at each edit; the `ETag` is made of it.
    pub version: i64,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last edited.
    pub updated_at: Timestamp,
    /// Since when it is frozen because its books do not add up; only the operator lifts that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub frozen_at: Option<Timestamp>,
    /// What the operator accepted when it lifted a freeze.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accepted: Option<Accepted>,
    /// Its white-label portal: what is not copied with its settings.
    #[serde(default, skip_serializing_if = "is_plain")]
    pub portal: Portal,
}

fn is_plain(portal: &Portal) -> bool {
    portal == &Portal::default()
}

/// Up to where an account's books were looked at by a person and accepted as they are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Accepted {
    /// The newest entry of the ledger then.
    pub seq: i64,
    /// When.
    pub at: Timestamp,
}

impl Account {
    /// Whether sub-accounts may be made under it.
    pub fn may_have_children(&self) -> bool {
        match self.kind {
            Kind::Operator | Kind::Reseller => true,
            Kind::Customer => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_state_machine_of_an_account() {
        let mut table = String::new();
        for from in [Status::Active, Status::Suspended, Status::Closed] {
            for change in [StatusChange::Suspend, StatusChange::Reactivate, StatusChange::Close] {
                let to = from.after(change).map_or("refused", Status::word);
                table.push_str(&format!("{} {change:?} -> {to}\n", from.word()));
            }
        }
        assert_eq!(
            table,
            "active Suspend -> suspended\nactive Reactivate -> active\nactive Close -> closed\n\
             suspended Suspend -> suspended\nsuspended Reactivate -> active\nsuspended Close -> closed\n\
             closed Suspend -> refused\nclosed Reactivate -> refused\nclosed Close -> closed\n"
        );
    }

    #[test]
    fn a_stopped_ancestor_suspends_and_closed_stays_closed() {
        assert_eq!(Status::Active.effective(true), Status::Suspended);
        assert_eq!(Status::Active.effective(false), Status::Active);
        assert_eq!(Status::Closed.effective(true), Status::Closed);
    }
}

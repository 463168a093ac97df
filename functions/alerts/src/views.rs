//! What the API takes and shows of alerts.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tributary_api::Problem;
#[cfg(feature = "openapi")]
use tributary_api::openapi::wire;
use tributary_domain::alert::{Channels, Metric, Period, Rule, RuleError, Turn};
use tributary_domain::id::{AccountId, AlertId, EventId};
use tributary_domain::money::{MAX_AMOUNT_UNITS, MICROS_PER_UNIT, Micros};
use tributary_domain::pricing::meter::MeterKey;
use tributary_domain::text::Email;

/// Who is told. Everybody who may read events hears of it in any case.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = AlertChannels))]
pub struct ChannelsView {
    /// The webhooks of the alert's account and of those above it.
    #[serde(default = "yes")]
    #[cfg_attr(feature = "openapi", schema(default = true))]
    pub webhook: bool,
    /// Addresses that a mail goes to, at most 10.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<wire::Email>, max_items = 10))]
    pub emails: Vec<Email>,
}

impl Default for ChannelsView {
    fn default() -> Self {
        Self { webhook: true, emails: Vec::new() }
    }
}

fn yes() -> bool {
    true
}

/// What an alert watches, and whom it tells.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = SetAlert))]
pub struct RuleBody {
    /// Whose alert it is, and what it watches; your own account unless you name another of your subtree.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::AccountId>))]
    pub account_id: Option<AccountId>,
    /// Watch everything below the account too, each account by itself.
    #[serde(default)]
    pub subtree: bool,
    /// What is watched.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::AlertMetric))]
    pub metric: Metric,
    /// Of `usage`: of which meter. Of `loss`: of this one alone.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::MeterKey>))]
    pub meter: Option<MeterKey>,
    /// Of `spend`, `usage` and `loss`: over which time it is added up, in UTC.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::AlertPeriod>))]
    pub period: Option<Period>,
    /// Where it fires. `balance` and `time_to_empty` fire below it, `spend`, `usage` and `loss` above it. Credit of the account's
    /// currency; of `usage` a quantity; of `time_to_empty` days. Only of `balance` below zero.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::AlertThreshold))]
    pub threshold: Micros,
    /// Fire at every crossing; else, of each account, at the first alone.
    #[serde(default = "yes")]
    #[cfg_attr(feature = "openapi", schema(default = true))]
    pub recurring: bool,
    /// Who is told.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(required = false))]
    pub channels: ChannelsView,
    /// In force.
    #[serde(default = "yes")]
    #[cfg_attr(feature = "openapi", schema(default = true))]
    pub enabled: bool,
}

impl RuleBody {
    /// The rule that it asks for.
    ///
    /// # Errors
    /// `validation_failed`.
    pub fn rule(&self, id: AlertId, account_id: AccountId, now: Timestamp) -> Result<Rule, Problem> {
        if self.threshold.get().unsigned_abs() > (MAX_AMOUNT_UNITS * MICROS_PER_UNIT).unsigned_abs() {
            return Err(Problem::field("/threshold", format!("is too large; it may be at most {MAX_AMOUNT_UNITS}")));
        }
        let mut emails = self.channels.emails.clone();
        emails.sort_by(|one, other| one.as_str().cmp(other.as_str()));
        emails.dedup();
        let rule = Rule {
            id,
            account_id,
            subtree: self.subtree,
            metric: self.metric,
            meter: self.meter.clone(),
            period: self.period,
            threshold: self.threshold,
            recurring: self.recurring,
            channels: Channels { webhook: self.channels.webhook, emails },
            enabled: self.enabled,
            created_at: now,
            updated_at: now,
            version: 1,
        };
        rule.validate().map_err(|RuleError(pointer, detail)| Problem::field(pointer, detail))?;
        Ok(rule)
    }
}

/// An account of which an alert fires.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = AlertFiring))]
pub struct FiringView {
    /// The account.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::AccountId))]
    pub account_id: AccountId,
    /// Since when.
    #[serde(serialize_with = "tributary_api::time::millis")]
    pub since: Timestamp,
    /// The value then.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Credit))]
    pub value: Micros,
}

/// An alert.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = Alert))]
pub struct AlertView {
    /// Its id.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::AlertId))]
    pub id: AlertId,
    /// Whose it is, and what it watches.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::AccountId))]
    pub account_id: AccountId,
    /// It watches everything below the account too, each account by itself.
    pub subtree: bool,
    /// What is watched.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::AlertMetric))]
    pub metric: Metric,
    /// Of `usage`: of which meter. Of `loss`: of this one alone.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::MeterKey>, required))]
    pub meter: Option<MeterKey>,
    /// Over which time it is added up.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::AlertPeriod>, required))]
    pub period: Option<Period>,
    /// Where it fires.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Credit))]
    pub threshold: Micros,
    /// It fires at every crossing.
    pub recurring: bool,
    /// Who is told.
    pub channels: ChannelsView,
    /// In force.
    pub enabled: bool,
    /// When it was made.
    #[serde(serialize_with = "tributary_api::time::millis")]
    pub created_at: Timestamp,
    /// When it was changed last.
    #[serde(serialize_with = "tributary_api::time::millis")]
    pub updated_at: Timestamp,
    /// Its version, which is its `ETag`.
    pub version: i64,
}

impl From<&Rule> for AlertView {
    fn from(rule: &Rule) -> Self {
        Self {
            id: rule.id.clone(),
            account_id: rule.account_id.clone(),
            subtree: rule.subtree,
            metric: rule.metric,
            meter: rule.meter.clone(),
            period: rule.period,
            threshold: rule.threshold,
            recurring: rule.recurring,
            channels: ChannelsView { webhook: rule.channels.webhook, emails: rule.channels.emails.clone() },
            enabled: rule.enabled,
            created_at: rule.created_at,
            updated_at: rule.updated_at,
            version: rule.version,
        }
    }
}

/// An alert, and of which accounts it fires.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = AlertNow))]
pub struct AlertNowView {
    /// It.
    #[serde(flatten)]
    pub alert: AlertView,
    /// The accounts of which it fires, at most 100.
    #[cfg_attr(feature = "openapi", schema(max_items = 100))]
    pub firing: Vec<FiringView>,
}

/// What an alert told.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = AlertTurn))]
pub struct TurnView {
    /// The event's id.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::EventId))]
    pub event_id: EventId,
    /// Whether it fired or was resolved.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::AlertTurned))]
    pub turn: Turn,
    /// Of which account.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::AccountId))]
    pub account_id: AccountId,
    /// The value.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Credit))]
    pub value: Micros,
    /// The threshold then.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Credit))]
    pub threshold: Micros,
    /// When.
    #[serde(serialize_with = "tributary_api::time::millis")]
    pub at: Timestamp,
}

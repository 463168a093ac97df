//! Prices and three months of usage: made as time goes by, with the clock set back at first and moved on week by week.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

/// How far back the demo begins.
pub const DAYS: i64 = 92;
/// How many events a day, an account and a meter.
const EVENTS_A_DAY: i64 = 6;

/// A price of the demo: whose, of which meter, in which currency, and how a month's quantity is priced.
pub struct Card {
    /// The seller's handle; empty for the operator.
    pub seller: &'static str,
    /// The meter.
    pub meter: &'static str,
    /// The currency.
    pub currency: &'static str,
    /// The model, as JSON.
    pub model: &'static str,
}

/// What a seller adds to what it pays.
pub struct Markup {
    /// The seller's handle.
    pub seller: &'static str,
    /// By how much, in percent.
    pub percent: &'static str,
    /// In which week.
    pub week: usize,
}

/// Who uses how much.
pub struct User {
    /// The account's handle.
    pub handle: &'static str,
    /// The meter.
    pub meter: &'static str,
    /// On a usual working day, in whole units.
    pub a_day: i64,
    /// Growth in percent over the whole time.
    pub growth: i64,
    /// How busy Saturday and Sunday are, in percent of a working day.
    pub weekend: i64,
    /// The country of its messages.
    pub country: &'static str,
}

/// The operator's meters.
pub const METERS: &[(&str, &str, &str, &str)] = &[("sms", "Text messages", "message", "sum"), ("voice", "Voice minutes", "minute", "sum")];

const GRADUATED: &str = r#"{"type": "graduated", "bands": [
    {"from": "0", "to": "20000", "unit_price": "0.02"}, {"from": "20000", "to": null, "unit_price": "0.017"}]}"#;

/// Prices, the operator's first.
pub const CARDS: &[Card] = &[
    Card { seller: "", meter: "sms", currency: "USD", model: GRADUATED },
    Card { seller: "", meter: "voice", currency: "USD", model: r#"{"type": "flat", "unit_price": "0.011"}"# },
    Card { seller: "", meter: "sms", currency: "EUR", model: r#"{"type": "flat", "unit_price": "0.018"}"# },
    Card { seller: "", meter: "voice", currency: "EUR", model: r#"{"type": "flat", "unit_price": "0.010"}"# },
    Card { seller: "quayside", meter: "sms", currency: "USD", model: r#"{"type": "flat", "unit_price": "0.045"}"# },
    Card { seller: "donau", meter: "sms", currency: "EUR", model: r#"{"type": "package", "size": "100", "price": "3.50"}"# },
];

/// Markups; Northwind raises its own in the eighth week.
pub const MARKUPS: &[Markup] = &[
    Markup { seller: "northwind", percent: "25", week: 0 },
    Markup { seller: "harbor", percent: "15", week: 0 },
    Markup { seller: "lighthouse", percent: "10", week: 0 },
    Markup { seller: "quayside", percent: "20", week: 0 },
    Markup { seller: "alpenblick", percent: "30", week: 0 },
    Markup { seller: "donau", percent: "20", week: 0 },
    Markup { seller: "northwind", percent: "28", week: 8 },
];

const fn uses(handle: &'static str, meter: &'static str, a_day: i64, growth: i64, weekend: i64, country: &'static str) -> User {
    User { handle, meter, a_day, growth, weekend, country }
}

/// Who uses what.
pub const USERS: &[User] = &[
    uses("tidal", "sms", 240, 60, 35, "US"),
    uses("brightside", "sms", 520, 15, 10, "US"),
    uses("brightside", "voice", 160, 10, 5, "US"),
    uses("cedar", "sms", 310, 90, 140, "US"),
    uses("fernway", "sms", 130, 25, 60, "US"),
    uses("oldmill", "sms", 45, -40, 120, "CA"),
    uses("linz", "sms", 420, 20, 80, "AT"),
    uses("seeblick", "sms", 90, 70, 190, "DE"),
    uses("seeblick", "voice", 35, 30, 160, "DE"),
];

/// The packages that Northwind sells.
pub fn packages() -> [Value; 2] {
    [
        json!({"name": "Starter 500", "credits": "500", "bonus": "25", "price": "490", "valid_days": 180}),
        json!({"name": "Growth 5,000", "credits": "5000", "bonus": "500", "price": "4750", "valid_days": 365}),
    ]
}

/// The events of one user from `from` up to `to`: a weekly season, a trend and noise that is the same in every run.
pub fn events(user: &User, account: &str, began: Timestamp, from: Timestamp, to: Timestamp) -> Vec<Value> {
    let step = SignedDuration::from_hours(24 / EVENTS_A_DAY);
    let mut events = Vec::new();
    let mut at = began;
    while at < to {
        if at >= from {
            events.push(event(user, account, began, at));
        }
        at = at.checked_add(step).unwrap_or(to);
    }
    events
}

fn event(user: &User, account: &str, began: Timestamp, at: Timestamp) -> Value {
    let day = at.duration_since(began).as_hours() / 24;
    // 1970 began on a Thursday.
    let weekday = (at.as_second().div_euclid(86_400) + 3).rem_euclid(7);
    let season = if weekday >= 5 { user.weekend } else { 100 };
    let trend = 100 + user.growth * day / DAYS;
    let name = format!("{}-{}-{}", user.handle, user.meter, at.as_second());
    let noise = 80 + i64::from(tributary_domain::ledger::stripe_of(&name, 41));
    let quantity = user.a_day * season * trend * noise / (EVENTS_A_DAY * 1_000_000);
    json!({
        "id": format!("demo-{name}"), "account_id": account, "meter": user.meter, "quantity": quantity.max(0), "occurred_at": at.to_string(),
        "properties": {"country": user.country},
    })
}

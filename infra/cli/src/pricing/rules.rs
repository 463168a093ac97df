//! Rules as tables: meters, cards, markups, promotions, tiers, packages.

use serde_json::Value;

use crate::fields::{Cell, about, brief, listed, parts, rows, short, text};
use crate::output::{Column, amount};

/// Meters, one a line.
pub fn meters(meters: &[Value]) -> String {
    let cells: [Cell; 6] = [
        (Column::Left("KEY"), |row| text(row, "key")),
        (Column::Left("NAME"), |row| text(row, "name")),
        (Column::Left("UNIT"), |row| text(row, "unit")),
        (Column::Left("COUNTS"), |row| {
            let by = text(row, "unique_by");
            if by.is_empty() { text(row, "aggregation") } else { format!("{} {by}", text(row, "aggregation")) }
        }),
        (Column::Left("DIMENSIONS"), |row| text(row, "dimensions")),
        (Column::Left("OF"), |row| if row["inherited"] == true { "above".to_owned() } else { "own".to_owned() }),
    ];
    listed(meters, &cells, "No meters.")
}

/// Rate cards, one a line.
pub fn cards(cards: &[Value]) -> String {
    let cells: [Cell; 8] = [
        (Column::Left("METER"), |row| text(row, "meter")),
        (Column::Left("PRICE"), |row| format!("{} {}", model(&row["model"]), text(row, "currency"))),
        (Column::Left("FOR"), |row| text(row, "account_id")),
        (Column::Left("FROM"), |row| text(row, "effective_from")),
        (Column::Left("UNTIL"), |row| text(row, "effective_until")),
        (Column::Left("STATUS"), |row| text(row, "status")),
        (Column::Left("LOSS"), |row| if row["allow_loss"] == true { "allowed".to_owned() } else { String::new() }),
        (Column::Left("ID"), |row| text(row, "id")),
    ];
    listed(cards, &cells, "No rate cards.")
}

/// Markups, one a line.
pub fn markups(markups: &[Value]) -> String {
    let cells: [Cell; 7] = [
        (Column::Left("METER"), |row| if row["meter"].is_null() { "all".to_owned() } else { text(row, "meter") }),
        (Column::Left("MARKUP"), markup),
        (Column::Left("FOR"), |row| text(row, "account_id")),
        (Column::Left("FROM"), |row| text(row, "effective_from")),
        (Column::Left("UNTIL"), |row| text(row, "effective_until")),
        (Column::Left("STATUS"), |row| text(row, "status")),
        (Column::Left("ID"), |row| text(row, "id")),
    ];
    listed(markups, &cells, "No markups.")
}

/// Promotions, or one that was redeemed, one a line.
pub fn promotions(promotions: &[Value]) -> String {
    let cells: [Cell; 10] = [
        (Column::Left("NAME"), |row| text(row, "name")),
        (Column::Left("OFF"), |row| off(row)),
        (Column::Left("METERS"), |row| text(row, "meters")),
        (Column::Left("FOR"), |row| text(row, "account_id")),
        (Column::Left("CODE"), |row| text(row, "code")),
        (Column::Right("CAP"), |row| brief(row, "cap")),
        (Column::Left("FROM"), |row| text(row, "starts_at")),
        (Column::Left("UNTIL"), |row| if row["ended_at"].is_null() { text(row, "ends_at") } else { text(row, "ended_at") }),
        (Column::Left("STATUS"), |row| text(row, "status")),
        (Column::Left("ID"), |row| text(row, "id")),
    ];
    listed(promotions, &cells, "No promotions.")
}

/// Packages, one a line.
pub fn packages(packages: &[Value]) -> String {
    let cells: [Cell; 9] = [
        (Column::Left("NAME"), |row| text(row, "name")),
        (Column::Right("CREDITS"), |row| brief(row, "credits")),
        (Column::Right("BONUS"), |row| Some(brief(row, "bonus")).filter(|bonus| bonus != "0").unwrap_or_default()),
        (Column::Right("PRICE"), |row| amount(&brief(row, "price"), &text(row, "currency"))),
        (Column::Right("A CREDIT"), |row| brief(row, "price_per_credit")),
        (Column::Right("DAYS"), |row| text(row, "valid_days")),
        (Column::Right("LEFT"), |row| text(row, "remaining")),
        (Column::Left("STATUS"), |row| text(row, "status")),
        (Column::Left("ID"), |row| text(row, "id")),
    ];
    listed(packages, &cells, "No packages.")
}

/// What a seller offers, with its discounts on loose credits.
pub fn offers(offers: &Value) -> String {
    let cells: [Cell; 2] =
        [(Column::Right("LOOSE CREDITS FROM"), |row| brief(row, "from")), (Column::Right("OFF"), |row| percent(row, "discount"))];
    let discounts = rows(offers, "bulk_discounts");
    let discounts = if discounts.is_empty() { String::new() } else { listed(discounts, &cells, "") };
    parts([packages(rows(offers, "packages")), discounts])
}

/// The tiers that an account gives, and where it stands with its own seller.
pub fn tiers(tiers: &Value) -> String {
    let cells: [Cell; 3] = [
        (Column::Left("TIER"), |row| text(row, "name")),
        (Column::Right("FROM"), |row| brief(row, "from")),
        (Column::Right("OFF"), |row| percent(row, "discount")),
    ];
    let gives = match &tiers["as_seller"] {
        Value::Null => String::new(),
        seller => {
            let whose = match seller["source"].as_str() {
                Some("own") => "Tiers for its direct resellers",
                Some("default") => "Tiers for its direct resellers, the ones that come with the platform",
                _ => "",
            };
            match whose {
                "" => "It gives its resellers no tiers.".to_owned(),
                whose => format!("{whose}\n{}", listed(rows(seller, "tiers"), &cells, "No tiers.")),
            }
        }
    };
    let stands = match &tiers["as_buyer"] {
        Value::Null => String::new(),
        buyer => format!("With its own seller\n{}\n{}", standing(buyer), listed(rows(&buyer["table"], "tiers"), &cells, "")),
    };
    parts([gives, stands])
}

fn standing(buyer: &Value) -> String {
    about(
        buyer,
        &[("month", "month"), ("volume", "volume"), ("month before", "previous_volume"), ("tier", "tier"), ("percent off", "discount")],
    ) + &next_tier(&buyer["next"], &text(buyer, "currency"))
}

/// How far the next tier is, on a line of its own; nothing if there is none.
pub fn next_tier(next: &Value, currency: &str) -> String {
    if next.is_null() {
        return String::new();
    }
    let saved = Some(amount(&text(next, "would_save"), currency)).filter(|_| !next["would_save"].is_null());
    let saved = saved.map(|saved| format!("; it would have saved {} this month", saved.trim_end())).unwrap_or_default();
    format!("\n{} more units to {}, {} % off{saved}\n", brief(next, "missing"), text(next, "name"), brief(next, "discount"))
}

/// A price's model in a few words.
pub fn model(model: &Value) -> String {
    let bands = || rows(model, "bands").iter().map(band).collect::<Vec<_>>().join(", ");
    match model["type"].as_str() {
        Some("flat") => brief(model, "unit_price"),
        Some("package") => format!("{} for {}", brief(model, "size"), brief(model, "price")),
        Some("minimum") => format!("{}, at least {}", self::model(&model["model"]), brief(model, "minimum")),
        Some(kind) => format!("{kind}: {}", bands()),
        None => String::new(),
    }
}

fn band(band: &Value) -> String {
    let to = if band["to"].is_null() { "beyond".to_owned() } else { format!("to {}", brief(band, "to")) };
    let fee = Some(brief(band, "flat_fee")).filter(|fee| !fee.is_empty() && fee != "0");
    let fee = fee.map(|fee| format!(" and {fee}")).unwrap_or_default();
    format!("{to} {}{fee}", brief(band, "unit_price"))
}

/// A markup in a few words.
pub fn markup(markup: &Value) -> String {
    match (&markup["percent"], &markup["fixed"]) {
        (Value::String(percent), _) => format!("{}{} %", sign(percent), short(percent)),
        (_, Value::String(fixed)) => format!("{}{} a unit", sign(fixed), short(fixed)),
        _ if markup["end"] == true => "ends".to_owned(),
        _ => String::new(),
    }
}

fn sign(number: &str) -> &'static str {
    if number.starts_with('-') { "" } else { "+" }
}

/// What a promotion takes off, in a few words.
pub fn off(promotion: &Value) -> String {
    match (&promotion["percent"], &promotion["fixed"]) {
        (Value::String(percent), _) => format!("{} %", short(percent)),
        (_, Value::String(fixed)) => format!("{} a unit", short(fixed)),
        _ => String::new(),
    }
}

fn percent(row: &Value, member: &str) -> String {
    format!("{} %", brief(row, member))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_price_is_said_in_a_few_words() {
        assert_eq!(model(&json!({"type": "flat", "unit_price": "0.045"})), "0.045");
        assert_eq!(model(&json!({"type": "package", "size": "100.000000", "price": "1.500000"})), "100 for 1.5");
        let bands =
            json!([{"from": "0", "to": "1000", "unit_price": "0.05"}, {"from": "1000", "to": null, "unit_price": "0.04", "flat_fee": "2"}]);
        assert_eq!(model(&json!({"type": "volume", "bands": bands})), "volume: to 1000 0.05, beyond 0.04 and 2");
        assert_eq!(model(&json!({"type": "minimum", "minimum": "5", "model": {"type": "flat", "unit_price": "0.05"}})), "0.05, at least 5");
    }

    #[test]
    fn a_markup_carries_its_sign() {
        assert_eq!(markup(&json!({"percent": "25", "fixed": null, "end": false})), "+25 %");
        assert_eq!(markup(&json!({"percent": null, "fixed": "-0.01", "end": false})), "-0.01 a unit");
        assert_eq!(markup(&json!({"percent": null, "fixed": null, "end": true})), "ends");
    }

    #[test]
    fn cards_for_one_account_have_a_column_and_those_for_all_have_none() {
        let card = |account: Value| {
            json!({"id": "rcd_1", "meter": "sms", "currency": "USD", "model": {"type": "flat", "unit_price": "0.045"},
                "account_id": account,
                "effective_from": "2026-11-01T00:00:00.000Z", "effective_until": null, "status": "in_force", "allow_loss": false})
        };
        assert_eq!(
            cards(&[card(Value::Null)]),
            "METER  PRICE      FROM                      STATUS    ID\nsms    0.045 USD  2026-11-01T00:00:00.000Z  in_force  rcd_1"
        );
        assert!(cards(&[card(json!("acc_1"))]).contains("FOR"));
        assert_eq!(cards(&[]), "No rate cards.");
    }

    #[test]
    fn tiers_say_how_far_the_next_one_is() {
        let table = json!({"source": "default", "tiers": [{"name": "gold", "from": "25000.000000", "discount": "20"}]});
        let said = tiers(&json!({"account_id": "acc_1", "as_seller": {"source": "none", "tiers": []}, "as_buyer": {
            "table": table, "month": "2026-11", "volume": "6000.000000", "previous_volume": "0.000000", "tier": "silver", "discount": "10",
            "spend": "90.000000", "currency": "USD",
            "next": {"name": "gold", "from": "25000.000000", "discount": "20", "missing": "19000.000000", "would_save": "10.000000"}}}));
        assert!(said.starts_with("It gives its resellers no tiers.\n\nWith its own seller\nmonth"), "{said}");
        assert!(said.contains("19000 more units to gold, 20 % off; it would have saved 10.000000 USD this month"), "{said}");
    }
}

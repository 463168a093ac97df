//! What has been used, why it costs what it costs, and what will probably be used.

use serde_json::Value;

use crate::fields::{Cell, about, brief, listed, parts, rows, text};
use crate::output::{Column, amount, clean};

/// Why an event costs what it costs.
pub fn explained(document: &Value) -> String {
    let (event, rated) = (&document["event"], &document["rated"]);
    let currency = text(rated, "currency");
    let facts = about(
        event,
        &[
            ("event", "id"),
            ("account", "account_id"),
            ("meter", "meter"),
            ("quantity", "quantity"),
            ("occurred", "occurred_at"),
            ("properties", "properties"),
        ],
    );
    let then = about(document, &[("state", "state"), ("reason", "reason"), ("received", "received_at"), ("transfer", "transfer_id")]);
    let month = about(rated, &[("month", "period"), ("adds to it", "contribution")]);
    let level = |level: &Value| {
        let seller = Some(text(level, "seller")).filter(|seller| !seller.is_empty());
        let to = seller.map(|seller| format!(" pays {seller}")).unwrap_or_else(|| " pays".to_owned());
        let head = format!(
            "{}{to} {}, at {} of the month",
            text(level, "payer"),
            amount(&text(level, "amount"), &currency),
            brief(level, "position")
        );
        let steps = rows(level, "steps").iter().map(|step| format!("\n  {}", clean(&text(step, "detail"))));
        format!("{}{}", clean(&head), steps.collect::<String>())
    };
    let levels: Vec<String> = rows(rated, "levels").iter().map(level).collect();
    parts([facts, then, month, levels.join("\n\n")])
}

const MONEY: [Cell; 5] = [
    (Column::Right("EVENTS"), |row| text(row, "events")),
    (Column::Right("COST"), |row| text(row, "cost")),
    (Column::Right("PRICE"), |row| text(row, "price")),
    (Column::Right("MARGIN"), |row| text(row, "margin")),
    (Column::Left(""), |row| text(row, "currency")),
];

/// The columns of what is said in front of the money.
fn with_money(before: &[Cell]) -> Vec<Cell> {
    before.iter().chain(&MONEY).copied().collect()
}

/// A report, and the totals on its first page.
pub fn reported(report: &[Value], first: &Value) -> String {
    let cells = with_money(&[
        (Column::Left("FROM"), |row| period(&text(row, "period_start"))),
        (Column::Left("ACCOUNT"), |row| text(row, "account_id")),
        (Column::Left("TAG"), |row| text(row, "tag")),
        (Column::Left("DIMENSION"), |row| text(row, "dimension")),
        (Column::Left("METER"), |row| text(row, "meter")),
        (Column::Right("QUANTITY"), |row| brief(row, "quantity")),
        (Column::Left("UNIT"), |row| text(row, "unit")),
    ]);
    let whole = with_money(&[(Column::Left("TOGETHER"), |_| "all of it".to_owned())]);
    parts([listed(report, &cells, "No usage."), listed(rows(first, "totals"), &whole, "")])
}

/// A period's beginning without the hours that are none.
fn period(time: &str) -> String {
    time.strip_suffix("T00:00:00.000Z").or(time.strip_suffix(":00.000Z")).unwrap_or(time).to_owned()
}

/// The summary.
pub fn summed(summary: &Value) -> String {
    let times = [("today", "today"), ("this month", "this_month"), ("last month", "last_month"), ("… to this day", "last_month_to_date")];
    let named = |(name, member): (&str, &str)| {
        rows(&summary[member], "money")
            .iter()
            .cloned()
            .map(move |mut row| {
                row["when"] = Value::String(name.to_owned());
                row
            })
            .collect::<Vec<_>>()
    };
    let when: Vec<Value> = times.into_iter().flat_map(named).collect();
    let periods = with_money(&[(Column::Left("WHEN"), |row| text(row, "when"))]);
    let change: Vec<String> = rows(summary, "change").iter().map(changed).filter(|line| !line.is_empty()).collect();
    let meters = with_money(&[
        (Column::Left("METER"), |row| text(row, "meter")),
        (Column::Right("QUANTITY"), |row| brief(row, "quantity")),
        (Column::Left("UNIT"), |row| text(row, "unit")),
    ]);
    let accounts: [Cell; 4] = [
        (Column::Left("ACCOUNT"), |row| text(row, "name")),
        (Column::Right("PRICE"), |row| text(row, "price")),
        (Column::Left(""), |row| text(row, "currency")),
        (Column::Left("ID"), |row| text(row, "account_id")),
    ];
    let tier = match &summary["tier"] {
        Value::Null => String::new(),
        tier => tier_line(tier),
    };
    parts([
        about(summary, &[("account", "account_id"), ("month", "period")]),
        listed(&when, &periods, "No usage."),
        change.join("\n"),
        listed(rows(summary, "top_meters"), &meters, ""),
        listed(rows(summary, "top_accounts"), &accounts, ""),
        tier,
    ])
}

fn changed(change: &Value) -> String {
    let percents = [("events", "events"), ("cost", "cost"), ("price", "price")].into_iter().filter_map(|(name, member)| {
        let percent = text(change, member);
        let sign = if percent.starts_with('-') { "" } else { "+" };
        (!percent.is_empty()).then(|| format!("{name} {sign}{percent} %"))
    });
    let said: Vec<String> = percents.collect();
    if said.is_empty() {
        String::new()
    } else {
        format!("against last month to this day, in {}: {}", text(change, "currency"), said.join(", "))
    }
}

fn tier_line(tier: &Value) -> String {
    let now = format!("tier {}, {} % off, at a volume of {}", text(tier, "name"), brief(tier, "discount"), brief(tier, "volume"));
    let next = &tier["next"];
    if next.is_null() {
        return clean(&now);
    }
    clean(&format!("{now}; {} more units to {}, {} % off", brief(next, "missing"), text(next, "name"), brief(next, "discount")))
}

/// A forecast.
pub fn foreseen(forecast: &Value) -> String {
    let what = match forecast["of"].as_str() {
        Some("quantity") => format!("{}, in units of {}", text(forecast, "meter"), text(forecast, "unit")),
        Some("price") => format!("what you are paid, {}", text(forecast, "currency")),
        _ => format!("what you pay, {}", text(forecast, "currency")),
    };
    let facts = about(forecast, &[("account", "account_id")]) + "\n" + &clean(&format!("of       {what}"));
    let history = &forecast["history"];
    let points = &forecast["forecast"];
    let days: [Cell; 4] = [
        (Column::Left("DAY"), |row| text(row, "date")),
        (Column::Right("EXPECTED"), |row| brief(row, "mean")),
        (Column::Right("80 % WITHIN"), |row| within(row, "80")),
        (Column::Right("95 % WITHIN"), |row| within(row, "95")),
    ];
    let table = if points.is_null() {
        format!(
            "There is no forecast: usage on {} days is known, and {} are needed. A day had {} so far.",
            text(history, "days_with_usage"),
            text(history, "days_needed"),
            brief(history, "mean")
        )
    } else {
        listed(rows(points, "points"), &days, "No days.")
    };
    let made = match points {
        Value::Null => String::new(),
        points => format!("by {}, with {} days of history{}", text(points, "model"), text(history, "days"), error(&points["backtest"])),
    };
    let warnings: Vec<String> = rows(points, "warnings").iter().map(|warning| clean(&text(warning, "detail"))).collect();
    parts([
        facts,
        table,
        clean(&made),
        warnings.join("\n"),
        month(forecast),
        empty(&forecast["time_to_empty"], &text(forecast, "currency")),
    ])
}

fn within(row: &Value, percent: &str) -> String {
    format!("{} – {}", brief(row, &format!("lo{percent}")), brief(row, &format!("hi{percent}")))
}

/// How wrong the model would have been on the past.
fn error(backtest: &Value) -> String {
    match text(backtest, "mae") {
        none if none.is_empty() => String::new(),
        _ => format!("; on the past it was wrong by {} a day", brief(backtest, "mae")),
    }
}

/// The month as it will be.
fn month(forecast: &Value) -> String {
    let month = &forecast["month"];
    let row = |name: &str, member: &str| {
        let mut row = month[member].clone();
        row["what"] = Value::String(name.to_owned());
        row["so_far"] = month["so_far"][member].clone();
        row
    };
    let known = |member: &&(&str, &str)| !month[member.1].is_null() || !month["so_far"][member.1].is_null();
    let rows: Vec<Value> = [("quantity", "quantity"), ("cost", "cost"), ("price", "price")]
        .iter()
        .filter(known)
        .map(|(name, member)| row(name, member))
        .collect();
    let cells: [Cell; 5] = [
        (Column::Left("MONTH"), |row| text(row, "what")),
        (Column::Right("SO FAR"), |row| brief(row, "so_far")),
        (Column::Right("AT ITS END"), |row| brief(row, "mean")),
        (Column::Right("80 % WITHIN"), |row| if row["lo80"].is_null() { String::new() } else { within(row, "80") }),
        (Column::Right("95 % WITHIN"), |row| if row["lo95"].is_null() { String::new() } else { within(row, "95") }),
    ];
    listed(&rows, &cells, "")
}

/// When the credit is used up.
fn empty(empty: &Value, currency: &str) -> String {
    if empty.is_null() {
        return String::new();
    }
    let has = amount(&text(empty, "spendable"), currency);
    let day = |member: &str| Some(text(empty, member)).filter(|day| !day.is_empty());
    let through = text(empty, "through");
    let when = match (empty["state"].as_str(), day("earliest"), day("mean"), day("latest")) {
        (Some("empty"), ..) => "is used up".to_owned(),
        (_, None, None, None) if through.is_empty() => "lasts for as long as can be said".to_owned(),
        (_, None, None, None) => format!("lasts beyond {through}"),
        (_, earliest, mean, latest) => {
            let or_later = |day: Option<String>| day.unwrap_or_else(|| format!("after {through}"));
            format!("lasts until {} (between {} and {})", or_later(mean), or_later(earliest), or_later(latest))
        }
    };
    clean(&format!("the credit of {has} {when}"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_explanation_names_who_pays_whom_and_each_step() {
        let level = json!({"payer": "acc_1", "seller": "acc_2", "price": "0.135000", "amount": "0.135000", "position": "100.000000",
            "steps": [{"rule": "card", "detail": "card rcd_1, flat: 3 × 0.045 = 0.135000", "amount": "0.135000"}]});
        let text = explained(&json!({"event": {"id": "e1", "account_id": "acc_1", "meter": "sms", "quantity": "3.000000",
                "occurred_at": "2026-11-22T15:16:00.000Z"},
            "state": "counted", "received_at": "2026-11-22T15:16:01.000Z", "transfer_id": "txf_1",
            "rated": {"period": "2026-11", "contribution": "3.000000", "currency": "USD", "levels": [level]}}));
        assert!(
            text.ends_with("\n\nacc_1 pays acc_2 0.135000 USD, at 100 of the month\n  card rcd_1, flat: 3 × 0.045 = 0.135000"),
            "{text}"
        );
        assert!(text.contains("state     counted\n") && !text.contains("reason"), "{text}");
    }

    #[test]
    fn a_report_shows_only_columns_that_say_something_and_its_totals() {
        let row = json!({"period_start": "2026-11-01T00:00:00.000Z", "quantity": "3.000000", "unit": "message",
            "currency": "USD", "events": 1,
            "cost": "1.000000", "price": null, "margin": null});
        let text = reported(std::slice::from_ref(&row), &json!({"totals": [row]}));
        assert_eq!(
            text,
            "FROM        QUANTITY  UNIT     EVENTS      COST\n2026-11-01         3  message       1  1.000000  USD\n\n\
             TOGETHER   EVENTS      COST\nall of it       1  1.000000  USD"
        );
        assert_eq!(reported(&[], &json!({"totals": []})), "No usage.");
        assert_eq!(
            (period("2026-11-01T05:00:00.000Z"), period("2026-11-01T00:00:00.000Z")),
            ("2026-11-01T05:00".to_owned(), "2026-11-01".to_owned())
        );
    }

    #[test]
    fn too_little_history_is_said_and_so_is_credit_that_ends() {
        let text = foreseen(&json!({"account_id": "acc_1", "meter": "sms", "of": "quantity", "unit": "message", "currency": "USD",
            "history": {"days": 3, "days_with_usage": 3, "days_needed": 7, "mean": "2.500000"}, "forecast": null,
            "month": {"so_far": {"quantity": "7.500000", "cost": "1.000000", "price": null}, "quantity": null, "cost": null, "price": null},
            "time_to_empty": {"state": "lasts", "spendable": "9.000000", "earliest": "2026-12-01", "mean": "2026-12-03",
                "latest": null, "through": "2027-01-03"}}));
        assert!(text.contains("usage on 3 days is known, and 7 are needed. A day had 2.5 so far."), "{text}");
        assert!(text.contains("quantity     7.5"), "{text}");
        assert!(text.ends_with("lasts until 2026-12-03 (between 2026-12-01 and after 2027-01-03)"), "{text}");
    }
}

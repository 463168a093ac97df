//! What prices would be: quotes, the rules behind them, and another month that might have been.

use serde_json::Value;

use super::rules;
use crate::fields::{Cell, about, brief, listed, parts, rows, text};
use crate::output::{Column, amount, amounts, change, clean};

/// A quote: what each line costs, and who would pay whom how much.
pub fn quoted(quoted: &Value, why: bool) -> String {
    let currency = text(quoted, "currency");
    let facts = about(quoted, &[("account", "account_id"), ("at", "at"), ("month", "period")]);
    let lines: Vec<String> = rows(quoted, "lines").iter().map(|line| quoted_line(line, &currency, why)).collect();
    let sum = amounts([("together", amount(&text(quoted, "price"), &currency)), ("moves", amount(&text(quoted, "amount"), &currency))]);
    parts([facts, lines.join("\n\n"), sum])
}

fn quoted_line(line: &Value, currency: &str, why: bool) -> String {
    let head = format!(
        "{} {} at {} of the month: {}",
        brief(line, "quantity"),
        text(line, "meter"),
        brief(line, "position"),
        amount(&text(line, "price"), currency)
    );
    format!("{}\n{}", clean(&head), levels(rows(line, "levels"), why))
}

/// Levels, the using account's first, with the steps that made each price if they are asked for.
fn levels(levels: &[Value], why: bool) -> String {
    let cells: [Cell; 8] = [
        (Column::Left("PAYS"), |row| text(row, "payer_id")),
        (Column::Left("RULE"), |row| text(&row["rule"], "kind")),
        (Column::Left("TIER"), |row| text(&row["tier"], "name")),
        (Column::Left("PROMOTION"), |row| text(&row["promotion"], "id")),
        (Column::Right("PRICE"), |row| text(row, "price")),
        (Column::Right("ITS SELLER'S COST"), |row| text(row, "cost")),
        (Column::Right("MARGIN"), |row| text(row, "margin")),
        (Column::Right("MOVES"), |row| text(row, "amount")),
    ];
    let table = listed(levels, &cells, "Nobody pays for it.");
    if why {
        format!("{table}\n{}", levels.iter().map(|level| explained(level, "payer_id", "explanation")).collect::<Vec<_>>().join("\n"))
    } else {
        table
    }
}

/// The steps of a level, one a line, below who pays.
pub fn explained(level: &Value, payer: &str, steps: &str) -> String {
    let steps = rows(level, steps).iter().map(|step| format!("\n  {}", clean(&text(step, "detail"))));
    format!("{}{}", clean(&text(level, payer)), steps.collect::<String>())
}

/// The rules of a price.
pub fn resolved(resolved: &Value, why: bool) -> String {
    let facts = about(
        resolved,
        &[("account", "account_id"), ("meter", "meter"), ("at", "at"), ("currency", "currency"), ("you pay a unit", "you_pay")],
    );
    let cells: [Cell; 5] = [
        (Column::Left("PAYS"), |row| text(row, "payer_id")),
        (Column::Left("RULE"), |row| text(&row["rule"], "kind")),
        (Column::Left("SAYS"), |row| if row["model"].is_null() { rules::markup(&row["markup"]) } else { rules::model(&row["model"]) }),
        (Column::Right("NEXT UNIT"), |row| brief(row, "next_unit")),
        (Column::Left("RULE'S ID"), |row| text(&row["rule"], "id")),
    ];
    let levels = rows(resolved, "levels");
    let steps = if why {
        levels.iter().map(|level| explained(level, "payer_id", "explanation")).collect::<Vec<_>>().join("\n")
    } else {
        String::new()
    };
    let cells_of_promotions: [Cell; 5] = [
        (Column::Left("PROMOTION"), |row| text(row, "name")),
        (Column::Left("OFF"), rules::off),
        (Column::Left("CODE"), |row| text(row, "code")),
        (Column::Left("UNTIL"), |row| text(row, "ends_at")),
        (Column::Left("ID"), |row| text(row, "id")),
    ];
    parts([facts, listed(levels, &cells, "Nobody pays for it."), steps, listed(rows(resolved, "promotions"), &cells_of_promotions, "")])
}

/// A month beside what it would have been.
pub fn compared(answer: &Value) -> String {
    let currency = text(answer, "currency");
    let facts = about(answer, &[("seller", "seller_id"), ("month", "month"), ("priced anew", "repriced")]);
    let total = &answer["total"];
    let of = |when: &str, what: &str| amount(&text(&total[when], what), &currency);
    let sums = amounts([
        ("revenue was", of("before", "revenue")),
        ("would be", of("after", "revenue")),
        ("difference", change(&text(total, "difference"), &currency)),
        ("margin was", of("before", "margin")),
        ("would be", of("after", "margin")),
    ]);
    let loss = if total["under_cost"] == true { "Some of it would be sold under cost." } else { "" };
    let compared: [Cell; 6] = [
        (Column::Left("METER"), |row| text(row, "meter")),
        (Column::Left("ACCOUNT"), |row| text(row, "account_id")),
        (Column::Right("EVENTS"), |row| text(row, "events")),
        (Column::Right("REVENUE WAS"), |row| text(&row["before"], "revenue")),
        (Column::Right("WOULD BE"), |row| text(&row["after"], "revenue")),
        (Column::Right("DIFFERENCE"), |row| text(row, "difference")),
    ];
    parts([facts, sums, loss.to_owned(), listed(rows(answer, "meters"), &compared, ""), listed(rows(answer, "accounts"), &compared, "")])
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn quote() -> Value {
        let level = json!({"payer_id": "acc_1", "seller_id": "acc_2", "rule": {"kind": "card", "id": "rcd_1", "from": null},
            "tier": null, "promotion": null,
            "price": "45.000000", "cost": "22.021120", "margin": "22.978880", "amount": "45.000000",
            "explanation": [{"rule": "card", "detail": "card rcd_1, flat: 1,000 × 0.045 = 45.000000", "amount": "45.000000"}]});
        json!({"account_id": "acc_1", "at": "2026-11-23T01:14:34.637Z", "period": "2026-11", "currency": "USD",
            "price": "45.000000", "amount": "45.000000",
            "lines": [{"meter": "sms", "quantity": "1000.000000", "position": "6336.000000", "price": "45.000000", "levels": [level]}]})
    }

    #[test]
    fn a_quote_says_who_pays_and_on_request_why() {
        let text = quoted(&quote(), false);
        assert!(
            text.contains(
                "\n1000 sms at 6336 of the month: 45.000000 USD\nPAYS   RULE      PRICE  ITS SELLER'S COST     MARGIN      MOVES\n"
            ),
            "{text}"
        );
        assert!(!text.contains("TIER") && !text.contains("0.045 ="), "{text}");
        let text = quoted(&quote(), true);
        assert!(text.contains("\nacc_1\n  card rcd_1, flat: 1,000 × 0.045 = 45.000000\n"), "{text}");
    }

    #[test]
    fn a_comparison_shows_the_change_with_its_sign_and_a_loss() {
        let takings = |revenue: &str, margin: &str| json!({"revenue": revenue, "cost": "1.000000", "margin": margin});
        let total = json!({"events": 3, "before": takings("2.000000", "1.000000"), "after": takings("0.500000", "-0.500000"),
            "difference": "-1.500000", "under_cost": true});
        let text = compared(&json!({"seller_id": "acc_1", "month": "2026-10", "currency": "USD", "repriced": 3,
                "total": total, "meters": [], "accounts": []}));
        assert!(text.contains("difference   -1.500000 USD") && text.ends_with("Some of it would be sold under cost."), "{text}");
    }
}

//! What is written of an event, in words.

use tributary_domain::account::Account;
use tributary_domain::brand::BrandInForce;
use tributary_domain::event::{Event, EventKind, RecordKind};
pub use tributary_letters::Letter;

/// The letter of an event to an account; `None` if nothing is written of such events.
pub fn of(event: &Event, account: &Account, brand: &BrandInForce) -> Option<Letter> {
    let EventKind::Record(kind) = event.kind else { return None };
    let text = |name: &str| match &event.data[name] {
        serde_json::Value::Null => None,
        serde_json::Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    };
    let facts = |names: &[(&'static str, &'static str)]| names.iter().filter_map(|(name, member)| Some((*name, text(member)?))).collect();
    let (name, sender) = (account.name.as_str(), brand.name.as_str());
    let alert = [("Measured", "metric"), ("Meter", "meter"), ("Period", "period"), ("Threshold", "threshold"), ("Now", "value")];
    let letter = match kind {
        RecordKind::AlertFired => Letter {
            subject: format!("Alert: {} of {name}", measured(&event.data)),
            paragraphs: vec![format!("What an alert watches at {name} has crossed its threshold.")],
            facts: facts(&alert),
            link: None,
            optional: true,
        },
        RecordKind::AlertResolved => Letter {
            subject: format!("Resolved: {} of {name}", measured(&event.data)),
            paragraphs: vec![format!("What an alert watches at {name} is back on the right side of its threshold.")],
            facts: facts(&alert),
            link: None,
            optional: true,
        },
        RecordKind::NotificationSent => Letter {
            subject: text("subject")?,
            paragraphs: text("text")?.split("\n\n").map(str::to_owned).collect(),
            facts: Vec::new(),
            link: None,
            optional: true,
        },
        RecordKind::WebhookDisabled => Letter {
            subject: format!("A webhook of {name} was switched off"),
            paragraphs: vec![
                match event.data["reason"].as_str() {
                    Some("gone") => "An endpoint answered that it is gone (410), and is sent nothing any more.".to_owned(),
                    _ => "An endpoint took nothing for three days, and is sent nothing any more.".to_owned(),
                },
                "When it works again, enable it and replay what it missed: deliveries are kept for 30 days.".to_owned(),
            ],
            facts: facts(&[("Endpoint", "url"), ("Webhook", "webhook_id")]),
            link: None,
            optional: false,
        },
        RecordKind::AutoTopupStopped => Letter {
            subject: format!("{name} is no longer topped up"),
            paragraphs: vec![
                format!("Topping {name} up failed time and again, so it is no longer tried. Without credit, what it uses will be refused."),
                format!("Look at the reason, then set auto-topup anew, or ask {sender}."),
            ],
            facts: facts(&[("Reason", "reason"), ("Failures", "failures")]),
            link: None,
            optional: false,
        },
        _ => return None,
    };
    Some(Letter { subject: one_line(&letter.subject), ..letter })
}

/// The letter with a link to sign in. At a portal it names the account; elsewhere none, since anybody may make an address a member of an account
/// that is called as they like.
pub fn sign_in(at_portal: Option<&Account>, brand: &BrandInForce, link: String) -> Letter {
    let sender = brand.name.as_str();
    let name = at_portal.map(|account| account.name.as_str()).filter(|name| *name != sender);
    let at = name.map_or_else(|| sender.to_owned(), |name| format!("{sender} ({name})"));
    Letter {
        subject: one_line(&format!("Sign in to {sender}")),
        paragraphs: vec![
            format!("Somebody, most likely you, asked for a link to sign in at {at}. It works once, for fifteen minutes."),
            "If it was not you, do nothing: without this mail nobody signs in, and nothing was changed.".to_owned(),
        ],
        facts: Vec::new(),
        link: Some(("Sign in", link)),
        optional: false,
    }
}

fn measured(data: &serde_json::Value) -> &'static str {
    match data["metric"].as_str() {
        Some("balance") => "balance",
        Some("spend") => "spending",
        Some("usage") => "usage",
        Some("time_to_empty") => "time until credit is used up",
        Some("loss") => "loss",
        _ => "state",
    }
}

/// A text without what would end a header.
fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(200).collect::<String>().trim().to_owned()
}

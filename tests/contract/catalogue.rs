//! Events: the catalogue and its document are one, and what is told of each kind is a golden file.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use serde_json::Value;
use tributary_domain::event::{Audience, Event, EventKind, RecordKind};

use super::events::seeded;
use super::generated::root;
use crate::golden::golden;
use crate::support::events::tell;

/// Where the tables begin and end in the document.
const MARKS: [&str; 2] = ["<!-- catalogue -->\n", "<!-- end of catalogue -->"];

fn row(table: &mut String, kind: EventKind) {
    let members = kind.members().iter().map(|member| format!("`{member}`")).collect::<Vec<_>>().join(", ");
    let to = match kind.audience() {
        Audience::Account => "the account",
        Audience::Seller => "the seller",
        Audience::Operator => "the operator",
        Audience::Person => "the person that it is mailed to",
        Audience::Nobody => "nobody",
    };
    // Movements of credit have the same members, which stand above their table.
    let members = if matches!(kind, EventKind::Credit(_)) { String::new() } else { format!(" {members} |") };
    writeln!(table, "| `{}` | {} | {to} |{members}", kind.word(), kind.about()).expect("text");
}

/// The tables as the catalogue makes them.
fn tables() -> String {
    let mut text = String::from("\n| event | what happened | told to |\n| --- | --- | --- |\n");
    let (credit, records): (Vec<_>, Vec<_>) = EventKind::catalogue().partition(|kind| matches!(kind, EventKind::Credit(_)));
    credit.into_iter().for_each(|kind| row(&mut text, kind));
    text.push_str("\n| event | what happened | told to | members of `data` |\n| --- | --- | --- | --- |\n");
    records.into_iter().for_each(|kind| row(&mut text, kind));
    text.push('\n');
    text
}

#[test]
fn the_document_lists_every_event_as_the_catalogue_has_it() {
    let path = root().join("docs/events.md");
    let page = std::fs::read_to_string(&path).expect("docs/events.md");
    let (before, rest) = page.split_once(MARKS[0]).expect("the beginning of the catalogue");
    let (written, after) = rest.split_once(MARKS[1]).expect("its end");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, [before, MARKS[0], &tables(), MARKS[1], after].concat()).expect("written");
        return;
    }
    assert_eq!(written, tables(), "UPDATE_GOLDEN=1 writes it anew");
    let credit = EventKind::catalogue().next().expect("an event");
    for member in credit.members() {
        assert!(before.contains(&format!("`{member}`")), "docs/events.md does not say what {member} is");
    }
}

#[test]
fn every_kind_has_a_word_of_its_own_that_reads_back() {
    let all = RecordKind::ALL.iter().map(|kind| EventKind::Record(*kind)).chain(EventKind::catalogue());
    let words: BTreeMap<String, EventKind> = all.map(|kind| (kind.word(), kind)).collect();
    for (word, kind) in &words {
        let shape = |part: &str| !part.is_empty() && part.chars().all(|c| c.is_ascii_lowercase() || c == '_');
        assert!(word.split('.').count() == 2 && word.split('.').all(shape), "{word}");
        assert_eq!(word.parse(), Ok(*kind), "{word} is of two kinds");
        assert!(matches!(kind.audience(), Audience::Person | Audience::Nobody) || kind.about().ends_with('.'), "{word} is not explained");
        let family = word.split_once('.').expect("two parts").0;
        assert!(kind.is_in(word) && kind.is_in("*") && kind.is_in(&format!("{family}.*")) && !kind.is_in(family), "{word}");
    }
    let records = words.values().filter(|kind| matches!(kind, EventKind::Record(_))).count();
    assert_eq!(records, RecordKind::ALL.len());
    assert!("credit.opened".parse::<EventKind>().is_err() && "".parse::<EventKind>().is_err());
}

/// What is told: one event of each kind that the world of the sample events has, the first.
#[tokio::test]
async fn what_is_told_of_each_kind_is_as_written_down() {
    let (w, s, _) = seeded().await;
    let inside = w.target.inside("the stream").expect("in this process");
    let told = tell(inside).await;
    let mut first: BTreeMap<String, Event> = BTreeMap::new();
    for event in &told {
        first.entry(event.kind.word()).or_insert_with(|| event.clone());
    }
    let text = serde_json::to_string_pretty(&first.values().collect::<Vec<_>>()).expect("JSON") + "\n";
    golden("contract/payloads.json", &text);
    for event in &told {
        let members: BTreeSet<&str> = event.data.as_object().expect("an object").keys().map(String::as_str).collect();
        let known: BTreeSet<&str> = event.kind.members().iter().copied().collect();
        assert!(members.is_subset(&known), "{} tells {members:?}, which is not in {known:?}", event.kind.word());
        let wire: Value = serde_json::from_str(&event.to_json()).expect("JSON");
        assert_eq!(&serde_json::from_value::<Event>(wire).expect("it reads back"), event);
    }
    // The event of an entry tells what the history shows of it, and the balance.
    let history = s.owner.get(&format!("/reseller/credits/history?account_id={}&limit=100", s.child)).send().await.is(200);
    let of_child: Vec<&Event> = told.iter().filter(|event| event.account_id.as_str() == s.child && event.sequence.is_some()).collect();
    let shown = history["data"].as_array().expect("entries");
    assert_eq!(of_child.len(), shown.len());
    for (event, shown) in of_child.iter().rev().zip(shown) {
        let mut data = event.data.clone();
        let balance = ["available", "held", "credit_limit"].map(|name| data.as_object_mut().expect("an object").remove(name));
        assert_eq!(&data, shown);
        assert_eq!(balance[0..2], [Some(shown["balance_after"].clone()), Some(shown["held_after"].clone())]);
        assert_eq!(event.kind.word(), format!("credit.{}", shown["kind"].as_str().expect("a kind")));
    }
    let newest = s.owner.get(&format!("/reseller/credits/balance?account_id={}", s.child)).send().await.is(200);
    let last = of_child.last().expect("an event");
    for name in ["available", "held", "credit_limit"] {
        assert_eq!(last.data[name], newest[name], "{name}");
    }
}

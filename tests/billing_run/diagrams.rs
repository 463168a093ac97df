//! The state machines in `docs/billing.md`, drawn from the tables that the domain prints.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;

fn root() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

/// `TakeUp` as `take up`.
fn words(name: &str) -> String {
    let mut all = String::new();
    for letter in name.chars() {
        if letter.is_uppercase() && !all.is_empty() {
            all.push(' ');
        }
        all.extend(letter.to_lowercase());
    }
    all
}

/// One machine: each change that is allowed is an arrow; what changes nothing is left out.
fn drawn(table: &str) -> String {
    let mut arrows: BTreeMap<(usize, String, String), Vec<String>> = BTreeMap::new();
    let (mut order, mut first) = (Vec::new(), None);
    for line in table.lines() {
        let mut parts = line.split_whitespace();
        let (Some(from), Some(change), Some("->"), Some(to)) = (parts.next(), parts.next(), parts.next(), parts.next()) else { continue };
        if !order.contains(&from) {
            order.push(from);
        }
        first.get_or_insert(from);
        if to != "refused" && to != from {
            let at = order.iter().position(|state| *state == from).unwrap_or(0);
            arrows.entry((at, from.to_owned(), to.to_owned())).or_default().push(words(change));
        }
    }
    let mut all = "```mermaid\nstateDiagram-v2\n".to_owned();
    let _ = writeln!(all, "  [*] --> {}", first.unwrap_or_default());
    for ((_, from, to), changes) in &arrows {
        let _ = writeln!(all, "  {from} --> {to}: {}", changes.join(", "));
    }
    for state in order.iter().filter(|state| !arrows.keys().any(|(_, from, _)| from == *state)) {
        let _ = writeln!(all, "  {state} --> [*]");
    }
    all + "```"
}

#[test]
fn the_state_machines_of_the_documentation_are_those_of_the_domain() {
    let path = root().join("docs/billing.md");
    let mut document = std::fs::read_to_string(&path).expect("the document");
    let before = document.clone();
    for machine in ["invoice", "payment", "dispute", "run"] {
        let table = std::fs::read_to_string(root().join(format!("shared/domain/src/billing/{machine}.txt"))).expect("the table");
        let (begin, end) = (format!("<!-- {machine} -->\n"), format!("\n<!-- /{machine} -->"));
        let (head, rest) = document.split_once(&begin).unwrap_or_else(|| panic!("docs/billing.md has no place for {machine}"));
        let (_, tail) = rest.split_once(&end).expect("its end");
        document = format!("{head}{begin}{}{end}{tail}", drawn(&table));
    }
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, document).expect("written");
    } else {
        assert!(document == before, "docs/billing.md draws other machines than the domain's; UPDATE_GOLDEN=1 mends it");
    }
}

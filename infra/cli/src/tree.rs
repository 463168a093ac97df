//! A tree of accounts, drawn with box characters.

use std::collections::{BTreeMap, BTreeSet};

use crate::accounts::Account;
use crate::output::{Column, Style, table};

/// Draws `root` and those of `below` that are at most `depth` levels under it; what lies deeper is counted.
pub fn draw(root: &Account, below: &[Account], depth: Option<usize>, style: Style) -> String {
    let tree = Tree::of(root, below);
    let mut drawing = Drawing { tree: &tree, deepest: depth, lines: Vec::new() };
    drawing.node(root, "", "", 0);
    let rows = drawing.lines.iter().map(|line| match line {
        Line::Account(account, name) => {
            vec![name.clone(), account.kind.clone(), account.currency.clone(), account.state(), account.id.clone()]
        }
        Line::More(text) => vec![text.clone()],
    });
    let shown = table(&[Column::Left(""); 5], rows);
    let emphasised = shown.iter().zip(&drawing.lines).map(|(text, line)| match line {
        Line::Account(account, _) if account.effective_status == "active" => text.clone(),
        Line::Account(..) => style.yellow(text),
        Line::More(_) => style.dim(text),
    });
    emphasised.collect::<Vec<_>>().join("\n")
}

/// Accounts by the one they hang under.
struct Tree<'a> {
    children: BTreeMap<&'a str, Vec<&'a Account>>,
}

impl<'a> Tree<'a> {
    fn of(root: &'a Account, below: &'a [Account]) -> Self {
        let known: BTreeSet<&str> = below.iter().map(|account| account.id.as_str()).collect();
        let mut children: BTreeMap<&str, Vec<&Account>> = BTreeMap::new();
        for account in below {
            // An ancestor that may not be seen is left out of the list; its children hang under the next one above.
            let above = account.path.rsplit('/').skip(1).find(|id| known.contains(id)).unwrap_or(&root.id);
            children.entry(above).or_default().push(account);
        }
        Self { children }
    }

    fn children(&self, id: &str) -> &[&'a Account] {
        self.children.get(id).map_or(&[], Vec::as_slice)
    }

    fn count_below(&self, id: &str) -> usize {
        self.children(id).iter().map(|child| 1 + self.count_below(&child.id)).sum()
    }
}

enum Line<'a> {
    Account(&'a Account, String),
    More(String),
}

struct Drawing<'a> {
    tree: &'a Tree<'a>,
    deepest: Option<usize>,
    lines: Vec<Line<'a>>,
}

impl<'a> Drawing<'a> {
    /// One account after `branch`, and what is below it, each after `indent`.
    fn node(&mut self, account: &'a Account, branch: &str, indent: &str, level: usize) {
        self.lines.push(Line::Account(account, format!("{branch}{}", account.name)));
        let tree = self.tree;
        let children = tree.children(&account.id);
        if self.deepest == Some(level) && !children.is_empty() {
            self.lines.push(Line::More(format!("{indent}└── … {} more", tree.count_below(&account.id))));
            return;
        }
        for (at, child) in children.iter().enumerate() {
            let (turn, go_on) = if at + 1 == children.len() { ("└── ", "    ") } else { ("├── ", "│   ") };
            self.node(child, &format!("{indent}{turn}"), &format!("{indent}{go_on}"), level + 1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account(path: &str) -> Account {
        let id = path.rsplit('/').next().unwrap_or_default();
        let document = serde_json::json!({
            "id": id, "path": path, "depth": 1, "kind": "reseller", "name": id.to_uppercase(), "status": "active",
            "effective_status": "active", "currency": "USD", "tier": "standard", "credit_limit": "0.000000", "children": 0,
            "version": 1, "created_at": "", "updated_at": "",
        });
        serde_json::from_value(document).expect("an account")
    }

    fn drawn(root: &str, below: &[&str], depth: Option<usize>) -> Vec<String> {
        let below: Vec<Account> = below.iter().map(|path| account(path)).collect();
        let text = draw(&account(root), &below, depth, Style::PLAIN);
        // The first column is what this is about.
        text.lines().map(|line| line.split("  reseller").next().unwrap_or_default().trim_end().to_owned()).collect()
    }

    #[test]
    fn branches_go_on_as_long_as_siblings_follow() {
        assert_eq!(
            drawn("a", &["a/b", "a/b/c", "a/b/c/d", "a/b/e", "a/f"], None),
            ["A", "├── B", "│   ├── C", "│   │   └── D", "│   └── E", "└── F"]
        );
        assert_eq!(drawn("a", &[], None), ["A"]);
    }

    #[test]
    fn what_lies_deeper_is_counted() {
        assert_eq!(drawn("a", &["a/b", "a/b/c", "a/b/c/d", "a/b/e", "a/f"], Some(1)), ["A", "├── B", "│   └── … 3 more", "└── F"]);
        assert_eq!(drawn("a", &["a/b", "a/b/c"], Some(0)), ["A", "└── … 2 more"]);
    }

    #[test]
    fn below_an_account_that_may_not_be_seen_the_tree_goes_on() {
        assert_eq!(drawn("a", &["a/b", "a/b/hidden/c", "a/hidden/d"], None), ["A", "├── B", "│   └── C", "└── D"]);
    }

    #[test]
    fn a_root_in_the_middle_of_the_callers_tree_is_drawn_as_the_root() {
        assert_eq!(drawn("home/a", &["home/a/b"], None), ["A", "└── B"]);
    }

    #[test]
    fn the_state_in_force_is_shown() {
        let mut stopped = account("a/b");
        stopped.effective_status = "suspended".to_owned();
        let text = draw(&account("a"), &[stopped], None, Style::PLAIN);
        assert_eq!(text, "A      reseller  USD  active                a\n└── B  reseller  USD  suspended from above  b");
    }
}

//! `docs/permissions.md`: the golden table of rights, routes and roles.

use tributary_api::endpoint::Access;
use tributary_domain::rights::{BuiltInRole, Right};

use super::generated::{everything, root};

fn page() -> String {
    std::fs::read_to_string(root().join("docs/permissions.md")).expect("docs/permissions.md")
}

/// The cells of the row that begins with `first`, without the outer bars.
fn row(page: &str, first: &str) -> Vec<String> {
    let begin = format!("| `{first}` |");
    let line = page.lines().find(|line| line.starts_with(&begin)).unwrap_or_else(|| panic!("docs/permissions.md lacks {first}"));
    line.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect()
}

#[test]
fn every_right_and_route_has_a_row_that_says_which_role_carries_it() {
    let page = page();
    let carriers = |right: Right| BuiltInRole::ALL.map(|role| if role.carries(right) { "✓" } else { "" });
    for right in Right::ALL {
        let cells = row(&page, right.word());
        assert!(!cells[1].is_empty(), "{right} is not explained");
        assert_eq!(cells[2..7], carriers(*right), "{right}");
    }
    for endpoint in everything().0 {
        let Access::Right(right) = endpoint.access else { continue };
        let cells = row(&page, &format!("{} {}", endpoint.method, endpoint.path));
        assert_eq!(cells[1], format!("`{right}`"), "{}", endpoint.path);
        assert_eq!(cells[2..7], carriers(right), "{}", endpoint.path);
    }
}

#[test]
fn every_built_in_role_has_a_column() {
    let roles = BuiltInRole::ALL.map(BuiltInRole::word).join(" | ");
    assert_eq!(page().matches(&format!(" | {roles} |")).count(), 2);
}

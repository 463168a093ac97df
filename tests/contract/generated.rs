//! The documents that are generated from code: `docs/openapi.json` and `docs/permissions.md`.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use tributary_api::Endpoint;
use tributary_api::endpoint::Access;
use tributary_api::openapi::{Described, document};
use tributary_domain::rights::{BuiltInRole, Right};

/// What writes the documents.
pub const COMMAND: &str = "cargo run -p tributary-tests --example openapi";

/// An HTTP function: its program's name, its routes and what is said of them.
pub struct Function {
    /// The program, as `template.yaml` names it.
    pub binary: &'static str,
    /// Its routes.
    pub endpoints: Vec<Endpoint>,
    /// Its operations, described.
    pub operations: Vec<Described>,
}

/// Every HTTP function.
pub fn functions() -> Vec<Function> {
    let function = |binary, endpoints, operations| Function { binary, endpoints, operations };
    vec![
        function("accounts", tributary_accounts::endpoints(), tributary_accounts::openapi::operations()),
        function("credits", tributary_credits::endpoints(), tributary_credits::openapi::operations()),
        function("pricing", tributary_pricing::endpoints(), tributary_pricing::openapi::operations()),
        function("alerts", tributary_alerts::endpoints(), tributary_alerts::openapi::operations()),
        function("insights", tributary_insights_api::endpoints(), tributary_insights_api::openapi::operations()),
        function("billing", tributary_billing_api::endpoints(), tributary_billing_api::openapi::operations()),
        function("usage", tributary_usage::endpoints(), tributary_usage::openapi::operations()),
        function("webhooks", tributary_webhooks::endpoints(), tributary_webhooks::openapi::operations()),
        function("bulk", tributary_bulk_api::endpoints(), tributary_bulk_api::openapi::operations()),
        function("portal", tributary_portal::endpoints(), tributary_portal::openapi::operations()),
    ]
}

/// Every route, and what is said of it.
pub fn everything() -> (Vec<Endpoint>, Vec<Described>) {
    let (mut endpoints, mut operations) = (Vec::new(), Vec::new());
    for function in functions() {
        endpoints.extend(function.endpoints);
        operations.extend(function.operations);
    }
    (endpoints, operations)
}

/// A generated document.
pub struct Generated {
    /// Where it is, below the root of the repository.
    pub path: &'static str,
    /// What it holds.
    pub text: String,
}

impl Generated {
    /// Its file.
    pub fn file(&self) -> PathBuf {
        root().join(self.path)
    }

    /// Says where the file differs from what it should be; nothing if it does not.
    pub fn difference(&self) -> Option<String> {
        let kept = std::fs::read_to_string(self.file()).unwrap_or_default();
        if kept == self.text {
            return None;
        }
        let (mut old, mut new) = (kept.lines(), self.text.lines());
        let mut number = 0_usize;
        loop {
            number += 1;
            let (was, is) = (old.next(), new.next());
            if was != is || was.is_none() {
                let (was, is) = (was.unwrap_or("(the end)"), is.unwrap_or("(the end)"));
                return Some(format!("{} is out of date from line {number} on:\n- {was}\n+ {is}\nRun: {COMMAND}", self.path));
            }
        }
    }
}

/// The root of the repository.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new("."))
}

/// Every generated document.
///
/// # Errors
/// A sentence a line on what the descriptions lack.
pub fn all() -> Result<Vec<Generated>, String> {
    Ok(vec![Generated { path: "docs/openapi.json", text: openapi()? }, Generated { path: "docs/permissions.md", text: permissions() }])
}

const TAGS: [(&str, &str); 23] = [
    ("Accounts", "The tree: the operator at its root, resellers, customers."),
    ("Credits", "Moving credit, and looking at it. Double entry; every movement is one step."),
    ("Packages", "Credit sold to sub-accounts: packages, bulk discounts, and the cheapest way to buy."),
    ("Holds", "Credit set aside for work that is charged when it succeeds."),
    ("Pricing", "Meters, what one unit costs at each level of the tree, and why."),
    ("Usage", "Usage events: counted once, priced at every level, explained, reported."),
    ("Automatic topping up", "Credit that an account draws by itself when there is little left."),
    ("Alerts", "Thresholds on balances, usage and when credit runs out. Each crossing is told once."),
    (
        "Insights",
        "What a subtree brings in, costs and keeps, at your own level; who stays and who leaves; who did what. Shown a moment late.",
    ),
    ("Billing", "How accounts are billed by their parents, and what waits for their next invoices."),
    ("Invoices", "What an account is billed for a period, by its parent: frozen once it is issued."),
    ("Payments", "How invoices are paid: from credit, by card at the seller's payment processor, or outside."),
    ("Disputes", "What a buyer does not accept of an invoice, what both sides say of it, and how it ends."),
    ("Test clocks", "Trees of accounts in a time of their own, on platforms with test keys."),
    ("Webhooks", "Endpoints to which events are sent, signed, and what was delivered to them."),
    ("Mail", "Mails to people."),
    ("Bulk", "Many accounts at once: each row looked at, done exactly once, and told of."),
    ("Brands", "What an account shows its customers: tokens, logo, the portal's name and host."),
    ("Keys", "API keys. A key holds a role at one account, and so over everything below it."),
    ("Members", "People. A member holds a role as a key does."),
    ("Sessions", "Signing in with a browser, and out. A session stands for a key or a member on every route."),
    ("Roles", "Custom roles, and who may do what."),
    ("Platform", "The platform itself."),
];

fn openapi() -> Result<String, String> {
    let (endpoints, operations) = everything();
    let document = document(env!("CARGO_PKG_VERSION"), &TAGS, &endpoints, &operations).map_err(|wrong| wrong.to_string())?;
    let text = document.to_pretty_json().map_err(|error| error.to_string())?;
    Ok(format!("{text}\n"))
}

/// What a right lets its holder do. A new right does not compile until it is said here.
fn meaning(right: Right) -> &'static str {
    match right {
        Right::AccountsRead => "See accounts, their relationships and lists",
        Right::AccountsCreate => "Make sub-accounts",
        Right::AccountsUpdate => "Edit accounts",
        Right::AccountsSuspend => "Suspend and reactivate sub-accounts",
        Right::AccountsClose => "Close sub-accounts for good",
        Right::AccountsMove => "Move sub-accounts to another parent",
        Right::CreditsRead => "See balances, history, transfers and holds",
        Right::CreditsAllocate => "Move credit down the tree",
        Right::CreditsTransfer => "Move credit between any two accounts",
        Right::CreditsReverse => "Send a transfer back",
        Right::CreditsHold => "Set credit aside, spend it, set it free",
        Right::CreditsLimit => "Set how far an account's credit may go below zero; only at the operator's account",
        Right::CreditsIssue => "Bring credit into being; counts only for the operator's own keys and members",
        Right::CreditsPurchase => "Buy packages of credit",
        Right::PricingRead => "See meters, prices, tiers, promotions and packages, at the caller's own level",
        Right::PricingManage => "Set meters, prices, markups, promotions and packages, and how sub-accounts pay",
        Right::BillingRead => "See invoices, credit notes, payments, disputes and how billing is set",
        Right::BillingManage => "Set how sub-accounts are billed, run billing, charge, pay, void and correct invoices",
        Right::DisputesManage => "Open, answer and resolve disputes",
        Right::UsageRead => "See usage, and what it costs at the caller's own level",
        Right::UsageWrite => "Send usage",
        Right::UsageAdjust => "Void and correct usage",
        Right::AlertsRead => "See alerts, and the values that they told",
        Right::AlertsManage => "Set and remove alerts, which tell values whatever else may be seen",
        Right::WebhooksRead => "See webhook endpoints, never their secrets, and what was delivered to them",
        Right::WebhooksManage => "Make, change, test and remove webhook endpoints, and with them have sent out what events tell",
        Right::BulkRead => "See bulk jobs and their rows",
        Right::BulkManage => "Start and steer bulk jobs; what their rows do needs the right of that, too. Write to accounts",
        Right::InsightsRead => {
            "See what the subtree brings in, costs and keeps, who stays and leaves, and who did what; at the caller's own level"
        }
        Right::InsightsManage => "Write down what was spent on being found",
        Right::KeysRead => "See API keys, never their secrets",
        Right::KeysManage => "Make, rotate and revoke API keys, and set their denies",
        Right::MembersRead => "See members, and what others may do",
        Right::MembersManage => "Add, change and remove members, and set their denies",
        Right::RolesRead => "See custom roles",
        Right::RolesManage => "Make, change and remove custom roles",
    }
}

const RULES: &str = "\
# Permissions

This page is generated from the code; the tests fail when it is out of date.

A key or a member holds **one role at one account**, and with it over everything below that account. Whether a request may
pass is decided in this order, and the first line that fails decides:

1. The target is the account of the role or lies below it. If not, the answer is `404 not_found`, exactly as for an account
   that does not exist.
2. `credits.issue` and `credits.limit` count only if the role is held at the operator's account.
3. No deny takes the right away at the target or at an account above it. A deny wins over every grant.
4. The role carries the right. If not, the answer is `403 forbidden`, with the `right` that is missing.

Nobody grants more than they hold: a key, a member, a custom role or the lifting of a deny that would give a right the
grantor lacks answers `403 grant_exceeds_own`. A deny on a key or member is passed on to every key and member that it makes.
`GET /reseller/accounts/{id}/permissions?explain` says of each right which grant gave it or what withheld it.

A custom role is any set of the rights below. It is known at the account that made it and everywhere below.
";

fn permissions() -> String {
    let mut page = RULES.to_owned();
    page.push_str("\n## Rights and built-in roles\n\n");
    head(&mut page, &["right", "what it lets you do"], &[]);
    for right in Right::ALL {
        row(&mut page, &[format!("`{right}`"), meaning(*right).to_owned()], |role| role.carries(*right), &[]);
    }
    page.push_str("\n## Routes and built-in roles\n\n");
    page.push_str("A request passes if the role carries the right at the target; the last column says what is needed beside it.\n\n");
    head(&mut page, &["route", "right"], &["and"]);
    let (endpoints, operations) = everything();
    for endpoint in &endpoints {
        let Access::Right(right) = endpoint.access else { continue };
        let route = [format!("`{} {}`", endpoint.method, endpoint.path), format!("`{right}`")];
        row(&mut page, &route, |role| role.carries(right), &[beside(endpoint, &operations)]);
    }
    page.push_str("\nWithout an API key:");
    let open = endpoints.iter().filter(|endpoint| endpoint.access == Access::Public);
    let open: Vec<String> = open.map(|endpoint| format!(" `{} {}`", endpoint.method, endpoint.path)).collect();
    let _ = writeln!(page, "{}.", open.join(","));
    page.push_str("\nFor whoever is signed in, about their own sessions alone:");
    let own = endpoints.iter().filter(|endpoint| endpoint.access == Access::Session);
    let own: Vec<String> = own.map(|endpoint| format!(" `{} {}`", endpoint.method, endpoint.path)).collect();
    let _ = writeln!(page, "{}. A [session](sign-in.md) takes the place of a key on every route above.", own.join(","));
    page
}

fn beside(endpoint: &Endpoint, operations: &[Described]) -> String {
    let Some(described) = operations.iter().find(|one| one.operation == endpoint.operation) else { return String::new() };
    let above = described.from_above.then(|| "held at the account above too".to_owned());
    let extras = described.extras.iter().map(|extra| format!("`{}` {}", extra.right, extra.when));
    above.into_iter().chain(extras).collect::<Vec<_>>().join("; ")
}

fn head(page: &mut String, before: &[&str], after: &[&str]) {
    let roles = BuiltInRole::ALL.map(BuiltInRole::word);
    let cells: Vec<&str> = before.iter().chain(&roles).chain(after).copied().collect();
    let rule: Vec<&str> = cells.iter().map(|cell| if roles.contains(cell) { ":-:" } else { "---" }).collect();
    let _ = writeln!(page, "| {} |\n| {} |", cells.join(" | "), rule.join(" | "));
}

fn row(page: &mut String, before: &[String], carries: impl Fn(BuiltInRole) -> bool, after: &[String]) {
    let marks = BuiltInRole::ALL.map(|role| if carries(role) { "✓" } else { "" }.to_owned());
    let cells: Vec<String> = before.iter().chain(&marks).chain(after).cloned().collect();
    let line = format!("| {} |", cells.join(" | "));
    let _ = writeln!(page, "{}", line.replace("|  |", "| |").replace("|  |", "| |"));
}

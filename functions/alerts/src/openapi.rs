//! What `docs/openapi.json` says of this function's operations.

use tributary_api::Code;
use tributary_api::openapi::{Described, wire};
use tributary_api::reply::PageView;

use crate::views::{AlertNowView, AlertView, RuleBody, TurnView};

const WHOSE: &str = "Whose alert; your own account's unless you name another of your subtree.";

/// Every operation, described.
pub fn operations() -> Vec<Described> {
    vec![
        Described::new(
            "create_alert",
            "Alerts",
            "Sets a threshold on an account's balance, spending, usage, loss, or on when its credit runs out. Each crossing is told once, and \
             once more when it is back.",
        )
        .takes::<RuleBody>()
        .creates::<AlertView>("The alert.")
        .refuses(&[Code::LimitReached, Code::AccountClosed, Code::AccountSuspended]),
        Described::new("list_alerts", "Alerts", "An account's alerts, the oldest first.")
            .query::<wire::AccountId>("account_id", WHOSE)
            .paged()
            .answers::<PageView<AlertView>>("A page of alerts."),
        Described::new("get_alert", "Alerts", "One alert, and of which accounts it fires.")
            .query::<wire::AccountId>("account_id", WHOSE)
            .answers::<AlertNowView>("The alert.")
            .tagged(),
        Described::new("put_alert", "Alerts", "Changes an alert as a whole. One that does not recur may then fire again.")
            .takes::<RuleBody>()
            .answers::<AlertView>("The alert.")
            .edits()
            .refuses(&[Code::AccountClosed, Code::AccountSuspended]),
        Described::new("delete_alert", "Alerts", "Removes an alert. It is not resolved: nothing more is told of it.")
            .query::<wire::AccountId>("account_id", WHOSE)
            .answers::<AlertView>("The alert as it was.")
            .edits()
            .refuses(&[Code::AccountClosed, Code::AccountSuspended]),
        Described::new("get_alert_history", "Alerts", "When an alert fired and was resolved, newest first.")
            .query::<wire::AccountId>("account_id", WHOSE)
            .paged()
            .answers::<PageView<TurnView>>("A page of what it told."),
    ]
}

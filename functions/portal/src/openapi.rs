//! What `docs/openapi.json` says of this function's operations.

use tributary_api::openapi::Described;

use crate::Health;

/// Every operation, described.
pub fn operations() -> Vec<Described> {
    vec![
        Described::new("portal_page", "Platform", "A page for people."),
        Described::new("health", "Platform", "Answers as long as the function runs. It reads no data.").answers::<Health>("It runs."),
    ]
}

//! What `docs/openapi.json` says of this function's operations.

use tributary_api::Code;
use tributary_api::openapi::Described;

use crate::Health;

/// Every operation, described.
pub fn operations() -> Vec<Described> {
    vec![
        Described::new("portal_page", "Platform", "A page for people."),
        Described::new("error_index", "Platform", "The list of errors, for people."),
        Described::new("error_page", "Platform", "An error's page, for people: what a problem's `type` opens.").refuses(&[Code::NotFound]),
        Described::new("health", "Platform", "Answers when the function runs and the table answers it.")
            .answers::<Health>("All is well.")
            .refuses(&[Code::Internal, Code::Busy, Code::OutcomeUnknown]),
    ]
}

//! What `docs/openapi.json` says of this function's operations.

use tributary_api::openapi::Described;

/// Every operation, described.
pub fn operations() -> Vec<Described> {
    vec![]
}

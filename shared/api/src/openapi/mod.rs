//! The OpenAPI 3.1 document, built from the endpoints' own declarations and a description per operation.
//!
//! Only the generator and the tests turn the feature `openapi` on; the Lambda binaries carry none of this.

mod build;
mod components;
mod described;
pub mod rule;
mod tidy;
pub mod wire;

pub use build::{Undescribed, document};
pub use described::{Answer, Described, Extra};

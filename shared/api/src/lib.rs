//! The HTTP conventions, in one place for every function: routing, credentials, bodies, problems, idempotency, pages.

pub mod app;
pub mod bootstrap;
pub mod call;
pub mod caller;
pub mod clocks;
pub mod code;
pub mod cursor;
pub mod endpoint;
pub mod hosts;
pub mod json;
pub mod keys;
pub mod memos;
pub mod messages;
pub mod objects;
#[cfg(feature = "openapi")]
pub mod openapi;
pub mod params;
pub mod problem;
pub mod reply;
pub mod router;
pub mod session;
pub mod sign_in;
pub mod time;

pub use app::{App, AppParts};
pub use call::Call;
pub use caller::Caller;
pub use code::Code;
pub use endpoint::{Endpoint, Idempotency};
pub use problem::Problem;
pub use reply::Reply;
pub use tributary_runtime::config::KeyMode;

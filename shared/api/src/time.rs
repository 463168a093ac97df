//! Times on the wire: `shared/domain` says how they are shown, for events show them too.

pub use tributary_domain::time::{millis, millis_or_null, shown};

//! Packages of credits.

use serde::{Deserialize, Serialize};

/// A package of credits that an account sells.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Package {}

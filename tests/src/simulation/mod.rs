//! The simulation: several processes at work on one table that fails, forgets answers, lags and is killed, all by one
//! seed, with an auditor that checks every committed transaction against a model of its own.

pub mod auditor;
pub mod books;
pub mod op;
pub mod process;
pub mod run;

pub use run::{Beside, Report, Settings, simulate, simulate_beside};

//! What an account's subtree brings in, costs and keeps: a roster of all accounts below it, at its own level of the chain, and what
//! is computed of it. Nothing about money or rights is decided here: rosters are shown, and run behind by moments.
//! Why so: `docs/adr/0014-rosters.md`; what each figure means: `docs/insights.md`.

pub mod change;
pub mod churn;
pub mod facts;
pub mod figures;
pub mod fold;
pub mod grid;
pub mod pack;
pub mod read;
pub mod sums;
pub mod survival;
mod texts;
pub mod view;

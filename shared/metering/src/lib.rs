//! Usage: taking events, rating them up the whole chain, and finding them again. The rules are in `shared/domain`, the
//! entries in `shared/store`; here they meet the blobs in which each batch keeps its events.

pub mod adjust;
pub mod aggregates;
pub mod event;
pub mod find;
pub mod forecasts;
pub mod ingest;
pub mod plan;
pub mod queued;
pub mod record;
pub mod tiers;

//! The rules of the platform, pure: money, ids, hierarchy, rights, credit. No clock, no network, no storage: time and
//! ids come in as arguments, plans go out, and `shared/store` commits them.

pub mod account;
pub mod alert;
pub mod billing;
pub mod brand;
pub mod bulk;
pub mod delivery;
pub mod event;
pub mod hold;
pub mod id;
pub mod ledger;
pub mod lineage;
pub mod lot;
pub mod money;
pub mod pricing;
pub mod reconcile;
pub mod rights;
pub mod session;
pub mod test_clock;
pub mod text;
pub mod time;
pub mod topup;
pub mod transfer;
pub mod version;
pub mod webhook;

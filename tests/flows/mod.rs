//! What clients do, one file per group of endpoints. Each test builds its own master reseller, so the same tests run on a
//! platform that others use too.

mod accounts;
mod admin;
mod alerts;
mod behind;
mod billing;
mod branding;
pub mod bulk;
mod credits;
mod insights;
mod packages;
mod payments;
mod pricing;
mod rights;
pub mod sessions;
mod test_clocks;
mod topup;
mod topup_card;
mod usage;
mod usage_forecast;
mod usage_reports;

//! What an account will use: daily forecasts with intervals, the error they had when tried on the past, and what follows
//! from them for cost, volume and credit. Pure: no clock, no network, no storage. Floating point is allowed here and
//! nowhere near a ledger: what comes out is shown or compared with a threshold, never posted. See `docs/forecast.md`.

mod backtest;
mod calibration;
mod derived;
mod forecast;
mod history;
mod models;

pub use backtest::{Backtest, Errors};
pub use derived::{Estimate, HorizonTooShort, MonthEndCost, TimeToEmpty, UnitCost, month_end, projected_volume, time_to_empty};
pub use forecast::{Choice, Forecast, MAX_HORIZON_DAYS, Model, Point, Reason, Refusal, SEASONAL_DAYS, SHORTEST_DAYS, Warning, forecast};
pub use history::{BadHistory, History, MAX_HISTORY_DAYS};
pub use models::{Forecaster, Mean, MstlEts, Naive, SeasonalNaive, Unfit};

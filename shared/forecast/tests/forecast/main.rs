//! The forecasts' promises: over made-up series whose future is known, and over any series at all.

mod coverage;
mod promises;
mod synthetic;

//! The money side of billing: invoices collected from credit and cards of the scripted processor, chased, disputed, corrected.

mod chaos;
mod collecting;
mod correcting;
mod dunning;
pub(crate) mod scene;

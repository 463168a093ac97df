//! Taking batches of events.

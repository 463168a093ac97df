//! The worked examples of `docs/pricing.md`, run.

//! Planning what a batch writes.

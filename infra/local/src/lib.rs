//! The local run: the whole platform in one process on one port, with no Docker and no AWS account. See `docs/local.md`.
//!
//! The gateway and the schedules come from `template.yaml`, and every function is called through the entry that its
//! Lambda uses, so what works here is what is deployed.

pub mod banner;
pub mod blobs;
mod bus;
mod cards;
mod changes;
mod control;
mod engine;
pub mod event;
mod functions;
mod gateway;
mod intrinsics;
pub mod lambda;
mod lambda_env;
pub mod mail;
pub mod options;
pub mod pages;
pub mod pattern;
mod pump;
mod queue;
pub mod routes;
mod schedule;
mod seed;
mod server;
mod start;
mod state;
mod stop;
mod stream;
pub mod template;

pub use options::{Options, Storage};
pub use seed::{Demo, DemoAccount, DemoKey};
pub use start::{Local, StartError, start};

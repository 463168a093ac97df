//! What the functions need of the world, as ports with their AWS and local sides: configuration, clock, ids, secrets,
//! blobs, queues, mail, payments, DNS, logs.

mod aws;
pub mod blobs;
pub mod bus;
pub mod clock;
pub mod config;
pub mod dns;
pub mod dynamo;
pub mod ids;
pub mod mail;
pub mod payments;
pub mod queue;
pub mod secrets;
pub mod telemetry;
pub mod webhook;

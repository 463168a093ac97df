//! What the functions need of the world, as ports with their AWS and local sides: configuration, clock, ids, secrets,
//! logs.

pub mod clock;
pub mod config;
pub mod dynamo;
pub mod ids;
pub mod secrets;
pub mod telemetry;

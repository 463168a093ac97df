//! Code, template, sample events and documents say the same.

mod catalogue;
mod documents;
mod errors;
mod events;
mod generated;
mod infrastructure;
mod openapi;
mod permissions;
mod routes;

pub mod api;
pub mod asked;
pub mod engine;
pub mod events;
pub mod invoices;
pub mod lambda;
pub mod receiver;
pub mod world;

pub mod api;
pub mod asked;
pub mod engine;
pub mod lambda;
pub mod world;

pub mod api;
pub mod engine;
pub mod lambda;
pub mod world;

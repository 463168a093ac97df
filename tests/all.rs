mod bad_input;
mod conformance;
mod flows;
mod simulation;
mod support;

mod bad_input;
mod budgets;
mod conformance;
mod flows;
mod golden;
mod local_run;
mod simulation;
mod support;

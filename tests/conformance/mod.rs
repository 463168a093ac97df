//! One suite for every table: the same operations get the same answers, refusal by refusal.
//!
//! The tables compared are the one in memory, the embedded engine behind the real SDK client, and, if
//! `TRIBUTARY_CONFORMANCE_ENDPOINT` names one, any DynamoDB endpoint of plain http.

mod answers;
mod bench;
mod capacity;
mod differential;
mod faults;
mod scenarios;

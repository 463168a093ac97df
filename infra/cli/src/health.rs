//! `health`.

use serde::Deserialize;

use crate::Context;
use crate::client::Request;
use crate::failure::Failure;

#[derive(Deserialize)]
struct Health {
    status: String,
    version: String,
}

/// Asks whether the API answers.
///
/// # Errors
/// [`Failure`].
pub fn run(context: &Context) -> Result<(), Failure> {
    let answer = context.client.send(&Request::get("/health").public())?;
    context.output.show(&answer.document, || {
        let Health { status, version } = answer.read()?;
        Ok(format!("{status}: version {version} answers at {}", context.client.base()))
    })
}

//! What a function that runs by itself (`cargo lambda watch`, `cargo lambda invoke`) is told to work on this run's table.

use std::path::Path;

use crate::engine::TABLE_NAME;
use crate::state::{StateError, write_private};

/// The file, below the data directory.
pub const FILE: &str = "lambda.env";
/// The pepper's file, beside it.
const PEPPER_FILE: &str = "pepper";

/// Writes the environment, for this user's eyes only. It names the engine's port, which is another at each start.
///
/// # Errors
/// [`StateError::Io`].
pub fn write(dir: &Path, engine: &str, pepper: &str, docs_url: &str) -> Result<(), StateError> {
    let dir = std::path::absolute(dir).map_err(|error| StateError::Io { path: dir.to_owned(), error })?;
    let pepper_file = dir.join(PEPPER_FILE);
    let environment = format!(
        "TABLE_NAME={TABLE_NAME}\nPEPPER_FILE={}\nKEY_MODE=test\nDOCS_URL={docs_url}\nRUST_LOG=warn,tributary=info\n\
         AWS_REGION=us-east-1\nAWS_ACCESS_KEY_ID=local\nAWS_SECRET_ACCESS_KEY=local\nAWS_ENDPOINT_URL_DYNAMODB={engine}\n\
         AWS_LAMBDA_HTTP_IGNORE_STAGE_IN_PATH=true\nPLAIN_HTTP=true\n",
        pepper_file.display()
    );
    for (path, text) in [(pepper_file, pepper), (dir.join(FILE), &environment)] {
        write_private(&path, text.as_bytes()).map_err(|error| StateError::Io { path, error })?;
    }
    Ok(())
}

//! Refusals of rows, in the words of problems.

use tributary_api::Problem;
use tributary_domain::bulk::rows::RowError;
use tributary_store::error::StoreError;

/// Why a row cannot be done, as a request of its own would be answered.
pub fn words(error: StoreError) -> RowError {
    let problem = Problem::from(error);
    if let Some(internal) = &problem.internal {
        tracing::error!(internal, code = problem.code.word(), "a row of a bulk job could not be done");
    }
    RowError::new(problem.code.word(), problem.detail)
}

/// Whether it may go well the next time.
pub(crate) fn may_pass(error: &StoreError) -> bool {
    matches!(error, StoreError::Busy | StoreError::Unknown(_))
}

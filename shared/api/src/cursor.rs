//! Cursors: where a page ended, sealed, and bound to the caller, the route and the query.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::app::App;
use crate::code::Code;
use crate::problem::Problem;

/// What a cursor can be used for: the caller's account, the route with its ids, and the query but `limit` and `cursor`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CursorScope(pub String);

impl CursorScope {
    /// Seals a position.
    ///
    /// # Errors
    /// `internal_error` without randomness.
    pub fn seal<T: Serialize>(&self, app: &App, position: Option<&T>) -> Result<Option<String>, Problem> {
        let Some(position) = position else { return Ok(None) };
        let plain = serde_json::to_vec(position).map_err(|_| Problem::new(Code::Internal, "The cursor could not be made."))?;
        let sealed = app.secrets().seal(&plain, self.0.as_bytes(), app.ids());
        sealed.map(Some).map_err(|_| Problem::new(Code::Internal, "The cursor could not be made."))
    }

    /// Opens a cursor.
    ///
    /// # Errors
    /// `invalid_cursor`, for every reason alike.
    pub fn open<T: DeserializeOwned>(&self, app: &App, cursor: Option<String>) -> Result<Option<T>, Problem> {
        let Some(cursor) = cursor else { return Ok(None) };
        let refused = || {
            Problem::new(
                Code::InvalidCursor,
                "The cursor was not given out for this list, this query and this account. Begin again without it.",
            )
        };
        let plain = app.secrets().open(&cursor, self.0.as_bytes()).map_err(|_| refused())?;
        serde_json::from_slice(&plain).map(Some).map_err(|_| refused())
    }
}

//! API keys' secrets: `rk_live_` or `rk_test_`, 43 characters of 256 random bits, 6 of checksum. A mistyped key is told
//! from a wrong one without reading the table.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use tributary_runtime::config::KeyMode;
use tributary_runtime::secrets::digest;
use tributary_store::principals::Secret;

use crate::app::App;
use crate::code::Code;
use crate::problem::Problem;

const RANDOM_CHARS: usize = 43;
const CHECK_CHARS: usize = 6;

/// A fresh secret, and what is kept of it.
///
/// # Errors
/// `internal_error` without randomness.
pub fn fresh(app: &App, expires_at: Option<Timestamp>) -> Result<(String, Secret), Problem> {
    let mut random = [0_u8; 32];
    app.ids().fill(&mut random).map_err(|error| Problem::new(Code::Internal, error.to_string()))?;
    let body = format!("{}{}", app.mode().prefix(), URL_SAFE_NO_PAD.encode(random));
    let secret = format!("{body}{}", checksum(&body));
    Ok((secret.clone(), kept(app, &secret, expires_at)))
}

/// What is kept of a secret.
pub fn kept(app: &App, secret: &str, expires_at: Option<Timestamp>) -> Secret {
    let shown = app.mode().prefix().len() + 4;
    Secret {
        hash: app.secrets().hash_key(secret),
        prefix: secret.chars().take(shown).collect(),
        last4: secret.chars().skip(secret.chars().count().saturating_sub(4)).collect(),
        expires_at,
    }
}

fn checksum(body: &str) -> String {
    digest(body.as_bytes()).chars().take(CHECK_CHARS).collect()
}

/// Whether a text can be a secret of this mode at all.
pub fn well_formed(secret: &str, mode: KeyMode) -> bool {
    let length = mode.prefix().len() + RANDOM_CHARS + CHECK_CHARS;
    secret.is_ascii() && secret.len() == length && secret.starts_with(mode.prefix()) && {
        let (body, check) = secret.split_at(length - CHECK_CHARS);
        checksum(body) == check
    }
}

//! Secrets of webhook endpoints and what is signed under them.
//!
//! Source: Standard Webhooks 1.0.0, "Symmetric signature scheme".

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::hmac;

use crate::ids::{IdSource, NoRandomness};

/// What every secret begins with.
pub const SECRET_PREFIX: &str = "whsec_";
/// The random bytes of a secret. The specification asks for 24 to 64.
const SECRET_BYTES: usize = 32;

/// A fresh secret: `whsec_` and its bytes in base64.
///
/// # Errors
/// [`NoRandomness`].
pub fn fresh_secret(ids: &dyn IdSource) -> Result<String, NoRandomness> {
    let mut bytes = [0_u8; SECRET_BYTES];
    ids.fill(&mut bytes)?;
    Ok(format!("{SECRET_PREFIX}{}", STANDARD.encode(bytes)))
}

/// The signature of what is to be signed: `v1,` and an HMAC-SHA256 in base64. `None` if `secret` is none.
pub fn sign(secret: &str, content: &str) -> Option<String> {
    let key = STANDARD.decode(secret.strip_prefix(SECRET_PREFIX)?).ok()?;
    let signed = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &key), content.as_bytes());
    Some(format!("v1,{}", STANDARD.encode(signed)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::SeededIds;

    /// The example of the specification's own libraries.
    #[test]
    fn the_signature_is_the_specifications() {
        let content = "msg_p5jXN8AQM9LWM0D4loKWxJek.1614265330.{\"test\": 2432232314}";
        let signed = sign("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", content);
        assert_eq!(signed.as_deref(), Some("v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="));
        assert_eq!(sign("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", content), None);
        assert_eq!(sign("whsec_not base64", content), None);
    }

    #[test]
    fn a_secret_has_256_random_bits() {
        let ids = SeededIds::new(1);
        let (one, two) = (fresh_secret(&ids).expect("random"), fresh_secret(&ids).expect("random"));
        assert_ne!(one, two);
        assert_eq!(STANDARD.decode(one.strip_prefix(SECRET_PREFIX).expect("a prefix")).map(|bytes| bytes.len()), Ok(32));
    }
}

use base64::{Engine as _, engine::general_purpose::STANDARD};
use ring::hmac;

/// Whether a request was sent by the platform, for this endpoint, within five minutes of `now_s`.
pub fn is_genuine(secret: &str, id: &str, timestamp: &str, signatures: &str, body: &str, now_s: i64) -> bool {
    let fresh = timestamp.parse::<i64>().is_ok_and(|sent| (now_s - sent).abs() <= 300);
    let Some(Ok(key)) = secret.strip_prefix("whsec_").map(|key| STANDARD.decode(key)) else { return false };
    let key = hmac::Key::new(hmac::HMAC_SHA256, &key);
    let signed = format!("{id}.{timestamp}.{body}");
    let right = |one: &str| one.strip_prefix("v1,").and_then(|one| STANDARD.decode(one).ok()).is_some_and(|one| hmac::verify(&key, signed.as_bytes(), &one).is_ok());
    fresh && signatures.split(' ').any(right)
}

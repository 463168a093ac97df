//! Keys derived from one secret, the pepper: it hashes API keys and seals cursors.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::hmac;

use crate::ids::{IdSource, NoRandomness};

/// The fewest bytes a pepper may have.
pub const MIN_PEPPER_BYTES: usize = 32;

/// What is made of the pepper.
pub struct Secrets {
    key_hash: hmac::Key,
    mark: hmac::Key,
    seal: LessSafeKey,
}

impl std::fmt::Debug for Secrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secrets(hidden)")
    }
}

/// The pepper cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the pepper must have at least {MIN_PEPPER_BYTES} bytes")]
pub struct WeakPepper;

/// A sealed text was tampered with, or was sealed for something else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the sealed text is not one that was given out for this")]
pub struct NotSealedHere;

impl Secrets {
    /// Derives the keys.
    ///
    /// # Errors
    /// [`WeakPepper`] if `pepper` is shorter than [`MIN_PEPPER_BYTES`].
    pub fn from_pepper(pepper: &[u8]) -> Result<Self, WeakPepper> {
        if pepper.len() < MIN_PEPPER_BYTES {
            return Err(WeakPepper);
        }
        let root = hmac::Key::new(hmac::HMAC_SHA256, pepper);
        let key_hash = hmac::Key::new(hmac::HMAC_SHA256, hmac::sign(&root, b"tributary api key hash v1").as_ref());
        let seal_bytes = hmac::sign(&root, b"tributary cursor seal v1");
        let seal = UnboundKey::new(&CHACHA20_POLY1305, seal_bytes.as_ref()).map_err(|_| WeakPepper)?;
        let mark = hmac::Key::new(hmac::HMAC_SHA256, hmac::sign(&root, b"tributary usage mark v1").as_ref());
        Ok(Self { key_hash, mark, seal: LessSafeKey::new(seal) })
    }

    /// HMAC-SHA256 of an API key's secret under the pepper, as text of 43 characters.
    pub fn hash_key(&self, secret: &str) -> String {
        URL_SAFE_NO_PAD.encode(hmac::sign(&self.key_hash, secret.as_bytes()))
    }

    /// HMAC-SHA256 of anything but an API key, under a key of its own.
    pub fn mac(&self, bytes: &[u8]) -> [u8; 32] {
        let mut mac = [0; 32];
        let signed = hmac::sign(&self.mark, bytes);
        mac.iter_mut().zip(signed.as_ref()).for_each(|(to, from)| *to = *from);
        mac
    }

    /// Whether `mac` is what [`Secrets::mac`] makes of `bytes`. Takes as long wherever they differ.
    pub fn is_mac(&self, bytes: &[u8], mac: &[u8]) -> bool {
        hmac::verify(&self.mark, bytes, mac).is_ok()
    }

    /// Seals `plain` so that only [`Secrets::open`] with the same `bound_to` reads it.
    ///
    /// # Errors
    /// [`NoRandomness`].
    pub fn seal(&self, plain: &[u8], bound_to: &[u8], ids: &dyn IdSource) -> Result<String, NoRandomness> {
        let mut nonce = [0_u8; NONCE_LEN];
        ids.fill(&mut nonce)?;
        let mut sealed = plain.to_vec();
        let sealing = self.seal.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(bound_to), &mut sealed);
        sealing.map_err(|_| NoRandomness)?;
        Ok(URL_SAFE_NO_PAD.encode([nonce.as_slice(), &sealed].concat()))
    }

    /// Opens what [`Secrets::seal`] made.
    ///
    /// # Errors
    /// [`NotSealedHere`] if anything differs.
    pub fn open(&self, sealed: &str, bound_to: &[u8]) -> Result<Vec<u8>, NotSealedHere> {
        let bytes = URL_SAFE_NO_PAD.decode(sealed).map_err(|_| NotSealedHere)?;
        let (nonce, body) = bytes.split_at_checked(NONCE_LEN).ok_or(NotSealedHere)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| NotSealedHere)?;
        let mut body = body.to_vec();
        let plain = self.seal.open_in_place(nonce, Aad::from(bound_to), &mut body).map_err(|_| NotSealedHere)?;
        Ok(plain.to_vec())
    }
}

/// SHA-256, for naming what is kept by what it is.
pub fn sha256(bytes: &[u8]) -> Vec<u8> {
    ring::digest::digest(&ring::digest::SHA256, bytes).as_ref().to_vec()
}

/// SHA-256 of a text, as 43 characters: for comparing request bodies, not for secrets.
pub fn digest(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(ring::digest::digest(&ring::digest::SHA256, bytes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::SeededIds;

    #[test]
    fn a_sealed_text_opens_only_unchanged_and_for_what_it_was_sealed() {
        let secrets = Secrets::from_pepper(&[7; 32]).expect("long enough");
        let sealed = secrets.seal(b"position", b"acc_1 list", &SeededIds::new(1)).expect("random");
        assert_eq!(secrets.open(&sealed, b"acc_1 list"), Ok(b"position".to_vec()));
        assert_eq!(secrets.open(&sealed, b"acc_2 list"), Err(NotSealedHere));
        for at in 0..sealed.len() {
            let mut tampered = sealed.clone().into_bytes();
            tampered[at] = if tampered[at] == b'A' { b'B' } else { b'A' };
            let tampered = String::from_utf8(tampered).expect("ascii");
            assert_eq!(secrets.open(&tampered, b"acc_1 list"), Err(NotSealedHere), "at {at}");
        }
        assert_eq!(secrets.open("", b""), Err(NotSealedHere));
    }

    #[test]
    fn a_short_pepper_is_refused() {
        assert!(Secrets::from_pepper(&[0; 31]).is_err());
    }
}

//! Text that people type: brought to NFC, bounded, and without characters that hide or reorder what is shown.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use unicode_normalization::UnicodeNormalization;

/// Why a text is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TextError {
    /// Nothing but white space.
    #[error("must not be empty")]
    Empty,
    /// Longer than allowed, in UTF-8 bytes after normalisation.
    #[error("is too long: at most {max_bytes} bytes of UTF-8")]
    TooLong {
        /// The most bytes allowed.
        max_bytes: usize,
    },
    /// A control, bidirectional-override or invisible character.
    #[error("contains the character U+{0:04X}, which cannot be used here (control, direction or invisible characters)")]
    Forbidden(u32),
    /// Outside the alphabet of this kind of text.
    #[error("{0}")]
    Shape(&'static str),
}

/// Bidirectional controls, joiners, byte-order mark, invisible operators and line separators: they make two different
/// texts look alike. Source: Unicode Technical Report 36, section 2.
fn forbidden(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{00AD}' | '\u{061C}' | '\u{180E}' | '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}'
            | '\u{2060}'..='\u{206F}' | '\u{3164}' | '\u{FEFF}' | '\u{FFF9}'..='\u{FFFD}' | '\u{E0000}'..='\u{E007F}')
}

/// Normalises to NFC and trims; refuses what [`TextError`] names.
///
/// # Errors
/// [`TextError::Empty`], [`TextError::TooLong`] or [`TextError::Forbidden`].
pub fn clean(text: &str, max_bytes: usize) -> Result<String, TextError> {
    // Normalisation at most triples a text; a far longer one is refused before work is spent on it.
    if text.len() > max_bytes.saturating_mul(4) {
        return Err(TextError::TooLong { max_bytes });
    }
    if let Some(c) = text.chars().find(|c| forbidden(*c)) {
        return Err(TextError::Forbidden(u32::from(c)));
    }
    let cleaned: String = text.trim().nfc().collect();
    if cleaned.is_empty() {
        return Err(TextError::Empty);
    }
    if cleaned.len() > max_bytes {
        return Err(TextError::TooLong { max_bytes });
    }
    Ok(cleaned)
}

fn visible_ascii(text: &str, max_bytes: usize, alphabet: &'static str) -> Result<String, TextError> {
    let cleaned = clean(text, max_bytes)?;
    if cleaned.bytes().all(|b| b.is_ascii_alphanumeric() || alphabet.as_bytes().contains(&b)) {
        Ok(cleaned)
    } else {
        Err(TextError::Shape("may hold only ASCII letters, digits and - _ . : / @"))
    }
}

fn email(text: &str) -> Result<String, TextError> {
    const SHAPE: TextError = TextError::Shape("must be an e-mail address such as ada@example.com");
    let cleaned = clean(text, 254)?;
    let (local, host) = cleaned.rsplit_once('@').ok_or(SHAPE)?;
    let label = |l: &str| {
        !l.is_empty()
            && l.len() <= 63
            && l.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
            && !l.starts_with('-')
            && !l.ends_with('-')
    };
    let local_ok = !local.is_empty()
        && local.len() <= 64
        && !local.starts_with('.')
        && !local.ends_with('.')
        && !local.contains("..")
        && local.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~.".contains(&b));
    if local_ok && host.contains('.') && host.split('.').all(label) {
        Ok(format!("{local}@{}", host.to_ascii_lowercase()))
    } else {
        Err(SHAPE)
    }
}

fn slug(text: &str) -> Result<String, TextError> {
    let cleaned = clean(text, 40)?;
    let first = cleaned.bytes().next().is_some_and(|b| b.is_ascii_lowercase());
    if first && cleaned.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_' || b == b'-') {
        Ok(cleaned)
    } else {
        Err(TextError::Shape("must begin with a lower-case letter and hold only lower-case letters, digits, - and _"))
    }
}

macro_rules! texts {
    ($($(#[$doc:meta])* $name:ident = $parse:expr),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(String);

        impl $name {
            /// Parses and normalises.
            ///
            /// # Errors
            /// A [`TextError`] that says what to change.
            pub fn parse(text: &str) -> Result<Self, TextError> {
                let parse: fn(&str) -> Result<String, TextError> = $parse;
                parse(text).map(Self)
            }

            /// The normalised text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                Self::parse(&String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
            }
        }
    )+};
}

texts! {
    /// The name of an account, a key or a member: 1 to 200 bytes of UTF-8.
    Name = |t| clean(t, 200),
    /// The caller's own id for an account: 1 to 128 characters of `A–Z a–z 0–9 - _ . : / @`.
    ExternalId = |t| visible_ascii(t, 128, "-_.:/@"),
    /// A note on a movement of credit: 1 to 200 bytes of UTF-8.
    Reference = |t| clean(t, 200),
    /// An e-mail address (RFC 5321's dot-atom form); the host is lower-cased.
    Email = email,
    /// The name of a custom role: a lower-case slug of 1 to 40 characters.
    RoleName = slug,
    /// A tag's name: a lower-case slug of 1 to 40 characters.
    TagName = slug,
    /// A tag's value: 1 to 100 bytes of UTF-8.
    TagValue = |t| clean(t, 100),
    /// What a list is searched for: 1 to 100 bytes of UTF-8.
    SearchText = |t| clean(t, 100),
}

/// Folds a text for search and order: compatibility form and lower case.
pub fn fold(text: &str) -> String {
    text.nfkc().flat_map(char::to_lowercase).collect()
}

/// A text as a cell of a table that people open with a spreadsheet: one that it would take for a formula gets an apostrophe.
///
/// Source: "CSV Injection", OWASP.
pub fn no_formula(text: &str) -> Cow<'_, str> {
    match text.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        true => Cow::Owned(format!("'{text}")),
        false => Cow::Borrowed(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_normalised_and_bounded() {
        assert_eq!(Name::parse("  Cafe\u{301} Nord ").map(|n| n.as_str().to_owned()), Ok("Café Nord".to_owned()));
        assert_eq!(Name::parse("   "), Err(TextError::Empty));
        assert_eq!(Name::parse(&"x".repeat(201)), Err(TextError::TooLong { max_bytes: 200 }));
        assert_eq!(Name::parse(&"x".repeat(10_000)), Err(TextError::TooLong { max_bytes: 200 }));
    }

    #[test]
    fn characters_that_hide_or_reorder_are_refused() {
        for c in ['\u{202E}', '\u{200B}', '\u{0000}', '\u{0007}', '\n', '\u{FEFF}', '\u{2066}', '\u{85}'] {
            assert_eq!(Name::parse(&format!("a{c}b")), Err(TextError::Forbidden(u32::from(c))));
        }
    }

    #[test]
    fn email_addresses_have_a_local_part_and_a_dotted_host() {
        assert_eq!(Email::parse("Ada@Example.COM").map(|e| e.as_str().to_owned()), Ok("Ada@example.com".to_owned()));
        for text in ["ada", "ada@", "@example.com", "ada@example", "a b@example.com", "a..b@example.com", "ada@-x.com", "ada@exa_mple.com"]
        {
            assert!(Email::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn external_ids_and_role_names_have_an_alphabet() {
        assert!(ExternalId::parse("crm:42/A-1_b.c@x").is_ok());
        assert!(ExternalId::parse("has space").is_err());
        assert!(RoleName::parse("night-ops_2").is_ok());
        for text in ["Night", "2ops", "ops!", ""] {
            assert!(RoleName::parse(text).is_err(), "{text}");
        }
    }
}

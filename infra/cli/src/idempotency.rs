//! Idempotency keys: with one, a request that is sent twice is done once.

/// The longest key that the API takes.
const MAX_LEN: usize = 255;

/// Reads a key from an argument.
///
/// # Errors
/// Says what a key looks like.
pub fn parse(text: &str) -> Result<String, String> {
    if text.is_empty() || text.len() > MAX_LEN || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(format!("must have 1 to {MAX_LEN} visible ASCII characters; a UUID does well"));
    }
    Ok(text.to_owned())
}

/// The key that was given, or a fresh one, which is shown so that the command can be repeated with it.
pub fn given_or_fresh(given: Option<String>) -> String {
    given.unwrap_or_else(|| {
        let key = fresh();
        eprintln!("Idempotency-Key: {key}");
        key
    })
}

/// A fresh key.
#[expect(clippy::disallowed_methods, reason = "a person's command is not part of what the simulation repeats")]
pub fn fresh() -> String {
    uuid::Uuid::now_v7().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_visible_ascii_of_a_bounded_length() {
        assert!(parse("order-1043").is_ok());
        assert!(parse(&"k".repeat(255)).is_ok());
        for wrong in ["", "two words", "zwölf", "a\nb", &"k".repeat(256)] {
            assert!(parse(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn fresh_keys_differ_and_are_taken() {
        let (one, other) = (given_or_fresh(None), given_or_fresh(None));
        assert_ne!(one, other);
        assert!(parse(&one).is_ok());
        assert_eq!(given_or_fresh(Some("mine".to_owned())), "mine");
    }
}

//! Blobs: bytes under a key, for what is too large for the table. In S3 on AWS, in files in the local run, in memory in
//! tests.

mod memory;
mod s3;

use std::fmt::Debug;
use std::path::Path;

use async_trait::async_trait;

pub use memory::MemoryBlobs;
pub use s3::S3Blobs;

/// The most bytes of a key.
const MAX_KEY_BYTES: usize = 512;

/// Why a blob could not be put, read, linked to or deleted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BlobError {
    /// This function was given no place for blobs.
    #[error("blobs are not to be had: the environment variable {0} is not set")]
    NotConfigured(&'static str),
    /// A key that is empty, longer than 512 bytes, or not made of segments of `A-Z a-z 0-9 . _ -` with `/` between.
    #[error("{0:?} cannot be the key of a blob")]
    BadKey(String),
    /// It has more bytes than were to be fetched.
    #[error("blob {key} has more than {most} bytes")]
    TooLarge {
        /// The blob.
        key: String,
        /// The most that were to be fetched.
        most: u64,
    },
    /// It did not answer, or refused, however often it was asked. A put may have happened; putting again is safe.
    #[error("blob {key}: {why}")]
    Unavailable {
        /// The blob.
        key: String,
        /// What went wrong.
        why: String,
    },
}

/// A place for blobs. A key is the whole of a blob's name; the last put under it stays.
#[async_trait]
pub trait Blobs: Send + Sync + Debug {
    /// Puts `bytes` under `key`, instead of what was there. When this returns they are kept.
    ///
    /// # Errors
    /// [`BlobError`].
    async fn put(&self, key: &str, bytes: Vec<u8>, content_type: &str) -> Result<(), BlobError>;

    /// Puts what is in the file at `path`, which may be larger than memory: up to 5 GiB.
    ///
    /// # Errors
    /// [`BlobError`].
    async fn put_file(&self, key: &str, path: &Path, content_type: &str) -> Result<(), BlobError>;

    /// The bytes under `key`; `None` if there are none.
    ///
    /// # Errors
    /// [`BlobError`].
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, BlobError>;

    /// An address from which anybody who has it downloads the blob as a file called `file_name`, for `expires_s` seconds
    /// (from one second to seven days). It is made without a look at whether the blob is there. A character of the name that is not
    /// one of `A-Z a-z 0-9 . _ -` becomes `_`.
    ///
    /// # Errors
    /// [`BlobError`].
    async fn link(&self, key: &str, file_name: &str, expires_s: u32) -> Result<String, BlobError>;

    /// Writes the bytes under `key` into the file at `path`, instead of what was in it, without all of them in memory, and says how
    /// many there are; `None` if there is no blob.
    ///
    /// # Errors
    /// [`BlobError::TooLarge`] for more than `most`; others.
    async fn fetch(&self, key: &str, path: &Path, most: u64) -> Result<Option<u64>, BlobError>;

    /// An address to which anybody who has it puts exactly `bytes` bytes of this type under `key`, with `PUT`, for `expires_s`
    /// seconds.
    ///
    /// # Errors
    /// [`BlobError`].
    async fn upload_link(&self, key: &str, content_type: &str, bytes: u64, expires_s: u32) -> Result<String, BlobError>;

    /// Deletes the blob; nothing if there is none.
    ///
    /// # Errors
    /// [`BlobError`].
    async fn delete(&self, key: &str) -> Result<(), BlobError>;
}

/// The place for blobs of a function that has none: every call names the variable that is missing.
#[derive(Debug, Clone, Copy)]
pub struct NoBlobs(pub &'static str);

#[async_trait]
impl Blobs for NoBlobs {
    async fn put(&self, _key: &str, _bytes: Vec<u8>, _content_type: &str) -> Result<(), BlobError> {
        Err(BlobError::NotConfigured(self.0))
    }

    async fn put_file(&self, _key: &str, _path: &Path, _content_type: &str) -> Result<(), BlobError> {
        Err(BlobError::NotConfigured(self.0))
    }

    async fn get(&self, _key: &str) -> Result<Option<Vec<u8>>, BlobError> {
        Err(BlobError::NotConfigured(self.0))
    }

    async fn link(&self, _key: &str, _file_name: &str, _expires_s: u32) -> Result<String, BlobError> {
        Err(BlobError::NotConfigured(self.0))
    }

    async fn fetch(&self, _key: &str, _path: &Path, _most: u64) -> Result<Option<u64>, BlobError> {
        Err(BlobError::NotConfigured(self.0))
    }

    async fn upload_link(&self, _key: &str, _content_type: &str, _bytes: u64, _expires_s: u32) -> Result<String, BlobError> {
        Err(BlobError::NotConfigured(self.0))
    }

    async fn delete(&self, _key: &str) -> Result<(), BlobError> {
        Err(BlobError::NotConfigured(self.0))
    }
}

/// The key, if it can be one everywhere: in a URL as it is, and as a path of files that stays below its directory.
///
/// # Errors
/// [`BlobError::BadKey`].
pub fn checked(key: &str) -> Result<&str, BlobError> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    let segment = |segment: &str| !segment.is_empty() && !segment.starts_with('.') && segment.bytes().all(plain);
    let good = key.len() <= MAX_KEY_BYTES && key.split('/').all(segment);
    if good { Ok(key) } else { Err(BlobError::BadKey(key.to_owned())) }
}

/// The header `Content-Disposition` that makes a browser save the blob under this name.
pub fn attachment(file_name: &str) -> String {
    format!("attachment; filename=\"{}\"", plain_name(file_name))
}

/// A file name of characters that mean nothing else anywhere.
pub fn plain_name(file_name: &str) -> String {
    let plain = |char: char| if char.is_ascii_alphanumeric() || matches!(char, '.' | '_' | '-') { char } else { '_' };
    file_name.chars().map(plain).collect()
}

/// Writes bytes that were read whole into a file, as [`Blobs::fetch`] does.
///
/// # Errors
/// [`BlobError::TooLarge`]; what the file system says.
pub fn written(key: &str, path: &Path, most: u64, bytes: &[u8]) -> Result<u64, BlobError> {
    let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    if length > most {
        return Err(BlobError::TooLarge { key: key.to_owned(), most });
    }
    std::fs::write(path, bytes).map_err(|error| unavailable(key, format!("{}: {error}", path.display())))?;
    Ok(length)
}

/// What did not work at this blob.
pub fn unavailable(key: &str, why: impl ToString) -> BlobError {
    BlobError::Unavailable { key: key.to_owned(), why: why.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_stays_below_its_directory() {
        for good in ["a", "usage/2026-11-22/txf_01.jsonl.gz", "exports/acc_1/exp_2.csv", "a_b/c-d"] {
            assert_eq!(checked(good), Ok(good));
        }
        let long = "a".repeat(513);
        for bad in ["", "/", "/a", "a/", "a//b", ".", "..", "a/../b", "a/.b", "a b", "a?b", "a#b", "a=b", "ä", "a\\b", "a\0b", &long] {
            assert_eq!(checked(bad), Err(BlobError::BadKey(bad.to_owned())), "{bad:?}");
        }
    }

    #[test]
    fn a_file_name_cannot_end_its_header() {
        assert_eq!(attachment("usage \"1\"\r\n.csv"), "attachment; filename=\"usage__1___.csv\"");
    }
}

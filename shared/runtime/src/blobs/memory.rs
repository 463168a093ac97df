//! Blobs in memory, for tests.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use super::{BlobError, Blobs, checked, plain_name, unavailable, written};

/// Blobs in memory. A clone is the same place.
#[derive(Debug, Clone, Default)]
pub struct MemoryBlobs {
    kept: Arc<Mutex<BTreeMap<String, Vec<u8>>>>,
}

impl MemoryBlobs {
    /// Another place with the same blobs.
    pub fn fork(&self) -> Self {
        Self { kept: Arc::new(Mutex::new(self.kept().clone())) }
    }

    /// Every key, in order.
    pub fn keys(&self) -> Vec<String> {
        self.kept().keys().cloned().collect()
    }

    fn kept(&self) -> MutexGuard<'_, BTreeMap<String, Vec<u8>>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Blobs for MemoryBlobs {
    async fn put(&self, key: &str, bytes: Vec<u8>, _content_type: &str) -> Result<(), BlobError> {
        self.kept().insert(checked(key)?.to_owned(), bytes);
        Ok(())
    }

    async fn put_file(&self, key: &str, path: &Path, content_type: &str) -> Result<(), BlobError> {
        let bytes = std::fs::read(path).map_err(|error| unavailable(key, format!("{}: {error}", path.display())))?;
        self.put(key, bytes, content_type).await
    }

    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, BlobError> {
        Ok(self.kept().get(checked(key)?).cloned())
    }

    async fn link(&self, key: &str, file_name: &str, expires_s: u32) -> Result<String, BlobError> {
        Ok(format!("memory:///{}?name={}&expires_s={expires_s}", checked(key)?, plain_name(file_name)))
    }

    async fn fetch(&self, key: &str, path: &Path, most: u64) -> Result<Option<u64>, BlobError> {
        self.get(key).await?.map(|bytes| written(key, path, most, &bytes)).transpose()
    }

    async fn upload_link(&self, key: &str, _content_type: &str, bytes: u64, expires_s: u32) -> Result<String, BlobError> {
        Ok(format!("memory:///{}?bytes={bytes}&expires_s={expires_s}", checked(key)?))
    }

    async fn delete(&self, key: &str) -> Result<(), BlobError> {
        self.kept().remove(checked(key)?);
        Ok(())
    }
}

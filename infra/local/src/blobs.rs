//! Blobs of a local run: in files, or in memory, with links that this run serves itself.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use tributary_runtime::blobs::{BlobError, Blobs, attachment, checked, plain_name, unavailable};
use tributary_runtime::clock::Clock;
use tributary_runtime::secrets::Secrets;

use crate::state::{make_private_dir, sync_dir, write_private};

/// Where links lead, below the address of the run.
pub const PATH: &str = "/_local/blobs";

/// Blobs in files below a directory. What was put outlives a kill.
#[derive(Debug, Clone)]
pub struct DiskBlobs {
    dir: PathBuf,
}

impl DiskBlobs {
    /// The blobs of a directory, which is made when the first is put.
    pub fn new(dir: PathBuf) -> Self {
        Self { dir }
    }

    /// Does `work` on a blob's file where it may block.
    async fn on_file<T: Send + 'static>(
        &self,
        key: &str,
        work: impl FnOnce(&Path) -> io::Result<T> + Send + 'static,
    ) -> Result<T, BlobError> {
        let path = self.dir.join(checked(key)?);
        let done = tokio::task::spawn_blocking(move || work(&path).map_err(|error| format!("{}: {error}", path.display())));
        done.await.map_err(|error| unavailable(key, error))?.map_err(|why| unavailable(key, why))
    }
}

#[async_trait]
impl Blobs for DiskBlobs {
    async fn put(&self, key: &str, bytes: Vec<u8>, _content_type: &str) -> Result<(), BlobError> {
        self.on_file(key, move |path| write(path, &bytes)).await
    }

    async fn put_file(&self, key: &str, path: &Path, _content_type: &str) -> Result<(), BlobError> {
        let from = path.to_owned();
        self.on_file(key, move |path| write(path, &std::fs::read(&from)?)).await
    }

    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, BlobError> {
        self.on_file(key, |path| absent(std::fs::read(path))).await
    }

    async fn link(&self, key: &str, _file_name: &str, _expires_s: u32) -> Result<String, BlobError> {
        Ok(format!("file://{}", self.dir.join(checked(key)?).display()))
    }

    async fn fetch(&self, key: &str, path: &Path, most: u64) -> Result<Option<u64>, BlobError> {
        let (to, name) = (path.to_owned(), key.to_owned());
        let copied = move |from: &Path| match absent(std::fs::metadata(from))? {
            None => Ok(None),
            Some(found) if found.len() > most => Ok(Some(Err(BlobError::TooLarge { key: name, most }))),
            Some(_) => std::fs::copy(from, &to).map(|length| Some(Ok(length))),
        };
        self.on_file(key, copied).await?.transpose()
    }

    async fn upload_link(&self, key: &str, _content_type: &str, _bytes: u64, _expires_s: u32) -> Result<String, BlobError> {
        Ok(format!("file://{}", self.dir.join(checked(key)?).display()))
    }

    async fn delete(&self, key: &str) -> Result<(), BlobError> {
        self.on_file(key, |path| absent(std::fs::remove_file(path)).map(drop)).await
    }
}

fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let dir = path.parent().unwrap_or(Path::new("."));
    make_private_dir(dir)?;
    write_private(path, bytes)?;
    sync_dir(dir)
}

fn absent<T>(found: io::Result<T>) -> io::Result<Option<T>> {
    match found {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Blobs with links to this run, signed with the pepper, as S3 signs its own.
#[derive(Debug, Clone)]
pub struct LinkedBlobs {
    kept: Arc<dyn Blobs>,
    base_url: String,
    secrets: Arc<Secrets>,
    clock: Arc<dyn Clock>,
}

/// What a link asks for.
#[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Link {
    /// What the file is called.
    pub name: String,
    /// Until when, in seconds since 1970.
    pub expires: i64,
    /// What shows that this run made the link.
    pub signature: String,
}

/// What a link for an upload allows.
#[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UploadLink {
    /// The media type, with a point for its stroke.
    pub kind: String,
    /// How many bytes.
    pub bytes: u64,
    /// Until when, in seconds since 1970.
    pub expires: i64,
    /// What shows that this run made the link.
    pub signature: String,
}

/// A blob as it is downloaded.
#[derive(Debug, PartialEq, Eq)]
pub struct Download {
    /// The bytes.
    pub bytes: Vec<u8>,
    /// `Content-Type`.
    pub content_type: &'static str,
    /// `Content-Disposition`.
    pub disposition: String,
}

/// Why nothing is downloaded.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum LinkError {
    /// This run did not make the link.
    #[error("The link's signature does not match.")]
    Tampered,
    /// Its time is over.
    #[error("The link expired at {0}.")]
    Expired(Timestamp),
    /// What is sent is not what the link allows.
    #[error("The link is for {bytes} bytes of the type {kind}.")]
    Other {
        /// How many bytes.
        bytes: u64,
        /// Of which type.
        kind: String,
    },
    /// There is no blob.
    #[error("There is no such blob.")]
    Absent,
    /// It could not be read.
    #[error("{0}")]
    Unreadable(#[from] BlobError),
}

impl LinkedBlobs {
    /// The blobs of `kept` with links below `base_url`.
    pub fn new(kept: Arc<dyn Blobs>, base_url: &str, secrets: Arc<Secrets>, clock: Arc<dyn Clock>) -> Self {
        Self { kept, base_url: base_url.to_owned(), secrets, clock }
    }

    /// No API key reads like this, so no signature is a key's hash.
    fn signature(&self, key: &str, name: &str, expires: i64) -> String {
        self.secrets.hash_key(&format!("blob link\n{key}\n{name}\n{expires}"))
    }

    /// Puts what is sent to a link for an upload, as S3 does: exactly so many bytes of exactly that type.
    ///
    /// # Errors
    /// [`LinkError`].
    pub async fn take(&self, key: &str, link: &UploadLink, content_type: &str, bytes: Vec<u8>) -> Result<(), LinkError> {
        if link.signature != self.signature(key, &format!("put {} {}", link.kind, link.bytes), link.expires) {
            return Err(LinkError::Tampered);
        }
        let expires = Timestamp::from_second(link.expires).map_err(|_| LinkError::Tampered)?;
        if self.clock.now() >= expires {
            return Err(LinkError::Expired(expires));
        }
        if u64::try_from(bytes.len()) != Ok(link.bytes) || content_type.replace('/', ".") != link.kind {
            return Err(LinkError::Other { bytes: link.bytes, kind: link.kind.replace('.', "/") });
        }
        Ok(self.kept.put(key, bytes, content_type).await?)
    }

    /// What a link leads to.
    ///
    /// # Errors
    /// [`LinkError`].
    pub async fn follow(&self, key: &str, link: &Link) -> Result<Download, LinkError> {
        if link.signature != self.signature(key, &link.name, link.expires) {
            return Err(LinkError::Tampered);
        }
        let expires = Timestamp::from_second(link.expires).map_err(|_| LinkError::Tampered)?;
        if self.clock.now() >= expires {
            return Err(LinkError::Expired(expires));
        }
        let bytes = self.kept.get(key).await?.ok_or(LinkError::Absent)?;
        Ok(Download { bytes, content_type: content_type(key), disposition: attachment(&link.name) })
    }
}

#[async_trait]
impl Blobs for LinkedBlobs {
    async fn put(&self, key: &str, bytes: Vec<u8>, content_type: &str) -> Result<(), BlobError> {
        self.kept.put(key, bytes, content_type).await
    }

    async fn put_file(&self, key: &str, path: &Path, content_type: &str) -> Result<(), BlobError> {
        self.kept.put_file(key, path, content_type).await
    }

    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, BlobError> {
        self.kept.get(key).await
    }

    async fn link(&self, key: &str, file_name: &str, expires_s: u32) -> Result<String, BlobError> {
        let (key, name) = (checked(key)?, plain_name(file_name));
        let end = self.clock.now().checked_add(SignedDuration::from_secs(expires_s.into()));
        let expires = end.map_err(|error| unavailable(key, error))?.as_second();
        let signature = self.signature(key, &name, expires);
        Ok(format!("{}{PATH}/{key}?name={name}&expires={expires}&signature={signature}", self.base_url))
    }

    async fn fetch(&self, key: &str, path: &Path, most: u64) -> Result<Option<u64>, BlobError> {
        self.kept.fetch(key, path, most).await
    }

    async fn upload_link(&self, key: &str, content_type: &str, bytes: u64, expires_s: u32) -> Result<String, BlobError> {
        let key = checked(key)?;
        let end = self.clock.now().checked_add(SignedDuration::from_secs(expires_s.into()));
        let expires = end.map_err(|error| unavailable(key, error))?.as_second();
        let kind = content_type.replace('/', ".");
        let signature = self.signature(key, &format!("put {kind} {bytes}"), expires);
        Ok(format!("{}{PATH}/{key}?kind={kind}&bytes={bytes}&expires={expires}&signature={signature}", self.base_url))
    }

    async fn delete(&self, key: &str) -> Result<(), BlobError> {
        self.kept.delete(key).await
    }
}

/// By the ending of the key: no file says more of itself.
fn content_type(key: &str) -> &'static str {
    match key.rsplit_once('.').map(|(_, ending)| ending) {
        Some("csv") => "text/csv; charset=utf-8",
        Some("json") => "application/json",
        Some("jsonl" | "ndjson") => "application/x-ndjson",
        Some("gz") => "application/gzip",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use tributary_runtime::clock::ManualClock;

    use super::*;

    #[tokio::test]
    async fn what_was_put_is_there_after_a_restart_and_nothing_else_is_in_its_directory() {
        let dir = tempfile::tempdir().expect("a directory");
        let blobs = DiskBlobs::new(dir.path().join("blobs"));
        blobs.put("usage/a.gz", b"first".to_vec(), "application/gzip").await.expect("put");
        blobs.put("usage/a.gz", b"second".to_vec(), "application/gzip").await.expect("put again");
        let file = dir.path().join("export");
        std::fs::write(&file, b"from a file").expect("written");
        blobs.put_file("exports/b.csv", &file, "text/csv").await.expect("put");

        let again = DiskBlobs::new(dir.path().join("blobs"));
        assert_eq!(again.get("usage/a.gz").await, Ok(Some(b"second".to_vec())));
        assert_eq!(again.get("exports/b.csv").await, Ok(Some(b"from a file".to_vec())));
        assert_eq!(again.get("usage/none").await, Ok(None));
        assert_eq!(std::fs::read_dir(dir.path().join("blobs/usage")).expect("a folder").count(), 1, "no half file stays");
        again.delete("usage/a.gz").await.expect("deleted");
        again.delete("usage/a.gz").await.expect("deleted already");
        assert_eq!(again.get("usage/a.gz").await, Ok(None));
        assert_eq!(again.put("../a", Vec::new(), "").await, Err(BlobError::BadKey("../a".into())));
    }

    #[tokio::test]
    async fn a_link_is_good_until_it_expires_and_for_nothing_but_its_blob() {
        let clock = ManualClock::at("2026-11-22T00:00:00Z".parse().expect("a time"));
        let secrets = Arc::new(Secrets::from_pepper(&[7; 32]).expect("long enough"));
        let blobs =
            LinkedBlobs::new(Arc::new(tributary_runtime::blobs::MemoryBlobs::default()), "http://here", secrets, Arc::new(clock.clone()));
        for key in ["exports/1.csv", "exports/2.csv"] {
            blobs.put(key, key.into(), "text/csv").await.expect("put");
        }
        let url = blobs.link("exports/1.csv", "usage of May.csv", 60).await.expect("a link");
        let (address, query) = url.split_once('?').expect("a query");
        assert_eq!(address, "http://here/_local/blobs/exports/1.csv");
        let part = |name: &str| {
            form_urlencoded::parse(query.as_bytes()).find(|(given, _)| given == name).map(|(_, value)| value.into_owned()).expect("there")
        };
        let link = Link { name: part("name"), expires: part("expires").parse().expect("a number"), signature: part("signature") };
        let download = blobs.follow("exports/1.csv", &link).await.expect("a download");
        assert_eq!((download.bytes, download.content_type), (b"exports/1.csv".to_vec(), "text/csv; charset=utf-8"));
        assert_eq!(download.disposition, "attachment; filename=\"usage_of_May.csv\"");

        assert_eq!(blobs.follow("exports/2.csv", &link).await, Err(LinkError::Tampered));
        let longer = Link { expires: link.expires + 1, ..link.clone() };
        assert_eq!(blobs.follow("exports/1.csv", &longer).await, Err(LinkError::Tampered));
        let renamed = Link { name: "x".into(), ..link.clone() };
        assert_eq!(blobs.follow("exports/1.csv", &renamed).await, Err(LinkError::Tampered));
        clock.advance_ms(59_999);
        assert!(blobs.follow("exports/1.csv", &link).await.is_ok());
        clock.advance_ms(1);
        assert!(matches!(blobs.follow("exports/1.csv", &link).await, Err(LinkError::Expired(_))));
    }
}

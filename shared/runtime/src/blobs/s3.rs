//! Blobs in S3.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;
use std::time::Duration;

use async_trait::async_trait;

use super::{BlobError, Blobs, attachment, checked, unavailable};
use crate::aws::{Answer, Ask, Caller, Content, Fetched, Service, host};

/// How long one try may take: so much, and so much more for each mebibyte of a body.
const TRY_LASTS: Duration = Duration::from_secs(5);
const TRY_LASTS_A_MIB: Duration = Duration::from_millis(500);
/// The longest that a link may last. Source: "Sharing objects with presigned URLs", AWS.
const LONGEST_LINK_S: u32 = 7 * 86_400;
/// How much of a file is read at once.
const CHUNK_BYTES: usize = 64 * 1024;

/// Blobs in one bucket of S3. A link lasts no longer than the credentials of the function that made it, which Lambda gives
/// for hours.
#[derive(Debug, Clone)]
pub struct S3Blobs {
    caller: Caller,
    base_url: String,
}

impl S3Blobs {
    /// The bucket at AWS, or at another endpoint, where its name is the first segment of paths.
    pub(crate) fn new(caller: Caller, bucket: &str, endpoint: Option<&str>) -> Self {
        let base_url = match endpoint {
            Some(endpoint) => format!("{}/{bucket}", endpoint.trim_end_matches('/')),
            None => format!("https://{bucket}.{}", host(Service::S3, caller.region())),
        };
        Self { caller, base_url }
    }

    fn url(&self, key: &str) -> Result<String, BlobError> {
        Ok(format!("{}/{}", self.base_url, checked(key)?))
    }

    async fn ask(&self, method: &'static str, key: &str, headers: &[(&'static str, &str)], body: Content<'_>) -> Result<Answer, BlobError> {
        let length = match body {
            Content::Bytes(bytes) => bytes.len() as u64,
            Content::File { length, .. } => length,
        };
        let more = u32::try_from(length >> 20).map_or(Duration::MAX, |mib| TRY_LASTS_A_MIB.saturating_mul(mib));
        let ask = Ask { service: Service::S3, method, url: &self.url(key)?, headers, body, try_lasts: TRY_LASTS.saturating_add(more) };
        self.caller.send(&ask).await.map_err(|why| unavailable(key, why))
    }
}

fn expect(key: &str, answer: &Answer, statuses: &[u16]) -> Result<(), BlobError> {
    if statuses.contains(&answer.status) { Ok(()) } else { Err(unavailable(key, answer.said())) }
}

#[async_trait]
impl Blobs for S3Blobs {
    async fn put(&self, key: &str, bytes: Vec<u8>, content_type: &str) -> Result<(), BlobError> {
        let answer = self.ask("PUT", key, &[("content-type", content_type)], Content::Bytes(&bytes)).await?;
        expect(key, &answer, &[200])
    }

    async fn put_file(&self, key: &str, path: &Path, content_type: &str) -> Result<(), BlobError> {
        let owned = path.to_owned();
        let read = tokio::task::spawn_blocking(move || measured(&owned)).await.map_err(|error| unavailable(key, error))?;
        let (length, sha256) = read.map_err(|error| unavailable(key, format!("{}: {error}", path.display())))?;
        let headers = [("content-type", content_type), ("content-length", &*length.to_string())];
        let answer = self.ask("PUT", key, &headers, Content::File { path, length, sha256: &sha256 }).await?;
        expect(key, &answer, &[200])
    }

    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, BlobError> {
        let answer = self.ask("GET", key, &[], Content::Bytes(&[])).await?;
        expect(key, &answer, &[200, 404])?;
        Ok((answer.status == 200).then_some(answer.body))
    }

    async fn link(&self, key: &str, file_name: &str, expires_s: u32) -> Result<String, BlobError> {
        let disposition: String =
            form_urlencoded::Serializer::new(String::new()).append_pair("response-content-disposition", &attachment(file_name)).finish();
        // A space is `%20` where the signature is computed; `+` would be a plus.
        let url = format!("{}?{}", self.url(key)?, disposition.replace('+', "%20"));
        let expires_in = Duration::from_secs(expires_s.clamp(1, LONGEST_LINK_S).into());
        self.caller.link(Service::S3, "GET", &url, &[], expires_in).map_err(|why| unavailable(key, why))
    }

    async fn fetch(&self, key: &str, path: &Path, most: u64) -> Result<Option<u64>, BlobError> {
        let lasts = TRY_LASTS.saturating_add(TRY_LASTS_A_MIB.saturating_mul(u32::try_from(most >> 20).unwrap_or(u32::MAX)));
        let url = self.url(key)?;
        let ask = Ask { service: Service::S3, method: "GET", url: &url, headers: &[], body: Content::Bytes(&[]), try_lasts: lasts };
        match self.caller.fetch(&ask, path, most).await.map_err(|why| unavailable(key, why))? {
            Fetched::Whole(length) => Ok(Some(length)),
            Fetched::TooLarge => Err(BlobError::TooLarge { key: key.to_owned(), most }),
            Fetched::Said(answer) => expect(key, &answer, &[404]).map(|()| None),
        }
    }

    async fn upload_link(&self, key: &str, content_type: &str, bytes: u64, expires_s: u32) -> Result<String, BlobError> {
        let (length, expires_in) = (bytes.to_string(), Duration::from_secs(expires_s.clamp(1, LONGEST_LINK_S).into()));
        // What is signed must be sent as it is: S3 refuses another length or type.
        let headers = [("content-type", content_type), ("content-length", &*length)];
        self.caller.link(Service::S3, "PUT", &self.url(key)?, &headers, expires_in).map_err(|why| unavailable(key, why))
    }

    async fn delete(&self, key: &str) -> Result<(), BlobError> {
        let answer = self.ask("DELETE", key, &[], Content::Bytes(&[])).await?;
        expect(key, &answer, &[200, 204, 404])
    }
}

/// The length and the SHA-256 of a file, without all of it in memory. S3 holds what arrives against it.
fn measured(path: &Path) -> std::io::Result<(u64, String)> {
    let (mut file, mut digest) = (File::open(path)?, ring::digest::Context::new(&ring::digest::SHA256));
    let (mut chunk, mut length) = (vec![0; CHUNK_BYTES], 0_u64);
    loop {
        let read = file.read(&mut chunk)?;
        if read == 0 {
            break;
        }
        length += read as u64;
        digest.update(&chunk[..read]);
    }
    let hex = digest.finish().as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    Ok((length, hex))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws::tests::server;

    #[tokio::test]
    async fn a_put_is_tried_again_until_it_is_taken_and_carries_the_digest_of_its_body() {
        let (caller, endpoint, asked) = server(&[(503, "SlowDown"), (500, ""), (200, "")]).await;
        let blobs = S3Blobs::new(caller, "bucket", Some(&endpoint));
        blobs.put("usage/a.jsonl.gz", b"abc".to_vec(), "application/gzip").await.expect("put");
        let asked = asked.lock().expect("no panic");
        assert_eq!(asked.len(), 3);
        let request = asked[2].to_lowercase();
        assert!(request.starts_with("put /bucket/usage/a.jsonl.gz http/1.1\r\n"), "{request}");
        // SHA-256 of "abc": FIPS 180-4, B.1.
        assert!(
            request.contains("x-amz-content-sha256: ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\r\n"),
            "{request}"
        );
        assert!(request.contains("/eu-central-1/s3/aws4_request, signedheaders="), "{request}");
        assert!(request.contains("x-amz-security-token: a token\r\n"), "{request}");
        assert!(request.contains("content-type: application/gzip\r\n") && request.ends_with("\r\n\r\nabc"), "{request}");
    }

    #[tokio::test]
    async fn a_file_is_sent_as_its_bytes_would_be() {
        let (caller, endpoint, asked) = server(&[(500, ""), (200, "")]).await;
        let file = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(file.path(), b"abc").expect("written");
        let blobs = S3Blobs::new(caller, "bucket", Some(&endpoint));
        blobs.put_file("exports/a.csv", file.path(), "text/csv").await.expect("put");
        let asked = asked.lock().expect("no panic");
        for request in asked.iter().map(|request| request.to_lowercase()) {
            assert!(request.contains("x-amz-content-sha256: ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\r\n"));
            assert_eq!(request.matches("content-length: 3\r\n").count(), 1, "{request}");
            assert!(request.ends_with("\r\n\r\nabc"), "{request}");
        }
    }

    #[tokio::test]
    async fn absent_is_no_failure_and_a_refusal_is_told_with_what_was_said() {
        let (caller, endpoint, _) = server(&[(404, "NoSuchKey"), (403, "AccessDenied"), (204, "")]).await;
        let blobs = S3Blobs::new(caller, "bucket", Some(&endpoint));
        assert_eq!(blobs.get("usage/none").await, Ok(None));
        let refused = blobs.get("usage/other").await.expect_err("a refusal").to_string();
        assert_eq!(refused, "blob usage/other: status 403: AccessDenied");
        assert_eq!(blobs.delete("usage/none").await, Ok(()));
        assert_eq!(blobs.get("../x").await, Err(BlobError::BadKey("../x".into())));
    }

    #[tokio::test]
    async fn a_blob_is_fetched_into_a_file_and_no_larger_one_than_is_wanted() {
        let (caller, endpoint, _) = server(&[(500, ""), (200, "abc"), (200, "abcd"), (404, "NoSuchKey")]).await;
        let file = tempfile::NamedTempFile::new().expect("a file");
        let blobs = S3Blobs::new(caller, "bucket", Some(&endpoint));
        assert_eq!(blobs.fetch("bulk/a.csv", file.path(), 3).await, Ok(Some(3)));
        assert_eq!(std::fs::read(file.path()).expect("read"), b"abc");
        assert!(matches!(blobs.fetch("bulk/a.csv", file.path(), 3).await, Err(BlobError::TooLarge { .. })));
        assert_eq!(blobs.fetch("bulk/a.csv", file.path(), 3).await, Ok(None));
    }

    #[tokio::test]
    async fn an_upload_link_signs_the_length_and_the_type() {
        let (caller, _, _) = server(&[]).await;
        let link = S3Blobs::new(caller, "bucket", None).upload_link("bulk/a.csv", "text/csv", 17, 600).await.expect("a link");
        assert!(link.starts_with("https://bucket.s3.eu-central-1.amazonaws.com/bulk/a.csv?"), "{link}");
        for part in ["X-Amz-SignedHeaders=content-length%3Bcontent-type%3Bhost", "X-Amz-Expires=600", "X-Amz-Signature="] {
            assert!(link.contains(part), "{part} in {link}");
        }
    }

    #[tokio::test]
    async fn a_link_is_of_the_buckets_own_host_and_carries_its_end_and_its_name() {
        let (caller, _, _) = server(&[]).await;
        let blobs = S3Blobs::new(caller, "bucket", None);
        let link = blobs.link("exports/a.csv", "usage of May.csv", 600).await.expect("a link");
        assert!(link.starts_with("https://bucket.s3.eu-central-1.amazonaws.com/exports/a.csv?response-content-disposition="), "{link}");
        for part in
            ["attachment%3B%20filename%3D%22usage_of_May.csv%22", "X-Amz-Expires=600", "X-Amz-Signature=", "X-Amz-Security-Token=a%20token"]
        {
            assert!(link.contains(part), "{part} in {link}");
        }
    }
}

//! The pages: built by npm when they are missing or older than what they are made of, and served as the distribution of
//! `template.yaml` serves them, with its headers.

use std::convert::Infallible;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use axum::body::Body;
use axum::response::{IntoResponse as _, Response};
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderName, HeaderValue};
use http::{HeaderMap, Method, Request, StatusCode};
use md5::{Digest as _, Md5};
use tower::ServiceExt as _;
use tower_http::services::ServeDir;

/// Where the pages' sources are, as this program was built.
const SOURCES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../functions/portal/web");
/// What the pages are made of beside their own directory: the API's types.
const API: &str = "../../../docs/openapi.json";
/// In the built directory: the digest of what it was built from.
const STAMP: &str = ".built-from";
/// Directories of the sources that are made, not written.
const MADE: [&str; 2] = ["node_modules", "dist"];
/// A file of the sources that is made, from [`API`].
const MADE_TYPES: &str = "schema.ts";

/// Whether there are pages, and why not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Prepared {
    /// They are in this directory.
    Ready(PathBuf),
    /// There are none; a sentence that says why and what to do.
    Missing(String),
}

/// The pages as they are, without building anything.
pub fn as_they_are() -> Prepared {
    let built = built();
    if built.join("index.html").is_file() {
        Prepared::Ready(built)
    } else {
        Prepared::Missing(
            "The pages are not built. Start `cargo dev` without --no-pages, or run `npm ci && npm run build` in functions/portal/web."
                .to_owned(),
        )
    }
}

/// Builds the pages if they are missing or older than their sources; `says` is told what takes long.
pub fn prepare(says: impl Fn(&str)) -> Prepared {
    let sources = Path::new(SOURCES);
    match build(sources, says) {
        Ok(()) => as_they_are(),
        Err(Unbuilt::NoNpm) => match as_they_are() {
            Prepared::Ready(built) => Prepared::Ready(built),
            Prepared::Missing(_) => Prepared::Missing(
                "The pages are built with Node, which is not here. Install Node 20 or newer and start again; everything else works without it.".to_owned(),
            ),
        },
        Err(Unbuilt::Failed(why)) => Prepared::Missing(format!(
            "The pages could not be built: {why}. Run `npm ci && npm run build` in functions/portal/web to see more; everything else works without them."
        )),
    }
}

/// Why the pages were not built.
enum Unbuilt {
    NoNpm,
    Failed(String),
}

fn built() -> PathBuf {
    Path::new(SOURCES).join("dist")
}

fn build(sources: &Path, says: impl Fn(&str)) -> Result<(), Unbuilt> {
    let failed = |what: &'static str| move |error: io::Error| Unbuilt::Failed(format!("{what}: {error}"));
    // Two starts at once would build into one directory.
    let lock = File::create(sources.join(".building")).map_err(failed("functions/portal/web"))?;
    lock.lock().map_err(failed("functions/portal/web"))?;
    let digest = digest(sources).map_err(failed("functions/portal/web"))?;
    let stamp = built().join(STAMP);
    if fs::read_to_string(&stamp).is_ok_and(|from| from == digest) {
        return Ok(());
    }
    says("Building the pages (once, and after their sources change) …");
    npm(sources, &["ci", "--no-audit", "--no-fund"])?;
    npm(sources, &["run", "build"])?;
    fs::write(&stamp, digest).map_err(failed("functions/portal/web/dist"))
}

fn npm(sources: &Path, arguments: &[&str]) -> Result<(), Unbuilt> {
    let output = Command::new("npm").args(arguments).current_dir(sources).stdin(Stdio::null()).output();
    let output = output.map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => Unbuilt::NoNpm,
        _ => Unbuilt::Failed(format!("npm: {error}")),
    })?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let errors = said.lines().filter_map(|line| Some(line.strip_prefix("npm error")?.trim())).filter(|line| !line.is_empty());
    let why = errors.take(3).collect::<Vec<_>>().join("; ");
    Err(Unbuilt::Failed(format!("npm {} failed: {why}", arguments.join(" "))))
}

/// A digest of everything that the pages are made of.
fn digest(sources: &Path) -> io::Result<String> {
    let mut files = vec![sources.join(API)];
    collect(sources, &mut files)?;
    files.sort();
    let mut digest = Md5::new();
    for file in files {
        digest.update(file.to_string_lossy().as_bytes());
        digest.update(fs::read(&file)?);
    }
    Ok(digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}

fn collect(dir: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if entry.file_type()?.is_dir() {
            if !MADE.contains(&&*name) {
                collect(&entry.path(), files)?;
            }
        } else if !name.starts_with('.') && name != MADE_TYPES {
            files.push(entry.path());
        }
    }
    Ok(())
}

/// The pages as they are served.
#[derive(Debug, Clone)]
pub struct Pages {
    prepared: Prepared,
    headers: HeaderMap,
}

impl Pages {
    /// Those pages, with these headers on each answer.
    pub fn new(prepared: Prepared, headers: &[(String, String)]) -> Self {
        let header =
            |(name, value): &(String, String)| Some((HeaderName::from_bytes(name.as_bytes()).ok()?, HeaderValue::from_str(value).ok()?));
        Self { prepared, headers: headers.iter().filter_map(header).collect() }
    }

    /// Whether an address is a page's or a file's of theirs, as `PagesRewrite` of `template.yaml` says, too. The API's own routes come before.
    pub fn take(path: &str) -> bool {
        let below = |folder: &str| path.strip_prefix(folder).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        matches!(path, "/" | "/index.html") || below("/app") || below("/portal") || Self::is_file(path)
    }

    /// Whether an address is a file's, and not answered with the one document.
    pub fn is_file(path: &str) -> bool {
        path.starts_with("/assets/") || matches!(path, "/favicon.svg" | "/favicon.ico")
    }

    /// Answers one request.
    pub async fn answer(&self, request: Request<Body>) -> Response {
        let mut answer = match &self.prepared {
            _ if !matches!(*request.method(), Method::GET | Method::HEAD) => StatusCode::METHOD_NOT_ALLOWED.into_response(),
            Prepared::Ready(dir) => file(dir, request).await,
            Prepared::Missing(why) => {
                (StatusCode::SERVICE_UNAVAILABLE, [(CONTENT_TYPE, "text/plain; charset=utf-8")], format!("{why}\n")).into_response()
            }
        };
        answer.headers_mut().extend(self.headers.clone());
        answer
    }
}

async fn file(dir: &Path, mut request: Request<Body>) -> Response {
    let asset = Pages::is_file(request.uri().path());
    if !asset {
        *request.uri_mut() = http::Uri::from_static("/index.html");
    }
    let served: Result<_, Infallible> = ServeDir::new(dir).append_index_html_on_directories(false).oneshot(request).await;
    let mut answer = match served {
        Ok(answer) => answer.map(Body::new),
        Err(never) => match never {},
    };
    // As scripts/publish-pages.sh writes it into the bucket.
    let kept = if asset && answer.status().is_success() { "public, max-age=31536000, immutable" } else { "no-cache" };
    answer.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static(kept));
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn ask(pages: &Pages, path: &str) -> (u16, HeaderMap, String) {
        let answer = pages.answer(Request::get(path).body(Body::empty()).expect("a request")).await;
        let (parts, body) = answer.into_parts();
        let bytes = axum::body::to_bytes(body, 1 << 20).await.expect("a body");
        (parts.status.as_u16(), parts.headers, String::from_utf8_lossy(&bytes).into_owned())
    }

    #[tokio::test]
    async fn every_page_is_the_one_document_and_files_are_kept() {
        let dir = tempfile::tempdir().expect("a directory");
        fs::create_dir(dir.path().join("assets")).expect("a directory");
        fs::write(dir.path().join("index.html"), "<!doctype html>").expect("written");
        fs::write(dir.path().join("assets/a-1.js"), "1").expect("written");
        let policy = [("content-security-policy".to_owned(), "default-src 'none'".to_owned())];
        let pages = Pages::new(Prepared::Ready(dir.path().to_owned()), &policy);
        for path in ["/", "/app", "/app/accounts/acc_1", "/portal/corner", "/portal/corner/usage"] {
            let (status, headers, body) = ask(&pages, path).await;
            assert_eq!((status, body.as_str(), headers[CACHE_CONTROL].as_bytes()), (200, "<!doctype html>", &b"no-cache"[..]), "{path}");
            assert_eq!(headers["content-security-policy"], "default-src 'none'", "{path}");
        }
        let (status, headers, body) = ask(&pages, "/assets/a-1.js").await;
        assert_eq!((status, body.as_str()), (200, "1"));
        assert!(headers[CACHE_CONTROL].to_str().expect("text").contains("immutable"));
        for absent in ["/assets/b.js", "/assets/../../Cargo.toml", "/assets/%2e%2e/%2e%2e/Cargo.toml"] {
            let (status, headers, _) = ask(&pages, absent).await;
            assert_eq!((status, headers[CACHE_CONTROL].as_bytes()), (404, &b"no-cache"[..]), "{absent}");
        }
        let posted = pages.answer(Request::post("/app").body(Body::empty()).expect("a request")).await;
        assert_eq!(posted.status(), 405);
    }

    #[tokio::test]
    async fn without_pages_it_says_what_to_do() {
        let (status, _, body) = ask(&Pages::new(Prepared::Missing("Install Node.".to_owned()), &[]), "/app").await;
        assert_eq!((status, body.as_str()), (503, "Install Node.\n"));
    }

    #[test]
    fn what_is_a_page() {
        for page in ["/", "/index.html", "/app", "/app/", "/app/x", "/portal/corner", "/assets/a.js", "/favicon.svg", "/favicon.ico"] {
            assert!(Pages::take(page), "{page}");
        }
        for other in ["/application", "/reseller/accounts", "/health", "/portals", "/docs/errors", "/assets", "/favicon.png"] {
            assert!(!Pages::take(other), "{other}");
        }
    }

    #[test]
    fn what_the_pages_are_made_of_changes_the_digest_and_what_is_made_does_not() {
        let dir = tempfile::tempdir().expect("a directory");
        let web = dir.path().join("functions/portal/web");
        let write = |path: &str, text: &str| {
            let path = web.join(path);
            fs::create_dir_all(path.parent().expect("a parent")).expect("directories");
            fs::write(path, text).expect("written");
        };
        write("src/main.tsx", "1");
        write(API, "{}");
        let first = digest(&web).expect("a digest");
        for made in ["dist/index.html", "node_modules/x/y.js", "src/api/schema.ts", ".building"] {
            write(made, "made");
        }
        assert_eq!(digest(&web).expect("a digest"), first);
        write("src/main.tsx", "2");
        let second = digest(&web).expect("a digest");
        assert_ne!(second, first);
        write(API, "{\"paths\": {}}");
        assert_ne!(digest(&web).expect("a digest"), second);
    }
}

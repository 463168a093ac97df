//! The outbox of mails: nothing leaves the machine. `GET /_local/mail` lists what was sent, `GET /_local/mail/{id}` shows one. In files below
//! the data directory, or in memory.

use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderName, HeaderValue, Response};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tributary_runtime::clock::Clock;
use tributary_runtime::mail::{Mail, MailError, Mailer};

use crate::gateway::Answer;
use crate::state::write_private;

/// A page of the outbox loads nothing; mails are shown in a frame of their own that may do nothing.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; frame-src 'self'; base-uri 'none'; form-action 'none'";
/// A mail's own page.
const MAIL_POLICY: &str = "sandbox allow-popups; default-src 'none'; style-src 'unsafe-inline'; img-src data:";

/// A mail that was sent.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Sent {
    at: Timestamp,
    mail: Mail,
}

/// The outbox. A clone is the same.
#[derive(Debug, Clone)]
pub struct Outbox {
    dir: Option<Arc<PathBuf>>,
    clock: Arc<dyn Clock>,
    sent: Arc<Mutex<Vec<Sent>>>,
}

/// How a mail is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shown {
    /// As the page that it is.
    Html,
    /// As it was sent, headers and all.
    Raw,
}

impl Outbox {
    /// The outbox in a directory, with what was sent before; in memory without one.
    ///
    /// # Errors
    /// When the directory cannot be used.
    pub fn open(dir: Option<&Path>, clock: Arc<dyn Clock>) -> io::Result<Self> {
        let mut sent: Vec<Sent> = Vec::new();
        if let Some(dir) = dir {
            std::fs::create_dir_all(dir)?;
            for file in std::fs::read_dir(dir)? {
                // A file that a kill left half written is of a mail that is sent again.
                if let Ok(mail) = serde_json::from_slice(&std::fs::read(file?.path())?) {
                    sent.push(mail);
                }
            }
            sent.sort_by_key(|one| one.at);
        }
        Ok(Self { dir: dir.map(|dir| Arc::new(dir.to_owned())), clock, sent: Arc::new(Mutex::new(sent)) })
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Sent>> {
        self.sent.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What was sent, the newest first, as JSON.
    pub fn list(&self) -> Answer {
        let row = |sent: &Sent| {
            let Mail { id, from, to, subject, text, .. } = &sent.mail;
            json!({ "id": id, "at": sent.at, "from": from, "to": to, "subject": subject, "text": text, "page": format!("/_local/mail/{id}") })
        };
        let rows: Vec<_> = self.lock().iter().rev().map(row).collect();
        answer(json!({ "data": rows }).to_string(), "application/json", None)
    }

    /// The same as a page.
    pub fn page(&self) -> Answer {
        let mut page = String::from(
            "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Outbox</title>\
             <style>body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}td{padding:.25rem 1rem .25rem 0}</style>\
             <h1>Outbox</h1><p>Mails that would have been sent. Nothing leaves this machine.</p><table>",
        );
        for Sent { at, mail } in self.lock().iter().rev() {
            let _ = write!(
                page,
                "<tr><td>{at:.0}<td>{}<td><a href=\"/_local/mail/{id}\">{}</a><td><a href=\"/_local/mail/{id}?raw\">raw</a>",
                escaped(&mail.to),
                escaped(&mail.subject),
                id = escaped(&mail.id),
            );
        }
        page.push_str("</table></html>");
        answer(page, "text/html; charset=utf-8", Some(POLICY))
    }

    /// One mail; `None` if there is none of that id.
    pub fn get(&self, id: &str, shown: Shown) -> Option<Answer> {
        let sent = self.lock();
        let mail = &sent.iter().find(|sent| sent.mail.id == id)?.mail;
        Some(match shown {
            Shown::Html => answer(mail.html.clone(), "text/html; charset=utf-8", Some(MAIL_POLICY)),
            Shown::Raw => answer(mail.raw.clone(), "text/plain; charset=utf-8", None),
        })
    }
}

/// What the address of a page that signs in holds.
const SIGN_IN: &str = "/sign-in#token=";

/// Shows a link to sign in where whoever asked for it looks first.
fn show_link(mail: &Mail) {
    if let Some(link) = mail.text.split_whitespace().find(|word| word.contains(SIGN_IN)) {
        let line = format!("Sign in as {}: {link}\n", mail.to);
        // A terminal that is gone is no reason to fail.
        let _ = io::stdout().write_all(line.as_bytes());
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;").replace('\'', "&#39;")
}

fn answer(body: String, content_type: &'static str, policy: Option<&'static str>) -> Answer {
    let mut answer = Response::new(Bytes::from(body));
    let headers = answer.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert("x-content-type-options", HeaderValue::from_static("nosniff"));
    if let Some(policy) = policy {
        headers.insert(HeaderName::from_static("content-security-policy"), HeaderValue::from_static(policy));
    }
    answer
}

#[async_trait]
impl Mailer for Outbox {
    async fn send(&self, mail: &Mail) -> Result<(), MailError> {
        let sent = Sent { at: self.clock.now(), mail: mail.clone() };
        if let Some(dir) = &self.dir {
            let refused = |error: &dyn std::fmt::Display| MailError::Unavailable(error.to_string());
            let text = serde_json::to_vec(&sent).map_err(|error| refused(&error))?;
            write_private(&dir.join(format!("{}.json", mail.id)), &text).map_err(|error| refused(&error))?;
        }
        show_link(mail);
        let mut all = self.lock();
        // Sent twice it is still one mail, as it is to whoever gets it.
        all.retain(|other| other.mail.id != mail.id);
        all.push(sent);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use tributary_runtime::clock::SystemClock;

    use super::*;

    #[tokio::test]
    async fn what_was_sent_is_there_after_a_restart_and_markup_in_a_subject_stays_text() {
        let dir = tempfile::tempdir().expect("a directory");
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::default());
        let outbox = Outbox::open(Some(dir.path()), clock.clone()).expect("opened");
        let mail = Mail {
            id: "evt_1-x".into(),
            from: "a@example.com".into(),
            to: "b@example.com".into(),
            subject: "<script>alert(1)</script>".into(),
            text: "t".into(),
            html: "<p>h</p>".into(),
            raw: "Subject: s\r\n\r\nt".into(),
        };
        outbox.send(&mail).await.expect("sent");
        outbox.send(&mail).await.expect("sent");
        let again = Outbox::open(Some(dir.path()), clock).expect("opened");
        let listed: serde_json::Value = serde_json::from_slice(again.list().body()).expect("JSON");
        assert_eq!(listed["data"].as_array().map(Vec::len), Some(1));
        let page = String::from_utf8(again.page().into_body().to_vec()).expect("text");
        assert!(page.contains("&lt;script&gt;") && !page.contains("<script>"), "{page}");
        assert_eq!(again.get("evt_1-x", Shown::Raw).map(|raw| raw.into_body()), Some(Bytes::from("Subject: s\r\n\r\nt")));
        assert!(again.get("evt_2", Shown::Html).is_none());
    }
}

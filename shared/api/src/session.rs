//! The session of a browser: its cookie, and what a request with it must prove. See `docs/sign-in.md`.
//!
//! The cookie's value names whose the session is and its id, so that it is found with one read, and holds 256 random bits. What is kept
//! is the value's HMAC under the pepper. The token against forged requests is another HMAC of the value: nothing is kept of it.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::header::{COOKIE, USER_AGENT};
use http::{HeaderMap, Method};
use jiff::Timestamp;
use tributary_domain::id::{ActorId, SessionId};
use tributary_domain::session::{LONGEST_S, MAX_USER_AGENT, Session, Standing};
use tributary_store::sessions::KeptSession;

use crate::app::App;
use crate::code::Code;
use crate::problem::Problem;

/// The header that carries the token against forged requests.
pub const CSRF_HEADER: &str = "x-csrf-token";
/// The cookie's name. With this beginning a browser takes it only over HTTPS, for this very host, for all paths: no other host, not even one
/// below the same domain, can set it.
///
/// Source: "Cookies: HTTP State Management Mechanism", RFC 6265bis, section 4.1.3.2.
const NAME: &str = "__Host-tributary";
/// Its name where the platform is served over plain HTTP: browsers refuse the other there.
const PLAIN_NAME: &str = "tributary";
/// Characters of 256 random bits.
const SECRET_CHARS: usize = 43;

const KEPT: &[u8] = b"session v1\n";
const CSRF: &[u8] = b"session csrf v1\n";

/// A cookie's value that reads as one of ours.
#[derive(Clone)]
pub struct Presented {
    /// Whose session it names.
    pub actor: ActorId,
    /// Which.
    pub id: SessionId,
    value: String,
}

impl std::fmt::Debug for Presented {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Presented({}, secret hidden)", self.id)
    }
}

/// Who is signed in, and by what.
#[derive(Debug, Clone)]
pub struct SignedIn {
    /// The session.
    pub session: Session,
    /// What unsafe requests of the session carry as `X-CSRF-Token`.
    pub csrf_token: String,
}

/// The name of the session's cookie.
pub fn cookie_name(app: &App) -> &'static str {
    if app.plain_http() { PLAIN_NAME } else { NAME }
}

/// A new session, what is kept of it, and the value of its cookie.
///
/// # Errors
/// `internal_error` without randomness.
pub fn fresh(app: &App, actor: ActorId, standing: Standing, headers: &HeaderMap) -> Result<(KeptSession, Presented), Problem> {
    let mut random = [0_u8; 32];
    app.ids().fill(&mut random).map_err(|error| Problem::new(Code::Internal, error.to_string()))?;
    let id = SessionId::from_uuid(app.uuid());
    let value = format!("{actor}.{id}.{}", URL_SAFE_NO_PAD.encode(random));
    let now = app.platform_now();
    let user_agent =
        headers.get(USER_AGENT).and_then(|agent| agent.to_str().ok()).map(|agent| agent.chars().take(MAX_USER_AGENT).collect());
    let session = Session { id: id.clone(), actor: actor.clone(), standing, created_at: now, last_seen_at: now, user_agent };
    let hash = URL_SAFE_NO_PAD.encode(app.secrets().mac(&[KEPT, value.as_bytes()].concat()));
    Ok((KeptSession { session, hash }, Presented { actor, id, value }))
}

/// The session that a request's cookie names, if there is one that reads as ours.
pub fn presented(app: &App, headers: &HeaderMap) -> Option<Presented> {
    let lines = headers.get_all(COOKIE).iter().filter_map(|line| line.to_str().ok());
    let pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    let value = pairs.filter(|(name, _)| *name == cookie_name(app)).map(|(_, value)| value).next()?;
    let mut parts = value.split('.');
    let (actor, id, secret) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?, parts.next()?);
    let good = secret.len() == SECRET_CHARS && parts.next().is_none();
    good.then(|| Presented { actor, id, value: value.to_owned() })
}

impl Presented {
    /// The session as it is kept, if the cookie is its own and it is not over: one read.
    ///
    /// # Errors
    /// Store errors.
    pub async fn kept(&self, app: &App, now: Timestamp) -> Result<Option<KeptSession>, Problem> {
        let kept = app.store().session(&self.actor, &self.id).await?;
        Ok(kept.filter(|kept| self.is_of(app, kept) && !kept.session.is_over(now)))
    }

    fn is_of(&self, app: &App, kept: &KeptSession) -> bool {
        let hash = URL_SAFE_NO_PAD.decode(&kept.hash).unwrap_or_default();
        app.secrets().is_mac(&[KEPT, self.value.as_bytes()].concat(), &hash)
    }

    fn csrf_content(&self) -> Vec<u8> {
        [CSRF, self.value.as_bytes()].concat()
    }

    /// The token that the session's unsafe requests carry.
    pub fn csrf_token(&self, app: &App) -> String {
        URL_SAFE_NO_PAD.encode(app.secrets().mac(&self.csrf_content()))
    }

    /// Refuses a request that may be forged: one that changes something and comes from another site, or does not carry the session's token.
    ///
    /// # Errors
    /// `csrf_failed`.
    pub fn refuse_forged(&self, app: &App, method: &Method, headers: &HeaderMap) -> Result<(), Problem> {
        if *method == Method::GET || *method == Method::HEAD {
            return Ok(());
        }
        refuse_cross_site(headers)?;
        let given = headers.get(CSRF_HEADER).and_then(|token| URL_SAFE_NO_PAD.decode(token.as_bytes()).ok()).unwrap_or_default();
        if app.secrets().is_mac(&self.csrf_content(), &given) {
            return Ok(());
        }
        Err(Problem::new(
            Code::CsrfFailed,
            "A request with a session's cookie that is no GET needs the session's `csrf_token` in the header X-CSRF-Token. GET /portal/session tells it.",
        ))
    }

    /// The `Set-Cookie` that gives it to the browser, for as long as a session can last: the platform ends it earlier.
    pub fn set_cookie(&self, app: &App) -> String {
        set(app, &self.value, LONGEST_S)
    }
}

/// The `Set-Cookie` that takes a session's cookie from the browser.
pub fn cleared_cookie(app: &App) -> String {
    set(app, "", 0)
}

fn set(app: &App, value: &str, max_age_s: i64) -> String {
    let secure = if app.plain_http() { "" } else { "; Secure" };
    format!("{}={value}; Path=/; Max-Age={max_age_s}; HttpOnly{secure}; SameSite=Lax", cookie_name(app))
}

/// Refuses a request that a browser says another site's page made.
///
/// Source: "Fetch Metadata Request Headers", W3C. What is no browser, or an old one, says nothing.
///
/// # Errors
/// `csrf_failed`.
pub fn refuse_cross_site(headers: &HeaderMap) -> Result<(), Problem> {
    match headers.get("sec-fetch-site").and_then(|site| site.to_str().ok()) {
        Some("cross-site") => {
            Err(Problem::new(Code::CsrfFailed, "Another site's page made this request; only the platform's own pages may."))
        }
        Some(_) | None => Ok(()),
    }
}

//! Who wants no more mails: the page that a mail links to, and the one click of mail programs (RFC 8058).
//!
//! Looking at the page changes nothing, because programs look at links before people do.

use askama::Template;
use tributary_api::{Call, Code, Problem, Reply};
use tributary_domain::id::AccountId;

/// What the tokens of links in mails are sealed for.
const SEALED_FOR: &[u8] = b"mail unsubscribe v1";
/// The pages need nothing, and may load nothing.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

#[derive(Template)]
#[template(path = "unsubscribe.html")]
struct Page {
    done: bool,
}

fn html(done: bool) -> Result<Reply, Problem> {
    let page = Page { done }.render().map_err(|error| Problem::new(Code::Internal, error.to_string()))?;
    Ok(Reply::html(&page).header("content-security-policy", POLICY).header("referrer-policy", "no-referrer"))
}

/// Whose mails, and which address by its digest.
fn opened(call: &Call) -> Result<(AccountId, String), Problem> {
    let token: String = call.id("token")?;
    let plain = call.app.secrets().open(&token, SEALED_FOR).map_err(|_| Problem::not_found())?;
    let text = String::from_utf8(plain).map_err(|_| Problem::not_found())?;
    let (brand, digest) = text.split_once(' ').ok_or_else(Problem::not_found)?;
    Ok((brand.parse().map_err(|_| Problem::not_found())?, digest.to_owned()))
}

/// Asks.
///
/// # Errors
/// `not_found` for a token that was not given out.
pub async fn page(call: Call) -> Result<Reply, Problem> {
    call.params()?.done()?;
    opened(&call)?;
    html(false)
}

/// Does it, whatever is sent with it: mail programs and forms send different things. Again is the same.
///
/// # Errors
/// `not_found` for a token that was not given out.
pub async fn unsubscribe(call: Call) -> Result<Reply, Problem> {
    let (brand, digest) = opened(&call)?;
    call.store().unsubscribe(&brand, &digest, call.app.now()).await?;
    html(true)
}

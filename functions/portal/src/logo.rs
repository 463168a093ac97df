//! `GET /portal/logo/{digest}`: a logo, by what it is, while an account has it. Under one digest there is never anything else, so a browser may keep it
//! for ever.

use tributary_api::{Call, Problem, Reply};
use tributary_domain::brand::LogoDigest;

/// What a request asks for first to be handed bytes by the gateway: `BinaryMediaTypes` of `template.yaml`.
pub const BINARY_MEDIA_TYPES: [&str; 6] = ["image/png", "image/jpeg", "image/webp", "image/avif", "image/apng", "image/svg+xml"];
/// A year, which is the longest that caches are told; what is kept for many people is asked for anew, as the logo may have been taken away.
const CACHING: &str = "public, max-age=31536000, s-maxage=300, immutable";
/// Nothing that was sent as a picture is ever run.
const POLICY: &str = "default-src 'none'; sandbox";
/// How long a link to the bytes works, in seconds.
const LINK_S: u32 = 15 * 60;
/// How long a link may be followed from a cache: well within its life.
const LINK_CACHING: &str = "public, max-age=300";

/// A logo's bytes; to whom the gateway cannot hand bytes, where they are.
///
/// API Gateway's REST APIs give a function's bytes as bytes only to requests whose `Accept` names one of the API's binary media types first, as
/// browsers do for pictures, and as base64 text to all others, such as mail programs that ask for `*/*`. Those are sent to the bucket.
///
/// # Errors
/// `not_found` for a digest of no account's logo; `busy` if blobs cannot be reached.
pub async fn get(call: Call) -> Result<Reply, Problem> {
    call.params()?.done()?;
    let digest: LogoDigest = call.id("digest")?;
    if !call.store().is_logo(&digest).await? {
        return Err(Problem::not_found());
    }
    let key = digest.blob_key();
    let png = call.app.blobs().get(&key).await?.ok_or_else(Problem::not_found)?;
    let asked = call.header("accept").map(|accept| accept.split([',', ';']).next().unwrap_or_default().trim());
    if asked.is_some_and(|first| BINARY_MEDIA_TYPES.contains(&first)) {
        return Ok(Reply::bytes("image/png", png)
            .header("cache-control", CACHING)
            .header("content-security-policy", POLICY)
            .header("vary", "Accept"));
    }
    let link = call.app.blobs().link(&key, "logo.png", LINK_S).await?;
    Ok(Reply::found(&link).header("cache-control", LINK_CACHING).header("vary", "Accept"))
}

//! Under which host a request came: the platform's own, or one that an account's customers know.

use http::HeaderMap;
use http::header::HOST;
use tributary_domain::brand::HostName;

use crate::app::App;

/// Hosts of AWS, under which nothing but the platform can be reached.
const PROVIDERS: [&str; 3] = [".amazonaws.com", ".amazonaws.com.cn", ".cloudfront.net"];
/// Those of the gateway itself, which has the stage in its paths.
const GATEWAYS: [&str; 2] = [".amazonaws.com", ".amazonaws.com.cn"];
/// This machine's.
const HERE: [&str; 3] = ["localhost", "127.0.0.1", "[::1]"];

/// What stands in front of the gateway.
#[derive(Debug, Clone, Default)]
pub struct Front {
    /// Where the pages for people are, without a slash at the end; `None` in a stack that has no domain for them.
    pub pages_url: Option<String>,
    /// What the stack's own distribution says with each request: then it is believed about whose request it is.
    pub edge_token: Option<String>,
}

/// Whose host was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Asked {
    /// The platform's.
    Platform,
    /// Another, which may be an account's or nobody's.
    Host(HostName),
    /// Something that is no name of a host.
    Nowhere,
}

/// The host that a request names. What stands in front of the gateway and calls it by another name, such as CloudFront, says in
/// `X-Forwarded-Host` what it was called by itself. Anybody may send that header: it decides what is shown, and nothing else.
pub fn asked(app: &App, headers: &HeaderMap) -> Asked {
    let Some(name) = named(headers) else { return Asked::Platform };
    if is_gateway(app, &name) || PROVIDERS.iter().any(|suffix| name.ends_with(suffix)) || app.pages_host() == Some(name.as_str()) {
        return Asked::Platform;
    }
    HostName::parse(&name).map_or(Asked::Nowhere, Asked::Host)
}

/// A path of the platform as a browser finds it under the host that was asked. Only the gateway's own host has the stage in its paths.
pub fn path(app: &App, headers: &HeaderMap, path: &str) -> String {
    match named(headers) {
        Some(name) if !is_gateway(app, &name) => path.to_owned(),
        _ => format!("{}{path}", app.base_path()),
    }
}

/// Where the pages of errors are, for a problem's `type`: under any host but the platform's, the path alone, so that the platform is not named there.
pub fn docs_url(app: &App, headers: &HeaderMap) -> String {
    let elsewhere = app.docs_url().contains("://") || named(headers).is_none_or(|name| is_gateway(app, &name));
    if elsewhere && asked(app, headers) == Asked::Platform { app.docs_url().to_owned() } else { path(app, headers, "/docs") }
}

/// The host's name, without a port, in lower case.
fn named(headers: &HeaderMap) -> Option<String> {
    let text = |value: Option<&http::HeaderValue>| value.and_then(|value| value.to_str().ok()).map(str::to_owned);
    let forwarded = text(headers.get("x-forwarded-host")).map(|hosts| hosts.split(',').next().unwrap_or_default().trim().to_owned());
    let authority = forwarded.or_else(|| text(headers.get(HOST)))?;
    let name = match authority.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) => name,
        _ => &authority,
    };
    Some(name.to_ascii_lowercase())
}

fn is_gateway(app: &App, name: &str) -> bool {
    GATEWAYS.iter().any(|suffix| name.ends_with(suffix)) || HERE.contains(&name) || app.own_host() == Some(name)
}

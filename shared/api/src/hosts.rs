//! Under which host a request came: the platform's own, or one that an account's customers know.

use http::HeaderMap;
use http::header::HOST;
use tributary_domain::brand::HostName;

use crate::app::App;

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
    let text = |value: Option<&http::HeaderValue>| value.and_then(|value| value.to_str().ok()).map(str::to_owned);
    let forwarded = text(headers.get("x-forwarded-host")).map(|hosts| hosts.split(',').next().unwrap_or_default().trim().to_owned());
    let Some(authority) = forwarded.or_else(|| text(headers.get(HOST))) else { return Asked::Platform };
    let name = match authority.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) => name,
        _ => &authority,
    };
    let name = name.to_ascii_lowercase();
    let gateways = [".amazonaws.com", ".amazonaws.com.cn"].iter().any(|suffix| name.ends_with(suffix));
    if gateways || matches!(name.as_str(), "localhost" | "127.0.0.1" | "[::1]") || app.own_host() == Some(name.as_str()) {
        return Asked::Platform;
    }
    HostName::parse(&name).map_or(Asked::Nowhere, Asked::Host)
}

/// Where the pages of errors are, for a problem's `type`: under any host but the platform's, the path alone, so that the platform is not named there.
pub fn docs_url(app: &App, headers: &HeaderMap) -> String {
    match asked(app, headers) {
        Asked::Platform => app.docs_url().to_owned(),
        Asked::Host(_) | Asked::Nowhere => app.path("/docs"),
    }
}

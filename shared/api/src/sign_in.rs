//! Links to sign in. A link's token follows from the event that has it mailed and the pepper, so that it is in no message, no record and no
//! queue: the notifier makes it when it writes the mail. What is kept is the token's HMAC.

use std::net::IpAddr;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use tributary_domain::id::EventId;
use tributary_domain::text::Email;

use crate::app::App;

/// Characters of a token: 256 bits.
const TOKEN_CHARS: usize = 43;

/// The token of the link that an event mails.
pub fn token(app: &App, event: &EventId) -> String {
    mac(app, "sign-in link v1", event.as_str())
}

/// What is kept of a token.
pub fn kept(app: &App, token: &str) -> String {
    mac(app, "sign-in link kept v1", token)
}

/// Whether a text can be a token at all.
pub fn well_formed(token: &str) -> bool {
    token.len() == TOKEN_CHARS && token.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

/// What stands for an address where it is counted how often links were asked for.
pub fn address_digest(app: &App, email: &Email) -> String {
    mac(app, "sign-in address v1", &email.as_str().to_lowercase())
}

/// The same for an address and who asks together.
pub fn pair_digest(app: &App, email: &Email, source: Option<IpAddr>) -> String {
    mac(app, "sign-in pair v1", &format!("{}\n{}", source_digest(app, source), email.as_str().to_lowercase()))
}

/// The same for who asks. Of an IPv6 address the first half counts: the other is its owner's to choose.
pub fn source_digest(app: &App, source: Option<IpAddr>) -> String {
    let network = match source {
        Some(IpAddr::V6(address)) => match address.to_ipv4_mapped() {
            Some(address) => address.to_string(),
            None => format!("{:?}", &address.segments()[..4]),
        },
        Some(IpAddr::V4(address)) => address.to_string(),
        None => String::new(),
    };
    mac(app, "sign-in source v1", &network)
}

fn mac(app: &App, what: &str, text: &str) -> String {
    URL_SAFE_NO_PAD.encode(app.secrets().mac(format!("{what}\n{text}").as_bytes()))
}

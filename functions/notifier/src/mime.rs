//! A letter as a mail: its text and page in one message (RFC 5322, RFC 2046, RFC 8058).

use std::str::FromStr as _;
use std::time::SystemTime;

use jiff::Timestamp;
use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart, SinglePart};
use lettre::{Address, Message};
use tributary_domain::brand::BrandInForce;
use tributary_letters::{Letter, Written};
use tributary_runtime::mail::Mail;

/// The mail of a letter, whose logo is fetched from `api_url`. The same letter makes the same bytes, but for the link to unsubscribe.
///
/// # Errors
/// A sentence that says which address cannot be one.
pub fn mail(
    id: &str,
    from: &str,
    to: &str,
    letter: &Letter,
    brand: &BrandInForce,
    (api_url, unsubscribe): (&str, Option<&str>),
    now: Timestamp,
) -> Result<Mail, String> {
    let address = |text: &str| Address::from_str(text).map_err(|error| format!("{text}: {error}"));
    let Written { html, text } = letter.written(brand, api_url, unsubscribe)?;
    let sender = address(from)?;
    let mut message = Message::builder()
        .from(Mailbox::new(Some(brand.sender_name.clone()), sender.clone()))
        .to(Mailbox::new(None, address(to)?))
        .subject(&letter.subject)
        .date(SystemTime::from(now))
        .message_id(Some(format!("<{id}@{}>", sender.domain())))
        .raw_header(raw("Auto-Submitted", "auto-generated"));
    if let Some(reply_to) = &brand.reply_to {
        message = message.reply_to(Mailbox::new(None, address(reply_to.as_str())?));
    }
    if let Some(link) = unsubscribe {
        message = message
            .raw_header(raw("List-Unsubscribe", &format!("<{link}>")))
            .raw_header(raw("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"));
    }
    let parts = MultiPart::alternative().boundary(format!("=_{id}"));
    let parts = parts.singlepart(SinglePart::plain(text.clone())).singlepart(SinglePart::html(html.clone()));
    let message = message.multipart(parts).map_err(|error| error.to_string())?;
    let raw = String::from_utf8(message.formatted()).map_err(|error| error.to_string())?;
    Ok(Mail { id: id.to_owned(), from: from.to_owned(), to: to.to_owned(), subject: letter.subject.clone(), text, html, raw })
}

/// A header whose value is made of plain characters, so that no reader takes it for encoded.
fn raw(name: &'static str, value: &str) -> HeaderValue {
    HeaderValue::dangerous_new_pre_encoded(HeaderName::new_from_ascii_str(name), value.to_owned(), value.to_owned())
}

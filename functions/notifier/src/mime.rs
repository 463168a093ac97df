//! A letter as a mail: text and page, in a brand. The one place where mails are laid out (RFC 5322, RFC 2046, RFC 8058).

use std::str::FromStr as _;
use std::time::SystemTime;

use askama::Template;
use jiff::Timestamp;
use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart, SinglePart};
use lettre::{Address, Message};
use tributary_domain::brand::BrandInForce;
use tributary_runtime::mail::Mail;

use crate::letter::Letter;

/// The colour where a brand has none.
const PLAIN: &str = "#334155";

#[derive(Template)]
#[template(path = "mail.html")]
struct Page<'a> {
    letter: &'a Letter,
    brand: &'a BrandInForce,
    color: &'a str,
    on_color: &'a str,
    unsubscribe: Option<&'a str>,
}

#[derive(Template)]
#[template(path = "mail.txt")]
struct Text<'a> {
    letter: &'a Letter,
    brand: &'a BrandInForce,
    unsubscribe: Option<&'a str>,
}

/// The mail of a letter. The same letter makes the same bytes, but for the link to unsubscribe.
///
/// # Errors
/// A sentence that says which address cannot be one.
pub fn mail(
    id: &str,
    from: &str,
    to: &str,
    letter: &Letter,
    brand: &BrandInForce,
    unsubscribe: Option<&str>,
    now: Timestamp,
) -> Result<Mail, String> {
    let address = |text: &str| Address::from_str(text).map_err(|error| format!("{text}: {error}"));
    let color = brand.color.as_ref();
    let page = Page {
        letter,
        brand,
        color: color.map_or(PLAIN, |color| color.as_str()),
        on_color: color.map_or("#ffffff", |color| color.text_on_it()),
        unsubscribe,
    };
    let html = page.render().map_err(|error| error.to_string())?;
    let text = Text { letter, brand, unsubscribe }.render().map_err(|error| error.to_string())?;
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

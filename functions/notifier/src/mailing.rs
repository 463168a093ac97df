//! Mails of events: to whom, and one try at one address.

use std::collections::BTreeSet;
use std::error::Error;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use tributary_api::{App, sign_in};
use tributary_domain::account::Account;
use tributary_domain::brand::{brand_of, brand_shown_by, sender_of};
use tributary_domain::delivery::{Attempt, Delivery, Target, Verdict};
use tributary_domain::event::{Event, EventKind, RecordKind};
use tributary_domain::id::{AccountId, MemberId, RequestId};
use tributary_domain::text::Email;
use tributary_runtime::mail::MailError;
use tributary_store::deliveries::{Kept, Opened};
use tributary_store::error::StoreError;
use tributary_store::keys;
use tributary_store::principals::Member;
use tributary_store::webhooks::Listeners;

use crate::deliver::lease;
use crate::fan_out::fresh;
use crate::{Senders, letter, mime};

/// The most addresses that one event is written to.
const MOST: usize = 20;
/// What the tokens of links in mails are sealed for.
pub const UNSUBSCRIBE: &[u8] = b"mail unsubscribe v1";

/// Makes the deliveries of an event's mails, and sends each that need not wait.
///
/// # Errors
/// Table errors; safe to repeat.
pub async fn write(
    app: &App,
    senders: &Senders,
    event: &Event,
    body: &str,
    listeners: &Listeners,
    until: Timestamp,
    run: &RequestId,
) -> Result<(), Box<dyn Error + Send + Sync>> {
    if senders.mail_from.is_none() {
        return Ok(());
    }
    let now = app.now();
    let not_before = not_before(event).filter(|at| *at > now);
    for address in addresses(app, event, listeners).await? {
        let at_once = app.now() < until;
        let target = Target::Mail { digest: digest(app, &address), address: address.as_str().to_owned() };
        let delivery = fresh(event, target, &event.account_id, now).due_at(not_before.unwrap_or(now));
        let leased = delivery.leased(now).filter(|_| at_once);
        let tried = leased.is_some();
        let kept = Kept { delivery: leased.unwrap_or(delivery), body: body.to_owned(), lease: app.uuid().to_string() };
        let leased = match app.store().open_delivery(kept).await? {
            Opened::Now(kept) => tried.then_some(kept),
            Opened::Before(kept) if at_once => lease(app, &kept).await?,
            Opened::Before(_) => None,
        };
        if let Some(leased) = leased {
            send(app, senders, &leased, run).await?;
        }
    }
    Ok(())
}

/// What stands for an address in keys.
pub fn digest(app: &App, address: &Email) -> String {
    URL_SAFE_NO_PAD.encode(app.secrets().mac(format!("mail address\n{}", address.as_str().to_lowercase()).as_bytes()))
}

/// When the quiet hours of the account that it is for are over.
fn not_before(event: &Event) -> Option<Timestamp> {
    event.data["not_before"].as_str()?.parse().ok()
}

/// To whom it is written.
async fn addresses(app: &App, event: &Event, listeners: &Listeners) -> Result<Vec<Email>, Box<dyn Error + Send + Sync>> {
    let own = || listeners.account().and_then(|account| account.email.clone()).into_iter().collect();
    let EventKind::Record(kind) = event.kind else { return Ok(Vec::new()) };
    Ok(match kind {
        RecordKind::NotificationSent => event.data["to"].as_str().and_then(|to| Email::parse(to).ok()).into_iter().collect(),
        RecordKind::WebhookDisabled | RecordKind::AutoTopupStopped => own(),
        RecordKind::SignInAsked => member(app, event).await?.into_iter().map(|member| member.email).collect(),
        RecordKind::AlertFired | RecordKind::AlertResolved => {
            // Whom an alert is written to is its owner's: the record says it, and the event does not.
            let record = app.store().record(&event.id).await?;
            let emails = record.as_ref().and_then(|record| record.detail["emails"].as_array()).cloned().unwrap_or_default();
            let emails: BTreeSet<Email> = emails.iter().filter_map(|email| Email::parse(email.as_str()?).ok()).collect();
            emails.into_iter().take(MOST).collect()
        }
        _ => Vec::new(),
    })
}

/// The member that an event is of, if they are one still.
async fn member(app: &App, event: &Event) -> Result<Option<Member>, StoreError> {
    let Some(id) = event.data["member_id"].as_str().and_then(|id| id.parse::<MemberId>().ok()) else { return Ok(None) };
    match app.store().principal(&keys::member(&event.account_id, &id)).await {
        Ok(member) => Ok(Some(member)),
        Err(StoreError::Denied(_)) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Sends a mail that is leased, keeps how that ended, and says it.
///
/// # Errors
/// Table errors; it is tried again when its lease is over.
pub async fn send(app: &App, senders: &Senders, leased: &Kept, run: &RequestId) -> Result<Verdict, Box<dyn Error + Send + Sync>> {
    let began = app.now();
    let (error, verdict) = match try_to(app, senders, &leased.delivery, &leased.body).await? {
        Ok(()) => (None, Verdict::Taken),
        Err(MailError::Refused(why)) => (Some(why), Verdict::Never),
        Err(error @ (MailError::NotConfigured(_) | MailError::Unavailable(_))) => (Some(error.to_string()), Verdict::NotNow),
    };
    if let Some(error) = &error {
        tracing::warn!(request_id = run.as_str(), event_id = leased.delivery.event_id.as_str(), error, "a mail was not sent");
    }
    let ms = app.now().duration_since(began).as_millis().try_into().unwrap_or(i64::MAX);
    let attempt = Attempt { at: began, ms, status: None, error, answer: None };
    let settled = Kept { delivery: leased.delivery.settled(attempt, verdict), ..leased.clone() };
    app.store().keep_delivery(leased, settled).await?;
    Ok(verdict)
}

async fn try_to(
    app: &App,
    senders: &Senders,
    delivery: &Delivery,
    body: &str,
) -> Result<Result<(), MailError>, Box<dyn Error + Send + Sync>> {
    let (Target::Mail { address, digest }, Some(from)) = (&delivery.target, &senders.mail_from) else {
        return Ok(Err(MailError::NotConfigured(tributary_runtime::config::MAIL_FROM)));
    };
    let event: Event = serde_json::from_str(body)?;
    let refused = |why: &str| Ok(Err(MailError::Refused(why.to_owned())));
    let Some(listeners) = app.store().listeners(&event.account_id).await? else { return refused("the account is gone") };
    let path = &listeners.path;
    let (Some(brand), Some(sender), Some(account)) = (brand_of(path), sender_of(path), listeners.account()) else {
        return refused("the account is gone");
    };
    let (brand, letter) = match event.kind {
        EventKind::Record(RecordKind::SignInAsked) if is_late(app, &event) => return refused("the link's time is over"),
        EventKind::Record(RecordKind::SignInAsked) => {
            // The mail is in the brand of the page on which it was asked for.
            let Some((at, page)) = portal_of(senders, &event, path) else { return refused("the portal is gone") };
            let Some(brand) = brand_shown_by(at) else { return refused("the portal is gone") };
            let named = Some(account).filter(|_| at.len() > 1);
            let letter = letter::sign_in(named, &brand, format!("{page}/sign-in#token={}", sign_in::token(app, &event.id)));
            (brand, Some(letter))
        }
        _ => {
            let letter = letter::of(&event, account, &brand);
            (brand, letter)
        }
    };
    let Some(letter) = letter else { return refused("there is nothing to write of it") };
    let base = base_of(senders, path);
    let unsubscribe = match letter.optional {
        true if app.store().is_unsubscribed(&sender.id, digest).await? => return refused("the address wants no more of these mails"),
        true => Some(link(app, &base, &sender.id, digest)?),
        false => None,
    };
    let id = format!("{}-{}", event.id, digest);
    match mime::mail(&id, from, address, &letter, &brand, (&base, unsubscribe.as_deref()), app.now()) {
        Ok(mail) => Ok(senders.mailer.send(&mail).await),
        Err(why) => refused(&why),
    }
}

/// Whether the link that an event is of would be taken no more.
fn is_late(app: &App, event: &Event) -> bool {
    event.data["until"].as_str().and_then(|until| until.parse::<Timestamp>().ok()).is_none_or(|until| until <= app.now())
}

/// The accounts down to the one at whose pages a link was asked for, and where these are; `None` if they are no longer the account's. A link's
/// token stands behind a `#`: a browser sends it to no server, and names it to no other page.
fn portal_of<'a>(senders: &Senders, event: &Event, path: &'a [Account]) -> Option<(&'a [Account], String)> {
    let down_to = |of: &dyn Fn(&Account) -> bool| path.iter().position(of).map(|at| &path[..=at]);
    if let Some(host) = event.data["host"].as_str() {
        let at = down_to(&|account| account.portal.verified_host().is_some_and(|own| own.as_str() == host))?;
        return Some((at, format!("https://{host}/app")));
    }
    if let Some(slug) = event.data["slug"].as_str() {
        let at = down_to(&|account| account.portal.slug.as_ref().is_some_and(|own| own.as_str() == slug))?;
        return Some((at, format!("{}/portal/{slug}", senders.pages_url)));
    }
    Some((path.get(..1)?, format!("{}/app", senders.pages_url)))
}

/// Where the pictures and links of a mail are: under the host of the nearest account above that has one, so that nobody else is named.
fn base_of(senders: &Senders, path: &[Account]) -> String {
    let host = path.iter().rev().find_map(|account| account.portal.verified_host());
    host.map_or_else(|| senders.api_url.clone(), |host| format!("https://{host}"))
}

/// Where who does not want such mails says so.
fn link(app: &App, base: &str, brand: &AccountId, digest: &str) -> Result<String, Box<dyn Error + Send + Sync>> {
    let token = app.secrets().seal(format!("{brand} {digest}").as_bytes(), UNSUBSCRIBE, app.ids())?;
    Ok(format!("{base}/unsubscribe/{token}"))
}

//! From an event to its deliveries: one for each endpoint that hears of it and each address that is written to.

use std::error::Error;

use futures::future::join_all;
use jiff::{SignedDuration, Timestamp};
use tributary_api::App;
use tributary_domain::delivery::{Delivery, DeliveryState, KEPT_DAYS, Target};
use tributary_domain::event::{Audience, Event, EventKind, RecordKind};
use tributary_domain::id::{AccountId, RequestId, WebhookId};
use tributary_domain::webhook::Endpoint;
use tributary_store::deliveries::{Kept, Opened};
use tributary_store::webhooks::Listeners;

use crate::deliver::{lease, try_endpoint};
use crate::{Senders, mailing};

/// Makes the deliveries of an event, and tries each once, unless it is to wait, `until` is past, or its endpoint failed lately: then
/// the schedule does. When this returns well, the event may be forgotten.
///
/// # Errors
/// Table errors; safe to repeat.
pub async fn tell(
    app: &App,
    senders: &Senders,
    event: &Event,
    body: &str,
    until: Timestamp,
    run: &RequestId,
) -> Result<(), Box<dyn Error + Send + Sync>> {
    let Some(listeners) = app.store().listeners(&event.account_id).await? else { return Ok(()) };
    let hearing = hearing(event, &listeners);
    let failing = if hearing.is_empty() { Default::default() } else { app.store().failing(hearing.iter().map(|(_, one)| &one.id)).await? };
    let endpoints = hearing.into_iter().map(|(owner, endpoint)| {
        let failing = failing.contains_key(&endpoint.id);
        to_endpoint(app, senders, event, body, (owner, endpoint), app.now() < until && !failing, run)
    });
    let results = join_all(endpoints).await;
    mailing::write(app, senders, event, body, &listeners, until, run).await?;
    results.into_iter().collect()
}

/// The endpoints that hear of it. A test goes to the endpoint that it is of, whatever that wants to hear; an alert that is told by
/// mail alone goes to none.
fn hearing<'a>(event: &Event, listeners: &'a Listeners) -> Vec<(&'a AccountId, &'a Endpoint)> {
    if event.kind == EventKind::Record(RecordKind::WebhookPing) {
        let id = event.data["webhook_id"].as_str().and_then(|id| id.parse::<WebhookId>().ok());
        let own = listeners.endpoints.get_key_value(&event.account_id);
        return own.and_then(|(owner, all)| Some((owner, all.get(&id?)?))).into_iter().collect();
    }
    if event.data["webhook"] == false || event.kind.audience() == Audience::Person {
        return Vec::new();
    }
    let mut hearing = listeners.of(&event.kind.word(), event.kind.audience() == Audience::Operator);
    // Events can come late: what happened before there was the endpoint is none of its.
    hearing.retain(|(_, endpoint)| endpoint.created_at <= event.at);
    hearing
}

/// A delivery that nobody has tried.
pub(crate) fn fresh(event: &Event, target: Target, owner: &AccountId, now: Timestamp) -> Delivery {
    Delivery {
        target,
        owner: owner.clone(),
        event_id: event.id.clone(),
        event_type: event.kind.word(),
        account_id: event.account_id.clone(),
        state: DeliveryState::Pending,
        tries: 0,
        attempts: Vec::new(),
        due: Some(now),
        created_at: now,
        ended_at: None,
    }
}

async fn to_endpoint(
    app: &App,
    senders: &Senders,
    event: &Event,
    body: &str,
    (owner, endpoint): (&AccountId, &Endpoint),
    at_once: bool,
    run: &RequestId,
) -> Result<(), Box<dyn Error + Send + Sync>> {
    let now = app.now();
    let mut delivery = fresh(event, Target::Webhook(endpoint.id.clone()), owner, now);
    if let Some(disabled) = &endpoint.disabled {
        // What an endpoint misses for some time can be replayed; not what it misses for ever.
        if now.duration_since(disabled.at) > SignedDuration::from_hours(24 * KEPT_DAYS) {
            return Ok(());
        }
        delivery = delivery.given_up(now, "the endpoint was switched off");
    }
    // The first try's lease is taken with the delivery itself: one write.
    let leased = delivery.leased(now).filter(|_| at_once);
    let tried = leased.is_some();
    let kept = Kept { delivery: leased.unwrap_or(delivery), body: body.to_owned(), lease: app.uuid().to_string() };
    match app.store().open_delivery(kept).await? {
        Opened::Now(kept) if tried => {
            try_endpoint(app, senders, endpoint, &kept, false, run).await?;
        }
        Opened::Before(kept) if at_once => {
            if let Some(leased) = lease(app, &kept).await? {
                try_endpoint(app, senders, endpoint, &leased, false, run).await?;
            }
        }
        Opened::Now(_) | Opened::Before(_) => {}
    }
    Ok(())
}

//! One try at one endpoint, and what follows from how it ended.

use std::error::Error;

use tributary_api::App;
use tributary_domain::delivery::{Attempt, DeliveryState, SPAN_S, Verdict};
use tributary_domain::id::{AccountId, ActorId, EventId, RequestId};
use tributary_domain::webhook::{DisabledReason, Endpoint, signed_content};
use tributary_runtime::webhook::sign;
use tributary_store::deliveries::Kept;
use tributary_store::events::Act;

use crate::Senders;
use crate::outbound::{Answered, NoAnswer};

/// What an endpoint answers that is no more.
const GONE: u16 = 410;

/// Takes a lease of a delivery that is due, for one try; `None` if somebody else has it or it is over.
///
/// # Errors
/// Table errors.
pub async fn lease(app: &App, kept: &Kept) -> Result<Option<Kept>, Box<dyn Error + Send + Sync>> {
    let Some(delivery) = kept.delivery.leased(app.now()) else { return Ok(None) };
    let leased = Kept { delivery, body: kept.body.clone(), lease: app.uuid().to_string() };
    Ok(app.store().keep_delivery(kept, leased).await?)
}

/// Sends an event that is leased, keeps how that ended, and says it. `failing`: the endpoint is known to have failed before.
///
/// # Errors
/// Table errors; the delivery is tried again when its lease is over.
pub async fn try_endpoint(
    app: &App,
    senders: &Senders,
    endpoint: &Endpoint,
    leased: &Kept,
    failing: bool,
    run: &RequestId,
) -> Result<Verdict, Box<dyn Error + Send + Sync>> {
    let began = app.now();
    let answered = post(app, senders, endpoint, leased).await;
    let ms = app.now().duration_since(began).as_millis().try_into().unwrap_or(i64::MAX);
    let (attempt, verdict) = match answered {
        Ok(Answered { status, text }) => {
            let taken = (200..300).contains(&status);
            let error = (300..400).contains(&status).then(|| "redirects are not followed: give the endpoint's own address".to_owned());
            let attempt = Attempt { at: began, ms, status: Some(status), error, answer: Some(text) };
            (attempt, if taken { Verdict::Taken } else { Verdict::NotNow })
        }
        Err(NoAnswer(why)) => (Attempt { at: began, ms, status: None, error: Some(why), answer: None }, Verdict::NotNow),
    };
    let gone = attempt.status == Some(GONE);
    let verdict = if gone { Verdict::Never } else { verdict };
    let settled = Kept { delivery: leased.delivery.settled(attempt, verdict), ..leased.clone() };
    let state = settled.delivery.state;
    // Whose lease was over leaves the record to who came after.
    app.store().keep_delivery(leased, settled).await?;
    if verdict == Verdict::Taken {
        if failing {
            app.store().note_success(&endpoint.id).await?;
        }
        return Ok(verdict);
    }
    let since = app.store().note_failure(&endpoint.id, began).await?;
    let owner = &leased.delivery.owner;
    tracing::info!(
        request_id = run.as_str(),
        webhook_id = endpoint.id.as_str(),
        event_id = leased.delivery.event_id.as_str(),
        account_id = owner.as_str(),
        state = state.word(),
        "an event was not taken"
    );
    if gone {
        disable(app, owner, endpoint, DisabledReason::Gone, run).await?;
    } else if began.duration_since(since).as_secs() >= SPAN_S {
        disable(app, owner, endpoint, DisabledReason::Failing, run).await?;
    }
    debug_assert!(state != DeliveryState::Delivered);
    Ok(verdict)
}

async fn disable(
    app: &App,
    owner: &AccountId,
    endpoint: &Endpoint,
    reason: DisabledReason,
    run: &RequestId,
) -> Result<(), Box<dyn Error + Send + Sync>> {
    let act = Act { event: EventId::from_uuid(app.uuid()), actor: ActorId::platform(), request: run.clone(), now: app.now() };
    if app.store().disable_endpoint(owner, endpoint, reason, &act).await? {
        tracing::warn!(
            webhook_id = endpoint.id.as_str(),
            account_id = owner.as_str(),
            reason = reason.word(),
            "an endpoint was switched off"
        );
    }
    Ok(())
}

async fn post(app: &App, senders: &Senders, endpoint: &Endpoint, leased: &Kept) -> Result<Answered, NoAnswer> {
    let (now, id) = (app.now(), leased.delivery.event_id.as_str());
    let content = signed_content(id, now.as_second(), &leased.body);
    let mut signatures = Vec::new();
    for secret in endpoint.signing(now) {
        let opened =
            app.secrets().open(&secret.sealed, endpoint.id.as_str().as_bytes()).ok().and_then(|bytes| String::from_utf8(bytes).ok());
        signatures.extend(opened.and_then(|secret| sign(&secret, &content)));
    }
    if signatures.is_empty() {
        return Err(NoAnswer("the endpoint's secret cannot be read: rotate it".to_owned()));
    }
    let headers =
        [("webhook-id", id.to_owned()), ("webhook-timestamp", now.as_second().to_string()), ("webhook-signature", signatures.join(" "))];
    senders.outbound.post(&endpoint.url, &headers, &leased.body).await
}

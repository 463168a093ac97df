//! What is to be tried again, each minute.

use std::collections::{BTreeMap, VecDeque};
use std::error::Error;

use futures::future::join_all;
use futures::stream::{self, StreamExt as _};
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use tributary_api::App;
use tributary_domain::delivery::{DeliveryState, Target, Verdict};
use tributary_domain::id::{RequestId, WebhookId};
use tributary_domain::webhook::Endpoint;
use tributary_store::deliveries::Kept;

use crate::deliver::{lease, try_endpoint};
use crate::{Senders, mailing};

/// The most deliveries that one run looks at.
const MOST: usize = 2_000;
/// How many are listed at once.
const PAGE: usize = 100;
/// A run begins with no more after so many seconds: it must end before the function's timeout.
const LAST_S: i64 = 35;
/// How many endpoints are called at once.
const ENDPOINTS_AT_ONCE: usize = 16;
/// How many deliveries of one endpoint are under way at once.
const OF_ONE_AT_ONCE: usize = 4;
/// An endpoint that failed so often in one run, and took nothing, is left alone for a while.
const ENOUGH_FAILURES: usize = 8;
/// For how long, at least and at most, minutes: an eighth of the time that it has failed for, so that what waits for one that is dead
/// leaves the runs to others. It counts as no try.
const LEFT_ALONE_MINUTES: (i64, i64) = (15, 6 * 60);
/// How many of one endpoint are put off at once.
const PUT_OFF_AT_ONCE: usize = 16;

/// What a scheduled run did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Summary {
    /// Taken.
    pub delivered: usize,
    /// Tried, and to be tried again.
    pub again: usize,
    /// Given up: the tenth try failed, or nobody is there any more.
    pub given_up: usize,
    /// Put off, because their endpoint only fails.
    pub put_off: usize,
    /// Deliveries of which it could not be told; the next run tries again.
    pub failed: usize,
}

/// One run. Safe to repeat, and to run beside others.
///
/// # Errors
/// When what is due cannot be listed; the schedule then tries again.
pub async fn run(app: &App, senders: &Senders, run: &RequestId) -> Result<Summary, Box<dyn Error + Send + Sync>> {
    let began = app.now();
    let (mut groups, mut start, mut seen) = (BTreeMap::<Option<WebhookId>, VecDeque<Kept>>::new(), None, 0);
    while seen < MOST {
        let (page, next) = app.store().deliveries_due(began, PAGE, start).await?;
        seen += page.len();
        for kept in page {
            let group = match &kept.delivery.target {
                Target::Webhook(id) => Some(id.clone()),
                Target::Mail { .. } => None,
            };
            groups.entry(group).or_default().push_back(kept);
        }
        start = next;
        if start.is_none() {
            break;
        }
    }
    let until = began.checked_add(SignedDuration::from_secs(LAST_S)).unwrap_or(began);
    let work = groups.into_iter().map(|(group, waiting)| async move { of_one(app, senders, group, waiting, until, run).await });
    let sums: Vec<Summary> = stream::iter(work).buffer_unordered(ENDPOINTS_AT_ONCE).collect().await;
    let mut sum = Summary::default();
    for one in sums {
        sum.delivered += one.delivered;
        sum.again += one.again;
        sum.given_up += one.given_up;
        sum.put_off += one.put_off;
        sum.failed += one.failed;
    }
    let (request_id, delivered, again, given_up, failed) = (run.as_str(), sum.delivered, sum.again, sum.given_up, sum.failed);
    tracing::info!(request_id, delivered, again, given_up, put_off = sum.put_off, failed, "what was due was delivered");
    Ok(sum)
}

/// How one delivery ended in this run.
enum Ended {
    Delivered,
    Again,
    GivenUp,
    Nothing,
}

/// The deliveries of one endpoint, or all mails.
async fn of_one(
    app: &App,
    senders: &Senders,
    group: Option<WebhookId>,
    mut waiting: VecDeque<Kept>,
    until: Timestamp,
    run: &RequestId,
) -> Summary {
    let mut sum = Summary::default();
    let mut in_a_row = 0;
    while !waiting.is_empty() && app.now() < until {
        if let Some(id) = group.as_ref().filter(|_| in_a_row >= ENOUGH_FAILURES && sum.delivered == 0) {
            let Ok(later) = later(app, id).await else {
                sum.failed += waiting.len();
                break;
            };
            let put_off = stream::iter(waiting.drain(..)).map(|kept| async move {
                // What a late run does not come to stays due.
                if app.now() < until { put_off(app, kept, later).await } else { Ok(()) }
            });
            let results: Vec<_> = put_off.buffer_unordered(PUT_OFF_AT_ONCE).collect().await;
            sum.put_off += results.iter().filter(|result| result.is_ok()).count();
            sum.failed += results.iter().filter(|result| result.is_err()).count();
            break;
        }
        let some: Vec<Kept> = waiting.drain(..waiting.len().min(OF_ONE_AT_ONCE)).collect();
        for ended in join_all(some.iter().map(|kept| one(app, senders, kept, run))).await {
            match ended {
                Ok(Ended::Delivered) => sum.delivered += 1,
                Ok(Ended::Again) => sum.again += 1,
                Ok(Ended::GivenUp) => sum.given_up += 1,
                Ok(Ended::Nothing) => {}
                Err(error) => {
                    sum.failed += 1;
                    tracing::error!(request_id = run.as_str(), error = %error, "a delivery could not be tried");
                }
            }
        }
        in_a_row = sum.again + sum.given_up;
    }
    sum
}

/// Until when an endpoint that fails is left alone.
async fn later(app: &App, id: &WebhookId) -> Result<Timestamp, Box<dyn Error + Send + Sync>> {
    let since = app.store().failing([id]).await?.remove(id).unwrap_or(app.now());
    let (least, most) = LEFT_ALONE_MINUTES;
    let minutes = (app.now().duration_since(since).as_mins() / 8).clamp(least, most);
    Ok(app.now().checked_add(SignedDuration::from_mins(minutes))?)
}

async fn put_off(app: &App, kept: Kept, later: Timestamp) -> Result<(), Box<dyn Error + Send + Sync>> {
    let put_off = Kept { delivery: kept.delivery.clone().due_at(later), ..kept.clone() };
    app.store().keep_delivery(&kept, put_off).await?;
    Ok(())
}

async fn one(app: &App, senders: &Senders, listed: &Kept, run: &RequestId) -> Result<Ended, Box<dyn Error + Send + Sync>> {
    // The index only lists: the item decides.
    let Some(kept) = app.store().delivery(&listed.delivery.target, &listed.delivery.event_id).await? else { return Ok(Ended::Nothing) };
    if kept.delivery.state != DeliveryState::Pending || kept.delivery.due.is_none_or(|due| due > app.now()) {
        return Ok(Ended::Nothing);
    }
    if kept.delivery.is_spent() {
        return give_up(app, &kept, "no try ended").await;
    }
    let verdict = match &kept.delivery.target {
        Target::Webhook(id) => {
            let endpoint = match endpoint(app, &kept, id).await? {
                Ok(endpoint) => endpoint,
                Err(why) => return give_up(app, &kept, why).await,
            };
            let Some(leased) = lease(app, &kept).await? else { return Ok(Ended::Nothing) };
            try_endpoint(app, senders, &endpoint, &leased, true, run).await?
        }
        Target::Mail { .. } => {
            let Some(leased) = lease(app, &kept).await? else { return Ok(Ended::Nothing) };
            mailing::send(app, senders, &leased, run).await?
        }
    };
    Ok(match verdict {
        Verdict::Taken => Ended::Delivered,
        Verdict::NotNow if kept.delivery.tries + 1 < tributary_domain::delivery::MAX_TRIES => Ended::Again,
        Verdict::NotNow | Verdict::Never => Ended::GivenUp,
    })
}

/// The endpoint of a delivery, or why there is none to try.
async fn endpoint(app: &App, kept: &Kept, id: &WebhookId) -> Result<Result<Endpoint, &'static str>, Box<dyn Error + Send + Sync>> {
    let endpoints = app.store().endpoints(&kept.delivery.owner).await?;
    Ok(match endpoints.get(id) {
        Some(endpoint) if endpoint.disabled.is_some() => Err("the endpoint was switched off"),
        Some(endpoint) => Ok(endpoint.clone()),
        None => Err("the endpoint was removed"),
    })
}

async fn give_up(app: &App, kept: &Kept, why: &str) -> Result<Ended, Box<dyn Error + Send + Sync>> {
    let over = Kept { delivery: kept.delivery.given_up(app.now(), why), ..kept.clone() };
    app.store().keep_delivery(kept, over).await?;
    Ok(Ended::GivenUp)
}

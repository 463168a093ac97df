//! Endpoints: make, list, get, change, remove.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde_json::json;
#[cfg(feature = "openapi")]
use tributary_api::openapi::wire;
use tributary_api::reply::PageView;
use tributary_api::{Call, Code, Problem, Reply};
use tributary_domain::event::{EventKind, RecordKind};
use tributary_domain::id::{AccountId, WebhookId};
use tributary_domain::rights::Right;
use tributary_domain::text::clean;
use tributary_domain::webhook::{Endpoint, EndpointUrl, Endpoints, EventFilter, MAX_ENDPOINTS, MAX_FILTERS, SigningSecret};
use tributary_runtime::webhook::fresh_secret;
use tributary_store::accounts::Authority;
use tributary_store::error::{Denied, StoreError};
use tributary_store::idempotency::Outcome;
use tributary_store::webhooks::EndpointsEdit;

use crate::views::WebhookView;

/// The most bytes of a description.
const MAX_DESCRIPTION: usize = 200;

/// An endpoint to be made.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CreateWebhook {
    /// Whose; your own unless you name another.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::AccountId>))]
    pub account_id: Option<AccountId>,
    /// Where events are sent: an `https` address of the public internet.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::EndpointUrl))]
    pub url: String,
    /// Which events.
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<wire::EventFilter>, min_items = 1, max_items = 50))]
    pub events: Vec<String>,
    /// Those of every account below it too.
    #[serde(default)]
    pub subtree: bool,
    /// What you want to say of it.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::Reference>))]
    pub description: Option<String>,
}

/// What an endpoint becomes, as a whole.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct UpdateWebhook {
    /// Where events are sent: an `https` address of the public internet.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::EndpointUrl))]
    pub url: String,
    /// Which events.
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<wire::EventFilter>, min_items = 1, max_items = 50))]
    pub events: Vec<String>,
    /// Those of every account below it too.
    #[serde(default)]
    pub subtree: bool,
    /// What you want to say of it.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::Reference>))]
    pub description: Option<String>,
}

/// What both say, checked.
struct Wanted {
    url: EndpointUrl,
    events: Vec<EventFilter>,
    subtree: bool,
    description: Option<String>,
}

impl Wanted {
    fn of(call: &Call, url: &str, events: &[String], subtree: bool, description: Option<String>) -> Result<Self, Problem> {
        let url = EndpointUrl::parse(url, call.app.loopback_webhooks()).map_err(|error| Problem::field("/url", error.to_string()))?;
        let description = description.map(|text| clean(&text, MAX_DESCRIPTION)).transpose();
        Ok(Self {
            url,
            events: filters(events)?,
            subtree,
            description: description.map_err(|error| Problem::field("/description", error.to_string()))?,
        })
    }
}

fn filters(events: &[String]) -> Result<Vec<EventFilter>, Problem> {
    if events.is_empty() || events.len() > MAX_FILTERS {
        return Err(Problem::field("/events", format!("must name 1 to {MAX_FILTERS} types of events, or [\"*\"]")));
    }
    let mut known = BTreeSet::new();
    let mut filters = Vec::new();
    for (at, text) in events.iter().enumerate() {
        let wrong = |why: String| Problem::field(format!("/events/{at}"), why);
        let filter = EventFilter::parse(text).map_err(|error| wrong(error.to_string()))?;
        if !EventKind::catalogue().any(|kind| filter.takes(&kind.word())) {
            return Err(wrong("takes no event that there is: GET /reseller/webhooks/event-types names them".to_owned()));
        }
        if !known.insert(filter.clone()) {
            return Err(wrong("is named twice".to_owned()));
        }
        filters.push(filter);
    }
    Ok(filters)
}

/// The account that the query names, or the caller's own.
///
/// # Errors
/// A malformed id, another parameter.
pub fn account_of(call: &Call) -> Result<AccountId, Problem> {
    let mut params = call.params()?;
    let named = params.parsed("account_id")?;
    params.done()?;
    Ok(match named {
        Some(id) => id,
        None => call.home()?.clone(),
    })
}

/// The endpoint of the path, of an account over which the caller has the right.
///
/// # Errors
/// `not_found`, `forbidden`.
pub async fn endpoint_for(call: &Call, account: &AccountId, right: Right) -> Result<Endpoint, Problem> {
    let may = call.caller()?.over(right);
    call.store().account_for(account, Authority { home: call.home()?, may: &may }).await?;
    let id: WebhookId = call.id("id")?;
    let endpoints = call.store().endpoints(account).await?;
    endpoints.get(&id).cloned().ok_or_else(|| Denied::Absent.into())
}

/// Changes the endpoint of the path.
///
/// # Errors
/// `not_found`, `forbidden`, `precondition_failed`, `account_closed`; what `change` refuses.
pub async fn change_endpoint(
    call: &Call,
    account: &AccountId,
    kind: RecordKind,
    change: impl Fn(&mut Endpoints, usize) -> Result<Endpoint, StoreError>,
) -> Result<Endpoint, Problem> {
    let (caller, home, expected) = (call.caller()?, call.home()?, call.if_match()?);
    // A malformed id is answered like an absent one: after the right was looked at.
    let id = call.id::<WebhookId>("id").ok();
    let may = caller.over(Right::WebhooksManage);
    let act = call.act()?;
    let edit = |all: &mut Endpoints| {
        let at = all.all.iter().position(|endpoint| Some(&endpoint.id) == id.as_ref()).ok_or(Denied::Absent)?;
        if let Some(stale) = expected.filter(|expected| *expected != all.all[at].version) {
            return Err(StoreError::Stale(all.all[at].version.max(stale.saturating_add(1))));
        }
        (all.all[at].version, all.all[at].updated_at) = (all.all[at].version + 1, act.now);
        Ok(EndpointsEdit { answer: change(all, at)?, kind, detail: json!({ "webhook_id": id }) })
    };
    Ok(call.store().edit_endpoints(account, Authority { home, may: &may }, &act, None, edit).await?.into_inner())
}

/// Makes an endpoint. Its secret is in this answer and nowhere else; a replay answers without it.
///
/// # Errors
/// `validation_failed`, `limit_reached`, `account_closed`, `not_found`, `forbidden`, `idempotency_key_reused`.
pub async fn create(call: Call) -> Result<Reply, Problem> {
    let (caller, home, scope) = (call.caller()?, call.home()?, call.scope()?);
    let body: CreateWebhook = call.body()?;
    let account = body.account_id.unwrap_or_else(|| home.clone());
    let wanted = Wanted::of(&call, &body.url, &body.events, body.subtree, body.description)?;
    let act = call.act()?;
    let id = WebhookId::from_uuid(call.app.uuid());
    let (secret, sealed) = fresh(&call, &id)?;
    let endpoint = Endpoint {
        id,
        url: wanted.url,
        events: wanted.events,
        subtree: wanted.subtree,
        description: wanted.description,
        disabled: None,
        secrets: vec![SigningSecret { sealed, until: None }],
        created_at: act.now,
        updated_at: act.now,
        version: 1,
    };
    let may = caller.over(Right::WebhooksManage);
    let add = |all: &mut Endpoints| {
        if all.all.len() >= MAX_ENDPOINTS {
            return Err(StoreError::Limit {
                what: "webhook endpoints of one account",
                limit: i64::try_from(MAX_ENDPOINTS).unwrap_or(i64::MAX),
            });
        }
        all.all.push(endpoint.clone());
        Ok(EndpointsEdit { answer: endpoint.clone(), kind: RecordKind::WebhookCreated, detail: json!({ "webhook_id": endpoint.id }) })
    };
    let outcome = call.store().edit_endpoints(&account, Authority { home, may: &may }, &act, scope.as_ref(), add).await?;
    let (endpoint, secret, replayed) = match outcome {
        Outcome::Done(endpoint) => (endpoint, Some(secret), false),
        Outcome::Replayed(endpoint) => (endpoint, None, true),
    };
    if replayed {
        // To who may no longer see it, it is not shown again.
        call.store().account_for(&account, Authority { home, may: &may }).await?;
    }
    let location = format!("/reseller/webhooks/{}", endpoint.id);
    let view = WebhookView::of(&endpoint, &account, secret, endpoint.created_at);
    Ok(Reply::created(&view)?.location(&location).etag(endpoint.version).replayed(replayed))
}

/// A fresh secret, and what is kept of it.
///
/// # Errors
/// `internal_error` without randomness.
pub fn fresh(call: &Call, id: &WebhookId) -> Result<(String, String), Problem> {
    let made = fresh_secret(call.app.ids()).and_then(|secret| {
        let sealed = call.app.secrets().seal(secret.as_bytes(), id.as_str().as_bytes(), call.app.ids())?;
        Ok((secret, sealed))
    });
    made.map_err(|error| Problem::new(Code::Internal, error.to_string()))
}

/// An account's endpoints, the oldest first, all on one page.
///
/// # Errors
/// `not_found`, `forbidden`.
pub async fn list(call: Call) -> Result<Reply, Problem> {
    let account = account_of(&call)?;
    let may = call.caller()?.over(Right::WebhooksRead);
    call.store().account_for(&account, Authority { home: call.home()?, may: &may }).await?;
    let (endpoints, now) = (call.store().endpoints(&account).await?, call.app.now());
    let data = endpoints.all.iter().map(|endpoint| WebhookView::of(endpoint, &account, None, now)).collect();
    Reply::ok(&PageView { data, next_cursor: None })
}

/// An endpoint.
///
/// # Errors
/// `not_found`, `forbidden`.
pub async fn get(call: Call) -> Result<Reply, Problem> {
    let account = account_of(&call)?;
    let endpoint = endpoint_for(&call, &account, Right::WebhooksRead).await?;
    Ok(Reply::ok(&WebhookView::of(&endpoint, &account, None, call.app.now()))?.etag(endpoint.version))
}

/// Changes an endpoint as a whole. It stays switched off if it was.
///
/// # Errors
/// `validation_failed`, `precondition_failed`, `account_closed`, `not_found`, `forbidden`.
pub async fn update(call: Call) -> Result<Reply, Problem> {
    let account = account_of(&call)?;
    let body: UpdateWebhook = call.body()?;
    let wanted = Wanted::of(&call, &body.url, &body.events, body.subtree, body.description)?;
    let change = |all: &mut Endpoints, at: usize| {
        let endpoint = &mut all.all[at];
        (endpoint.url, endpoint.events) = (wanted.url.clone(), wanted.events.clone());
        (endpoint.subtree, endpoint.description) = (wanted.subtree, wanted.description.clone());
        Ok(endpoint.clone())
    };
    let endpoint = change_endpoint(&call, &account, RecordKind::WebhookChanged, change).await?;
    Ok(Reply::ok(&WebhookView::of(&endpoint, &account, None, call.app.now()))?.etag(endpoint.version))
}

/// Removes an endpoint. What is still to be delivered to it is given up.
///
/// # Errors
/// `precondition_failed`, `account_closed`, `not_found`, `forbidden`.
pub async fn remove(call: Call) -> Result<Reply, Problem> {
    let account = account_of(&call)?;
    call.no_body()?;
    let endpoint = change_endpoint(&call, &account, RecordKind::WebhookRemoved, |all, at| Ok(all.all.remove(at))).await?;
    Reply::ok(&WebhookView::of(&endpoint, &account, None, call.app.now()))
}

//! The types of events.

use serde::Serialize;
use tributary_api::reply::PageView;
use tributary_api::{Call, Problem, Reply};
use tributary_domain::account::Kind;
use tributary_domain::event::{Audience, EventKind};
use tributary_domain::rights::Right;
use tributary_store::accounts::Authority;

/// A type of events.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct EventType {
    /// Its name.
    #[serde(rename = "type")]
    pub kind: String,
    /// What it says.
    pub description: &'static str,
    /// The members of its `data`.
    pub data: Vec<&'static str>,
}

/// The types of events that your account may hear of.
///
/// # Errors
/// `forbidden`.
pub async fn list(call: Call) -> Result<Reply, Problem> {
    call.params()?.done()?;
    let (home, may) = (call.home()?, call.caller()?.over(Right::WebhooksRead));
    let account = call.store().account_for(home, Authority { home, may: &may }).await?;
    let heard = |kind: &EventKind| kind.audience() != Audience::Operator || account.kind == Kind::Operator;
    let view = |kind: EventKind| EventType { kind: kind.word(), description: kind.about(), data: kind.members().to_vec() };
    Reply::ok(&PageView { data: EventKind::catalogue().filter(heard).map(view).collect(), next_cursor: None })
}

//! The webhooks function: endpoints, what was delivered to them, and who wants no more mail.

use axum::Router;
use tributary_api::endpoint::Access::{Public, Right as Needs};
use tributary_api::{App, Endpoint, endpoint};
use tributary_domain::rights::Right;

pub mod deliveries;
pub mod endpoints;
pub mod event_types;
#[cfg(feature = "openapi")]
pub mod openapi;
pub mod secrets;
pub mod states;
pub mod unsubscribe;
pub mod views;

/// Every route of the function.
pub fn endpoints() -> Vec<Endpoint> {
    vec![
        endpoint!(POST "/reseller/webhooks", "create_webhook", Needs(Right::WebhooksManage), Accepted, endpoints::create, "Have events sent to an address; the secret is shown this once"),
        endpoint!(GET "/reseller/webhooks", "list_webhooks", Needs(Right::WebhooksRead), Unused, endpoints::list, "An account's endpoints"),
        endpoint!(GET "/reseller/webhooks/event-types", "list_event_types", Needs(Right::WebhooksRead), Unused, event_types::list, "The types of events that are sent"),
        endpoint!(GET "/reseller/webhooks/{id}", "get_webhook", Needs(Right::WebhooksRead), Unused, endpoints::get, "An endpoint"),
        endpoint!(PUT "/reseller/webhooks/{id}", "update_webhook", Needs(Right::WebhooksManage), Unused, endpoints::update, "Change an endpoint").with_query(),
        endpoint!(DELETE "/reseller/webhooks/{id}", "delete_webhook", Needs(Right::WebhooksManage), Unused, endpoints::remove, "Remove an endpoint").with_query(),
        endpoint!(POST "/reseller/webhooks/{id}/rotate-secret", "rotate_webhook_secret", Needs(Right::WebhooksManage), Unused, secrets::rotate, "Give an endpoint a new secret; the old one signs too for a while").with_query(),
        endpoint!(POST "/reseller/webhooks/{id}/enable", "enable_webhook", Needs(Right::WebhooksManage), Unused, states::enable, "Send to an endpoint again that was switched off").with_query(),
        endpoint!(POST "/reseller/webhooks/{id}/test", "test_webhook", Needs(Right::WebhooksManage), Unused, states::test, "Send a test event").with_query(),
        endpoint!(GET "/reseller/webhooks/{id}/deliveries", "list_webhook_deliveries", Needs(Right::WebhooksRead), Unused, deliveries::list, "What was sent to an endpoint"),
        endpoint!(GET "/reseller/webhooks/{id}/deliveries/{event_id}", "get_webhook_delivery", Needs(Right::WebhooksRead), Unused, deliveries::get, "One delivery with every try"),
        endpoint!(POST "/reseller/webhooks/{id}/deliveries/{event_id}/replay", "replay_webhook_delivery", Needs(Right::WebhooksManage), Unused, deliveries::replay, "Send one event again").with_query(),
        endpoint!(POST "/reseller/webhooks/{id}/replay", "replay_webhook_deliveries", Needs(Right::WebhooksManage), Unused, deliveries::replay_some, "Send the events of some time again").with_query(),
        endpoint!(GET "/unsubscribe/{token}", "unsubscribe_page", Public, Unused, unsubscribe::page, "Asks whether somebody wants no more mails"),
        endpoint!(POST "/unsubscribe/{token}", "unsubscribe", Public, Unused, unsubscribe::unsubscribe, "Send an address no more mails"),
    ]
}

/// The function's router.
pub fn router(app: App) -> Router {
    tributary_api::router::router(app, endpoints())
}

//! What `docs/openapi.json` says of this function's operations.

use tributary_api::Code;
use tributary_api::openapi::{Described, wire};
use tributary_api::reply::PageView;

use crate::deliveries::{ReplayDeliveries, ReplayedDeliveries};
use crate::endpoints::{CreateWebhook, UpdateWebhook};
use crate::event_types::EventType;
use crate::secrets::RotateWebhookSecret;
use crate::states::WebhookTest;
use crate::views::{DeliveryView, WebhookView};

/// Every operation, described.
pub fn operations() -> Vec<Described> {
    [endpoints(), states(), deliveries(), mail()].concat()
}

fn webhook(operation: &'static str, text: &'static str) -> Described {
    Described::new(operation, "Webhooks", text).query::<wire::AccountId>("account_id", "Whose endpoint; your own unless you name another.")
}

fn endpoints() -> Vec<Described> {
    vec![
        Described::new(
            "create_webhook",
            "Webhooks",
            "Has events sent to an address, each once at least, signed as Standard Webhooks say. The secret is in this answer and never shown again. An account has at \
             most 20 endpoints.",
        )
        .takes::<CreateWebhook>()
        .creates::<WebhookView>("The endpoint, with its secret.")
        .tagged()
        .refuses(&[Code::LimitReached, Code::AccountClosed]),
        webhook("list_webhooks", "An account's endpoints, the oldest first.").answers::<PageView<WebhookView>>("The endpoints; there is one page."),
        Described::new("list_event_types", "Webhooks", "The types of events that your account may hear of.")
            .answers::<PageView<EventType>>("The types; there is one page."),
        webhook("get_webhook", "An endpoint.").answers::<WebhookView>("The endpoint.").tagged(),
        webhook("update_webhook", "Changes an endpoint as a whole; what is left out is emptied.")
            .takes::<UpdateWebhook>()
            .answers::<WebhookView>("The endpoint.")
            .edits()
            .refuses(&[Code::AccountClosed]),
        webhook("delete_webhook", "Removes an endpoint. What is still to be delivered to it is given up.")
            .answers::<WebhookView>("The endpoint as it was.")
            .refuses(&[Code::AccountClosed]),
    ]
}

fn states() -> Vec<Described> {
    vec![
        webhook(
            "rotate_webhook_secret",
            "Gives an endpoint a new secret, which is in this answer and never shown again. For the overlap, requests carry a signature under each.",
        )
        .may_take::<RotateWebhookSecret>()
        .answers::<WebhookView>("The endpoint, with its new secret.")
        .edits()
        .refuses(&[Code::AccountClosed]),
        webhook("enable_webhook", "Sends to an endpoint again that was switched off. What it missed is sent when it is replayed.")
            .answers::<WebhookView>("The endpoint.")
            .edits()
            .refuses(&[Code::AccountClosed]),
        webhook("test_webhook", "Sends the event `webhook.ping` to the endpoint, whatever events it is sent otherwise.")
            .accepts::<WebhookTest>("The event.")
            .refuses(&[Code::Conflict]),
    ]
}

fn deliveries() -> Vec<Described> {
    vec![
        webhook("list_webhook_deliveries", "What was sent to an endpoint within the last 30 days, the newest events first.")
            .query::<wire::DeliveryStatus>("status", "Only those; a page may then have fewer rows than asked for.")
            .paged()
            .answers::<PageView<DeliveryView>>("The deliveries."),
        webhook("get_webhook_delivery", "One delivery with every try, and with what is sent.").answers::<DeliveryView>("The delivery."),
        webhook(
            "replay_webhook_delivery",
            "Sends one event again, within a minute and as often as a new one, whether it was taken or not.",
        )
        .accepts::<DeliveryView>("The delivery, pending.")
        .refuses(&[Code::Conflict]),
        webhook("replay_webhook_deliveries", "Sends the events of some time again, the newest first; at most some 500 for one request.")
            .takes::<ReplayDeliveries>()
            .accepts::<ReplayedDeliveries>("How many.")
            .refuses(&[Code::Conflict]),
    ]
}

fn mail() -> Vec<Described> {
    vec![
        Described::new("unsubscribe_page", "Mail", "A page for people: asks whether they want no more mails. Mails link to it.")
            .refuses(&[Code::NotFound]),
        Described::new(
            "unsubscribe",
            "Mail",
            "Sends an address no more alerts and messages of one reseller. Mail programs do this with one click (RFC 8058).",
        )
        .refuses(&[Code::NotFound]),
    ]
}

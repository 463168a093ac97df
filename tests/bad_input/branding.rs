//! Brands that cannot be.

use serde_json::{Value, json};

use super::{field, refuses_all, row};
use crate::support::world::World;

#[tokio::test]
async fn wrong_brands_slugs_and_hosts_are_refused_by_name() {
    let w = World::in_process().await;
    let (api, id) = (&w.master.api, &w.master.id);
    let customer = w.child_of(id).await;
    let at = |what: &str| format!("/reseller/accounts/{id}/brand{what}");
    let brand = |body: Value| api.put(&at(""), body);
    let slug = |slug: Value| api.put(&at("/slug"), json!({ "slug": slug }));
    let host = |host: &str| api.put(&at("/host"), json!({ "host": host }));
    let settings = |brand: Value| api.put(&format!("/reseller/accounts/{id}"), json!({ "settings": { "brand": brand } }));
    let rows = vec![
        field("a colour that is markup", brand(json!({ "color": "red;}</style><script>" })), "/color"),
        field("a colour of three digits", brand(json!({ "accent_color": "#fff" })), "/accent_color"),
        field("a name of nothing", brand(json!({ "name": " " })), "/name"),
        field("help that runs", brand(json!({ "support_url": "javascript:alert(1)" })), "/support_url"),
        field("terms without encryption", brand(json!({ "terms_url": "http://corner.example/" })), "/terms_url"),
        field("a statement with a password", brand(json!({ "privacy_url": "https://u:p@corner.example/" })), "/privacy_url"),
        field("an address that is none", brand(json!({ "reply_to": "corner" })), "/reply_to"),
        field("a lock of nothing", brand(json!({ "locked": ["slug"] })), "/locked/0"),
        row("a logo among the tokens", brand(json!({ "logo": "x" })), 400, "unknown_field").at("/logo"),
        row("a slug in the settings", settings(json!({ "slug": "corner" })), 400, "unknown_field").at("/settings/brand/slug"),
        field("a colour in the settings", settings(json!({ "accent_color": "blue" })), "/settings/brand/accent_color"),
        field("a short slug", slug(json!("ab")), "/slug"),
        field("a slug in capitals", slug(json!("Corner")), "/slug"),
        field("a slug that is a path", slug(json!("../admin")), "/slug"),
        field("a reserved word", slug(json!("session")), "/slug"),
        field("another reserved word", slug(json!("sign-in")), "/slug"),
        field("no slug", slug(Value::Null), "/slug"),
        field("an IP address", host("127.0.0.1"), "/host"),
        field("a number that is one", host("2130706433"), "/host"),
        field("a port", host("portal.corner.example:8443"), "/host"),
        field("an address", host("https://portal.corner.example/"), "/host"),
        field("one label", host("portal"), "/host"),
        field("any host", host("*.corner.example"), "/host"),
        field("a provider's", host("d111111abcdef8.cloudfront.net"), "/host"),
        field("the gateway's", host("abc.execute-api.eu-central-1.amazonaws.com"), "/host"),
        field("every network's", host("printer.local"), "/host"),
        field("a picture that is none", api.put(&at("/logo"), json!({ "image": "????" })), "/image"),
        field("a picture of nothing", api.put(&at("/logo"), json!({ "image": "" })), "/image"),
        row("a preview of what is not known", api.post(&at("/preview"), json!({ "colour": "#000000" })), 400, "unknown_field")
            .at("/colour"),
        row(
            "a customer's slug",
            api.put(&format!("/reseller/accounts/{customer}/brand/slug"), json!({ "slug": "corner" })),
            409,
            "conflict",
        ),
        row("a check of no claim", api.post(&at("/host/verify"), json!({})), 409, "conflict"),
        row("a picture too large to read", api.put(&at("/logo"), json!({ "image": "A".repeat(310 * 1024) })), 413, "body_too_large"),
    ];
    refuses_all(&w, rows).await;
}

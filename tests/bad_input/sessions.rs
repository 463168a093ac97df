//! Wrong requests to sign in, and cookies and tokens that are none.

use serde_json::json;

use super::{Row, field, refuses_all, scene};

const SIGN_IN: &str = "/portal/sign-in";
const SESSION: &str = "/portal/session";

#[tokio::test]
async fn a_wrong_request_to_sign_in_is_refused_by_name() {
    let s = scene().await;
    let nobody = &s.w.target.nobody;
    let key = s.w.master.api.secret();
    let mut rows: Vec<Row> = Vec::new();
    for email in [
        json!(null),
        json!(5),
        json!(""),
        json!("ada"),
        json!("a@b"),
        json!("a b@x.example"),
        json!("a@x.example\r\nBcc: b@x.example"),
        json!(["a@x.example"]),
    ] {
        rows.push(field("address", nobody.post(SIGN_IN, json!({ "email": email })), "/email"));
    }
    for slug in [
        json!(5),
        json!("../app"),
        json!("a/../b"),
        json!("a#b"),
        json!("a%2fb"),
        json!("https://evil.example"),
        json!("Corner"),
        json!("öl-shop"),
    ] {
        rows.push(field("portal", nobody.post(SIGN_IN, json!({ "email": "a@x.example", "slug": slug })), "/slug"));
    }
    rows.push(field("nothing", nobody.post(SESSION, json!({})), ""));
    rows.push(field("an account alone", nobody.post(SESSION, json!({ "account_id": s.w.master.id })), ""));
    rows.push(field("both", nobody.post(SESSION, json!({ "token": "x", "api_key": key })), ""));
    rows.push(field("a key's account", nobody.post(SESSION, json!({ "api_key": key, "account_id": s.w.master.id })), "/account_id"));
    for (name, value) in [("token", json!(5)), ("api_key", json!({})), ("account_id", json!("x"))] {
        rows.push(field(
            name,
            nobody.post(SESSION, json!({ name: value })),
            if name == "token" {
                "/token"
            } else if name == "api_key" {
                "/api_key"
            } else {
                "/account_id"
            },
        ));
    }
    refuses_all(&s.w, rows).await;
}

#[tokio::test]
async fn what_is_no_cookie_of_ours_is_no_credential_and_what_cannot_be_a_token_is_none() {
    let s = scene().await;
    let nobody = &s.w.target.nobody;
    let begun = nobody.post(SESSION, json!({ "api_key": s.w.master.api.secret() })).send().await.is(201);
    let browser = nobody.signed_in(&begun);
    let name = browser.session().cookie.split_once('=').expect("a cookie").0.to_owned();
    let long = format!("{name}={}", "A".repeat(5_000));
    for cookie in [name.as_str(), "=", ";;;", &format!("{name}=..."), &format!("{name}=a.b.c"), &long] {
        browser.get(SESSION).header("cookie", cookie.as_bytes()).send().await.refused(401, "unauthorized");
    }
    browser.get(SESSION).header("cookie", b"\xff\xfe").send().await.refused(401, "unauthorized");
    for token in [&b"\xff"[..], b"=", b"AAAA", "A".repeat(5_000).as_bytes()] {
        browser.delete(SESSION).header("x-csrf-token", token).send().await.refused(403, "csrf_failed");
    }
    browser.get(&format!("{SESSION}?x=1")).send().await.refused(400, "unknown_field");
    browser.get("/portal/sessions?limit=0").send().await.refused(400, "validation_failed");
    browser.get("/portal/sessions?cursor=x").send().await.refused(400, "invalid_cursor");
    for token in ["", "A", &"A".repeat(42), &"A".repeat(44), &"é".repeat(43), &"A".repeat(100_000)] {
        nobody.post(SESSION, json!({ "token": token })).send().await.refused(401, "unauthorized");
    }
}

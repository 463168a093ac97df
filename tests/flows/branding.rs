//! Brands: inherited token by token, locked from above, readable or said not to be; logos, slugs and hosts; what anybody sees before signing in.

use std::io::Cursor;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use image::{DynamicImage, ImageFormat, Rgba, RgbaImage};
use serde_json::{Value, json};
use tributary_api::hosts::Front;
use tributary_runtime::blobs::Blobs as _;
use tributary_runtime::dns::ScriptedDns;
use tributary_store::table::TableError;

use crate::support::api::{Answer, Api};
use crate::support::before::{Before, Call, Step};
use crate::support::world::{Node, World};

fn brand(id: &str) -> String {
    format!("/reseller/accounts/{id}/brand")
}

fn part(id: &str, what: &str) -> String {
    format!("{}/{what}", brand(id))
}

async fn put(node: &Node, tokens: Value) -> Answer {
    node.api.put(&brand(&node.id), tokens).send().await.is(200)
}

async fn get(api: &Api, id: &str) -> Answer {
    api.get(&brand(id)).send().await.is(200)
}

fn dns(w: &World) -> ScriptedDns {
    w.target.inside("DNS").expect("in this process").outside.dns.clone()
}

fn drawn(width: u32, height: u32, format: ImageFormat) -> Vec<u8> {
    let picture = DynamicImage::from(RgbaImage::from_pixel(width, height, Rgba([10, 124, 63, 255])));
    let picture = if format == ImageFormat::Jpeg { DynamicImage::from(picture.into_rgb8()) } else { picture };
    let mut bytes = Cursor::new(Vec::new());
    picture.write_to(&mut bytes, format).expect("written");
    bytes.into_inner()
}

fn logo(bytes: &[u8]) -> Value {
    json!({ "image": STANDARD.encode(bytes) })
}

/// A master, a reseller below it, one below that, and a customer of the last.
async fn levels(w: &World) -> (Node, Node, Node) {
    let reseller = w.reseller_of(&w.master.id).await;
    let shop = w.reseller_of(&reseller.id).await;
    let id = w.child_of(&shop.id).await;
    let customer = Node { api: w.key_for(&id, "owner").await, id };
    (reseller, shop, customer)
}

#[tokio::test]
async fn each_token_comes_from_the_nearest_of_three_levels() {
    let w = World::new().await;
    let (reseller, shop, customer) = levels(&w).await;
    let terms = "https://master.example/terms";
    put(&w.master, json!({ "name": "Master Brand", "color": "#0A7C3F", "terms_url": terms, "reply_to": "help@master.example" })).await;
    put(&reseller, json!({ "accent_color": "#b45309", "privacy_url": "https://reseller.example/privacy" })).await;
    put(&shop, json!({ "name": "Corner", "support_url": "https://corner.example/help" })).await;
    let seen = get(&customer.api, &customer.id).await;
    assert_eq!(
        seen["in_force"],
        json!({
            "name": "Corner", "color": "#0a7c3f", "accent_color": "#b45309", "text_on_color": "#ffffff", "sender_name": "Corner",
            "reply_to": "help@master.example", "support_url": "https://corner.example/help", "terms_url": terms,
            "privacy_url": "https://reseller.example/privacy", "logo_url": null,
        })
    );
    assert_eq!(seen["own"]["name"], Value::Null);
    for above in [&w.master.id, &reseller.id, &shop.id] {
        assert!(!seen.text.contains(above.as_str()), "whose a token is, is not said: {}", seen.text);
    }
    // One token taken away comes from the next above.
    put(&shop, json!({ "support_url": "https://corner.example/help" })).await;
    assert_eq!(get(&customer.api, &customer.id).await["in_force"]["name"], "Master Brand");
    // After a move it comes from the new parents, with nothing done.
    let other = w.other_master(json!({ "name": "Elsewhere" })).await;
    let moved = json!({ "parent_id": other.id });
    w.operator().post(&format!("/reseller/accounts/{}/move", shop.id), moved).send().await.is(200);
    let after = get(&customer.api, &customer.id).await;
    assert_eq!((&after["in_force"]["color"], &after["in_force"]["terms_url"]), (&Value::Null, &Value::Null));
}

#[tokio::test]
async fn a_lock_holds_for_all_below_whatever_they_set_and_however() {
    let w = World::new().await;
    let (reseller, shop, customer) = levels(&w).await;
    put(&shop, json!({ "color": "#ff0000", "name": "Corner" })).await;
    put(&w.master, json!({ "color": "#0a7c3f", "locked": ["color", "logo"] })).await;
    // What was set before counts for nothing from now on.
    let seen = get(&shop.api, &shop.id).await;
    assert_eq!((&seen["in_force"]["color"], &seen["own"]["color"]), (&json!("#0a7c3f"), &json!("#ff0000")));
    assert_eq!(seen["locked_above"], json!(["color", "logo"]));
    assert!(!seen.text.contains(&w.master.id));
    // It may stay, be taken away, and not be set.
    put(&shop, json!({ "color": "#ff0000", "name": "Corner 2" })).await;
    for node in [&reseller, &shop, &customer] {
        let refused = node.api.put(&brand(&node.id), json!({ "color": "#00ff00" })).send().await.refused(422, "brand_locked");
        assert_eq!(refused["errors"][0]["pointer"], "/color");
        assert!(!refused.text.contains(&w.master.id), "{}", refused.text);
    }
    put(&shop, json!({ "name": "Corner 2" })).await;
    // Nor by the account's settings, by making an account, by a clone, or by a picture.
    let settings = json!({ "settings": { "brand": { "color": "#00ff00", "name": "Fine" } } });
    let refused = shop.api.put(&format!("/reseller/accounts/{}", shop.id), settings.clone()).send().await.refused(422, "brand_locked");
    assert_eq!(refused["errors"][0]["pointer"], "/settings/brand/color");
    let mut new = settings;
    new["name"] = json!("New");
    shop.api.post("/reseller/accounts/create", new).send().await.refused(422, "brand_locked");
    let template = w.create(&shop.id, json!({ "settings": { "brand": { "name": "Template" } } })).await.id();
    let clone = json!({ "name": "Clone", "clone_from": template });
    assert_eq!(shop.api.post("/reseller/accounts/create", clone).send().await.is(201)["settings"]["brand"], json!({ "name": "Template" }));
    shop.api.put(&part(&shop.id, "logo"), logo(&drawn(4, 4, ImageFormat::Png))).send().await.refused(422, "brand_locked");
    // Who locked it may change it; and once it is unlocked, everybody may.
    put(&w.master, json!({ "color": "#123456", "locked": ["color"] })).await;
    assert_eq!(get(&customer.api, &customer.id).await["in_force"]["color"], "#123456");
    put(&w.master, json!({ "color": "#123456" })).await;
    put(&shop, json!({ "color": "#00ff00" })).await;
    assert_eq!(get(&customer.api, &customer.id).await["in_force"]["color"], "#00ff00");
    // A lock of one's own locks nothing of one's own.
    put(&shop, json!({ "color": "#00ff01", "locked": ["color"] })).await;
    assert_eq!(put(&shop, json!({ "color": "#00ff02", "locked": ["color"] })).await["in_force"]["color"], "#00ff02");
}

#[tokio::test]
async fn a_clone_leaves_behind_what_is_locked_where_it_comes_to_and_takes_the_picture() {
    let w = World::new().await;
    let (free, strict) = (w.reseller_of(&w.master.id).await, w.reseller_of(&w.master.id).await);
    let template =
        w.create(&free.id, json!({ "kind": "reseller", "settings": { "brand": { "name": "T", "color": "#ff0000" } } })).await.id();
    w.operator().put(&part(&template, "logo"), logo(&drawn(4, 4, ImageFormat::Png))).send().await.is(200);
    w.operator().put(&part(&template, "slug"), json!({ "slug": w.unique("tpl") })).send().await.is(200);
    put(&strict, json!({ "locked": ["color"] })).await;
    let clone = json!({ "name": "Clone", "clone_from": template, "parent_id": strict.id });
    let made = w.master.api.post("/reseller/accounts/create", clone).send().await.is(201);
    assert_eq!(made["settings"]["brand"], json!({ "name": "T" }));
    let seen = get(&w.master.api, &made.id()).await;
    assert!(seen["own"]["logo_url"].is_string(), "{}", seen.text);
    assert_eq!((&seen["slug"], &seen["host"]), (&Value::Null, &Value::Null), "these are one account's");
}

#[tokio::test]
async fn nothing_of_the_operator_shows_below_a_reseller_not_by_its_locks_either() {
    let w = World::in_process().await;
    let operator = w.operator().get("/reseller/accounts?limit=1").send().await.is(200);
    let id = operator.rows()[0]["parent_id"].as_str().expect("the operator's id").to_owned();
    let node = Node { api: w.operator().clone(), id };
    node.api.put(&part(&node.id, "logo"), logo(&drawn(8, 8, ImageFormat::Png))).send().await.is(200);
    put(&node, json!({ "name": "The Platform", "color": "#000001", "support_url": "https://platform.example/", "locked": ["color", "name", "logo"] })).await;
    let customer = w.child_of(&w.master.id).await;
    let seen = get(&w.key_for(&customer, "viewer").await, &customer).await;
    for secret in ["The Platform", "#000001", "platform.example", "portal/logo", &node.id] {
        assert!(!seen.text.contains(secret), "{secret}: {}", seen.text);
    }
    let slug = w.unique("master");
    w.master.api.put(&part(&w.master.id, "slug"), json!({ "slug": slug })).send().await.is(200);
    let portal = w.target.nobody.get(&format!("/portal/brand?slug={slug}")).send().await.is(200);
    for secret in ["The Platform", "#000001", "platform.example", "portal/logo", "acc_"] {
        assert!(!portal.text.contains(secret), "{secret}: {}", portal.text);
    }
    // The lock itself holds for everybody.
    w.master.api.put(&brand(&w.master.id), json!({ "color": "#123456" })).send().await.refused(422, "brand_locked");
    // On the platform's own host it is the operator's.
    let own = w.target.nobody.get("/portal/brand").send().await.is(200);
    assert_eq!((own["name"].as_str(), own["color"].as_str()), (Some("The Platform"), Some("#000001")));
}

#[tokio::test]
async fn contrast_is_reckoned_and_what_cannot_be_told_apart_is_said() {
    let w = World::new().await;
    let seen = put(&w.master, json!({ "color": "#ffff00", "accent_color": "#767676" })).await;
    assert_eq!(seen["in_force"]["text_on_color"], "#000000");
    let row = |token: &str, against: &str, ratio: &str, passes: bool| json!({ "token": token, "against": against, "ratio": ratio, "passes": passes });
    assert_eq!(
        seen["contrast"],
        json!([
            row("color", "text", "19.55", true),
            row("color", "white", "1.07", false),
            row("color", "dark", "18.09", true),
            row("accent_color", "text", "4.62", true),
            row("accent_color", "white", "4.54", true),
            row("accent_color", "dark", "4.27", true),
        ])
    );
    assert_eq!(put(&w.master, json!({})).await["contrast"], json!([]));
}

#[tokio::test]
async fn an_edit_of_another_version_is_refused_and_the_tag_is_the_accounts() {
    let w = World::new().await;
    let first = get(&w.master.api, &w.master.id).await;
    let tag = first.header("etag").to_owned();
    assert_eq!(tag, format!("\"{}\"", first["version"]));
    let ask = |tag: &str, name: &str| w.master.api.put(&brand(&w.master.id), json!({ "name": name })).if_match(tag).send();
    let second = ask(&tag, "One").await.is(200);
    assert_ne!(second.header("etag"), tag);
    ask(&tag, "Two").await.refused(412, "precondition_failed");
    assert_eq!(get(&w.master.api, &w.master.id).await["own"]["name"], "One");
    // A tag that cannot be read is not as if there were none.
    for unreadable in [b"\"1\xe9\"".as_slice(), b"\xff", b"", b"W/"] {
        let asked = w.master.api.put(&brand(&w.master.id), json!({ "name": "Three" })).header("if-match", unreadable);
        asked.send().await.refused(412, "precondition_failed");
    }
    assert_eq!(get(&w.master.api, &w.master.id).await["own"]["name"], "One");
    for (method, what, body) in [("PUT", "slug", json!({ "slug": w.unique("slug") })), ("PUT", "host", json!({ "host": "a.example.com" }))]
    {
        assert_eq!(method, "PUT");
        w.master.api.put(&part(&w.master.id, what), body).if_match(&tag).send().await.refused(412, "precondition_failed");
    }
    w.master
        .api
        .put(&part(&w.master.id, "logo"), logo(&drawn(2, 2, ImageFormat::Png)))
        .if_match(&tag)
        .send()
        .await
        .refused(412, "precondition_failed");
    // The settings of the account are the same tokens under the same version.
    let account = w.master.api.get(&format!("/reseller/accounts/{}", w.master.id)).send().await.is(200);
    assert_eq!((account.header("etag"), &account["settings"]["brand"]), (second.header("etag"), &json!({ "name": "One" })));
}

#[tokio::test]
async fn a_picture_of_each_kind_becomes_a_png_that_anybody_may_see() {
    let w = World::in_process().await;
    let mut seen = Vec::new();
    for format in [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::WebP, ImageFormat::Gif] {
        let set = w.master.api.put(&part(&w.master.id, "logo"), logo(&drawn(640, 128, format))).send().await.is(200);
        let url = set["own"]["logo_url"].as_str().expect("a logo").to_owned();
        assert_eq!(set["in_force"]["logo_url"], url);
        let ask = w.target.nobody.get(&url).header("accept", b"image/avif,image/webp,*/*;q=0.8");
        let picture = ask.send().await.is(200);
        assert_eq!(
            (picture.header("content-type"), picture.header("cache-control"), picture.header("x-content-type-options")),
            ("image/png", "public, max-age=31536000, s-maxage=300, immutable", "nosniff"),
            "{format:?}"
        );
        let digest = url.rsplit('/').next().expect("a digest");
        let kept = w.target.inside("blobs").expect("in this process").outside.blobs.get(&format!("brand/logos/{digest}.png")).await;
        let kept = kept.expect("read").expect("kept");
        let read = image::load_from_memory_with_format(&kept, ImageFormat::Png).expect("a PNG");
        assert_eq!((read.width(), read.height()), (512, 102), "{format:?}");
        seen.push(url);
    }
    // A program that takes anything is sent to the bytes: the gateway would hand it text.
    let elsewhere = w.target.nobody.get(&seen[0]).header("accept", b"*/*").send().await.is(302);
    assert!(!elsewhere.header("location").is_empty());
    let absent = format!("/portal/logo/{}", "0".repeat(64));
    for path in [absent.as_str(), "/portal/logo/x", "/portal/logo/..%2F..%2Fusage"] {
        w.target.nobody.get(path).send().await.refused(404, "not_found");
    }
    let gone = w.master.api.delete(&part(&w.master.id, "logo")).send().await.is(200);
    assert_eq!((&gone["own"]["logo_url"], &gone["in_force"]["logo_url"]), (&Value::Null, &Value::Null));
    let again = w.master.api.delete(&part(&w.master.id, "logo")).send().await.is(200);
    assert_eq!(again["version"], gone["version"], "taking away what is not there changes nothing");
}

#[tokio::test]
async fn a_picture_is_shown_while_an_account_has_it_and_no_longer() {
    let w = World::in_process().await;
    let template = w.reseller_of(&w.master.id).await;
    let set = async |node: &Node, width: u32| {
        let set = node.api.put(&part(&node.id, "logo"), logo(&drawn(width, 8, ImageFormat::Png))).send().await.is(200);
        set["own"]["logo_url"].as_str().expect("a logo").to_owned()
    };
    let shown = async |url: &str| w.target.nobody.get(url).header("accept", b"image/png").send().await.status;
    let one = set(&template, 8).await;
    assert_eq!(set(&template, 8).await, one);
    let clone = json!({ "name": "Clone", "clone_from": template.id, "kind": "reseller" });
    let clone = w.master.api.post("/reseller/accounts/create", clone).send().await.is(201).id();
    // Another picture takes its place where it is set, and a clone has the old one still.
    let two = set(&template, 9).await;
    assert_eq!((shown(&one).await, shown(&two).await), (200, 200));
    w.master.api.delete(&part(&clone, "logo")).send().await.is(200);
    assert_eq!((shown(&one).await, shown(&two).await), (404, 200));
    // Where only the bytes are handed out it is the same.
    w.target.nobody.get(&one).header("accept", b"*/*").send().await.refused(404, "not_found");
    template.api.delete(&part(&template.id, "logo")).send().await.is(200);
    assert_eq!(shown(&two).await, 404);
    assert_eq!(set(&template, 8).await, one);
    assert_eq!(shown(&one).await, 200, "set again it is shown again");
    w.operator().pay(&format!("/reseller/accounts/{}/close", template.id), json!({})).send().await.is(200);
    assert_eq!(shown(&one).await, 404, "of a closed account nothing is shown");
}

#[tokio::test]
async fn nothing_is_kept_of_a_picture_that_is_refused() {
    let w = World::in_process().await;
    let shop = w.reseller_of(&w.master.id).await;
    let ask = |width: u32| shop.api.put(&part(&shop.id, "logo"), logo(&drawn(width, 8, ImageFormat::Png)));
    ask(8).if_match("\"7\"").send().await.refused(412, "precondition_failed");
    put(&w.master, json!({ "locked": ["logo"] })).await;
    ask(9).send().await.refused(422, "brand_locked");
    w.operator().pay(&format!("/reseller/accounts/{}/close", shop.id), json!({})).send().await.is(200);
    let closed = w.operator().put(&part(&shop.id, "logo"), logo(&drawn(10, 8, ImageFormat::Png)));
    closed.send().await.refused(409, "account_closed");
    assert!(w.target.inside("blobs").expect("in this process").outside.blobs.keys().is_empty());
}

#[tokio::test]
async fn pictures_that_are_bombs_scripts_or_broken_are_refused_and_nothing_is_kept() {
    let w = World::in_process().await;
    let mut bomb = drawn(1, 1, ImageFormat::Png);
    bomb[16..24].copy_from_slice(&[0, 0, 0xff, 0xff, 0, 0, 0xff, 0xff]);
    let sum = crc32fast::hash(&bomb[12..29]);
    bomb[29..33].copy_from_slice(&sum.to_be_bytes());
    let mut gif = drawn(1, 1, ImageFormat::Gif);
    gif[6..10].copy_from_slice(&[0xff; 4]);
    let wide = drawn(4097, 1, ImageFormat::Png);
    let whole = drawn(64, 64, ImageFormat::Png);
    let svg = b"<svg xmlns=\"http://www.w3.org/2000/svg\" onload=\"alert(1)\"/>".to_vec();
    for (what, bytes) in [
        ("a bomb", bomb),
        ("a bomb of frames", gif),
        ("too wide", wide),
        ("cut off", whole[..whole.len() / 2].to_vec()),
        ("SVG", svg),
        ("a page", b"<!doctype html><script>alert(1)</script>".to_vec()),
        ("nothing", Vec::new()),
        ("too many bytes", vec![0x89; 200 * 1024 + 1]),
    ] {
        let refused = w.master.api.put(&part(&w.master.id, "logo"), logo(&bytes)).send().await.refused(400, "validation_failed");
        assert_eq!(refused["errors"][0]["pointer"], "/image", "{what}");
    }
    let data = json!({ "image": format!("data:image/png;base64,{}", STANDARD.encode(&whole)) });
    w.master.api.put(&part(&w.master.id, "logo"), data).send().await.refused(400, "validation_failed");
    assert!(w.target.inside("blobs").expect("in this process").outside.blobs.keys().is_empty());
    assert_eq!(get(&w.master.api, &w.master.id).await["version"], 1);
}

#[tokio::test]
async fn a_slug_is_one_accounts_and_free_when_it_is_let_go_changed_or_closed() {
    let w = World::new().await;
    let other = w.other_master(json!({})).await;
    let (one, two) = (w.unique("slug"), w.unique("slug"));
    let take = |node: &Node, slug: &str| node.api.put(&part(&node.id, "slug"), json!({ "slug": slug })).send();
    let taken = take(&w.master, &one).await.is(200);
    assert_eq!(taken["slug"], one);
    assert!(taken["portal_url"].as_str().is_some_and(|url| url.ends_with(&format!("/portal/{one}"))), "{}", taken.text);
    assert_eq!(take(&w.master, &one).await.is(200)["version"], taken["version"], "again is the same");
    let refused = take(&other, &one).await.refused(409, "slug_taken");
    assert!(!refused.text.contains(&w.master.id));
    take(&w.master, &two).await.is(200);
    take(&other, &one).await.is(200);
    take(&w.master, &one).await.refused(409, "slug_taken");
    other.api.delete(&part(&other.id, "slug")).send().await.is(200);
    w.target.nobody.get(&format!("/portal/brand?slug={one}")).send().await.refused(404, "not_found");
    let closing = w.reseller_of(&w.master.id).await;
    take(&closing, &one).await.is(200);
    w.master.api.pay(&format!("/reseller/accounts/{}/close", closing.id), json!({})).send().await.is(200);
    w.target.nobody.get(&format!("/portal/brand?slug={one}")).send().await.refused(404, "not_found");
    take(&other, &one).await.is(200);
    // A customer sells to nobody.
    let customer = w.child_of(&w.master.id).await;
    w.master.api.put(&part(&customer, "slug"), json!({ "slug": w.unique("slug") })).send().await.refused(409, "conflict");
    w.master.api.put(&part(&customer, "host"), json!({ "host": "a.example.com" })).send().await.refused(409, "conflict");
}

#[tokio::test]
async fn of_many_that_want_one_slug_at_once_one_gets_it() {
    let w = World::new().await;
    let slug = w.unique("slug");
    let mut nodes = Vec::new();
    for _ in 0..8 {
        nodes.push(w.reseller_of(&w.master.id).await);
    }
    let asks = nodes.iter().map(|node| node.api.put(&part(&node.id, "slug"), json!({ "slug": slug })).send());
    let answers = futures::future::join_all(asks).await;
    let mut statuses: Vec<u16> = answers.iter().map(|answer| answer.status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 409, 409, 409, 409, 409, 409, 409]);
}

#[tokio::test]
async fn a_host_is_who_proves_it_and_a_claim_keeps_nobody_from_it() {
    let w = World::in_process().await;
    let (owner, squatter) = (w.other_master(json!({ "name": "Owner" })).await, w.other_master(json!({ "name": "Squatter" })).await);
    let host = "portal.corner.example";
    let claim = |node: &Node| node.api.put(&part(&node.id, "host"), json!({ "host": "Portal.Corner.example." })).send();
    let verify = |node: &Node| node.api.post(&part(&node.id, "host/verify"), json!({})).send();
    let by_host = || w.target.nobody.get("/portal/brand").header("host", b"portal.corner.example").send();
    verify(&owner).await.refused(409, "conflict");
    // The squatter claims first; that keeps nobody out, and shows nothing.
    let squatted = claim(&squatter).await.is(200);
    let claimed = claim(&owner).await.is(200);
    assert_eq!((&claimed["host"]["host"], &claimed["host"]["status"]), (&json!(host), &json!("pending")));
    assert_eq!(claimed["host"]["txt_name"], "_tributary.portal.corner.example");
    assert_ne!(claimed["host"]["txt_value"], squatted["host"]["txt_value"]);
    assert_eq!(claim(&owner).await.is(200)["host"], claimed["host"], "the same again changes nothing");
    by_host().await.refused(404, "not_found");
    let refused = verify(&owner).await.refused(422, "host_not_verified");
    assert_eq!((&refused["txt_name"], &refused["txt_value"]), (&claimed["host"]["txt_name"], &claimed["host"]["txt_value"]));
    let value = claimed["host"]["txt_value"].as_str().expect("a value");
    dns(&w).fail("_tributary.portal.corner.example");
    verify(&owner).await.refused(503, "busy");
    dns(&w).set("_tributary.portal.corner.example", vec!["v=spf1 -all".into(), value.into()]);
    // Nobody proves it by another's record.
    verify(&squatter).await.refused(422, "host_not_verified");
    let verified = verify(&owner).await.is(200);
    assert_eq!((&verified["host"]["status"], &verified["portal_url"]), (&json!("verified"), &json!("https://portal.corner.example/")));
    assert!(verified["host"]["checked_at"].is_string());
    assert_eq!(verify(&owner).await.is(200)["version"], verified["version"]);
    assert_eq!(by_host().await.is(200)["name"], "Owner");
    // Whoever could put a record there too does not take it away.
    let theirs = squatted["host"]["txt_value"].as_str().expect("a value");
    dns(&w).set("_tributary.portal.corner.example", vec![value.into(), theirs.into()]);
    let taken = verify(&squatter).await.refused(409, "host_taken");
    assert!(!taken.text.contains(&owner.id), "{}", taken.text);
    assert_eq!(by_host().await.is(200)["name"], "Owner");
    // Detached, it shows nothing from the answer on, and is who proves it next.
    let detached = owner.api.delete(&part(&owner.id, "host")).send().await.is(200);
    assert_eq!(detached["host"], Value::Null);
    by_host().await.refused(404, "not_found");
    verify(&squatter).await.is(200);
    assert_eq!(by_host().await.is(200)["name"], "Squatter");
    // Another claim lets go of the one there was; a closed account has none.
    squatter.api.put(&part(&squatter.id, "host"), json!({ "host": "other.corner.example" })).send().await.is(200);
    by_host().await.refused(404, "not_found");
    let again = claim(&owner).await.is(200);
    assert_ne!(again["host"]["txt_value"], claimed["host"]["txt_value"], "an old record proves nothing any more");
    verify(&owner).await.refused(422, "host_not_verified");
    dns(&w).set("_tributary.portal.corner.example", vec![again["host"]["txt_value"].as_str().expect("a value").into()]);
    verify(&owner).await.is(200);
    w.operator().pay(&format!("/reseller/accounts/{}/close", owner.id), json!({})).send().await.is(200);
    by_host().await.refused(404, "not_found");
}

#[tokio::test]
async fn of_two_that_prove_one_host_at_once_one_gets_it() {
    let w = World::in_process().await;
    let nodes = [w.reseller_of(&w.master.id).await, w.reseller_of(&w.master.id).await];
    let mut values = Vec::new();
    for node in &nodes {
        let claimed = node.api.put(&part(&node.id, "host"), json!({ "host": "both.example.com" })).send().await.is(200);
        values.push(claimed["host"]["txt_value"].as_str().expect("a value").to_owned());
    }
    dns(&w).set("_tributary.both.example.com", values);
    let answers = futures::future::join_all(nodes.iter().map(|node| node.api.post(&part(&node.id, "host/verify"), json!({})).send())).await;
    let mut statuses: Vec<u16> = answers.iter().map(|answer| answer.status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 409]);
}

/// The first two transactions wait for each other: each is planned before the other is done.
#[derive(Debug, Default)]
struct Meeting {
    come: AtomicUsize,
}

#[async_trait]
impl Step for Meeting {
    async fn before(&self, call: Call<'_>) -> Result<(), TableError> {
        if let Call::Transact(_) = call {
            self.come.fetch_add(1, Ordering::SeqCst);
            while self.come.load(Ordering::SeqCst) < 2 {
                tokio::task::yield_now().await;
            }
        }
        Ok(())
    }
}

/// What two requests are answered that are planned before either is done.
async fn meeting(w: &World, ask: impl AsyncFn(Api) -> Answer) -> [Answer; 2] {
    let inside = w.target.inside("requests that meet").expect("in this process");
    let table = Arc::new(Before { step: Meeting::default(), table: inside.memory.clone() });
    let api = w.target.nobody.at(inside.process(table.clone())).as_who(&w.master.api);
    let (one, two) = futures::future::join(ask(api.clone()), ask(api)).await;
    assert!(table.step.come.load(Ordering::SeqCst) >= 2);
    [one, two]
}

#[tokio::test]
async fn the_same_twice_at_once_is_not_taken_by_somebody_else() {
    let w = World::in_process().await;
    let (id, slug) = (&w.master.id, w.unique("slug"));
    let take = async |api: Api| api.put(&part(id, "slug"), json!({ "slug": slug })).send().await;
    let [one, two] = meeting(&w, take).await;
    let (one, two) = (one.is(200), two.is(200));
    assert_eq!((&one["slug"], &one["version"]), (&json!(slug), &two["version"]), "it is taken once");

    let claimed = w.master.api.put(&part(id, "host"), json!({ "host": "a.example.com" })).send().await.is(200);
    dns(&w).set("_tributary.a.example.com", vec![claimed["host"]["txt_value"].as_str().expect("a value").into()]);
    let verify = async |api: Api| api.post(&part(id, "host/verify"), json!({})).send().await;
    let [one, two] = meeting(&w, verify).await;
    let (one, two) = (one.is(200), two.is(200));
    assert_eq!((&one["host"]["status"], &one["version"]), (&json!("verified"), &two["version"]), "it is verified once");

    // Of two that name the version, one comes too late.
    let (other, tag) = (w.unique("slug"), two.header("etag").to_owned());
    let take = async |api: Api| api.put(&part(id, "slug"), json!({ "slug": other })).if_match(&tag).send().await;
    let mut statuses = meeting(&w, take).await.map(|answer| answer.status);
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 412]);
}

#[tokio::test]
async fn a_portal_says_what_a_page_is_drawn_with_and_nothing_else() {
    let w = World::in_process().await;
    let (reseller, shop, _) = levels(&w).await;
    put(&reseller, json!({ "name": "Reseller Brand", "color": "#0a7c3f", "reply_to": "secret@reseller.example" })).await;
    put(&shop, json!({ "name": "Corner", "sender_name": "Corner Billing" })).await;
    let slug = w.unique("corner");
    shop.api.put(&part(&shop.id, "slug"), json!({ "slug": slug })).send().await.is(200);
    let portal = w.target.nobody.get(&format!("/portal/brand?slug={slug}")).send().await.is(200);
    assert_eq!(
        portal.json,
        json!({
            "name": "Corner", "color": "#0a7c3f", "accent_color": null, "text_on_color": "#ffffff", "logo_url": null, "support_url": null,
            "terms_url": null, "privacy_url": null, "slug": slug,
        })
    );
    assert_eq!((portal.header("cache-control"), portal.header("vary")), ("public, max-age=60", "Host, X-Forwarded-Host"));
    for path in ["/portal/brand?slug=nobody-at-all", "/portal/brand?slug=", "/portal/brand?slug=..", "/portal/brand?slug=SESSION"] {
        w.target.nobody.get(path).send().await.refused(404, "not_found");
    }
    w.target.nobody.get("/portal/brand?id=1").send().await.refused(400, "unknown_field");
    // A reseller that set nothing shows its own name, and nothing of who sells to it.
    let plain = w.create(&w.master.id, json!({ "kind": "reseller", "name": "Plain Ltd" })).await.id();
    let slug = w.unique("plain");
    w.master.api.put(&part(&plain, "slug"), json!({ "slug": slug })).send().await.is(200);
    assert_eq!(w.target.nobody.get(&format!("/portal/brand?slug={slug}")).send().await.is(200)["name"], "Plain Ltd");
}

#[tokio::test]
async fn under_a_host_of_its_own_an_error_does_not_name_the_platform() {
    let w = World::in_process().await;
    let ask = |host: &'static [u8]| w.target.nobody.get("/portal/brand?slug=nobody-at-all").header("host", host).send();
    for host in [b"portal.corner.example".as_slice(), b"portal.corner.example:443"] {
        assert_eq!(ask(host).await.refused(404, "not_found")["type"], "/docs/errors/not_found");
    }
    let own = ask(b"abc.execute-api.eu-central-1.amazonaws.com").await.refused(404, "not_found");
    assert_eq!(own["type"], "https://docs.example/errors/not_found");
    // What stands in front of the gateway says which host was asked for.
    let forwarded = w.target.nobody.get("/portal/brand").header("host", b"abc.execute-api.eu-central-1.amazonaws.com");
    let forwarded = forwarded.header("x-forwarded-host", b"portal.corner.example").send().await.refused(404, "not_found");
    assert_eq!(forwarded["type"], "/docs/errors/not_found");
}

#[tokio::test]
async fn a_stack_finds_its_own_pages_logos_and_documents_under_each_of_its_hosts() {
    let w = World::in_process().await;
    let shop = w.reseller_of(&w.master.id).await;
    let slug = w.unique("corner");
    shop.api.put(&part(&shop.id, "slug"), json!({ "slug": slug })).send().await.is(200);
    shop.api.put(&part(&shop.id, "logo"), logo(&drawn(64, 32, ImageFormat::Png))).send().await.is(200);
    let front = |pages: Option<&str>| Front { pages_url: pages.map(str::to_owned), edge_token: None };
    let gateway: &[u8] = b"abc.execute-api.eu-central-1.amazonaws.com";
    let with_domain = w.target.stack("/dev/docs", front(Some("https://app.acme.example")));
    let without = w.target.stack("/dev/docs", front(None));
    // The pages' own host is the platform's: what is asked there is the operator's brand, by which people sign in.
    for (app, host) in
        [(&with_domain, b"app.acme.example".as_slice()), (&with_domain, b"d1.cloudfront.net"), (&without, b"d1.cloudfront.net")]
    {
        let at = |path: &str| w.target.nobody.at(app.clone()).get(path).header("host", gateway).header("x-forwarded-host", host).send();
        assert_eq!(at("/portal/brand").await.is(200)["slug"], Value::Null);
        let shown = at(&format!("/portal/brand?slug={slug}")).await.is(200);
        assert!(shown.word("logo_url").starts_with("/portal/logo/"), "{}", shown.text);
        assert_eq!(at("/portal/brand?slug=nobody-at-all").await.refused(404, "not_found")["type"], "/docs/errors/not_found");
    }
    // Only the gateway has the stage in its paths.
    let at = |path: &str| w.target.nobody.at(with_domain.clone()).get(path).header("host", gateway).send();
    let shown = at(&format!("/portal/brand?slug={slug}")).await.is(200);
    assert!(shown.word("logo_url").starts_with("/dev/portal/logo/"), "{}", shown.text);
    assert_eq!(at("/portal/brand?slug=nobody-at-all").await.refused(404, "not_found")["type"], "/dev/docs/errors/not_found");
    // Where the pages have no domain, only the path is known to what is behind them.
    for (app, url) in [(&with_domain, format!("https://app.acme.example/portal/{slug}")), (&without, format!("/portal/{slug}"))] {
        assert_eq!(shop.api.at(app.clone()).get(&brand(&shop.id)).send().await.is(200)["portal_url"], json!(url));
    }
    let claim = shop.api.at(with_domain).put(&part(&shop.id, "host"), json!({ "host": "app.acme.example" })).send().await;
    assert_eq!(claim.refused(400, "validation_failed")["errors"][0]["pointer"], "/host");
}

#[tokio::test]
async fn under_a_host_of_its_own_nothing_that_anybody_is_shown_names_the_software() {
    let w = World::in_process().await;
    put(&w.master, json!({ "name": "Corner" })).await;
    let claimed = w.master.api.put(&part(&w.master.id, "host"), json!({ "host": "portal.corner.example" })).send().await.is(200);
    dns(&w).set("_tributary.portal.corner.example", vec![claimed["host"]["txt_value"].as_str().expect("a value").into()]);
    w.master.api.post(&part(&w.master.id, "host/verify"), json!({})).send().await.is(200);
    let codes = tributary_portal::docs::PAGES.iter().map(|(code, _)| (format!("/docs/errors/{code}"), 200));
    let others = [
        ("/", 200),
        ("/docs/errors", 200),
        ("/docs/errors/no_such_code", 404),
        ("/portal/brand", 200),
        ("/portal/brand?slug=nobody-at-all", 404),
        ("/portal/session", 401),
        ("/portal/logo/x", 404),
        ("/reseller/accounts", 401),
        ("/no/such/path", 404),
        ("/health", 200),
    ];
    for (path, status) in codes.chain(others.map(|(path, status)| (path.to_owned(), status))) {
        let answer = w.target.nobody.get(&path).header("x-forwarded-host", b"portal.corner.example").send().await.is(status);
        let headers = format!("{:?}", answer.headers).to_ascii_lowercase();
        // The record that proves a host is called so in every DNS.
        let text = answer.text.to_ascii_lowercase().replace("_tributary.", "").replace("tributary-verify=", "");
        assert!(!text.contains("tributary") && !headers.contains("tributary"), "{path}: {headers}\n{text}");
    }
    // Under its own it has its name.
    for path in ["/", "/docs/errors", "/docs/errors/not_found"] {
        let answer = w.target.nobody.get(path).send().await.is(200);
        assert!(answer.text.contains("Tributary</title>"), "{}", answer.text);
        assert_eq!(answer.header("vary"), "Host, X-Forwarded-Host");
    }
}

#[tokio::test]
async fn the_previews_invoice_tells_who_may_not_read_billing_nothing_of_it() {
    let w = World::in_process().await;
    let shop = w.reseller_of(&w.master.id).await;
    let (id, secret) = w.new_key(&w.master.id, "owner").await;
    let (all, denied) = (w.master.api.clone(), w.target.nobody.with(&secret));
    let deny = format!("/reseller/accounts/{}/keys/{id}/denies/{}", w.master.id, shop.id);
    all.put(&deny, json!({ "rights": ["billing.read"] })).send().await.is(200);
    // The file is named by what is in it.
    let blobs = &w.target.inside("blobs").expect("in this process").outside.blobs;
    let drawn = async |api: &Api| {
        let link =
            api.post(&part(&shop.id, "preview"), json!({ "name": "Corner" })).send().await.is(200).word("invoice_pdf_url").to_owned();
        blobs.keys().into_iter().find(|key| key.starts_with("brand/previews/") && link.contains(key)).expect("a file")
    };
    let plain = drawn(&all).await;
    assert_eq!(drawn(&denied).await, plain);
    let settings = json!({
        "account_id": shop.id, "tax_id": "ATU12345678", "footer": "IBAN AT61 1904 3002 3457 3201",
        "address": { "line1": "1 Secret Lane", "city": "Springfield", "postal_code": "1010", "country": "AT" },
    });
    all.put("/reseller/billing/settings", settings).send().await.is(200);
    let told = drawn(&all).await;
    assert_ne!(told, plain, "who may read it sees it");
    assert_eq!(drawn(&denied).await, plain, "who may not sees what is drawn without it");
}

#[tokio::test]
async fn a_preview_is_written_by_what_writes_the_real_ones_and_saves_nothing() {
    let w = World::in_process().await;
    let shop = w.reseller_of(&w.master.id).await;
    put(&w.master, json!({ "color": "#123456", "locked": ["color"] })).await;
    shop.api.put(&part(&shop.id, "logo"), logo(&drawn(64, 32, ImageFormat::Png))).send().await.is(200);
    let before = w.target.inside("the table").expect("in this process").memory.changes();
    let tokens = json!({ "name": "Corner <b>", "color": "#ff0000", "terms_url": "https://corner.example/terms" });
    let shown = shop.api.post(&part(&shop.id, "preview"), tokens).send().await.is(200);
    assert_eq!(w.target.inside("the table").expect("in this process").memory.changes(), before);
    let html = shown.word("mail_html");
    for there in ["Corner &#60;b&#62;", "#123456", "https://corner.example/terms", "/portal/logo/"] {
        assert!(html.contains(there), "{there}: {html}");
    }
    assert!(!html.contains("#ff0000") && !html.contains("<b>"), "{html}");
    assert!(shown.word("mail_text").contains("https://corner.example/terms") && !shown.word("subject").is_empty());
    let blobs = &w.target.inside("blobs").expect("in this process").outside.blobs;
    let key = blobs.keys().into_iter().find(|key| key.starts_with("brand/previews/")).expect("kept for a day");
    let pdf = blobs.get(&key).await.expect("read").expect("kept");
    assert!(pdf.starts_with(b"%PDF-") && shown.word("invoice_pdf_url").contains(&key));
    // The logo is on it: without one it is another file, and smaller.
    shop.api.delete(&part(&shop.id, "logo")).send().await.is(200);
    let tokens = json!({ "name": "Corner <b>", "color": "#ff0000", "terms_url": "https://corner.example/terms" });
    let plain = shop.api.post(&part(&shop.id, "preview"), tokens).send().await.is(200);
    assert_ne!(plain.word("invoice_pdf_url"), shown.word("invoice_pdf_url"));
}

#[tokio::test]
async fn what_is_done_to_a_brand_is_told() {
    let w = World::in_process().await;
    let inside = w.target.inside("events").expect("in this process");
    crate::support::events::tell(inside).await;
    put(&w.master, json!({ "name": "Corner" })).await;
    let claimed = w.master.api.put(&part(&w.master.id, "host"), json!({ "host": "a.example.com" })).send().await.is(200);
    dns(&w).set("_tributary.a.example.com", vec![claimed["host"]["txt_value"].as_str().expect("a value").into()]);
    w.master.api.post(&part(&w.master.id, "host/verify"), json!({})).send().await.is(200);
    w.master.api.delete(&part(&w.master.id, "host")).send().await.is(200);
    let told = crate::support::events::tell(inside).await;
    let told: Vec<(String, Value)> = told.into_iter().map(|event| (event.kind.word(), event.data["host"].clone())).collect();
    let words = ["brand.changed", "brand.changed", "host.verified", "host.detached"];
    assert_eq!(told.iter().map(|(word, _)| word.as_str()).collect::<Vec<_>>(), words);
    assert_eq!((&told[2].1, &told[3].1), (&json!("a.example.com"), &json!("a.example.com")));
}

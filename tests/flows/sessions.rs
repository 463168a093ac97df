//! Signing in and out: what makes a session, what it may do and for how long, and what makes none.

use std::collections::BTreeSet;
use std::sync::Arc;

use futures::future::join_all;
use serde_json::{Value, json};
use tributary_api::hosts::Front;
use tributary_domain::event::{EventKind, RecordKind};
use tributary_domain::session::{ASKED_BY_SOURCE, ASKED_OF_ADDRESS, COUNTED_OVER_S, IDLE_S, LINK_LASTS_S, LONGEST_S, MAILED, SEEN_EVERY_S};
use tributary_runtime::mail::{Mail, MemoryMailer};
use tributary_store::faulty::{Faults, Faulty, Moment};
use tributary_store::memory::MemoryTable;
use tributary_store::table::{Table, Value as Stored};

use crate::support::api::{Answer, Api, Signed, Target, endpoints};
use crate::support::before::{Before, Yield};
use crate::support::receiver::MemoryOutbound;
use crate::support::world::{World, every_row};
use crate::webhooks::{senders, told};

const SIGN_IN: &str = "/portal/sign-in";
const SESSION: &str = "/portal/session";
const SESSIONS: &str = "/portal/sessions";
/// What a request of another site's page says.
const CROSS_SITE: (&str, &[u8]) = ("sec-fetch-site", b"cross-site");

/// The API in a browser in which the owner of an address signed in by a link.
pub async fn by_link(target: &Target, email: &str) -> Api {
    let token = ask_token(target, email).await;
    target.nobody.signed_in(&begin(target, json!({ "token": token })).await.is(201))
}

async fn begin(target: &Target, body: Value) -> Answer {
    target.nobody.post(SESSION, body).send().await
}

async fn ask_link(target: &Target, email: &str) -> Answer {
    target.nobody.post(SIGN_IN, json!({ "email": email })).send().await
}

/// What was mailed since the last time.
async fn mailed(target: &Target) -> Vec<Mail> {
    let (inside, mailer) = (target.inside("mails with links").expect("in this process"), MemoryMailer::default());
    told(inside, &senders(Arc::new(MemoryOutbound::default()), &mailer)).await;
    mailer.take()
}

/// The address that a mail leads to.
fn link_of(mail: &Mail) -> String {
    let line = mail.text.lines().find_map(|line| line.strip_prefix("Sign in: ")).unwrap_or_else(|| panic!("no link in {}", mail.text));
    line.to_owned()
}

fn token_of(mail: &Mail) -> String {
    link_of(mail).split_once("#token=").expect("a token").1.to_owned()
}

async fn ask_token(target: &Target, email: &str) -> String {
    ask_link(target, email).await.is(202);
    let mails = mailed(target).await;
    let mail = mails.iter().rfind(|mail| mail.to.eq_ignore_ascii_case(email)).unwrap_or_else(|| panic!("no mail to {email}"));
    token_of(mail)
}

/// A session of a new key at an account: the key's id, and the browser.
async fn by_key(w: &World, account: &str, role: &str) -> (String, String, Api) {
    let (id, secret) = w.new_key(account, role).await;
    let begun = begin(&w.target, json!({ "api_key": secret })).await.is(201);
    (id, secret, w.target.nobody.signed_in(&begun))
}

/// A member of an account with this role: its path.
async fn member(w: &World, account: &str, email: &str, role: &str) -> String {
    let path = format!("/reseller/accounts/{account}/members");
    let made = w.operator().post(&path, json!({ "email": email, "role": role, "name": "Ada" })).send().await.is(201);
    format!("{path}/{}", made.id())
}

fn own(w: &World) -> String {
    format!("/reseller/accounts/{}", w.master.id)
}

#[tokio::test]
async fn an_api_key_becomes_a_session_that_may_what_the_key_may() {
    let w = World::new().await;
    let (id, secret) = w.new_key(&w.master.id, "viewer").await;
    let begun = begin(&w.target, json!({ "api_key": secret })).await.is(201);
    let set = begun.header("set-cookie").to_owned();
    let (pair, attributes) = set.split_once("; ").expect("attributes");
    for attribute in ["HttpOnly", "SameSite=Lax", "Path=/", &format!("Max-Age={LONGEST_S}")] {
        assert!(attributes.split("; ").any(|one| one == attribute), "{set}");
    }
    assert!(!attributes.contains("Domain"), "{set}");
    // Where the platform is not in this process it may be served over plain HTTP.
    assert_eq!(pair.starts_with("__Host-tributary="), attributes.split("; ").any(|one| one == "Secure"), "{set}");
    assert!(!begun.text.contains(pair.split_once('=').expect("a value").1), "the secret is in the cookie alone");
    assert_eq!(begun.header("location"), SESSION);
    let browser = w.target.nobody.signed_in(&begun);
    let shown = browser.get(SESSION).send().await.is(200);
    assert_eq!(shown.json, begun.json);
    assert_eq!(
        (&shown["who"]["kind"], &shown["who"]["id"], &shown["who"]["email"], &shown["who"]["role"], &shown["mode"]),
        (&json!("key"), &json!(id), &Value::Null, &json!("viewer"), &json!("test"))
    );
    let account = &shown["account"];
    assert_eq!((&account["id"], &account["kind"], &account["currency"]), (&json!(w.master.id), &json!("reseller"), &json!("USD")));
    let permissions = w.target.nobody.with(&secret).get(&format!("{}/permissions", own(&w))).send().await.is(200);
    assert_eq!(shown["rights"], permissions["rights"]);
    browser.get(&own(&w)).send().await.is(200);
    browser.put(&own(&w), json!({ "name": "X" })).send().await.refused(403, "forbidden");
    let other = w.other_master(json!({})).await;
    browser.get(&format!("/reseller/accounts/{}", other.id)).send().await.refused(404, "not_found");
    for body in [json!({ "api_key": "rk_test_none" }), json!({ "api_key": "" }), json!({ "api_key": secret.replace("rk_test", "rk_live") })]
    {
        begin(&w.target, body).await.refused(401, "unauthorized");
    }
}

#[tokio::test]
async fn a_link_signs_a_member_in_once_in_the_brand_of_their_reseller() {
    let w = World::in_process().await;
    let brand = json!({ "brand": { "name": "Corner", "sender_name": "Corner Billing" } });
    let reseller = w.other_master(json!({ "settings": brand })).await;
    reseller.api.put(&format!("/reseller/accounts/{}/brand/slug", reseller.id), json!({ "slug": "corner" })).send().await.is(200);
    let shop =
        w.create(&reseller.id, json!({ "name": "Ada's Shop", "settings": { "locale": "de-CH", "time_zone": "Europe/Zurich" } })).await.id();
    member(&w, &shop, "Ada@shop.example", "billing").await;
    let asked = w.target.nobody.post(SIGN_IN, json!({ "email": "ada@SHOP.example", "slug": "corner" })).send().await.is(202);
    assert_eq!(asked.json, json!({ "sent": true }));
    let mails = mailed(&w.target).await;
    let [mail] = mails.as_slice() else { panic!("{mails:?}") };
    assert_eq!((mail.to.as_str(), mail.subject.as_str()), ("Ada@shop.example", "Sign in to Corner"));
    assert!(
        mail.raw.contains("Corner Billing") && mail.text.contains("Ada's Shop") && !mail.raw.contains("List-Unsubscribe"),
        "{}",
        mail.raw
    );
    let link = link_of(mail);
    assert!(link.starts_with("https://pages.example.com/portal/corner/sign-in#token=") && mail.html.contains(&link), "{link}");
    let token = token_of(mail);
    let begun = begin(&w.target, json!({ "token": token })).await.is(201);
    assert_eq!(
        (&begun["who"]["kind"], &begun["who"]["email"], &begun["who"]["name"], &begun["who"]["role"]),
        (&json!("member"), &json!("Ada@shop.example"), &json!("Ada"), &json!("billing"))
    );
    let account = &begun["account"];
    assert_eq!((&account["name"], &account["parent_id"]), (&json!("Ada's Shop"), &json!(reseller.id)));
    assert_eq!((&account["locale"], &account["time_zone"]), (&json!("de-CH"), &json!("Europe/Zurich")));
    let browser = w.target.nobody.signed_in(&begun);
    browser.get(&format!("/reseller/credits/balance?account_id={shop}")).send().await.is(200);
    let of_member = browser.get(&format!("/reseller/accounts/{shop}/permissions")).send().await.is(200);
    assert_eq!((&of_member["principal"]["kind"], &of_member["principal"]["id"]), (&json!("member"), &begun["who"]["id"]));

    // Used, old and wrong are one answer.
    let used = begin(&w.target, json!({ "token": token })).await.refused(401, "unauthorized");
    let old = ask_token(&w.target, "ada@shop.example").await;
    assert!(w.target.advance_s(LINK_LASTS_S, "a link's time"));
    let old = begin(&w.target, json!({ "token": old })).await.refused(401, "unauthorized");
    let wrong = begin(&w.target, json!({ "token": "A".repeat(43) })).await.refused(401, "unauthorized");
    let short = begin(&w.target, json!({ "token": "x" })).await.refused(401, "unauthorized");
    let details: BTreeSet<&str> = [&used, &old, &wrong, &short].map(|answer| answer.word("detail")).into();
    assert_eq!(details.len(), 1, "{details:?}");
    let later = ask_token(&w.target, "ada@shop.example").await;
    assert!(w.target.advance_s(LINK_LASTS_S - 1, "a link's time"));
    begin(&w.target, json!({ "token": later })).await.is(201);
}

#[tokio::test]
async fn a_link_to_a_portal_leads_there_and_a_late_one_is_not_mailed() {
    let w = World::in_process().await;
    member(&w, &w.master.id, "ada@x.example", "viewer").await;
    for slug in ["corner", "corner-shop"] {
        let path = format!("/reseller/accounts/{}/brand/slug", w.master.id);
        w.master.api.put(&path, json!({ "slug": slug })).send().await.is(200);
    }
    let ask = |slug: &str| w.target.nobody.post(SIGN_IN, json!({ "email": "ada@x.example", "slug": slug })).send();
    ask("corner-shop").await.is(202);
    let mails = mailed(&w.target).await;
    assert!(link_of(&mails[0]).starts_with("https://pages.example.com/portal/corner-shop/sign-in#token="), "{}", mails[0].text);
    for bad in ["", "a", "-ab", "ab-", "A-b", "../x", "a/b", "1ab", &"a".repeat(41)] {
        assert_eq!(ask(bad).await.refused(400, "validation_failed")["errors"][0]["pointer"], "/slug", "{bad}");
    }
    ask("corner-shop").await.is(202);
    assert!(w.target.advance_s(LINK_LASTS_S, "a mail that waits"));
    assert_eq!(mailed(&w.target).await, []);
    // A name that was given up, and one that was given up after the link was asked for.
    ask("corner").await.is(202);
    assert_eq!(mailed(&w.target).await, []);
    ask("corner-shop").await.is(202);
    let path = format!("/reseller/accounts/{}/brand/slug", w.master.id);
    w.master.api.delete(&path).send().await.is(200);
    assert_eq!(mailed(&w.target).await, []);
}

#[tokio::test]
async fn at_a_portal_only_its_own_people_are_written_to_in_its_brand_and_sign_in_there_alone() {
    let w = World::in_process().await;
    let (shop, other) = (w.reseller_of(&w.master.id).await, w.reseller_of(&w.master.id).await);
    for (node, name) in [(&shop, "corner"), (&other, "rival")] {
        let brand = format!("/reseller/accounts/{}/brand", node.id);
        node.api.put(&brand, json!({ "name": format!("{name} telecom") })).send().await.is(200);
        node.api.put(&format!("{brand}/slug"), json!({ "slug": name })).send().await.is(200);
    }
    // The rival put the address in first, and twice more.
    for _ in 0..3 {
        let planted = w.create(&other.id, json!({ "name": "Call the rival now" })).await.id();
        member(&w, &planted, "ceo@x.example", "viewer").await;
    }
    let customer = w.child_of(&shop.id).await;
    member(&w, &customer, "ceo@x.example", "owner").await;
    let ask = |body: Value| w.target.nobody.post(SIGN_IN, body).send();
    ask(json!({ "email": "ceo@x.example", "slug": "corner" })).await.is(202);
    let mails = mailed(&w.target).await;
    assert_eq!(mails.len(), 1);
    assert_eq!(mails[0].subject, "Sign in to corner telecom");
    assert!(!mails[0].raw.contains("rival"), "{}", mails[0].raw);
    let begun = begin(&w.target, json!({ "token": token_of(&mails[0]) })).await.is(201);
    assert_eq!(begun["account"]["id"], json!(customer));
    // At the rival's there are three to choose from, none of them the shop's.
    ask(json!({ "email": "ceo@x.example", "slug": "rival" })).await.is(202);
    let token = token_of(&mailed(&w.target).await[0]);
    let choose = begin(&w.target, json!({ "token": token })).await.is(200);
    let choices = choose["choose"].as_array().expect("choices");
    assert!(choices.len() == 3 && choices.iter().all(|one| one["account_id"] != json!(customer)), "{}", choose.text);
    begin(&w.target, json!({ "token": token, "account_id": customer })).await.refused(401, "unauthorized");
    // At the platform's own pages the mail is in the operator's brand and names no account, whoever put the address in.
    ask(json!({ "email": "ceo@x.example" })).await.is(202);
    let mails = mailed(&w.target).await;
    assert!(!mails[0].raw.contains("rival") && !mails[0].raw.contains("corner"), "{}", mails[0].raw);
    assert_eq!(begin(&w.target, json!({ "token": token_of(&mails[0]) })).await.is(200)["choose"].as_array().map(Vec::len), Some(4));
}

#[tokio::test]
async fn under_a_host_of_its_own_a_link_leads_back_to_it() {
    let w = World::in_process().await;
    let shop = w.reseller_of(&w.master.id).await;
    let customer = w.child_of(&shop.id).await;
    member(&w, &customer, "ada@x.example", "owner").await;
    let host = format!("/reseller/accounts/{}/brand/host", shop.id);
    let claimed = shop.api.put(&host, json!({ "host": "portal.corner.example" })).send().await.is(200);
    let ask = || {
        let asked = w.target.nobody.post(SIGN_IN, json!({ "email": "ada@x.example" }));
        asked.header("x-forwarded-host", b"portal.corner.example").send()
    };
    ask().await.is(202);
    assert_eq!(mailed(&w.target).await, [], "a host that is only claimed is nobody's");
    let value = claimed["host"]["txt_value"].as_str().expect("a value").to_owned();
    w.target.inside("DNS").expect("in this process").outside.dns.set("_tributary.portal.corner.example", vec![value]);
    shop.api.post(&format!("{host}/verify"), json!({})).send().await.is(200);
    ask().await.is(202);
    let mails = mailed(&w.target).await;
    assert!(link_of(&mails[0]).starts_with("https://portal.corner.example/app/sign-in#token="), "{}", mails[0].text);
    assert!(!mails[0].raw.contains("pages.example.com") && !mails[0].raw.to_lowercase().contains("tributary"), "{}", mails[0].raw);
    let begun = begin(&w.target, json!({ "token": token_of(&mails[0]) })).await.is(201);
    assert_eq!(begun["account"]["id"], json!(customer));
    // Detached while the mail waited, it is not named.
    ask().await.is(202);
    shop.api.delete(&host).send().await.is(200);
    assert_eq!(mailed(&w.target).await, []);
}

#[tokio::test]
async fn a_distributions_word_on_who_asks_counts_with_its_token_alone() {
    let w = World::in_process().await;
    let front = || Front { pages_url: None, edge_token: Some("the-stack's".to_owned()) };
    let stack = w.target.nobody.at(w.target.stack("https://docs.example", front()));
    let ask = |number: usize, viewer: String, token: &'static [u8]| {
        let asked = stack.post(SIGN_IN, json!({ "email": format!("n{number}@x.example") }));
        asked.header("x-viewer-address", viewer.as_bytes()).header("x-tributary-edge", token).send()
    };
    for number in 0..ASKED_BY_SOURCE {
        ask(number, "192.0.2.1".to_owned(), b"the-stack's").await.is(202);
    }
    ask(0, "192.0.2.1".to_owned(), b"the-stack's").await.refused(429, "too_many_requests");
    ask(0, "192.0.2.2".to_owned(), b"the-stack's").await.is(202);
    // Whoever makes addresses up is one and the same.
    for number in 0..ASKED_BY_SOURCE {
        ask(number, format!("198.51.100.{number}"), b"a guess").await.is(202);
    }
    ask(0, "198.51.100.200".to_owned(), b"a guess").await.refused(429, "too_many_requests");
}

#[tokio::test]
async fn a_stranger_who_asks_on_and_on_takes_no_mail_from_whom_it_is_for() {
    let w = World::in_process().await;
    member(&w, &w.master.id, "ada@x.example", "viewer").await;
    let front = Front { pages_url: None, edge_token: Some("edge".to_owned()) };
    let stack = w.target.nobody.at(w.target.stack("https://docs.example", front));
    let ask = |viewer: &'static str| {
        let asked = stack.post(SIGN_IN, json!({ "email": "ada@x.example" }));
        asked.header("x-viewer-address", viewer.as_bytes()).header("x-tributary-edge", b"edge").send()
    };
    for _ in 0..ASKED_OF_ADDRESS {
        ask("192.0.2.1").await.is(202);
    }
    ask("192.0.2.1").await.refused(429, "too_many_requests");
    assert_eq!(mailed(&w.target).await.len(), MAILED);
    ask("192.0.2.2").await.is(202);
    assert_eq!(mailed(&w.target).await.len(), 1, "her own ask is answered");
}

#[tokio::test]
async fn who_asks_for_a_link_is_not_told_whether_the_address_is_known() {
    let w = World::in_process().await;
    member(&w, &w.master.id, "known@x.example", "viewer").await;
    let inside = w.target.inside("what is written").expect("in this process");
    let mut answers = BTreeSet::new();
    let mut written = BTreeSet::new();
    for email in ["known@x.example", "nobody@x.example"] {
        let before = inside.memory.changes();
        let answer = ask_link(&w.target, email).await.is(202);
        written.insert(inside.memory.changes() - before);
        answers.insert(format!("{:?}{}", answer.headers, answer.text).replace(answer.header("x-request-id"), ""));
    }
    assert_eq!((answers.len(), written.len()), (1, 1), "{answers:#?} {written:?}");
    let mails: Vec<String> = mailed(&w.target).await.into_iter().map(|mail| mail.to).collect();
    assert_eq!(mails, ["known@x.example"]);
}

#[tokio::test]
async fn an_address_of_several_accounts_chooses_and_the_link_stays_good_for_it() {
    let w = World::in_process().await;
    let (a, b, c) = (w.reseller_of(&w.master.id).await, w.reseller_of(&w.master.id).await, w.reseller_of(&w.master.id).await);
    for (account, role) in [(&a, "owner"), (&b, "viewer"), (&c, "viewer")] {
        member(&w, &account.id, "ada@x.example", role).await;
    }
    w.operator().pay(&format!("/reseller/accounts/{}/close", c.id), json!({})).send().await.is(200);
    let token = ask_token(&w.target, "ada@x.example").await;
    for _ in 0..2 {
        let choice = begin(&w.target, json!({ "token": token })).await.is(200);
        let ids: BTreeSet<&str> =
            choice["choose"].as_array().expect("a choice").iter().filter_map(|one| one["account_id"].as_str()).collect();
        assert_eq!(ids, BTreeSet::from([a.id.as_str(), b.id.as_str()]), "a closed account is none to choose");
        assert_eq!(choice.header("set-cookie"), "");
    }
    for foreign in [&w.master.id, &c.id] {
        begin(&w.target, json!({ "token": token, "account_id": foreign })).await.refused(401, "unauthorized");
    }
    let begun = begin(&w.target, json!({ "token": token, "account_id": b.id })).await.is(201);
    assert_eq!((&begun["account"]["id"], &begun["who"]["role"]), (&json!(b.id), &json!("viewer")));
    begin(&w.target, json!({ "token": token, "account_id": a.id })).await.refused(401, "unauthorized");
    // Whoever holds the other account is another person to the platform.
    let browser = w.target.nobody.signed_in(&begun);
    browser.get(&format!("/reseller/accounts/{}", a.id)).send().await.refused(404, "not_found");
}

#[tokio::test]
async fn a_request_that_changes_something_proves_that_it_comes_from_the_sessions_own_page() {
    let w = World::new().await;
    let (_, _, browser) = by_key(&w, &w.master.id, "owner").await;
    let (_, _, other) = by_key(&w, &w.master.id, "owner").await;
    let body = json!({ "name": "Renamed" });
    let put = || browser.put(&own(&w), body.clone());
    put().without("x-csrf-token").send().await.refused(403, "csrf_failed");
    for wrong in [other.session().csrf.as_str(), "", "x", &browser.session().csrf[1..]] {
        put().header("x-csrf-token", wrong.as_bytes()).send().await.refused(403, "csrf_failed");
    }
    put().header(CROSS_SITE.0, CROSS_SITE.1).send().await.refused(403, "csrf_failed");
    for method in [SESSION, SESSIONS] {
        browser.delete(method).without("x-csrf-token").send().await.refused(403, "csrf_failed");
    }
    for site in ["same-origin", "same-site", "none"] {
        put().header("sec-fetch-site", site.as_bytes()).send().await.is(200);
    }
    // What changes nothing needs no token, wherever the link to it stood.
    browser.get(&own(&w)).header(CROSS_SITE.0, CROSS_SITE.1).send().await.is(200);
    // Nobody is signed in to somebody else's session by another site's page.
    for (path, body) in [(SIGN_IN, json!({ "email": "a@x.example" })), (SESSION, json!({ "api_key": w.master.api.secret() }))] {
        w.target.nobody.post(path, body).header(CROSS_SITE.0, CROSS_SITE.1).send().await.refused(403, "csrf_failed");
    }
    let form = w.target.nobody.post(SESSION, json!({ "api_key": w.master.api.secret() })).header("content-type", b"text/plain");
    form.send().await.refused(415, "unsupported_media_type");
    assert_eq!(w.operator().get(&own(&w)).send().await.is(200)["name"], "Renamed");
}

#[tokio::test]
async fn where_a_key_is_sent_the_cookie_counts_for_nothing() {
    let w = World::new().await;
    let other = w.other_master(json!({})).await;
    let (_, _, browser) = by_key(&w, &w.master.id, "owner").await;
    let both = |api: &Api| browser.get(&own(&w)).key(api.secret()).send();
    both(&w.master.api).await.is(200);
    both(&other.api).await.refused(404, "not_found");
    browser.get(&own(&w)).key("garbage").send().await.refused(401, "unauthorized");
    browser.get(&own(&w)).header("authorization", b"Basic eDp5").send().await.refused(401, "unauthorized");
    // A key needs no token, for no page of another site has it.
    browser.put(&own(&w), json!({ "name": "By key" })).key(w.master.api.secret()).without("x-csrf-token").send().await.is(200);
    // What is about the session needs one.
    for path in [SESSION, SESSIONS] {
        w.master.api.get(path).send().await.refused(401, "unauthorized");
        browser.get(path).key(w.master.api.secret()).send().await.refused(401, "unauthorized");
    }
}

#[tokio::test]
async fn a_sessions_cookie_cannot_be_made_up_or_planted() {
    let w = World::new().await;
    let (_, secret, browser) = by_key(&w, &w.master.id, "viewer").await;
    let Signed { cookie, .. } = browser.session().clone();
    let (name, value) = cookie.split_once('=').expect("a cookie");
    let parts: Vec<&str> = value.split('.').collect();
    let (_, _, other) = by_key(&w, &w.master.id, "viewer").await;
    let others = other.session().cookie.split_once('=').expect("a cookie").1.to_owned();
    let foreign: Vec<&str> = others.split('.').collect();
    let made_up = [
        String::new(),
        "x".to_owned(),
        format!("{}.{}.{}", parts[0], parts[1], "A".repeat(43)),
        format!("{}.{}.{}", parts[0], foreign[1], parts[2]),
        format!("{}.{}.{}", foreign[0], parts[1], parts[2]),
        format!("{value}A"),
        format!("{value}.A"),
        value[..value.len() - 1].to_owned(),
        value.to_uppercase(),
    ];
    for value in made_up {
        let cookie = format!("{name}={value}");
        w.target.nobody.get(&own(&w)).header("cookie", cookie.as_bytes()).send().await.refused(401, "unauthorized");
    }
    w.target.nobody.get(&own(&w)).header("cookie", format!("other={value}").as_bytes()).send().await.refused(401, "unauthorized");
    w.target.nobody.get(&own(&w)).header("cookie", format!("a=b; {cookie}; c=d").as_bytes()).send().await.is(200);
    // Who signs in gets a session of their own, whatever their browser was given before.
    let planted = begin(&w.target, json!({ "api_key": secret })).await.is(201);
    let again = w.target.nobody.post(SESSION, json!({ "api_key": secret })).header("cookie", cookie.as_bytes()).send().await.is(201);
    let cookies: BTreeSet<String> = [planted.header("set-cookie"), again.header("set-cookie"), &cookie]
        .map(|one| one.split(';').next().unwrap_or_default().to_owned())
        .into();
    assert_eq!(cookies.len(), 3);
}

#[tokio::test]
async fn a_session_by_a_key_ends_with_the_key() {
    let w = World::new().await;
    let keys = format!("{}/keys", own(&w));
    let (id, _, browser) = by_key(&w, &w.master.id, "viewer").await;
    browser.get(SESSION).send().await.is(200);
    w.operator().delete(&format!("{keys}/{id}")).send().await.is(200);
    browser.get(SESSION).send().await.refused(401, "unauthorized");

    let (id, _, browser) = by_key(&w, &w.master.id, "viewer").await;
    let rotated = w.operator().post(&format!("{keys}/{id}/rotate"), json!({ "overlap_s": 3600 })).send().await.is(200);
    let renewed = w.target.nobody.signed_in(&begin(&w.target, json!({ "api_key": rotated.word("secret") })).await.is(201));
    browser.get(SESSION).send().await.is(200);
    if w.target.advance_s(3600, "the overlap of a rotation") {
        browser.get(SESSION).send().await.refused(401, "unauthorized");
        renewed.get(SESSION).send().await.is(200);
    }
    let body = json!({ "name": "Short", "role": "viewer", "expires_at": w.target.time_in_s(600) });
    let short = w.operator().post(&keys, body).send().await.is(201);
    let browser = w.target.nobody.signed_in(&begin(&w.target, json!({ "api_key": short.word("secret") })).await.is(201));
    browser.get(SESSION).send().await.is(200);
    if w.target.advance_s(600, "the expiry of a key") {
        browser.get(SESSION).send().await.refused(401, "unauthorized");
    }
}

#[tokio::test]
async fn a_members_session_has_the_rights_that_they_have_now_and_ends_with_the_membership() {
    let w = World::in_process().await;
    let path = member(&w, &w.master.id, "ada@x.example", "admin").await;
    let browser = by_link(&w.target, "ada@x.example").await;
    let rename = |name: &str| browser.put(&own(&w), json!({ "name": name })).send();
    rename("One").await.is(200);
    // A deny below, then another role, then a custom one that loses its right.
    let child = w.child_of(&w.master.id).await;
    let at_child = format!("/reseller/accounts/{child}");
    browser.get(&at_child).send().await.is(200);
    w.operator().put(&format!("{path}/denies/{child}"), json!({ "rights": ["accounts.read"] })).send().await.is(200);
    browser.get(&at_child).send().await.refused(403, "forbidden");
    w.operator().put(&path, json!({ "role": "viewer" })).send().await.is(200);
    rename("Two").await.refused(403, "forbidden");
    assert_eq!(browser.get(SESSION).send().await.is(200)["who"]["role"], "viewer");
    let roles = format!("{}/roles", own(&w));
    let role = w.operator().post(&roles, json!({ "name": "namer", "rights": ["accounts.read", "accounts.update"] })).send().await.is(201);
    w.operator().put(&path, json!({ "role": "namer" })).send().await.is(200);
    rename("Three").await.is(200);
    w.operator().put(&format!("{roles}/{}", role.id()), json!({ "rights": ["accounts.read"] })).send().await.is(200);
    rename("Four").await.refused(403, "forbidden");
    assert_eq!(browser.get(SESSION).send().await.is(200)["rights"], json!(["accounts.read"]));
    let unused = ask_token(&w.target, "ada@x.example").await;
    w.operator().delete(&path).send().await.is(200);
    browser.get(SESSION).send().await.refused(401, "unauthorized");
    begin(&w.target, json!({ "token": unused })).await.refused(401, "unauthorized");
    // Added again they are somebody new: the old session stays over.
    member(&w, &w.master.id, "ada@x.example", "admin").await;
    browser.get(SESSION).send().await.refused(401, "unauthorized");
    by_link(&w.target, "ada@x.example").await.get(SESSION).send().await.is(200);
}

#[tokio::test]
async fn a_closed_account_has_nobody_signed_in() {
    let w = World::in_process().await;
    let reseller = w.reseller_of(&w.master.id).await;
    member(&w, &reseller.id, "ada@x.example", "owner").await;
    let (person, (_, _, key)) = (by_link(&w.target, "ada@x.example").await, by_key(&w, &reseller.id, "owner").await);
    let unused = ask_token(&w.target, "ada@x.example").await;
    w.operator().pay(&format!("/reseller/accounts/{}/close", reseller.id), json!({})).send().await.is(200);
    for browser in [person, key] {
        browser.get(SESSION).send().await.refused(401, "unauthorized");
    }
    begin(&w.target, json!({ "token": unused })).await.refused(401, "unauthorized");
}

#[tokio::test]
async fn a_member_grants_what_they_hold_and_no_more() {
    let w = World::in_process().await;
    let path = member(&w, &w.master.id, "ada@x.example", "admin").await;
    let browser = by_link(&w.target, "ada@x.example").await;
    let keys = format!("{}/keys", own(&w));
    browser.post(&keys, json!({ "name": "Mine", "role": "viewer" })).send().await.is(201);
    browser.post(&keys, json!({ "name": "Mine", "role": "owner" })).send().await.refused(403, "grant_exceeds_own");
    // They change their own name; their role only to one that they hold.
    browser.put(&path, json!({ "name": "Ada L." })).send().await.is(200);
    browser.put(&path, json!({ "role": "owner" })).send().await.refused(403, "grant_exceeds_own");
    browser.put(&path, json!({ "role": "viewer" })).send().await.is(200);
    browser.post(&keys, json!({ "name": "Mine", "role": "viewer" })).send().await.refused(403, "forbidden");
}

#[tokio::test]
async fn a_session_slides_with_its_use_up_to_seven_days() {
    let w = World::in_process().await;
    let (_, _, idle) = by_key(&w, &w.master.id, "viewer").await;
    let (_, _, used) = by_key(&w, &w.master.id, "viewer").await;
    let inside = w.target.inside("the clock").expect("in this process");
    let pass = |seconds: i64| assert!(w.target.advance_s(seconds, "the time of sessions"));
    let mut passed = 0;
    let before = inside.memory.changes();
    for _ in 0..4 {
        used.get(SESSION).send().await.is(200);
        pass(SEEN_EVERY_S / 5);
        passed += SEEN_EVERY_S / 5;
    }
    assert_eq!(inside.memory.changes(), before, "within five minutes nothing is noted");
    pass(SEEN_EVERY_S / 5);
    passed += SEEN_EVERY_S / 5;
    for _ in 0..3 {
        used.get(SESSION).send().await.is(200);
    }
    assert_eq!(inside.memory.changes(), before + 1, "and then once");
    pass(IDLE_S - passed - 1);
    passed = IDLE_S - 1;
    let shown = used.get(SESSIONS).send().await.is(200);
    assert_eq!(shown.rows().len(), 1, "{}", shown.text);
    pass(1);
    passed += 1;
    idle.get(SESSION).send().await.refused(401, "unauthorized");
    used.get(SESSION).send().await.is(200);
    // Its last use may have been noted up to five minutes early.
    let step = IDLE_S - SEEN_EVERY_S;
    while passed + step < LONGEST_S {
        pass(step);
        passed += step;
        used.get(SESSION).send().await.is(200);
    }
    pass(LONGEST_S - 1 - passed);
    used.get(SESSION).send().await.is(200);
    pass(1);
    used.get(SESSION).send().await.refused(401, "unauthorized");
}

#[tokio::test]
async fn signing_out_ends_one_session_and_everywhere_all_of_the_same_person() {
    let w = World::in_process().await;
    member(&w, &w.master.id, "ada@x.example", "owner").await;
    member(&w, &w.master.id, "bob@x.example", "owner").await;
    let (_, _, key) = by_key(&w, &w.master.id, "owner").await;
    let bob = by_link(&w.target, "bob@x.example").await;
    let mut ada = Vec::new();
    for _ in 0..5 {
        assert!(w.target.advance_s(COUNTED_OVER_S, "so many mails"));
        ada.push(by_link(&w.target, "ada@x.example").await);
    }
    let rows = every_row(&ada[0], SESSIONS, 2).await;
    let current: Vec<bool> = rows.iter().map(|row| row["current"] == true).collect();
    assert_eq!(current, [false, false, false, false, true], "the newest first, and only her own: {rows:#?}");
    let page = ada[0].get(&format!("{SESSIONS}?limit=1")).send().await.is(200);
    let cursor = page.word("next_cursor").to_owned();
    bob.get(&format!("{SESSIONS}?cursor={cursor}")).send().await.refused(400, "invalid_cursor");
    let out = ada[1].delete(SESSION).send().await.is(200);
    assert_eq!(out.json, json!({ "signed_out": 1 }));
    let cleared = out.header("set-cookie");
    assert!(cleared.starts_with("__Host-tributary=; ") && cleared.contains("Max-Age=0") && cleared.contains("Secure"), "{cleared}");
    ada[1].get(SESSION).send().await.refused(401, "unauthorized");
    ada[1].delete(SESSION).send().await.refused(401, "unauthorized");
    ada[2].get(SESSION).send().await.is(200);
    let out = ada[2].delete(SESSIONS).send().await.is(200);
    assert_eq!((&out.json, out.header("set-cookie")), (&json!({ "signed_out": 4 }), cleared));
    for browser in &ada {
        browser.get(SESSION).send().await.refused(401, "unauthorized");
    }
    for browser in [&bob, &key] {
        browser.get(SESSION).send().await.is(200);
    }
}

#[tokio::test]
async fn more_sessions_than_one_transaction_ends_are_all_ended() {
    let w = World::in_process().await;
    let (_, secret) = w.new_key(&w.master.id, "viewer").await;
    let mut browsers = Vec::new();
    for _ in 0..150 {
        browsers.push(w.target.nobody.signed_in(&begin(&w.target, json!({ "api_key": secret })).await.is(201)));
    }
    assert_eq!(browsers[7].delete(SESSIONS).send().await.is(200)["signed_out"], 150);
    for browser in browsers {
        browser.get(SESSION).send().await.refused(401, "unauthorized");
    }
}

/// The API of a process in which requests at the same time meet.
fn crowded(target: &Target) -> Api {
    let inside = target.inside("requests that meet").expect("in this process");
    target.nobody.at(inside.process(Arc::new(Before { step: Yield, table: inside.memory.clone() })))
}

#[tokio::test]
async fn one_link_at_many_doors_at_once_opens_one() {
    let w = World::in_process().await;
    member(&w, &w.master.id, "ada@x.example", "viewer").await;
    let token = ask_token(&w.target, "ada@x.example").await;
    let crowd = crowded(&w.target);
    let answers = join_all((0..20).map(|_| crowd.post(SESSION, json!({ "token": token })).send())).await;
    let statuses: Vec<u16> = answers.iter().map(|answer| answer.status).filter(|status| *status != 401).collect();
    assert_eq!(statuses, [201]);
    assert_eq!(sessions_of(&w.target), 1);
}

fn sessions_of(target: &Target) -> usize {
    let items = target.inside("the sessions").expect("in this process").memory.snapshot();
    items.iter().filter(|item| matches!(item.get("pk"), Some(Stored::S(pk)) if pk.starts_with("SES#"))).count()
}

#[tokio::test]
async fn a_link_whose_taking_is_cut_short_makes_one_session_or_none_and_is_then_good_or_not() {
    let w = World::in_process().await;
    member(&w, &w.master.id, "ada@x.example", "viewer").await;
    let token = ask_token(&w.target, "ada@x.example").await;
    for moment in [Moment::Before, Moment::After] {
        let mut calls = 0;
        loop {
            let target = w.target.fork();
            let inside = target.inside("a fork").expect("in this process");
            let table: Arc<Faulty<MemoryTable>> = Arc::new(Faulty::new(inside.memory.clone(), calls, Faults::none()));
            table.kill_in(calls, moment);
            let dying = target.nobody.at(inside.process(Arc::clone(&table) as Arc<dyn Table>));
            let cut = dying.post(SESSION, json!({ "token": token })).send().await;
            let made = sessions_of(&target);
            let again = begin(&target, json!({ "token": token })).await;
            assert_eq!(again.status, if made == 1 { 401 } else { 201 }, "killed {moment:?} call {calls}: {}", cut.text);
            assert_eq!(sessions_of(&target), 1);
            if !table.is_killed() {
                assert!(calls >= 3, "taking a link makes more than {calls} calls");
                break;
            }
            calls += 1;
        }
    }
    // Whatever gets lost on the way, who is answered well has the session, and nobody has two.
    for seed in 0..40 {
        let target = w.target.fork();
        let inside = target.inside("a fork").expect("in this process");
        let table: Arc<Faulty<MemoryTable>> = Arc::new(Faulty::new(inside.memory.clone(), seed, Faults::storm()));
        let stormy = target.nobody.at(inside.process(Arc::clone(&table) as Arc<dyn Table>));
        let answer = stormy.post(SESSION, json!({ "token": token })).send().await;
        table.calm();
        assert_eq!(sessions_of(&target), usize::from(answer.status == 201), "seed {seed}: {}", answer.text);
    }
}

#[tokio::test]
async fn five_mails_an_hour_go_to_an_address_and_who_asks_on_and_on_is_told_to_wait() {
    let w = World::in_process().await;
    for (name, known) in [("ada", true), ("nobody", false)] {
        let email = format!("{name}@{}.example", w.unique("x"));
        if known {
            member(&w, &w.master.id, &email, "viewer").await;
        }
        let mut mails = 0;
        for _ in 0..ASKED_OF_ADDRESS {
            assert_eq!(ask_link(&w.target, &email).await.is(202).json, json!({ "sent": true }));
            mails += mailed(&w.target).await.len();
        }
        assert_eq!(mails, if known { MAILED } else { 0 });
        let inside = w.target.inside("what is written").expect("in this process");
        let before = inside.memory.changes();
        let wait = ask_link(&w.target, &email.to_uppercase()).await.refused(429, "too_many_requests");
        assert_eq!(wait.header("retry-after"), (COUNTED_OVER_S + 1).to_string());
        assert_eq!(inside.memory.changes(), before, "a refusal writes nothing");
        assert!(w.target.advance_s(COUNTED_OVER_S, "an hour"));
        ask_link(&w.target, &email).await.is(202);
        assert_eq!(mailed(&w.target).await.len(), usize::from(known));
    }
    // One source, whatever addresses it names.
    assert!(w.target.advance_s(COUNTED_OVER_S, "an hour"));
    for number in 0..ASKED_BY_SOURCE {
        ask_link(&w.target, &format!("n{number}@x.example")).await.is(202);
    }
    ask_link(&w.target, "one-more@x.example").await.refused(429, "too_many_requests");
}

#[tokio::test]
async fn asks_at_the_same_time_are_all_counted() {
    let w = World::in_process().await;
    member(&w, &w.master.id, "ada@x.example", "viewer").await;
    let crowd = crowded(&w.target);
    let ask = || crowd.post(SIGN_IN, json!({ "email": "ada@x.example" })).send();
    let asked = join_all((0..ASKED_OF_ADDRESS + 5).map(|_| ask())).await;
    let taken = asked.iter().filter(|answer| answer.status == 202).count();
    assert!(taken <= ASKED_OF_ADDRESS && asked.iter().all(|answer| [202, 429, 503].contains(&answer.status)));
    assert_eq!(mailed(&w.target).await.len(), MAILED);
}

#[tokio::test]
async fn a_session_of_an_account_on_a_test_clock_goes_by_that_clock_and_ends_by_the_platforms() {
    let w = World::in_process().await;
    let name = w.unique("Clocked");
    let root = w.operator().post("/reseller/accounts/create", json!({ "name": name, "kind": "reseller" })).send().await.is(201).id();
    let clock = w.operator().post("/reseller/test-clocks", json!({ "account_id": root, "name": "Trial" })).send().await.is(201).id();
    member(&w, &root, "ada@x.example", "owner").await;
    let browser = by_link(&w.target, "ada@x.example").await;
    let now = || async { browser.get(&format!("/reseller/usage/summary?account_id={root}")).send().await.is(200) };
    let before = now().await;
    let path = format!("/reseller/test-clocks/{clock}/advance");
    w.operator().post(&path, json!({ "by_days": 40 })).send().await.is(202);
    let inside = w.target.inside("the invoice worker").expect("in this process");
    assert!(crate::billing_run::work(&inside.app, &inside.outside.billing).await);
    let after = now().await;
    assert_ne!(before.text, after.text, "forty days are no time to the session, and all of them to what it asks");
    // What is on a clock was made on it: a link taken now signs in now.
    by_link(&w.target, "ada@x.example").await.get(SESSION).send().await.is(200);
}

#[tokio::test]
async fn what_is_done_in_a_session_goes_on_when_it_is_over_and_names_who_did_it() {
    let w = World::in_process().await;
    w.fund(&w.master.id, "100").await;
    let child = w.child_of(&w.master.id).await;
    let path = member(&w, &w.master.id, "ada@x.example", "owner").await;
    let browser = by_link(&w.target, "ada@x.example").await;
    let start = async || {
        let rows = json!({ "rows": [{ "account_id": child, "amount": "1" }] });
        browser.pay("/reseller/bulk/credits", rows).send().await.is(202).id()
    };
    let (first, job) = (start().await, |id: &str| format!("/reseller/bulk/{id}"));
    browser.delete(SESSION).send().await.is(200);
    super::bulk::work(&w).await;
    assert_eq!(w.master.api.get(&job(&first)).send().await.is(200)["state"], "completed");
    let browser = by_link(&w.target, "ada@x.example").await;
    let rows = json!({ "rows": [{ "account_id": child, "amount": "2" }] });
    let second = browser.pay("/reseller/bulk/credits", rows).send().await.is(202).id();
    w.operator().delete(&path).send().await.is(200);
    super::bulk::work(&w).await;
    let stopped = w.master.api.get(&job(&second)).send().await.is(200);
    assert_ne!(stopped["state"], "completed", "{}", stopped.text);
    assert_eq!(w.available(&child).await, "1.000000");

    let member_id = path.rsplit('/').next().expect("an id");
    let snapshot = w.target.inside("the records").expect("in this process").memory.snapshot();
    let records = snapshot.iter().filter(|item| matches!(item.get("pk"), Some(Stored::S(pk)) if pk.starts_with("EVT#")));
    let kinds: Vec<&str> = records
        .filter(|item| matches!(item.get("actor"), Some(Stored::S(actor)) if actor == member_id))
        .filter_map(|item| if let Some(Stored::S(kind)) = item.get("kind") { Some(kind.as_str()) } else { None })
        .collect();
    for kind in ["session.created", "session.ended", "bulk.started"] {
        assert!(kinds.contains(&kind), "{kinds:?}");
    }
}

#[tokio::test]
async fn no_secret_of_signing_in_is_kept_or_told() {
    let w = World::in_process().await;
    member(&w, &w.master.id, "ada@x.example", "owner").await;
    ask_link(&w.target, "ada@x.example").await.is(202);
    let (inside, mailer) = (w.target.inside("what is kept").expect("in this process"), MemoryMailer::default());
    let events = told(inside, &senders(Arc::new(MemoryOutbound::default()), &mailer)).await;
    let token = token_of(&mailer.take()[0]);
    let begun = begin(&w.target, json!({ "token": token })).await.is(201);
    let browser = w.target.nobody.signed_in(&begun);
    let unused = ask_token(&w.target, "ada@x.example").await;
    let Signed { cookie, csrf } = browser.session().clone();
    let value = cookie.split_once('=').expect("a cookie").1.to_owned();
    let kept = format!("{:?}", inside.memory.snapshot());
    for secret in [&token, &unused, &value, value.rsplit('.').next().expect("a secret"), &csrf] {
        assert!(!kept.contains(secret), "{secret} is kept");
    }
    let asked = events.iter().find(|event| event.kind == EventKind::Record(RecordKind::SignInAsked)).expect("it is told");
    assert!(!asked.to_json().contains(&token), "{}", asked.to_json());
}

#[tokio::test]
async fn no_webhook_hears_of_who_signs_in() {
    let w = World::in_process().await;
    member(&w, &w.master.id, "ada@x.example", "owner").await;
    let hook = json!({ "url": "https://hooks.example.com/in", "events": ["*"], "subtree": true });
    w.master.api.post("/reseller/webhooks", hook).send().await.is(201);
    let inside = w.target.inside("webhooks").expect("in this process");
    let (outbound, mailer) = (MemoryOutbound::default(), MemoryMailer::default());
    let senders = senders(Arc::new(outbound.clone()), &mailer);
    told(inside, &senders).await;
    outbound.take();
    ask_link(&w.target, "ada@x.example").await.is(202);
    let token = {
        told(inside, &senders).await;
        token_of(&mailer.take()[0])
    };
    let browser = w.target.nobody.signed_in(&begin(&w.target, json!({ "token": token })).await.is(201));
    browser.delete(SESSION).send().await.is(200);
    told(inside, &senders).await;
    assert!(outbound.take().is_empty());
    let types = w.master.api.get("/reseller/webhooks/event-types").send().await.is(200);
    assert!(!types.text.contains("sign_in") && !types.text.contains("session."), "{}", types.text);
}

#[tokio::test]
async fn every_route_that_takes_a_key_takes_a_session() {
    let w = World::new().await;
    let (_, _, browser) = by_key(&w, &w.master.id, "owner").await;
    let mut tried = 0;
    for endpoint in endpoints() {
        let tributary_api::endpoint::Access::Right(_) = endpoint.access else { continue };
        let path = endpoint.path.replace(['{', '}'], "");
        let answer = browser.call(endpoint.method.clone(), &path).send().await;
        assert_ne!(answer.status, 401, "{}", answer.name);
        assert_ne!(answer["code"], "csrf_failed", "{}", answer.name);
        if endpoint.method != http::Method::GET {
            let forged = browser.call(endpoint.method.clone(), &path).without("x-csrf-token").send().await;
            forged.refused(403, "csrf_failed");
            tried += 1;
        }
    }
    assert!(tried > 60, "{tried}");
}

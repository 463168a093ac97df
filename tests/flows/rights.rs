//! Rights: keys, members, roles and denies, and that none of them gives more than its giver holds.

use serde_json::{Value, json};

use crate::support::api::Api;
use crate::support::world::{World, every_row};

fn keys(account: &str) -> String {
    format!("/reseller/accounts/{account}/keys")
}

fn members(account: &str) -> String {
    format!("/reseller/accounts/{account}/members")
}

fn roles(account: &str) -> String {
    format!("/reseller/accounts/{account}/roles")
}

fn read(account: &str) -> String {
    format!("/reseller/accounts/{account}")
}

const TRANSFER: &str = "/reseller/credits/transfer";

#[tokio::test]
async fn a_keys_secret_is_shown_once_and_works_until_it_is_revoked() {
    let w = World::new().await;
    let body = json!({ "name": "CI", "role": "viewer" });
    let idem = w.unique("idem");
    let made = w.master.api.post(&keys(&w.master.id), body.clone()).idem(&idem).send().await.is(201);
    let secret = made.word("secret").to_owned();
    assert!(secret.starts_with(made.word("prefix")) && secret.ends_with(made.word("last4")) && made.word("last4").len() == 4);
    assert_eq!((&made["role"], &made["status"], &made["name"]), (&json!("viewer"), &json!("active"), &json!("CI")));
    let replay = w.master.api.post(&keys(&w.master.id), body).idem(&idem).send().await.is(201);
    assert_eq!((&replay["id"], &replay["secret"]), (&made["id"], &Value::Null));
    let list = w.master.api.get(&keys(&w.master.id)).send().await.is(200);
    assert!(!list.text.contains(&secret) && list.column("id").contains(&made.id()));
    assert!(list.rows().iter().all(|key| key.get("secret").is_none()));

    w.target.nobody.with(&secret).get(&read(&w.master.id)).send().await.is(200);
    let path = format!("{}/{}", keys(&w.master.id), made.id());
    for _ in 0..2 {
        assert_eq!(w.master.api.delete(&path).send().await.is(200)["status"], "revoked");
    }
    w.target.nobody.with(&secret).get(&read(&w.master.id)).send().await.refused(401, "unauthorized");
    w.master.api.post(&format!("{path}/rotate"), json!({})).send().await.refused(409, "conflict");
}

#[tokio::test]
async fn a_rotated_key_takes_both_secrets_for_the_overlap_and_then_the_new_one() {
    let w = World::new().await;
    let (id, old) = w.new_key(&w.master.id, "viewer").await;
    let path = format!("{}/{id}/rotate", keys(&w.master.id));
    let rotated = w.master.api.post(&path, json!({ "overlap_s": 3600 })).send().await.is(200);
    let new = rotated.word("secret").to_owned();
    assert_ne!(new, old);
    let takes = async |secret: &str| w.target.nobody.with(secret).get(&read(&w.master.id)).send().await.status;
    assert_eq!((takes(&old).await, takes(&new).await), (200, 200));
    w.master.api.post(&path, json!({})).send().await.refused(409, "conflict");
    if w.target.advance_s(3599, "the overlap of a rotation") {
        assert_eq!((takes(&old).await, takes(&new).await), (200, 200));
        w.target.advance_s(1, "the overlap of a rotation");
        assert_eq!((takes(&old).await, takes(&new).await), (401, 200));
        let third = w.master.api.post(&path, json!({ "overlap_s": 0 })).send().await.is(200).word("secret").to_owned();
        assert_eq!((takes(&new).await, takes(&third).await), (401, 200));
    }
    for overlap_s in [-1, 604_801] {
        w.master.api.post(&path, json!({ "overlap_s": overlap_s })).send().await.refused(400, "validation_failed");
    }
}

#[tokio::test]
async fn a_key_ends_at_its_time() {
    let w = World::new().await;
    let body = |at: String| json!({ "name": "Short", "role": "viewer", "expires_at": at });
    w.master.api.post(&keys(&w.master.id), body(w.target.time_in_s(-1))).send().await.refused(400, "validation_failed");
    let made = w.master.api.post(&keys(&w.master.id), body(w.target.time_in_s(60))).send().await.is(201);
    let short = w.target.nobody.with(made.word("secret"));
    short.get(&read(&w.master.id)).send().await.is(200);
    if w.target.advance_s(60, "the expiry of a key") {
        short.get(&read(&w.master.id)).send().await.refused(401, "unauthorized");
        let list = w.master.api.get(&keys(&w.master.id)).send().await.is(200);
        let shown = list.rows().iter().find(|key| key["id"] == made.id()).expect("listed still");
        assert_eq!(shown["status"], "expired");
    }
}

#[tokio::test]
async fn a_role_reaches_the_subtree_of_its_account_and_nothing_else() {
    let w = World::new().await;
    let (a, b) = (w.reseller_of(&w.master.id).await, w.reseller_of(&w.master.id).await);
    let leaf = w.child_of(&a.id).await;
    for (target, status) in [(&a.id, 200), (&leaf, 200), (&b.id, 404), (&w.master.id, 404)] {
        assert_eq!(a.api.get(&read(target)).send().await.status, status, "{target}");
    }
    let viewer = w.key_for(&a.id, "viewer").await;
    viewer.get(&read(&leaf)).send().await.is(200);
    viewer.put(&read(&leaf), json!({ "name": "X" })).send().await.refused(403, "forbidden");
    // What lies outside is absent, whatever the role lacks.
    viewer.put(&read(&b.id), json!({ "name": "X" })).send().await.refused(404, "not_found");
}

#[tokio::test]
async fn only_the_operators_keys_issue_credit() {
    let w = World::new().await;
    let body = json!({ "account_id": w.master.id, "amount": "1" });
    for role in ["owner", "admin", "billing", "support", "viewer"] {
        let api = w.key_for(&w.master.id, role).await;
        api.pay("/reseller/credits/issue", body.clone()).send().await.refused(403, "forbidden");
    }
    w.operator().pay("/reseller/credits/issue", body).send().await.is(201);
}

async fn custom_role(api: &Api, account: &str, name: &str, rights: Value) -> String {
    api.post(&roles(account), json!({ "name": name, "rights": rights })).send().await.is(201).id()
}

#[tokio::test]
async fn a_changed_role_counts_from_the_next_request_and_a_removed_one_gives_nothing() {
    let w = World::new().await;
    let role = custom_role(&w.master.api, &w.master.id, "night-ops", json!(["accounts.read"])).await;
    let path = format!("{}/{role}", roles(&w.master.id));
    let key = w.key_for(&w.master.id, "night-ops").await;
    let rename = |name: &str| key.put(&read(&w.master.id), json!({ "name": name }));
    key.get(&read(&w.master.id)).send().await.is(200);
    rename("A").send().await.refused(403, "forbidden");
    let wider = json!({ "rights": ["accounts.read", "accounts.update"] });
    let changed = w.master.api.put(&path, wider.clone()).if_match("\"1\"").send().await.is(200);
    assert_eq!((&changed["version"], &changed["name"]), (&json!(2), &json!("night-ops")));
    rename("B").send().await.is(200);
    w.master.api.put(&path, wider).if_match("\"1\"").send().await.refused(412, "precondition_failed");
    w.master.api.put(&path, json!({ "rights": ["accounts.update"] })).send().await.is(200);
    key.get(&read(&w.master.id)).send().await.refused(403, "forbidden");
    w.master.api.delete(&path).send().await.is(200);
    rename("C").send().await.refused(403, "forbidden");
    w.master.api.put(&path, json!({ "rights": ["accounts.read"] })).send().await.refused(404, "not_found");
    let gone = json!({ "name": "K", "role": "night-ops" });
    w.master.api.post(&keys(&w.master.id), gone).send().await.refused(422, "unknown_role");
}

#[tokio::test]
async fn a_custom_role_is_known_in_its_accounts_subtree_under_a_name_of_its_own() {
    let w = World::new().await;
    let (a, b) = (w.reseller_of(&w.master.id).await, w.reseller_of(&w.master.id).await);
    custom_role(&a.api, &a.id, "ops", json!(["credits.read"])).await;
    let again = json!({ "name": "ops", "rights": ["accounts.read"] });
    a.api.post(&roles(&a.id), again).send().await.refused(409, "already_exists");
    for name in ["owner", "viewer", "Night", ""] {
        let refused = a.api.post(&roles(&a.id), json!({ "name": name, "rights": ["accounts.read"] })).send().await;
        assert!(matches!(refused.status, 400 | 409), "{name}: {}", refused.text);
    }
    a.api.post(&roles(&a.id), json!({ "name": "none", "rights": [] })).send().await.refused(400, "validation_failed");
    let leaf = w.child_of(&a.id).await;
    let key = json!({ "name": "K", "role": "ops" });
    let made = a.api.post(&keys(&leaf), key.clone()).send().await.is(201);
    let ops = w.target.nobody.with(made.word("secret"));
    ops.get("/reseller/credits/balance").send().await.is(200);
    ops.get(&read(&leaf)).send().await.refused(403, "forbidden");
    b.api.post(&keys(&b.id), key).send().await.refused(422, "unknown_role");
    let page = a.api.get(&roles(&a.id)).send().await.is(200);
    assert_eq!((page.column("name"), &page.rows()[0]["rights"]), (vec!["ops".to_owned()], &json!(["credits.read"])));
}

#[tokio::test]
async fn nobody_grants_more_than_they_hold() {
    let w = World::new().await;
    let admin = w.key_for(&w.master.id, "admin").await;
    let child = w.reseller_of(&w.master.id).await;
    let member = json!({ "email": "p@x.example", "role": "viewer" });
    let viewer = w.master.api.post(&members(&w.master.id), member).send().await.is(201).id();
    let boss = json!({ "email": "boss@x.example", "role": "owner" });
    let boss = w.master.api.post(&members(&w.master.id), boss).send().await.is(201).id();
    let (owner_key, _) = w.new_key(&w.master.id, "owner").await;
    custom_role(&w.master.api, &w.master.id, "closer", json!(["accounts.close"])).await;
    let wide = custom_role(&w.master.api, &w.master.id, "wide", json!(["accounts.close", "accounts.read"])).await;
    let narrow = custom_role(&w.master.api, &w.master.id, "narrow", json!(["accounts.read"])).await;
    let too_much = ["accounts.close"];
    let master = &w.master.id;
    for ask in [
        admin.post(&keys(master), json!({ "name": "K", "role": "owner" })),
        admin.post(&keys(&child.id), json!({ "name": "K", "role": "owner" })),
        admin.post(&keys(master), json!({ "name": "K", "role": "closer" })),
        admin.post(&members(master), json!({ "email": "q@x.example", "role": "owner" })),
        admin.put(&format!("{}/{viewer}", members(master)), json!({ "role": "owner" })),
        admin.put(&format!("{}/{boss}", members(master)), json!({ "role": "viewer" })),
        admin.delete(&format!("{}/{boss}", members(master))),
        admin.post(&roles(master), json!({ "name": "mine", "rights": too_much })),
        admin.put(&format!("{}/{narrow}", roles(master)), json!({ "rights": too_much })),
        admin.put(&format!("{}/{wide}", roles(master)), json!({ "rights": ["accounts.read"] })),
        admin.delete(&format!("{}/{wide}", roles(master))),
        admin.post(&format!("{}/{owner_key}/rotate", keys(master)), json!({})),
    ] {
        let refused = ask.send().await.refused(403, "grant_exceeds_own");
        assert!(refused["rights"].as_array().is_some_and(|rights| rights.contains(&json!("accounts.close"))), "{}", refused.text);
    }
    admin.post(&keys(master), json!({ "name": "K", "role": "admin" })).send().await.is(201);
    admin.post(&keys(master), json!({ "name": "K", "role": "narrow" })).send().await.is(201);
    admin.post(&members(master), json!({ "email": "r@x.example", "role": "viewer" })).send().await.is(201);
}

#[tokio::test]
async fn a_deny_wins_below_its_account_and_can_be_lifted_by_who_holds_the_right() {
    let w = World::new().await;
    let a = w.reseller_of(&w.master.id).await;
    let (leaf, beside) = (w.funded_child_of(&a.id, "10").await, w.funded_child_of(&w.master.id, "10").await);
    let (id, secret) = w.new_key(&w.master.id, "owner").await;
    let key = w.target.nobody.with(&secret);
    let deny = format!("{}/{id}/denies/{}", keys(&w.master.id), a.id);
    let pay = async |from: &str| key.pay(TRANSFER, json!({ "from": from, "to": w.master.id, "amount": "1" })).send().await;
    pay(&leaf).await.is(201);
    let denied = w.master.api.put(&deny, json!({ "rights": ["credits.transfer", "accounts.read"] })).send().await.is(200);
    assert_eq!(denied["denies"], json!([{ "account_id": a.id, "rights": ["accounts.read", "credits.transfer"] }]));
    pay(&leaf).await.refused(403, "forbidden");
    pay(&beside).await.is(201);
    key.get(&read(&leaf)).send().await.refused(403, "forbidden");
    key.get(&read(&beside)).send().await.is(200);
    let seen = key.get("/reseller/accounts?subtree=true").send().await.is(200).column("id");
    assert_eq!(seen, std::slice::from_ref(&beside), "what is denied is left out of lists");
    key.delete(&deny).send().await.refused(403, "grant_exceeds_own");
    key.put(&deny, json!({ "rights": ["credits.hold"] })).send().await.refused(403, "grant_exceeds_own");
    w.master.api.put(&deny, json!({ "rights": [] })).send().await.refused(400, "validation_failed");
    w.master
        .api
        .put(&format!("{}/{id}/denies/{}", keys(&a.id), a.id), json!({ "rights": ["credits.hold"] }))
        .send()
        .await
        .refused(404, "not_found");
    assert_eq!(w.master.api.delete(&deny).send().await.is(200)["denies"], json!([]));
    pay(&leaf).await.is(201);
}

/// A master whose first owner key may not transfer below `a`.
struct Denied {
    w: World,
    below: String,
    id: String,
    key: Api,
}

async fn denied() -> Denied {
    let w = World::new().await;
    let a = w.reseller_of(&w.master.id).await;
    let below = w.funded_child_of(&a.id, "10").await;
    let (id, secret) = w.new_key(&w.master.id, "owner").await;
    let deny = format!("{}/{id}/denies/{}", keys(&w.master.id), a.id);
    w.master.api.put(&deny, json!({ "rights": ["credits.transfer"] })).send().await.is(200);
    let key = w.target.nobody.with(&secret);
    Denied { w, below, id, key }
}

impl Denied {
    async fn pays(&self, secret: &str) -> u16 {
        let body = json!({ "from": self.below, "to": self.w.master.id, "amount": "1" });
        self.w.target.nobody.with(secret).pay(TRANSFER, body).send().await.status
    }
}

#[tokio::test]
async fn what_was_denied_a_key_is_denied_the_keys_and_members_it_makes() {
    let d = denied().await;
    assert_eq!(d.pays(d.key.secret()).await, 403);
    let made = d.key.post(&keys(&d.w.master.id), json!({ "name": "K", "role": "owner" })).send().await.is(201);
    assert_eq!(made["denies"][0]["rights"], json!(["credits.transfer"]));
    assert_eq!(d.pays(made.word("secret")).await, 403);
    let member = json!({ "email": "m@x.example", "role": "owner" });
    let member = d.key.post(&members(&d.w.master.id), member).send().await.is(201);
    assert_eq!(member["denies"], made["denies"]);
    let rotated = d.key.post(&format!("{}/{}/rotate", keys(&d.w.master.id), d.id), json!({})).send().await.is(200);
    assert_eq!(d.pays(rotated.word("secret")).await, 403);
    let own = json!({ "name": "K", "role": "owner" });
    let made_below = d.key.post(&keys(&d.below), own).send().await;
    assert!(made_below.status == 403 || d.pays(made_below.word("secret")).await == 403, "{}", made_below.text);
}

#[tokio::test]
async fn a_denied_key_cannot_take_over_one_that_was_not_denied() {
    let d = denied().await;
    let (free, _) = d.w.new_key(&d.w.master.id, "owner").await;
    let rotated = d.key.post(&format!("{}/{free}/rotate", keys(&d.w.master.id)), json!({})).send().await;
    let pays = match rotated["secret"].as_str() {
        Some(secret) => d.pays(secret).await,
        None => 403,
    };
    assert_eq!(pays, 403, "the rotation of {free} gave more than its caller holds: {}", rotated.text);
}

#[tokio::test]
async fn a_denied_key_cannot_raise_a_member_above_its_own_rights() {
    let d = denied().await;
    let path = members(&d.w.master.id);
    let member = json!({ "email": "m@x.example", "role": "viewer" });
    let member = d.w.master.api.post(&path, member).send().await.is(201).id();
    d.key.put(&format!("{path}/{member}"), json!({ "role": "billing" })).send().await;
    let asked = format!("/reseller/accounts/{}/permissions?member_id={member}", d.below);
    let held = d.w.master.api.get(&asked).send().await.is(200);
    assert!(!held["rights"].as_array().expect("rights").contains(&json!("credits.transfer")), "{}", held.text);
}

#[tokio::test]
async fn a_denied_key_cannot_put_the_denied_right_into_a_role_that_others_hold() {
    let d = denied().await;
    let role = custom_role(&d.w.master.api, &d.w.master.id, "ops", json!(["credits.read"])).await;
    let (_, holder) = d.w.new_key(&d.w.master.id, "ops").await;
    let rights = json!({ "rights": ["credits.read", "credits.transfer"] });
    d.key.put(&format!("{}/{role}", roles(&d.w.master.id)), rights).send().await;
    assert_eq!(d.pays(&holder).await, 403);
}

#[tokio::test]
async fn a_denied_key_cannot_move_an_account_out_from_under_its_deny() {
    let d = denied().await;
    let to = json!({ "parent_id": d.w.master.id });
    let moved = d.key.post(&format!("/reseller/accounts/{}/move", d.below), to).send().await;
    assert_eq!(d.pays(d.key.secret()).await, 403, "after {} {}", moved.status, moved.text);
}

#[tokio::test]
async fn a_key_without_the_right_is_refused_though_another_key_did_the_same_before() {
    let w = World::new().await;
    w.fund(&w.master.id, "5").await;
    let (leaf, key) = (w.child_of(&w.master.id).await, w.unique("idem"));
    let allocate = |api: &Api| {
        let body = json!({ "account_id": leaf, "amount": "1" });
        api.post("/reseller/credits/allocate", body).idem(&key)
    };
    allocate(&w.master.api).send().await.is(201);
    allocate(&w.key_for(&w.master.id, "viewer").await).send().await.refused(403, "forbidden");
    assert_eq!(allocate(&w.key_for(&w.master.id, "billing").await).send().await.is(201).header("idempotent-replayed"), "true");
}

#[tokio::test]
async fn permissions_say_which_grant_gave_or_withheld_each_right() {
    let d = denied().await;
    let path = format!("/reseller/accounts/{}/permissions", d.below);
    let plain = d.key.get(&path).send().await.is(200);
    assert_eq!((&plain["principal"]["id"], &plain["principal"]["role"]), (&json!(d.id), &json!("owner")));
    assert!(plain.json.get("explain").is_none());
    let own = d.key.get(&format!("{path}?explain")).send().await.is(200);
    let rows = own["explain"].as_array().expect("explained");
    let reason = |right: &str| {
        let row = rows.iter().find(|row| row["right"] == right).expect("every right is explained");
        (row["allowed"] == true, row["reason"].as_str().unwrap_or_default().to_owned())
    };
    assert_eq!(reason("credits.read"), (true, "granted".to_owned()));
    assert_eq!(reason("credits.transfer"), (false, "denied".to_owned()));
    assert_eq!(reason("credits.issue"), (false, "operator_only".to_owned()));
    let allowed: Vec<&Value> = rows.iter().filter(|row| row["allowed"] == true).map(|row| &row["right"]).collect();
    assert_eq!(json!(allowed), own["rights"]);
    let (viewer, secret) = d.w.new_key(&d.w.master.id, "viewer").await;
    let other = d.w.master.api.get(&format!("{path}?explain=true&key_id={viewer}")).send().await.is(200);
    assert_eq!(other["principal"]["id"], viewer);
    let row = other["explain"].as_array().and_then(|rows| rows.iter().find(|row| row["right"] == "keys.manage"));
    assert_eq!(row.map(|row| &row["reason"]), Some(&json!("not_in_role")));
    let billing = d.w.key_for(&d.w.master.id, "billing").await;
    billing.get(&format!("{path}?key_id={viewer}")).send().await.refused(403, "forbidden");
    d.w.target.nobody.with(&secret).get(&path).send().await.is(200);
    let elsewhere = d.w.other_master(json!({})).await;
    let (foreign, _) = d.w.new_key(&elsewhere.id, "viewer").await;
    d.w.master.api.get(&format!("{path}?key_id={foreign}")).send().await.refused(404, "not_found");
}

#[tokio::test]
async fn members_are_added_listed_changed_and_removed() {
    let w = World::new().await;
    let path = members(&w.master.id);
    let body = json!({ "email": "Ada@Example.COM", "name": "Ada", "role": "support" });
    let idem = w.unique("idem");
    let made = w.master.api.post(&path, body.clone()).idem(&idem).send().await.is(201);
    assert_eq!((&made["email"], &made["role"], &made["account_id"]), (&json!("Ada@example.com"), &json!("support"), &json!(w.master.id)));
    assert_eq!((made.header("etag"), made.header("location")), ("\"1\"", format!("{path}/{}", made.id()).as_str()));
    let replay = w.master.api.post(&path, body.clone()).idem(&idem).send().await.is(201);
    assert_eq!((replay.text, replay.headers["idempotent-replayed"].to_str().ok()), (made.text.clone(), Some("true")));
    w.master.api.post(&path, body).send().await.refused(409, "already_exists");
    w.master.api.post(&path, json!({ "email": "b@x.example", "role": "boss" })).send().await.refused(422, "unknown_role");
    let one = format!("{path}/{}", made.id());
    let changed = w.master.api.put(&one, json!({ "role": "viewer" })).if_match("\"1\"").send().await.is(200);
    assert_eq!((&changed["role"], &changed["name"], changed.header("etag")), (&json!("viewer"), &json!("Ada"), "\"2\""));
    w.master.api.put(&one, json!({ "name": "B" })).if_match("\"1\"").send().await.refused(412, "precondition_failed");
    w.master.api.put(&one, json!({})).send().await.refused(400, "validation_failed");
    for n in 0..4 {
        w.master.api.post(&path, json!({ "email": format!("m{n}@x.example"), "role": "viewer" })).send().await.is(201);
    }
    assert_eq!(every_row(&w.master.api, &path, 2).await.len(), 5);
    let deny = format!("{one}/denies/{}", w.child_of(&w.master.id).await);
    w.master.api.put(&deny, json!({ "rights": ["accounts.read"] })).send().await.is(200);
    assert_eq!(w.master.api.delete(&deny).send().await.is(200)["denies"], json!([]));
    w.master.api.delete(&one).send().await.is(200);
    w.master.api.delete(&one).send().await.refused(404, "not_found");
    assert_eq!(every_row(&w.master.api, &path, 200).await.len(), 4);
    w.master.api.post(&path, json!({ "email": "ada@example.com", "role": "viewer" })).send().await.is(201);
}

#[tokio::test]
async fn a_closed_accounts_keys_are_revoked_and_nothing_brings_them_back() {
    let w = World::new().await;
    let child = w.reseller_of(&w.master.id).await;
    let (id, secret) = w.new_key(&child.id, "viewer").await;
    w.master.api.pay(&format!("/reseller/accounts/{}/close", child.id), json!({})).send().await.is(200);
    let key = format!("{}/{id}", keys(&child.id));
    let deny = json!({ "rights": ["credits.read"] });
    w.master.api.put(&format!("{key}/denies/{}", child.id), deny).send().await.refused(409, "account_closed");
    w.master.api.post(&format!("{key}/rotate"), json!({})).send().await.refused(409, "account_closed");
    w.master.api.post(&keys(&child.id), json!({ "name": "K", "role": "viewer" })).send().await.refused(409, "account_closed");
    w.target.nobody.with(&secret).get(&read(&child.id)).send().await.refused(401, "unauthorized");
    let listed = w.master.api.get(&keys(&child.id)).send().await.is(200);
    assert!(listed.rows().iter().all(|key| key["status"] == "revoked" && key["prefix"].is_null()), "{}", listed.text);
}

#[tokio::test]
async fn an_account_that_was_moved_away_takes_no_custom_role_of_its_former_ancestors_along() {
    let w = World::new().await;
    let (old, new) = (w.reseller_of(&w.master.id).await, w.reseller_of(&w.master.id).await);
    let role = custom_role(&old.api, &old.id, "ops", json!(["accounts.read"])).await;
    let child = w.reseller_of(&old.id).await;
    let key = w.key_for(&child.id, "ops").await;
    key.get(&read(&child.id)).send().await.is(200);
    let to = json!({ "parent_id": new.id });
    w.master.api.post(&format!("/reseller/accounts/{}/move", child.id), to).send().await.is(200);
    let everything = json!({ "rights": ["accounts.read", "credits.transfer", "keys.manage"] });
    old.api.put(&format!("{}/{role}", roles(&old.id)), everything).send().await.is(200);
    key.get(&read(&child.id)).send().await.refused(403, "forbidden");
}

#[tokio::test]
async fn nobody_revokes_or_denies_a_key_that_holds_more_than_they_do() {
    let w = World::new().await;
    let (owner, _) = w.new_key(&w.master.id, "owner").await;
    let admin = w.key_for(&w.master.id, "admin").await;
    let key = format!("{}/{owner}", keys(&w.master.id));
    admin.delete(&key).send().await.refused(403, "grant_exceeds_own");
    let deny = json!({ "rights": ["credits.read"] });
    admin.put(&format!("{key}/denies/{}", w.master.id), deny).send().await.refused(403, "grant_exceeds_own");
    w.master.api.delete(&key).send().await.is(200);
}

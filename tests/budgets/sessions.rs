//! What signing in costs, and a request in a session.

use serde_json::json;
use tributary_api::sign_in::token;
use tributary_domain::session::SEEN_EVERY_S;
use tributary_store::table::Value;

use super::{Counted, only_reads, reads};

const SIGN_IN: &str = "/portal/sign-in";
const SESSION: &str = "/portal/session";

/// The token of the newest link that was asked for a member.
fn newest_token(own: &Counted) -> String {
    let inside = own.w.target.inside("links").expect("in this process");
    let asked = inside.memory.snapshot().into_iter().rfind(|item| item.get("kind") == Some(&Value::S("sign_in.asked".to_owned())));
    let Some(Value::S(event)) = asked.expect("a record").remove("gsi1sk") else { panic!("no id") };
    token(&inside.app, &event.parse().expect("an event's id"))
}

/// The sessions' lines of the table.
pub async fn signing_in(c: &mut Counted) {
    let mut own = Counted::new().await;
    let (nobody, master) = (own.w.target.nobody.clone(), own.w.master.api.clone());
    let account = format!("/reseller/accounts/{}", own.w.master.id);
    let add = json!({ "email": "ada@x.example", "role": "owner" });
    master.post(&format!("{account}/members"), add).send().await.is(201);
    let known = own.cost("ask for a link, of a member", nobody.post(SIGN_IN, json!({ "email": "ada@x.example" }))).await;
    let unknown = own.cost("ask for a link, of nobody", nobody.post(SIGN_IN, json!({ "email": "bob@x.example" }))).await;
    assert_eq!(only_reads(known), only_reads(unknown), "whose it is takes as many calls");
    assert_eq!(known.calls(), 4);
    assert_eq!(known.write_units, unknown.write_units);
    let by_link = json!({ "token": newest_token(&own) });
    own.table.reset();
    let begun = nobody.post(SESSION, by_link).send().await.is(201);
    let counts = own.table.reset();
    own.note("sign in by a link", counts);
    let person = nobody.signed_in(&begun);
    let begun = nobody.post(SESSION, json!({ "api_key": master.secret() })).send().await.is(201);
    own.cost("sign in by an API key", nobody.post(SESSION, json!({ "api_key": master.secret() }))).await;
    let key = nobody.signed_in(&begun);
    let balance = format!("/reseller/credits/balance?account_id={}", own.w.master.id);
    let of_key = own.cost("balance in a session of a key", key.get(&balance)).await;
    let of_person = own.cost("balance in a session of a member", person.get(&balance)).await;
    assert_eq!(only_reads(of_key), reads(2, 0, 1), "the session and the key, beside what is asked");
    assert_eq!(only_reads(of_person), reads(1, 1, 1), "the session, and the member with their account");
    assert!(own.w.target.advance_s(SEEN_EVERY_S, "five minutes"));
    let noted = own.cost("the same, five minutes later", person.get(&balance)).await;
    assert_eq!((noted.calls(), noted.writes), (of_person.calls() + 1, 1));
    own.cost("who is signed in", person.get(SESSION)).await;
    own.cost("page of sessions", key.get("/portal/sessions")).await;
    own.cost("sign out", person.delete(SESSION)).await;
    own.cost("sign out everywhere, of two sessions", key.delete("/portal/sessions")).await;
    c.lines.append(&mut own.lines);
}

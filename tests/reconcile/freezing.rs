//! A frozen account: nothing in its subtree spends, and only the operator lifts it.

use serde_json::json;
use tributary_store::freezing::Freeze;
use tributary_store::keys;
use tributary_store::table::Value;

use super::scene::{Scene, id, ledger, set};

#[tokio::test]
async fn nothing_in_the_subtree_of_a_frozen_account_spends_and_only_the_operator_lifts_it() {
    let (scene, _) = Scene::new().await;
    let (w, reseller, below) = (&scene.w, scene.reseller.id.clone(), scene.below.to_string());
    let path = format!("/reseller/accounts/{reseller}");
    let pay = |from: &str, to: &str| w.master.api.pay("/reseller/credits/transfer", json!({ "from": from, "to": to, "amount": "1" }));
    let hold = || w.master.api.pay("/reseller/credits/holds", json!({ "account_id": below, "amount": "1" }));
    let open = hold().send().await.is(201).id();
    let capture = || w.master.api.pay(&format!("/reseller/credits/holds/{open}/capture"), json!({}));
    // The process knows the heads: its memory must not let anything through.
    pay(&below, &reseller).send().await.is(201);
    assert_eq!(w.master.api.get(&path).send().await.is(200)["frozen_at"], json!(null));

    scene.plant(&[set(keys::entry(&ledger(&id(&reseller)), 2), "avail", Value::N(11_000_000))]).await;
    let summary = scene.pass().await;
    assert_eq!((summary.frozen, scene.frozen().await), (1, [id(&reseller)].into()), "{summary:?}");

    for spend in [pay(&reseller, &below), pay(&below, &reseller), pay(&below, scene.a.as_str()), hold(), capture()] {
        spend.send().await.refused(422, "account_suspended");
    }
    w.master.api.pay("/reseller/credits/allocate", json!({ "account_id": reseller, "amount": "1" })).send().await.is(201);
    let view = w.master.api.get(&path).send().await.is(200);
    assert_eq!((view.word("status"), view["frozen_at"].is_string()), ("suspended", true));

    let tag = view.header("etag").to_owned();
    w.master.api.post(&format!("{path}/reactivate"), json!({})).send().await.refused(409, "account_frozen");
    w.master.api.post(&format!("{path}/reactivate"), json!({})).if_match(&tag).send().await.refused(409, "account_frozen");
    w.master.api.pay(&format!("{path}/close"), json!({ "sweep_to_parent": true })).send().await.refused(409, "account_frozen");
    w.master.api.delete(&path).send().await.is(200);
    // One's own account: only from above, frozen or not.
    scene.reseller.api.post(&format!("{path}/reactivate"), json!({})).send().await.refused(403, "forbidden");

    let lifted = w.operator().post(&format!("{path}/reactivate"), json!({})).send().await.is(200);
    assert_eq!((lifted.word("status"), &lifted["frozen_at"]), ("active", &json!(null)));
    pay(&reseller, &below).send().await.is(201);
    capture().send().await.is(200);

    // What the operator looked at is accepted, and what comes later is not.
    for _ in 0..3 {
        assert_eq!(scene.pass().await.drift, 0);
    }
    let newest = scene.store().head(&ledger(&id(&reseller))).await.expect("a head");
    scene.plant(&[set(keys::entry(&ledger(&id(&reseller)), newest.seq), "held", Value::N(1))]).await;
    assert_eq!(scene.pass().await.frozen, 1);
}

#[tokio::test]
async fn an_unbalanced_transfer_that_the_operator_accepted_is_not_raised_again() {
    let (scene, _) = Scene::new().await;
    scene.plant(&[scene.forged().await]).await;
    let (first, second) = (scene.pass().await, scene.pass().await);
    assert_eq!((first.drift, second.drift, second.frozen), (0, 1, 1), "{second:?}");
    assert_eq!(scene.pass().await.drift, 1, "drift is said in every pass");
    let path = format!("/reseller/accounts/{}/reactivate", scene.a);
    scene.w.operator().post(&path, json!({})).send().await.is(200);
    for _ in 0..3 {
        let summary = scene.pass().await;
        assert_eq!((summary.drift, summary.frozen), (0, 0), "{summary:?}");
    }
}

#[tokio::test]
async fn a_suspended_account_is_marked_and_a_closed_one_stays_closed() {
    let (scene, _) = Scene::new().await;
    let empty = scene.w.child_of(&scene.w.master.id).await;
    scene.w.suspend(scene.a.as_str()).await;
    scene.w.master.api.pay(&format!("/reseller/accounts/{empty}/close"), json!({})).send().await.is(200);
    scene
        .plant(&[
            set(keys::entry(&ledger(&scene.a), 3), "avail", Value::N(1)),
            set(keys::entry(&ledger(&id(&empty)), 2), "avail", Value::N(7)),
        ])
        .await;
    let entries = scene.store().head(&ledger(&scene.a)).await.expect("a head").seq;
    assert_eq!(scene.pass().await.frozen, 2);
    assert_eq!(scene.store().head(&ledger(&scene.a)).await.expect("a head").seq, entries, "it was suspended already");
    for (account, status) in [(scene.a.as_str(), "suspended"), (&empty, "closed")] {
        let view = scene.w.operator().get(&format!("/reseller/accounts/{account}")).send().await.is(200);
        assert_eq!((view.word("status"), view["frozen_at"].is_string()), (status, true));
    }
    assert_eq!(scene.pass().await.frozen, 0);
}

#[tokio::test]
async fn fifty_accounts_are_frozen_in_a_day_however_many_passes_it_has() {
    let (scene, memory) = Scene::new().await;
    for _ in 0..53 {
        let account = scene.w.child_of(&scene.w.master.id).await;
        scene.plant(&[set(keys::account(&id(&account)), "limit", Value::N(1))]).await;
    }
    let frozen = || memory.snapshot().iter().filter(|item| item.contains_key("frz")).count();
    let run = async || tributary_reconcile::run(scene.store(), scene.source(), &super::scene::WHOLE).await.expect("a run");
    let (first, first_frozen) = (run().await, frozen());
    let (second, second_frozen) = (run().await, frozen());
    scene.later(24 * 3_600);
    let (third, third_frozen) = (run().await, frozen());
    assert_eq!((first.drift, first.frozen, first.failed, first_frozen), (53, 50, 3, 50), "{first:?}");
    assert_eq!((second.drift, second.frozen, second.failed, second_frozen), (53, 0, 3, 50), "{second:?}");
    assert_eq!((third.drift, third.frozen, third.failed, third_frozen), (53, 3, 0, 53), "{third:?}");
}

#[tokio::test]
async fn a_movement_that_slipped_past_a_freeze_is_stopped_by_the_next_pass() {
    let (scene, _) = Scene::new().await;
    // The process remembers entry 5, which is then removed: its next movement takes number 6, past the freeze's entry 5.
    scene.plant(&[tributary_store::table::Write::delete(keys::entry(&ledger(&scene.a), 5), tributary_store::table::Cond::Exists)]).await;
    let other = tributary_store::Store::new(scene.table.clone(), tributary_store::commit::Patience::eager(3));
    for _ in 0..2 {
        tributary_reconcile::run(&other, scene.source(), &super::scene::WHOLE).await.expect("a run");
    }
    assert_eq!(scene.frozen().await, [scene.a.clone()].into());
    super::scene::pay(&scene.w, scene.a.as_str(), scene.b.as_str(), "1").await;
    assert_eq!(tributary_reconcile::run(&other, scene.source(), &super::scene::WHOLE).await.expect("a run").frozen, 1);
    let again = json!({ "from": scene.a, "to": scene.b, "amount": "1" });
    scene.w.operator().pay("/reseller/credits/transfer", again).send().await.refused(422, "account_suspended");
}

#[tokio::test]
async fn a_closed_item_before_an_active_ledger_is_stopped_and_stays_closed_when_accepted() {
    let (scene, _) = Scene::new().await;
    let pay = json!({ "from": scene.a, "to": scene.b, "amount": "1" });
    // The process knows the heads: its memory must not let anything through either.
    scene.plant(&[set(keys::account(&scene.a), "st", Value::S("closed".to_owned()))]).await;
    let summary = scene.pass().await;
    assert_eq!((summary.frozen, scene.frozen().await), (1, [scene.a.clone()].into()), "{summary:?}");
    scene.w.operator().pay("/reseller/credits/transfer", pay.clone()).send().await.refused(422, "account_suspended");
    assert_eq!(scene.pass().await.frozen, 0);

    let path = format!("/reseller/accounts/{}/reactivate", scene.a);
    let lifted = scene.w.operator().post(&path, json!({})).send().await.is(200);
    assert_eq!((lifted.word("status"), &lifted["frozen_at"]), ("closed", &json!(null)));
    scene.w.operator().pay("/reseller/credits/transfer", pay).send().await.refused(409, "account_closed");
    for _ in 0..2 {
        let summary = scene.pass().await;
        assert_eq!((summary.drift, summary.frozen), (0, 0), "{summary:?}");
    }
}

#[tokio::test]
async fn the_books_of_a_closed_account_can_be_accepted_and_it_stays_closed() {
    let (scene, _) = Scene::new().await;
    let empty = scene.w.child_of(&scene.w.master.id).await;
    scene.w.master.api.pay(&format!("/reseller/accounts/{empty}/close"), json!({})).send().await.is(200);
    scene.plant(&[set(keys::entry(&ledger(&id(&empty)), 2), "avail", Value::N(7))]).await;
    assert_eq!(scene.pass().await.frozen, 1);
    assert!(scene.pass().await.drift > 0, "drift is said in every pass");
    let path = format!("/reseller/accounts/{empty}/reactivate");
    scene.w.master.api.post(&path, json!({})).send().await.refused(409, "account_frozen");
    assert_eq!(scene.w.operator().post(&path, json!({})).send().await.is(200).word("status"), "closed");
    assert_eq!(scene.pass().await.drift, 0);
    let refused = scene.w.operator().post(&path, json!({})).send().await;
    assert_eq!(refused.status, 409, "an account that is closed and not frozen is not reactivated: {}", refused.text);
}

#[tokio::test]
async fn nobody_goes_on_behind_a_newest_entry_that_does_not_read() {
    let (scene, _) = Scene::new().await;
    // The process remembers entry 5 as it was.
    scene.plant(&[set(keys::entry(&ledger(&scene.a), 5), "avail", Value::S("five".to_owned()))]).await;
    let other = tributary_store::Store::new(scene.table.clone(), tributary_store::commit::Patience::eager(3));
    let summary = tributary_reconcile::run(&other, scene.source(), &super::scene::WHOLE).await.expect("a run");
    assert_eq!((summary.frozen, scene.frozen().await), (1, [scene.a.clone()].into()), "{summary:?}");
    let pay = json!({ "from": scene.a, "to": scene.b, "amount": "1" });
    let answer = scene.w.operator().pay("/reseller/credits/transfer", pay).send().await;
    assert!(answer.status >= 400, "{}", answer.text);
}

#[tokio::test]
async fn books_that_the_operator_accepted_after_they_were_judged_are_not_frozen() {
    let (scene, _) = Scene::new().await;
    scene.plant(&[set(keys::entry(&ledger(&scene.a), 3), "avail", Value::N(1))]).await;
    assert_eq!(scene.pass().await.frozen, 1);
    let path = format!("/reseller/accounts/{}/reactivate", scene.a);
    scene.w.operator().post(&path, json!({})).send().await.is(200);
    let act = tributary_store::events::Act {
        event: tributary_domain::id::EventId::from_uuid(scene.source().uuid()),
        actor: tributary_domain::id::ActorId::platform(),
        request: scene.source().run_id(),
        now: scene.source().now(),
    };
    let accepted = scene.store().accepted(&scene.a).await.expect("an answer").expect("accepted").seq;
    for (judged, became, frozen) in [(0, Freeze::Accepted, 0), (accepted - 1, Freeze::Accepted, 0), (accepted, Freeze::Now, 1)] {
        assert_eq!(scene.store().freeze(&scene.a, judged, &json!({}), &act).await, Ok(became), "judged up to {judged}");
        assert_eq!(scene.frozen().await.len(), frozen, "judged up to {judged}");
    }
}

#[tokio::test]
async fn an_entry_behind_accepted_books_is_raised_however_old_its_transfer_says_it_is() {
    let (scene, _) = Scene::new().await;
    scene.plant(&[scene.forged().await]).await;
    let (first, second) = (scene.pass().await, scene.pass().await);
    assert_eq!((first.frozen, second.frozen), (0, 1));
    let path = format!("/reseller/accounts/{}/reactivate", scene.a);
    scene.w.operator().post(&path, json!({})).send().await.is(200);
    assert_eq!(scene.pass().await.drift + scene.pass().await.drift, 0);
    scene.plant(&[scene.forged().await]).await;
    let later = [scene.pass().await, scene.pass().await];
    assert_eq!(later.iter().map(|summary| summary.frozen).sum::<usize>(), 1, "{later:?}");
}

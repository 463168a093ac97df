//! Errors of each kind, planted by hand: found, the right account frozen, and nothing else touched.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use tributary_domain::id::{AccountId, TransferId};
use tributary_domain::ledger::{Book, LedgerId};
use tributary_domain::reconcile::What;
use tributary_store::keys;
use tributary_store::memory::MemoryTable;
use tributary_store::table::{Item, Key, Value, Write, s};
use uuid::Uuid;

use super::scene::{Scene, gone, id, ledger, set, unset};
use crate::support::engine::Engine;

/// What is planted, after how many passes it is found, whose ledger it is found in, and as what.
struct Case {
    name: &'static str,
    plant: fn(&Scene) -> Vec<Write>,
    passes: usize,
    whose: fn(&Scene) -> LedgerId,
    what: &'static [What],
}

fn of_a(scene: &Scene) -> LedgerId {
    ledger(&scene.a)
}

fn entry(scene: &Scene, seq: i64) -> Key {
    keys::entry(&ledger(&scene.a), seq)
}

fn issued(scene: &Scene) -> LedgerId {
    LedgerId::system(Book::Issued, "USD".parse().expect("a currency"), &id(&scene.w.master.id))
}

const CASES: &[Case] = &[
    Case {
        name: "the newest balance changed",
        plant: |scene| vec![set(entry(scene, 5), "avail", Value::N(6_000_000))],
        passes: 1,
        whose: of_a,
        what: &[What::Available],
    },
    Case {
        name: "an entry in the middle changed",
        plant: |scene| vec![set(entry(scene, 3), "amt", Value::N(-500_000))],
        passes: 1,
        whose: of_a,
        what: &[What::Available],
    },
    Case {
        name: "an entry in the middle removed",
        plant: |scene| vec![gone(entry(scene, 3))],
        passes: 1,
        whose: of_a,
        what: &[What::Number],
    },
    Case {
        name: "the newest entry removed: only the sums tell",
        plant: |scene| vec![gone(entry(scene, 5))],
        passes: 2,
        whose: of_a,
        what: &[What::Transfer],
    },
    Case {
        name: "the other leg of it missing",
        plant: |scene| vec![gone(keys::entry(&ledger(&scene.b), 4))],
        passes: 2,
        whose: |scene| ledger(&scene.b),
        what: &[What::Transfer],
    },
    Case { name: "an entry out of nothing", plant: |scene| vec![scene.forged.clone()], passes: 2, whose: of_a, what: &[What::Transfer] },
    Case {
        name: "credit from nowhere by a transfer of the future",
        plant: |scene| vec![scene.nowhere(1, TransferId::from_uuid(Uuid::from_u128(u128::MAX)))],
        passes: 1,
        whose: of_a,
        what: &[What::Movement],
    },
    Case {
        name: "an entry of the future",
        plant: |scene| vec![set(entry(scene, 5), "at", Value::N(253_000_000_000_000))],
        passes: 1,
        whose: of_a,
        what: &[What::Time],
    },
    Case {
        name: "an acceptance that nobody gave",
        plant: |scene| vec![set(keys::account(&scene.a), "okseq", Value::N(5)), set(keys::account(&scene.a), "okat", Value::N(5))],
        passes: 1,
        whose: of_a,
        what: &[What::Acceptance],
    },
    Case {
        name: "an acceptance of all that will ever be",
        plant: |scene| vec![set(keys::account(&scene.a), "okseq", Value::N(i64::MAX)), set(keys::account(&scene.a), "okat", Value::N(5))],
        passes: 1,
        whose: of_a,
        what: &[What::Acceptance],
    },
    Case {
        name: "credit held without a hold",
        plant: |scene| vec![gone(keys::hold(&scene.hold))],
        passes: 1,
        whose: of_a,
        what: &[What::HoldItem],
    },
    Case {
        name: "credit held without an entry",
        plant: |scene| vec![set(entry(scene, 5), "held", Value::N(4_000_000))],
        passes: 1,
        whose: of_a,
        what: &[What::Held, What::HeldSum],
    },
    Case {
        name: "a hold ended without an entry",
        plant: |scene| {
            let hold = scene.hold_document.replace("\"open\"", "\"released\"");
            vec![set(keys::hold(&scene.hold), "doc", s(hold)), set(keys::hold(&scene.hold), "st", s("released"))]
        },
        passes: 1,
        whose: of_a,
        what: &[What::HoldItem],
    },
    Case {
        name: "a hold of another amount",
        plant: |scene| vec![set(keys::hold(&scene.hold), "doc", s(scene.hold_document.replace("\"3.000000\"", "\"2.000000\"")))],
        passes: 1,
        whose: of_a,
        what: &[What::HoldItem],
    },
    Case {
        name: "a copy of the gate shut",
        plant: |scene| {
            let item = Item::from([("susp".to_owned(), Value::Bool(true)), ("gen".to_owned(), Value::N(0))]);
            vec![Write::create(keys::gate(&scene.a, 7), item)]
        },
        passes: 1,
        whose: of_a,
        what: &[What::Gate],
    },
    Case {
        name: "a copy of the gate of another generation",
        plant: |scene| {
            let item = Item::from([("susp".to_owned(), Value::Bool(false)), ("gen".to_owned(), Value::N(3))]);
            vec![Write::create(keys::gate(&scene.a, 0), item)]
        },
        passes: 1,
        whose: of_a,
        what: &[What::Gate],
    },
    Case {
        name: "an account that says suspended",
        plant: |scene| vec![set(keys::account(&scene.a), "st", s("suspended"))],
        passes: 1,
        whose: of_a,
        what: &[What::Status, What::Gate],
    },
    Case {
        name: "an account with another credit limit",
        plant: |scene| vec![set(keys::account(&scene.a), "limit", Value::N(1))],
        passes: 1,
        whose: of_a,
        what: &[What::CreditLimit],
    },
    Case {
        name: "an account of another kind and currency",
        plant: |scene| vec![set(keys::account(&scene.a), "kind", s("reseller")), set(keys::account(&scene.a), "cur", s("EUR"))],
        passes: 1,
        whose: of_a,
        what: &[What::Currency, What::Kind],
    },
    Case {
        name: "an account that says it is the operator's",
        plant: |scene| vec![set(keys::account(&scene.a), "kind", s("operator"))],
        passes: 1,
        whose: of_a,
        what: &[What::Kind],
    },
    Case {
        name: "a moved account that says otherwise",
        plant: |scene| vec![set(keys::account(&scene.a), "gen", Value::N(2))],
        passes: 1,
        whose: of_a,
        what: &[What::Place, What::Gate],
    },
    Case {
        name: "an entry that does not read",
        plant: |scene| vec![unset(entry(scene, 3), "avail")],
        passes: 1,
        whose: of_a,
        what: &[What::Unreadable],
    },
    Case {
        name: "a newest entry that does not read",
        plant: |scene| vec![set(entry(scene, 5), "avail", s("five"))],
        passes: 1,
        whose: of_a,
        what: &[What::Unreadable],
    },
    Case {
        name: "an account that does not read",
        plant: |scene| vec![unset(keys::account(&scene.a), "name")],
        passes: 1,
        whose: of_a,
        what: &[What::Unreadable],
    },
    Case {
        name: "an entry of another ledger",
        plant: |scene| vec![set(entry(scene, 4), "led", s(scene.b.as_str()))],
        passes: 1,
        whose: of_a,
        what: &[What::Unreadable],
    },
    Case {
        name: "a system ledger's balance changed: reported only",
        plant: |scene| vec![set(keys::entry(&issued(scene), 1), "avail", Value::N(-99_000_000))],
        passes: 1,
        whose: issued,
        what: &[What::Available],
    },
    Case {
        name: "a system ledger's entry removed: reported only",
        plant: |scene| vec![gone(keys::entry(&issued(scene), 1))],
        passes: 2,
        whose: issued,
        what: &[What::Transfer],
    },
];

fn by_key(memory: &MemoryTable) -> BTreeMap<Key, Item> {
    memory.snapshot().into_iter().map(|item| (Key::of(&item).expect("a key"), item)).collect()
}

/// The partitions of what differs, but those that a freeze of `account` and reconciliation itself write.
fn touched(before: &BTreeMap<Key, Item>, after: &BTreeMap<Key, Item>, account: Option<&AccountId>) -> BTreeSet<String> {
    let own = |pk: &str| {
        let of_account =
            |id: &AccountId| [format!("ACC#{id}"), format!("LED#{id}"), format!("GATE#{id}#")].iter().any(|own| pk.starts_with(own));
        pk == "RECON" || pk.starts_with("EVT#") && account.is_some() || account.is_some_and(of_account)
    };
    let keys: BTreeSet<&Key> = before.keys().chain(after.keys()).collect();
    keys.into_iter().filter(|key| before.get(key) != after.get(key) && !own(&key.pk)).map(|key| key.pk.clone()).collect()
}

async fn is_found(case: &Case, scene: &Scene) {
    let whose = (case.whose)(scene);
    let frozen: BTreeSet<AccountId> = whose.account().cloned().into_iter().collect();
    for pass in 1..case.passes {
        let summary = scene.pass().await;
        assert_eq!((summary.drift, summary.frozen), (0, 0), "{}: pass {pass} {:?}", case.name, summary.findings);
    }
    let found = scene.pass().await;
    let whats: BTreeSet<What> = found.findings.iter().map(|finding| finding.wrong.what).collect();
    assert!(found.findings.iter().all(|finding| finding.ledger == whose), "{}: {:?}", case.name, found.findings);
    assert_eq!(whats, case.what.iter().copied().collect(), "{}: {:?}", case.name, found.findings);
    assert_eq!(found.drift, found.findings.len(), "{}", case.name);
    assert_eq!((found.frozen, scene.frozen().await), (frozen.len(), frozen), "{}", case.name);
}

#[tokio::test]
async fn a_sound_platform_has_no_findings_and_nothing_but_the_state_is_written() {
    let (scene, memory) = Scene::new().await;
    let before = by_key(&memory);
    for pass in 1..=3 {
        let summary = scene.pass().await;
        assert_eq!((summary.drift, summary.frozen, summary.failed), (0, 0, 0), "{:?}", summary.findings);
        // The operator, the master, two customers, the reseller and its customer; 32 system ledgers.
        assert_eq!((summary.accounts, summary.entries, summary.holds), (6, 21, 1), "pass {pass}");
        assert_eq!(summary.pass_age_s, 0);
    }
    assert_eq!(touched(&before, &by_key(&memory), None), BTreeSet::new());
}

#[tokio::test]
async fn each_planted_error_is_found_and_exactly_that_account_frozen() {
    for case in CASES {
        let (scene, memory) = Scene::new().await;
        scene.plant(&(case.plant)(&scene)).await;
        let before = by_key(&memory);
        is_found(case, &scene).await;
        let whose = (case.whose)(&scene);
        assert_eq!(touched(&before, &by_key(&memory), whose.account()), BTreeSet::new(), "{}", case.name);
        // Later passes say it again and write nothing more.
        let before = by_key(&memory);
        let mut again = scene.pass().await;
        if again.drift == 0 {
            again = scene.pass().await;
        }
        // What a freeze sets right, such as a gate, is no drift any more.
        let healed = case.what.iter().all(|what| matches!(what, What::Gate | What::Status));
        assert!(again.frozen == 0 && (healed || again.drift > 0), "{}: {again:?}", case.name);
        assert_eq!(touched(&before, &by_key(&memory), None), BTreeSet::new(), "{}", case.name);
    }
}

#[tokio::test]
async fn what_the_operator_accepts_is_not_raised_again_and_what_must_be_repaired_is() {
    for case in CASES {
        let (scene, _) = Scene::new().await;
        let whose = (case.whose)(&scene);
        let Some(account) = whose.account() else { continue };
        scene.plant(&(case.plant)(&scene)).await;
        is_found(case, &scene).await;
        let path = format!("/reseller/accounts/{account}/reactivate");
        let lifted = scene.w.operator().post(&path, serde_json::json!({})).send().await;
        let by_hand = ["a newest entry that does not read", "an account that does not read", "an account that says it is the operator's"];
        if by_hand.contains(&case.name) {
            assert!(lifted.status >= 400 && scene.frozen().await.contains(account), "{}: {}", case.name, lifted.text);
            continue;
        }
        assert_eq!((lifted.status, scene.frozen().await.len()), (200, 0), "{}: {}", case.name, lifted.text);
        let stays = case.what.iter().any(|what| matches!(what, What::CreditLimit | What::Currency | What::Kind | What::Place));
        let later = [scene.pass().await, scene.pass().await];
        let drift: usize = later.iter().map(|summary| summary.drift).sum();
        assert_eq!((drift > 0, scene.frozen().await.contains(account)), (stays, stays), "{}: {later:?}", case.name);
    }
}

#[tokio::test]
async fn more_unbalanced_transfers_than_can_be_named_are_drift_in_every_pass_until_they_are_gone() {
    let (scene, _) = Scene::new().await;
    let made =
        |n: u128| TransferId::from_uuid(Uuid::from_u128(scene.a.as_u128() ^ (n.wrapping_mul(0x9e37_79b9_7f4a_7c15) & ((1 << 60) - 1))));
    let forged: Vec<Write> = (1..=5_000_u32).map(|n| scene.nowhere(i64::from(n), made(u128::from(n)))).collect();
    scene.plant(&forged).await;
    assert_eq!(scene.pass().await.drift, 0, "an account may have been moved meanwhile");
    for _ in 0..2 {
        let summary = scene.pass().await;
        let whats: Vec<What> = summary.findings.iter().map(|finding| finding.wrong.what).collect();
        assert_eq!((summary.drift, whats, summary.frozen), (1, vec![What::Sum], 0), "{:?}", summary.findings);
    }
    let removed: Vec<Write> = forged.into_iter().map(|write| gone(write.key)).collect();
    scene.plant(&removed).await;
    for _ in 0..2 {
        assert_eq!(scene.pass().await.drift, 0);
    }
}

#[tokio::test]
async fn a_freeze_does_not_go_by_what_the_item_says_of_its_place() {
    let (scene, _) = Scene::new().await;
    scene.plant(&[set(keys::account(&scene.a), "gen", Value::N(2))]).await;
    assert_eq!(scene.pass().await.frozen, 1);
    let gate = scene.table.get(&keys::gate(&scene.a, 3), true).await.expect("an answer").expect("a gate");
    assert_eq!((&gate["gen"], &gate["susp"]), (&Value::N(0), &Value::Bool(true)), "as the ledger says");
}

#[tokio::test]
async fn the_operators_own_ledger_is_reported_and_not_frozen() {
    let (scene, _) = Scene::new().await;
    let operator = scene.operator().await;
    scene.plant(&[set(keys::entry(&ledger(&operator), 1), "held", Value::N(5))]).await;
    let summary = scene.pass().await;
    assert!(summary.drift > 0 && summary.findings.iter().all(|finding| finding.ledger == ledger(&operator)), "{summary:?}");
    assert_eq!((summary.frozen, scene.frozen().await), (0, BTreeSet::new()));
}

#[tokio::test]
async fn the_embedded_engine_shows_the_same_errors() {
    let engine = Engine::start().await;
    for (at, case) in CASES.iter().enumerate().filter(|(_, case)| case.name.contains("newest") || case.name.contains("nothing")) {
        let table = Arc::new(engine.table(&format!("reconcile-{at}")).await);
        let scene = Scene::on(table, MemoryTable::new()).await;
        scene.plant(&(case.plant)(&scene)).await;
        is_found(case, &scene).await;
    }
}

#[tokio::test]
async fn an_attribute_of_a_type_that_is_never_stored_spoils_its_own_account_and_not_the_page() {
    let engine = Engine::start().await;
    let name = "reconcile-types";
    let scene = Scene::on(Arc::new(engine.table(name).await), MemoryTable::new()).await;
    let raw = [
        (entry(&scene, 3), "avail", AttributeValue::N("1.5".to_owned())),
        (entry(&scene, 4), "at", AttributeValue::Null(true)),
        (keys::account(&scene.b), "tags", AttributeValue::Ss(vec!["x".to_owned()])),
        (keys::gate(&scene.below, 3), "susp", AttributeValue::B(Blob::new([1]))),
    ];
    for (key, attribute, value) in raw {
        let update = engine.client().update_item().table_name(name).update_expression("SET #a = :v");
        let update = update.expression_attribute_names("#a", attribute).expression_attribute_values(":v", value);
        let update = update.key("pk", AttributeValue::S(key.pk)).key("sk", AttributeValue::S(key.sk));
        update.send().await.expect("the engine takes it");
    }
    let summary = scene.pass().await;
    assert!(summary.findings.iter().all(|finding| finding.wrong.what == What::Unreadable), "{summary:?}");
    assert_eq!((summary.accounts, scene.frozen().await), (6, [scene.a, scene.b, scene.below].into()));
}

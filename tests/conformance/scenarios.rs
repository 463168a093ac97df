//! What every table must do, one promise each.

use tributary_store::table::{
    Action, Change, Cond, Index, Item, Key, MAX_TRANSACT, Page, Position, Query, Refusal, SortRange, TableError, Value, Write, s,
};

use super::bench::{Answer, Bench, Op, invalid, item, stored};

/// Makes each scenario a test of its own.
macro_rules! scenarios {
    ($($name:ident)*) => {
        $(
            #[tokio::test]
            async fn $name() {
                super::$name(&Bench::new().await).await;
            }
        )*
    };
}

mod every_table {
    use super::Bench;

    scenarios! {
        a_creation_happens_once
        a_refused_write_tells_the_stored_item
        conditions_hold_as_they_say
        an_update_makes_a_missing_item
        changes_do_what_they_say
        a_change_of_the_wrong_kind_is_refused
        a_delete_of_nothing_is_no_failure
        a_transaction_happens_whole_or_not_at_all
        each_refused_write_of_a_transaction_tells_its_item
        malformed_transactions_are_refused
        malformed_writes_are_refused
        items_over_400_kb_are_refused
        index_keys_must_be_text
        reserved_words_are_ordinary_names
        every_value_comes_back
        a_batch_is_answered_in_order
        malformed_batches_are_refused
        a_query_takes_its_range_in_order
        malformed_queries_are_refused
        a_full_page_names_where_to_go_on
        a_page_ends_at_1_mb
        an_index_holds_only_items_with_its_keys
        an_index_pages_through_equal_keys
    }
}

fn key() -> Key {
    Key::new("account#1", "balance")
}

fn put(sk: &str, attributes: [(&str, Value); 1]) -> Write {
    Write::put(Key::new("p", sk), item(attributes))
}

fn n(number: i64) -> Value {
    Value::N(number)
}

async fn a_creation_happens_once(bench: &Bench) {
    let first = stored(&key(), [("n", n(1))]);
    let created = bench.write(Write::create(key(), item([("n", n(1))]))).await;
    assert_eq!(created, Answer::Item(Some(first.clone())));
    let again = bench.write(Write::create(key(), item([("n", n(2))]))).await;
    assert_eq!(again, Answer::Failed(TableError::Condition(Some(first.clone()))));
    assert_eq!(bench.get(&key()).await, Some(first));
}

async fn a_refused_write_tells_the_stored_item(bench: &Bench) {
    let update = Write::update(key(), vec![Change::Add("n", 1)], Cond::Ge("n", n(5)));
    assert_eq!(bench.write(update.clone()).await, Answer::Failed(TableError::Condition(None)));
    bench.write(Write::put(key(), item([("n", n(4))]))).await;
    let refused = Answer::Failed(TableError::Condition(Some(stored(&key(), [("n", n(4))]))));
    assert_eq!(bench.write(update).await, refused);
    assert_eq!(bench.write(Write::delete(key(), Cond::Lacks("n"))).await, refused);
}

async fn conditions_hold_as_they_say(bench: &Bench) {
    let map = Value::M(item([("a", n(1))]));
    bench.write(Write::put(key(), item([("n", n(5)), ("t", s("b")), ("m", map.clone())]))).await;
    let table = [
        (Cond::Exists, true),
        (Cond::NotExists, false),
        (Cond::Has("n"), true),
        (Cond::Has("gone"), false),
        (Cond::Lacks("gone"), true),
        (Cond::Lacks("n"), false),
        (Cond::Eq("n", n(5)), true),
        (Cond::Eq("n", s("5")), false),
        (Cond::Eq("m", map), true),
        (Cond::Eq("gone", n(0)), false),
        (Cond::Ge("n", n(5)), true),
        (Cond::Ge("n", n(6)), false),
        (Cond::Ge("t", n(0)), false),
        (Cond::Ge("t", s("a")), true),
        (Cond::Lt("n", n(5)), false),
        (Cond::Lt("n", n(6)), true),
        (Cond::Lt("t", s("ba")), true),
        (Cond::Lt("gone", n(9)), false),
        (Cond::All(vec![]), true),
        (Cond::Any(vec![]), false),
        (Cond::All(vec![Cond::Has("n"), Cond::Any(vec![Cond::Has("gone"), Cond::Has("t")])]), true),
        (Cond::Any(vec![Cond::All(vec![Cond::Has("n"), Cond::Has("gone")]), Cond::Any(vec![])]), false),
        (Cond::All(vec![Cond::All(vec![]), Cond::All(vec![Cond::Any(vec![Cond::Exists])])]), true),
    ];
    for (cond, holds) in table {
        let alone = bench.write(Write::update(key(), vec![Change::Set("seen", n(1))], cond.clone())).await;
        assert_eq!(matches!(alone, Answer::Item(_)), holds, "{cond:?}");
        let checked = bench.transact(vec![Write::check(key(), cond.clone())]).await;
        assert_eq!(checked == Answer::Done, holds, "{cond:?}");
    }
}

async fn an_update_makes_a_missing_item(bench: &Bench) {
    let changes = vec![Change::Add("n", -3), Change::Set("t", s("x")), Change::Remove("gone")];
    let made = stored(&key(), [("n", n(-3)), ("t", s("x"))]);
    assert_eq!(bench.write(Write::update(key(), changes, Cond::NotExists)).await, Answer::Item(Some(made.clone())));
    assert_eq!(bench.get(&key()).await, Some(made));
    let bare = Key::new("account#1", "bare");
    bench.write(Write::update(bare.clone(), vec![Change::Remove("gone")], Cond::NotExists)).await;
    bench.get(&bare).await;
}

async fn changes_do_what_they_say(bench: &Bench) {
    bench.write(Write::put(key(), item([("n", n(5)), ("t", s("b")), ("u", n(1))]))).await;
    let changes = vec![Change::Add("n", -7), Change::Set("t", n(1)), Change::Remove("u"), Change::Add("new", 2)];
    let after = stored(&key(), [("n", n(-2)), ("t", n(1)), ("new", n(2))]);
    assert_eq!(bench.write(Write::update(key(), changes, Cond::Exists)).await, Answer::Item(Some(after)));
}

async fn a_change_of_the_wrong_kind_is_refused(bench: &Bench) {
    bench.write(Write::put(key(), item([("t", s("b"))]))).await;
    let changes = [
        vec![Change::Add("t", 1)],
        vec![Change::Set("t", n(1)), Change::Remove("t")],
        vec![Change::Set("pk", s("other"))],
        vec![Change::Remove("sk")],
        vec![],
    ];
    for changes in changes {
        let write = Write::update(key(), changes, Cond::Exists);
        assert_eq!(bench.write(write.clone()).await, invalid(), "{write:?}");
        assert_eq!(bench.transact(vec![write.clone()]).await, invalid(), "{write:?}");
    }
    assert_eq!(bench.get(&key()).await, Some(stored(&key(), [("t", s("b"))])));
}

async fn a_delete_of_nothing_is_no_failure(bench: &Bench) {
    let delete = Write { key: key(), action: Action::Delete, cond: None };
    assert_eq!(bench.write(delete.clone()).await, Answer::Item(None));
    bench.write(Write::put(key(), item([]))).await;
    assert_eq!(bench.write(delete).await, Answer::Item(None));
    assert_eq!(bench.get(&key()).await, None);
}

async fn a_transaction_happens_whole_or_not_at_all(bench: &Bench) {
    let debit = |least| Write::update(key(), vec![Change::Add("n", -3)], Cond::Ge("n", n(least)));
    let credit = Write::update(Key::new("account#2", "balance"), vec![Change::Add("n", 3)], Cond::All(vec![]));
    bench.write(Write::put(key(), item([("n", n(5))]))).await;
    assert_eq!(bench.transact(vec![debit(3), credit.clone()]).await, Answer::Done);
    let refused = bench.transact(vec![credit, debit(3)]).await;
    let old = stored(&key(), [("n", n(2))]);
    assert_eq!(refused, Answer::Failed(TableError::Cancelled(vec![Refusal::None, Refusal::Condition(Some(old))])));
    assert_eq!(bench.get(&Key::new("account#2", "balance")).await.unwrap()["n"], n(3));
}

async fn each_refused_write_of_a_transaction_tells_its_item(bench: &Bench) {
    bench.write(put("a", [("n", n(1))])).await;
    let writes = vec![
        Write::create(Key::new("p", "a"), item([])),
        Write::put(Key::new("p", "b"), item([])),
        Write::delete(Key::new("p", "c"), Cond::Exists),
        Write::check(Key::new("p", "d"), Cond::Has("n")),
        Write::update(Key::new("p", "e"), vec![Change::Add("n", 1)], Cond::NotExists),
    ];
    let refusals = vec![
        Refusal::Condition(Some(stored(&Key::new("p", "a"), [("n", n(1))]))),
        Refusal::None,
        Refusal::Condition(None),
        Refusal::Condition(None),
        Refusal::None,
    ];
    assert_eq!(bench.transact(writes).await, Answer::Failed(TableError::Cancelled(refusals)));
    assert_eq!(bench.get(&Key::new("p", "b")).await, None);
}

async fn malformed_transactions_are_refused(bench: &Bench) {
    let puts = |count: usize| (0..count).map(|number| put(&number.to_string(), [("n", n(1))])).collect::<Vec<_>>();
    let big = |number: usize| put(&number.to_string(), [("t", s("x".repeat(399 * 1024)))]);
    assert_eq!(bench.transact(vec![]).await, invalid());
    assert_eq!(bench.transact(puts(MAX_TRANSACT + 1)).await, invalid());
    assert_eq!(bench.transact((0..11).map(big).collect()).await, invalid());
    let twice = vec![put("a", [("n", n(1))]), Write::delete(Key::new("p", "a"), Cond::Exists)];
    assert_eq!(bench.transact(twice).await, invalid());
    let unconditional = Write { key: key(), action: Action::Check, cond: None };
    assert_eq!(bench.transact(vec![unconditional]).await, invalid());
    assert!(bench.memory.is_empty());
    assert_eq!(bench.transact(puts(MAX_TRANSACT)).await, Answer::Done);
}

async fn malformed_writes_are_refused(bench: &Bench) {
    for key in [Key::new("", "s"), Key::new("p", ""), Key::new("p".repeat(2049), "s"), Key::new("p", "s".repeat(1025))] {
        assert_eq!(bench.run(Op::Get(key.clone(), true)).await, invalid(), "{key:?}");
        assert_eq!(bench.write(Write::put(key.clone(), item([]))).await, invalid(), "{key:?}");
        assert_eq!(bench.transact(vec![Write::put(key.clone(), item([]))]).await, invalid(), "{key:?}");
    }
    for cond in [Cond::Ge("n", Value::Bool(true)), Cond::Lt("n", Value::L(vec![]))] {
        assert_eq!(bench.write(Write::delete(key(), cond.clone())).await, invalid(), "{cond:?}");
        assert_eq!(bench.transact(vec![Write::check(key(), cond.clone())]).await, invalid(), "{cond:?}");
    }
    assert_eq!(bench.write(Write::check(key(), Cond::NotExists)).await, invalid());
    assert_eq!(bench.write(Write::put(key(), item([("", n(1))]))).await, invalid());
}

async fn items_over_400_kb_are_refused(bench: &Bench) {
    let text = |kilobytes: usize| s("x".repeat(kilobytes * 1024));
    assert_eq!(bench.write(Write::put(key(), item([("t", text(400))]))).await, invalid());
    bench.write(Write::put(key(), item([("t", text(300))]))).await;
    let grow = Write::update(key(), vec![Change::Set("u", text(101))], Cond::Exists);
    assert_eq!(bench.write(grow.clone()).await, invalid());
    assert_eq!(bench.transact(vec![grow]).await, invalid());
}

async fn index_keys_must_be_text(bench: &Bench) {
    for value in [s(""), n(1), Value::Bool(true)] {
        let put = Write::put(key(), item([("gsi1pk", value.clone())]));
        assert_eq!(bench.write(put.clone()).await, invalid(), "{value:?}");
        assert_eq!(bench.transact(vec![put]).await, invalid(), "{value:?}");
        let update = Write::update(key(), vec![Change::Set("gsi2sk", value.clone())], Cond::NotExists);
        assert_eq!(bench.write(update.clone()).await, invalid(), "{value:?}");
        assert_eq!(bench.transact(vec![update]).await, invalid(), "{value:?}");
    }
}

async fn reserved_words_are_ordinary_names(bench: &Bench) {
    let words = item([("name", s("a")), ("status", s("b")), ("count", n(1)), ("size", n(2)), ("a-b.c", n(3))]);
    bench.write(Write::put(key(), words)).await;
    let changes = vec![Change::Add("count", 1), Change::Remove("size"), Change::Set("status", s("c")), Change::Add("a-b.c", 1)];
    let after = stored(&key(), [("name", s("a")), ("status", s("c")), ("count", n(2)), ("a-b.c", n(4))]);
    let cond = Cond::All(vec![Cond::Eq("name", s("a")), Cond::Lt("count", n(2)), Cond::Has("size")]);
    assert_eq!(bench.write(Write::update(key(), changes, cond)).await, Answer::Item(Some(after)));
}

async fn every_value_comes_back(bench: &Bench) {
    let nameless = Value::L(vec![Value::M(item([("", n(0))]))]);
    let plain = Value::L(vec![Value::M(item([("k", Value::L(vec![])), ("l", Value::M(item([])))])), s("")]);
    assert_eq!(bench.write(Write::put(key(), item([("list", nameless)]))).await, invalid());
    let numbers = || [("max", n(i64::MAX)), ("min", n(i64::MIN)), ("zero", n(0)), ("tens", n(-1_000_000))];
    bench.write(Write::put(key(), item(numbers()))).await;
    assert_eq!(bench.get(&key()).await, Some(stored(&key(), numbers())));
    let rest = || {
        [
            ("list", plain.clone()),
            ("yes", Value::Bool(true)),
            ("no", Value::Bool(false)),
            ("bytes", Value::B(vec![0, 255, 7])),
            ("text", s("é€𝄞\0")),
        ]
    };
    bench.write(Write::put(key(), item(rest()))).await;
    assert_eq!(bench.get(&key()).await, Some(stored(&key(), rest())));
}

async fn a_batch_is_answered_in_order(bench: &Bench) {
    for sk in ["a", "c"] {
        bench.write(put(sk, [("t", s(sk))])).await;
    }
    let keys = ["c", "b", "a"].map(|sk| Key::new("p", sk));
    let [c, _, a] = &keys;
    let answer = vec![Some(stored(c, [("t", s("c"))])), None, Some(stored(a, [("t", s("a"))]))];
    assert_eq!(bench.run(Op::BatchGet(keys.to_vec())).await, Answer::Items(answer));
    assert_eq!(bench.run(Op::BatchGet(vec![])).await, Answer::Items(vec![]));
}

async fn malformed_batches_are_refused(bench: &Bench) {
    let keys: Vec<_> = (0..101).map(|number| Key::new("p", number.to_string())).collect();
    assert_eq!(bench.run(Op::BatchGet(keys)).await, invalid());
    assert_eq!(bench.run(Op::BatchGet(vec![key(), key()])).await, invalid());
    assert_eq!(bench.run(Op::BatchGet(vec![Key::new("p", "")])).await, invalid());
}

fn sort_keys(page: &Page) -> Vec<&str> {
    page.items.iter().map(sort_key).collect()
}

fn sort_key(item: &Item) -> &str {
    match &item["sk"] {
        Value::S(text) => text,
        other => panic!("{other:?}"),
    }
}

async fn a_query_takes_its_range_in_order(bench: &Bench) {
    for sk in ["e#10", "e#2", "e", "f", "é", "\u{10FFFF}", "E", "e#"] {
        bench.write(put(sk, [("n", n(1))])).await;
    }
    bench.write(Write::put(Key::new("p2", "e#2"), item([]))).await;
    bench.write(Write::put(Key::new("p\u{1}", "e#2"), item([]))).await;
    let between = |from: &str, to: &str| SortRange::Between(from.to_owned(), to.to_owned());
    let table: [(SortRange, &[&str]); 9] = [
        (SortRange::Every, &["E", "e", "e#", "e#10", "e#2", "f", "é", "\u{10FFFF}"]),
        (SortRange::BeginsWith("e#".into()), &["e#", "e#10", "e#2"]),
        (SortRange::BeginsWith(String::new()), &["E", "e", "e#", "e#10", "e#2", "f", "é", "\u{10FFFF}"]),
        (SortRange::BeginsWith("\u{10FFFF}".into()), &["\u{10FFFF}"]),
        (SortRange::BeginsWith("x".into()), &[]),
        (between("e", "e#10"), &["e", "e#", "e#10"]),
        (between("", "e"), &["E", "e"]),
        (between("e#3", "e#9"), &[]),
        (between("f", "f"), &["f"]),
    ];
    for (range, expected) in table {
        let page = bench.query(Query::table("p", range.clone())).await;
        assert_eq!((sort_keys(&page), &page.next), (expected.to_vec(), &None), "{range:?}");
        let page = bench.query(Query::table("p", range.clone()).newest_first()).await;
        assert!(sort_keys(&page).into_iter().rev().eq(expected.iter().copied()), "{range:?}");
    }
}

async fn malformed_queries_are_refused(bench: &Bench) {
    let prefixed = || Query::table("p", SortRange::BeginsWith("e".into()));
    let at = |pk: &str, sk: &str, index: Option<(&str, &str)>| {
        let index = index.map(|(pk, sk)| (pk.to_owned(), sk.to_owned()));
        Some(Position { pk: pk.to_owned(), sk: sk.to_owned(), index })
    };
    let indexed = || Query::index(Index::Gsi1, "i", SortRange::Every);
    let queries = [
        Query::table("", SortRange::Every),
        Query::table("p".repeat(2049), SortRange::Every),
        Query::table("p", SortRange::Between("b".into(), "a".into())),
        Query::table("p", SortRange::Between(String::new(), String::new())),
        prefixed().after(at("p", "f", None)),
        prefixed().after(at("q", "e", None)),
        prefixed().after(at("p", "", None)),
        prefixed().after(at("p", "e", Some(("i", "x")))),
        indexed().after(at("p", "e", None)),
        indexed().after(at("p", "e", Some(("j", "x")))),
    ];
    for query in queries {
        assert_eq!(bench.run(Op::Query(query.clone())).await, invalid(), "{query:?}");
    }
}

async fn a_full_page_names_where_to_go_on(bench: &Bench) {
    for sk in ["a", "b", "c", "d"] {
        bench.write(put(sk, [("n", n(1))])).await;
    }
    let query = |limit, after| Query::table("p", SortRange::Every).limit(limit).after(after);
    let first = bench.query(query(2, None)).await;
    assert_eq!(sort_keys(&first), ["a", "b"]);
    let second = bench.query(query(2, first.next)).await;
    assert_eq!(sort_keys(&second), ["c", "d"]);
    assert!(second.next.is_some(), "a full page cannot know that nothing follows");
    assert_eq!(bench.query(query(2, second.next)).await, Page::default());
    assert_eq!(bench.query(query(5, None)).await.next, None);
    let back = bench.query(query(3, None).newest_first()).await;
    assert_eq!(sort_keys(&back), ["d", "c", "b"]);
    assert_eq!(sort_keys(&bench.query(query(3, back.next).newest_first()).await), ["a"]);
    let gone = Some(Position { pk: "p".into(), sk: "bb".into(), index: None });
    assert_eq!(sort_keys(&bench.query(query(1, gone)).await), ["c"]);
}

async fn a_page_ends_at_1_mb(bench: &Bench) {
    for sk in ["a", "b", "c"] {
        bench.write(put(sk, [("t", s("x".repeat(390 * 1024)))])).await;
    }
    let first = bench.query(Query::table("p", SortRange::Every)).await;
    assert_eq!(sort_keys(&first), ["a", "b"]);
    let second = bench.query(Query::table("p", SortRange::Every).after(first.next)).await;
    assert_eq!((sort_keys(&second), second.next.is_none()), (vec!["c"], true));
}

async fn an_index_holds_only_items_with_its_keys(bench: &Bench) {
    let query = || Query::index(Index::Gsi2, "i", SortRange::BeginsWith("x".into()));
    bench.write(Write::put(Key::new("p", "both"), item([("gsi2pk", s("i")), ("gsi2sk", s("x1"))]))).await;
    bench.write(Write::put(Key::new("p", "half"), item([("gsi2pk", s("i"))]))).await;
    bench.write(Write::put(Key::new("p", "other"), item([("gsi2pk", s("j")), ("gsi2sk", s("x1"))]))).await;
    assert_eq!(sort_keys(&bench.query(query()).await), ["both"]);
    bench.write(Write::update(Key::new("p", "half"), vec![Change::Set("gsi2sk", s("x0"))], Cond::Exists)).await;
    assert_eq!(sort_keys(&bench.query(query()).await), ["half", "both"]);
    bench.write(Write::update(Key::new("p", "both"), vec![Change::Remove("gsi2pk")], Cond::Exists)).await;
    bench.write(Write::update(Key::new("p", "other"), vec![Change::Set("gsi2pk", s("i"))], Cond::Exists)).await;
    assert_eq!(sort_keys(&bench.query(query()).await), ["half", "other"]);
    bench.write(Write::delete(Key::new("p", "half"), Cond::Exists)).await;
    assert_eq!(sort_keys(&bench.query(query()).await), ["other"]);
}

async fn an_index_pages_through_equal_keys(bench: &Bench) {
    for sk in ["a", "b", "c", "d", "e"] {
        let tie = if bench.orders_ties() { s("x") } else { s(format!("x{sk}")) };
        bench.write(Write::put(Key::new("p", sk), item([("gsi1pk", s("i")), ("gsi1sk", tie)]))).await;
    }
    for reverse in [false, true] {
        let mut query = Query::index(Index::Gsi1, "i", SortRange::Every).limit(2);
        query.reverse = reverse;
        let mut seen = Vec::new();
        loop {
            let page = bench.query(query.clone()).await;
            seen.extend(sort_keys(&page).into_iter().map(str::to_owned));
            query.start = page.next;
            if query.start.is_none() {
                break;
            }
        }
        let order = if reverse { ["e", "d", "c", "b", "a"] } else { ["a", "b", "c", "d", "e"] };
        assert_eq!(seen, order);
    }
}

//! Units counted at the seam agree with what the embedded engine reports it consumed.

use std::collections::HashMap;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{AttributeValue, ConsumedCapacity, Put, ReturnConsumedCapacity, TransactWriteItem};
use tributary_store::counting::Counting;
use tributary_store::memory::MemoryTable;
use tributary_store::table::{Change, Cond, Index, Item, Key, Query, SortRange, Table, Value, Write, s};

use super::bench::item;
use crate::support::engine::Engine;

const TABLE: &str = "capacity";

fn key() -> Key {
    Key::new("p", "s")
}

fn attributes(item: &Item) -> HashMap<String, AttributeValue> {
    let attribute = |value: &Value| match value {
        Value::S(text) => AttributeValue::S(text.clone()),
        Value::N(number) => AttributeValue::N(number.to_string()),
        other => panic!("{other:?}"),
    };
    let key = [("pk", s("p")), ("sk", s("s"))].map(|(name, value)| (name.to_owned(), attribute(&value)));
    item.iter().map(|(name, value)| (name.clone(), attribute(value))).chain(key).collect()
}

/// Units of the table and of its indexes, as text: the engine gives fractions.
fn units(consumed: &ConsumedCapacity) -> (String, String) {
    let table = consumed.table().and_then(|table| table.capacity_units()).unwrap_or_default();
    let total = consumed.capacity_units().unwrap_or_default();
    (table.to_string(), (total - table).to_string())
}

async fn put_alone(client: &Client, item: &Item) -> (String, String) {
    let request = client.put_item().table_name(TABLE).set_item(Some(attributes(item)));
    let output = request.return_consumed_capacity(ReturnConsumedCapacity::Indexes).send().await.unwrap();
    units(&output.consumed_capacity.unwrap())
}

async fn put_in_transaction(client: &Client, item: &Item) -> (String, String) {
    let put = Put::builder().table_name(TABLE).set_item(Some(attributes(item))).build().unwrap();
    let request = client.transact_write_items().transact_items(TransactWriteItem::builder().put(put).build());
    let output = request.return_consumed_capacity(ReturnConsumedCapacity::Indexes).send().await.unwrap();
    units(&output.consumed_capacity.unwrap()[0])
}

#[tokio::test]
async fn writes_cost_what_the_engine_reports() {
    let text = |bytes: usize| ("t", s("x".repeat(bytes)));
    let images = [
        item([text(10)]),
        item([text(1010)]),
        item([text(1024), ("n", Value::N(-1_234_500))]),
        item([text(3000), ("gsi1pk", s("i")), ("gsi1sk", s("1"))]),
        item([text(3000), ("gsi1pk", s("i")), ("gsi1sk", s("1"))]),
        item([text(100), ("gsi1pk", s("i")), ("gsi1sk", s("1"))]),
        item([text(100), ("gsi1pk", s("i")), ("gsi1sk", s("2")), ("gsi2pk", s("j")), ("gsi2sk", s("1"))]),
        item([text(100), ("gsi2pk", s("j"))]),
    ];
    for transacted in [false, true] {
        let engine = Engine::start().await;
        engine.table(TABLE).await;
        let client = engine.client();
        let counting = Counting::new(MemoryTable::new());
        for image in &images {
            let write = Write::put(key(), image.clone());
            let reported = if transacted {
                counting.transact(&[write]).await.unwrap();
                put_in_transaction(&client, image).await
            } else {
                counting.write(&write).await.unwrap();
                put_alone(&client, image).await
            };
            let counts = counting.reset();
            assert_eq!((counts.write_units.to_string(), counts.index_write_units.to_string()), reported, "{image:?}");
        }
    }
}

#[tokio::test]
async fn reads_cost_by_size_and_consistency() {
    let counting = Counting::new(MemoryTable::new());
    let row = |bytes: usize| item([("t", s("x".repeat(bytes))), ("gsi1pk", s("i")), ("gsi1sk", s("1"))]);
    for (sk, bytes) in [("a", 5000), ("b", 100)] {
        counting.write(&Write::put(Key::new("p", sk), row(bytes))).await.unwrap();
    }
    counting.reset();
    let half_units = || counting.reset().read_half_units;
    counting.get(&Key::new("p", "a"), true).await.unwrap();
    assert_eq!(half_units(), 4);
    counting.get(&Key::new("p", "a"), false).await.unwrap();
    assert_eq!(half_units(), 2);
    counting.get(&Key::new("p", "none"), true).await.unwrap();
    assert_eq!(half_units(), 2);
    counting.batch_get(&[Key::new("p", "a"), Key::new("p", "b")]).await.unwrap();
    assert_eq!(half_units(), 6);
    counting.query(&Query::table("p", SortRange::Every)).await.unwrap();
    assert_eq!(half_units(), 4);
    counting.query(&Query::index(Index::Gsi1, "i", SortRange::Every)).await.unwrap();
    assert_eq!(half_units(), 2);
    counting.query(&Query::table("empty", SortRange::Every)).await.unwrap();
    assert_eq!((counting.counts().calls(), half_units()), (1, 2));
}

#[tokio::test]
async fn a_refused_write_costs_its_table_units_and_no_index() {
    let counting = Counting::new(MemoryTable::new());
    let row = item([("n", Value::N(1)), ("gsi1pk", s("i")), ("gsi1sk", s("1"))]);
    counting.write(&Write::put(key(), row.clone())).await.unwrap();
    counting.reset();
    assert!(counting.write(&Write::create(key(), row.clone())).await.is_err());
    let counts = counting.reset();
    assert_eq!((counts.write_units, counts.index_write_units), (1, 0));
    let writes = [Write::update(key(), vec![Change::Add("n", 1)], Cond::Exists), Write::check(Key::new("p", "none"), Cond::Exists)];
    assert!(counting.transact(&writes).await.is_err());
    let counts = counting.reset();
    assert_eq!((counts.transacts, counts.write_units, counts.index_write_units), (1, 4, 0));
}

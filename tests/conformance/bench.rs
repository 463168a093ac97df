//! Runs an operation on every table and demands one answer.

use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngCore, SeedableRng};
use tributary_store::dynamo::{DynamoTable, create_table};
use tributary_store::memory::MemoryTable;
use tributary_store::table::{Item, Key, Page, Query, Table, TableError, Value, Write};

use crate::support::engine::{Engine, client};

/// Names a further endpoint to compare with.
const ENDPOINT: &str = "TRIBUTARY_CONFORMANCE_ENDPOINT";

/// One request to a table.
#[derive(Debug, Clone)]
pub enum Op {
    Get(Key, bool),
    BatchGet(Vec<Key>),
    Query(Query),
    Write(Write),
    Transact(Vec<Write>),
}

/// What a table answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    Item(Option<Item>),
    Items(Vec<Option<Item>>),
    Page(Page),
    Done,
    Failed(TableError),
}

impl Answer {
    fn of<R>(outcome: Result<R, TableError>, answer: impl Fn(R) -> Answer) -> Self {
        match outcome {
            Ok(outcome) => answer(outcome),
            // The words of a refused request are each table's own.
            Err(TableError::Invalid(_)) => invalid(),
            Err(error) => Answer::Failed(error),
        }
    }
}

/// The answer to a malformed request.
pub fn invalid() -> Answer {
    Answer::Failed(TableError::Invalid(String::new()))
}

/// The tables compared; the first is the one in memory, whose answers the others must give.
pub struct Bench {
    pub memory: MemoryTable,
    others: Vec<(String, DynamoTable)>,
    _engine: Engine,
}

impl Bench {
    pub async fn new() -> Self {
        let engine = Engine::start().await;
        let mut others = vec![("engine".to_owned(), engine.table("tributary").await)];
        if let Ok(endpoint) = std::env::var(ENDPOINT) {
            let name = format!("tributary-conformance-{:016x}", StdRng::from_os_rng().next_u64());
            let client = client(&endpoint);
            create_table(&client, &name).await.expect("the table is made");
            others.push((endpoint, DynamoTable::new(client, name)));
        }
        Self { memory: MemoryTable::new(), others, _engine: engine }
    }

    /// If only tables are compared that order equal index keys by the items' keys, which AWS does not promise.
    pub fn orders_ties(&self) -> bool {
        self.others.len() == 1
    }

    /// The answer all tables give. An index may lag, so a query of one is repeated for a while.
    pub async fn run(&self, op: Op) -> Answer {
        let expected = answer(&self.memory, &op).await;
        for (name, table) in &self.others {
            let patience = if matches!(&op, Op::Query(query) if query.index.is_some()) { 50 } else { 0 };
            let mut actual = answer(table, &op).await;
            for _ in 0..patience {
                if actual == expected {
                    break;
                }
                tokio::time::sleep(Duration::from_millis(100)).await;
                actual = answer(table, &op).await;
            }
            assert_eq!(actual, expected, "left: {name}, right: memory, for {op:?}");
        }
        expected
    }

    pub async fn get(&self, key: &Key) -> Option<Item> {
        match self.run(Op::Get(key.clone(), true)).await {
            Answer::Item(item) => item,
            other => panic!("{other:?}"),
        }
    }

    pub async fn query(&self, query: Query) -> Page {
        match self.run(Op::Query(query)).await {
            Answer::Page(page) => page,
            other => panic!("{other:?}"),
        }
    }

    pub async fn write(&self, write: Write) -> Answer {
        self.run(Op::Write(write)).await
    }

    pub async fn transact(&self, writes: Vec<Write>) -> Answer {
        self.run(Op::Transact(writes)).await
    }
}

async fn answer(table: &dyn Table, op: &Op) -> Answer {
    match op {
        Op::Get(key, consistent) => Answer::of(table.get(key, *consistent).await, Answer::Item),
        Op::BatchGet(keys) => Answer::of(table.batch_get(keys).await, Answer::Items),
        Op::Query(query) => Answer::of(table.query(query).await, Answer::Page),
        Op::Write(write) => Answer::of(table.write(write).await, Answer::Item),
        Op::Transact(writes) => Answer::of(table.transact(writes).await, |()| Answer::Done),
    }
}

/// An item of these attributes.
pub fn item<const N: usize>(attributes: [(&str, Value); N]) -> Item {
    attributes.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// An item as it is stored under a key.
pub fn stored<const N: usize>(key: &Key, attributes: [(&str, Value); N]) -> Item {
    let mut item = item(attributes);
    item.insert("pk".into(), Value::S(key.pk.clone()));
    item.insert("sk".into(), Value::S(key.sk.clone()));
    item
}

//! A table at each call of which something happens first.

use std::fmt::Debug;

use async_trait::async_trait;
use tributary_store::table::{Item, Key, Page, Query, Table, TableError, Write};

/// A call of a table.
#[derive(Debug, Clone, Copy)]
pub enum Call<'a> {
    /// One item is read.
    Get(&'a Key),
    /// Several are.
    BatchGet,
    /// A range is.
    Query(&'a Query),
    /// One write.
    Write(&'a Write),
    /// Several at once.
    Transact(&'a [Write]),
}

/// What happens before each call.
#[async_trait]
pub trait Step: Debug + Send + Sync + 'static {
    /// An error is what the call is answered with, and the table does not hear of it.
    async fn before(&self, call: Call<'_>) -> Result<(), TableError>;
}

/// `table`, with `step` before each call.
#[derive(Debug)]
pub struct Before<S, T> {
    /// What happens first.
    pub step: S,
    /// What is asked then.
    pub table: T,
}

#[async_trait]
impl<S: Step, T: Table> Table for Before<S, T> {
    async fn get(&self, key: &Key, consistent: bool) -> Result<Option<Item>, TableError> {
        self.step.before(Call::Get(key)).await?;
        self.table.get(key, consistent).await
    }

    async fn batch_get(&self, keys: &[Key]) -> Result<Vec<Option<Item>>, TableError> {
        self.step.before(Call::BatchGet).await?;
        self.table.batch_get(keys).await
    }

    async fn query(&self, query: &Query) -> Result<Page, TableError> {
        self.step.before(Call::Query(query)).await?;
        self.table.query(query).await
    }

    async fn write(&self, write: &Write) -> Result<Option<Item>, TableError> {
        self.step.before(Call::Write(write)).await?;
        self.table.write(write).await
    }

    async fn transact(&self, writes: &[Write]) -> Result<(), TableError> {
        self.step.before(Call::Transact(writes)).await?;
        self.table.transact(writes).await
    }
}

/// Others go first, so that what is asked at the same time meets.
#[derive(Debug)]
pub struct Yield;

#[async_trait]
impl Step for Yield {
    async fn before(&self, _: Call<'_>) -> Result<(), TableError> {
        tokio::task::yield_now().await;
        Ok(())
    }
}

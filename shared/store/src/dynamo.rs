//! The table on DynamoDB.
//!
//! Conditional writes ask for the stored item on refusal. Writes are one request each: the SDK's own retries are off for
//! them, because a write repeated after a lost answer can be refused by its own first effect, or add twice. So a lost
//! answer is told as [`TableError::Unknown`]. Reads keep the client's retries.

mod expression;

use std::collections::HashMap;
use std::time::Duration;

use async_trait::async_trait;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::error::{BuildError, ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::operation::create_table::CreateTableError;
use aws_sdk_dynamodb::operation::delete_item::DeleteItemError;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::error::ConditionalCheckFailedException;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, AttributeValue, BillingMode, CancellationReason, ConditionCheck, Delete, GlobalSecondaryIndex, KeySchemaElement,
    KeyType, KeysAndAttributes, Projection, ProjectionType, Put, ReturnValue, ReturnValuesOnConditionCheckFailure, ScalarAttributeType,
    TableStatus, TransactWriteItem, Update,
};
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};

use self::expression::{Expression, Rendered, from_attributes, position, start_key, to_attributes, to_key};
use crate::evaluate::{check_changes, check_names, invalid, with_key};
use crate::table::{Action, Change, Index, Item, Key, PK, Page, Query, Refusal, SK, Table, TableError, Write};

/// How often a batch read asks for what was left unprocessed before the table counts as busy.
const BATCH_TRIES: u32 = 8;
/// The first and the longest wait between tries of a batch read; the wait doubles, and each is drawn from 0 up to it.
const BATCH_WAIT_MS: (u64, u64) = (25, 1_000);
/// How often, and how many milliseconds apart, a new table's state is asked for.
const CREATE_POLLS: (u32, u64) = (600, 200);

const ALL_OLD: ReturnValuesOnConditionCheckFailure = ReturnValuesOnConditionCheckFailure::AllOld;

/// One DynamoDB table.
#[derive(Debug, Clone)]
pub struct DynamoTable {
    client: Client,
    writer: Client,
    name: String,
}

impl DynamoTable {
    /// The table `name`, reached through `client`, whose timeouts and endpoint are kept.
    pub fn new(client: Client, name: impl Into<String>) -> Self {
        let once = client.config().to_builder().retry_config(RetryConfig::disabled()).build();
        Self { client, writer: Client::from_conf(once), name: name.into() }
    }

    async fn put(&self, key: &Key, item: &Item, rendered: Rendered) -> Result<Option<Item>, TableError> {
        let item = with_key(item.clone(), key);
        self.writer
            .put_item()
            .table_name(&self.name)
            .set_item(Some(to_attributes(&item)))
            .set_condition_expression(rendered.condition)
            .set_expression_attribute_names(rendered.names)
            .set_expression_attribute_values(rendered.values)
            .return_values_on_condition_check_failure(ALL_OLD)
            .send()
            .await
            .map_err(|error| {
                write_error(error, |error| match error {
                    PutItemError::ConditionalCheckFailedException(refusal) => Some(refusal),
                    _ => None,
                })
            })?;
        Ok(Some(item))
    }

    async fn update(&self, key: &Key, rendered: Rendered) -> Result<Option<Item>, TableError> {
        let output = self
            .writer
            .update_item()
            .table_name(&self.name)
            .set_key(Some(to_key(key)))
            .set_update_expression(rendered.update)
            .set_condition_expression(rendered.condition)
            .set_expression_attribute_names(rendered.names)
            .set_expression_attribute_values(rendered.values)
            .return_values(ReturnValue::AllNew)
            .return_values_on_condition_check_failure(ALL_OLD)
            .send()
            .await
            .map_err(|error| {
                write_error(error, |error| match error {
                    UpdateItemError::ConditionalCheckFailedException(refusal) => Some(refusal),
                    _ => None,
                })
            })?;
        Ok(output.attributes.map(from_attributes))
    }

    async fn delete(&self, key: &Key, rendered: Rendered) -> Result<Option<Item>, TableError> {
        self.writer
            .delete_item()
            .table_name(&self.name)
            .set_key(Some(to_key(key)))
            .set_condition_expression(rendered.condition)
            .set_expression_attribute_names(rendered.names)
            .set_expression_attribute_values(rendered.values)
            .return_values_on_condition_check_failure(ALL_OLD)
            .send()
            .await
            .map_err(|error| {
                write_error(error, |error| match error {
                    DeleteItemError::ConditionalCheckFailedException(refusal) => Some(refusal),
                    _ => None,
                })
            })?;
        Ok(None)
    }

    fn part(&self, write: &Write) -> Result<TransactWriteItem, TableError> {
        let rendered = render(write)?;
        let part = TransactWriteItem::builder();
        let part = match &write.action {
            Action::Put(item) => part.put(self.put_part(&write.key, item, rendered).map_err(malformed)?),
            Action::Update(_) => part.update(self.update_part(&write.key, rendered).map_err(malformed)?),
            Action::Delete => part.delete(self.delete_part(&write.key, rendered).map_err(malformed)?),
            Action::Check => part.condition_check(self.check_part(&write.key, rendered).map_err(malformed)?),
        };
        Ok(part.build())
    }

    fn put_part(&self, key: &Key, item: &Item, rendered: Rendered) -> Result<Put, BuildError> {
        Put::builder()
            .table_name(&self.name)
            .set_item(Some(to_attributes(&with_key(item.clone(), key))))
            .set_condition_expression(rendered.condition)
            .set_expression_attribute_names(rendered.names)
            .set_expression_attribute_values(rendered.values)
            .return_values_on_condition_check_failure(ALL_OLD)
            .build()
    }

    fn update_part(&self, key: &Key, rendered: Rendered) -> Result<Update, BuildError> {
        Update::builder()
            .table_name(&self.name)
            .set_key(Some(to_key(key)))
            .set_update_expression(rendered.update)
            .set_condition_expression(rendered.condition)
            .set_expression_attribute_names(rendered.names)
            .set_expression_attribute_values(rendered.values)
            .return_values_on_condition_check_failure(ALL_OLD)
            .build()
    }

    fn delete_part(&self, key: &Key, rendered: Rendered) -> Result<Delete, BuildError> {
        Delete::builder()
            .table_name(&self.name)
            .set_key(Some(to_key(key)))
            .set_condition_expression(rendered.condition)
            .set_expression_attribute_names(rendered.names)
            .set_expression_attribute_values(rendered.values)
            .return_values_on_condition_check_failure(ALL_OLD)
            .build()
    }

    fn check_part(&self, key: &Key, rendered: Rendered) -> Result<ConditionCheck, BuildError> {
        ConditionCheck::builder()
            .table_name(&self.name)
            .set_key(Some(to_key(key)))
            .set_condition_expression(rendered.condition)
            .set_expression_attribute_names(rendered.names)
            .set_expression_attribute_values(rendered.values)
            .return_values_on_condition_check_failure(ALL_OLD)
            .build()
    }

    /// One request of a batch read. Adds what it found, and returns the keys left unprocessed.
    async fn batch_step(
        &self,
        keys: Vec<HashMap<String, AttributeValue>>,
        found: &mut HashMap<Key, Item>,
    ) -> Result<Vec<HashMap<String, AttributeValue>>, TableError> {
        let wanted = KeysAndAttributes::builder().set_keys(Some(keys)).consistent_read(true).build();
        let request = self.client.batch_get_item().request_items(&self.name, wanted.map_err(malformed)?);
        let output = request.send().await.map_err(failure)?;
        for item in output.responses.unwrap_or_default().remove(&self.name).unwrap_or_default() {
            let item = from_attributes(item);
            let key = Key::of(&item).ok_or_else(|| TableError::Invalid("an item has no key".into()))?;
            found.insert(key, item);
        }
        let left = output.unprocessed_keys.unwrap_or_default().remove(&self.name);
        Ok(left.map(|left| left.keys).unwrap_or_default())
    }
}

#[async_trait]
impl Table for DynamoTable {
    async fn get(&self, key: &Key, consistent: bool) -> Result<Option<Item>, TableError> {
        let request = self.client.get_item().table_name(&self.name).set_key(Some(to_key(key)));
        let output = request.consistent_read(consistent).send().await.map_err(failure)?;
        Ok(output.item.map(from_attributes))
    }

    async fn batch_get(&self, keys: &[Key]) -> Result<Vec<Option<Item>>, TableError> {
        let mut found = HashMap::new();
        let mut left: Vec<_> = keys.iter().map(to_key).collect();
        let mut tries = 0;
        while !left.is_empty() {
            if tries == BATCH_TRIES {
                return Err(TableError::Busy(format!("{} keys left unprocessed", left.len())));
            }
            if tries > 0 {
                tokio::time::sleep(batch_wait(tries)).await;
            }
            left = self.batch_step(left, &mut found).await?;
            tries += 1;
        }
        Ok(keys.iter().map(|key| found.get(key).cloned()).collect())
    }

    async fn query(&self, query: &Query) -> Result<Page, TableError> {
        let rendered = Expression::key_condition(query)?;
        let limit = (query.limit > 0).then(|| i32::try_from(query.limit).unwrap_or(i32::MAX));
        let output = self
            .client
            .query()
            .table_name(&self.name)
            .set_index_name(query.index.map(|index| index.name().to_owned()))
            .set_key_condition_expression(rendered.condition)
            .set_expression_attribute_names(rendered.names)
            .set_expression_attribute_values(rendered.values)
            .scan_index_forward(!query.reverse)
            .consistent_read(query.consistent && query.index.is_none())
            .set_limit(limit)
            .set_exclusive_start_key(start_key(query)?)
            .send()
            .await
            .map_err(failure)?;
        let items = output.items.unwrap_or_default().into_iter().map(from_attributes).collect();
        let next = output.last_evaluated_key.map(|last| position(query.index, last)).transpose()?;
        Ok(Page { items, next })
    }

    async fn write(&self, write: &Write) -> Result<Option<Item>, TableError> {
        let rendered = render(write)?;
        match &write.action {
            Action::Put(item) => self.put(&write.key, item, rendered).await,
            Action::Update(_) => self.update(&write.key, rendered).await,
            Action::Delete => self.delete(&write.key, rendered).await,
            Action::Check => invalid("a check stands only in a transaction"),
        }
    }

    async fn transact(&self, writes: &[Write]) -> Result<(), TableError> {
        let parts = writes.iter().map(|write| self.part(write)).collect::<Result<Vec<_>, _>>()?;
        let request = self.writer.transact_write_items().set_transact_items(Some(parts));
        match request.send().await {
            Ok(_) => Ok(()),
            Err(error) => Err(transact_error(error, writes.len())),
        }
    }
}

/// A write's expressions. What AWS refuses and an emulator may take, or takes in one kind of request only, is refused
/// here: an update of nothing or of the key, a check of nothing.
fn render(write: &Write) -> Result<Rendered, TableError> {
    if write.action == Action::Check && write.cond.is_none() {
        return invalid("a check needs a condition");
    }
    let changes: Option<&[Change]> = match &write.action {
        Action::Update(changes) => {
            check_changes(changes)?;
            Some(changes)
        }
        Action::Put(item) => {
            check_names(item)?;
            None
        }
        Action::Delete | Action::Check => None,
    };
    Expression::write(write.cond.as_ref(), changes)
}

fn batch_wait(tries: u32) -> Duration {
    let (first_ms, longest_ms) = BATCH_WAIT_MS;
    let most_ms = first_ms.saturating_mul(1 << tries.min(16)).min(longest_ms);
    Duration::from_millis(SmallRng::from_os_rng().random_range(0..=most_ms))
}

fn malformed(error: BuildError) -> TableError {
    TableError::Invalid(error.to_string())
}

fn write_error<E: ProvideErrorMetadata + std::fmt::Debug>(
    error: SdkError<E>,
    refusal: impl Fn(&E) -> Option<&ConditionalCheckFailedException>,
) -> TableError {
    match error.as_service_error().and_then(refusal) {
        Some(refusal) => TableError::Condition(refusal.item.clone().map(from_attributes)),
        None => failure(error),
    }
}

fn transact_error(error: SdkError<TransactWriteItemsError>, writes: usize) -> TableError {
    let Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) = error.as_service_error() else {
        return failure(error);
    };
    let reasons = cancelled.cancellation_reasons();
    if reasons.len() != writes {
        return TableError::Invalid(format!("cancelled with {} reasons for {writes} writes", reasons.len()));
    }
    match reasons.iter().map(refusal).collect() {
        Ok(refusals) => TableError::Cancelled(refusals),
        Err(error) => error,
    }
}

fn refusal(reason: &CancellationReason) -> Result<Refusal, TableError> {
    match reason.code() {
        None | Some("None") => Ok(Refusal::None),
        Some("ConditionalCheckFailed") => {
            let item = reason.item.clone().filter(|item| !item.is_empty());
            Ok(Refusal::Condition(item.map(from_attributes)))
        }
        Some("TransactionConflict") => Ok(Refusal::Conflict),
        Some("ThrottlingError" | "ProvisionedThroughputExceeded") => Ok(Refusal::Throttled),
        Some(code) => invalid(format!("{code}: {}", reason.message().unwrap_or_default())),
    }
}

/// What a failed request means, by the codes of "Error handling with DynamoDB" in the developer guide. An answer without
/// a code cannot be read, whatever its status, and so tells nothing.
fn failure<E: ProvideErrorMetadata + std::fmt::Debug>(error: SdkError<E>) -> TableError {
    if let SdkError::ConstructionFailure(_) = &error {
        return TableError::Invalid(format!("{error:?}"));
    }
    let (SdkError::ServiceError(context), Some(code)) = (&error, error.code()) else {
        return TableError::Unknown(format!("{error:?}"));
    };
    let text = format!("{code}: {}", error.message().unwrap_or_default());
    match code {
        "ThrottlingException"
        | "ProvisionedThroughputExceededException"
        | "RequestLimitExceeded"
        | "TransactionConflictException"
        | "TransactionInProgressException" => TableError::Busy(text),
        "InternalServerError" => TableError::Unknown(text),
        _ if !context.raw().status().is_client_error() => TableError::Unknown(text),
        _ => TableError::Invalid(text),
    }
}

/// Makes the table `name` (pay per request, with every [`Index`]) and waits until it is active. Returns `false` if it was
/// there before; its shape is not compared then.
///
/// # Errors
/// [`TableError::Unknown`] if the table is not active after two minutes, and what any request may fail with.
pub async fn create_table(client: &Client, name: &str) -> Result<bool, TableError> {
    let mut request = client.create_table().table_name(name).billing_mode(BillingMode::PayPerRequest);
    for (attribute, kind) in [(PK, KeyType::Hash), (SK, KeyType::Range)] {
        request = request.attribute_definitions(text(attribute)?).key_schema(key(attribute, kind)?);
    }
    for index in Index::ALL {
        let (pk, sk) = index.keys();
        request = request.attribute_definitions(text(pk)?).attribute_definitions(text(sk)?);
        request = request.global_secondary_indexes(secondary(index)?);
    }
    let created = match request.send().await {
        Ok(_) => true,
        Err(error) if matches!(error.as_service_error(), Some(CreateTableError::ResourceInUseException(_))) => false,
        Err(error) => return Err(failure(error)),
    };
    wait_until_active(client, name).await?;
    Ok(created)
}

async fn wait_until_active(client: &Client, name: &str) -> Result<(), TableError> {
    let (polls, wait_ms) = CREATE_POLLS;
    for _ in 0..polls {
        let output = client.describe_table().table_name(name).send().await.map_err(failure)?;
        if output.table.and_then(|table| table.table_status) == Some(TableStatus::Active) {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(wait_ms)).await;
    }
    Err(TableError::Unknown(format!("table {name} did not become active")))
}

fn text(attribute: &str) -> Result<AttributeDefinition, TableError> {
    let definition = AttributeDefinition::builder().attribute_name(attribute).attribute_type(ScalarAttributeType::S);
    definition.build().map_err(malformed)
}

fn key(attribute: &str, kind: KeyType) -> Result<KeySchemaElement, TableError> {
    KeySchemaElement::builder().attribute_name(attribute).key_type(kind).build().map_err(malformed)
}

fn secondary(index: Index) -> Result<GlobalSecondaryIndex, TableError> {
    let (pk, sk) = index.keys();
    GlobalSecondaryIndex::builder()
        .index_name(index.name())
        .key_schema(key(pk, KeyType::Hash)?)
        .key_schema(key(sk, KeyType::Range)?)
        .projection(Projection::builder().projection_type(ProjectionType::All).build())
        .build()
        .map_err(malformed)
}

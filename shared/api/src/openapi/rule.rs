//! Rules between the fields of a request, which no single field's schema says, in words of JSON Schema.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use utoipa::openapi::{RefOr, Schema};

/// One keyword of JSON Schema with its value, for the schema of that name.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Rule {
    pub(crate) schema: String,
    pub(crate) keyword: &'static str,
    pub(crate) value: Value,
}

/// What holds where the fields `given` are there and the fields `left_out` are not; null is as good as not there.
pub fn way(given: &[&str], left_out: &[&str]) -> Value {
    let given_fields = given.iter().map(|name| ((*name).to_owned(), json!({ "not": { "type": "null" } })));
    let null_fields = left_out.iter().map(|name| ((*name).to_owned(), json!({ "type": "null" })));
    let properties: Map<String, Value> = given_fields.chain(null_fields).collect();
    match given {
        [] => json!({ "properties": properties }),
        _ => json!({ "required": given, "properties": properties }),
    }
}

/// Either of two fields is given, and not the other.
pub fn either(one: &str, other: &str) -> Value {
    json!([way(&[one], &[other]), way(&[other], &[one])])
}

/// Adds rules to their schemas.
///
/// # Errors
/// A sentence on each that has no object to stand in, or not the only one.
pub(crate) fn add<'a>(schemas: &mut BTreeMap<String, RefOr<Schema>>, rules: impl Iterator<Item = &'a Rule>) -> Vec<String> {
    let mut wrong = Vec::new();
    for Rule { schema, keyword, value } in rules {
        match schemas.get_mut(schema) {
            // More than one keyword would be written in any order.
            Some(RefOr::T(Schema::Object(object))) if object.extensions.is_none() => {
                object.extensions = Some(std::iter::once((*keyword, value.clone())).collect());
            }
            Some(_) | None => wrong.push(format!("{schema} is no object, or has a rule already, and so takes none: {keyword}")),
        }
    }
    wrong
}

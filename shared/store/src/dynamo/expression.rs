//! Conditions, changes and key conditions as DynamoDB expressions, and items as attribute values.
//!
//! Every name and value stands behind a placeholder, so no attribute can meet a reserved word.

use std::collections::HashMap;

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;

use crate::evaluate::{check_cond, check_key_part, invalid};
use crate::size::MAX_PK_BYTES;
use crate::table::{Change, Cond, Index, Item, Key, PK, Position, Query, SK, SortRange, TableError, Value};

/// What a request carries of an expression; absent where it has none.
#[derive(Debug, Default)]
pub(super) struct Rendered {
    pub(super) condition: Option<String>,
    pub(super) update: Option<String>,
    pub(super) names: Option<HashMap<String, String>>,
    pub(super) values: Option<HashMap<String, AttributeValue>>,
}

/// The placeholders given out so far.
#[derive(Debug, Default)]
pub(super) struct Expression {
    names: Vec<String>,
    values: Vec<AttributeValue>,
}

impl Expression {
    /// The expressions of a write.
    pub(super) fn write(cond: Option<&Cond>, changes: Option<&[Change]>) -> Result<Rendered, TableError> {
        let mut expression = Self::default();
        cond.map_or(Ok(()), check_cond)?;
        let condition = cond.map(|cond| expression.cond(cond, false));
        let update = changes.map(|changes| expression.changes(changes));
        Ok(expression.rendered(condition, update))
    }

    /// The key condition of a query. A range that begins with nothing is rendered without its beginning: AWS takes no
    /// empty text as a key.
    pub(super) fn key_condition(query: &Query) -> Result<Rendered, TableError> {
        check_key_part(PK, &query.pk, MAX_PK_BYTES)?;
        let mut expression = Self::default();
        let (pk, sk) = query.index.map_or((PK, SK), Index::keys);
        let mut condition = expression.compare(pk, "=", &Value::S(query.pk.clone()));
        let mut with = |term: String| condition = format!("{condition} AND {term}");
        match &query.range {
            SortRange::Every => {}
            SortRange::BeginsWith(prefix) if prefix.is_empty() => {}
            SortRange::BeginsWith(prefix) => {
                let (name, prefix) = (expression.name(sk), expression.text(prefix));
                with(format!("begins_with({name}, {prefix})"));
            }
            SortRange::Between(_, to) if to.is_empty() => return invalid("a range ends with nothing"),
            SortRange::Between(from, to) if from.is_empty() => {
                with(expression.compare(sk, "<=", &Value::S(to.clone())));
            }
            SortRange::Between(from, to) => {
                let (name, from, to) = (expression.name(sk), expression.text(from), expression.text(to));
                with(format!("{name} BETWEEN {from} AND {to}"));
            }
        }
        Ok(expression.rendered(Some(condition), None))
    }

    fn rendered(self, condition: Option<String>, update: Option<String>) -> Rendered {
        let names: HashMap<_, _> = self.names.into_iter().enumerate().map(|(n, name)| (format!("#n{n}"), name)).collect();
        let values: HashMap<_, _> = self.values.into_iter().enumerate().map(|(n, v)| (format!(":v{n}"), v)).collect();
        Rendered { condition, update, names: (!names.is_empty()).then_some(names), values: (!values.is_empty()).then_some(values) }
    }

    fn name(&mut self, name: &str) -> String {
        let known = self.names.iter().position(|known| known == name);
        let number = known.unwrap_or_else(|| {
            self.names.push(name.to_owned());
            self.names.len() - 1
        });
        format!("#n{number}")
    }

    fn value(&mut self, value: &Value) -> String {
        self.values.push(to_attribute(value));
        format!(":v{}", self.values.len() - 1)
    }

    fn text(&mut self, text: &str) -> String {
        self.value(&Value::S(text.to_owned()))
    }

    fn compare(&mut self, name: &str, operator: &str, value: &Value) -> String {
        format!("{} {operator} {}", self.name(name), self.value(value))
    }

    /// A condition; in parentheses if it has several parts and stands `inside` another. AWS refuses redundant ones.
    fn cond(&mut self, cond: &Cond, inside: bool) -> String {
        match cond {
            Cond::Exists => self.cond(&Cond::Has(PK), inside),
            Cond::NotExists => self.cond(&Cond::Lacks(PK), inside),
            Cond::Has(name) => format!("attribute_exists({})", self.name(name)),
            Cond::Lacks(name) => format!("attribute_not_exists({})", self.name(name)),
            Cond::Eq(name, value) => self.compare(name, "=", value),
            Cond::Ge(name, value) => self.compare(name, ">=", value),
            Cond::Lt(name, value) => self.compare(name, "<", value),
            Cond::All(conds) if conds.is_empty() => self.group(&[Cond::Exists, Cond::NotExists], " OR ", inside),
            Cond::Any(conds) if conds.is_empty() => self.group(&[Cond::Exists, Cond::NotExists], " AND ", inside),
            Cond::All(conds) => self.group(conds, " AND ", inside),
            Cond::Any(conds) => self.group(conds, " OR ", inside),
        }
    }

    fn group(&mut self, conds: &[Cond], operator: &str, inside: bool) -> String {
        if let [only] = conds {
            return self.cond(only, inside);
        }
        let parts: Vec<_> = conds.iter().map(|cond| self.cond(cond, true)).collect();
        let joined = parts.join(operator);
        if inside { format!("({joined})") } else { joined }
    }

    fn changes(&mut self, changes: &[Change]) -> String {
        let (mut set, mut add, mut remove) = (Vec::new(), Vec::new(), Vec::new());
        for change in changes {
            match change {
                Change::Set(name, value) => set.push(self.compare(name, "=", value)),
                Change::Add(name, delta) => add.push(format!("{} {}", self.name(name), self.value(&Value::N(*delta)))),
                Change::Remove(name) => remove.push(self.name(name)),
            }
        }
        let clauses = [("SET", set), ("ADD", add), ("REMOVE", remove)];
        let clauses = clauses.iter().filter(|(_, parts)| !parts.is_empty());
        clauses.map(|(verb, parts)| format!("{verb} {}", parts.join(", "))).collect::<Vec<_>>().join(" ")
    }
}

/// The start of a query as AWS takes it.
pub(super) fn start_key(query: &Query) -> Result<Option<HashMap<String, AttributeValue>>, TableError> {
    let Some(start) = &query.start else { return Ok(None) };
    let mut key = to_key(&Key::new(&start.pk, &start.sk));
    match (query.index, &start.index) {
        (None, None) => {}
        (Some(index), Some((pk, sk))) => {
            let names = index.keys();
            key.insert(names.0.to_owned(), AttributeValue::S(pk.clone()));
            key.insert(names.1.to_owned(), AttributeValue::S(sk.clone()));
        }
        _ => return invalid("the start is not a position of what is queried"),
    }
    Ok(Some(key))
}

/// The position a page ended at.
pub(super) fn position(index: Option<Index>, last: HashMap<String, AttributeValue>) -> Result<Position, TableError> {
    let last = from_attributes(last);
    let text = |name: &str| match last.get(name) {
        Some(Value::S(text)) => Ok(text.clone()),
        _ => invalid(format!("a page ended without `{name}`")),
    };
    let index = match index.map(Index::keys) {
        Some((pk, sk)) => Some((text(pk)?, text(sk)?)),
        None => None,
    };
    Ok(Position { pk: text(PK)?, sk: text(SK)?, index })
}

pub(super) fn to_key(key: &Key) -> HashMap<String, AttributeValue> {
    HashMap::from([(PK.to_owned(), AttributeValue::S(key.pk.clone())), (SK.to_owned(), AttributeValue::S(key.sk.clone()))])
}

pub(super) fn to_attributes(item: &Item) -> HashMap<String, AttributeValue> {
    item.iter().map(|(name, value)| (name.clone(), to_attribute(value))).collect()
}

fn to_attribute(value: &Value) -> AttributeValue {
    match value {
        Value::S(text) => AttributeValue::S(text.clone()),
        Value::N(number) => AttributeValue::N(number.to_string()),
        Value::B(bytes) => AttributeValue::B(Blob::new(bytes.as_slice())),
        Value::Bool(truth) => AttributeValue::Bool(*truth),
        Value::L(values) => AttributeValue::L(values.iter().map(to_attribute).collect()),
        Value::M(map) => AttributeValue::M(to_attributes(map)),
        // Refused before: see `check_value_names`.
        Value::Unknown(_) => AttributeValue::Null(true),
    }
}

/// The item of stored attributes. What this table never stores is kept as [`Value::Unknown`], so that it spoils its own
/// attribute and not the page it is on.
pub(super) fn from_attributes(attributes: HashMap<String, AttributeValue>) -> Item {
    attributes.into_iter().map(|(name, value)| (name, from_attribute(value))).collect()
}

fn from_attribute(value: AttributeValue) -> Value {
    let unknown = |what: &str| Value::Unknown(what.to_owned());
    match value {
        AttributeValue::S(text) => Value::S(text),
        AttributeValue::N(number) => number.parse().map_or_else(|_| unknown("a number that is no 64-bit integer"), Value::N),
        AttributeValue::Bool(truth) => Value::Bool(truth),
        AttributeValue::L(values) => Value::L(values.into_iter().map(from_attribute).collect()),
        AttributeValue::M(map) => Value::M(from_attributes(map)),
        AttributeValue::Null(_) => unknown("null"),
        AttributeValue::B(bytes) => Value::B(bytes.into_inner()),
        AttributeValue::Bs(_) | AttributeValue::Ns(_) | AttributeValue::Ss(_) => unknown("a set"),
        _ => unknown("a value of no known type"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn condition(cond: &Cond) -> String {
        Expression::write(Some(cond), None).unwrap().condition.unwrap()
    }

    #[test]
    fn parentheses_are_never_redundant() {
        let two = || vec![Cond::Has("a"), Cond::Lacks("b")];
        assert_eq!(condition(&Cond::All(two())), "attribute_exists(#n0) AND attribute_not_exists(#n1)");
        let nested = Cond::All(vec![Cond::Any(vec![Cond::Any(two())]), Cond::Exists]);
        let rendered = "(attribute_exists(#n0) OR attribute_not_exists(#n1)) AND attribute_exists(#n2)";
        assert_eq!(condition(&nested), rendered);
        assert_eq!(condition(&Cond::All(vec![nested])), rendered);
    }

    #[test]
    fn changes_are_grouped_by_clause() {
        let changes = [Change::Add("n", 1), Change::Set("a", Value::N(2)), Change::Remove("b"), Change::Add("m", 3)];
        let rendered = Expression::write(Some(&Cond::Has("n")), Some(&changes)).unwrap();
        assert_eq!(rendered.update.unwrap(), "SET #n1 = :v1 ADD #n0 :v0, #n3 :v2 REMOVE #n2");
        assert_eq!(rendered.names.unwrap().len(), 4);
    }

    #[test]
    fn what_this_table_never_stores_is_unknown_and_cannot_be_written() {
        for value in [AttributeValue::N("1.5".into()), AttributeValue::Null(true), AttributeValue::Ss(vec![])] {
            let value = from_attribute(value);
            assert!(matches!(value, Value::Unknown(_)));
            let changes = [Change::Set("a", Value::L(vec![value]))];
            assert!(matches!(crate::evaluate::check_changes(&changes), Err(TableError::Invalid(_))));
        }
    }
}

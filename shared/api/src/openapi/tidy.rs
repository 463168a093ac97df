//! What is put right in the schemas after they were derived.

use std::collections::BTreeMap;

use utoipa::openapi::schema::{AdditionalProperties, AllOf, AnyOf, Array, ArrayItems, Object, OneOf, SchemaType, Type};
use utoipa::openapi::{OpenApi, RefOr, Schema};

const SCHEMAS: &str = "#/components/schemas/";

/// The component schemas by name.
pub(crate) type Named = BTreeMap<String, RefOr<Schema>>;

/// The name that a reference to a component schema has.
fn referred(schema: &RefOr<Schema>) -> Option<&str> {
    match schema {
        RefOr::Ref(to) => to.ref_location.strip_prefix(SCHEMAS),
        RefOr::T(_) => None,
    }
}

fn children(schema: &mut Schema) -> Vec<&mut RefOr<Schema>> {
    match schema {
        Schema::Object(Object { properties, additional_properties, .. }) => {
            let mut all: Vec<_> = properties.values_mut().collect();
            if let Some(AdditionalProperties::RefOr(more)) = additional_properties.as_deref_mut() {
                all.push(more);
            }
            all
        }
        Schema::Array(Array { items: ArrayItems::RefOrSchema(items), .. }) => vec![items.as_mut()],
        Schema::OneOf(OneOf { items, .. }) | Schema::AllOf(AllOf { items, .. }) | Schema::AnyOf(AnyOf { items, .. }) => {
            items.iter_mut().collect()
        }
        _ => Vec::new(),
    }
}

/// Unknown fields of a request are refused at every depth, so its objects say so.
pub(crate) fn close(named: &mut Named, request: &str) {
    let mut open = vec![request.to_owned()];
    let mut seen = Vec::new();
    while let Some(name) = open.pop() {
        if seen.contains(&name) {
            continue;
        }
        if let Some(RefOr::T(schema)) = named.get_mut(&name) {
            close_schema(schema, &mut open);
        }
        seen.push(name);
    }
}

fn close_schema(schema: &mut Schema, open: &mut Vec<String>) {
    if let Schema::Object(object) = schema
        && !object.properties.is_empty()
        && object.additional_properties.is_none()
    {
        object.additional_properties = Some(Box::new(AdditionalProperties::FreeForm(false)));
    }
    for child in children(schema) {
        if let Some(name) = referred(child) {
            open.push(name.to_owned());
        }
        if let RefOr::T(schema) = child {
            close_schema(schema, open);
        }
    }
}

/// Writes "null or this plain type" as 3.1's `type: [T, null]`, which generators of clients read better than `oneOf`, and
/// examples as 3.1 does.
pub(crate) fn modernise(named: &mut Named) {
    let known = named.clone();
    for schema in named.values_mut() {
        nullable(schema, &known);
    }
}

fn nullable(schema: &mut RefOr<Schema>, known: &Named) {
    let RefOr::T(inner) = schema else { return };
    if let Schema::OneOf(choice) = inner
        && let Some(scalar) = nullable_scalar(choice, known)
    {
        *inner = Schema::Object(scalar);
        return;
    }
    if let Schema::Object(object) = inner {
        // 3.1 has `examples`, and keeps `example` for old documents only.
        object.examples.extend(object.example.take());
    }
    if let Schema::OneOf(choice) = inner {
        choice.examples.extend(choice.example.take());
    }
    for child in children(inner) {
        nullable(child, known);
    }
}

fn is_null(schema: &RefOr<Schema>) -> bool {
    matches!(schema, RefOr::T(Schema::Object(object)) if object.schema_type == SchemaType::Type(Type::Null))
}

fn nullable_scalar(choice: &OneOf, known: &Named) -> Option<Object> {
    let other = match choice.items.as_slice() {
        [null, other] | [other, null] if is_null(null) => other,
        _ => return None,
    };
    let RefOr::T(Schema::Object(object)) = known.get(referred(other)?)? else { return None };
    let SchemaType::Type(kind) = &object.schema_type else { return None };
    // An enumeration stays a reference: its name is worth more to a reader than the shorter form.
    if matches!(kind, Type::Object | Type::Array | Type::Null) || object.enum_values.is_some() {
        return None;
    }
    let mut scalar = object.clone();
    scalar.schema_type = SchemaType::from_iter([kind.clone(), Type::Null]);
    let field = match other {
        RefOr::Ref(to) if !to.description.is_empty() => Some(to.description.clone()),
        _ => choice.description.clone(),
    };
    scalar.description = field.or(scalar.description);
    Some(scalar)
}

/// Removes the component schemas that nothing refers to, such as those that were written out where they may be null.
pub(crate) fn prune(document: &mut OpenApi) {
    loop {
        let text = document.to_json().unwrap_or_default();
        let Some(components) = document.components.as_mut() else { return };
        let before = components.schemas.len();
        components.schemas.retain(|name, _| text.contains(&format!("\"{SCHEMAS}{name}\"")));
        if components.schemas.len() == before {
            return;
        }
    }
}

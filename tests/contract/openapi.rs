//! `docs/openapi.json`: what is kept is what is generated, and it is a sound OpenAPI 3.1 document of the API as it is.

use std::collections::BTreeSet;

use http::Method;
use serde_json::{Value, json};
use tributary_api::Endpoint;
use tributary_api::endpoint::Access;

use super::generated::{all, everything, root};
use crate::support::api::Target;

/// The document as it is kept.
pub fn document() -> Value {
    let text = std::fs::read_to_string(root().join("docs/openapi.json")).expect("docs/openapi.json");
    serde_json::from_str(&text).expect("JSON")
}

/// An operation by method (in lower case) and path.
pub fn operation_at<'a>(document: &'a Value, method: &str, path: &str) -> Option<&'a Value> {
    document["paths"].get(path)?.get(method)
}

/// What a value is, or what it refers to.
pub fn resolved<'a>(document: &'a Value, value: &'a Value) -> &'a Value {
    match value["$ref"].as_str() {
        Some(to) => document.pointer(to.trim_start_matches('#')).unwrap_or_else(|| panic!("{to} leads nowhere")),
        None => value,
    }
}

/// Every operation as method, path and itself.
fn operations(document: &Value) -> Vec<(String, String, &Value)> {
    let paths = document["paths"].as_object().expect("paths");
    let of_path = |(path, item): (&String, &'_ Value)| -> Vec<(String, String)> {
        item.as_object().expect("a path item").keys().map(|method| (method.clone(), path.clone())).collect()
    };
    let named = paths.iter().flat_map(of_path);
    named.map(|(method, path)| (method.clone(), path.clone(), &document["paths"][&path][&method])).collect()
}

fn every_value<'a>(value: &'a Value, visit: &mut dyn FnMut(&'a Value)) {
    visit(value);
    match value {
        Value::Array(items) => items.iter().for_each(|item| every_value(item, visit)),
        Value::Object(members) => members.values().for_each(|member| every_value(member, visit)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[test]
fn the_generated_documents_are_up_to_date() {
    let differences: Vec<String> =
        all().unwrap_or_else(|wrong| panic!("{wrong}")).iter().filter_map(|document| document.difference()).collect();
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

#[test]
fn the_document_has_every_endpoint_and_no_other() {
    let document = document();
    assert_eq!(document["openapi"], "3.1.0");
    let documented: BTreeSet<String> =
        operations(&document).into_iter().map(|(method, path, _)| format!("{} {path}", method.to_uppercase())).collect();
    let declared: BTreeSet<String> = everything().0.iter().map(|endpoint| format!("{} {}", endpoint.method, endpoint.path)).collect();
    assert_eq!(documented, declared);
}

#[test]
fn every_reference_leads_somewhere_and_every_component_is_referred_to() {
    let document = document();
    let mut used = BTreeSet::new();
    for (_, _, operation) in operations(&document) {
        let schemes = operation["security"].as_array().into_iter().flatten().filter_map(Value::as_object);
        used.extend(schemes.flat_map(|all| all.keys()).map(|name| format!("/components/securitySchemes/{name}")));
    }
    every_value(&document, &mut |value| {
        if let Some(to) = value["$ref"].as_str() {
            resolved(&document, value);
            used.insert(to.trim_start_matches('#').to_owned());
        }
    });
    for (kind, components) in document["components"].as_object().expect("components") {
        for name in components.as_object().expect("components").keys() {
            assert!(used.contains(&format!("/components/{kind}/{name}")), "{kind}/{name} is referred to by nothing");
        }
    }
}

#[test]
fn every_operation_is_complete() {
    let document = document();
    let mut ids = BTreeSet::new();
    for (method, path, operation) in operations(&document) {
        let id = operation["operationId"].as_str().unwrap_or_else(|| panic!("{method} {path} has no operationId"));
        assert!(ids.insert(id.to_owned()), "{id} is the operationId of two operations");
        for member in ["summary", "description"] {
            assert!(operation[member].as_str().is_some_and(|text| !text.is_empty()), "{id} has no {member}");
        }
        let responses = operation["responses"].as_object().expect("responses");
        let good: Vec<&str> = responses.keys().map(String::as_str).filter(|status| status.starts_with('2')).collect();
        // What is paid by card is known at once, or later; who signs in may be asked which account first.
        let two = good == ["201", "202"] || (id == "begin_session" && good == ["200", "201"]);
        assert!(good.len() == 1 || two, "{id}: one answer when all goes well, not {good:?}");
        assert!(responses.contains_key("default"), "{id} has no default response");
        for (status, response) in responses.iter().filter(|(status, _)| !status.starts_with('2')) {
            assert!(resolved(&document, response)["content"]["application/problem+json"].is_object(), "{id}: {status} is no problem");
        }
        let parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
        let in_path: BTreeSet<&str> = parameters.iter().filter(|one| one["in"] == "path").filter_map(|one| one["name"].as_str()).collect();
        let wanted: BTreeSet<&str> =
            path.split('/').filter_map(|segment| segment.strip_prefix('{').and_then(|rest| rest.strip_suffix('}'))).collect();
        assert_eq!(in_path, wanted, "{id}: the path's parameters");
    }
}

fn by_session(endpoint: &Endpoint) -> Value {
    if endpoint.method == Method::GET { json!({ "session": [] }) } else { json!({ "session": [], "csrf": [] }) }
}

#[test]
fn every_operation_names_its_credential_and_its_right() {
    let document = document();
    for endpoint in everything().0 {
        let operation = operation_at(&document, &endpoint.method.as_str().to_lowercase(), endpoint.path).expect("an operation");
        let secured = operation["security"].as_array().expect("security");
        match endpoint.access {
            Access::Public => assert!(secured.is_empty(), "{}", endpoint.operation),
            Access::Session => assert_eq!(secured, &[by_session(&endpoint)], "{}", endpoint.operation),
            Access::Right(right) => {
                assert_eq!(secured, &[json!({ "bearer": [] }), by_session(&endpoint)], "{}", endpoint.operation);
                assert_eq!(operation["x-right"], right.word(), "{}", endpoint.operation);
            }
        }
    }
}

#[test]
fn every_request_body_refuses_unknown_fields() {
    let document = document();
    let mut open = Vec::new();
    for (_, _, operation) in operations(&document) {
        let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
        if !schema.is_null() {
            open.push(schema);
        }
    }
    assert!(!open.is_empty());
    let mut seen = BTreeSet::new();
    while let Some(schema) = open.pop() {
        if !seen.insert(schema.to_string()) {
            continue;
        }
        every_value(resolved(&document, schema), &mut |value| {
            if value["properties"].is_object() && !value["type"].is_null() {
                assert_eq!(value["additionalProperties"], false, "{value}");
            }
            if value["$ref"].is_string() {
                open.push(value);
            }
        });
    }
}

fn sample(document: &Value, parameter: &Value) -> String {
    let schema = resolved(document, &parameter["schema"]);
    let first = |list: &str| schema[list].get(0).map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned));
    let plain = match (schema["type"].as_str(), schema["format"].as_str()) {
        (Some("boolean"), _) => "true",
        (Some("integer"), _) => "1",
        (_, Some("date-time")) => "2026-11-01T00:00:00Z",
        _ => "text",
    };
    first("enum").or_else(|| first("examples")).unwrap_or_else(|| plain.to_owned())
}

fn filled(document: &Value, path: &str, operation: &Value) -> String {
    let parameters = operation["parameters"].as_array().into_iter().flatten();
    parameters.filter(|one| one["in"] == "path").fold(path.to_owned(), |path, one| {
        path.replace(&format!("{{{}}}", one["name"].as_str().unwrap_or_default()), &sample(document, one))
    })
}

#[tokio::test]
async fn every_documented_query_parameter_is_taken_and_any_other_refused() {
    let (document, target) = (document(), Target::in_process().await);
    // A session reaches what the operator's key does, and what is about sessions too.
    let begun = target.nobody.post("/portal/session", json!({ "api_key": target.operator.secret() })).send().await.is(201);
    let operator = target.nobody.signed_in(&begun);
    for (method, path, operation) in operations(&document) {
        if method != "get" || operation["security"].as_array().is_some_and(Vec::is_empty) {
            continue;
        }
        let path = filled(&document, &path, operation);
        let ask = async |query: String| operator.call(Method::GET, &format!("{path}?{query}")).send().await.json;
        assert_eq!(ask("surely_unknown=1".to_owned()).await["code"], "unknown_field", "{path}");
        let parameters: Vec<&Value> =
            operation["parameters"].as_array().into_iter().flatten().map(|parameter| resolved(&document, parameter)).collect();
        for parameter in parameters.iter().filter(|parameter| parameter["in"] == "query") {
            let name = parameter["name"].as_str().expect("a name");
            let value = sample(&document, parameter);
            let mut query = form_urlencoded::Serializer::new(String::new());
            query.append_pair(name, &value);
            for other in parameters.iter().filter(|other| other["in"] == "query" && other["required"] == true && other["name"] != name) {
                query.append_pair(other["name"].as_str().expect("a name"), &sample(&document, other));
            }
            let query = query.finish();
            let code = ask(query).await["code"].clone();
            // No cursor can be made up; every other sample is a good value.
            let refused: &[&str] = if name == "cursor" { &["unknown_field"] } else { &["unknown_field", "validation_failed"] };
            assert!(!refused.iter().any(|word| code == *word), "{path}?{name}={value} answers {code}");
        }
    }
}

//! The sample events of `events/`: each function of the template has one, and each is one that the function gets.

use std::collections::BTreeMap;

use serde_json::Value;
use tributary_local::template::Template;

use super::generated::root;
use super::openapi::{document, operation_at, resolved};

/// The events of a folder by their names.
fn events(folder: &str) -> BTreeMap<String, Value> {
    let files = std::fs::read_dir(root().join("events").join(folder)).expect("a folder of events");
    let event = |file: std::io::Result<std::fs::DirEntry>| {
        let path = file.expect("a file").path();
        let text = std::fs::read_to_string(&path).expect("a readable file");
        let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
        let event = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        (name, event)
    };
    files.map(event).collect()
}

fn text<'a>(event: &'a Value, member: &str) -> &'a str {
    event[member].as_str().unwrap_or_default()
}

#[test]
fn every_http_function_has_a_sample_event() {
    let (template, events) = (Template::embedded().expect("template.yaml"), events("http"));
    for (name, function) in &template.functions {
        let routes: Vec<_> = template.routes.iter().filter(|route| route.function == *name).collect();
        let sampled = |event: &Value| {
            routes.iter().any(|route| route.method.as_str() == text(event, "httpMethod") && route.path == text(event, "resource"))
        };
        assert!(routes.is_empty() || events.values().any(sampled), "events/http has nothing for {}", function.binary);
    }
}

#[test]
fn every_http_event_is_a_request_that_the_document_describes() {
    let document = document();
    for (name, event) in events("http") {
        let (method, path) = (text(&event, "httpMethod").to_lowercase(), text(&event, "resource"));
        let operation =
            operation_at(&document, &method, path).unwrap_or_else(|| panic!("events/http/{name}: no operation {method} {path}"));
        for given in event["queryStringParameters"].as_object().into_iter().flatten().map(|(given, _)| given) {
            let known = |parameter: &Value| resolved(&document, parameter)["name"] == given.as_str();
            assert!(
                operation["parameters"].as_array().is_some_and(|all| all.iter().any(known)),
                "events/http/{name}: no parameter {given}"
            );
        }
        let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
        let body = event["body"].as_str().map(|body| serde_json::from_str::<Value>(body).expect("a JSON body"));
        assert_eq!(body.is_some(), !schema.is_null(), "events/http/{name}: a body exactly where the document has one");
        let Some(body) = body else { continue };
        let schema = resolved(&document, schema);
        let given = body.as_object().expect("an object");
        assert!(
            given.keys().all(|field| schema["properties"].get(field).is_some()),
            "events/http/{name}: a field that the request does not have"
        );
        let required = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str);
        assert!(required.into_iter().all(|field| given.contains_key(field)), "events/http/{name}: a required field is missing");
    }
}

#[test]
fn every_schedule_has_a_sample_event() {
    let (template, events) = (Template::embedded().expect("template.yaml"), events("eventbridge"));
    for schedule in &template.schedules {
        let function = template.functions.get(&schedule.function).expect("a function of the template");
        let event = events.get(&function.binary).unwrap_or_else(|| panic!("events/eventbridge has nothing for {}", function.binary));
        assert_eq!(text(event, "source"), "aws.scheduler", "events/eventbridge/{}.json", function.binary);
    }
    for name in events.keys() {
        let known = template.schedules.iter().filter_map(|schedule| template.functions.get(&schedule.function));
        assert!(known.into_iter().any(|function| function.binary == *name), "events/eventbridge/{name}.json is for no schedule");
    }
}

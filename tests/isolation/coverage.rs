//! The rows are complete: every endpoint, every id in its path, and every id that the API's document names has one.

use std::collections::BTreeSet;

use serde_json::Value;
use tributary_api::endpoint::Access;

use super::rows::rows;
use crate::support::api::endpoints;

const PREFIXES: [&str; 25] = [
    "^alr_", "^acc_", "^pkg_", "^txf_", "^hld_", "^key_", "^mem_", "^rol_", "^rcd_", "^mkp_", "^prm_", "^exp_", "^bat_", "^whk_", "^evt_",
    "^spd_", "^job_", "^upl_", "^chg_", "^inv_", "^pay_", "^crn_", "^dsp_", "^run_", "^clk_",
];

fn document() -> Value {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/openapi.json");
    serde_json::from_str(&std::fs::read_to_string(path).expect("docs/openapi.json")).expect("JSON")
}

fn resolved<'a>(document: &'a Value, value: &'a Value) -> &'a Value {
    match value["$ref"].as_str() {
        Some(to) => document.pointer(to.trim_start_matches('#')).unwrap_or_else(|| panic!("{to} leads nowhere")),
        None => value,
    }
}

/// The pointers of a schema's values that are ids; `/0` for the items of a list. A schema within itself is looked at once.
fn ids(document: &Value, schema: &Value, at: &str, within: &[&str], found: &mut BTreeSet<String>) {
    let within = match schema["$ref"].as_str() {
        Some(to) if within.contains(&to) => return,
        Some(to) => [within, &[to]].concat(),
        None => within.to_vec(),
    };
    let schema = resolved(document, schema);
    if schema["pattern"].as_str().is_some_and(|pattern| PREFIXES.iter().any(|prefix| pattern.trim_start_matches('(').starts_with(prefix))) {
        found.insert(at.to_owned());
    }
    for list in ["oneOf", "anyOf", "allOf"] {
        schema[list].as_array().into_iter().flatten().for_each(|one| ids(document, one, at, &within, found));
    }
    for (name, one) in schema["properties"].as_object().into_iter().flatten() {
        ids(document, one, &format!("{at}/{name}"), &within, found);
    }
    if schema["items"].is_object() {
        ids(document, &schema["items"], &format!("{at}/0"), &within, found);
    }
}

/// The places of an operation where the document names an id.
fn documented(document: &Value, method: &str, path: &str) -> BTreeSet<String> {
    let operation = &document["paths"][path][method];
    let mut found = BTreeSet::new();
    ids(document, &operation["requestBody"]["content"]["application/json"]["schema"], "", &[], &mut found);
    for parameter in operation["parameters"].as_array().into_iter().flatten() {
        let parameter = resolved(document, parameter);
        let name = parameter["name"].as_str().expect("a name");
        let mut of_this = BTreeSet::new();
        ids(document, &parameter["schema"], "", &[], &mut of_this);
        match parameter["in"].as_str() {
            Some("path") => drop(found.insert(format!("{{{name}}}"))),
            Some("query") if name == "cursor" || !of_this.is_empty() => drop(found.insert(format!("?{name}"))),
            // Headers carry no ids: `If-Match` a version, `Idempotency-Key` a word of the caller's own.
            Some(_) | None => assert!(of_this.is_empty(), "{path}: {name} is an id in a place that is not tried"),
        }
    }
    found
}

#[test]
fn every_endpoint_has_a_row_and_every_row_an_endpoint() {
    let declared: BTreeSet<&str> =
        endpoints().iter().filter(|one| matches!(one.access, Access::Right(_))).map(|one| one.operation).collect();
    let tried: BTreeSet<&str> = rows().iter().map(|row| row.operation).collect();
    assert_eq!(declared.difference(&tried).collect::<Vec<_>>(), Vec::<&&str>::new(), "endpoints without a row in tests/isolation/rows.rs");
    assert_eq!(tried.difference(&declared).collect::<Vec<_>>(), Vec::<&&str>::new(), "rows without an endpoint");
}

#[test]
fn every_place_where_an_id_can_be_given_is_tried() {
    let document = document();
    let mut wrong = Vec::new();
    for endpoint in endpoints().into_iter().filter(|one| matches!(one.access, Access::Right(_))) {
        let rows = rows();
        let of_this = rows.iter().filter(|row| row.operation == endpoint.operation);
        let tried: BTreeSet<String> =
            of_this.flat_map(|row| row.places.iter().map(|place| place.name.replace("/legs/1/", "/legs/0/"))).collect();
        let mut known = documented(&document, &endpoint.method.as_str().to_lowercase(), endpoint.path);
        let in_path = endpoint.path.split('/').filter(|part| part.starts_with('{'));
        known.extend(in_path.map(str::to_owned));
        for place in known.symmetric_difference(&tried) {
            let what = if tried.contains(place) { "is tried, but no place of it" } else { "is not tried" };
            wrong.push(format!("{} {}: {place} {what}", endpoint.method, endpoint.path));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

//! `template.yaml` and the functions' own declarations, in both directions.

use std::collections::BTreeSet;

use tributary_local::template::Template;

use super::generated::functions;

fn declared() -> BTreeSet<String> {
    let routes = functions().into_iter().flat_map(|function| {
        let line = move |endpoint: tributary_api::Endpoint| format!("{} {} in {}", endpoint.method, endpoint.path, function.binary);
        function.endpoints.into_iter().map(line)
    });
    routes.collect()
}

fn deployed() -> BTreeSet<String> {
    let template = Template::embedded().expect("template.yaml");
    let line = |route: &tributary_local::template::Route| {
        let function = template.functions.get(&route.function).expect("a function of the template");
        format!("{} {} in {}", route.method, route.path, function.binary)
    };
    template.routes.iter().map(line).collect()
}

#[test]
fn every_declared_route_is_deployed_in_its_function() {
    let missing: Vec<String> = declared().difference(&deployed()).cloned().collect();
    assert!(missing.is_empty(), "declared, but not in template.yaml: {missing:#?}");
}

#[test]
fn every_deployed_route_is_declared_by_its_function() {
    let missing: Vec<String> = deployed().difference(&declared()).cloned().collect();
    assert!(missing.is_empty(), "in template.yaml, but declared by no endpoints(): {missing:#?}");
}

#[test]
fn no_route_is_declared_twice() {
    let routes: Vec<String> = functions()
        .into_iter()
        .flat_map(|function| function.endpoints)
        .map(|endpoint| format!("{} {}", endpoint.method, endpoint.path))
        .collect();
    assert_eq!(routes.iter().collect::<BTreeSet<_>>().len(), routes.len(), "{routes:#?}");
}

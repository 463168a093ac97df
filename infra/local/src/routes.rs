//! Which route a path takes, by API Gateway's rules: a literal segment is preferred to a parameter.

use std::collections::BTreeMap;

use http::Method;
use percent_encoding::percent_decode_str;

use crate::template::Route;

/// The routes of the API.
#[derive(Debug, Clone)]
pub struct Routes(Vec<Route>);

/// What a method and a path lead to.
#[derive(Debug, PartialEq, Eq)]
pub enum Found<'a> {
    /// This route, with its parameters.
    Route(&'a Route, BTreeMap<String, String>),
    /// The path exists, with these methods only.
    OtherMethods(Vec<&'a Method>),
    /// Nothing.
    Nothing,
}

impl Routes {
    /// These routes.
    pub fn new(routes: Vec<Route>) -> Self {
        Self(routes)
    }

    /// Finds the route of a path as the client sent it, percent-encoded and without its query.
    pub fn find(&self, method: &Method, path: &str) -> Found<'_> {
        let matching: Vec<(&Route, BTreeMap<String, String>)> =
            self.0.iter().filter_map(|route| Some((route, parameters(&route.path, path)?))).collect();
        let Some(fewest) = matching.iter().map(|(_, parameters)| parameters.len()).min() else {
            return Found::Nothing;
        };
        let nearest: Vec<_> = matching.into_iter().filter(|(_, parameters)| parameters.len() == fewest).collect();
        let methods = nearest.iter().map(|(route, _)| &route.method).collect();
        match nearest.into_iter().find(|(route, _)| route.method == *method) {
            Some((route, parameters)) => Found::Route(route, parameters),
            None => Found::OtherMethods(methods),
        }
    }
}

fn parameters(pattern: &str, path: &str) -> Option<BTreeMap<String, String>> {
    let (pattern, path): (Vec<&str>, Vec<&str>) = (pattern.split('/').collect(), path.split('/').collect());
    if pattern.len() != path.len() {
        return None;
    }
    let mut found = BTreeMap::new();
    for (wanted, given) in pattern.into_iter().zip(path) {
        match wanted.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
            Some(_) if given.is_empty() => return None,
            Some(name) => {
                found.insert(name.to_owned(), percent_decode_str(given).decode_utf8_lossy().into_owned());
            }
            None if wanted != given => return None,
            None => {}
        }
    }
    Some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn routes() -> Routes {
        let route = |method, path: &str| Route { method, path: path.to_owned(), function: path.to_owned() };
        Routes::new(vec![
            route(Method::GET, "/"),
            route(Method::GET, "/accounts/{id}"),
            route(Method::PUT, "/accounts/{id}"),
            route(Method::POST, "/accounts/create"),
            route(Method::GET, "/accounts/{id}/keys/{key_id}"),
        ])
    }

    fn shown(method: Method, path: &str) -> String {
        match routes().find(&method, path) {
            Found::Route(route, parameters) => {
                let parameters: Vec<String> = parameters.iter().map(|(name, value)| format!(" {name}={value}")).collect();
                format!("{}{}", route.path, parameters.concat())
            }
            Found::OtherMethods(methods) => format!("only {methods:?}"),
            Found::Nothing => "nothing".to_owned(),
        }
    }

    #[test]
    fn paths_lead_where_the_gateway_would_lead_them() {
        let table = [
            (Method::GET, "/", "/"),
            (Method::POST, "/", "only [GET]"),
            (Method::GET, "/accounts/acc_1", "/accounts/{id} id=acc_1"),
            (Method::GET, "/accounts/a%2Fb", "/accounts/{id} id=a/b"),
            (Method::POST, "/accounts/create", "/accounts/create"),
            (Method::DELETE, "/accounts/acc_1", "only [GET, PUT]"),
            (Method::GET, "/accounts/create", "only [POST]"),
            (Method::GET, "/accounts/acc_1/keys/key_1", "/accounts/{id}/keys/{key_id} id=acc_1 key_id=key_1"),
            (Method::GET, "/accounts//keys/key_1", "nothing"),
            (Method::GET, "/accounts/", "nothing"),
            (Method::GET, "/accounts", "nothing"),
            (Method::GET, "", "nothing"),
        ];
        for (method, path, wanted) in table {
            assert_eq!(shown(method.clone(), path), wanted, "{method} {path}");
        }
    }
}

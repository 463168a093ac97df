//! The document: endpoints and descriptions, put together.

use std::collections::{BTreeMap, BTreeSet};

use http::{Method, StatusCode};
use utoipa::openapi::extensions::Extensions;
use utoipa::openapi::path::{HttpMethod, Operation, OperationBuilder, ParameterBuilder, ParameterIn, PathItem};
use utoipa::openapi::request_body::RequestBodyBuilder;
use utoipa::openapi::security::SecurityRequirement;
use utoipa::openapi::server::{ServerBuilder, ServerVariableBuilder};
use utoipa::openapi::tag::TagBuilder;
use utoipa::openapi::{
    ContentBuilder, InfoBuilder, LicenseBuilder, OpenApi, OpenApiBuilder, Paths, Ref, RefOr, Required, Response, ResponseBuilder,
};

use crate::code::Code;
use crate::endpoint::{Access, Endpoint, Idempotency};
use crate::openapi::components::{self, header_ref, parameter_ref};
use crate::openapi::described::{Answer, Described, path_schema};
use crate::openapi::{rule, tidy};

/// Why there is no document: these endpoints and descriptions do not fit together.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.join("\n"))]
pub struct Undescribed(pub Vec<String>);

const ABOUT: &str = "\
A reseller platform for metered products: a tree of accounts, credit that moves down it, and the rights to do so.

- Amounts are decimal **strings** with their `currency`; times are RFC 3339 in UTC; ids carry a prefix and sort by age.
- A key reaches its own account and everything below it. What lies elsewhere answers exactly as what does not exist: 404.
- Every POST that moves credit needs an `Idempotency-Key`; retry with the same one and it happens once, for ever.
- Errors are `application/problem+json` with a stable `code` and a `type` that opens the page which explains it.
- Unknown fields and unknown query parameters are refused by name.
- Lists are paged: `limit` and `cursor` in, `data` and `next_cursor` out.";

/// Builds the document.
///
/// # Errors
/// [`Undescribed`] names endpoints without a description, descriptions without an endpoint, operations and schemas named twice,
/// path parameters without a schema and rules of no schema.
pub fn document(version: &str, tags: &[(&str, &str)], endpoints: &[Endpoint], described: &[Described]) -> Result<OpenApi, Undescribed> {
    let by_operation: BTreeMap<&str, &Described> = described.iter().map(|one| (one.operation, one)).collect();
    let mut wrong = mismatches(endpoints, described, tags);
    let mut paths = Paths::new();
    let mut components = components::shared();
    for endpoint in endpoints {
        let Some(described) = by_operation.get(endpoint.operation) else { continue };
        match (operation(endpoint, described), method(endpoint)) {
            (Ok(operation), Some(method)) => add(&mut paths, endpoint.path, method, operation),
            (Err(why), _) => wrong.push(why),
            (Ok(_), None) => wrong.push(format!("{}: {} is no method of OpenAPI", endpoint.operation, endpoint.method)),
        }
        for (name, schema) in &described.schemas {
            let before = components.schemas.insert(name.clone(), schema.clone());
            if before.is_some_and(|before| before != *schema) {
                wrong.push(format!("{name} is the name of two schemas"));
            }
        }
        let refused = refusals(endpoint, described).into_values();
        components.responses.extend(refused.map(|codes| (components::refusal_name(&codes), components::refusal(&codes).into())));
    }
    wrong.extend(rule::add(&mut components.schemas, described.iter().flat_map(|one| &one.rules)));
    if !wrong.is_empty() {
        return Err(Undescribed(wrong));
    }
    for request in described.iter().filter_map(|one| one.request.as_deref()) {
        tidy::close(&mut components.schemas, request);
    }
    tidy::modernise(&mut components.schemas);
    let tags = tags.iter().map(|(name, text)| TagBuilder::new().name(*name).description(Some(*text)).build());
    let document = OpenApiBuilder::new().info(info(version)).servers(Some(servers())).tags(Some(tags));
    let mut document = document.paths(paths).components(Some(components)).build();
    tidy::prune(&mut document);
    Ok(document)
}

fn mismatches(endpoints: &[Endpoint], described: &[Described], tags: &[(&str, &str)]) -> Vec<String> {
    let (mut wrong, mut seen) = (Vec::new(), BTreeSet::new());
    for endpoint in endpoints {
        if !seen.insert(endpoint.operation) {
            wrong.push(format!("{} is the operation of two endpoints", endpoint.operation));
        }
        if !described.iter().any(|one| one.operation == endpoint.operation) {
            wrong.push(format!("{} has no description in its function's openapi.rs", endpoint.operation));
        }
    }
    let mut told = BTreeSet::new();
    for one in described {
        if !told.insert(one.operation) {
            wrong.push(format!("{} is described twice", one.operation));
        }
        if !seen.contains(one.operation) {
            wrong.push(format!("{} is described, but no endpoint declares it", one.operation));
        }
        if !tags.iter().any(|(name, _)| *name == one.tag) {
            wrong.push(format!("{} is in the group {}, which the document does not have", one.operation, one.tag));
        }
    }
    wrong
}

fn info(version: &str) -> utoipa::openapi::Info {
    let license = LicenseBuilder::new().name("Apache-2.0").identifier(Some("Apache-2.0")).build();
    InfoBuilder::new().title("Tributary API").version(version).description(Some(ABOUT)).license(Some(license)).build()
}

fn servers() -> [utoipa::openapi::Server; 2] {
    let variable = |value: &str, text: &str| ServerVariableBuilder::new().default_value(value).description(Some(text)).build();
    let deployed = ServerBuilder::new()
        .url("https://{api}.execute-api.{region}.amazonaws.com/{environment}")
        .description(Some("A deployed stack; its output ApiUrl has the address"))
        .parameter("api", variable("a1b2c3d4e5", "The API's id."))
        .parameter("region", variable("us-east-1", "The region."))
        .parameter("environment", variable("prod", "The environment."));
    let local = ServerBuilder::new().url("http://127.0.0.1:8787").description(Some("The local run: cargo dev"));
    [local.build(), deployed.build()]
}

fn method(endpoint: &Endpoint) -> Option<HttpMethod> {
    match endpoint.method.as_str() {
        "GET" => Some(HttpMethod::Get),
        "POST" => Some(HttpMethod::Post),
        "PUT" => Some(HttpMethod::Put),
        "PATCH" => Some(HttpMethod::Patch),
        "DELETE" => Some(HttpMethod::Delete),
        _ => None,
    }
}

fn add(paths: &mut Paths, path: &str, method: HttpMethod, operation: Operation) {
    match paths.paths.get_mut(path) {
        Some(item) => item.merge_operations(PathItem::new(method, operation)),
        None => drop(paths.paths.insert(path.to_owned(), PathItem::new(method, operation))),
    }
}

fn operation(endpoint: &Endpoint, described: &Described) -> Result<Operation, String> {
    let mut operation = OperationBuilder::new()
        .operation_id(Some(endpoint.operation))
        .summary(Some(endpoint.summary))
        .description(Some(words(endpoint, described)))
        .tag(described.tag);
    for parameter in path_parameters(endpoint)? {
        operation = operation.parameter(parameter);
    }
    for parameter in described.query.clone() {
        operation = operation.parameter(parameter);
    }
    for name in shared_parameters(endpoint, described) {
        operation = operation.parameter_ref(parameter_ref(name));
    }
    if let Some(request) = &described.request {
        let content = ContentBuilder::new().schema(Some(Ref::from_schema_name(request))).build();
        let required = if described.request_needed { Required::True } else { Required::False };
        let body = RequestBodyBuilder::new().content("application/json", content).required(Some(required));
        operation = operation.request_body(Some(body.build()));
    }
    let (status, answer) = answer(endpoint, described);
    if described.or_accepted {
        operation = operation.response(StatusCode::ACCEPTED.as_str(), answer.clone());
    }
    if let Some((text, schema)) = &described.or_answered {
        let content = ContentBuilder::new().schema(Some(Ref::from_schema_name(schema))).build();
        let other = ResponseBuilder::new().description(*text).content("application/json", content);
        operation = operation.response(StatusCode::OK.as_str(), other.header_ref("X-Request-Id", header_ref("RequestId")).build());
    }
    operation = operation.response(status.as_str(), answer);
    for (status, codes) in refusals(endpoint, described) {
        operation = operation.response(status.to_string(), RefOr::Ref(Ref::from_response_name(components::refusal_name(&codes))));
    }
    operation = operation.response("default", RefOr::Ref(Ref::from_response_name("Problem")));
    operation = match endpoint.access {
        Access::Public => operation.securities(Some(Vec::<SecurityRequirement>::new())),
        Access::Session => operation.security(by_session(endpoint)),
        Access::Right(right) => operation
            .security(SecurityRequirement::new("bearer", Vec::<String>::new()))
            .security(by_session(endpoint))
            .extensions(Some(Extensions::from_iter([("x-right", right.word())]))),
    };
    Ok(operation.build())
}

/// A session's cookie, and beside it the token where something is changed.
fn by_session(endpoint: &Endpoint) -> SecurityRequirement {
    let cookie = SecurityRequirement::new("session", Vec::<String>::new());
    if endpoint.method == Method::GET { cookie } else { cookie.add("csrf", Vec::<String>::new()) }
}

fn words(endpoint: &Endpoint, described: &Described) -> String {
    let mut paragraphs = vec![described.text.to_owned()];
    match endpoint.access {
        Access::Public => paragraphs.push("Needs no API key.".to_owned()),
        Access::Session => paragraphs.push("Needs a session; an API key is refused.".to_owned()),
        Access::Right(right) if described.from_above => {
            paragraphs
                .push(format!("Needs the right `{right}` at the account and at the one above it: nobody does this to their own account."));
        }
        Access::Right(right) => paragraphs.push(format!("Needs the right `{right}`.")),
    }
    paragraphs.extend(described.extras.iter().map(|extra| format!("Needs `{}` too {}.", extra.right, extra.when)));
    paragraphs.join("\n\n")
}

fn path_parameters(endpoint: &Endpoint) -> Result<Vec<ParameterBuilder>, String> {
    let segments: Vec<&str> = endpoint.path.split('/').collect();
    let mut parameters = Vec::new();
    for pair in segments.windows(2) {
        let [before, segment] = pair else { continue };
        let Some(name) = segment.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) else { continue };
        let (text, schema) =
            path_schema(before, name).ok_or_else(|| format!("{}: no schema for {before}/{segment}", endpoint.operation))?;
        let parameter = ParameterBuilder::new().name(name).parameter_in(ParameterIn::Path).required(Required::True);
        parameters.push(parameter.description(Some(text)).schema(Some(schema)));
    }
    Ok(parameters)
}

fn shared_parameters(endpoint: &Endpoint, described: &Described) -> Vec<&'static str> {
    let mut names = Vec::new();
    if described.paged {
        names.extend(["Limit", "Cursor"]);
    }
    match endpoint.idempotency {
        Idempotency::Required => names.push("IdempotencyKeyRequired"),
        Idempotency::Accepted => names.push("IdempotencyKey"),
        Idempotency::Unused => {}
    }
    if described.if_match {
        names.push("IfMatch");
    }
    names
}

fn answer(endpoint: &Endpoint, described: &Described) -> (StatusCode, Response) {
    let response = ResponseBuilder::new().description(described.answer_text).header_ref("X-Request-Id", header_ref("RequestId"));
    let (status, mut response) = match &described.answer {
        Answer::Json(status, schema) => {
            let content = ContentBuilder::new().schema(Some(Ref::from_schema_name(schema))).build();
            (*status, response.content("application/json", content))
        }
        Answer::Png => {
            let bytes = utoipa::openapi::ObjectBuilder::new().content_media_type("image/png");
            (StatusCode::OK, response.content("image/png", ContentBuilder::new().schema(Some(bytes)).build()))
        }
        Answer::Html => {
            let text = utoipa::openapi::ObjectBuilder::new().schema_type(utoipa::openapi::Type::String);
            (StatusCode::OK, response.content("text/html", ContentBuilder::new().schema(Some(text)).build()))
        }
    };
    if described.located {
        response = response.header_ref("Location", header_ref("Location"));
    }
    if described.etag {
        response = response.header_ref("ETag", header_ref("ETag"));
    }
    if endpoint.idempotency != Idempotency::Unused {
        response = response.header_ref("Idempotent-Replayed", header_ref("IdempotentReplayed"));
    }
    (status, response.build())
}

/// The codes of an operation by their status: what its declaration implies, and what its description adds.
fn refusals(endpoint: &Endpoint, described: &Described) -> BTreeMap<u16, Vec<Code>> {
    let mut codes: BTreeSet<Code> = described.refusals.iter().copied().collect();
    if endpoint.access != Access::Public {
        codes.extend([Code::Unauthorized, Code::Internal, Code::Busy, Code::OutcomeUnknown]);
        if let Access::Right(_) = endpoint.access {
            codes.extend([Code::Forbidden, Code::NotFound]);
        }
        // Whatever the method, a query parameter that is unknown or given twice is refused.
        codes.extend([Code::ValidationFailed, Code::UnknownField]);
        if endpoint.method != Method::GET {
            codes.extend([Code::CsrfFailed, Code::InvalidJson, Code::UnsupportedMediaType, Code::BodyTooLarge]);
        }
    }
    if described.paged {
        codes.insert(Code::InvalidCursor);
    }
    if described.if_match {
        codes.insert(Code::PreconditionFailed);
    }
    match endpoint.idempotency {
        Idempotency::Required => codes.extend([Code::IdempotencyKeyMissing, Code::IdempotencyKeyInvalid, Code::IdempotencyKeyReused]),
        Idempotency::Accepted => codes.extend([Code::IdempotencyKeyInvalid, Code::IdempotencyKeyReused]),
        Idempotency::Unused => {}
    }
    let mut by_status: BTreeMap<u16, Vec<Code>> = BTreeMap::new();
    for code in codes {
        by_status.entry(code.status().as_u16()).or_default().push(code);
    }
    by_status
}

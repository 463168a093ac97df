//! The parts that every operation shares: problems, headers, the credential, pages.

use serde_json::json;
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{ArrayBuilder, KnownFormat, ObjectBuilder, SchemaFormat, Type};
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{Components, ContentBuilder, HeaderBuilder, Ref, RefOr, Required, Response, ResponseBuilder, Schema, header::Header};
use utoipa::{PartialSchema, ToSchema};

use crate::call::MAX_IDEMPOTENCY_KEY;
use crate::code::Code;
use crate::openapi::wire;
use crate::params::{DEFAULT_LIMIT, MAX_LIMIT};

pub(crate) const PROBLEM: &str = "application/problem+json";

fn text(description: &str) -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String).description(Some(description))
}

/// What is shared, without the operations' own schemas.
pub(crate) fn shared() -> Components {
    let mut components = Components::new();
    components.add_security_scheme("bearer", bearer());
    components.add_security_scheme("session", session());
    components.add_security_scheme("csrf", csrf());
    let schemas = [("FieldError", field_error()), ("Problem", problem()), ("RequestId", wire::RequestId::schema())];
    components.schemas.extend(schemas.map(|(name, schema)| (name.to_owned(), schema)));
    components.responses.insert("Problem".to_owned(), any_problem().into());
    components.parameters.extend(parameters().map(|(name, parameter)| (name.to_owned(), parameter.into())));
    components.headers.extend(headers().map(|(name, header)| (name.to_owned(), header.into())));
    components
}

fn bearer() -> SecurityScheme {
    let http = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("rk_live_… or rk_test_…");
    SecurityScheme::Http(
        http.description(Some("An API key, as `Authorization: Bearer rk_live_…`. It is shown once, when it is made.")).build(),
    )
}

fn session() -> SecurityScheme {
    let about = "A browser's session, of an API key or a member: the cookie that POST /portal/session sets. It counts where no `Authorization` is sent.";
    SecurityScheme::ApiKey(ApiKey::Cookie(ApiKeyValue::with_description("__Host-tributary", about)))
}

fn csrf() -> SecurityScheme {
    let about = "The session's `csrf_token`. A request that changes something by a session's cookie is refused without it.";
    SecurityScheme::ApiKey(ApiKey::Header(ApiKeyValue::with_description("X-CSRF-Token", about)))
}

fn field_error() -> RefOr<Schema> {
    ObjectBuilder::new()
        .description(Some("What is wrong with one field."))
        .property("pointer", text("JSON pointer into the body, or `/query/name`.").examples(["/legs/1/amount"]))
        .property("detail", text("What is wrong and what to do.").examples(["must be greater than zero"]))
        .required("pointer")
        .required("detail")
        .into()
}

fn problem() -> RefOr<Schema> {
    let link = text("The page that explains this error.").format(Some(SchemaFormat::Custom("uri".to_owned())));
    let status = ObjectBuilder::new().schema_type(Type::Integer).format(Some(SchemaFormat::KnownFormat(KnownFormat::Int32)));
    let errors = ArrayBuilder::new()
        .items(RefOr::Ref(Ref::from_schema_name("FieldError")))
        .description(Some("The wrong fields, where there are some."));
    ObjectBuilder::new()
        .description(Some(
            "An error (RFC 9457). Decide by `code`, never by `title` or `detail`. Some codes carry more members; their pages name them.",
        ))
        .property("type", link.examples(["https://docs.tributary.example/errors/insufficient_credits"]))
        .property("title", text("The error in a few words, the same each time.").examples([Code::InsufficientCredits.title()]))
        .property("status", status.description(Some("The HTTP status.")).examples([422]))
        .property("detail", text("What happened here, for people."))
        .property("code", text("The error's stable code.").examples([Code::InsufficientCredits.word()]))
        .property(
            "request_id",
            RefOr::Ref(
                Ref::builder()
                    .ref_location_from_schema_name("RequestId")
                    .description(Some("Name it when you ask for help. The gateway's own answers carry an id of another form."))
                    .build(),
            ),
        )
        .property("errors", errors)
        .required("type")
        .required("title")
        .required("status")
        .required("detail")
        .required("code")
        .required("request_id")
        .examples([json!({
            "type": "https://docs.tributary.example/errors/validation_failed",
            "title": Code::ValidationFailed.title(),
            "status": 400,
            "detail": "/amount: must be greater than zero",
            "code": Code::ValidationFailed.word(),
            "request_id": "01920f6e-8c4b-7d3a-9f21-5b7c8d9e0a1f",
            "errors": [{ "pointer": "/amount", "detail": "must be greater than zero" }],
        })])
        .into()
}

fn any_problem() -> Response {
    let content = ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).build();
    ResponseBuilder::new()
        .description("Any other problem, such as the gateway's own 429, 502 or 504.")
        .content(PROBLEM, content)
        .header_ref("X-Request-Id", header_ref("RequestId"))
        .header_ref("Retry-After", header_ref("RetryAfter"))
        .build()
}

/// The name of the answer of some codes with one status: operations with the same codes share it.
pub(crate) fn refusal_name(codes: &[Code]) -> String {
    codes.iter().map(|code| code.word()).collect::<Vec<_>>().join(".")
}

/// The answer of some codes with one status.
pub(crate) fn refusal(codes: &[Code]) -> Response {
    let words = || codes.iter().map(|code| code.word());
    let lines: Vec<String> = codes.iter().map(|code| format!("`{}`: {}.", code.word(), code.title())).collect();
    let narrowed = ObjectBuilder::new().property("code", ObjectBuilder::new().schema_type(Type::String).enum_values(Some(words())));
    let schema = utoipa::openapi::AllOfBuilder::new().item(Ref::from_schema_name("Problem")).item(narrowed.build()).build();
    let content = ContentBuilder::new().schema(Some(Schema::AllOf(schema))).build();
    let response = ResponseBuilder::new()
        .description(lines.join("\n\n"))
        .content(PROBLEM, content)
        .header_ref("X-Request-Id", header_ref("RequestId"));
    let waits = codes.iter().any(|code| matches!(code, Code::Busy | Code::OutcomeUnknown));
    match waits {
        true => response.header_ref("Retry-After", header_ref("RetryAfter")).build(),
        false => response.build(),
    }
}

pub(crate) fn header_ref(name: &str) -> Ref {
    Ref::new(format!("#/components/headers/{name}"))
}

pub(crate) fn parameter_ref(name: &str) -> Ref {
    Ref::new(format!("#/components/parameters/{name}"))
}

fn parameters() -> [(&'static str, Parameter); 5] {
    let query = |name: &str| ParameterBuilder::new().name(name).parameter_in(ParameterIn::Query).required(Required::False);
    let limit = query("limit").description(Some("The most rows of the page.")).schema(Some(wire::between(1, MAX_LIMIT, DEFAULT_LIMIT)));
    let cursor = query("cursor")
        .description(Some("The previous page's `next_cursor`. It belongs to one list, one query and one account."))
        .schema(Some(ObjectBuilder::new().schema_type(Type::String)));
    let version = ObjectBuilder::new().schema_type(Type::String).examples(["\"7\""]);
    let if_match = ParameterBuilder::new()
        .name("If-Match")
        .parameter_in(ParameterIn::Header)
        .required(Required::False)
        .description(Some("The `ETag` that the edit is based on: the edit is refused if the resource has changed since. `*` or nothing edits whatever is there."))
        .schema(Some(version));
    [
        ("Limit", limit.build()),
        ("Cursor", cursor.build()),
        ("IdempotencyKeyRequired", idempotency_key(Required::True)),
        ("IdempotencyKey", idempotency_key(Required::False)),
        ("IfMatch", if_match.build()),
    ]
}

fn idempotency_key(required: Required) -> Parameter {
    let key = ObjectBuilder::new()
        .schema_type(Type::String)
        .min_length(Some(1))
        .max_length(Some(MAX_IDEMPOTENCY_KEY))
        .pattern(Some("^[!-~]+$"))
        .examples(["0b9e6f2c-7f0d-4a55-a6c1-3f4c1c9f7a10"]);
    ParameterBuilder::new()
        .name("Idempotency-Key")
        .parameter_in(ParameterIn::Header)
        .required(required)
        .description(Some(
            "A name that you give this request, such as a UUID. Send the same one when you retry: it is done once, for ever, and a retry gets the first answer with `Idempotent-Replayed: true`. Scoped to your account and the route.",
        ))
        .schema(Some(key))
        .build()
}

fn headers() -> [(&'static str, Header); 5] {
    let header =
        |description: &str, schema: ObjectBuilder| HeaderBuilder::new().description(Some(description)).schema(Some(schema)).build();
    let plain = || ObjectBuilder::new().schema_type(Type::String);
    [
        ("ETag", header("The resource's version, for `If-Match`.", plain().examples(["\"7\""]))),
        ("Location", header("Where the new resource is.", plain().format(Some(SchemaFormat::Custom("uri-reference".to_owned()))))),
        (
            "IdempotentReplayed",
            header("`true` if this answer was given before, to the same `Idempotency-Key`.", plain().enum_values(Some(["true"]))),
        ),
        (
            "RequestId",
            HeaderBuilder::new()
                .description(Some("The request's id."))
                .schema(Some(Ref::from_schema_name(wire::RequestId::name())))
                .build(),
        ),
        (
            "RetryAfter",
            header("How many seconds to wait before trying again.", ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(0))),
        ),
    ]
}

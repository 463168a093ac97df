//! What the document says of an operation beyond its endpoint's declaration.

use http::StatusCode;
use serde_json::Value;
use tributary_domain::rights::Right;
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{Ref, RefOr, Required, Schema};
use utoipa::{PartialSchema, ToSchema};

use crate::code::Code;
use crate::openapi::rule::Rule;
use crate::openapi::wire::{self, Schemas};

/// A right that an operation needs beside its endpoint's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extra {
    /// The right.
    pub right: Right,
    /// When it is needed.
    pub when: &'static str,
}

/// The answer when all goes well.
#[derive(Clone)]
pub enum Answer {
    /// A JSON document: the name of its schema.
    Json(StatusCode, String),
    /// A page for people.
    Html,
    /// A picture.
    Png,
}

/// An operation's description.
#[derive(Clone)]
pub struct Described {
    /// The endpoint's operation.
    pub operation: &'static str,
    /// The group it is shown in.
    pub tag: &'static str,
    /// What it does, in as many words as are needed.
    pub text: &'static str,
    /// Rights that it needs beside the endpoint's own.
    pub extras: Vec<Extra>,
    /// Whether the right must be held at the account above the target.
    pub from_above: bool,
    pub(crate) query: Vec<Parameter>,
    pub(crate) paged: bool,
    pub(crate) request: Option<String>,
    pub(crate) request_needed: bool,
    pub(crate) answer: Answer,
    pub(crate) answer_text: &'static str,
    pub(crate) located: bool,
    pub(crate) or_accepted: bool,
    pub(crate) or_answered: Option<(&'static str, String)>,
    pub(crate) etag: bool,
    pub(crate) if_match: bool,
    pub(crate) refusals: Vec<Code>,
    pub(crate) schemas: Schemas,
    pub(crate) rules: Vec<Rule>,
}

impl Described {
    /// An operation that answers a page for people until told otherwise.
    pub fn new(operation: &'static str, tag: &'static str, text: &'static str) -> Self {
        Self {
            operation,
            tag,
            text,
            extras: Vec::new(),
            from_above: false,
            query: Vec::new(),
            paged: false,
            request: None,
            request_needed: true,
            answer: Answer::Html,
            answer_text: "The page.",
            located: false,
            or_accepted: false,
            or_answered: None,
            etag: false,
            if_match: false,
            refusals: Vec::new(),
            schemas: Vec::new(),
            rules: Vec::new(),
        }
    }

    fn keep<T: ToSchema>(&mut self) -> String {
        let name = T::name().into_owned();
        self.schemas.push((name.clone(), T::schema()));
        T::schemas(&mut self.schemas);
        name
    }

    /// The request's body.
    pub fn takes<T: ToSchema>(mut self) -> Self {
        self.request = Some(self.keep::<T>());
        self
    }

    /// The request's body, which may be left out: then nothing in it is given.
    pub fn may_take<T: ToSchema>(mut self) -> Self {
        self.request_needed = false;
        self.takes::<T>()
    }

    /// Adds a keyword of JSON Schema to the schema of a type that the request is or holds: a rule between its fields.
    pub fn ruled<T: ToSchema>(mut self, keyword: &'static str, value: Value) -> Self {
        self.rules.push(Rule { schema: T::name().into_owned(), keyword, value });
        self
    }

    /// Answers 200 with a picture.
    pub fn answers_picture(mut self, text: &'static str) -> Self {
        self.answer = Answer::Png;
        self.answer_text = text;
        self
    }

    /// Answers 200 with a document.
    pub fn answers<T: ToSchema>(mut self, text: &'static str) -> Self {
        self.answer = Answer::Json(StatusCode::OK, self.keep::<T>());
        self.answer_text = text;
        self
    }

    /// Answers 201 with a document, and says where it is.
    pub fn creates<T: ToSchema>(mut self, text: &'static str) -> Self {
        self.answer = Answer::Json(StatusCode::CREATED, self.keep::<T>());
        self.answer_text = text;
        self.located = true;
        self
    }

    /// Answers 202 with a document about what is still to be done, and says where it is.
    pub fn accepts<T: ToSchema>(mut self, text: &'static str) -> Self {
        self.answer = Answer::Json(StatusCode::ACCEPTED, self.keep::<T>());
        self.answer_text = text;
        self.located = true;
        self
    }

    /// Answers 202 with the same document as long as it is not done.
    pub fn or_accepts(mut self) -> Self {
        self.or_accepted = true;
        self
    }

    /// Answers 200 with another document where nothing was made yet.
    pub fn or_answers<T: ToSchema>(mut self, text: &'static str) -> Self {
        self.or_answered = Some((text, self.keep::<T>()));
        self
    }

    /// Answers 202 with a document that is nowhere else.
    pub fn answers_accepted<T: ToSchema>(mut self, text: &'static str) -> Self {
        self.answer = Answer::Json(StatusCode::ACCEPTED, self.keep::<T>());
        self.answer_text = text;
        self
    }

    /// Answers with an `ETag`.
    pub fn tagged(mut self) -> Self {
        self.etag = true;
        self
    }

    /// Answers with an `ETag` and honours `If-Match`.
    pub fn edits(mut self) -> Self {
        self.etag = true;
        self.if_match = true;
        self
    }

    /// Takes `limit` and `cursor`.
    pub fn paged(mut self) -> Self {
        self.paged = true;
        self
    }

    fn parameter(mut self, name: &str, text: &str, schema: impl Into<RefOr<Schema>>) -> Self {
        let parameter = ParameterBuilder::new()
            .name(name)
            .parameter_in(ParameterIn::Query)
            .required(Required::False)
            .description(Some(text))
            .schema(Some(schema));
        self.query.push(parameter.build());
        self
    }

    /// Takes a query parameter of a type with a schema of its own.
    pub fn query<T: ToSchema>(mut self, name: &str, text: &str) -> Self {
        let schema = self.keep::<T>();
        self.parameter(name, text, Ref::from_schema_name(schema))
    }

    /// Needs a query parameter of a type with a schema of its own.
    pub fn needs<T: ToSchema>(self, name: &str, text: &str) -> Self {
        let mut described = self.query::<T>(name, text);
        described.query.iter_mut().filter(|parameter| parameter.name == name).for_each(|parameter| parameter.required = Required::True);
        described
    }

    /// Takes a flag in the query: present without a value, or `true` or `false`.
    pub fn flag(self, name: &str, text: &str) -> Self {
        let schema = ObjectBuilder::new().schema_type(Type::Boolean).default(Some(false.into()));
        self.parameter(name, text, schema)
    }

    /// Takes a time in the query.
    pub fn time(self, name: &str, text: &str) -> Self {
        self.parameter(name, text, wire::time())
    }

    /// Takes a whole number in the query, between two bounds.
    pub fn between(self, name: &str, text: &str, (least, most): (usize, usize), unless_given: usize) -> Self {
        self.parameter(name, text, wire::between(least, most, unless_given))
    }

    /// Takes a free text in the query, of at most so many bytes.
    pub fn search(self, name: &str, text: &str, most: usize) -> Self {
        self.parameter(name, text, wire::search(most))
    }

    /// Needs another right at times.
    pub fn also(mut self, right: Right, when: &'static str) -> Self {
        self.extras.push(Extra { right, when });
        self
    }

    /// Needs its right at the account above the target: nobody does this to their own account.
    pub fn from_above(mut self) -> Self {
        self.from_above = true;
        self
    }

    /// Answers these problems beside those that its declaration already implies.
    pub fn refuses(mut self, codes: &[Code]) -> Self {
        self.refusals.extend(codes);
        self
    }
}

/// The schema of a path's parameter, by the segment before it and its name.
pub(crate) fn path_schema(before: &str, name: &str) -> Option<(&'static str, RefOr<Schema>)> {
    fn of<T: ToSchema + PartialSchema>(text: &'static str) -> Option<(&'static str, RefOr<Schema>)> {
        Some((text, T::schema()))
    }
    match (before, name) {
        ("accounts", "id") => of::<wire::AccountId>("The account."),
        ("transfers", "id") => of::<wire::TransferId>("The transfer."),
        ("holds", "id") => of::<wire::HoldId>("The hold."),
        ("exports", "id") => of::<wire::ExportId>("The export."),
        ("webhooks", "id") => of::<wire::WebhookId>("The endpoint."),
        ("deliveries", "event_id") => of::<wire::EventId>("The event."),
        ("unsubscribe", "token") => of::<wire::UnsubscribeToken>("What the mail's link holds."),
        ("bulk", "id") => of::<wire::JobId>("The job."),
        ("keys", "key_id") => of::<wire::KeyId>("The key."),
        ("members", "member_id") => of::<wire::MemberId>("The member."),
        ("roles", "role_id") => of::<wire::RoleId>("The role."),
        ("denies", "account_id") => {
            of::<wire::AccountId>("The account at which the deny begins: the key's or member's own, or one below it.")
        }
        ("meters", "key") => of::<wire::MeterKey>("The meter."),
        ("rate-cards", "id") => of::<wire::RateCardId>("The rate card."),
        ("packages", "id") => of::<wire::PackageId>("The package."),
        ("promotions", "id") => of::<wire::PromotionId>("The promotion."),
        ("invoices", "id") => of::<wire::InvoiceId>("The invoice."),
        ("payments", "id") => of::<wire::PaymentId>("The payment."),
        ("credit-notes", "id") => of::<wire::CreditNoteId>("The credit note."),
        ("disputes", "id") => of::<wire::DisputeId>("The dispute."),
        ("runs", "id") => of::<wire::RunId>("The run."),
        ("payment-methods", "id") => of::<wire::PaymentMethodId>("The card."),
        ("processor", "account_id") => of::<wire::AccountId>("The seller whose processor it is."),
        ("test-clocks", "id") => of::<wire::TestClockId>("The clock."),
        ("charges", "id") => of::<wire::ChargeId>("The charge."),
        ("spend", "id") => of::<wire::SpendId>("What was written down."),
        ("alerts", "id") => of::<wire::AlertId>("The alert."),
        ("events", "id") => of::<wire::UsageEventId>("The event's own id, percent-encoded where a path needs it."),
        ("batches", "id") => of::<wire::UsageBatchId>("The batch."),
        ("logo", "digest") => of::<wire::LogoDigest>("The logo."),
        ("errors", "code") => of::<wire::ErrorCode>("The error's code."),
        _ => None,
    }
}

//! What the domain's types look like on the wire. `shared/domain` knows no OpenAPI, so each of its types has a stand-in
//! here, which fields name by `schema(value_type = …)`.

use serde_json::{Value, json};
use tributary_domain::account::{Funding as DomainFunding, Kind as AccountKind, MAX_TAGS, Status};
use tributary_domain::alert::Metric;
use tributary_domain::billing::charge::ChargeKind as Charged;
use tributary_domain::billing::dispute::DisputeState as Disputed;
use tributary_domain::billing::invoice::{InvoiceState as Invoiced, LineKind as Lined};
use tributary_domain::billing::payment::{DeclineKind as Declined, PaymentState as Paying, Way};
use tributary_domain::brand::Token;
use tributary_domain::bulk::rows::Kind as RowKind;
use tributary_domain::bulk::state::{Phase, State};
use tributary_domain::delivery::DeliveryState;
use tributary_domain::hold::HoldStatus as Hold;
use tributary_domain::ledger::EntryKind as Entry;
use tributary_domain::pricing::meter::Aggregation as Aggregated;
use tributary_domain::pricing::package::Sale as Sold;
use tributary_domain::pricing::resolve::RuleKind as Rule;
use tributary_domain::rights::Right as DomainRight;
use tributary_domain::topup::Reason;
use utoipa::openapi::schema::{AdditionalProperties, KnownFormat, ObjectBuilder, SchemaFormat, SchemaType, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use crate::reply::PageView;

/// Every component schema that a type needs, by name.
pub type Schemas = Vec<(String, RefOr<Schema>)>;

fn text(description: &str) -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String).description(Some(description.trim()))
}

fn id(prefix: &str, description: &str) -> ObjectBuilder {
    // 26 characters of Crockford's base32 hold 130 bits; the first holds only 3 of the 128.
    text(description)
        .pattern(Some(format!("^{prefix}_[0-7][0-9a-hjkmnp-tv-z]{{25}}$")))
        .examples([format!("{prefix}_01hx3v9k2mfd8bq5r7w1z4n6ty")])
}

/// A text of 1 to `max_bytes` bytes that people type: no control, direction or invisible characters, and not white space
/// alone. Beyond U+FFFF a class has no form that all readers of patterns share, so the few tag characters there are left out.
fn typed(description: &str, max_bytes: usize) -> ObjectBuilder {
    const FORBIDDEN: &str = r"\u0000-\u001F\u007F-\u009F\u00AD\u061C\u180E\u200B-\u200F\u2028-\u202E\u2060-\u206F\u3164\uFEFF\uFFF9-\uFFFD";
    const SPACE: &str = r"\u0020\u00A0\u1680\u2000-\u200A\u202F\u205F\u3000";
    let pattern = format!("^[^{FORBIDDEN}]*[^{FORBIDDEN}{SPACE}][^{FORBIDDEN}]*$");
    text(description).min_length(Some(1)).max_length(Some(max_bytes)).pattern(Some(pattern))
}

/// The same in lines.
fn said(description: &str, max_bytes: usize) -> ObjectBuilder {
    const FORBIDDEN: &str =
        r"\u0000-\u0009\u000B-\u001F\u007F-\u009F\u00AD\u061C\u180E\u200B-\u200F\u2028-\u202E\u2060-\u206F\u3164\uFEFF\uFFF9-\uFFFD";
    const SPACE: &str = r"\u000A\u0020\u00A0\u1680\u2000-\u200A\u202F\u205F\u3000";
    let pattern = format!("^[^{FORBIDDEN}]*[^{FORBIDDEN}{SPACE}][^{FORBIDDEN}]*$");
    text(description).min_length(Some(1)).max_length(Some(max_bytes)).pattern(Some(pattern))
}

/// What matches 0 to 10^`zeros` with so many decimals.
fn up_to(zeros: usize, decimals: usize) -> String {
    format!(r"0*([0-9]{{1,{zeros}}}(\.[0-9]{{1,{decimals}}})?|10{{{zeros}}}(\.0{{1,{decimals}}})?)")
}

/// What matches the same above zero: a digit that is not zero before the point or after it.
fn above_zero(zeros: usize, decimals: usize) -> String {
    let after_zeros = |before: usize| format!("0{{{before}}}[1-9][0-9]{{0,{}}}", decimals - 1 - before);
    let small = (0..decimals).map(after_zeros).collect::<Vec<_>>().join("|");
    let rest = zeros - 1;
    format!(r"(0*([1-9][0-9]{{0,{rest}}}(\.[0-9]{{1,{decimals}}})?|10{{{zeros}}}(\.0{{1,{decimals}}})?)|0+\.({small}))")
}

fn number(description: &str, pattern: &str) -> ObjectBuilder {
    text(description).max_length(Some(64)).pattern(Some(format!("^{pattern}$")))
}

/// A decimal string of at most 1000000000000 and six decimals.
fn decimal(description: &str) -> ObjectBuilder {
    number(description, &up_to(12, 6))
}

/// The same above zero.
fn positive(description: &str) -> ObjectBuilder {
    number(description, &above_zero(12, 6))
}

/// A decimal string, or a JSON number of at most `most`.
fn quantity(text: ObjectBuilder, most: i64) -> ObjectBuilder {
    text.schema_type(SchemaType::from_iter([Type::String, Type::Number])).minimum(Some(0)).maximum(Some(most)).examples(["12.5"])
}

/// Every currency that credit can be kept in.
fn currencies() -> Vec<String> {
    let letters = || 'A'..='Z';
    let codes = letters().flat_map(|a| letters().flat_map(move |b| letters().map(move |c| String::from_iter([a, b, c]))));
    codes.filter(|code| code.parse::<tributary_domain::money::Currency>().is_ok()).collect()
}

fn words<'a>(description: &str, words: impl Iterator<Item = &'a str>) -> ObjectBuilder {
    text(description).enum_values(Some(words.collect::<Vec<_>>()))
}

fn custom(format: &str) -> Option<SchemaFormat> {
    Some(SchemaFormat::Custom(format.to_owned()))
}

/// RFC 5321's dot-atom form with a dotted host.
const EMAIL: &str = "^[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*\
    @([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\\.)+[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?$";

/// Of meters, properties, tiers and codes.
const SLUG: &str = "^[a-z][a-z0-9_.-]{0,39}$";

/// What a report is grouped by; the names of tags have no points.
const GROUP: &str = "(account|meter|tag:[a-z][a-z0-9_-]{0,39}|dimension:[a-z][a-z0-9_.-]{0,39})";

/// Every kind of rule, in order.
const RULES: [Rule; 8] = [
    Rule::AccountCard,
    Rule::AccountMeterMarkup,
    Rule::AccountMarkup,
    Rule::Card,
    Rule::MeterMarkup,
    Rule::Markup,
    Rule::InheritedMarkup,
    Rule::Cost,
];

/// Every kind of line.
const LINES: [Lined; 8] =
    [Lined::Usage, Lined::Fee, Lined::Minimum, Lined::Purchase, Lined::Adjustment, Lined::CarriedForward, Lined::Promotion, Lined::Tax];

macro_rules! schemas {
    ($($name:ident = $description:literal, $build:expr;)+) => {$(
        #[doc = $description]
        #[derive(Debug, Clone, Copy)]
        pub struct $name;

        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                let build: fn(&str) -> ObjectBuilder = $build;
                build($description).into()
            }
        }

        impl ToSchema for $name {}
    )+};
}

schemas! {
    AccountId = "An account's id. Ids sort by the time they were made.", |d| id("acc", d);
    TransferId = "A transfer's id.", |d| id("txf", d);
    HoldId = "A hold's id.", |d| id("hld", d);
    ExportId = "An export's id.", |d| id("exp", d);
    ExportFormat = "What kind of file.", |d| words(d, ["csv", "jsonl", "parquet"].into_iter());
    ExportStatus = "How far an export is. An `expired` one was completed more than seven days ago; ask for it again.",
        |d| words(d, ["queued", "running", "completed", "failed", "expired"].into_iter());
    GroupBy = "What rows are kept apart by: `account`, `meter`, `tag:NAME` (a tag of the accounts) and `dimension:NAME` (a \
        dimension of the meters), separated by commas, each at most once.",
        |d| text(d).pattern(Some(format!("^{GROUP}(,{GROUP}){{0,3}}$")))
            .examples(["account,meter"]);
    WebhookId = "A webhook endpoint's id.", |d| id("whk", d);
    EventId = "An event's id. Ids sort by the time of the event.", |d| id("evt", d);
    EndpointUrl = "An `https` address of the public internet, without user, password and fragment, on port 443 or one from 1024 up.",
        |d| text(d).format(custom("uri")).max_length(Some(2000)).examples(["https://example.com/hooks"]);
    EventFilter = "Which events: one type, a group such as `credit.*`, or `*` for all.",
        |d| text(d).pattern(Some(r"^(\*|[a-z0-9_]+\.(\*|[a-z0-9_]+))$")).max_length(Some(100)).examples(["credit.*"]);
    DeliveryStatus = "How far a delivery is.", |d| words(d, DeliveryState::ALL.iter().map(|state| state.word()));
    UnsubscribeToken = "What a mail's link holds.", |d| text(d).pattern(Some("^[A-Za-z0-9_-]{1,400}$"));
    JobId = "A bulk job's id.", |d| id("job", d);
    UploadId = "The id of rows that were uploaded for a bulk job.", |d| id("upl", d);
    BulkKind = "What the rows of a job do.", |d| words(d, RowKind::ALL.iter().map(|kind| kind.word()));
    BulkState = "How a job stands.", |d| words(d, State::ALL.iter().map(|state| state.word()));
    BulkPhase = "What a job is at.", |d| words(d, Phase::ALL.iter().map(|phase| phase.word()));
    BulkFormat = "How rows are written: comma-separated values with a header, or a JSON object a line; both in UTF-8.",
        |d| words(d, ["csv", "jsonl"].into_iter());
    TimeZoneName = "An IANA time zone that exists.", |d| text(d).examples(["Europe/Berlin"]);
    Locale = "A BCP 47 language tag.", |d| text(d).pattern(Some("^[a-z]{2,3}(-[A-Za-z0-9]{2,4}){0,2}$")).examples(["de-CH"]);
    TimeOfDay = "A time of day, of 24 hours.", |d| text(d).pattern(Some("^([01][0-9]|2[0-3]):[0-5][0-9]$")).examples(["22:00"]);
    KeyId = "An API key's id.", |d| id("key", d);
    MemberId = "A member's id.", |d| id("mem", d);
    SessionId = "A session's id.", |d| id("ses", d);
    RoleId = "A custom role's id.", |d| id("rol", d);
    ErrorCode = "An error's code.", |d| text(d).pattern(Some("^[a-z_]{1,40}$")).examples(["insufficient_credits"]);
    RequestId = "A request's id: the one under which its log lines and records are found.",
        |d| text(d).format(custom("uuid")).examples(["01920f6e-8c4b-7d3a-9f21-5b7c8d9e0a1f"]);
    Name = "A name: 1 to 200 bytes of UTF-8, without control or direction characters; kept in NFC.",
        |d| typed(d, 200).examples(["Northwind Telecom"]);
    ExternalId = "Your own id for an account, unique under one parent.",
        |d| text(d).pattern(Some("^[A-Za-z0-9_.:/@-]{1,128}$")).examples(["crm:4711"]);
    Reference = "A note on a movement of credit: 1 to 200 bytes of UTF-8.",
        |d| typed(d, 200).examples(["PO 2026-117"]);
    Email = "An e-mail address. The host is kept in lower case.",
        |d| text(d).format(custom("email")).max_length(Some(254)).pattern(Some(EMAIL)).examples(["ada@example.com"]);
    RoleName = "A custom role's name.", |d| text(d).pattern(Some("^[a-z][a-z0-9_-]{0,39}$")).examples(["night-ops"]);
    RoleWord = "A built-in role (`owner`, `admin`, `billing`, `support`, `viewer`), or the name of a custom role of the \
        account or of one above it.",
        |d| text(d).pattern(Some("^[a-z][a-z0-9_-]{0,39}$")).examples(["viewer"]);
    Amount = "A positive amount as a decimal string: more than zero, at most 1000000000000, at most six decimals. Never a \
        JSON number.",
        |d| positive(d).examples(["12.50"]);
    Allowance = "An amount that may be zero: a decimal string, at most 1000000000000, at most six decimals.",
        |d| decimal(d).examples(["1000"]);
    Credit = "A quantity of credit as a decimal string with six decimals; below zero it begins with `-`.",
        |d| text(d).pattern(Some(r"^-?[0-9]{1,13}\.[0-9]{6}$")).examples(["12.500000"]);
    Currency = "An ISO 4217 code in capitals.", |d| text(d).enum_values(Some(currencies())).examples(["USD"]);
    LedgerName = "An account's id, or the ledger outside the tree that credit comes from or goes to.",
        |d| text(d).pattern(Some("^(acc_[0-7][0-9a-hjkmnp-tv-z]{25}|system\\.[a-z_]+)$"))
            .examples(["acc_01hx3v9k2mfd8bq5r7w1z4n6ty", "system.issued"]);
    EntryId = "An entry's id: its account and its number there.",
        |d| text(d).pattern(Some("^ent_acc_[0-7][0-9a-hjkmnp-tv-z]{25}_[0-9]+$")).examples(["ent_acc_01hx3v9k2mfd8bq5r7w1z4n6ty_42"]);
    Tags = "Labels: at most 20. A name is a lower-case slug of 1 to 40 characters.", |d| ObjectBuilder::new()
        .description(Some(d))
        .additional_properties(Some(typed("A tag's value: 1 to 100 bytes of UTF-8.", 100)))
        .property_names(Some(text("A tag's name.").pattern(Some("^[a-z][a-z0-9_-]{0,39}$")).build()))
        .max_properties(Some(MAX_TAGS))
        .examples([json!({ "region": "emea" })]);
    Settings = "Settings of an account. Edited as a whole.", settings;
    BrandTokens = "An account's own tokens. Edited as a whole; each that is absent is inherited.", tokens;
    BrandToken = "One part of a brand.", |d| words(d, Token::ALL.iter().map(|token| token.word()));
    EvidenceLink = "The address of a page, http or https.",
        |d| text(d).format(custom("uri")).max_length(Some(200)).examples(["https://example.com/logs/7"]);
    Slug = "What a portal is called in addresses.", |d| text(d).pattern(Some("^[a-z][a-z0-9-]{1,38}[a-z0-9]$")).examples(["corner"]);
    LogoDigest = "The SHA-256 of a logo.", |d| text(d).pattern(Some("^[0-9a-f]{64}$"));
    HostStatus = "How far a claim of a host is.", |d| words(d, ["pending", "verified"].into_iter());
    Kind = "What an account is in the tree: the `operator` is its root, a `reseller` may have sub-accounts, a `customer` has none.",
        |d| words(d, [AccountKind::Operator, AccountKind::Reseller, AccountKind::Customer].iter().map(|kind| kind.word()));
    AccountStatus = "The state of an account. A `suspended` one spends nothing, nor does anything below it; a `closed` one is at its end.",
        |d| words(d, [Status::Active, Status::Suspended, Status::Closed].iter().map(|status| status.word()));
    Funding = "How an account pays its parent for usage: `prepaid` from its credit with the usage itself, `postpaid` by invoice.",
        |d| words(d, [DomainFunding::Prepaid, DomainFunding::Postpaid].iter().map(|funding| funding.word()));
    UsageEventId = "The id that its sender gave an event of usage, unique within its account.",
        |d| text(d).pattern(Some("^[!-~]{1,128}$")).examples(["01920f6e-8c4b-7d3a-9f21-5b7c8d9e0a1f"]);
    UsageBatchId = "The id of a batch of usage that is counted later.", |d| id("bat", d);
    BatchStatus = "How far a batch is.", |d| words(d, ["queued", "done"].into_iter());
    BatchRejection = "An event of a batch that does not count: its place in the batch from 0, its id, a stable code, what was wrong, and the \
        wrong field.",
        |d| ObjectBuilder::new().description(Some(d)).examples([json!({
            "index": 3, "id": "e-4", "code": "unknown_meter", "detail": "no meter of this key is known at this account", "pointer": "/meter"
        })]);
    Quantity = "A month's quantity as a decimal string or a JSON number: at most 1000000000000, at most six decimals.",
        |d| quantity(decimal(d), 1_000_000_000_000);
    PositiveQuantity = "A month's quantity above zero as a decimal string or a JSON number: at most 1000000000000, at most six decimals.",
        |d| quantity(positive(d), 1_000_000_000_000).exclusive_minimum(Some(0));
    EventQuantity = "A quantity as a decimal string or a JSON number: at most 1000000000, at most six decimals.",
        |d| quantity(number(d, &up_to(9, 6)), 1_000_000_000);
    UsageEvent = "An event of usage, in our form or as a CloudEvent 1.0 (`specversion`, `id`, `source`, `type` for the meter, `subject` for the \
        account, `time`, and `data` with `quantity` and `properties`).",
        |d| ObjectBuilder::new().description(Some(d)).examples([json!({
            "id": "01920f6e-8c4b-7d3a-9f21-5b7c8d9e0a1f", "account_id": "acc_01hx3v9k2mfd8bq5r7w1z4n6ty", "meter": "sms", "quantity": "3",
            "occurred_at": "2026-11-02T07:59:30Z", "properties": { "country": "AT" }
        })]);
    HoldStatus = "The state of a hold; only `open` changes.",
        |d| words(d, [Hold::Open, Hold::Captured, Hold::Released, Hold::Expired].iter().map(|status| status.word()));
    EntryKind = "What moved credit.", |d| words(d, Entry::MONEY.iter().map(|kind| kind.word()));
    PackageId = "A package's id.", |d| id("pkg", d);
    LotId = "The id of a lot: credits that were bought together and expire together.", |d| id("lot", d);
    WholeCredits = "A whole number of credits as a decimal string: 1 to 1000000000. Never a JSON number.",
        |d| text(d).max_length(Some(64)).pattern(Some(r"^0*([1-9][0-9]{0,8}|1000000000)(\.0{1,6})?$")).examples(["1000"]);
    WholeBonus = "A whole number of credits as a decimal string: 0 to 1000000000. Never a JSON number.",
        |d| text(d).max_length(Some(64)).pattern(Some(r"^0*([0-9]{1,9}|1000000000)(\.0{1,6})?$")).examples(["50"]);
    Sale = "Whether a package can be bought: `upcoming` not yet, `on_sale` now, `ended` and `retired` not any more.",
        |d| words(d, Sold::ALL.iter().map(|sale| sale.word()));
    RateCardId = "A rate card's id.", |d| id("rcd", d);
    MarkupId = "A markup's id.", |d| id("mkp", d);
    PromotionId = "A promotion's id.", |d| id("prm", d);
    MeterKey = "A meter's key.", |d| text(d).pattern(Some(SLUG)).examples(["sms.sent"]);
    PropertyName = "The name of a property of an event.", |d| text(d).pattern(Some(SLUG)).examples(["country"]);
    TierName = "A volume tier's name; `none` is below the first.", |d| text(d).pattern(Some(SLUG)).examples(["gold"]);
    NewTierName = "A volume tier's name. `none` is what is below the first.", |d| text(d)
        .pattern(Some(SLUG))
        .extensions(Some(std::iter::once(("not", json!({ "const": "none" }))).collect()))
        .examples(["gold"]);
    PromotionCode = "A promotion's code.", |d| text(d).pattern(Some(SLUG)).examples(["spring-27"]);
    Month = "A calendar month in UTC, from year 1.", |d| text(d)
        .pattern(Some("^([0-9]{3}[1-9]|[0-9]{2}[1-9]0|[0-9][1-9]00|[1-9]000)-(0[1-9]|1[0-2])$")).examples(["2026-11"]);
    Units = "How much of a meter: a decimal string with six decimals.",
        |d| text(d).pattern(Some(r"^-?[0-9]{1,13}\.[0-9]{6}$")).examples(["1250.000000"]);
    UnitPrice = "The price of one unit: a decimal string with at most twelve decimals, at most 1000000. Below zero only where a \
        rule says so.",
        |d| number(d, &format!("-?{}", up_to(6, 12))).examples(["0.0425"]);
    PlainUnitPrice = "The price of one unit, from zero: a decimal string with at most twelve decimals, at most 1000000.",
        |d| number(d, &up_to(6, 12)).examples(["0.0425"]);
    PositiveUnitPrice = "So much for each unit, above zero: a decimal string with at most twelve decimals, at most 1000000.",
        |d| number(d, &above_zero(6, 12)).examples(["0.0425"]);
    Percent = "A percentage: a decimal string with at most four decimals.",
        |d| number(d, r"-?[0-9]{1,5}(\.[0-9]{1,4})?").examples(["12.5"]);
    MarkupPercent = "A percentage from -100 to 10000: a decimal string with at most four decimals.",
        |d| number(d, &format!("(-{}|{})", up_to(2, 4), up_to(4, 4))).examples(["12.5"]);
    Share = "A percentage from 0 to 100: a decimal string with at most four decimals.",
        |d| number(d, &up_to(2, 4)).examples(["12.5"]);
    PositiveShare = "A percentage above 0, at most 100: a decimal string with at most four decimals.",
        |d| number(d, &above_zero(2, 4)).examples(["12.5"]);
    ShareBelowAll = "A percentage from 0 to 99.9999: a decimal string with at most four decimals.",
        |d| number(d, r"0*[0-9]{1,2}(\.[0-9]{1,4})?").examples(["12.5"]);
    ExactMoney = "Money, exactly: a decimal string with six to twelve decimals; below zero it begins with `-`.",
        |d| text(d).pattern(Some(r"^-?[0-9]+\.[0-9]{6,12}$")).examples(["0.480000"]);
    FlatPriceType = "The kind of a flat price.", |d| words(d, ["flat"].into_iter());
    GraduatedPriceType = "The kind of a graduated price.", |d| words(d, ["graduated"].into_iter());
    VolumePriceType = "The kind of a price by the whole volume.", |d| words(d, ["volume"].into_iter());
    PackagePriceType = "The kind of a price of packages.", |d| words(d, ["package"].into_iter());
    MinimumPriceType = "The kind of a price with a minimum.", |d| words(d, ["minimum"].into_iter());
    Aggregation = "How events become a month's quantity: their quantities added up (`sum`), their number (`count`), the largest \
        quantity (`max`), or the number of different values of a property (`unique`).",
        |d| words(d, [Aggregated::Sum, Aggregated::Count, Aggregated::Max, Aggregated::Unique].iter().map(|one| one.word()));
    FundedBy = "Who bears a promotion: its `owner`, so that margins below it stay whole, or the `seller` of the using account.",
        |d| words(d, ["owner", "seller"].into_iter());
    RuleKind = "The kind of rule that sets a price, in the order of precedence.", |d| words(d, RULES.iter().map(|rule| rule.word()));
    RuleVerdict = "What came of looking at a rule.", |d| words(d, [
        "applies", "absent", "not_yet_in_force", "ended", "other_currency", "not_inherited", "former_seller", "nothing_to_add_to",
    ].into_iter());
    AlertId = "An alert's id.", |d| id("alr", d);
    SpendId = "The id of what was spent.", |d| id("spd", d);
    TagText = "A tag's value: 1 to 100 bytes of UTF-8.", |d| typed(d, 100);
    TagFilter = "A tag's name, or name and value with a colon between.", |d| text(d).examples(["region:emea"]);
    InsightsSort = "An order; with a - before it the highest first.",
        |d| text(d).pattern(Some("^-?(name|revenue|revenue_last|cost|margin|margin_percent|change|growth|balance|held|usage|last_seen|created_at|decay|depth)$"))
            .examples(["-revenue"]);
    InsightsPeriodWord = "A month, or `month` for the running one.", |d| text(d).pattern(Some("^(month|[0-9]{4}-(0[1-9]|1[0-2]))$")).examples(["2026-11"]);
    AuditKind = "A kind of records, or a family of kinds.", |d| text(d).max_length(Some(100)).examples(["account.*"]);
    ActorId = "The id of a key or a member.", |d| text(d).max_length(Some(100)).examples(["key_01hx3v9k2mfd8bq5r7w1z4n6ty"]);
    AlertMetric = "What an alert watches: available credit (`balance`), what the account pays for usage (`spend`), what it and everything below it \
        uses of a meter (`usage`), in how many days its credit runs out (`time_to_empty`), what the alert's account pays for what it sells less \
        what it is paid for it (`loss`).",
        |d| words(d, Metric::ALL.iter().map(|metric| metric.word()));
    AlertPeriod = "A day or a calendar month in UTC.", |d| words(d, ["day", "month"].into_iter());
    AlertThreshold = "A decimal string, at most 1000000000000, at most six decimals; only of `balance` below zero.",
        |d| number(d, &format!("-?{}", up_to(12, 6))).examples(["25"]);
    AlertTurned = "Whether an alert fired or was resolved.", |d| words(d, ["fired", "resolved"].into_iter());
    TopupOutcome = "What a run came to: credit was drawn (`done`), a cap left too little (`capped`), it failed and is tried again (`failed`), or is \
        tried no more (`stopped`).", |d| words(d, ["done", "capped", "failed", "stopped"].into_iter());
    TopupReason = "Why no credit was drawn.", |d| words(d, Reason::ALL.iter().map(|reason| reason.word()));
    TopupStatus = "How it stands: `off`; `ready`; `capped` until the next day or month; `waiting` for another try; `stopped` after five failures, or \
        because the account was moved.",
        |d| words(d, ["off", "ready", "capped", "waiting", "stopped"].into_iter());
    InvoiceId = "An invoice's id.", |d| id("inv", d);
    PaymentId = "A payment's id.", |d| id("pay", d);
    CreditNoteId = "A credit note's id.", |d| id("crn", d);
    DisputeId = "A dispute's id.", |d| id("dsp", d);
    RunId = "The id of a run of billing.", |d| id("run", d);
    PaymentMethodId = "The payment processor's name for a card.", |d| text(d).pattern(Some("^pm_[A-Za-z0-9_]{1,250}$")).examples(["pm_1NkXyZ"]);
    ProcessorKey = "A secret or restricted key of Stripe, of this platform's mode.",
        |d| text(d).pattern(Some("^(sk|rk)_(live|test)_[A-Za-z0-9_]{1,200}$")).examples(["sk_test_4eC39HqLyjWDarjtT1zdp7dc"]);
    WebhookSigningSecret = "The signing secret of a webhook endpoint at Stripe.",
        |d| text(d).pattern(Some("^whsec_[A-Za-z0-9_]{1,200}$")).examples(["whsec_4eC39HqLyjWDarjtT1zdp7dc"]);
    PublishableKey = "A publishable key of Stripe, of this platform's mode.",
        |d| text(d).pattern(Some("^pk_(live|test)_[A-Za-z0-9_]{1,200}$")).examples(["pk_test_TYooMQauvdEDq54NiTphI7jx"]);
    PageUrl = "A page for a browser: an https address.",
        |d| text(d).pattern(Some("^https://[A-Za-z0-9][!-~]{0,1900}$")).examples(["https://shop.example/cards"]);
    PayWith = "From what an invoice is paid: `credit`, as much as there is in whole coins; `card`, the default one.",
        |d| words(d, ["credit", "card"].into_iter());
    PurchaseWith = "From what credit is paid: `credit`, on account, so that its price is on the next invoice; `card`, the default one, at once.",
        |d| words(d, ["credit", "card"].into_iter());
    PaidBy = "From what it was paid: `credit`; a `card`; `outside`, which its seller wrote down.", |d| words(d, ["credit", "card", "outside"].into_iter());
    DunningDay = "Days after the due date.", |d| ObjectBuilder::new().schema_type(Type::Integer).description(Some(d)).minimum(Some(1)).maximum(Some(365)).examples([7]);
    PaymentWay = "By what way money came outside.", |d| words(d, Way::ALL.iter().map(|way| way.word()));
    PaymentState = "Where a payment stands: `created`, `sent` and `unknown` are on their way, and looked up until they are known; `processing` is the \
        processor's to end; `action_required` waits for its payer; `succeeded`, `declined` and `cancelled` are ends.",
        |d| words(d, Paying::ALL.iter().map(|state| state.word()));
    DeclineKind = "Why a card was declined.", |d| words(d, Declined::ALL.iter().map(|kind| kind.word()));
    RefundCause = "Why money goes back: a `credit_note`; it was `overpaid`; the credit that it paid for could not be given (`no_credit`).",
        |d| words(d, ["credit_note", "overpaid", "no_credit"].into_iter());
    RefundState = "How far a refund is: `sent` until the processor has it, `pending` until the bank has it.",
        |d| words(d, ["sent", "pending", "succeeded", "failed"].into_iter());
    ChargebackState = "How far a chargeback is: an `inquiry` only asks; `taken` money may come back; `won` it has, `lost` it has not.",
        |d| words(d, ["inquiry", "taken", "won", "lost"].into_iter());
    GivenAs = "How what was paid is given back: as `credit` from the seller, to the `card` that it was paid with, or `outside`, which is only written down.",
        |d| words(d, ["credit", "card", "outside"].into_iter());
    DisputeState = "Where a dispute stands.", |d| words(d, Disputed::ALL.iter().map(|state| state.word()));
    DisputeReason = "Why something is disputed.",
        |d| words(d, ["wrong_quantity", "wrong_price", "duplicate", "quality", "fraudulent", "other"].into_iter());
    DisputeOrigin = "Where a dispute came from: the account that is billed (`customer`), its bank (`chargeback`), or a sub-account's dispute that was `passed_up`.",
        |d| words(d, ["customer", "chargeback", "passed_up"].into_iter());
    DisputeOutcome = "How a dispute ends.", |d| words(d, ["accept", "accept_part", "reject"].into_iter());
    DisputeParty = "A side of a dispute.", |d| words(d, ["buyer", "seller"].into_iter());
    Statement = "What is said: 1 to 4000 bytes of UTF-8, in lines.", |d| said(d, 4000).examples(["We sent half of these."]);
    BillingRunState = "Where a run of billing stands: its accounts are listed, then billed, chunk by chunk.",
        |d| words(d, ["listing", "working", "completed"].into_iter());
    BillingRunRowState = "What became of an account: its invoice was there before (`billed`), or is `made` now, or would be; there is nothing to bill (`empty`); \
        its period is `running`; it `failed`.",
        |d| words(d, ["billed", "made", "empty", "running", "failed"].into_iter());
    TestClockId = "A test clock's id.", |d| id("clk", d);
    ClockState = "What a test clock does: its time flows (`ready`), or it is on its way to its target (`advancing`).", |d| words(d, ["ready", "advancing"].into_iter());
    ChargeId = "The id of a charge, and of the line that it becomes.", |d| id("chg", d);
    InvoiceState = "Where an invoice stands: a `draft` has no number and may still be changed; what is `finalized` is to be paid; `past_due` is late; of \
        a `paid` one nothing is due; `void` counts for nothing; `uncollectible` was given up.",
        |d| words(d, Invoiced::ALL.iter().map(|state| state.word()));
    InvoiceSide = "Invoices that the account was sent (`bought`), or that it sent (`sold`).", |d| words(d, ["bought", "sold"].into_iter());
    LineKind = "What a line is for. What a `promotion` took off is in the prices already, so its line comes to nothing.", |d| words(d, LINES.iter().map(|kind| kind.word()));
    LineId = "A line's id, unique in its invoice: it follows from what the line is for.", |d| text(d).examples(["usage:2026-11:sms"]);
    ChargeKind = "What a charge is for: credit that was bought (`purchase`), what the seller added or took off (`adjustment`), what the invoice before came \
        to below zero (`carried_forward`).",
        |d| words(d, [Charged::Purchase, Charged::Adjustment, Charged::CarriedForward].iter().map(|kind| kind.word()));
    ChargeAmount = "A decimal string, not zero, in whole coins of the currency, at most 1000000000000 either way; below zero it is taken off.",
        |d| number(d, &format!("-?{}", up_to(12, 6))).examples(["-12.50"]);
    Collection = "Whether a card is charged by itself: `automatic`, credit first and then the card; `manual`, credit alone.",
        |d| words(d, ["automatic", "manual"].into_iter());
    FeePer = "Over what a fee is: one period of billing.", |d| words(d, ["month"].into_iter());
    BillingKey = "The key of a fee or a rate of tax, unique in its list.", |d| text(d).pattern(Some(SLUG)).examples(["base"]);
    NumberPrefix = "What invoice numbers begin with: 1 to 16 capital letters, digits and `-`.",
        |d| text(d).pattern(Some("^[A-Z0-9]([A-Z0-9-]{0,14}[A-Z0-9])?$")).examples(["INV"]);
    AddressLine = "A line of an address, or a tax id: 1 to 120 bytes of UTF-8.", |d| typed(d, 120).examples(["12 Market Street"]);
    InvoiceFooter = "What is below all invoices: 1 to 1000 bytes of UTF-8.", |d| typed(d, 1000).examples(["Northwind Telecom Ltd, registered in Vienna"]);
    Country = "A country: two capital letters of ISO 3166-1.", |d| text(d).pattern(Some("^[A-Z]{2}$")).examples(["AT"]);
    TagName = "A tag's name.", |d| text(d).pattern(Some("^[a-z][a-z0-9_-]{0,39}$")).examples(["region"]);
    TagValue = "A tag's value: 1 to 100 bytes of UTF-8.", |d| typed(d, 100).examples(["emea"]);
    Right = "A named right.", |d| words(d, DomainRight::ALL.iter().map(|right| right.word()));
}

fn settings(description: &str) -> ObjectBuilder {
    let nullable = || SchemaType::from_iter([Type::String, Type::Null]);
    let zone = text("IANA time zone in which the account's days and months begin; UTC without one.").examples(["Europe/Berlin"]);
    let locale = text("BCP 47 language tag for pages, mail and documents; inherited without one.")
        .pattern(Some("^[a-z]{2,3}(-[A-Za-z0-9]{2,4}){0,2}$"))
        .examples(["de-CH"]);
    ObjectBuilder::new()
        .description(Some(description))
        .property("time_zone", zone.schema_type(nullable()))
        .property("locale", locale.schema_type(nullable()))
        .property("brand", brand())
        .additional_properties(Some(AdditionalProperties::FreeForm(false)))
}

fn brand() -> ObjectBuilder {
    let about = "Under whose name and colour the account and those below it are written to; each token that is absent is inherited.";
    tokens(about).schema_type(SchemaType::from_iter([Type::Object, Type::Null]))
}

/// An account's own tokens.
fn tokens(description: &str) -> ObjectBuilder {
    let nullable = || SchemaType::from_iter([Type::String, Type::Null]);
    let token = |builder: ObjectBuilder| builder.schema_type(nullable());
    let color = |about: &str| token(text(about).pattern(Some("^#[0-9A-Fa-f]{6}$")).examples(["#1a2b3c"]));
    let page = |about: &str| token(text(about).format(custom("uri")).max_length(Some(500)));
    let locked = utoipa::openapi::ArrayBuilder::new()
        .items(words("One part of a brand.", Token::ALL.iter().map(|token| token.word())))
        .description(Some("What nobody below may set otherwise."));
    ObjectBuilder::new()
        .description(Some(description))
        .property("name", token(typed("What it is called.", 200)))
        .property("color", color("The colour of what is highlighted."))
        .property("accent_color", color("The colour of what can be pressed, where it is another."))
        .property("sender_name", token(typed("From whom mails are; the name unless given.", 200)))
        .property("reply_to", token(text("Where answers to mails go.").format(custom("email")).max_length(Some(254)).pattern(Some(EMAIL))))
        .property("support_url", page("Where help is found: an https address."))
        .property("terms_url", page("Where terms are: an https address."))
        .property("privacy_url", page("Where the privacy statement is: an https address."))
        .property("locked", locked)
        .additional_properties(Some(AdditionalProperties::FreeForm(false)))
}

/// What a list is searched for, of at most so many bytes.
pub fn search(max_bytes: usize) -> ObjectBuilder {
    typed("", max_bytes).description(None::<String>)
}

/// A time, RFC 3339 in UTC.
pub fn time() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String).format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)))
}

/// A whole number between two bounds.
pub fn between(least: usize, most: usize, unless_given: usize) -> ObjectBuilder {
    let number = ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(least)).maximum(Some(most));
    number.default(Some(Value::from(unless_given)))
}

impl<T: ToSchema> PartialSchema for PageView<T> {
    fn schema() -> RefOr<Schema> {
        let rows = utoipa::openapi::ArrayBuilder::new()
            .items(RefOr::Ref(utoipa::openapi::Ref::from_schema_name(T::name())))
            .description(Some("The rows."));
        let cursor = text("Where to go on; null on the last page.").schema_type(SchemaType::from_iter([Type::String, Type::Null]));
        ObjectBuilder::new()
            .description(Some("A page of a list."))
            .property("data", rows)
            .property("next_cursor", cursor)
            .required("data")
            .required("next_cursor")
            .into()
    }
}

impl<T: ToSchema> ToSchema for PageView<T> {
    fn name() -> std::borrow::Cow<'static, str> {
        format!("{}Page", T::name()).into()
    }

    fn schemas(schemas: &mut Schemas) {
        schemas.push((T::name().into(), T::schema()));
        T::schemas(schemas);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn examples<T: PartialSchema>() -> Vec<String> {
        match T::schema() {
            RefOr::T(Schema::Object(object)) => object.examples.into_iter().filter_map(|value| value.as_str().map(str::to_owned)).collect(),
            _ => Vec::new(),
        }
    }

    #[test]
    fn the_examples_are_values_that_the_domain_takes() {
        use tributary_domain::{id, money, text};
        assert!(examples::<AccountId>()[0].parse::<id::AccountId>().is_ok());
        assert!(examples::<TransferId>()[0].parse::<id::TransferId>().is_ok());
        assert!(examples::<RequestId>()[0].parse::<id::RequestId>().is_ok());
        assert!(examples::<Amount>()[0].parse::<money::Amount>().is_ok());
        assert!(examples::<Currency>()[0].parse::<money::Currency>().is_ok());
        assert!(text::ExternalId::parse(&examples::<ExternalId>()[0]).is_ok());
        assert!(text::Email::parse(&examples::<Email>()[0]).is_ok());
        assert!(text::RoleName::parse(&examples::<RoleName>()[0]).is_ok());
    }

    #[test]
    fn settings_name_the_fields_of_the_domain() {
        let given = json!({ "time_zone": "Europe/Berlin", "locale": "de-CH", "brand": { "color": "#1a2b3c" } });
        let read: tributary_domain::account::Settings = serde_json::from_value(given.clone()).expect("settings");
        assert_eq!(serde_json::to_value(read).expect("settings"), given);
        let RefOr::T(Schema::Object(shown)) = Settings::schema() else { panic!("an object") };
        assert_eq!(shown.properties.keys().collect::<Vec<_>>(), ["time_zone", "locale", "brand"]);
    }
}

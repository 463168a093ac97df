//! A typed view of the part of `template.yaml` that the local run acts on: functions, routes, schedules, queues, the table's
//! stream, the rules of the bus, and what the gateway answers by itself.

use std::collections::BTreeMap;
use std::time::Duration;

use http::{Method, StatusCode};
use jiff::SignedDuration;
use serde::Deserialize;
use serde_json::Value;

use crate::intrinsics::Intrinsics;
use crate::pattern::Pattern;

/// The template that this program was built with.
const EMBEDDED: &str = include_str!("../../../template.yaml");
/// AWS: a Lambda function's timeout unless set.
const DEFAULT_TIMEOUT_S: u64 = 3;

/// The template cannot be run locally.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("template.yaml: {0}")]
pub struct TemplateError(pub String);

/// What the local run reads of the template.
#[derive(Debug, Clone)]
pub struct Template {
    /// The stage of the API.
    pub stage: String,
    /// Where the pages of errors are, as the template's default says.
    pub docs_url: String,
    /// The functions by their logical names.
    pub functions: BTreeMap<String, Function>,
    /// Every route of every function.
    pub routes: Vec<Route>,
    /// Every schedule of every function.
    pub schedules: Vec<Schedule>,
    /// The queues by their logical names.
    pub queues: BTreeMap<String, Queue>,
    /// Which function is called with the messages of which queue.
    pub sources: Vec<Source>,
    /// Which function is called with which changes of the table.
    pub streams: Vec<Stream>,
    /// Which events of the bus go into which queue.
    pub rules: Vec<Rule>,
    /// The headers of every page.
    pub page_headers: Vec<(String, String)>,
    /// What the gateway answers by itself, by AWS's names of the cases.
    pub gateway_responses: BTreeMap<String, GatewayResponse>,
}

/// A Lambda function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Function {
    /// The program that it runs.
    pub binary: String,
    /// How long one call may take.
    pub timeout: Duration,
}

/// One method of one path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// The method.
    pub method: Method,
    /// The path, with `{name}` where a segment is a parameter.
    pub path: String,
    /// The function's logical name.
    pub function: String,
}

/// A function that runs again and again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule {
    /// The event's name in the template.
    pub name: String,
    /// The function's logical name.
    pub function: String,
    /// The time between two runs.
    pub every: SignedDuration,
}

/// A queue of SQS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Queue {
    /// For how long a message that was received is given to nobody else.
    pub visibility: SignedDuration,
    /// For how long a message is kept.
    pub retention: SignedDuration,
    /// Where a message goes that was received too often.
    pub redrive: Option<Redrive>,
    /// Whether it keeps the order of each group, and drops what is sent again.
    pub fifo: bool,
}

/// What becomes of a message that keeps failing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Redrive {
    /// The logical name of the queue that it is put into.
    pub dead_letters: String,
    /// How often it is received before.
    pub max_receives: u32,
}

/// A queue whose messages a function is called with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// The queue's logical name.
    pub queue: String,
    /// The function's logical name.
    pub function: String,
    /// The most messages of one call.
    pub batch_size: usize,
    /// How long messages wait for others to come along.
    pub window: SignedDuration,
    /// Whether the function's answer names the messages that failed; otherwise all fail that an error is given to.
    pub reports_failures: bool,
}

/// A function that is called with changes of the table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stream {
    /// The function's logical name.
    pub function: String,
    /// The most changes of one call.
    pub batch_size: usize,
    /// How long changes wait for others to come along.
    pub window: SignedDuration,
    /// A change that none of them takes calls nothing; without any, every change calls.
    pub filters: Vec<Pattern>,
    /// How old a change is when it is given up; `None`: as old as the stream lets it be.
    pub max_age: Option<SignedDuration>,
    /// The logical name of the queue that is told what was given up.
    pub on_failure: Option<String>,
    /// Whether the function's answer names the first change that failed; otherwise all fail that an error is given to.
    pub reports_failures: bool,
}

/// A rule of the bus.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// Its logical name.
    pub name: String,
    /// Which events it takes.
    pub pattern: Pattern,
    /// The logical names of the queues that it sends them to, and of each what of the event is sent: a path such as `$.detail`, or
    /// all of it.
    pub targets: Vec<(String, Option<String>)>,
}

/// What the gateway answers by itself in one case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GatewayResponse {
    /// The status.
    pub status: StatusCode,
    /// Headers and their values.
    pub headers: Vec<(String, String)>,
    /// The body; `$context.requestId` stands for the request's id.
    pub body: String,
}

impl Template {
    /// The template that this program was built with.
    ///
    /// # Errors
    /// [`TemplateError`] names what cannot be run locally.
    pub fn embedded() -> Result<Self, TemplateError> {
        Self::parse(EMBEDDED, &[])
    }

    /// The project's template with some parameters given.
    ///
    /// # Errors
    /// As [`Template::embedded`].
    pub fn embedded_with(parameters: &[(&str, &str)]) -> Result<Self, TemplateError> {
        Self::parse(EMBEDDED, parameters)
    }

    /// Reads a template; parameters that are not given take their defaults.
    ///
    /// # Errors
    /// [`TemplateError`] names what cannot be run locally.
    pub fn parse(text: &str, parameters: &[(&str, &str)]) -> Result<Self, TemplateError> {
        let (document, intrinsics) = read(text, parameters)?;
        let mut template = Self {
            stage: String::new(),
            docs_url: intrinsics.parameter("DocsUrl").unwrap_or_default().to_owned(),
            functions: BTreeMap::new(),
            routes: Vec::new(),
            schedules: Vec::new(),
            queues: BTreeMap::new(),
            sources: Vec::new(),
            streams: Vec::new(),
            rules: Vec::new(),
            page_headers: Vec::new(),
            gateway_responses: BTreeMap::new(),
        };
        for (name, resource) in document.resources {
            match resource.kind.as_str() {
                "AWS::Serverless::Function" => template.add_function(name, resource, &document.globals.function)?,
                "AWS::SQS::Queue" => {
                    let queue = queue(typed(resource.properties, &name)?);
                    template.queues.insert(name, queue);
                }
                "AWS::Events::Rule" => {
                    let rule = rule(typed(resource.properties, &name)?, &name)?;
                    template.rules.push(rule);
                }
                "AWS::CloudFront::ResponseHeadersPolicy" => template.page_headers = page_headers(typed(resource.properties, &name)?),
                "AWS::Serverless::Api" => template.set_api(typed(resource.properties, "the API")?)?,
                _ => {}
            }
        }
        template.check_queues()?;
        Ok(template)
    }

    /// Every queue that is named exists.
    fn check_queues(&self) -> Result<(), TemplateError> {
        let redrives = self.queues.values().filter_map(|queue| Some(&queue.redrive.as_ref()?.dead_letters));
        let rules = self.rules.iter().flat_map(|rule| rule.targets.iter().map(|(queue, _)| queue));
        let streams = self.streams.iter().filter_map(|stream| stream.on_failure.as_ref());
        match self
            .sources
            .iter()
            .map(|source| &source.queue)
            .chain(redrives)
            .chain(rules)
            .chain(streams)
            .find(|name| !self.queues.contains_key(*name))
        {
            Some(name) => Err(TemplateError(format!("there is no queue {name}"))),
            None => Ok(()),
        }
    }

    fn add_function(&mut self, name: String, resource: Resource, globals: &FunctionGlobals) -> Result<(), TemplateError> {
        let properties: FunctionProperties = typed(resource.properties, &name)?;
        let timeout_s = properties.timeout.or(globals.timeout).unwrap_or(DEFAULT_TIMEOUT_S);
        let function = Function { binary: resource.metadata.build_properties.binary, timeout: Duration::from_secs(timeout_s) };
        for (event_name, event) in properties.events {
            let what = format!("event {event_name} of {name}");
            match event.kind.as_str() {
                "Api" => self.routes.push(route(typed(event.properties, &what)?, &name, &what)?),
                "Schedule" | "ScheduleV2" => self.schedules.push(schedule(typed(event.properties, &what)?, event_name, &name)?),
                "SQS" => self.sources.push(source(typed(event.properties, &what)?, &name)),
                "DynamoDB" => self.streams.push(stream(typed(event.properties, &what)?, &name, &what)?),
                kind => return Err(TemplateError(format!("{what} has the type {kind}, which the local run does not know"))),
            }
        }
        self.functions.insert(name, function);
        Ok(())
    }

    fn set_api(&mut self, api: ApiProperties) -> Result<(), TemplateError> {
        self.stage = api.stage_name;
        for (case, response) in api.gateway_responses {
            let body = response.response_templates.get("application/json").cloned().unwrap_or_default();
            let status = StatusCode::from_u16(response.status_code);
            let status = status.map_err(|_| TemplateError(format!("gateway response {case} has the status {}", response.status_code)))?;
            // AWS writes static values of headers in single quotes.
            let unquoted = |(header, value): (String, String)| (header, value.trim_matches('\'').to_owned());
            let headers = response.response_parameters.headers.into_iter().map(unquoted).collect();
            self.gateway_responses.insert(case, GatewayResponse { status, headers, body });
        }
        Ok(())
    }
}

fn read(text: &str, parameters: &[(&str, &str)]) -> Result<(Document, Intrinsics), TemplateError> {
    let yaml: yaml_serde::Value = yaml_serde::from_str(text).map_err(|error| TemplateError(error.to_string()))?;
    let intrinsics = Intrinsics::of(&yaml).with(parameters);
    Ok((typed(intrinsics.resolve(&yaml), "the template")?, intrinsics))
}

fn typed<T: serde::de::DeserializeOwned>(value: Value, what: &str) -> Result<T, TemplateError> {
    serde_json::from_value(value).map_err(|error| TemplateError(format!("{what}: {error}")))
}

fn route(event: ApiEvent, function: &str, what: &str) -> Result<Route, TemplateError> {
    let method = Method::from_bytes(event.method.to_uppercase().as_bytes());
    let method = method.map_err(|_| TemplateError(format!("{what} has the method {}", event.method)))?;
    Ok(Route { method, path: event.path, function: function.to_owned() })
}

fn schedule(event: ScheduleEvent, name: String, function: &str) -> Result<Schedule, TemplateError> {
    let expression = event.schedule_expression.or(event.schedule).unwrap_or_default();
    let every =
        rate(&expression).ok_or_else(|| TemplateError(format!("schedule {name}: only rate(n unit) runs locally, not {expression:?}")))?;
    Ok(Schedule { name, function: function.to_owned(), every })
}

fn source(event: SqsEvent, function: &str) -> Source {
    let reports_failures = event.function_response_types.iter().any(|kind| kind == "ReportBatchItemFailures");
    Source {
        queue: named(&event.queue),
        function: function.to_owned(),
        batch_size: event.batch_size.max(1),
        window: SignedDuration::from_secs(event.maximum_batching_window_in_seconds),
        reports_failures,
    }
}

fn stream(event: StreamEvent, function: &str, what: &str) -> Result<Stream, TemplateError> {
    let pattern = |filter: &Filter| {
        let pattern = serde_json::from_str(&filter.pattern).map_err(|error| TemplateError(format!("{what}: {error}")))?;
        Pattern::of(&pattern).map_err(|error| TemplateError(format!("{what}: {error}")))
    };
    Ok(Stream {
        function: function.to_owned(),
        batch_size: event.batch_size.max(1),
        window: SignedDuration::from_secs(event.maximum_batching_window_in_seconds),
        filters: event.filter_criteria.filters.iter().map(pattern).collect::<Result<_, _>>()?,
        // AWS: -1 is for ever.
        max_age: event.maximum_record_age_in_seconds.filter(|age| *age > 0).map(SignedDuration::from_secs),
        on_failure: event.destination_config.on_failure.map(|to| named(&to.destination)),
        reports_failures: event.function_response_types.iter().any(|kind| kind == "ReportBatchItemFailures"),
    })
}

/// The headers that a browser acts on over plain HTTP, too. Hosts that only the cloud has are left out.
fn page_headers(properties: HeadersProperties) -> Vec<(String, String)> {
    let HeadersConfig { security, custom } = properties.config;
    let known = |directive: &str| directive.split_whitespace().filter(|source| !source.contains("${")).collect::<Vec<_>>().join(" ");
    let here = |policy: &str| policy.split(';').map(known).collect::<Vec<_>>().join("; ");
    let mut headers = vec![
        ("content-security-policy".to_owned(), here(&security.content_security_policy.policy)),
        ("x-content-type-options".to_owned(), "nosniff".to_owned()),
        ("x-frame-options".to_owned(), security.frame_options.option),
        ("referrer-policy".to_owned(), security.referrer_policy.policy),
    ];
    headers.extend(custom.items.into_iter().map(|item| (item.header.to_lowercase(), item.value)));
    headers
}

fn rule(properties: RuleProperties, name: &str) -> Result<Rule, TemplateError> {
    let pattern = Pattern::of(&properties.event_pattern).map_err(|error| TemplateError(format!("{name}: {error}")))?;
    if let Some(path) = properties.targets.iter().filter_map(|target| target.input_path.as_ref()).find(|path| !path.starts_with("$.")) {
        return Err(TemplateError(format!("{name}: the input path {path:?} is not known locally")));
    }
    let targets = properties.targets.into_iter().map(|target| (named(&target.arn), target.input_path)).collect();
    Ok(Rule { name: name.to_owned(), pattern, targets })
}

fn queue(properties: QueueProperties) -> Queue {
    let redrive = properties
        .redrive_policy
        .map(|redrive| Redrive { dead_letters: named(&redrive.dead_letter_target_arn), max_receives: redrive.max_receive_count });
    let [visibility, retention] = [properties.visibility_timeout, properties.message_retention_period].map(SignedDuration::from_secs);
    Queue { visibility, retention, redrive, fifo: properties.fifo_queue }
}

/// The logical name in what `!GetAtt Name.Arn` gives.
fn named(arn: &str) -> String {
    arn.strip_suffix(".Arn").unwrap_or(arn).to_owned()
}

/// The time between runs of `rate(5 minutes)`. Source: "Schedule types on EventBridge Scheduler", AWS.
fn rate(expression: &str) -> Option<SignedDuration> {
    let (count, unit) = expression.strip_prefix("rate(")?.strip_suffix(')')?.split_once(' ')?;
    let count: i64 = count.parse().ok().filter(|count| *count > 0)?;
    let unit_s = match unit {
        "minute" | "minutes" => 60,
        "hour" | "hours" => 3600,
        "day" | "days" => 86_400,
        _ => return None,
    };
    count.checked_mul(unit_s).map(SignedDuration::from_secs)
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Document {
    #[serde(default)]
    globals: Globals,
    resources: BTreeMap<String, Resource>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Globals {
    function: FunctionGlobals,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct FunctionGlobals {
    timeout: Option<u64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Resource {
    #[serde(rename = "Type")]
    kind: String,
    #[serde(default)]
    properties: Value,
    #[serde(default)]
    metadata: Metadata,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Metadata {
    build_properties: BuildProperties,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct BuildProperties {
    binary: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct FunctionProperties {
    timeout: Option<u64>,
    #[serde(default)]
    events: BTreeMap<String, Event>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Event {
    #[serde(rename = "Type")]
    kind: String,
    properties: Value,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ApiEvent {
    method: String,
    path: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ScheduleEvent {
    schedule_expression: Option<String>,
    schedule: Option<String>,
}

/// AWS's defaults: ten messages a call, none waits.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct SqsEvent {
    queue: String,
    #[serde(default = "ten")]
    batch_size: usize,
    #[serde(default)]
    maximum_batching_window_in_seconds: i64,
    #[serde(default)]
    function_response_types: Vec<String>,
}

fn ten() -> usize {
    10
}

/// AWS's defaults: a hundred changes a call, none waits, none is given up before the stream forgets it.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct StreamEvent {
    #[serde(default = "hundred")]
    batch_size: usize,
    #[serde(default)]
    maximum_batching_window_in_seconds: i64,
    #[serde(default)]
    maximum_record_age_in_seconds: Option<i64>,
    #[serde(default)]
    function_response_types: Vec<String>,
    #[serde(default)]
    filter_criteria: FilterCriteria,
    #[serde(default)]
    destination_config: DestinationConfig,
}

fn hundred() -> usize {
    100
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct FilterCriteria {
    filters: Vec<Filter>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Filter {
    pattern: String,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct DestinationConfig {
    on_failure: Option<OnFailure>,
}

#[derive(Deserialize)]
struct HeadersProperties {
    #[serde(rename = "ResponseHeadersPolicyConfig")]
    config: HeadersConfig,
}

#[derive(Deserialize)]
struct HeadersConfig {
    #[serde(rename = "SecurityHeadersConfig")]
    security: SecurityHeaders,
    #[serde(rename = "CustomHeadersConfig")]
    custom: CustomHeaders,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct SecurityHeaders {
    content_security_policy: SecurityPolicy,
    frame_options: FrameOptions,
    referrer_policy: ReferrerPolicy,
}

#[derive(Deserialize)]
struct SecurityPolicy {
    #[serde(rename = "ContentSecurityPolicy")]
    policy: String,
}

#[derive(Deserialize)]
struct FrameOptions {
    #[serde(rename = "FrameOption")]
    option: String,
}

#[derive(Deserialize)]
struct ReferrerPolicy {
    #[serde(rename = "ReferrerPolicy")]
    policy: String,
}

#[derive(Deserialize)]
struct CustomHeaders {
    #[serde(rename = "Items")]
    items: Vec<CustomHeader>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct CustomHeader {
    header: String,
    value: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct OnFailure {
    destination: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct RuleProperties {
    event_pattern: Value,
    targets: Vec<TargetProperties>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct TargetProperties {
    arn: String,
    input_path: Option<String>,
}

/// AWS's defaults: half a minute, four days.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct QueueProperties {
    visibility_timeout: i64,
    message_retention_period: i64,
    redrive_policy: Option<RedriveProperties>,
    fifo_queue: bool,
}

impl Default for QueueProperties {
    fn default() -> Self {
        Self { visibility_timeout: 30, message_retention_period: 4 * 86_400, redrive_policy: None, fifo_queue: false }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RedriveProperties {
    dead_letter_target_arn: String,
    max_receive_count: u32,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ApiProperties {
    stage_name: String,
    #[serde(default)]
    gateway_responses: BTreeMap<String, GatewayResponseProperties>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct GatewayResponseProperties {
    status_code: u16,
    #[serde(default)]
    response_parameters: ResponseParameters,
    #[serde(default)]
    response_templates: BTreeMap<String, String>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct ResponseParameters {
    headers: BTreeMap<String, String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_embedded_template_is_read_whole() {
        let template = Template::embedded().expect("a template that runs locally");
        assert_eq!(template.stage, "dev");
        assert_eq!(template.docs_url, "/dev/docs");
        let binaries: Vec<&str> = template.functions.values().map(|function| function.binary.as_str()).collect();
        let known = [
            "accounts",
            "admin",
            "alerts",
            "billing",
            "billing_run",
            "bulk",
            "bulk_worker",
            "collector",
            "credits",
            "exporter",
            "forecast",
            "housekeeping",
            "insights",
            "invoice_worker",
            "notifier",
            "outbox",
            "portal",
            "pricing",
            "reconcile",
            "roster",
            "usage",
            "usage_worker",
            "watcher",
            "webhooks",
        ];
        assert_eq!(binaries, known);
        let create = Route { method: Method::POST, path: "/reseller/accounts/create".into(), function: "AccountsFunction".into() };
        assert!(template.routes.contains(&create));
        let schedule = |name: &str, function: &str, minutes| Schedule {
            name: name.into(),
            function: format!("{function}Function"),
            every: SignedDuration::from_mins(minutes),
        };
        let schedules = [
            schedule("EveryFiveMinutes", "BillingRun", 5),
            schedule("EveryFiveMinutes", "Collector", 5),
            schedule("EveryHour", "Forecast", 60),
            schedule("EveryMinute", "Housekeeping", 1),
            schedule("EveryMinute", "Notifier", 1),
            schedule("EveryFiveMinutes", "Reconcile", 5),
            schedule("EveryMinute", "Roster", 1),
            schedule("EveryMinute", "UsageWorker", 1),
            schedule("EveryMinute", "Watcher", 1),
        ];
        assert_eq!(template.schedules, schedules);
    }

    #[test]
    fn each_queue_has_its_function_and_a_place_for_what_fails() {
        let template = Template::embedded().expect("a template that runs locally");
        for source in &template.sources {
            let (queue, function) = (&template.queues[&source.queue], &template.functions[&source.function]);
            let timeout = SignedDuration::try_from(function.timeout).expect("in range");
            // AWS: otherwise a message may be given again while it is worked on.
            assert!(queue.visibility >= timeout * 6, "{}: {}", source.queue, queue.visibility);
            let redrive = queue.redrive.as_ref().expect("a place for dead letters");
            assert_eq!((redrive.max_receives, source.reports_failures), (5, true), "{}", source.queue);
            assert_eq!(template.queues[&redrive.dead_letters].retention, SignedDuration::from_hours(14 * 24));
        }
        let queues: Vec<&str> = template.sources.iter().map(|source| source.queue.as_str()).collect();
        assert_eq!(queues, ["BulkQueue", "ExportQueue", "BillingQueue", "EventQueue", "UsageQueue", "WatchQueue"]);
    }

    #[test]
    fn every_gateway_response_is_a_problem_of_its_own_status() {
        let template = Template::embedded().expect("a template that runs locally");
        for (case, response) in &template.gateway_responses {
            let body: Value = serde_json::from_str(&response.body).unwrap_or_else(|error| panic!("{case}: {error}"));
            let code = body["code"].as_str().expect("a code");
            assert_eq!(body["status"], response.status.as_u16(), "{case}");
            assert_eq!(body["type"], format!("{}/errors/{code}", template.docs_url), "{case}");
            assert_eq!(body["request_id"], "$context.requestId", "{case}");
            assert!(response.headers.contains(&("Content-Type".into(), "application/problem+json".into())), "{case}");
        }
        let cases = ["MISSING_AUTHENTICATION_TOKEN", "REQUEST_TOO_LARGE", "INTEGRATION_TIMEOUT", "INTEGRATION_FAILURE", "THROTTLED"];
        assert!(cases.iter().all(|case| template.gateway_responses.contains_key(*case)));
    }

    #[test]
    fn pages_have_the_headers_of_the_distribution_without_hosts_of_the_cloud() {
        let headers = Template::embedded().expect("the template").page_headers;
        let policy = &headers.iter().find(|(name, _)| name == "content-security-policy").expect("a policy").1;
        assert!(policy.contains("script-src 'self';") && policy.contains("connect-src 'self';"), "{policy}");
        assert!(!policy.contains("unsafe") && !policy.contains('$'), "{policy}");
        assert!(headers.iter().any(|(name, value)| name == "x-frame-options" && value == "DENY"), "{headers:?}");
    }

    #[test]
    fn a_rate_is_read_and_anything_else_refused() {
        assert_eq!(rate("rate(1 minute)"), Some(SignedDuration::from_secs(60)));
        assert_eq!(rate("rate(6 hours)"), Some(SignedDuration::from_secs(21_600)));
        for expression in ["", "rate(0 minutes)", "rate(-1 minutes)", "rate(1 second)", "cron(0 0 * * ? *)", "rate(1 minute"] {
            assert_eq!(rate(expression), None, "{expression}");
        }
    }
}

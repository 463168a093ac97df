//! What `template.yaml` promises beside its routes: each function's rights, alarms that say what to do, a dashboard that
//! shows what is measured.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::io::ErrorKind;
use std::process::Command;

use tributary_domain::id::TransferId;
use tributary_local::pages::Pages;
use tributary_metering::record;
use yaml_serde::Value;

use super::generated::root;
use crate::golden::golden;

/// The most routes of one function: each is a statement of its resource policy of about 430 bytes, and AWS takes 20 KB.
/// Source: "Lambda quotas", AWS.
const MAX_ROUTES: usize = 45;

fn template() -> Value {
    let text = std::fs::read_to_string(root().join("template.yaml")).expect("template.yaml");
    yaml_serde::from_str(&text).expect("YAML")
}

/// The resources of a type by their names.
fn resources<'a>(template: &'a Value, kind: &str) -> BTreeMap<&'a str, &'a Value> {
    let all = template["Resources"].as_mapping().expect("resources");
    all.iter().filter(|(_, resource)| resource["Type"] == kind).map(|(name, resource)| (name.as_str().expect("a name"), resource)).collect()
}

/// A text, or the one that a tag such as `!GetAtt` or `!Sub` stands before.
fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Tagged(tagged) => text(&tagged.value),
        other => panic!("{other:?} is no text"),
    }
}

/// One or many texts.
fn texts(value: &Value) -> Vec<String> {
    value.as_sequence().map_or_else(|| vec![text(value)], |many| many.iter().map(text).collect())
}

/// `Table.Arn`, `${Table.Arn}/index/gsi1` as people say it: `Table`, `Table/index/gsi1`.
fn plain(resource: &str) -> String {
    resource.replace(".StreamArn", "/stream").replace("${", "").replace('}', "").replace(".Arn", "")
}

/// What stands before `/*`, where that is all objects of one prefix of the bucket: they have no names to list.
fn objects(resource: &str) -> &str {
    let prefixes = ["usage", "exports", "bulk", "invoices", "invoice-drafts", "billing/runs", "brand/logos", "brand/previews", "rosters"]
        .map(|folder| format!("${{Bucket.Arn}}/{folder}"));
    resource.strip_suffix("/*").filter(|prefix| prefixes.iter().any(|one| one == prefix)).unwrap_or(resource)
}

/// Whether CloudFront's pattern of a path takes a path: `*` stands for anything.
fn takes(pattern: &str, path: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == path,
        Some((before, "")) => path.starts_with(before),
        Some(_) => panic!("{pattern}: only a star at the end is known here"),
    }
}

#[test]
fn the_distribution_sends_every_route_to_the_api_and_no_page() {
    let template = template();
    let distribution = &template["Resources"]["Pages"]["Properties"]["DistributionConfig"];
    let behaviours = distribution["CacheBehaviors"].as_sequence().expect("behaviours");
    let patterns: Vec<String> = behaviours.iter().map(|behaviour| text(&behaviour["PathPattern"])).collect();
    let routes = tributary_local::template::Template::embedded().expect("the template").routes;
    // At the root of the pages' address is a page.
    let paths: BTreeSet<&str> = routes.iter().map(|route| route.path.as_str()).filter(|path| *path != "/").collect();
    for path in &paths {
        assert!(patterns.iter().any(|pattern| takes(pattern, path)), "{path} is taken by no behaviour");
    }
    for pattern in &patterns {
        assert!(paths.iter().any(|path| takes(pattern, path)), "{pattern} takes no route");
    }
    for page in PAGES.iter().chain(&FILES) {
        assert!(!patterns.iter().any(|pattern| takes(pattern, page)), "{page} is a page");
    }
    for behaviour in behaviours {
        let pattern = text(&behaviour["PathPattern"]);
        assert_eq!(behaviour["TargetOriginId"], "api", "{pattern}: the files are the default");
        assert_eq!(behaviour["ViewerProtocolPolicy"], "https-only", "{pattern}: a key is not to be sent twice, the first time in the open");
        let methods: BTreeSet<String> = texts(&behaviour["AllowedMethods"]).into_iter().collect();
        assert_eq!(methods, ["DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"].map(str::to_owned).into(), "{pattern}");
        // AWS's own CachingDisabled: an answer is nobody else's. AllViewerExceptHostHeader: the gateway takes its own host only.
        assert_eq!(behaviour["CachePolicyId"], "4135ea2d-6df8-44a3-9df3-4b5a84be39ad", "{pattern}");
        assert_eq!(behaviour["OriginRequestPolicyId"], "b689b0a8-53d0-40ab-baf2-38738e2966ac", "{pattern}");
        assert_eq!(function_of(behaviour), "PagesHost.FunctionMetadata.FunctionARN", "{pattern}");
    }
    let files = &distribution["DefaultCacheBehavior"];
    assert_eq!((&files["TargetOriginId"], &files["ViewerProtocolPolicy"]), (&"files".into(), &"redirect-to-https".into()));
    assert_eq!(function_of(files), "PagesRewrite.FunctionMetadata.FunctionARN");
}

/// The one function that a behaviour gives requests to before anything else.
fn function_of(behaviour: &Value) -> String {
    let functions = behaviour["FunctionAssociations"].as_sequence().expect("functions");
    assert!(functions.len() == 1 && functions[0]["EventType"] == "viewer-request", "{functions:?}");
    text(&functions[0]["FunctionARN"])
}

/// Addresses of pages, of files, and of neither; no route of the API has one of them.
const PAGES: [&str; 9] =
    ["/", "/index.html", "/app", "/app/", "/app/accounts", "/portal", "/portal/corner", "/portal/corner/usage", "/portal/sessionless"];
const FILES: [&str; 4] = ["/assets/a.js", "/assets/deep/a.js", "/favicon.svg", "/favicon.ico"];
const NEITHER: [&str; 9] =
    ["/application", "/apps/x", "/portals", "/assets", "/favicon.png", "/robots.txt", "/.env", "/wp-login.php", "/docs"];

/// What a function of CloudFront's makes of a request for each path, by Node; `None` where there is no Node.
fn answers(function: &str, paths: &[&str]) -> Option<Vec<serde_json::Value>> {
    let code = text(&template()["Resources"][function]["Properties"]["FunctionCode"]);
    let ask = "const paths = JSON.parse(process.argv[1]);
        const event = (uri) => ({ context: { requestId: 'r-1' }, viewer: { ip: '2001:db8::7' },
            request: { uri, headers: { host: { value: 'portal.corner.example' }, 'x-viewer-address': { value: '192.0.2.1' } } } });
        console.log(JSON.stringify(paths.map((path) => handler(event(path)))));";
    let paths = serde_json::to_string(paths).expect("JSON");
    let output = match Command::new("node").args(["-e", &format!("{code}\n{ask}"), &paths]).output() {
        Ok(output) => output,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            eprintln!("NOT TRIED: what {function} answers, because there is no Node here");
            return None;
        }
        Err(error) => panic!("node: {error}"),
    };
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Some(serde_json::from_slice(&output.stdout).expect("JSON"))
}

#[test]
fn the_distribution_and_the_local_run_have_the_same_pages_and_files_and_nothing_else() {
    for path in PAGES {
        assert!(Pages::take(path) && !Pages::is_file(path), "{path}");
    }
    for path in FILES {
        assert!(Pages::take(path) && Pages::is_file(path), "{path}");
    }
    for path in NEITHER {
        assert!(!Pages::take(path), "{path}");
    }
    let all: Vec<&str> = PAGES.iter().chain(&FILES).chain(&NEITHER).copied().collect();
    let Some(answers) = answers("PagesRewrite", &all) else { return };
    for (path, answer) in all.iter().zip(&answers) {
        if Pages::take(path) {
            let file = if Pages::is_file(path) { *path } else { "/index.html" };
            assert_eq!(answer["uri"], file, "{path}: {answer}");
        } else {
            assert_eq!(answer["statusCode"], 404, "{path}: {answer}");
            let body: serde_json::Value = serde_json::from_str(answer["body"]["data"].as_str().expect("a body")).expect("JSON");
            assert_eq!((&body["code"], &body["request_id"]), (&"route_not_found".into(), &"r-1".into()));
        }
    }
}

#[test]
fn the_api_hears_under_which_host_it_was_asked_from_where_and_that_the_distribution_says_so() {
    let template = template();
    let resources = &template["Resources"];
    let origins = resources["Pages"]["Properties"]["DistributionConfig"]["Origins"].as_sequence().expect("origins");
    let api = origins.iter().find(|origin| origin["Id"] == "api").expect("the API");
    assert_eq!(api["CustomOriginConfig"]["OriginProtocolPolicy"], "https-only");
    let said = api["OriginCustomHeaders"].as_sequence().expect("headers");
    assert!(said.len() == 1 && said[0]["HeaderName"] == "x-tributary-edge", "{said:?}");
    let variables = &template["Globals"]["Function"]["Environment"]["Variables"];
    assert_eq!(said[0]["HeaderValue"], variables["EDGE_TOKEN"], "the functions know the distribution by another word than it says");
    assert_eq!(text(&variables["PAGES_HOST"]), "PagesDomain");

    // Whoever the distribution speaks for is counted by the address that it says, everybody else by their own.
    let rules = resources["Firewall"]["Properties"]["Rules"].as_sequence().expect("rules");
    let rule = |name: &str| &rules.iter().find(|rule| rule["Name"] == name).unwrap_or_else(|| panic!("no rule {name}"))["Statement"];
    let (addresses, viewers) =
        (&rule("too-many-from-one-address")["RateBasedStatement"], &rule("too-many-from-one-viewer")["RateBasedStatement"]);
    assert_eq!((&addresses["AggregateKeyType"], &viewers["AggregateKeyType"]), (&"IP".into(), &"FORWARDED_IP".into()));
    assert_eq!(viewers["ForwardedIPConfig"]["HeaderName"], "x-viewer-address");
    let edge = &viewers["ScopeDownStatement"];
    assert_eq!(&addresses["ScopeDownStatement"]["NotStatement"]["Statement"], edge);
    let (header, word) = (&edge["ByteMatchStatement"]["FieldToMatch"]["SingleHeader"]["Name"], &edge["ByteMatchStatement"]["SearchString"]);
    assert_eq!((header, word), (&"x-tributary-edge".into(), &variables["EDGE_TOKEN"]));
    assert_eq!(edge["ByteMatchStatement"]["PositionalConstraint"], "EXACTLY");

    let Some(answers) = answers("PagesHost", &["/portal/brand"]) else { return };
    let headers = &answers[0]["headers"];
    assert_eq!((&answers[0]["uri"], &headers["x-forwarded-host"]["value"]), (&"/portal/brand".into(), &"portal.corner.example".into()));
    assert_eq!(headers["x-viewer-address"]["value"], "2001:db8::7", "what a client says of itself does not count");
}

/// Source: "HTTP status codes for which CloudFront can return custom error pages", Amazon CloudFront Developer Guide.
const ERRORS_THAT_CAN_BE_KEPT: [u64; 11] = [400, 403, 404, 405, 414, 416, 500, 501, 502, 503, 504];

#[test]
fn no_error_of_one_caller_is_kept_for_another() {
    let template = template();
    let errors = &template["Resources"]["Pages"]["Properties"]["DistributionConfig"]["CustomErrorResponses"];
    let errors = errors.as_sequence().expect("errors");
    let kept = |error: &Value| (error["ErrorCode"].as_u64().expect("a status"), error["ErrorCachingMinTTL"].as_u64());
    let listed: Vec<(u64, Option<u64>)> = errors.iter().map(kept).collect();
    assert_eq!(listed, ERRORS_THAT_CAN_BE_KEPT.map(|status| (status, Some(0))));
    // And each is handed on as it is: the problem that the API answered, not a page.
    assert!(errors.iter().all(|error| error.as_mapping().is_some_and(|members| members.len() == 2)));
}

#[test]
fn names_that_the_whole_account_shares_have_the_region_in_them() {
    let template = template();
    let name = |resource: &Value, config: &str| {
        text(resource["Properties"].get(config).unwrap_or(&resource["Properties"]).get("Name").expect("a name"))
    };
    for (kind, config) in [
        ("AWS::CloudFront::OriginAccessControl", "OriginAccessControlConfig"),
        ("AWS::CloudFront::Function", ""),
        ("AWS::CloudFront::ResponseHeadersPolicy", "ResponseHeadersPolicyConfig"),
    ] {
        let named = resources(&template, kind);
        assert!(!named.is_empty(), "{kind}");
        for (resource, properties) in named {
            let name = name(properties, config);
            assert!(name.starts_with("${AWS::StackName}-${AWS::Region}-"), "{resource} is called {name}");
        }
    }
}

#[test]
fn a_browser_may_put_a_file_into_the_bucket_by_a_signed_link_and_nothing_else() {
    let template = template();
    let rules = template["Resources"]["Bucket"]["Properties"]["CorsConfiguration"]["CorsRules"].as_sequence().expect("rules");
    let [rule] = rules.as_slice() else { panic!("{rules:?}") };
    assert_eq!((texts(&rule["AllowedMethods"]), texts(&rule["AllowedHeaders"])), (vec!["PUT".to_owned()], vec!["content-type".to_owned()]));
    assert_eq!(texts(&rule["AllowedOrigins"]), ["*"], "pages are served under hosts of resellers, too");
    let policy = &template["Resources"]["PagesHeaders"]["Properties"]["ResponseHeadersPolicyConfig"]["SecurityHeadersConfig"];
    let policy = text(&policy["ContentSecurityPolicy"]["ContentSecurityPolicy"]);
    let connects = policy.split("; ").find(|directive| directive.starts_with("connect-src ")).expect("what scripts may call");
    assert_eq!(connects, "connect-src 'self' https://${Bucket}.s3.${AWS::Region}.${AWS::URLSuffix}");
    assert!(
        template["Resources"]["PagesBucket"]["Properties"].get("CorsConfiguration").is_none(),
        "the pages are read by the distribution alone"
    );
}

/// What invokes a function.
fn invoked_by(function: &Value) -> String {
    let events: Vec<&Value> = function["Properties"]["Events"].as_mapping().map(|events| events.values().collect()).unwrap_or_default();
    let routes = events.iter().filter(|event| event["Type"] == "Api").count();
    let schedules = events.iter().filter_map(|event| event["Properties"].get("ScheduleExpression")).map(text);
    let mut by: Vec<String> = schedules.map(|every| format!("a schedule, {every}")).collect();
    let queues = events.iter().filter(|event| event["Type"] == "SQS").map(|event| plain(&text(&event["Properties"]["Queue"])));
    by.extend(queues.map(|queue| format!("messages of {queue}")));
    let streams = events.iter().filter(|event| event["Type"] == "DynamoDB").map(|event| plain(&text(&event["Properties"]["Stream"])));
    by.extend(streams.map(|stream| format!("changes of {stream}")));
    if routes > 0 {
        by.push(format!("API Gateway, {routes} routes"));
    }
    if by.is_empty() { "whoever IAM lets".to_owned() } else { by.join("; ") }
}

#[test]
fn each_function_has_a_role_of_its_own_with_these_rights() {
    let template = template();
    let roles = resources(&template, "AWS::IAM::Role");
    let (mut table, mut seen) = (String::new(), BTreeSet::new());
    for (name, function) in resources(&template, "AWS::Serverless::Function") {
        let role_name = text(&function["Properties"]["Role"]).replace(".Arn", "");
        assert!(seen.insert(role_name.clone()), "{role_name} is of two functions");
        let role = &roles[role_name.as_str()]["Properties"];
        let trusted = &role["AssumeRolePolicyDocument"]["Statement"];
        assert_eq!(trusted.as_sequence().map(Vec::len), Some(1), "{role_name}");
        assert_eq!(trusted[0]["Principal"]["Service"], "lambda.amazonaws.com", "{role_name}");
        assert!(role.get("ManagedPolicyArns").is_none(), "{role_name}: managed policies change without us");
        writeln!(table, "{name}: invoked by {}", invoked_by(function)).expect("text");
        for statement in role["Policies"][0]["PolicyDocument"]["Statement"].as_sequence().expect("statements") {
            let (actions, what) = (texts(&statement["Action"]), texts(&statement["Resource"]));
            assert_eq!(statement["Effect"], "Allow", "{role_name}");
            for word in actions.iter().chain(&what) {
                assert!(!objects(word).contains('*'), "{role_name} may {word}");
            }
            assert!(!actions.iter().any(|action| action.ends_with(":Scan")), "{role_name} may scan");
            let what: Vec<String> = what.iter().map(|resource| plain(resource)).collect();
            writeln!(table, "  {:<56} {}", what.join(", "), actions.join(", ")).expect("text");
        }
        table.push('\n');
    }
    golden("contract/rights.txt", &table);
}

/// What each function's role lets it do: `dynamodb:GetItem on Table`.
pub fn rights() -> BTreeMap<String, BTreeSet<String>> {
    let template = template();
    let roles = resources(&template, "AWS::IAM::Role");
    let functions = resources(&template, "AWS::Serverless::Function");
    let of = |function: &Value| {
        let role = roles[text(&function["Properties"]["Role"]).replace(".Arn", "").as_str()];
        let statements = role["Properties"]["Policies"][0]["PolicyDocument"]["Statement"].as_sequence().expect("statements");
        let each = |statement: &Value| {
            let what = texts(&statement["Resource"]);
            let on = |action: String| what.iter().map(move |what| format!("{action} on {}", plain(what))).collect::<Vec<_>>();
            texts(&statement["Action"]).into_iter().flat_map(on).collect::<Vec<_>>()
        };
        statements.iter().flat_map(each).collect()
    };
    functions.values().map(|function| (text(&function["Metadata"]["BuildProperties"]["Binary"]), of(function))).collect()
}

#[test]
fn the_gateway_hands_out_bytes_to_whom_the_portal_answers_with_bytes() {
    let listed = texts(&template()["Resources"]["Api"]["Properties"]["BinaryMediaTypes"]);
    // Slashes are escaped there.
    let listed: Vec<String> = listed.iter().map(|kind| kind.replace("~1", "/")).collect();
    assert_eq!(listed, tributary_portal::logo::BINARY_MEDIA_TYPES);
}

#[test]
fn a_function_has_no_more_routes_than_its_resource_policy_holds() {
    for (name, function) in resources(&template(), "AWS::Serverless::Function") {
        let events = function["Properties"]["Events"].as_mapping();
        let routes = events.map_or(0, |events| events.values().filter(|event| event["Type"] == "Api").count());
        assert!(routes <= MAX_ROUTES, "{name} has {routes} routes");
    }
}

/// The page that an alarm's description ends in.
fn runbook(alarm: &Value) -> String {
    let description = text(&alarm["Properties"]["AlarmDescription"]);
    let page = description.split_once("Runbook: ${RunbooksUrl}/").unwrap_or_else(|| panic!("no runbook: {description}")).1;
    page.to_owned()
}

#[test]
fn every_alarm_tells_somebody_and_names_a_page_that_says_what_to_do() {
    let (template, folder) = (template(), root().join("docs/runbooks"));
    let mut named = BTreeSet::from(["README.md".to_owned()]);
    for (name, alarm) in resources(&template, "AWS::CloudWatch::Alarm") {
        let page = runbook(alarm);
        let written = std::fs::read_to_string(folder.join(&page)).unwrap_or_else(|error| panic!("{name}: docs/runbooks/{page}: {error}"));
        assert!(written.contains(name), "docs/runbooks/{page} does not name {name}");
        let index = std::fs::read_to_string(folder.join("README.md")).expect("the index of runbooks");
        assert!(index.contains(name) && index.contains(&page), "docs/runbooks/README.md does not lead from {name} to {page}");
        for actions in ["AlarmActions", "OKActions"] {
            assert!(alarm["Properties"][actions].as_sequence().is_some_and(|actions| !actions.is_empty()), "{name} has no {actions}");
        }
        named.insert(page);
    }
    let written: BTreeSet<String> = std::fs::read_dir(&folder)
        .expect("docs/runbooks")
        .map(|file| file.expect("a file").file_name().to_string_lossy().into_owned())
        .collect();
    assert_eq!(written, named, "docs/runbooks holds the pages that alarms name, and no others");
}

#[test]
fn every_failure_mode_has_an_alarm() {
    let template = template();
    let alarms = resources(&template, "AWS::CloudWatch::Alarm");
    let has = |metric: &str, of: &str| {
        alarms.values().any(|alarm| {
            let properties = &alarm["Properties"];
            let values = properties.get("Dimensions").and_then(Value::as_sequence).into_iter().flatten().map(|one| text(&one["Value"]));
            properties["MetricName"] == metric && values.collect::<Vec<_>>().iter().any(|value| value.starts_with(of))
        })
    };
    for (name, function) in resources(&template, "AWS::Serverless::Function") {
        assert!(has("Errors", name), "{name} has no alarm of its errors");
        let events: Vec<&Value> = function["Properties"]["Events"].as_mapping().map(|events| events.values().collect()).unwrap_or_default();
        if events.iter().any(|event| event["Type"] == "ScheduleV2") {
            assert!(has("Invocations", name), "{name} is run by a schedule, and nothing tells when it is not");
        }
        if events.iter().any(|event| event["Type"] == "Api") {
            let binary = text(&function["Metadata"]["BuildProperties"]["Binary"]);
            assert!(has("RequestFailures", &binary), "{name} answers requests, and nothing tells when it answers failures");
        }
    }
    for name in resources(&template, "AWS::SQS::Queue").keys() {
        assert!(has("ApproximateNumberOfMessagesVisible", name), "{name} has no alarm of its depth");
        assert!(has("ApproximateAgeOfOldestMessage", name), "{name} has no alarm of its age");
    }
    for (metric, of) in [
        ("LedgerDrift", "reconcile"),
        ("ReconcileOverdueSeconds", "reconcile"),
        ("HousekeepingFailures", "housekeeping"),
        ("UsageRollupFailures", "usage_worker"),
        ("ForecastFailures", "forecast"),
        ("WatchFailures", "watcher"),
        ("BillingFailures", "invoice_worker"),
        ("BillingRunFailures", "billing_run"),
        ("CollectionFailures", "collector"),
        ("ReadThrottleEvents", "Table"),
    ] {
        assert!(has(metric, of), "no alarm of {metric}");
    }
}

/// After how many days a blob ends, and after how many an older version of it: the shortest of all rules that match its key.
fn lifetime(template: &Value, key: &str) -> (Option<u64>, Option<u64>) {
    let rules = template["Resources"]["Bucket"]["Properties"]["LifecycleConfiguration"]["Rules"].as_sequence().expect("rules");
    let matching = rules.iter().filter(|rule| {
        assert_eq!(rule["Status"], "Enabled");
        key.starts_with(&rule.get("Prefix").map(text).unwrap_or_default())
    });
    matching.fold((None, None), |(current, older): (Option<u64>, Option<u64>), rule| {
        let days = |days: Option<&Value>| days.and_then(Value::as_u64);
        let shorter = |one: Option<u64>, other: Option<u64>| one.into_iter().chain(other).min();
        let noncurrent = days(rule.get("NoncurrentVersionExpiration").map(|rule| &rule["NoncurrentDays"]));
        (shorter(current, days(rule.get("ExpirationInDays"))), shorter(older, noncurrent))
    })
}

#[test]
fn the_record_of_usage_is_kept_and_what_only_waits_or_is_fetched_ends() {
    let template = template();
    let batch = TransferId::from_uuid("0192f3a4-0000-7000-8000-000000000001".parse().expect("a UUID"));
    assert_eq!(lifetime(&template, &record::key(&batch)), (None, Some(35)), "the reason of every charge is kept for ever");
    assert_eq!(lifetime(&template, "usage/waiting/ubt_1.json"), (Some(35), Some(1)));
    let week = u64::try_from(tributary_store::exports::KEPT_DAYS).expect("days");
    assert_eq!(lifetime(&template, "exports/exp_1.csv"), (Some(week), Some(1)));
    let kept = |queue: &str| template["Resources"][queue]["Properties"]["MessageRetentionPeriod"].as_u64().expect("seconds");
    // A message sent back from the dead letters begins anew.
    let waits_days = (kept("UsageQueue") + kept("UsageDeadLetters")) / 86_400;
    assert!(lifetime(&template, "usage/waiting/").0 >= Some(waits_days), "a message may name events that are gone");
}

/// The program text of everything that measures.
fn sources() -> String {
    let read = |path: &str| std::fs::read_to_string(root().join(path)).expect("a source");
    let functions = [
        "housekeeping",
        "reconcile",
        "usage_worker",
        "exporter",
        "bulk_worker",
        "forecast",
        "outbox",
        "watcher",
        "roster",
        "billing_run",
        "collector",
        "invoice_worker",
    ]
    .map(|name| read(&format!("functions/{name}/src/lib.rs")));
    functions.concat() + &read("functions/roster/src/hear.rs") + &read("shared/api/src/router.rs")
}

#[test]
fn alarms_and_dashboard_show_what_the_code_measures() {
    let (template, sources) = (template(), sources());
    for (name, alarm) in resources(&template, "AWS::CloudWatch::Alarm") {
        let properties = &alarm["Properties"];
        let metric = text(&properties["MetricName"]);
        let ours = text(&properties["Namespace"]).starts_with("Tributary/");
        assert!(!ours || sources.contains(&format!("\"{metric}\"")), "{name} watches {metric}, which nothing measures");
    }
    let (_, dashboard) = resources(&template, "AWS::CloudWatch::Dashboard").into_iter().next().expect("a dashboard");
    let body = text(&dashboard["Properties"]["DashboardBody"]);
    let body: serde_json::Value = serde_json::from_str(&body).expect("the dashboard is JSON");
    let widgets = body["widgets"].as_array().expect("widgets");
    let shown: Vec<&str> =
        widgets.iter().filter_map(|widget| widget["properties"]["alarms"].as_array()).flatten().filter_map(|a| a.as_str()).collect();
    for name in resources(&template, "AWS::CloudWatch::Alarm").keys() {
        assert!(shown.contains(&format!("${{{name}.Arn}}").as_str()), "the dashboard does not show {name}");
    }
    let metrics = widgets.iter().filter_map(|widget| widget["properties"]["metrics"].as_array()).flatten();
    for metric in metrics.filter(|metric| metric[0].as_str().is_some_and(|space| space.starts_with("Tributary/"))) {
        let name = metric[1].as_str().expect("a name");
        assert!(sources.contains(&format!("\"{name}\"")), "the dashboard shows {name}, which nothing measures");
    }
}

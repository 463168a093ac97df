//! The functions: what they run, what they may do, where they log, who hears of their failures.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::Value;

use super::report::{Level, Report, Wrong, counted};
use super::template::{Resource, Stack, pointed_at, scalar};

/// API Gateway gives a function so long, in seconds.
const GATEWAY_TIMEOUT_S: i64 = 29;
/// Lambda's own limits: seconds, and megabytes of memory.
const LONGEST_S: i64 = 900;
const MEMORY_MB: std::ops::RangeInclusive<i64> = 128..=10_240;

/// Looks at every function of the stack.
pub fn check(report: &mut Report, stack: &Stack, root: &Path) {
    report.group("Functions");
    let count = stack.functions().count();
    if count == 0 {
        return report.problem("functions", "the template has none", "declare AWS::Serverless::Function resources");
    }
    let of = |wrong: fn(&Stack, &str, &Resource) -> Vec<Wrong>| -> Vec<Wrong> {
        stack.functions().flat_map(|(name, function)| wrong(stack, name, function)).collect()
    };
    report.each(
        "programs",
        Level::Problem,
        programs(stack, root),
        format!("{}, each with a program in functions/", counted(count, "function", "functions")),
    );
    report.each("own role", Level::Problem, own(stack, "/Role", "AWS::IAM::Role", "role"), counted(count, "role", "roles"));
    report.each("rights", Level::Problem, of(rights), "no * but for a table's indexes and a bucket's prefixes");
    report.each(
        "own log group",
        Level::Problem,
        logs(stack),
        format!("{}, each with a retention", counted(count, "log group", "log groups")),
    );
    report.each("errors alarm", Level::Problem, of(errors_alarm), format!("on each of {}", counted(count, "function", "functions")));
    report.each("time and memory", Level::Problem, of(limits), format!("{GATEWAY_TIMEOUT_S} s at most behind the gateway"));
}

/// The program that a function runs.
pub fn binary(function: &Resource) -> Option<&str> {
    function.metadata["BuildProperties"]["Binary"].as_str()
}

/// The programs that the crates under `functions/` make.
fn workspace_binaries(root: &Path) -> BTreeSet<String> {
    let crates = std::fs::read_dir(root.join("functions")).into_iter().flatten().flatten();
    let mut binaries = BTreeSet::new();
    for manifest in crates.map(|entry| entry.path().join("Cargo.toml")) {
        let Some(crate_) = std::fs::read_to_string(manifest).ok().and_then(|text| toml::from_str::<serde_json::Value>(&text).ok()) else {
            continue;
        };
        let named = crate_["bin"].as_array().into_iter().flatten().filter_map(|bin| bin["name"].as_str());
        binaries.extend(named.map(str::to_owned));
        if crate_["bin"].is_null() {
            binaries.extend(crate_["package"]["name"].as_str().map(str::to_owned));
        }
    }
    binaries
}

fn programs(stack: &Stack, root: &Path) -> Vec<Wrong> {
    let known = workspace_binaries(root);
    let wrong = stack.functions().filter_map(|(name, function)| match binary(function) {
        Some(binary) if known.contains(binary) => None,
        Some(binary) => {
            Some((format!("{name} runs {binary}, which no crate under functions/ makes"), "correct BuildProperties.Binary".into()))
        }
        None => Some((format!("{name} does not say what it runs"), "add Metadata.BuildProperties.Binary".to_owned())),
    });
    wrong.collect()
}

/// What a function should have for itself, and shares or lacks.
fn own(stack: &Stack, pointer: &str, kind: &str, word: &str) -> Vec<Wrong> {
    let mut owners: BTreeMap<&str, &str> = BTreeMap::new();
    let mut wrong = Vec::new();
    for (name, function) in stack.functions() {
        match stack.target(function.at(pointer)).filter(|(_, target)| target.kind == kind) {
            None => wrong.push((format!("{name} has no {word} of its own"), format!("give it a {word} declared in the template"))),
            Some((target, _)) => {
                if let Some(other) = owners.insert(target, name) {
                    wrong.push((format!("{name} and {other} share {target}"), format!("give each a {word} of its own")));
                }
            }
        }
    }
    wrong
}

fn rights(stack: &Stack, name: &str, function: &Resource) -> Vec<Wrong> {
    let Some((role_name, role)) = stack.target(function.at("/Role")) else { return Vec::new() };
    let mut wrong = Vec::new();
    if role.properties.get("ManagedPolicyArns").is_some() {
        wrong.push((format!("{role_name} of {name} has managed policies, which carry *"), "state its rights in Policies".to_owned()));
    }
    let attached = stack.resources.values().filter(|policy| matches!(policy.kind.as_str(), "AWS::IAM::Policy" | "AWS::IAM::ManagedPolicy"));
    let attached = attached.filter(|policy| texts(policy.at("/Roles")).iter().any(|attached| attached == role_name));
    let documents = role.at("/Policies").as_array().into_iter().flatten().map(|policy| &policy["PolicyDocument"]);
    let documents = documents.chain(attached.map(|policy| policy.at("/PolicyDocument")));
    for statement in documents.flat_map(|document| listed(&document["Statement"])) {
        let said = scalar(&statement["Sid"]).unwrap_or_else(|| "a statement".to_owned());
        for inverted in ["NotAction", "NotResource"] {
            if statement.get(inverted).is_some() {
                wrong.push((format!("{said} of {role_name} allows by {inverted}"), "name what is allowed".to_owned()));
            }
        }
        for action in texts(&statement["Action"]).into_iter().filter(|action| action.contains('*')) {
            wrong.push((format!("{said} of {role_name} allows the action {action}"), "name each action".to_owned()));
        }
        for resource in texts(&statement["Resource"]).into_iter().filter(|resource| too_wide(resource)) {
            wrong.push((format!("{said} of {role_name} reaches {resource}"), "name the resource".to_owned()));
        }
    }
    wrong
}

/// A table's indexes have no names of their own to list, so `/index/*` is as narrow as it gets; nor have the objects below a
/// prefix of a bucket.
fn too_wide(resource: &str) -> bool {
    let below = |resource: &str| resource.split_once(".Arn}/").is_some_and(|(_, prefix)| !prefix.is_empty());
    let narrow = resource.strip_suffix("/index/*").or_else(|| resource.strip_suffix("/*").filter(|prefix| below(prefix)));
    narrow.unwrap_or(resource).contains('*')
}

fn listed(value: &Value) -> Vec<&Value> {
    match value {
        Value::Array(items) => items.iter().collect(),
        Value::Null => Vec::new(),
        one => vec![one],
    }
}

/// A text or a list of texts, calls such as `!Sub` and `!Ref` included.
fn texts(value: &Value) -> Vec<String> {
    let text = |value: &&Value| {
        scalar(value).or_else(|| ["Fn::Sub", "Ref", "Fn::GetAtt"].iter().find_map(|function| value[*function].as_str().map(str::to_owned)))
    };
    let parts = listed(value);
    // What is put together by other functions is looked at as it is written.
    parts.iter().map(|part| text(part).unwrap_or_else(|| part.to_string())).collect()
}

fn logs(stack: &Stack) -> Vec<Wrong> {
    let mut wrong = own(stack, "/LoggingConfig/LogGroup", "AWS::Logs::LogGroup", "log group");
    let endless = stack.of_kind("AWS::Logs::LogGroup").filter(|(_, group)| group.number("/RetentionInDays").is_none());
    wrong.extend(endless.map(|(name, _)| (format!("{name} keeps logs for ever"), "set RetentionInDays".to_owned())));
    wrong
}

fn errors_alarm(stack: &Stack, name: &str, _: &Resource) -> Vec<Wrong> {
    let metrics = |alarm: &Resource| -> Vec<Value> {
        let parts = alarm.at("/Metrics").as_array().into_iter().flatten().map(|part| part["MetricStat"]["Metric"].clone());
        std::iter::once(alarm.properties.clone()).chain(parts).collect()
    };
    let watches = |metric: &Value| {
        let dimensions = metric["Dimensions"].as_array().into_iter().flatten();
        let mut of_function = dimensions.filter(|dimension| dimension["Name"] == "FunctionName");
        metric["Namespace"] == "AWS/Lambda"
            && metric["MetricName"] == "Errors"
            && of_function.any(|dimension| pointed_at(&dimension["Value"]) == Some(name))
    };
    match stack.of_kind("AWS::CloudWatch::Alarm").any(|(_, alarm)| metrics(alarm).iter().any(watches)) {
        true => Vec::new(),
        false => vec![(format!("nothing watches the errors of {name}"), "add an alarm on AWS/Lambda Errors of this function".to_owned())],
    }
}

fn limits(_: &Stack, name: &str, function: &Resource) -> Vec<Wrong> {
    let mut wrong = Vec::new();
    // AWS: 3 seconds and 128 MB unless set.
    let (timeout_s, memory_mb) = (function.number("/Timeout").unwrap_or(3), function.number("/MemorySize").unwrap_or(128));
    let longest = if function.is_behind_the_gateway() { GATEWAY_TIMEOUT_S } else { LONGEST_S };
    if !(1..=longest).contains(&timeout_s) {
        wrong.push((
            format!("{name} may run for {timeout_s} s, and is waited for {longest} s"),
            format!("set Timeout to {longest} or less"),
        ));
    }
    if !MEMORY_MB.contains(&memory_mb) {
        wrong.push((format!("{name} has {memory_mb} MB of memory"), format!("{} to {} MB can be had", MEMORY_MB.start(), MEMORY_MB.end())));
    }
    wrong
}

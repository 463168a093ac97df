//! What else the stack is made of: the table and secrets, queues, schedules, alarms.

use std::path::Path;

use serde_json::Value;

use super::parameters::alarms;
use super::report::{Level, Report, Wrong, counted};
use super::template::{Resource, Stack, is_true, pointed_at, scalar};

/// How an alarm's description names its runbook.
const RUNBOOK: &str = "Runbook:";
/// Where runbooks are in the repository.
const RUNBOOKS: &str = "docs/runbooks";

/// Looks at everything but the functions. `root` is where the paths of runbooks begin.
pub fn check(report: &mut Report, stack: &Stack, root: &Path) {
    data(report, stack);
    queues(report, stack);
    schedules(report, stack);
    watch(report, stack, root);
}

fn data(report: &mut Report, stack: &Stack) {
    report.group("Data");
    let mut wrong: Vec<Wrong> = Vec::new();
    let tables: Vec<_> = stack.of_kind("AWS::DynamoDB::Table").chain(stack.of_kind("AWS::DynamoDB::GlobalTable")).collect();
    for (name, table) in &tables {
        let mut must = |holds: bool, found: &str, todo: &str| {
            if !holds {
                wrong.push((format!("{name} {found}"), todo.to_owned()));
            }
        };
        let recovery = is_true(table.at("/PointInTimeRecoverySpecification/PointInTimeRecoveryEnabled"));
        must(recovery, "cannot be restored to a point in time", "set PointInTimeRecoveryEnabled");
        must(is_true(table.at("/DeletionProtectionEnabled")), "can be deleted by one call", "set DeletionProtectionEnabled");
        must(is_true(table.at("/SSESpecification/SSEEnabled")), "is not encrypted with a key of the account", "set SSEEnabled");
        must(is_kept(table), "goes with the stack", "set DeletionPolicy and UpdateReplacePolicy to Retain");
    }
    match tables.is_empty() {
        true => report.warning("tables", "the template has none", "the platform keeps its data in one"),
        false => {
            let well = "restorable to any second of 35 days, encrypted, kept when the stack goes";
            report.each("tables", Level::Problem, wrong, well);
        }
    }
    let buckets: Vec<_> = stack.of_kind("AWS::S3::Bucket").collect();
    let wrong = buckets.iter().flat_map(|(name, bucket)| unsafe_bucket(name, bucket)).collect();
    report.each("buckets", Level::Problem, wrong, counted(buckets.len(), "bucket", "buckets"));
    let secrets = stack.of_kind("AWS::SecretsManager::Secret").filter(|(_, secret)| !is_kept(secret));
    let lost =
        secrets.map(|(name, _)| (format!("{name} goes with the stack"), "set DeletionPolicy and UpdateReplacePolicy to Retain".into()));
    report.each("secrets", Level::Problem, lost.collect(), "kept when the stack goes");
}

/// What is wrong with a bucket, which holds customers' usage.
fn unsafe_bucket(name: &str, bucket: &Resource) -> Vec<Wrong> {
    let closed = ["BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets"];
    let is_closed = closed.iter().all(|way| is_true(&bucket.at("/PublicAccessBlockConfiguration")[*way]));
    let looks = [
        (is_closed, "may be opened to everybody", "set all four of PublicAccessBlockConfiguration"),
        (!bucket.at("/BucketEncryption").is_null(), "does not say that it is encrypted", "set BucketEncryption"),
        (is_kept(bucket), "goes with the stack", "set DeletionPolicy and UpdateReplacePolicy to Retain"),
    ];
    looks.into_iter().filter(|(holds, ..)| !holds).map(|(_, found, todo)| (format!("{name} {found}"), todo.to_owned())).collect()
}

fn is_kept(resource: &Resource) -> bool {
    // `RetainExceptOnCreate` keeps what a deployment has made, and clears away what a failed one began.
    resource.deletion_policy.starts_with("Retain") && resource.replace_policy == "Retain"
}

fn queues(report: &mut Report, stack: &Stack) {
    report.group("Queues and schedules");
    let queues: Vec<_> = stack.of_kind("AWS::SQS::Queue").collect();
    let dead_letters = dead_letters(stack);
    let open = queues.iter().filter(|(_, queue)| !is_true(queue.at("/SqsManagedSseEnabled")) && queue.at("/KmsMasterKeyId").is_null());
    let open = open.map(|(name, _)| (format!("{name} does not say that it is encrypted"), "set SqsManagedSseEnabled".to_owned()));
    report.each("encryption", Level::Problem, open.collect(), counted(queues.len(), "queue", "queues"));

    let losing = queues.iter().filter(|(name, queue)| {
        !dead_letters.contains(&name.as_str()) && stack.target(&queue.at("/RedrivePolicy")["deadLetterTargetArn"]).is_none()
    });
    let losing = losing
        .map(|(name, _)| (format!("{name} tries a bad message for ever"), "give it a RedrivePolicy with a queue for dead letters".into()));
    report.each(
        "redrive",
        Level::Problem,
        losing.collect(),
        counted(dead_letters.len(), "queue for dead letters", "queues for dead letters"),
    );

    let watched = |name: &str| {
        stack.of_kind("AWS::CloudWatch::Alarm").any(|(_, alarm)| {
            let mut dimensions = alarm.at("/Dimensions").as_array().into_iter().flatten();
            alarm.at("/Namespace") == "AWS/SQS"
                && dimensions.any(|dimension| dimension["Name"] == "QueueName" && pointed_at(&dimension["Value"]) == Some(name))
        })
    };
    let unseen = dead_letters.iter().filter(|name| !watched(name));
    let unseen = unseen.map(|name| (format!("nobody hears of a dead letter in {name}"), "add an alarm on its visible messages".to_owned()));
    report.each("dead letters", Level::Problem, unseen.collect(), "an alarm on each queue");
}

/// The queues that failed work is put into.
fn dead_letters(stack: &Stack) -> Vec<&str> {
    let mut targets: Vec<&str> = Vec::new();
    for resource in stack.resources.values() {
        collect(stack, &resource.properties, &mut targets);
    }
    targets.sort_unstable();
    targets.dedup();
    targets
}

fn collect<'a>(stack: &'a Stack, value: &Value, targets: &mut Vec<&'a str>) {
    let arn = |value: &Value| stack.target(value).filter(|(_, target)| target.kind == "AWS::SQS::Queue").map(|(name, _)| name);
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                let target = match name.as_str() {
                    "deadLetterTargetArn" => arn(value),
                    "DeadLetterConfig" => arn(&value["Arn"]),
                    "DeadLetterQueue" => arn(&value["TargetArn"]),
                    "OnFailure" => arn(&value["Destination"]),
                    _ => None,
                };
                targets.extend(target);
                collect(stack, value, targets);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| collect(stack, item, targets)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn schedules(report: &mut Report, stack: &Stack) {
    let mut schedules: Vec<(String, Value)> = Vec::new();
    for (name, function) in stack.functions() {
        let own = function.events().filter(|(_, event)| event["Type"] == "Schedule" || event["Type"] == "ScheduleV2");
        schedules.extend(own.map(|(event, said)| (format!("{event} of {name}"), said["Properties"].clone())));
    }
    schedules.extend(stack.of_kind("AWS::Scheduler::Schedule").map(|(name, schedule)| (name.clone(), schedule.at("/Target").clone())));
    let lost = schedules.iter().flat_map(|(name, said)| {
        let dead = stack.target(&said["DeadLetterConfig"]["Arn"]).is_none();
        let dead = dead.then(|| (format!("{name} keeps no run that failed"), "give it a DeadLetterConfig".to_owned()));
        let retries = said["RetryPolicy"].is_null();
        dead.into_iter().chain(retries.then(|| (format!("{name} does not say how often it is tried"), "give it a RetryPolicy".to_owned())))
    });
    report.each(
        "schedules",
        Level::Problem,
        lost.collect(),
        format!("{}, each with retries and a queue for dead letters", counted(schedules.len(), "schedule", "schedules")),
    );
}

fn watch(report: &mut Report, stack: &Stack, root: &Path) {
    report.group("Alarms");
    let mute = alarms(stack).filter(|(_, alarm)| alarm.written["AlarmActions"].is_null());
    let mute = mute.map(|(name, _)| (format!("{name} can tell nobody"), "give it AlarmActions".to_owned()));
    report.each("actions", Level::Problem, mute.collect(), format!("of {}", counted(alarms(stack).count(), "alarm", "alarms")));

    let (mut missing, mut dangling, mut count) = (Vec::new(), Vec::new(), 0_usize);
    for (name, alarm) in alarms(stack) {
        match runbook(alarm) {
            None => missing.push(name),
            Some(path) if root.join(&path).is_file() => count += 1,
            Some(path) => {
                dangling.push((format!("{name} names the runbook {path}, which does not exist"), "write it, or correct the name".into()))
            }
        }
    }
    if !missing.is_empty() {
        let todo = format!("end AlarmDescription with \"{RUNBOOK} {RUNBOOKS}/….md\"");
        report.warning("runbooks", format!("{} without one: {}", counted(missing.len(), "alarm", "alarms"), missing.join(", ")), todo);
    }
    if missing.is_empty() || !dangling.is_empty() {
        report.each(
            "runbooks",
            Level::Problem,
            dangling,
            format!("{}, each with a page that says what to do", counted(count, "alarm", "alarms")),
        );
    }
}

/// The page that an alarm's description names.
fn runbook(alarm: &Resource) -> Option<String> {
    let description = alarm.at("/AlarmDescription");
    let text = scalar(description).or_else(|| description["Fn::Sub"].as_str().map(str::to_owned))?;
    let path = text.split(RUNBOOK).nth(1)?.split_whitespace().next()?.trim_end_matches('.');
    // Where runbooks are served elsewhere, the page of the same name is what is served there.
    let served = path.contains("://").then(|| path.rsplit('/').next()).flatten();
    let path = served.map_or_else(|| path.to_owned(), |file| format!("{RUNBOOKS}/{file}"));
    (!path.is_empty()).then_some(path)
}

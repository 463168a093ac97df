//! What the environment gives to the template, and whether that is fit for production.

use std::collections::BTreeMap;

use serde_json::Value;

use super::Project;
use super::report::{Level, Report, Wrong, counted};
use super::template::{Resource, Stack, Template, pointed_at, scalar};

/// Logs of production are kept for at least so many days.
const LEAST_RETENTION_DAYS: i64 = 90;

/// Whether `sam` is told what it needs, and the template takes it.
pub fn check(report: &mut Report, project: &Project) {
    report.group("Settings");
    let Project { template, environment, build, deploy, .. } = project;
    let (build_given, build_unclear) = build.overrides();
    let (deploy_given, deploy_unclear) = deploy.overrides();

    let mut wrong: Vec<Wrong> = Vec::new();
    for (command, unclear) in [("build", build_unclear), ("deploy", deploy_unclear)] {
        wrong.extend(
            unclear
                .into_iter()
                .map(|item| (format!("{item:?} of {environment}.{command} is not Name=value"), "write it as \"Name=value\"".to_owned())),
        );
    }
    let count = deploy_given.len();
    wrong.extend(refusals(template, &build_given, &format!("{environment}.build")));
    wrong.extend(refusals(template, &deploy_given, &format!("{environment}.deploy")));
    wrong.extend(missing(template, &deploy_given, environment));
    report.each("parameters", Level::Problem, wrong, format!("{count} given, all known to the template and taken by it"));

    let differing = differing(template, &build_given, &deploy_given);
    report.each("build and deploy", Level::Problem, differing, "what is built is what is deployed");

    let told = |name: &str| deploy.text(name).filter(|text| !text.is_empty());
    match (told("stack_name"), told("region")) {
        (Some(stack), Some(region)) => report.ok("stack", format!("{stack} in {region}")),
        (stack, region) => {
            let lacking = [("stack_name", stack), ("region", region)].into_iter().filter(|(_, value)| value.is_none());
            let lacking: Vec<&str> = lacking.map(|(name, _)| name).collect();
            report.problem("stack", format!("{environment} names no {}", lacking.join(" and no ")), "name it under global.parameters");
        }
    }
    let capabilities = told("capabilities").unwrap_or_default();
    match capabilities.contains("CAPABILITY_IAM") || capabilities.contains("CAPABILITY_NAMED_IAM") {
        true => report.ok("capabilities", capabilities),
        false => report.problem(
            "capabilities",
            "the stack makes roles, and sam is not allowed to",
            format!("add capabilities = \"CAPABILITY_IAM\" to {environment}.deploy.parameters"),
        ),
    }
    domain(report, project);
}

/// A name without its certificate, or one in another region, fails in the middle of a deployment.
fn domain(report: &mut Report, project: &Project) {
    let stack = &project.stack;
    let (name, certificate) = (stack.parameter("DomainName"), stack.parameter("CertificateArn"));
    if name.is_empty() {
        return;
    }
    let region = project.deploy.text("region").unwrap_or_default();
    let of_certificate = certificate.split(':').nth(3).unwrap_or_default();
    match certificate {
        "" => report.problem("domain", format!("{name} has no certificate"), "set CertificateArn to one of this region's ACM certificates"),
        _ if !region.is_empty() && of_certificate != region => report.problem(
            "domain",
            format!("the certificate of {name} is in {of_certificate}, the stack in {region}"),
            "a regional API takes certificates of its own region: ask ACM for one there",
        ),
        _ => report.ok("domain", format!("{name}, with a certificate of {of_certificate}")),
    }
}

fn refusals(template: &Template, given: &BTreeMap<String, String>, section: &str) -> Vec<Wrong> {
    let known = template.parameters();
    let refusal = |(name, value): (&String, &String)| match known.get(name.as_str()) {
        None => {
            let names: Vec<&str> = known.keys().copied().collect();
            Some((format!("{section} gives {name}, which the template does not have"), format!("it has {}", names.join(", "))))
        }
        Some(parameter) => parameter.refusal(value).map(|why| (format!("{name}={value} of {section}"), why)),
    };
    given.iter().filter_map(refusal).collect()
}

fn missing(template: &Template, given: &BTreeMap<String, String>, environment: &str) -> Vec<Wrong> {
    let known = template.parameters().into_iter();
    known
        .filter(|(name, parameter)| parameter.default().is_none() && !given.contains_key(*name))
        .map(|(name, _)| (format!("{name} has no default and is not given"), format!("give it under {environment}.deploy.parameters")))
        .collect()
}

/// `sam build` chooses the processor, and `sam deploy` tells Lambda which one it is.
fn differing(template: &Template, build: &BTreeMap<String, String>, deploy: &BTreeMap<String, String>) -> Vec<Wrong> {
    let architectures = |given: &BTreeMap<String, String>| -> BTreeMap<String, String> {
        let stack = template.stack(given);
        let of = |(name, function): (&String, &Resource)| {
            Some((name.clone(), scalar(function.at("/Architectures/0")).unwrap_or_else(|| "x86_64".to_owned())))
        };
        stack.functions().filter_map(of).collect()
    };
    let deployed = architectures(deploy);
    let differs = architectures(build).into_iter().filter_map(|(name, built)| {
        let deployed = deployed.get(&name).filter(|deployed| **deployed != built)?;
        Some((
            format!("{name} is built for {built} and deployed as {deployed}"),
            "give the same Architecture to build and deploy".to_owned(),
        ))
    });
    differs.collect()
}

/// What production needs and other environments may do without.
pub fn check_production(report: &mut Report, project: &Project) {
    let stack = &project.stack;
    report.group("Production");
    if !project.production {
        return report.skipped("production", "this environment is not production", "--env prod looks at what production needs");
    }
    documentation(report, stack);
    told(report, stack);
    rollout(report, stack);
    let level = stack.parameter("LogLevel");
    match matches!(level, "debug" | "trace") {
        true => report.problem("log level", format!("LogLevel={level}"), "set info: more costs more, and shows more than it should"),
        false => report.ok("log level", level),
    }
    retention(report, stack);
    if stack.parameters.contains_key("Waf") {
        match stack.parameter("Waf") {
            "none" => report.warning("firewall", "Waf=none", "set Waf=create unless a firewall stands in front already"),
            set => report.ok("firewall", format!("Waf={set}")),
        }
    }
    match project.deploy.is_on("disable_rollback") {
        true => report.problem("failed deployment", "is left half done: disable_rollback is on", "set disable_rollback = false"),
        false => report.ok("failed deployment", "is rolled back"),
    }
}

fn documentation(report: &mut Report, stack: &Stack) {
    let (url, stage, domain) = (stack.parameter("DocsUrl"), stack.parameter("Environment"), stack.parameter("DomainName"));
    let host = url.split("://").nth(1).unwrap_or_default().split(['/', ':']).next().unwrap_or_default();
    // Reserved names, which never lead anywhere (RFC 2606).
    let placeholder = host.ends_with(".example") || matches!(host, "example.com" | "example.org" | "example.net");
    let own = if domain.is_empty() { format!("/{stage}/docs") } else { format!("https://{domain}/docs") };
    let wrong = if placeholder {
        Some("is a placeholder")
    } else if url.starts_with('/') && url != own {
        Some("is no path of this deployment")
    } else if !url.starts_with('/') && !url.starts_with("https://") {
        Some("is not https")
    } else {
        None
    };
    match wrong {
        None => report.ok("documentation", url),
        Some(wrong) => {
            let todo = format!("set DocsUrl to where the pages of errors are served; the API serves them itself: {own}");
            report.problem("documentation", format!("DocsUrl={url} {wrong}: the links in errors do not open"), todo);
        }
    }
}

/// Whether an alarm reaches anybody: its actions, in this environment, lead to something that exists.
fn told(report: &mut Report, stack: &Stack) {
    let silent: Vec<&str> = alarms(stack).filter(|(_, alarm)| !reaches(stack, alarm.at("/AlarmActions"))).map(|(name, _)| name).collect();
    let count = alarms(stack).count();
    match silent.as_slice() {
        [] if count == 0 => report.problem("alarms", "there are none", "declare alarms in the template"),
        [] => report.ok("alarms", format!("{}, all with somebody to tell", counted(count, "alarm", "alarms"))),
        silent => {
            let found = match silent.len() == count {
                true => format!("nobody hears any of {}", counted(count, "alarm", "alarms")),
                false => format!("nobody hears {}", silent.join(", ")),
            };
            report.problem("alarms", found, "set AlarmTopicArn, or AlarmEmail where the template has it");
        }
    }
}

fn reaches(stack: &Stack, actions: &Value) -> bool {
    let leads = |action: &Value| match pointed_at(action) {
        Some(name) => stack.resources.get(name).is_some_and(|target| target.kind != "AWS::SNS::Topic" || is_read(stack, name, target)),
        None => scalar(action).is_none_or(|arn| !arn.is_empty()),
    };
    actions.as_array().is_some_and(|actions| actions.iter().any(leads))
}

/// Whether somebody subscribes to a topic of the stack.
fn is_read(stack: &Stack, name: &str, topic: &Resource) -> bool {
    let inline = topic.at("/Subscription").as_array().is_some_and(|subscriptions| !subscriptions.is_empty());
    inline || stack.of_kind("AWS::SNS::Subscription").any(|(_, subscription)| pointed_at(subscription.at("/TopicArn")) == Some(name))
}

/// The alarms of the stack, composite ones included.
pub fn alarms(stack: &Stack) -> impl Iterator<Item = (&str, &Resource)> {
    let is_alarm = |kind: &str| kind == "AWS::CloudWatch::Alarm" || kind == "AWS::CloudWatch::CompositeAlarm";
    stack.resources.iter().filter(move |(_, resource)| is_alarm(&resource.kind)).map(|(name, alarm)| (name.as_str(), alarm))
}

fn rollout(report: &mut Report, stack: &Stack) {
    let gradual = |function: &Resource| {
        let preference = function.at("/DeploymentPreference");
        let kind = scalar(&preference["Type"]).unwrap_or_default();
        let on = scalar(&preference["Enabled"]).is_none_or(|enabled| enabled == "true");
        on && (kind.contains("Canary") || kind.contains("Linear")) && scalar(function.at("/AutoPublishAlias")).is_some()
    };
    let behind = stack.functions().filter(|(_, function)| function.is_behind_the_gateway());
    let sudden: Vec<&str> = behind.filter(|(_, function)| !gradual(function)).map(|(name, _)| name.as_str()).collect();
    match sudden.is_empty() {
        true => report.ok("rollout", "a new version takes requests bit by bit"),
        false => report.problem(
            "rollout",
            format!("a new version takes all requests at once: {}", sudden.join(", ")),
            "set Rollout to a canary, and CanaryEnabled=true where the template has it; functions need AutoPublishAlias and DeploymentPreference",
        ),
    }
}

fn retention(report: &mut Report, stack: &Stack) {
    let groups: Vec<_> = stack.of_kind("AWS::Logs::LogGroup").collect();
    let short = groups.iter().filter_map(|(name, group)| {
        let days = group.number("/RetentionInDays").filter(|days| *days < LEAST_RETENTION_DAYS)?;
        Some((format!("{name} keeps logs for {days} days"), format!("set LogRetentionDays to {LEAST_RETENTION_DAYS} or more")))
    });
    report.each(
        "log retention",
        Level::Problem,
        short.collect(),
        format!("{LEAST_RETENTION_DAYS} days or more in {}", counted(groups.len(), "log group", "log groups")),
    );
}

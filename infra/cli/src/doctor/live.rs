//! What can be seen of a running deployment from outside, and with a key.

use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;

use super::report::Report;
use crate::Context;
use crate::client::{Client, Probed, Request};
use crate::connection::BaseUrl;
use crate::failure::Failure;

/// How often the API is asked how it is.
const ASKED: usize = 5;
/// A health answer that takes longer is worth a look.
const SLOW: Duration = Duration::from_secs(1);
/// Clocks may differ so far: signatures and times of keys bear it.
const CLOCKS_DIFFER_S: u64 = 60;
/// No route of the API.
const NO_ROUTE: &str = "/reseller/doctor-looks-for-a-route-that-is-not-there";

/// Asks the API, if there is one to ask.
pub fn check(report: &mut Report, context: &Context) {
    report.group("Running");
    let client = &context.client;
    let base = client.base();
    match (base.is_loopback(), base.to_string().starts_with("https://")) {
        (_, true) => report.ok("address", format!("{base}, encrypted")),
        (true, false) => report.ok("address", format!("{base}, this machine")),
        (false, false) => report.warning("address", format!("{base} is not encrypted: whoever is between sees the keys"), "use https"),
    }
    let Some(health) = health(report, client) else { return };
    clock(report, health.header("date").as_deref(), now_s());
    let lost = lost_route(report, client);
    headers(report, client, &health, lost.as_ref());
    documentation(report, base, lost.as_ref());
    without_a_key(report, client);
    key(report, context);
}

/// Asks a few times; the last answer, if all were good.
fn health(report: &mut Report, client: &Client) -> Option<Probed> {
    let mut answers = Vec::new();
    for _ in 0..ASKED {
        match client.probe("/health") {
            Ok(answer) if answer.status == 200 && answer.document()["status"] == "ok" => answers.push(answer),
            Ok(answer) => {
                report.problem("health", format!("/health answers {}", answer.status), "look at the portal function's log");
                return None;
            }
            Err(failure) => {
                report.problem("health", format!("no answer: {}", why(&failure)), "look at --url: with the stage, without a path");
                return None;
            }
        }
    }
    answers.sort_by_key(|answer| answer.took);
    let median = answers[ASKED / 2].took;
    let last = answers.pop()?;
    let version = last.document()["version"].as_str().unwrap_or("?").to_owned();
    let found = format!("version {version} answers in {} ms, the median of {ASKED}", median.as_millis());
    match median > SLOW {
        true => report.warning("health", found, "look at the function's duration and at the way there"),
        false => report.ok("health", found),
    }
    match version == env!("CARGO_PKG_VERSION") {
        true => report.ok("version", "the same as this command's"),
        false => report.warning(
            "version",
            format!("{version}, and this command is {}", env!("CARGO_PKG_VERSION")),
            "use the command of the deployed version",
        ),
    }
    Some(last)
}

fn clock(report: &mut Report, date: Option<&str>, now_s: u64) {
    let Some(there_s) = date.and_then(seconds) else {
        return report.skipped("clock", "the answer has no Date", "compare the clocks by hand");
    };
    let off_s = now_s.abs_diff(there_s);
    match off_s > CLOCKS_DIFFER_S {
        true => report.warning("clock", format!("{off_s} s apart from this machine's"), "set this machine's clock"),
        false => report.ok("clock", format!("within {CLOCKS_DIFFER_S} s of this machine's")),
    }
}

#[expect(clippy::disallowed_methods, reason = "the machine's own clock is what is compared")]
fn now_s() -> u64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default().as_secs()
}

fn lost_route(report: &mut Report, client: &Client) -> Option<Probed> {
    let answer = match client.probe(NO_ROUTE) {
        Ok(answer) => answer,
        Err(failure) => {
            report.problem("errors", format!("no answer to an unknown route: {}", why(&failure)), "try again");
            return None;
        }
    };
    let problem = answer.document();
    let kind = answer.header("content-type").unwrap_or_default();
    let lacking: Vec<&str> =
        ["type", "title", "status", "code", "request_id"].into_iter().filter(|member| problem[*member].is_null()).collect();
    match (answer.status, kind.starts_with("application/problem+json"), lacking.is_empty()) {
        (404, true, true) => report.ok("errors", "an unknown route is told as a problem, with a code and the request's id"),
        (status, _, _) => {
            let without = if lacking.is_empty() { String::new() } else { format!(" without {}", lacking.join(", ")) };
            let found = format!("an unknown route is answered with {status} and {kind:?}{without}");
            report.problem("errors", found, "look at the template's GatewayResponses, and for a proxy that answers itself");
        }
    }
    Some(answer)
}

fn headers(report: &mut Report, client: &Client, health: &Probed, lost: Option<&Probed>) {
    let mut lacking = Vec::new();
    for (what, answer) in [("/health", Some(health)), ("an unknown route", lost)] {
        for (name, value) in [("x-content-type-options", "nosniff"), ("cache-control", "no-store")] {
            if answer.is_some_and(|answer| answer.header(name).as_deref() != Some(value)) {
                lacking.push(format!("{name}: {value} on {what}"));
            }
        }
        if answer.is_some_and(|answer| answer.header("x-request-id").is_none()) {
            lacking.push(format!("x-request-id on {what}"));
        }
    }
    if let Ok(page) = client.probe("/")
        && page.header("content-type").is_some_and(|kind| kind.starts_with("text/html"))
        && page.header("content-security-policy").is_none()
    {
        lacking.push("content-security-policy on the page".to_owned());
    }
    match lacking.is_empty() {
        true => report.ok("headers", "nosniff, no-store and the request's id on answers, a policy on the page"),
        false => report.problem("headers", format!("missing: {}", lacking.join("; ")), "look for a proxy that takes them away"),
    }
}

fn documentation(report: &mut Report, base: &BaseUrl, lost: Option<&Probed>) {
    let Some(url) = lost.and_then(|answer| answer.document()["type"].as_str().map(|kind| base.named(kind))) else { return };
    let todo = "set DocsUrl to where the pages of errors are served; the API serves them under /docs";
    match Client::open(&url) {
        Ok(status) if (200..300).contains(&status) => report.ok("documentation", format!("{url} opens")),
        Ok(status) => report.warning("documentation", format!("{url} answers {status}"), todo),
        Err(why) => report.warning("documentation", format!("{url} does not open from here ({why})"), todo),
    }
}

fn without_a_key(report: &mut Report, client: &Client) {
    match client.probe("/reseller/accounts") {
        Ok(answer) if answer.status == 401 => report.ok("no key", "is refused"),
        Ok(answer) => report.problem(
            "no key",
            format!("a request without a key is answered with {}", answer.status),
            "find out what stands in between",
        ),
        Err(failure) => report.problem("no key", format!("no answer: {}", why(&failure)), "try again"),
    }
}

#[derive(Deserialize)]
struct Balance {
    account_id: String,
}

#[derive(Deserialize)]
struct Account {
    kind: String,
    name: String,
    currency: String,
}

#[derive(Deserialize)]
struct Permissions {
    principal: Principal,
}

#[derive(Deserialize)]
struct Principal {
    id: String,
    role: String,
}

/// Whose key it is, and whether it is one for every day.
fn key(report: &mut Report, context: &Context) {
    let client = &context.client;
    let asked = || -> Result<(Account, Principal, Option<Value>), Failure> {
        let home: Balance = client.send(&Request::get("/reseller/credits/balance"))?.read()?;
        let path = format!("/reseller/accounts/{}", crate::client::encoded(&home.account_id));
        let account: Account = client.send(&Request::get(path.clone()))?.read()?;
        let permissions: Permissions = client.send(&Request::get(format!("{path}/permissions")))?.read()?;
        let principal = permissions.principal;
        // Not every key may list keys; then nothing is said of its end.
        let keys = client.list(&Request::get(format!("{path}/keys")), None).unwrap_or_default();
        let own = keys.into_iter().find(|key| key["id"] == principal.id.as_str());
        Ok((account, principal, own))
    };
    let (account, principal, own) = match asked() {
        Ok(found) => found,
        Err(Failure::NoKey { .. }) => {
            return report.skipped(
                "key",
                "there is none: who it belongs to and what it may do is not looked at",
                "give --key or TRIBUTARY_KEY",
            );
        }
        Err(failure) => {
            return report.problem("key", format!("is not taken: {}", why(&failure)), "give a good one with --key or TRIBUTARY_KEY");
        }
    };
    let Account { kind, name, currency } = account;
    match kind == "operator" {
        true => report.ok("key", "good, at the operator"),
        false => report.warning("key", format!("good, at the {kind} {name}"), "the operator's key sees the whole platform"),
    }
    if kind == "operator" {
        match name.is_empty() || currency.is_empty() {
            true => report.problem("operator", "has no name or no currency", "make it anew with the admin function"),
            false => report.ok("operator", format!("{name}, {currency}")),
        }
    }
    let ends = own.as_ref().map(|key| key["expires_at"].as_str().map(str::to_owned));
    match (principal.role.as_str(), kind == "operator") {
        ("owner", true) => report.warning(
            "key's rights",
            "owner of everything: it issues credit and makes keys",
            "lock it away, and make keys of smaller roles for daily work: tributary keys create",
        ),
        (role, _) => report.ok("key's rights", format!("role {role}")),
    }
    if let Some(ends) = ends {
        match ends {
            Some(at) => report.ok("key's end", format!("ends by itself at {at}")),
            None => report.ok("key's end", "none: it is good until it is revoked"),
        }
    }
}

fn why(failure: &Failure) -> String {
    match failure {
        Failure::Refused { problem, .. } => {
            let said = |member: &str| problem.document[member].as_str().unwrap_or_default().to_owned();
            format!("{} ({})", said("title"), said("code"))
        }
        Failure::Lost(lost) => lost.why.clone(),
        Failure::Foreign { status, .. } => format!("something that is not a Tributary API answers {status}"),
        Failure::Malformed(why) | Failure::Shape(why) => why.clone(),
        Failure::NoKey { .. } => "there is no key".to_owned(),
        Failure::Write(error) => error.to_string(),
        Failure::File { .. } | Failure::Halted { .. } | Failure::Incomplete(_) | Failure::Unfit { .. } => String::new(),
    }
}

/// The seconds since 1970 of an HTTP date, such as `Sun, 22 Nov 2026 18:15:00 GMT` (RFC 9110, 5.6.7).
fn seconds(date: &str) -> Option<u64> {
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let parts: Vec<&str> = date.split_whitespace().collect();
    let [_, day, month, year, time, "GMT"] = parts.as_slice() else { return None };
    let (day, year): (u64, u64) = (day.parse().ok()?, year.parse().ok()?);
    let month = MONTHS.iter().position(|name| name == month)?;
    let clock: Vec<u64> = time.split(':').map(|part| part.parse().ok()).collect::<Option<_>>()?;
    let [hours, minutes, seconds] = clock.as_slice() else { return None };
    let leap = |year: u64| year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let days_of = |year: u64, month: usize| match month {
        1 => 28 + u64::from(leap(year)),
        3 | 5 | 8 | 10 => 30,
        _ => 31,
    };
    let years: u64 = (1970..year).map(|year| 365 + u64::from(leap(year))).sum();
    let months: u64 = (0..month).map(|month| days_of(year, month)).sum();
    Some((years + months + day.checked_sub(1)?) * 86_400 + hours * 3_600 + minutes * 60 + seconds)
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead as _, BufReader, Write as _};
    use std::net::TcpListener;

    use serde_json::json;

    use super::super::report::{Finding, Level};
    use super::*;
    use crate::output::Output;

    /// An API's answer to a path, asked with a key or without: status, content type, body.
    type Answer = (u16, &'static str, String);

    const JSON: &str = "application/json";
    const PROBLEM: &str = "application/problem+json";
    const SAFE: &str = "x-content-type-options: nosniff\r\ncache-control: no-store\r\nx-request-id: req_1\r\ncontent-security-policy: default-src 'none'\r\n";

    /// Answers like a sound deployment at `base` whose key belongs to the operator's owner.
    fn sound(base: &str, path: &str, with_key: bool) -> Answer {
        let problem = |status: u16, code: &str| {
            let body =
                json!({"type": format!("{base}/docs/errors/{code}"), "title": code, "status": status, "code": code, "request_id": "req_1"});
            (status, PROBLEM, body.to_string())
        };
        let path = path.split('?').next().unwrap_or_default();
        match path {
            "/health" => (200, JSON, json!({"status": "ok", "version": env!("CARGO_PKG_VERSION")}).to_string()),
            "/" | "/docs/errors/route_not_found" => (200, "text/html; charset=utf-8", "<p>a page</p>".to_owned()),
            NO_ROUTE => problem(404, "route_not_found"),
            _ if !with_key => problem(401, "unauthorized"),
            "/reseller/credits/balance" => (200, JSON, json!({"account_id": "acc_1"}).to_string()),
            "/reseller/accounts/acc_1" => (200, JSON, json!({"kind": "operator", "name": "Acme", "currency": "EUR"}).to_string()),
            "/reseller/accounts/acc_1/permissions" => (200, JSON, json!({"principal": {"id": "key_1", "role": "admin"}}).to_string()),
            "/reseller/accounts/acc_1/keys" => {
                (200, JSON, json!({"data": [{"id": "key_1", "expires_at": null}], "next_cursor": null}).to_string())
            }
            _ => problem(404, "not_found"),
        }
    }

    /// Looks at an API that answers by `answer`, with these headers on every answer. The server ends with the test's process.
    fn looked_at(headers: &'static str, answer: impl Fn(&str, &str, bool) -> Answer + Send + 'static) -> Vec<Finding> {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let base = format!("http://{}", listener.local_addr().expect("an address"));
        let own = base.clone();
        std::thread::spawn(move || {
            while let Ok((mut stream, _)) = listener.accept() {
                let Ok(reading) = stream.try_clone() else { return };
                let request: Vec<String> =
                    BufReader::new(reading).lines().map_while(Result::ok).take_while(|line| !line.is_empty()).collect();
                let path = request.first().and_then(|line| line.split(' ').nth(1)).unwrap_or_default().to_owned();
                let with_key = request.iter().any(|line| line.to_ascii_lowercase().starts_with("authorization: bearer rk_"));
                let (status, kind, body) = answer(&own, &path, with_key);
                let length = body.len();
                let head = format!(
                    "HTTP/1.1 {status} x\r\ncontent-type: {kind}\r\n{headers}content-length: {length}\r\nconnection: close\r\n\r\n"
                );
                if stream.write_all(format!("{head}{body}").as_bytes()).is_err() {
                    return;
                }
            }
        });
        let client = Client::new(base.parse().expect("an address"), Some("rk_test_1".to_owned()));
        let mut report = Report::default();
        check(&mut report, &Context { client, output: Output::new(false) });
        report.findings().to_vec()
    }

    fn wrong(findings: &[Finding]) -> Vec<(Level, &str)> {
        findings.iter().filter(|finding| finding.level >= Level::Warning).map(|finding| (finding.level, finding.check)).collect()
    }

    #[test]
    fn a_sound_deployment_is_told_from_one_with_a_fault() {
        let findings = looked_at(SAFE, sound);
        assert_eq!(wrong(&findings), [], "{findings:#?}");
        let operator = findings.iter().find(|finding| finding.check == "operator").map(|finding| finding.found.as_str());
        assert_eq!(operator, Some("Acme, EUR"));

        /// A path, and what stands there instead.
        type Fault = (&'static str, u16, &'static str, Value);
        let faults: [(Fault, &[(Level, &str)]); 9] = [
            (("/health", 500, JSON, json!({})), &[(Level::Problem, "health")]),
            (("/health", 200, JSON, json!({"status": "down"})), &[(Level::Problem, "health")]),
            (("/health", 200, JSON, json!({"status": "ok", "version": "0.0.0"})), &[(Level::Warning, "version")]),
            ((NO_ROUTE, 403, JSON, json!({"message": "Missing Authentication Token"})), &[(Level::Problem, "errors")]),
            (("/docs/errors/route_not_found", 404, JSON, json!({})), &[(Level::Warning, "documentation")]),
            (("/reseller/accounts", 200, JSON, json!({"data": []})), &[(Level::Problem, "no key")]),
            (
                ("/reseller/credits/balance", 401, PROBLEM, json!({"type": "t", "title": "t", "status": 401, "code": "unauthorized"})),
                &[(Level::Problem, "key")],
            ),
            (
                ("/reseller/accounts/acc_1", 200, JSON, json!({"kind": "reseller", "name": "R", "currency": "EUR"})),
                &[(Level::Warning, "key")],
            ),
            (
                ("/reseller/accounts/acc_1/permissions", 200, JSON, json!({"principal": {"id": "key_1", "role": "owner"}})),
                &[(Level::Warning, "key's rights")],
            ),
        ];
        for ((at, status, kind, body), expected) in faults {
            let text = body.to_string();
            let findings = looked_at(SAFE, move |base, path, with_key| match path.split('?').next() == Some(at) {
                true => (status, kind, text.clone()),
                false => sound(base, path, with_key),
            });
            assert_eq!(wrong(&findings), expected, "{at} answering {status} {body}: {findings:#?}");
        }
    }

    #[test]
    fn headers_that_something_in_between_takes_away_are_named() {
        let findings = looked_at("x-content-type-options: nosniff\r\n", sound);
        assert_eq!(wrong(&findings), [(Level::Problem, "headers")]);
        let found = findings.iter().find(|finding| finding.check == "headers").map(|finding| finding.found.clone()).unwrap_or_default();
        for missing in ["cache-control: no-store on /health", "x-request-id on an unknown route", "content-security-policy on the page"] {
            assert!(found.contains(missing), "{found}");
        }
    }

    #[test]
    fn where_nothing_answers_nothing_else_is_said() {
        let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
        let base = format!("http://{}", taken.local_addr().expect("an address"));
        drop(taken);
        let client = Client::new(base.parse().expect("an address"), Some("rk_test_1".to_owned()));
        let mut report = Report::default();
        check(&mut report, &Context { client, output: Output::new(false) });
        assert_eq!(wrong(report.findings()), [(Level::Problem, "health")]);
    }

    #[test]
    fn clocks_that_are_apart_are_a_warning() {
        let level = |date: Option<&str>, now_s: u64| {
            let mut report = Report::default();
            clock(&mut report, date, now_s);
            report.findings()[0].level
        };
        let date = Some("Sun, 06 Nov 1994 08:49:37 GMT");
        assert_eq!(level(date, 784_111_777 + 60), Level::Ok);
        assert_eq!(level(date, 784_111_777 + 61), Level::Warning);
        assert_eq!(level(date, 784_111_777 - 61), Level::Warning);
        assert_eq!(level(None, 0), Level::Skipped);
    }

    #[test]
    fn the_date_of_an_answer_is_read() {
        assert_eq!(seconds("Thu, 01 Jan 1970 00:00:00 GMT"), Some(0));
        assert_eq!(seconds("Sun, 06 Nov 1994 08:49:37 GMT"), Some(784_111_777));
        assert_eq!(seconds("Sun, 22 Nov 2026 18:15:00 GMT"), Some(1_795_371_300));
        assert_eq!(seconds("Thu, 29 Feb 2024 23:59:59 GMT"), Some(1_709_251_199));
        for wrong in ["", "yesterday", "Sun, 06 Nov 1994 08:49:37 CET", "Sunday, 06-Nov-94 08:49:37 GMT"] {
            assert_eq!(seconds(wrong), None, "{wrong}");
        }
    }
}

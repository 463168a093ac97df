//! The snippets of `docs/webhooks.md` take what the platform signs and nothing else. The Rust one is compiled here from the page's own text; the
//! others are run by Python and Node, where they are.

use std::io::Write as _;
use std::process::{Command, Stdio};

use serde_json::json;
use tributary_domain::webhook::signed_content;
use tributary_runtime::webhook::sign;

/// The page's own text.
const PAGE: &str = include_str!("../../docs/webhooks.md");

/// The Rust of the page, as a module. A test holds it equal to the page.
mod rust_of_the_page {
    include!("verify.rs");
}

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const OTHER: &str = "whsec_AAKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const NOW: i64 = 1_793_606_400;

fn code(language: &str) -> &'static str {
    let start = PAGE.find(&format!("```{language}\n")).unwrap_or_else(|| panic!("{language} is on the page")) + language.len() + 4;
    let rest = &PAGE[start..];
    &rest[..rest.find("```").expect("its end")]
}

/// Requests, and whether they are genuine: signatures, timestamp, body.
fn cases() -> Vec<(&'static str, String, i64, String, bool)> {
    let body = r#"{"id":"evt_1","data":"ä €"}"#.to_owned();
    let signed = |secret: &str, at: i64| sign(secret, &signed_content("evt_1", at, &body)).expect("signed");
    vec![
        ("genuine", signed(SECRET, NOW), NOW, body.clone(), true),
        ("within five minutes", signed(SECRET, NOW - 299), NOW - 299, body.clone(), true),
        ("rotated", format!("{} {}", signed(OTHER, NOW), signed(SECRET, NOW)), NOW, body.clone(), true),
        ("a later version beside it", format!("v2,xxxx {}", signed(SECRET, NOW)), NOW, body.clone(), true),
        ("another secret", signed(OTHER, NOW), NOW, body.clone(), false),
        ("another body", signed(SECRET, NOW), NOW, body.replace('1', "2"), false),
        ("another time", signed(SECRET, NOW - 1), NOW, body.clone(), false),
        ("too old", signed(SECRET, NOW - 301), NOW - 301, body.clone(), false),
        ("of the future", signed(SECRET, NOW + 301), NOW + 301, body.clone(), false),
        ("cut off", signed(SECRET, NOW)[..20].to_owned(), NOW, body.clone(), false),
        ("without a version", signed(SECRET, NOW)[3..].to_owned(), NOW, body.clone(), false),
        ("none", String::new(), NOW, body, false),
    ]
}

#[test]
fn the_rust_of_the_page_takes_what_is_genuine_and_nothing_else() {
    assert_eq!(include_str!("verify.rs").trim(), code("rust").trim(), "tests/webhooks/verify.rs is the page's own text");
    for (name, signatures, at, body, genuine) in cases() {
        let taken = rust_of_the_page::is_genuine(SECRET, "evt_1", &at.to_string(), &signatures, &body, NOW);
        assert_eq!(taken, genuine, "{name}");
    }
}

/// Runs a program on the snippet and the cases, which must say `true` or `false` for each.
fn run(program: &str, arguments: &[&str], snippet: &str, driver: &str) {
    let cases = cases();
    let input: Vec<_> = cases.iter().map(|(_, signatures, at, body, _)| json!([signatures, at.to_string(), body])).collect();
    let script = format!("{snippet}\n{}", driver.replace("CASES", &serde_json::to_string(&json!(input).to_string()).expect("JSON")));
    let child = Command::new(program).args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let mut child = match child {
        Ok(child) => child,
        Err(error) => {
            eprintln!("SKIPPED: {program} is not here ({error}), so its snippet in docs/webhooks.md is not tried");
            return;
        }
    };
    child.stdin.take().expect("a pipe").write_all(script.as_bytes()).expect("written");
    let output = child.wait_with_output().expect("ended");
    assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
    let said = String::from_utf8(output.stdout).expect("text");
    let wanted: Vec<String> = cases.iter().map(|(name, .., genuine)| format!("{name}: {genuine}")).collect();
    let given: Vec<String> = cases.iter().zip(said.lines()).map(|((name, ..), line)| format!("{name}: {}", line.to_lowercase())).collect();
    assert_eq!(given, wanted, "{program}");
}

#[test]
fn the_python_of_the_page_takes_what_is_genuine_and_nothing_else() {
    let driver = "import json\nfor signatures, at, body in json.loads(CASES):\n    print(is_genuine('SECRET', 'evt_1', at, signatures, body.encode(), NOW))\n";
    run("python3", &["-"], code("python"), &driver.replace("SECRET", SECRET).replace("NOW", &NOW.to_string()));
}

#[test]
fn the_javascript_of_the_page_takes_what_is_genuine_and_nothing_else() {
    let driver =
        "for (const [signatures, at, body] of JSON.parse(CASES)) console.log(isGenuine('SECRET', 'evt_1', at, signatures, body, NOW));\n";
    run("node", &["--input-type=module", "-"], code("javascript"), &driver.replace("SECRET", SECRET).replace("NOW", &NOW.to_string()));
}

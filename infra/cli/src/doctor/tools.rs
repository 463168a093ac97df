//! The programs that build and deploy.

use std::path::Path;
use std::process::Command;

use super::report::Report;

/// A program, the calls that show its version, and how to get it.
struct Tool {
    name: &'static str,
    calls: &'static [&'static [&'static str]],
    install: &'static str,
}

const TOOLS: [Tool; 4] = [
    Tool { name: "rust", calls: &[&["rustc", "--version"]], install: "install Rust from https://rustup.rs" },
    Tool { name: "cargo-lambda", calls: &[&["cargo", "lambda", "--version"]], install: "pip install cargo-lambda" },
    Tool {
        name: "zig",
        calls: &[&["zig", "version"], &["python3", "-m", "ziglang", "version"], &["python-zig", "version"]],
        install: "pip install ziglang; cargo-lambda links with it",
    },
    Tool { name: "sam", calls: &[&["sam", "--version"]], install: "pip install aws-sam-cli" },
];

/// Looks for the programs. What is missing is a warning: a deployment may be made from elsewhere.
pub fn check(report: &mut Report, root: &Path) {
    report.group("Tools");
    for tool in &TOOLS {
        match tool.calls.iter().find_map(|call| version(call)) {
            Some(version) => match least(tool, root).filter(|least| older(&version, least)) {
                Some(least) => report.warning(tool.name, version, format!("this workspace needs {least}: rustup update")),
                None => report.ok(tool.name, version),
            },
            None => report.warning(tool.name, "not found", tool.install),
        }
    }
}

/// What the program says of itself, in one line.
fn version(call: &[&str]) -> Option<String> {
    let (program, arguments) = call.split_first()?;
    let output = Command::new(program).args(arguments).output().ok().filter(|output| output.status.success())?;
    String::from_utf8_lossy(&output.stdout).lines().next().map(|line| line.trim().to_owned()).filter(|line| !line.is_empty())
}

/// The oldest Rust that the workspace is built with.
fn least(tool: &Tool, root: &Path) -> Option<String> {
    let manifest = std::fs::read_to_string(root.join("Cargo.toml")).ok().filter(|_| tool.name == "rust")?;
    toml::from_str::<serde_json::Value>(&manifest).ok()?["workspace"]["package"]["rust-version"].as_str().map(str::to_owned)
}

/// Whether a program's version is lower, number by number.
fn older(said: &str, least: &str) -> bool {
    let numbers = |text: &str| text.split(['.', '-']).map_while(|part| part.parse::<u32>().ok()).collect::<Vec<_>>();
    let said = said.split_whitespace().map(numbers).find(|numbers| numbers.len() > 1);
    said.is_some_and(|said| said < numbers(least))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_number_by_number() {
        assert!(older("rustc 1.94.2 (abc 2026-01-01)", "1.95"));
        assert!(older("rustc 1.9.0", "1.95"));
        for enough in ["rustc 1.95.0 (abc 2026-04-14)", "rustc 1.100.0", "rustc 2.0.0-nightly", "something else"] {
            assert!(!older(enough, "1.95"), "{enough}");
        }
    }

    #[test]
    fn a_program_that_is_not_there_has_no_version() {
        assert_eq!(version(&["tributary-no-such-program", "--version"]), None);
        assert!(version(&["rustc", "--version"]).is_some_and(|said| said.starts_with("rustc ")));
    }
}

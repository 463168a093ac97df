//! Secrets do not belong into files that are committed.

use super::report::{Level, Report, Wrong};

/// How secrets of known kinds begin, and the least that follows.
const KINDS: [(&str, usize, &str); 7] = [
    ("rk_live_", 8, "an API key"),
    ("rk_test_", 8, "an API key"),
    ("AKIA", 16, "an AWS access key"),
    ("ASIA", 16, "an AWS session key"),
    ("sk_live_", 8, "a payment processor's key"),
    ("whsec_", 8, "a webhook's secret"),
    ("-----BEGIN ", 0, "a private key or certificate"),
];

/// Looks for secrets in files' texts.
pub fn check(report: &mut Report, files: &[(String, &str)]) {
    report.group("Secrets");
    let wrong: Vec<Wrong> = files.iter().flat_map(|(file, text)| found(file, text)).collect();
    let names: Vec<&str> = files.iter().map(|(file, _)| file.as_str()).collect();
    report.each("in the files", Level::Problem, wrong, format!("none in {}", names.join(" and ")));
}

fn found(file: &str, text: &str) -> Vec<Wrong> {
    let lines = text.lines().enumerate();
    let secrets =
        lines.flat_map(|(at, line)| KINDS.iter().filter(|(start, least, _)| holds(line, start, *least)).map(move |kind| (at + 1, kind.2)));
    let wrong = |(line, kind)| {
        let todo = "take it out, make it invalid, and keep the new one in Secrets Manager";
        (format!("{file}, line {line}, holds what looks like {kind}"), todo.to_owned())
    };
    secrets.map(wrong).collect()
}

fn holds(line: &str, start: &str, least: usize) -> bool {
    let follows = |rest: &str| rest.chars().take_while(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-')).count();
    line.match_indices(start).any(|(at, _)| {
        let fresh = !line[..at].ends_with(|c: char| c.is_ascii_alphanumeric());
        fresh && follows(&line[at + start.len()..]) >= least
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_looks_like_a_secret_is_named_by_its_line_and_not_shown() {
        let key = format!("rk_live_{}", "a".repeat(43));
        let wrong = found("samconfig.toml", &format!("version = 0.1\nx = \"Key={key}\"\ny = \"AKIA{}\"", "Q".repeat(16)));
        assert_eq!(wrong.len(), 2, "{wrong:?}");
        assert!(wrong[0].0.contains("line 2") && wrong[1].0.contains("line 3"), "{wrong:?}");
        assert!(!wrong[0].0.contains(&key));
    }

    #[test]
    fn a_word_about_secrets_is_none() {
        assert!(
            found("template.yaml", "Description: keys begin with rk_live_… or rk_test_\nName: SLOVAKIA\nArn: arn:aws:sns:x").is_empty()
        );
    }
}

//! What the checks found: one line each, in groups; or one document.

use serde_json::{Value, json};

use crate::output::{Style, clean};

/// How a check ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// As it should be.
    Ok,
    /// Not looked at; the finding says why.
    Skipped,
    /// To be looked at; a deployment works all the same.
    Warning,
    /// To be changed before a deployment.
    Problem,
}

impl Level {
    fn word(self) -> &'static str {
        match self {
            Level::Ok => "ok",
            Level::Skipped => "skipped",
            Level::Warning => "warning",
            Level::Problem => "problem",
        }
    }

    fn shown(self, style: Style) -> String {
        let word = format!("{:<7}", self.word());
        match self {
            Level::Ok => style.green(&word),
            Level::Skipped => style.dim(&word),
            Level::Warning => style.yellow(&word),
            Level::Problem => style.red(&word),
        }
    }
}

/// What one check found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The heading that it stands under.
    pub group: &'static str,
    /// What was looked at.
    pub check: &'static str,
    /// How it ended.
    pub level: Level,
    /// What was found.
    pub found: String,
    /// What to do about it; empty if there is nothing to do.
    pub todo: String,
}

/// The findings, in the order of the checks.
#[derive(Debug, Default)]
pub struct Report {
    group: &'static str,
    findings: Vec<Finding>,
}

impl Report {
    /// What follows stands under this heading.
    pub fn group(&mut self, group: &'static str) {
        self.group = group;
    }

    /// All is well.
    pub fn ok(&mut self, check: &'static str, found: impl Into<String>) {
        self.add(check, Level::Ok, found.into(), String::new());
    }

    /// Nobody looked.
    pub fn skipped(&mut self, check: &'static str, found: impl Into<String>, todo: impl Into<String>) {
        self.add(check, Level::Skipped, found.into(), todo.into());
    }

    /// Something to look at.
    pub fn warning(&mut self, check: &'static str, found: impl Into<String>, todo: impl Into<String>) {
        self.add(check, Level::Warning, found.into(), todo.into());
    }

    /// Something to change.
    pub fn problem(&mut self, check: &'static str, found: impl Into<String>, todo: impl Into<String>) {
        self.add(check, Level::Problem, found.into(), todo.into());
    }

    /// A check of many things: a line for each that is wrong, or one line that all are well.
    pub fn each(&mut self, check: &'static str, level: Level, wrong: Vec<Wrong>, well: impl Into<String>) {
        if wrong.is_empty() {
            return self.ok(check, well);
        }
        for (found, todo) in wrong {
            self.add(check, level, found, todo);
        }
    }

    fn add(&mut self, check: &'static str, level: Level, found: String, todo: String) {
        self.findings.push(Finding { group: self.group, check, level, found, todo });
    }

    /// Everything that was found.
    #[cfg(test)]
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// How many checks ended so.
    pub fn count(&self, level: Level) -> usize {
        self.findings.iter().filter(|finding| finding.level == level).count()
    }

    /// One document: `{"problems", "warnings", "skipped", "checks": [{"group", "check", "level", "found", "todo"}]}`.
    pub fn document(&self) -> Value {
        let check = |finding: &Finding| {
            let Finding { group, check, level, found, todo } = finding;
            let todo = (!todo.is_empty()).then_some(todo);
            json!({"group": group, "check": check, "level": level.word(), "found": found, "todo": todo})
        };
        json!({
            "problems": self.count(Level::Problem),
            "warnings": self.count(Level::Warning),
            "skipped": self.count(Level::Skipped),
            "checks": self.findings.iter().map(check).collect::<Vec<_>>(),
        })
    }

    /// A line for each check under its group's heading, and the sum.
    pub fn render(&self, style: Style) -> String {
        let width = self.findings.iter().map(|finding| finding.check.len()).max().unwrap_or_default();
        let mut lines = Vec::new();
        let mut group = "";
        for finding in &self.findings {
            if finding.group != group {
                group = finding.group;
                lines.push(format!("{}{}", if lines.is_empty() { "" } else { "\n" }, style.bold(group)));
            }
            let todo = if finding.todo.is_empty() { String::new() } else { format!(" {} {}", style.dim("→"), clean(&finding.todo)) };
            lines.push(format!("  {}  {:<width$}  {}{todo}", finding.level.shown(style), finding.check, clean(&finding.found)));
        }
        let sum = [
            counted(self.count(Level::Problem), "problem", "problems"),
            counted(self.count(Level::Warning), "warning", "warnings"),
            counted(self.count(Level::Skipped), "skipped", "skipped"),
            counted(self.count(Level::Ok), "ok", "ok"),
        ];
        lines.push(format!("\n{}", sum.join(", ")));
        lines.join("\n")
    }
}

/// A number of things.
pub fn counted(count: usize, one: &str, more: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { more })
}

/// One thing that is wrong, and what to do about it.
pub type Wrong = (String, String);

#[cfg(test)]
mod tests {
    use super::*;

    fn report() -> Report {
        let mut report = Report::default();
        report.group("Tools");
        report.ok("rust", "rustc 1.95.0");
        report.warning("sam", "not found", "pip install aws-sam-cli");
        report.group("Running");
        report.skipped("running API", "no --url", "give --url");
        report.each("own role", Level::Problem, vec![("F has none".into(), "give it one".into())], "all");
        report.each("own log", Level::Problem, Vec::new(), "all 3");
        report
    }

    #[test]
    fn each_check_has_one_line_under_its_heading_and_the_sum_follows() {
        assert_eq!(
            report().render(Style::PLAIN),
            "Tools\n  ok       rust         rustc 1.95.0\n  warning  sam          not found → pip install aws-sam-cli\n\
             \nRunning\n  skipped  running API  no --url → give --url\n  problem  own role     F has none → give it one\n  ok       own log      all 3\n\
             \n1 problem, 1 warning, 1 skipped, 2 ok"
        );
    }

    #[test]
    fn the_document_says_the_same() {
        let document = report().document();
        assert_eq!((&document["problems"], &document["warnings"], &document["skipped"]), (&json!(1), &json!(1), &json!(1)));
        assert_eq!(document["checks"][0]["todo"], Value::Null);
        assert_eq!(
            document["checks"][3],
            json!({"group": "Running", "check": "own role", "level": "problem", "found": "F has none", "todo": "give it one"})
        );
    }
}

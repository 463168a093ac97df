//! `samconfig.toml`: what `sam` is told for one environment.

use std::collections::BTreeMap;

use serde_json::Value;

/// The file.
#[derive(Debug)]
pub struct SamConfig(Value);

/// A command's settings in one environment, those of `global` included, as `sam` reads them.
#[derive(Debug, Default)]
pub struct Settings {
    values: BTreeMap<String, Value>,
}

impl SamConfig {
    /// Reads the file's text.
    ///
    /// # Errors
    /// An error that shows the line.
    pub fn parse(text: &str) -> Result<Self, toml::de::Error> {
        toml::from_str(text).map(Self)
    }

    /// The environments that it has.
    pub fn environments(&self) -> Vec<&str> {
        let tables = self.0.as_object().into_iter().flatten().filter(|(_, value)| value.is_object());
        tables.map(|(name, _)| name.as_str()).collect()
    }

    /// What `sam <command> --config-env <environment>` is told.
    pub fn settings(&self, environment: &str, command: &str) -> Settings {
        let of = |command: &str| self.0[environment][command]["parameters"].as_object().cloned().unwrap_or_default();
        Settings { values: of("global").into_iter().chain(of(command)).collect() }
    }
}

impl Settings {
    /// One setting as text: a list's items stand one after the other.
    pub fn text(&self, name: &str) -> Option<String> {
        Some(match self.values.get(name)? {
            Value::String(text) => text.clone(),
            Value::Array(items) => items.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" "),
            other => other.to_string(),
        })
    }

    /// Whether a setting is on.
    pub fn is_on(&self, name: &str) -> bool {
        self.values.get(name).is_some_and(|value| *value == Value::Bool(true) || *value == "true")
    }

    /// The template's parameters that are given: names, values; and what is neither.
    pub fn overrides(&self) -> (BTreeMap<String, String>, Vec<String>) {
        let items: Vec<String> = match self.values.get("parameter_overrides") {
            Some(Value::Array(items)) => items.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
            Some(Value::String(line)) => words(line),
            Some(_) | None => Vec::new(),
        };
        let (mut given, mut unclear) = (BTreeMap::new(), Vec::new());
        for item in items {
            match item.split_once('=') {
                Some((name, value)) => {
                    given.insert(name.trim().to_owned(), unquoted(value.trim()).to_owned());
                }
                None => unclear.push(item),
            }
        }
        (given, unclear)
    }
}

/// The words of a line; a quoted part may hold blanks.
fn words(line: &str) -> Vec<String> {
    let (mut words, mut word, mut quoted) = (Vec::new(), String::new(), false);
    for c in line.chars() {
        quoted ^= c == '"';
        if c.is_whitespace() && !quoted {
            words.push(std::mem::take(&mut word));
        } else {
            word.push(c);
        }
    }
    words.push(word);
    words.retain(|word| !word.is_empty());
    words
}

fn unquoted(value: &str) -> &str {
    value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_told_its_own_settings_over_the_global_ones() {
        let config = SamConfig::parse(
            "version = 0.1\n[prod.global.parameters]\nregion = \"eu-west-1\"\nstack_name = \"a\"\n[prod.deploy.parameters]\nstack_name = \"b\"\ndisable_rollback = true\n",
        )
        .expect("a file");
        let settings = config.settings("prod", "deploy");
        assert_eq!((settings.text("region").as_deref(), settings.text("stack_name").as_deref()), (Some("eu-west-1"), Some("b")));
        assert!(settings.is_on("disable_rollback") && !settings.is_on("confirm_changeset"));
        assert_eq!(config.environments(), ["prod"]);
    }

    #[test]
    fn parameters_are_given_as_a_list_or_as_a_line() {
        for overrides in [r#"["A=1", "B=two words", "C="]"#, r#"'A=1 B="two words" C='"#] {
            let config = SamConfig::parse(&format!("[dev.deploy.parameters]\nparameter_overrides = {overrides}\n")).expect("a file");
            let (given, unclear) = config.settings("dev", "deploy").overrides();
            let pairs: Vec<(&str, &str)> = given.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
            assert_eq!(pairs, [("A", "1"), ("B", "two words"), ("C", "")], "{overrides}");
            assert!(unclear.is_empty());
        }
        let config = SamConfig::parse("[dev.deploy.parameters]\nparameter_overrides = [\"A\"]\n").expect("a file");
        assert_eq!(config.settings("dev", "deploy").overrides().1, ["A"]);
    }
}

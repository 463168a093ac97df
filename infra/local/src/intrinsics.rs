//! CloudFormation's intrinsic functions, as far as the local run needs them: parameters take their defaults.

use std::collections::BTreeMap;

use serde_json::Value;
use yaml_serde::Value as Yaml;

/// What names stand for.
#[derive(Debug, Clone, Default)]
pub struct Intrinsics {
    values: BTreeMap<String, String>,
}

impl Intrinsics {
    /// The template's parameters at their defaults, and the pseudo parameters of a stack named `tributary-local`.
    pub fn of(template: &Yaml) -> Self {
        let mut values = BTreeMap::from([("AWS::StackName".to_owned(), "tributary-local".to_owned())]);
        for (name, parameter) in template.get("Parameters").and_then(Yaml::as_mapping).into_iter().flatten() {
            if let (Some(name), Some(default)) = (name.as_str(), parameter.get("Default").and_then(text)) {
                values.insert(name.to_owned(), default);
            }
        }
        Self { values }
    }

    /// The same with some parameters given, as `sam deploy --parameter-overrides` does.
    pub fn with(mut self, given: &[(&str, &str)]) -> Self {
        self.values.extend(given.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        self
    }

    /// A parameter's value.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(String::as_str)
    }

    /// The same tree without tags: `!Ref` and `!Sub` give text, `!GetAtt` its argument, any other function becomes null.
    pub fn resolve(&self, yaml: &Yaml) -> Value {
        match yaml {
            Yaml::Null => Value::Null,
            Yaml::Bool(bool) => Value::Bool(*bool),
            Yaml::Number(number) => serde_json::to_value(number).unwrap_or(Value::Null),
            Yaml::String(text) => Value::String(text.clone()),
            Yaml::Sequence(items) => items.iter().map(|item| self.resolve(item)).collect(),
            Yaml::Mapping(entries) => entries.iter().filter_map(|(key, value)| Some((text(key)?, self.resolve(value)))).collect(),
            Yaml::Tagged(tagged) => self.call(&tagged.tag.to_string(), &tagged.value),
        }
    }

    fn call(&self, function: &str, argument: &Yaml) -> Value {
        match (function, argument.as_str()) {
            ("!Ref", Some(name)) => Value::String(self.parameter(name).unwrap_or(name).to_owned()),
            ("!GetAtt", Some(name)) => Value::String(name.to_owned()),
            ("!Sub", Some(text)) => Value::String(self.substitute(text)),
            _ => Value::Null,
        }
    }

    fn substitute(&self, text: &str) -> String {
        let known = |text: String, (name, value): (&String, &String)| text.replace(&format!("${{{name}}}"), value);
        self.values.iter().fold(text.to_owned(), known)
    }
}

fn text(yaml: &Yaml) -> Option<String> {
    match yaml {
        Yaml::String(text) => Some(text.clone()),
        Yaml::Number(number) => Some(number.to_string()),
        Yaml::Bool(bool) => Some(bool.to_string()),
        Yaml::Null | Yaml::Sequence(_) | Yaml::Mapping(_) | Yaml::Tagged(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_stand_for_their_defaults() {
        let yaml: Yaml = yaml_serde::from_str(
            "Parameters: {Stage: {Default: dev}, Days: {Default: 7}}\na: !Ref Stage\nb: !Sub x/${Stage}/${Days}/${Table.Arn}\nc: !GetAtt Table.Arn\ne: !If [A, b, c]\nd: [!Ref Table]",
        )
        .expect("yaml");
        let resolved = Intrinsics::of(&yaml).resolve(&yaml);
        assert_eq!(resolved["a"], "dev");
        assert_eq!(resolved["b"], "x/dev/7/${Table.Arn}");
        assert_eq!(resolved["c"], "Table.Arn");
        assert_eq!(resolved["e"], Value::Null);
        assert_eq!(resolved["d"][0], "Table");
    }
}

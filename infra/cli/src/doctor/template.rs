//! The template with the parameters of one environment put in: conditions decided, `!Ref` to a parameter replaced, what
//! points at a resource kept as CloudFormation's long form (`{"Ref": …}`, `{"Fn::GetAtt": "Name.Attribute"}`).

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use yaml_serde::Value as Yaml;

/// A template as it is written.
#[derive(Debug)]
pub struct Template {
    document: Value,
}

/// A parameter that a template takes.
#[derive(Debug)]
pub struct Parameter<'a>(&'a Value);

/// A template's resources in one environment; those whose condition does not hold are not among them.
#[derive(Debug)]
pub struct Stack {
    /// The parameters' values; those that are neither given nor have a default are missing.
    pub parameters: BTreeMap<String, String>,
    /// The resources by their logical names.
    pub resources: BTreeMap<String, Resource>,
}

/// One resource.
#[derive(Debug)]
pub struct Resource {
    /// Its type, such as `AWS::SQS::Queue`.
    pub kind: String,
    /// What the template says of it, with the parameters put in; of a function with the template's globals.
    pub properties: Value,
    /// The same as it is written, before conditions are decided.
    pub written: Value,
    /// How it is built.
    pub metadata: Value,
    /// What happens to it when it leaves the stack.
    pub deletion_policy: String,
    /// What happens to the old one when it is replaced.
    pub replace_policy: String,
}

impl Template {
    /// Reads a template's text.
    ///
    /// # Errors
    /// Says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let yaml: Yaml = yaml_serde::from_str(text).map_err(|error| error.to_string())?;
        let document = plain(&yaml);
        match document["Resources"].as_object() {
            Some(_) => Ok(Self { document }),
            None => Err("it has no Resources".to_owned()),
        }
    }

    /// The parameters by their names.
    pub fn parameters(&self) -> BTreeMap<&str, Parameter<'_>> {
        let all = self.document["Parameters"].as_object().into_iter().flatten();
        all.map(|(name, parameter)| (name.as_str(), Parameter(parameter))).collect()
    }

    /// The template with these parameters given, and the others at their defaults.
    pub fn stack(&self, given: &BTreeMap<String, String>) -> Stack {
        let defaults = self.parameters().into_iter().filter_map(|(name, parameter)| Some((name.to_owned(), parameter.default()?)));
        let parameters: BTreeMap<String, String> = defaults.chain(given.clone()).collect();
        let deciding = Deciding { document: &self.document, parameters: &parameters };
        let globals = &self.document["Globals"]["Function"];
        let mut resources = BTreeMap::new();
        for (name, written) in self.document["Resources"].as_object().into_iter().flatten() {
            if written["Condition"].as_str().is_some_and(|condition| deciding.condition(condition) == Some(false)) {
                continue;
            }
            let kind = written["Type"].as_str().unwrap_or_default().to_owned();
            let mut properties = written["Properties"].clone();
            if kind == "AWS::Serverless::Function" {
                properties = merged(globals, &properties);
            }
            let text = |member: &str| written[member].as_str().unwrap_or_default().to_owned();
            let resource = Resource {
                properties: deciding.resolved(&properties).unwrap_or(Value::Null),
                written: properties,
                metadata: written["Metadata"].clone(),
                deletion_policy: text("DeletionPolicy"),
                replace_policy: text("UpdateReplacePolicy"),
                kind,
            };
            resources.insert(name.clone(), resource);
        }
        Stack { parameters, resources }
    }
}

impl Parameter<'_> {
    /// The value unless one is given.
    pub fn default(&self) -> Option<String> {
        scalar(&self.0["Default"])
    }

    /// Why the parameter does not take a value, if it does not. Source: "Parameters", AWS CloudFormation User Guide.
    pub fn refusal(&self, value: &str) -> Option<String> {
        let number = |member: &str| scalar(&self.0[member]).and_then(|text| text.parse::<i64>().ok());
        let length = i64::try_from(value.chars().count()).unwrap_or(i64::MAX);
        let allowed: Vec<String> = self.0["AllowedValues"].as_array().into_iter().flatten().filter_map(scalar).collect();
        if !allowed.is_empty() && !allowed.iter().any(|allowed| allowed == value) {
            return Some(format!("must be one of {}", allowed.join(", ")));
        }
        if self.0["Type"] == "Number" {
            let Ok(value) = value.parse::<i64>() else { return Some("must be a whole number".to_owned()) };
            if let Some(least) = number("MinValue").filter(|least| value < *least) {
                return Some(format!("must be at least {least}"));
            }
            if let Some(most) = number("MaxValue").filter(|most| value > *most) {
                return Some(format!("must be at most {most}"));
            }
        }
        if let Some(least) = number("MinLength").filter(|least| length < *least) {
            return Some(format!("must have at least {least} characters"));
        }
        if let Some(most) = number("MaxLength").filter(|most| length > *most) {
            return Some(format!("must have at most {most} characters"));
        }
        let pattern = self.0["AllowedPattern"].as_str()?;
        // CloudFormation takes a value only if the pattern matches the whole of it.
        match regex_lite::Regex::new(&format!("^(?:{pattern})$")) {
            Ok(regex) if regex.is_match(value) => None,
            Ok(_) => Some(format!("must match {pattern}")),
            Err(_) => Some(format!("cannot be checked: its pattern {pattern} is not understood")),
        }
    }
}

impl Stack {
    /// A parameter's value; empty if it has none.
    pub fn parameter(&self, name: &str) -> &str {
        self.parameters.get(name).map_or("", String::as_str)
    }

    /// The resources of one type, by name.
    pub fn of_kind<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = (&'a String, &'a Resource)> {
        self.resources.iter().filter(move |(_, resource)| resource.kind == kind)
    }

    /// The functions.
    pub fn functions(&self) -> impl Iterator<Item = (&String, &Resource)> {
        self.of_kind("AWS::Serverless::Function")
    }

    /// The resource of this stack that a value points at, as `!Ref Name` or `!GetAtt Name.Attribute`.
    pub fn target<'a>(&'a self, value: &Value) -> Option<(&'a str, &'a Resource)> {
        let name = pointed_at(value)?;
        self.resources.get_key_value(name).map(|(name, resource)| (name.as_str(), resource))
    }
}

impl Resource {
    /// The value at a pointer into the properties (RFC 6901); null if there is none.
    pub fn at(&self, pointer: &str) -> &Value {
        self.properties.pointer(pointer).unwrap_or(&Value::Null)
    }

    /// A whole number, which may be written as text.
    pub fn number(&self, pointer: &str) -> Option<i64> {
        scalar(self.at(pointer))?.parse().ok()
    }

    /// A function's events.
    pub fn events(&self) -> impl Iterator<Item = (&String, &Value)> {
        self.properties["Events"].as_object().into_iter().flatten()
    }

    /// Whether a function answers requests that come through the gateway.
    pub fn is_behind_the_gateway(&self) -> bool {
        self.events().any(|(_, event)| event["Type"] == "Api" || event["Type"] == "HttpApi")
    }
}

/// The name that `!Ref` or `!GetAtt` gives.
pub fn pointed_at(value: &Value) -> Option<&str> {
    value["Ref"].as_str().or_else(|| value["Fn::GetAtt"].as_str()?.split('.').next())
}

/// Whether a value is `true`, which YAML's readers may hand on as text.
pub fn is_true(value: &Value) -> bool {
    *value == Value::Bool(true) || *value == "true"
}

/// A value as text, if it is text, a number or a boolean.
pub fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(bool) => Some(bool.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// Decides conditions and puts parameters in.
struct Deciding<'a> {
    document: &'a Value,
    parameters: &'a BTreeMap<String, String>,
}

impl Deciding<'_> {
    /// Whether a condition holds; `None` if that depends on what only AWS knows.
    fn condition(&self, name: &str) -> Option<bool> {
        self.decided(&self.document["Conditions"][name])
    }

    fn decided(&self, condition: &Value) -> Option<bool> {
        let (function, argument) = call(condition)?;
        let decided = || argument.as_array().into_iter().flatten().map(|part| self.decided(part));
        match function {
            "Condition" => self.condition(argument.as_str()?),
            "Fn::Not" => self.decided(argument.get(0)?).map(|holds| !holds),
            "Fn::And" if decided().any(|holds| holds == Some(false)) => Some(false),
            "Fn::And" => decided().collect::<Option<Vec<_>>>().map(|all| all.iter().all(|holds| *holds)),
            "Fn::Or" if decided().any(|holds| holds == Some(true)) => Some(true),
            "Fn::Or" => decided().collect::<Option<Vec<_>>>().map(|all| all.iter().any(|holds| *holds)),
            "Fn::Equals" => {
                let side = |at: usize| scalar(&self.resolved(argument.get(at)?)?);
                Some(side(0)? == side(1)?)
            }
            _ => None,
        }
    }

    /// The value with everything put in that is known; `None` for `!Ref AWS::NoValue`.
    fn resolved(&self, value: &Value) -> Option<Value> {
        if let Some((function, argument)) = call(value) {
            return self.called(function, argument);
        }
        Some(match value {
            Value::Array(items) => items.iter().filter_map(|item| self.resolved(item)).collect(),
            Value::Object(members) => {
                Value::Object(members.iter().filter_map(|(name, value)| Some((name.clone(), self.resolved(value)?))).collect())
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.clone(),
        })
    }

    fn called(&self, function: &str, argument: &Value) -> Option<Value> {
        match (function, argument) {
            ("Ref", Value::String(name)) if name == "AWS::NoValue" => None,
            ("Ref", Value::String(name)) => {
                Some(self.parameters.get(name).map_or_else(|| json!({"Ref": name}), |value| Value::String(value.clone())))
            }
            ("Fn::Sub", Value::String(text)) => {
                let put_in = self.parameters.iter().fold(text.clone(), |text, (name, value)| text.replace(&format!("${{{name}}}"), value));
                Some(if put_in.contains("${") { json!({"Fn::Sub": put_in}) } else { Value::String(put_in) })
            }
            ("Fn::If", Value::Array(parts)) => match (self.condition(parts.first()?.as_str()?), parts.as_slice()) {
                (Some(true), [_, then, _]) => self.resolved(then),
                (Some(false), [_, _, otherwise]) => self.resolved(otherwise),
                _ => Some(json!({"Fn::If": argument})),
            },
            ("Fn::GetAtt", Value::Array(parts)) => {
                let parts: Vec<&str> = parts.iter().filter_map(Value::as_str).collect();
                Some(json!({"Fn::GetAtt": parts.join(".")}))
            }
            ("Fn::FindInMap", Value::Array(keys)) => {
                let keys: Vec<String> = keys.iter().filter_map(|key| scalar(&self.resolved(key)?)).collect();
                let found = keys.iter().try_fold(&self.document["Mappings"], |map, key| map.get(key));
                Some(found.cloned().unwrap_or_else(|| json!({"Fn::FindInMap": argument})))
            }
            (function, argument) => Some(json!({function: self.resolved(argument)?})),
        }
    }
}

/// The function and its argument, if a value is a call.
fn call(value: &Value) -> Option<(&str, &Value)> {
    let members = value.as_object().filter(|members| members.len() == 1)?;
    let (name, argument) = members.iter().next()?;
    (name == "Ref" || name == "Condition" || name.starts_with("Fn::")).then_some((name.as_str(), argument))
}

/// The tree without tags: `!Sub x` is written `{"Fn::Sub": x}`.
fn plain(yaml: &Yaml) -> Value {
    match yaml {
        Yaml::Null => Value::Null,
        Yaml::Bool(bool) => Value::Bool(*bool),
        Yaml::Number(number) => serde_json::to_value(number).unwrap_or(Value::Null),
        Yaml::String(text) => Value::String(text.clone()),
        Yaml::Sequence(items) => items.iter().map(plain).collect(),
        Yaml::Mapping(entries) => {
            let entry = |(key, value): (&Yaml, &Yaml)| Some((scalar(&plain(key))?, plain(value)));
            Value::Object(entries.iter().filter_map(entry).collect())
        }
        Yaml::Tagged(tagged) => {
            let tag = tagged.tag.to_string();
            let name = match tag.trim_start_matches('!') {
                name @ ("Ref" | "Condition") => name.to_owned(),
                name => format!("Fn::{name}"),
            };
            Value::Object(Map::from_iter([(name, plain(&tagged.value))]))
        }
    }
}

/// A function's properties over the globals, as SAM merges them: maps are merged, lists added up, anything else is replaced.
fn merged(global: &Value, own: &Value) -> Value {
    match (global, own) {
        (Value::Object(global), Value::Object(own)) if call(&Value::Object(own.clone())).is_none() => {
            let mut all = global.clone();
            for (name, value) in own {
                let value = all.get(name).map_or_else(|| value.clone(), |global| merged(global, value));
                all.insert(name.clone(), value);
            }
            Value::Object(all)
        }
        (Value::Array(global), Value::Array(own)) => global.iter().chain(own).cloned().collect(),
        (global, Value::Null) => global.clone(),
        (_, own) => own.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEMPLATE: &str = "
Parameters:
  Mail: {Type: String, Default: ''}
  Days: {Type: Number, Default: 7, MinValue: 1, MaxValue: 30}
  Url: {Type: String, AllowedPattern: '^https://[a-z.]+$'}
  Size: {Type: String, Default: s, AllowedValues: [s, l]}
  Zone: {Type: String, Default: Z1, AllowedPattern: 'Z[0-9]+'}
Conditions:
  HasMail: !Not [!Equals [!Ref Mail, '']]
  Both: !And [!Condition HasMail, !Equals [!Ref Days, 7]]
  Here: !Equals [!Ref AWS::Region, us-east-1]
Globals:
  Function: {Timeout: 29, Environment: {Variables: {A: x}}}
Resources:
  F:
    Type: AWS::Serverless::Function
    Properties:
      Name: !Sub ${AWS::StackName}-${Size}
      Days: !Ref Days
      Topics: !If [HasMail, [!Ref Topic], !Ref AWS::NoValue]
      Both: !If [Both, 1, 2]
      Region: !If [Here, 1, 2]
      Arn: !GetAtt [Topic, Arn]
      Environment: {Variables: {B: y}}
  Topic: {Type: AWS::SNS::Topic, Condition: HasMail}
";

    fn stack(given: &[(&str, &str)]) -> Stack {
        let given = given.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Template::parse(TEMPLATE).expect("a template").stack(&given)
    }

    #[test]
    fn conditions_are_decided_by_the_parameters() {
        let without = stack(&[]);
        assert!(!without.resources.contains_key("Topic"));
        assert_eq!(without.resources["F"].at("/Topics"), &Value::Null);
        assert_eq!(without.resources["F"].at("/Both"), 2);
        let with = stack(&[("Mail", "a@example.com")]);
        let f = &with.resources["F"];
        assert_eq!((f.at("/Both"), f.number("/Days")), (&json!(1), Some(7)));
        assert_eq!(with.target(&f.at("/Topics")[0]).map(|(name, _)| name), Some("Topic"));
        assert_eq!(with.target(f.at("/Arn")).map(|(name, _)| name), Some("Topic"));
        assert!(with.target(&json!({"Ref": "Nothing"})).is_none());
    }

    #[test]
    fn what_only_aws_knows_stays_open() {
        assert!(stack(&[]).resources["F"].at("/Region").get("Fn::If").is_some());
        assert_eq!(stack(&[]).resources["F"].at("/Name"), &json!({"Fn::Sub": "${AWS::StackName}-s"}));
    }

    #[test]
    fn a_function_has_the_globals_too() {
        assert_eq!(stack(&[]).resources["F"].number("/Timeout"), Some(29));
        assert_eq!(stack(&[]).resources["F"].at("/Environment/Variables"), &json!({"A": "x", "B": "y"}));
    }

    #[test]
    fn a_parameter_says_why_it_does_not_take_a_value() {
        let template = Template::parse(TEMPLATE).expect("a template");
        let refusal = |name: &str, value: &str| template.parameters()[name].refusal(value);
        for (name, value) in [("Days", "1"), ("Days", "30"), ("Url", "https://a.b"), ("Size", "l"), ("Mail", "anything")] {
            assert_eq!(refusal(name, value), None, "{name}={value}");
        }
        for (name, value, why) in [
            ("Days", "0", "at least 1"),
            ("Days", "31", "at most 30"),
            ("Days", "many", "whole number"),
            ("Url", "https://a.b/", "must match"),
            ("Url", "xhttps://a.b", "must match"),
            ("Size", "m", "one of s, l"),
            ("Zone", "xZ1", "must match"),
            ("Zone", "Z1x", "must match"),
        ] {
            let said = refusal(name, value).expect("refused");
            assert!(said.contains(why), "{name}={value}: {said}");
        }
    }

    #[test]
    fn other_files_are_no_templates() {
        assert!(Template::parse("a: 1").is_err());
        assert!(Template::parse("a: [").is_err());
    }
}

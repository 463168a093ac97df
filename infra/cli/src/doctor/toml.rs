//! Reads the part of TOML that `samconfig.toml` and a crate's `Cargo.toml` are written in: tables, arrays of tables, strings,
//! whole numbers, booleans and arrays. Other values are kept as the text that stands there.

use serde_json::{Map, Value};

/// A file cannot be read.
#[derive(Debug, PartialEq, Eq)]
pub struct TomlError {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong with it.
    pub why: &'static str,
}

impl std::fmt::Display for TomlError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "line {}: {}", self.line, self.why)
    }
}

/// The file as a tree of objects; an array of tables is an array of objects.
///
/// # Errors
/// [`TomlError`] names the line.
pub fn parse(text: &str) -> Result<Value, TomlError> {
    let mut root = Value::Object(Map::new());
    let mut table: Vec<String> = Vec::new();
    let mut lines = text.lines().enumerate();
    while let Some((at, line)) = lines.next() {
        let wrong = |why| TomlError { line: at + 1, why };
        let line = without_comment(line).trim().to_owned();
        if line.is_empty() {
            continue;
        }
        if let Some(name) = line.strip_prefix("[[") {
            table = path(name.strip_suffix("]]").ok_or(wrong("a heading does not end"))?);
            let (last, above) = table.split_last().ok_or(wrong("a heading has no name"))?;
            let list = object(&mut root, above)
                .and_then(|parent| parent.entry(last.clone()).or_insert_with(|| Value::Array(Vec::new())).as_array_mut());
            list.ok_or(wrong("the heading names something else already"))?.push(Value::Object(Map::new()));
        } else if let Some(name) = line.strip_prefix('[') {
            table = path(name.strip_suffix(']').ok_or(wrong("a heading does not end"))?);
            object(&mut root, &table).ok_or(wrong("the heading names something else already"))?;
        } else {
            let (name, value) = line.split_once('=').ok_or(wrong("neither a heading nor `name = value`"))?;
            let mut value = value.trim().to_owned();
            while depth(&value) > 0 {
                let (_, more) = lines.next().ok_or(wrong("an array does not end"))?;
                value.push(' ');
                value.push_str(without_comment(more).trim());
            }
            let mut names = path(name);
            let last = names.pop().ok_or(wrong("a value has no name"))?;
            let place: Vec<String> = table.iter().cloned().chain(names).collect();
            let parent = object(&mut root, &place).ok_or(wrong("the name stands for something else already"))?;
            if parent.insert(last, read(&value).ok_or(wrong("a value is not understood"))?).is_some() {
                return Err(wrong("a name is given twice"));
            }
        }
    }
    Ok(root)
}

/// The object at a place, made if nothing is there; of an array of tables the last.
fn object<'a>(root: &'a mut Value, place: &[String]) -> Option<&'a mut Map<String, Value>> {
    let mut here = root.as_object_mut()?;
    for name in place {
        let next = here.entry(name.clone()).or_insert_with(|| Value::Object(Map::new()));
        here = match next {
            Value::Object(object) => object,
            Value::Array(tables) => tables.last_mut()?.as_object_mut()?,
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => return None,
        };
    }
    Some(here)
}

fn path(dotted: &str) -> Vec<String> {
    dotted.split('.').map(|part| part.trim().trim_matches(['"', '\'']).to_owned()).filter(|part| !part.is_empty()).collect()
}

fn read(text: &str) -> Option<Value> {
    let text = text.trim();
    if let Some(inner) = text.strip_prefix('[') {
        return items(inner.strip_suffix(']')?)?.iter().map(|item| read(item)).collect::<Option<Vec<_>>>().map(Value::Array);
    }
    match text {
        "" => None,
        "true" => Some(Value::Bool(true)),
        "false" => Some(Value::Bool(false)),
        _ if text.starts_with('"') => serde_json::from_str(text).ok(),
        _ if text.starts_with('\'') => text.strip_prefix('\'')?.strip_suffix('\'').map(|inner| Value::String(inner.to_owned())),
        _ => Some(text.parse::<i64>().map_or_else(|_| Value::String(text.to_owned()), Value::from)),
    }
}

/// The items of an array, cut at the commas that stand outside of strings and inner arrays.
fn items(text: &str) -> Option<Vec<String>> {
    let (mut items, mut item, mut depth) = (Vec::new(), String::new(), 0_i32);
    let mut state = Quotes::default();
    for c in text.chars() {
        let quoted = state.step(c);
        match c {
            '[' | '{' if !quoted => depth += 1,
            ']' | '}' if !quoted => depth -= 1,
            ',' if !quoted && depth == 0 => {
                items.push(std::mem::take(&mut item));
                continue;
            }
            _ => {}
        }
        item.push(c);
    }
    if depth != 0 {
        return None;
    }
    if !item.trim().is_empty() {
        items.push(item);
    }
    Some(items)
}

/// How many arrays of a value are still open.
fn depth(text: &str) -> i32 {
    let mut state = Quotes::default();
    text.chars().fold(0, |depth, c| match (state.step(c), c) {
        (false, '[') => depth + 1,
        (false, ']') => depth - 1,
        _ => depth,
    })
}

fn without_comment(line: &str) -> &str {
    let mut state = Quotes::default();
    let comment = line.char_indices().find(|(_, c)| !state.step(*c) && *c == '#');
    comment.map_or(line, |(at, _)| &line[..at])
}

/// Whether the characters that follow each other stand within a string.
#[derive(Default)]
struct Quotes {
    open: Option<char>,
    escaped: bool,
}

impl Quotes {
    /// Takes the next character; whether it belongs to a string.
    fn step(&mut self, c: char) -> bool {
        let was = self.open;
        match was {
            Some('"') if self.escaped => self.escaped = false,
            Some('"') if c == '\\' => self.escaped = true,
            Some(quote) if c == quote => self.open = None,
            None if matches!(c, '"' | '\'') => self.open = Some(c),
            _ => {}
        }
        was.is_some()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn tables_lists_and_comments_are_read() {
        let text = "# a comment\nversion = 0.1\n[prod.deploy.parameters]\nname = \"a # b\" # c\nlist = [\n  \"A=1\", # one\n  'B=[2]',\n]\non = true\nn = 7\n";
        assert_eq!(
            parse(text),
            Ok(
                json!({"version": "0.1", "prod": {"deploy": {"parameters": {"name": "a # b", "list": ["A=1", "B=[2]"], "on": true, "n": 7}}}})
            )
        );
    }

    #[test]
    fn a_crates_programs_are_found() {
        let text = "[package]\nversion.workspace = true\n[[bin]]\nname = \"one\"\n[[bin]]\nname = \"two\"\n[dependencies]\na = { version = \"1\", features = [\"x\"] }\n";
        let crate_ = parse(text).expect("a crate");
        assert_eq!(crate_["bin"], json!([{"name": "one"}, {"name": "two"}]));
        assert_eq!(crate_["package"]["version"]["workspace"], true);
    }

    #[test]
    fn what_is_not_understood_is_named_by_its_line() {
        for (text, line) in
            [("a = 1\nnonsense", 2), ("[open", 1), ("a = [1,\n2", 1), ("a = \"open", 1), ("a = 1\na = 2", 2), ("a = 1\n[a]", 2)]
        {
            assert_eq!(parse(text).expect_err(text).line, line, "{text}");
        }
    }
}

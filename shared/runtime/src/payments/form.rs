//! Bodies and queries as Stripe takes them: forms whose names have brackets.

use super::Metadata;

/// A form.
#[derive(Debug, Clone, Default)]
pub(super) struct Form(Vec<(String, String)>);

impl Form {
    pub fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.0.push((name.to_owned(), value.into()));
        self
    }

    pub fn with_some(self, name: &str, value: Option<&str>) -> Self {
        match value {
            Some(value) => self.with(name, value),
            None => self,
        }
    }

    /// `prefix[name]=value` of each.
    pub fn with_all(mut self, prefix: &str, metadata: &Metadata) -> Self {
        self.0.extend(metadata.iter().map(|(name, value)| (format!("{prefix}[{name}]"), value.clone())));
        self
    }

    pub fn encoded(&self) -> String {
        form_urlencoded::Serializer::new(String::new()).extend_pairs(&self.0).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_values_are_escaped() {
        let metadata = Metadata::from([("a&b".to_owned(), "ü =1".to_owned())]);
        let form = Form::default().with("amount", "5").with_some("none", None).with_some("d", Some("x+y")).with_all("metadata", &metadata);
        assert_eq!(form.encoded(), "amount=5&d=x%2By&metadata%5Ba%26b%5D=%C3%BC+%3D1");
    }
}

//! Notifications: a text with places for values of the row, and the hours in which nobody is disturbed.

use jiff::civil::Time;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};
use serde::{Deserialize, Serialize};

use super::rows::Fields;
use crate::account::TimeZoneName;

/// The most bytes of a subject, as it is sent.
pub const MAX_SUBJECT_BYTES: usize = 200;
/// The most bytes of a text, as it is sent.
pub const MAX_TEXT_BYTES: usize = 4_000;

/// What is sent to each row's account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// The subject. `{{column}}` stands for the row's value.
    pub subject: String,
    /// The text, alike.
    pub text: String,
    /// When nobody is disturbed.
    #[serde(default)]
    pub quiet: Option<Quiet>,
}

/// Hours of each day in which nothing is sent; they may go over midnight.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quiet {
    /// From then on: `22:00`.
    pub from: Time,
    /// Until then: `07:00`.
    pub to: Time,
    /// The zone of accounts that have set none; UTC unless said otherwise.
    #[serde(default)]
    pub time_zone: Option<TimeZoneName>,
}

/// What is wrong with a text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoticeError {
    /// `{{` without `}}`, or no name between them.
    #[error("a place for a value is written {{{{column}}}}; this one is not: {0:?}")]
    Place(String),
    /// The row has no such value.
    #[error("the row has no value for {{{{{0}}}}}")]
    Absent(String),
    /// Longer than allowed.
    #[error("is too long with its values: at most {0} bytes of UTF-8")]
    TooLong(usize),
    /// A subject is one line.
    #[error("must be one line without control characters")]
    Line,
    /// Nothing but white space.
    #[error("must not be empty")]
    Empty,
}

/// A notification as one account gets it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rendered {
    /// The subject.
    pub subject: String,
    /// The text.
    pub text: String,
}

impl Notice {
    /// Refuses texts that no row could fill.
    ///
    /// # Errors
    /// The wrong one, `subject` or `text`, and what is wrong with it.
    pub fn check(&self) -> Result<(), (&'static str, NoticeError)> {
        for (name, text, most) in [("subject", &self.subject, MAX_SUBJECT_BYTES), ("text", &self.text, MAX_TEXT_BYTES)] {
            let filled = fill(text, |_| Some(String::new())).map_err(|error| (name, error))?;
            if text.trim().is_empty() {
                return Err((name, NoticeError::Empty));
            }
            bounded(&filled, most).map_err(|error| (name, error))?;
        }
        one_line(&self.subject).map_err(|error| ("subject", error))
    }

    /// The texts with a row's values.
    ///
    /// # Errors
    /// [`NoticeError`].
    pub fn render(&self, fields: &Fields, name: &str) -> Result<Rendered, NoticeError> {
        let value = |column: &str| match fields.get(column) {
            Some(serde_json::Value::String(text)) => Some(text.clone()),
            Some(serde_json::Value::Number(number)) => Some(number.to_string()),
            _ if column == "name" => Some(name.to_owned()),
            _ => None,
        };
        let (subject, text) = (fill(&self.subject, value)?, fill(&self.text, value)?);
        one_line(&subject)?;
        bounded(&subject, MAX_SUBJECT_BYTES)?;
        bounded(&text, MAX_TEXT_BYTES)?;
        Ok(Rendered { subject, text })
    }

    /// From when on it may be sent, if that is later than `now`, to an account that lives in `zone`.
    pub fn not_before(&self, now: Timestamp, zone: Option<&str>) -> Option<Timestamp> {
        let quiet = self.quiet.as_ref()?;
        let default = quiet.time_zone.as_ref().and_then(|zone| serde_json::to_value(zone).ok());
        let name = zone.or_else(|| default.as_ref().and_then(serde_json::Value::as_str)).unwrap_or("UTC");
        let local = now.to_zoned(TimeZone::get(name).unwrap_or(TimeZone::UTC));
        let time = local.time();
        let (over_midnight, from, to) = (quiet.from > quiet.to, quiet.from, quiet.to);
        let is_quiet = if over_midnight { time >= from || time < to } else { time >= from && time < to };
        if !is_quiet {
            return None;
        }
        let day = if over_midnight && time >= from { local.date().checked_add(1.day()).ok()? } else { local.date() };
        day.to_datetime(to).to_zoned(local.time_zone().clone()).ok().map(|end| end.timestamp())
    }
}

fn fill(text: &str, value: impl Fn(&str) -> Option<String>) -> Result<String, NoticeError> {
    let (mut filled, mut rest) = (String::with_capacity(text.len()), text);
    while let Some((before, after)) = rest.split_once("{{") {
        let place = || NoticeError::Place(after.chars().take(40).collect());
        let (name, after) = after.split_once("}}").ok_or_else(place)?;
        let name = name.trim();
        if name.is_empty() || !name.chars().all(|c| c.is_alphanumeric() || c == '_') {
            return Err(place());
        }
        filled.push_str(before);
        filled.push_str(&value(name).ok_or_else(|| NoticeError::Absent(name.to_owned()))?);
        rest = after;
    }
    filled.push_str(rest);
    Ok(filled)
}

fn bounded(text: &str, most: usize) -> Result<(), NoticeError> {
    if text.len() > most { Err(NoticeError::TooLong(most)) } else { Ok(()) }
}

fn one_line(text: &str) -> Result<(), NoticeError> {
    if text.chars().any(char::is_control) { Err(NoticeError::Line) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn notice(subject: &str, text: &str) -> Notice {
        Notice { subject: subject.to_owned(), text: text.to_owned(), quiet: None }
    }

    #[test]
    fn places_take_the_rows_values_and_a_missing_one_is_named() {
        let fields = json!({"plan": "gold", "days": 3}).as_object().cloned().unwrap_or_default();
        let rendered = notice("Hello {{name}}", "{{ plan }} ends in {{days}} days. {").render(&fields, "Ada").expect("filled");
        assert_eq!((rendered.subject.as_str(), rendered.text.as_str()), ("Hello Ada", "gold ends in 3 days. {"));
        assert_eq!(notice("x", "{{price}}").render(&fields, "Ada"), Err(NoticeError::Absent("price".to_owned())));
        for (subject, text, wrong) in [("", "x", "subject"), ("a\nb", "x", "subject"), ("a", "{{b", "text"), ("a", "{{}}", "text")] {
            assert_eq!(notice(subject, text).check().map_err(|(name, _)| name), Err(wrong), "{subject:?} {text:?}");
        }
    }

    #[test]
    fn a_value_cannot_break_the_subject_into_lines() {
        let fields = json!({"plan": "a\r\nBcc: x@example.com"}).as_object().cloned().unwrap_or_default();
        assert_eq!(notice("{{plan}}", "x").render(&fields, "Ada"), Err(NoticeError::Line));
    }

    #[test]
    fn quiet_hours_end_in_the_accounts_own_morning() {
        let quiet = Quiet { from: Time::constant(22, 0, 0, 0), to: Time::constant(7, 0, 0, 0), time_zone: None };
        let notice = Notice { quiet: Some(quiet), ..notice("a", "b") };
        let at = |text: &str| text.parse::<Timestamp>().expect("a time");
        let end = |now: &str, zone: Option<&str>| notice.not_before(at(now), zone).map(|end| end.to_string());
        assert_eq!(end("2026-11-22T12:00:00Z", None), None);
        assert_eq!(end("2026-11-22T23:00:00Z", None).as_deref(), Some("2026-11-23T07:00:00Z"));
        assert_eq!(end("2026-11-22T06:59:59Z", None).as_deref(), Some("2026-11-22T07:00:00Z"));
        assert_eq!(end("2026-11-22T07:00:00Z", None), None);
        assert_eq!(end("2026-11-22T21:30:00Z", Some("Europe/Berlin")).as_deref(), Some("2026-11-23T06:00:00Z"));
    }
}

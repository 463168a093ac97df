//! Why a command did not do what was asked, what is shown of it, and the exit code.

use std::io;
use std::process::ExitCode;

use crate::client::repeat_with;
use crate::output::{Output, clean};
use crate::problem::Problem;

/// The most characters shown of an answer that is none of the API's.
const EXCERPT: usize = 300;

/// Why a command failed.
#[derive(Debug)]
pub enum Failure {
    /// The API refused.
    Refused {
        /// What it answered.
        problem: Box<Problem>,
        /// What else helps.
        hint: Option<String>,
    },
    /// No answer came.
    Lost(Lost),
    /// There is no key to send.
    NoKey {
        /// Whether the API is on this machine.
        loopback: bool,
    },
    /// An argument cannot be sent, such as a key with a line break.
    Malformed(String),
    /// The answer is none of the API's.
    Foreign {
        /// Who was asked.
        url: String,
        /// The status of the answer.
        status: u16,
        /// What it said.
        body: String,
    },
    /// The answer lacks something, or has it in another form.
    Shape(String),
    /// The result could not be written.
    Write(io::Error),
    /// A file that was named cannot be used.
    File {
        /// Its name.
        path: String,
        /// Why.
        why: String,
    },
    /// It ended early; what was done stays done, and how to go on is said.
    Halted {
        /// Why.
        cause: Box<Failure>,
        /// How to go on.
        then: String,
    },
    /// It was done, but not all of it; what was left out has been shown.
    Incomplete(String),
    /// What was looked at is not fit; what is wrong with it has been shown.
    Unfit {
        /// How many things are wrong.
        problems: usize,
    },
}

/// A request without an answer.
#[derive(Debug)]
pub struct Lost {
    /// Who was asked.
    pub url: String,
    /// Whether the API is on this machine.
    pub loopback: bool,
    /// What went wrong.
    pub why: String,
    /// Whether the request may have arrived.
    pub maybe_done: bool,
    /// Whether it changes anything.
    pub changes: bool,
    /// Its idempotency key.
    pub idempotency_key: Option<String>,
}

impl Failure {
    /// Shows the failure; with `--json` a refusal's document goes to standard output, where a script looks.
    pub fn show(&self, output: &Output) -> ExitCode {
        if let Failure::Write(error) = self
            && error.kind() == io::ErrorKind::BrokenPipe
        {
            // Whoever reads has enough, as `head` has.
            return ExitCode::SUCCESS;
        }
        if let Some(problem) = self.refusal()
            && output.json
        {
            // A reader that is gone gets the message below all the same.
            let _ = output.document(&problem.document);
        }
        eprintln!("{}", self.message(output));
        ExitCode::from(self.code())
    }

    /// The API's refusal, if it is one.
    fn refusal(&self) -> Option<&Problem> {
        match self {
            Failure::Refused { problem, .. } => Some(problem),
            Failure::Halted { cause, .. } => cause.refusal(),
            _ => None,
        }
    }

    fn code(&self) -> u8 {
        match self {
            Failure::NoKey { .. } | Failure::Malformed(_) | Failure::File { .. } => 2,
            Failure::Halted { cause, .. } => cause.code(),
            Failure::Refused { .. }
            | Failure::Lost(_)
            | Failure::Foreign { .. }
            | Failure::Shape(_)
            | Failure::Write(_)
            | Failure::Incomplete(_)
            | Failure::Unfit { .. } => 1,
        }
    }

    fn message(&self, output: &Output) -> String {
        let style = output.errors;
        let error = style.red("error:");
        match self {
            Failure::Refused { problem, hint } => {
                let hint = hint.as_ref().map(|hint| format!("\n\n{hint}")).unwrap_or_default();
                format!("{}{hint}", problem.render(style))
            }
            Failure::Lost(lost) => format!("{error} {}", lost.message()),
            Failure::NoKey { loopback: true } => format!(
                "{error} no API key: give --key or TRIBUTARY_KEY, or run this where the local run keeps its data (.local/local.json)"
            ),
            Failure::NoKey { loopback: false } => format!("{error} no API key: give --key or TRIBUTARY_KEY"),
            Failure::Malformed(why) => format!("{error} an argument cannot be sent: {why}"),
            Failure::Foreign { url, status, body } => {
                let excerpt: String = clean(body.trim()).chars().take(EXCERPT).collect();
                format!("{error} what answered at {url} (status {status}) is not a Tributary API; it said:\n{excerpt}")
            }
            Failure::Shape(why) => {
                format!("{error} the answer has another form than this version knows ({why}); --json shows it as it is")
            }
            Failure::Write(why) => format!("{error} the result could not be written: {why}"),
            Failure::File { path, why } => format!("{error} {}: {}", clean(path), clean(why)),
            Failure::Halted { cause, then } => format!("{}\n\n{then}", cause.message(output)),
            Failure::Incomplete(what) => format!("{error} {what}"),
            Failure::Unfit { problems: 1 } => format!("{error} there is 1 problem"),
            Failure::Unfit { problems } => format!("{error} there are {problems} problems"),
        }
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Failure::Write(error)
    }
}

impl Lost {
    fn message(&self) -> String {
        let Self { url, why, .. } = self;
        if !self.maybe_done {
            let start = if self.loopback {
                "\nStart the platform on this machine with `cargo dev`, or name another address with --url."
            } else {
                ""
            };
            return format!("nothing answers at {url} ({}){start}", clean(why));
        }
        let then = match (&self.idempotency_key, self.changes) {
            (Some(key), _) => format!("\nIt is not known whether this was done. {}", repeat_with(key)),
            (None, true) => "\nIt is not known whether this was done: look before you repeat it.".to_owned(),
            (None, false) => String::new(),
        };
        format!("the connection to {url} was lost ({}){then}", clean(why))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lost() -> Lost {
        Lost {
            url: "http://127.0.0.1:8787".to_owned(),
            loopback: true,
            why: "refused".to_owned(),
            maybe_done: false,
            changes: true,
            idempotency_key: Some("k1".to_owned()),
        }
    }

    #[test]
    fn without_a_connection_the_address_and_the_way_to_start_are_named() {
        let message = lost().message();
        assert!(message.contains("http://127.0.0.1:8787") && message.contains("cargo dev") && message.contains("--url"), "{message}");
        assert!(!Lost { loopback: false, ..lost() }.message().contains("cargo dev"));
    }

    #[test]
    fn an_unknown_end_is_said_and_the_key_to_repeat_with_too() {
        let message = Lost { maybe_done: true, ..lost() }.message();
        assert!(message.contains("not known") && message.contains("--idempotency-key k1"), "{message}");
        let message = Lost { maybe_done: true, idempotency_key: None, ..lost() }.message();
        assert!(message.contains("look before you repeat"), "{message}");
        let message = Lost { maybe_done: true, idempotency_key: None, changes: false, ..lost() }.message();
        assert!(!message.contains("not known"), "{message}");
    }

    #[test]
    fn what_is_not_right_ends_with_2_and_what_failed_with_1() {
        assert_eq!(Failure::NoKey { loopback: true }.code(), 2);
        assert_eq!(Failure::Lost(lost()).code(), 1);
        assert_eq!(Failure::Shape(String::new()).code(), 1);
        assert_eq!(Failure::File { path: "f".to_owned(), why: "is not there".to_owned() }.code(), 2);
        let halted = |cause| Failure::Halted { cause: Box::new(cause), then: String::new() }.code();
        assert_eq!((halted(Failure::NoKey { loopback: true }), halted(Failure::Lost(lost()))), (2, 1));
    }
}

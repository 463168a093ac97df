//! `usage send`: a file of events, batch by batch.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Write as _};
use std::path::{Path, PathBuf};

use indicatif::ProgressBar;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::Context;
use crate::client::Request;
use crate::failure::Failure;
use crate::fields::{Cell, listed, parts, text};
use crate::output::{Column, amounts};
use crate::progress;

/// Shown under the help.
pub const EXAMPLES: &str = "\
Examples:
  tributary usage send events.jsonl
  jq -c .event events.jsonl.rejected.jsonl | tributary usage send - --rejected still.jsonl

An event is one line: {\"id\": \"…\", \"account_id\": \"acc_…\", \"meter\": \"sms\", \"quantity\": \"3\", \"occurred_at\": \"2026-11-02T07:59:30Z\"}

An id never counts twice in its account: if it ends early, run the same command again. What was counted is a duplicate then, and
costs nothing. --from-line leaves out what was sent before.";

/// The most events of a request that the API takes.
const MOST_EVENTS: usize = 1_000;
/// A batch ends at so many bytes, however few events it has: what invokes a function has at most 6 MB, quoted and escaped.
const MOST_BYTES: usize = 2 * 1024 * 1024;
/// How often events are sent that could not be looked at for now.
const ROUNDS: u32 = 3;

/// What is sent.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The events, a JSON object a line; `-` reads standard input
    file: PathBuf,

    /// Where events that do not count are written, with the reasons; FILE.rejected.jsonl unless told otherwise
    #[arg(long, value_name = "FILE")]
    rejected: Option<PathBuf>,

    /// Begin at this line, the first being 1
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..))]
    from_line: u64,

    /// How many events a request has at most
    #[arg(long, value_name = "N", default_value_t = MOST_EVENTS as u16, value_parser = clap::value_parser!(u16).range(1..=1_000))]
    batch: u16,
}

/// One event and the line it stands in.
#[derive(Debug, Clone)]
struct Event {
    line: u64,
    event: Value,
}

/// What the API says of an event.
#[derive(Debug, Deserialize)]
struct Said {
    status: String,
    code: Option<String>,
    detail: Option<String>,
    pointer: Option<String>,
    #[serde(default)]
    retryable: Option<bool>,
}

#[derive(Debug, Deserialize)]
struct Recorded {
    results: Vec<Said>,
}

/// What became of the events so far.
#[derive(Debug, Default, PartialEq, Eq)]
struct Counts {
    accepted: u64,
    duplicates: u64,
    rejected: u64,
    reasons: BTreeMap<String, u64>,
    /// The last line of which it is known what became of it.
    through_line: u64,
}

/// Sends the file.
///
/// # Errors
/// [`Failure`]: also if an event does not count.
pub fn run(context: &Context, args: &Args) -> Result<(), Failure> {
    let piped = args.file.to_str() == Some("-");
    let path = args.rejected.clone().unwrap_or_else(|| rejected_beside(&args.file));
    if path == args.file {
        return Err(Failure::File { path: path.display().to_string(), why: "cannot be read and written at once".to_owned() });
    }
    let more = args.from_line > 1;
    let mut run = Run { context, path, more, rejected: None, counts: Counts::default(), bar: ProgressBar::hidden() };
    let ended = if piped {
        run.bar = progress::spinner();
        run.send(io::stdin().lock(), args)
    } else {
        let file = File::open(&args.file).map_err(|error| unusable(&args.file, &error))?;
        let bytes = file.metadata().map_err(|error| unusable(&args.file, &error))?.len();
        run.bar = progress::bar(bytes);
        run.send(BufReader::new(file), args)
    };
    run.bar.finish_and_clear();
    run.end(ended, piped)
}

fn rejected_beside(file: &Path) -> PathBuf {
    let name = if file.to_str() == Some("-") { "events".into() } else { file.as_os_str().to_owned() };
    let mut path = name;
    path.push(".rejected.jsonl");
    path.into()
}

fn unusable(path: &Path, error: &io::Error) -> Failure {
    Failure::File { path: path.display().to_string(), why: error.to_string() }
}

/// One run over a file.
struct Run<'a> {
    context: &'a Context,
    /// Where rejected events go; the file is opened with the first one.
    path: PathBuf,
    /// Whether an earlier run may have written there.
    more: bool,
    rejected: Option<BufWriter<File>>,
    counts: Counts,
    bar: ProgressBar,
}

impl Run<'_> {
    fn send(&mut self, events: impl BufRead, args: &Args) -> Result<(), Failure> {
        let (mut batch, mut bytes) = (Vec::new(), 0);
        let most = usize::from(args.batch);
        for (number, read) in (1..).zip(events.split(b'\n')) {
            let read = read.map_err(|error| unusable(&args.file, &error))?;
            self.bar.inc(read.len() as u64 + 1);
            if number < args.from_line || read.iter().all(u8::is_ascii_whitespace) {
                continue;
            }
            let event = match serde_json::from_slice(&read) {
                Ok(event @ Value::Object(_)) => Event { line: number, event },
                Ok(other) => {
                    self.reject(&Event { line: number, event: other }, &not_an_event("the line holds no JSON object"))?;
                    continue;
                }
                Err(error) => {
                    let event = Value::String(String::from_utf8_lossy(&read).into_owned());
                    self.reject(&Event { line: number, event }, &not_an_event(&format!("the line is not JSON: {error}")))?;
                    continue;
                }
            };
            if batch.len() == most || (!batch.is_empty() && bytes + read.len() > MOST_BYTES) {
                self.batch(std::mem::take(&mut batch))?;
                bytes = 0;
            }
            bytes += read.len();
            batch.push(event);
        }
        if batch.is_empty() { Ok(()) } else { self.batch(batch) }
    }

    /// Sends some events until all of them were looked at, or could not be for too long.
    fn batch(&mut self, mut events: Vec<Event>) -> Result<(), Failure> {
        let last = events.last().map_or(0, |event| event.line);
        for round in 1.. {
            let document = json!({"events": events.iter().map(|event| &event.event).collect::<Vec<_>>()});
            let recorded: Recorded = self.context.client.send(&Request::post("/reseller/usage/events", document).harmless())?.read()?;
            if recorded.results.len() != events.len() {
                return Err(Failure::Shape(format!("{} results of {} events", recorded.results.len(), events.len())));
            }
            let mut again = Vec::new();
            for (event, said) in events.into_iter().zip(recorded.results) {
                match said.status.as_str() {
                    "accepted" => self.counts.accepted += 1,
                    "duplicate" => self.counts.duplicates += 1,
                    _ if said.retryable == Some(true) && round < ROUNDS => again.push(event),
                    _ => self.reject(&event, &said)?,
                }
            }
            if again.is_empty() {
                break;
            }
            self.context.client.pause(round);
            events = again;
        }
        self.counts.through_line = last;
        let Counts { accepted, duplicates, rejected, .. } = &self.counts;
        self.bar.set_message(format!("{accepted} accepted, {duplicates} duplicates, {rejected} rejected"));
        Ok(())
    }

    fn reject(&mut self, event: &Event, said: &Said) -> Result<(), Failure> {
        let code = said.code.clone().unwrap_or_default();
        let row = json!({"line": event.line, "code": code, "detail": said.detail, "pointer": said.pointer,
            "retryable": said.retryable.unwrap_or_default(), "event": event.event});
        let file = match &mut self.rejected {
            Some(file) => file,
            none => {
                let opened = if self.more { File::options().append(true).create(true).open(&self.path) } else { File::create(&self.path) };
                none.insert(BufWriter::new(opened.map_err(|error| unusable(&self.path, &error))?))
            }
        };
        writeln!(file, "{row}").map_err(|error| unusable(&self.path, &error))?;
        self.counts.rejected += 1;
        *self.counts.reasons.entry(code).or_default() += 1;
        Ok(())
    }

    /// Shows what became of the events, however it ended.
    fn end(mut self, ended: Result<(), Failure>, piped: bool) -> Result<(), Failure> {
        let path = self.path.display().to_string();
        if let Some(mut file) = self.rejected.take() {
            file.flush().map_err(|error| unusable(&self.path, &error))?;
        }
        let Counts { accepted, duplicates, rejected, reasons, through_line } = &self.counts;
        let kept = (*rejected > 0).then_some(&path);
        let document = json!({"accepted": accepted, "duplicates": duplicates, "rejected": rejected, "reasons": reasons,
            "rejected_file": kept,
            "through_line": through_line});
        match ended {
            Ok(()) => self.context.output.show(&document, || Ok::<_, Failure>(rendered(&self.counts)))?,
            Err(cause) => {
                let sent = if *through_line == 0 {
                    "No event was sent to its end.".to_owned()
                } else {
                    format!("Through line {through_line}: {accepted} accepted, {duplicates} duplicates, {rejected} rejected.")
                };
                let on = if piped {
                    "Send the same events again".to_owned()
                } else {
                    format!("Run the same command again, or with --from-line {}", through_line + 1)
                };
                let then = format!("{sent}\n{on}: no event counts twice.");
                return Err(Failure::Halted { cause: Box::new(cause), then });
            }
        }
        match rejected {
            0 => Ok(()),
            1 => Err(Failure::Incomplete(format!("1 event does not count; it stands with the reason in {path}"))),
            many => Err(Failure::Incomplete(format!("{many} events do not count; they stand with their reasons in {path}"))),
        }
    }
}

fn not_an_event(detail: &str) -> Said {
    Said {
        status: "rejected".to_owned(),
        code: Some("not_json".to_owned()),
        detail: Some(detail.to_owned()),
        pointer: None,
        retryable: None,
    }
}

fn rendered(counts: &Counts) -> String {
    let sums = amounts([
        ("accepted", counts.accepted.to_string()),
        ("duplicates", counts.duplicates.to_string()),
        ("rejected", counts.rejected.to_string()),
    ]);
    let cells: [Cell; 2] = [(Column::Left("REJECTED FOR"), |row| text(row, "code")), (Column::Right("EVENTS"), |row| text(row, "events"))];
    let reasons: Vec<Value> = counts.reasons.iter().map(|(code, events)| json!({"code": code, "events": events})).collect();
    parts([sums, listed(&reasons, &cells, "")])
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::client::fake::{busy, http, serve};
    use crate::output::Output;

    fn answer(results: &[Value]) -> String {
        http("200 OK", &json!({"accepted": 0, "duplicates": 0, "rejected": 0, "results": results}))
    }

    fn status(status: &str) -> Value {
        json!({"id": "e", "status": status})
    }

    fn rejection(code: &str, retryable: bool) -> Value {
        json!({"id": "e", "status": "rejected", "code": code, "detail": "why", "pointer": null, "retryable": retryable})
    }

    struct Sent {
        ended: Result<(), Failure>,
        asked: Vec<String>,
        rejected: Vec<Value>,
    }

    /// Sends a file of these lines to a server that answers so.
    fn sent(lines: &str, answers: Vec<String>, flags: &[&str]) -> Sent {
        let dir = tempfile::tempdir().expect("a directory");
        let (file, rejected) = (dir.path().join("events.jsonl"), dir.path().join("events.jsonl.rejected.jsonl"));
        fs::write(&file, lines).expect("written");
        let (client, asked) = serve(answers);
        let context = Context { client, output: Output::new(true) };
        let command = ["tributary", "usage", "send", file.to_str().expect("text")];
        let cli = <crate::args::Cli as clap::Parser>::try_parse_from(command.iter().chain(flags)).expect("understood");
        let crate::args::Command::Usage(super::super::Command::Send(args)) = cli.command else { panic!("another command") };
        let ended = run(&context, &args);
        let rows = fs::read_to_string(&rejected).unwrap_or_default();
        Sent {
            ended,
            asked: asked.join().expect("requests"),
            rejected: rows.lines().map(|row| serde_json::from_str(row).expect("JSON")).collect(),
        }
    }

    fn body(request: &str) -> Value {
        serde_json::from_str(request.split("\r\n\r\n").nth(1).expect("a body")).expect("JSON")
    }

    #[test]
    fn events_go_in_batches_and_what_does_not_count_is_written_with_its_reason() {
        let lines = "{\"id\":\"a\"}\n\n{\"id\":\"b\"}\nnonsense\n{\"id\":\"c\"}\n";
        let answers = vec![answer(&[status("accepted"), status("duplicate")]), answer(&[rejection("no_price", false)])];
        let Sent { ended, asked, rejected } = sent(lines, answers, &["--batch", "2"]);
        assert!(matches!(&ended, Err(Failure::Incomplete(what)) if what.contains("2 events")), "{ended:?}");
        assert_eq!(body(&asked[0]), json!({"events": [{"id": "a"}, {"id": "b"}]}));
        assert_eq!(body(&asked[1]), json!({"events": [{"id": "c"}]}));
        assert_eq!(rejected.len(), 2);
        assert_eq!(
            (&rejected[0]["line"], &rejected[0]["code"], &rejected[0]["event"]),
            (&json!(4), &json!("not_json"), &json!("nonsense"))
        );
        assert_eq!(
            (&rejected[1]["line"], &rejected[1]["code"], &rejected[1]["event"]),
            (&json!(5), &json!("no_price"), &json!({"id": "c"}))
        );
    }

    #[test]
    fn a_lost_answer_and_a_busy_event_are_asked_for_again_until_it_is_known() {
        let again = vec![String::new(), busy(), answer(&[rejection("busy", true), status("accepted")]), answer(&[status("accepted")])];
        let Sent { ended, asked, rejected } = sent("{\"id\":\"a\"}\n{\"id\":\"b\"}\n", again, &[]);
        assert!(ended.is_ok(), "{ended:?}");
        assert_eq!((body(&asked[2]), rejected.len()), (json!({"events": [{"id": "a"}, {"id": "b"}]}), 0));
        assert_eq!(body(&asked[3]), json!({"events": [{"id": "a"}]}));
    }

    #[test]
    fn an_event_that_stays_busy_is_written_as_one_to_be_sent_again() {
        let Sent { ended, rejected, .. } = sent("{\"id\":\"a\"}\n", vec![answer(&[rejection("busy", true)]); 3], &[]);
        assert!(matches!(ended, Err(Failure::Incomplete(_))));
        assert_eq!((&rejected[0]["code"], &rejected[0]["retryable"]), (&json!("busy"), &json!(true)));
    }

    #[test]
    fn an_end_on_the_way_says_from_which_line_to_go_on() {
        let lines = "{\"id\":\"a\"}\n{\"id\":\"b\"}\n{\"id\":\"c\"}\n";
        let answers = [vec![answer(&[status("accepted")])], vec![busy(); 4]].concat();
        let Sent { ended, .. } = sent(lines, answers, &["--batch", "1"]);
        assert!(matches!(&ended, Err(Failure::Halted { then, .. }) if then.contains("--from-line 2:")), "{ended:?}");
        let Sent { ended, asked, .. } = sent(lines, vec![answer(&[status("accepted"), status("accepted")])], &["--from-line", "2"]);
        assert!(ended.is_ok(), "{ended:?}");
        assert_eq!(body(&asked[0]), json!({"events": [{"id": "b"}, {"id": "c"}]}));
    }

    #[test]
    fn counts_are_shown_with_their_reasons() {
        let reasons = BTreeMap::from([("no_price".to_owned(), 2)]);
        let counts = Counts { accepted: 998, duplicates: 0, rejected: 2, reasons, through_line: 1_000 };
        assert_eq!(rendered(&counts), "accepted    998\nduplicates    0\nrejected      2\n\nREJECTED FOR  EVENTS\nno_price           2");
    }
}

//! `bulk`: many accounts at once, from a file.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::builder::PossibleValuesParser;
use indicatif::{ProgressBar, ProgressStyle};
use ring::digest::{SHA256, digest};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::Context;
use crate::args::text;
use crate::client::{Request, encoded, read};
use crate::failure::Failure;
use crate::idempotency;
use crate::output::{Column, facts, table};

/// How often a running job is looked at.
const LOOK: Duration = Duration::from_millis(500);

const AGAIN: &str = "\
The job is started under a key that follows from the file and what is asked for: the same command again is the same job, so a
lost connection or a closed terminal is no harm, and nothing is done twice. With --again it is meant a second time.";

/// What to do with jobs.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Start a job with the rows of a file (CSV with a header, or JSON lines), and watch it finish
    #[command(after_help = format!("Examples:\n  tributary bulk import november.csv --kind credits --dry-run\n  tributary bulk import november.csv --kind credits\n  tributary bulk import people.jsonl --kind notifications --subject 'Hello {{{{name}}}}' --text 'You are on {{{{plan}}}}.'\n\n{AGAIN}"))]
    Import(Box<Import>),
    /// Your jobs, newest first
    List {
        /// How many at most
        #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..))]
        limit: u32,
    },
    /// How far a job is
    Show {
        #[command(flatten)]
        job: Job,
    },
    /// The rows of a job, and what became of each
    #[command(after_help = "Examples:\n  tributary bulk rows job_… --status failed")]
    Rows {
        #[command(flatten)]
        job: Job,

        /// Only rows that stand so
        #[arg(long, value_parser = PossibleValuesParser::new(["pending", "done", "failed", "undone", "untouched"]))]
        status: Option<String>,

        /// How many at most
        #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..))]
        limit: u32,
    },
    /// Do what a dry run planned
    Apply {
        #[command(flatten)]
        job: Job,
    },
    /// Stop a job for now
    Pause {
        #[command(flatten)]
        job: Job,
    },
    /// Let a paused job go on
    Resume {
        #[command(flatten)]
        job: Job,
    },
    /// End a job; what is left returns to the payer
    Cancel {
        #[command(flatten)]
        job: Job,
    },
    /// Try the failed rows again
    Retry {
        #[command(flatten)]
        job: Job,
    },
    /// Take the credit of a job back, where it is still there
    Undo {
        #[command(flatten)]
        job: Job,
    },
    /// Where the file of what became of each row is downloaded
    Result {
        #[command(flatten)]
        job: Job,
    },
}

/// Which job.
#[derive(Debug, clap::Args)]
pub struct Job {
    /// The job
    #[arg(value_name = "JOB", value_parser = text())]
    job: String,
}

/// A job to be started.
#[derive(Debug, clap::Args)]
pub struct Import {
    /// The rows: a CSV with a header, or a JSON object a line (.jsonl, .ndjson)
    file: PathBuf,

    /// What the rows do
    #[arg(long, value_parser = PossibleValuesParser::new(["credits", "accounts", "updates", "notifications"]))]
    kind: String,

    /// Only plan: give each row its verdict, and wait for `bulk apply`
    #[arg(long)]
    dry_run: bool,

    /// Do rows that say exactly the same each for itself
    #[arg(long)]
    allow_duplicates: bool,

    /// Who gives the credit; your own account unless told otherwise
    #[arg(long, value_name = "ACCOUNT", value_parser = text())]
    from: Option<String>,

    /// The note of rows that have none
    #[arg(long, value_name = "TEXT")]
    reference: Option<String>,

    /// The subject of notifications; {{column}} stands for the row's value
    #[arg(long, value_name = "TEXT", required_if_eq("kind", "notifications"))]
    subject: Option<String>,

    /// The text of notifications
    #[arg(long, value_name = "TEXT", required_if_eq("kind", "notifications"))]
    text: Option<String>,

    /// Mean the same file a second time
    #[arg(long)]
    again: bool,

    /// Do not wait for the job's end
    #[arg(long)]
    no_wait: bool,
}

#[derive(Debug, Clone, Deserialize)]
struct Shown {
    id: String,
    kind: String,
    state: String,
    phase: String,
    rows: u64,
    done: u64,
    failed: u64,
    undone: u64,
    required: Option<String>,
    currency: Option<String>,
    escrow: String,
    reason: Option<Reason>,
    created_at: String,
}

#[derive(Debug, Clone, Deserialize)]
struct Reason {
    code: String,
    detail: String,
}

/// Does it.
///
/// # Errors
/// [`Failure`].
pub fn run(context: &Context, command: Command) -> Result<(), Failure> {
    match command {
        Command::Import(import) => start(context, &import),
        Command::List { limit } => list(context, limit),
        Command::Show { job } => show(context, &context.client.send(&Request::get(path(&job.job, "")))?.document),
        Command::Rows { job, status, limit } => rows(context, &job.job, status, limit),
        Command::Result { job } => {
            let answer = context.client.send(&Request::get(path(&job.job, "/result")))?;
            context.output.show(&answer.document, || {
                let url = answer.document["download_url"].as_str().unwrap_or_default();
                Ok::<_, Failure>(url.to_owned())
            })
        }
        Command::Apply { job } => steer(context, &job.job, "apply", true),
        Command::Pause { job } => steer(context, &job.job, "pause", false),
        Command::Resume { job } => steer(context, &job.job, "resume", true),
        Command::Cancel { job } => steer(context, &job.job, "cancel", true),
        Command::Retry { job } => steer(context, &job.job, "retry", true),
        Command::Undo { job } => steer(context, &job.job, "undo", true),
    }
}

fn path(job: &str, rest: &str) -> String {
    format!("/reseller/bulk/{}{rest}", encoded(job))
}

fn format_of(file: &Path) -> &'static str {
    match file.extension().and_then(|ending| ending.to_str()).map(str::to_ascii_lowercase).as_deref() {
        Some("jsonl" | "ndjson") => "jsonl",
        _ => "csv",
    }
}

/// What is asked for beside the rows.
fn options(import: &Import) -> Map<String, Value> {
    let texts = [("from", &import.from), ("reference", &import.reference), ("subject", &import.subject), ("text", &import.text)];
    let mut options: Map<String, Value> =
        texts.into_iter().filter_map(|(name, value)| Some((name.to_owned(), json!(value.as_ref()?)))).collect();
    for (name, flag) in [("dry_run", import.dry_run), ("allow_duplicates", import.allow_duplicates)] {
        if flag {
            options.insert(name.to_owned(), json!(true));
        }
    }
    options
}

/// The key of a job: the same for the same file and the same that is asked for.
fn key(import: &Import, bytes: &[u8]) -> String {
    let about = format!("{}\n{}\n{}\n", import.kind, format_of(&import.file), Value::Object(options(import)));
    let hash = digest(&SHA256, &[about.as_bytes(), bytes].concat());
    let hex = hash.as_ref().iter().fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    });
    format!("import-{}", &hex[..40])
}

fn start(context: &Context, import: &Import) -> Result<(), Failure> {
    let bytes =
        std::fs::read(&import.file).map_err(|error| Failure::File { path: import.file.display().to_string(), why: error.to_string() })?;
    let mut key = key(import, &bytes);
    if import.again {
        key = format!("{key}-{}", idempotency::fresh());
        eprintln!("Idempotency-Key: {key}");
    }
    let format = format_of(&import.file);
    let asked = Request::post("/reseller/bulk/uploads", json!({ "format": format, "bytes": bytes.len() })).once_under(key.clone());
    let upload = context.client.send(&asked)?.document;
    let member = |name: &str| upload[name].as_str().unwrap_or_default();
    context.client.upload(member("url"), member("content_type"), &bytes)?;
    let mut body = options(import);
    body.insert("upload_id".to_owned(), upload["upload_id"].clone());
    body.insert("format".to_owned(), json!(format));
    let started = context.client.send(&Request::post(format!("/reseller/bulk/{}", import.kind), Value::Object(body)).once_under(key))?;
    if started.replayed {
        eprintln!("This file was sent before: it is the same job, and nothing is done twice. To mean it again, add --again.");
    }
    if import.no_wait {
        return show(context, &started.document);
    }
    let id = started.read::<Shown>()?.id;
    watch(context, &id)
}

fn steer(context: &Context, job: &str, word: &str, wait: bool) -> Result<(), Failure> {
    // Each of these may be repeated: the job is then as it is.
    let answer = context.client.send(&Request::post(path(job, &format!("/{word}")), json!({})))?;
    if wait { watch(context, job) } else { show(context, &answer.document) }
}

/// Looks at a job until nothing moves any more, with a bar on standard error.
fn watch(context: &Context, id: &str) -> Result<(), Failure> {
    eprintln!("Job: {id}");
    let bar = ProgressBar::new(0);
    if let Ok(style) = ProgressStyle::with_template("{msg:10} [{bar:40}] {pos}/{len} rows  {elapsed}") {
        bar.set_style(style.progress_chars("=> "));
    }
    loop {
        let document = context.client.send(&Request::get(path(id, "")))?.document;
        let job: Shown = read(&document)?;
        bar.set_length(job.rows);
        bar.set_position(if job.phase == "planning" { 0 } else { job.done + job.failed + job.undone });
        bar.set_message(job.phase.clone());
        let moves = matches!(job.state.as_str(), "queued" | "running") || job.state == "cancelled" && job.phase != "done";
        if !moves {
            bar.finish_and_clear();
            show(context, &document)?;
            if job.failed > 0 {
                eprintln!("\nWhat is wrong with the failed rows: tributary bulk rows {id} --status failed");
            }
            if job.state == "completed" && job.phase == "planned" {
                eprintln!("\nNothing is done yet. To do it: tributary bulk apply {id}");
            }
            return if job.state == "completed" {
                Ok(())
            } else {
                Err(Failure::Unfit { problems: usize::try_from(job.failed.max(1)).unwrap_or(1) })
            };
        }
        std::thread::sleep(LOOK);
    }
}

fn show(context: &Context, document: &Value) -> Result<(), Failure> {
    context.output.show(document, || Ok(rendered(read(document)?)))
}

fn rendered(job: Shown) -> String {
    let money = |amount: &str| format!("{amount} {}", job.currency.as_deref().unwrap_or_default()).trim().to_owned();
    facts([
        ("id", job.id.clone()),
        ("kind", job.kind.clone()),
        ("state", format!("{} ({})", job.state, job.phase)),
        ("rows", format!("{}: {} done, {} failed, {} undone", job.rows, job.done, job.failed, job.undone)),
        ("needs", job.required.as_deref().map(money).unwrap_or_default()),
        ("in escrow", if job.escrow == "0.000000" { String::new() } else { money(&job.escrow) }),
        ("because", job.reason.as_ref().map(|reason| format!("{}: {}", reason.code, reason.detail)).unwrap_or_default()),
        ("created", job.created_at.clone()),
    ])
}

fn list(context: &Context, limit: u32) -> Result<(), Failure> {
    let jobs = context.client.list(&Request::get("/reseller/bulk"), usize::try_from(limit).ok())?;
    context.output.show(&Value::Array(jobs.clone()), || {
        let (rows, failed) = (Column::Right("rows"), Column::Right("failed"));
        let columns = [Column::Left("job"), Column::Left("kind"), Column::Left("state"), rows, failed, Column::Left("created")];
        let lines = jobs.iter().map(|job| {
            let job: Shown = read(job)?;
            Ok(vec![job.id, job.kind, job.state, job.rows.to_string(), job.failed.to_string(), job.created_at])
        });
        Ok::<_, Failure>(table(&columns, lines.collect::<Result<Vec<_>, Failure>>()?).join("\n"))
    })
}

fn rows(context: &Context, job: &str, status: Option<String>, limit: u32) -> Result<(), Failure> {
    let request = Request::get(path(job, "/rows")).with("status", status);
    let rows = context.client.list(&request, usize::try_from(limit).ok())?;
    context.output.show(&Value::Array(rows.clone()), || {
        let columns = [Column::Right("row"), Column::Left("status"), Column::Left("column"), Column::Left("what")];
        let word = |row: &Value, name: &str| row[name].as_str().unwrap_or_default().to_owned();
        let lines = rows.iter().map(|row| {
            let what = if row["detail"].is_null() { crate::output::shown(&row["fields"]) } else { word(row, "detail") };
            vec![row["row"].to_string(), word(row, "status"), word(row, "column"), crate::output::clean(&what)]
        });
        Ok::<_, Failure>(table(&columns, lines).join("\n"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn import(file: &str, dry_run: bool) -> Import {
        Import {
            file: PathBuf::from(file),
            kind: "credits".to_owned(),
            dry_run,
            allow_duplicates: false,
            from: None,
            reference: None,
            subject: None,
            text: None,
            again: false,
            no_wait: false,
        }
    }

    #[test]
    fn the_key_follows_from_the_file_and_what_is_asked_for() {
        let plain = key(&import("a.csv", false), b"account_id,amount\n");
        assert_eq!(plain, key(&import("elsewhere/b.csv", false), b"account_id,amount\n"), "not from its name");
        assert_ne!(plain, key(&import("a.csv", false), b"account_id,amount\nx,1\n"));
        assert_ne!(plain, key(&import("a.csv", true), b"account_id,amount\n"));
        assert_ne!(plain, key(&import("a.jsonl", false), b"account_id,amount\n"));
        assert!(idempotency::parse(&plain).is_ok());
    }
}

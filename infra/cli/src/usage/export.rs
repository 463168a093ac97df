//! `usage export`: asks for a file, waits until it is made, and saves it.

use std::fs::{self, File};
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};

use clap::builder::PossibleValuesParser;
use serde::Deserialize;
use serde_json::Value;

use crate::Context;
use crate::args::text;
use crate::client::{Request, encoded};
use crate::draft::{self, given, on};
use crate::failure::Failure;
use crate::fields::about;
use crate::idempotency;
use crate::progress;

/// Shown under the help.
pub const EXAMPLES: &str = "\
Examples:
  tributary usage export --format csv --from 2026-10-01T00:00:00Z --to 2026-11-01T00:00:00Z --subtree --out october.csv
  tributary usage export --id exp_… --out october.csv    # one that was asked for before";

/// How often it is asked for how far the file is: with pauses of up to five seconds, for about as long as one may take.
const LOOKS: u32 = 400;

/// Which usage, and where to.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The file's format
    #[arg(long, value_parser = PossibleValuesParser::new(["csv", "jsonl", "parquet"]), required_unless_present = "id")]
    format: Option<String>,

    /// From when on, such as 2026-10-01T00:00:00Z
    #[arg(long, value_name = "TIME", required_unless_present = "id")]
    from: Option<String>,

    /// Until before when
    #[arg(long, value_name = "TIME", required_unless_present = "id")]
    to: Option<String>,

    /// The account; your own unless told otherwise
    #[arg(long, value_name = "ACCOUNT", value_parser = text())]
    account: Option<String>,

    /// With everything below it
    #[arg(long)]
    subtree: bool,

    /// Where the file is saved
    #[arg(long, value_name = "FILE")]
    out: PathBuf,

    /// Wait for this export and save it, instead of asking for another
    #[arg(long, value_name = "EXPORT", value_parser = text(), conflicts_with_all = ["format", "from", "to", "account", "subtree"])]
    id: Option<String>,

    /// The key under which it is asked for at most once; a fresh one unless given
    #[arg(long, value_name = "KEY", value_parser = idempotency::parse, conflicts_with = "id")]
    idempotency_key: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Export {
    id: String,
    status: String,
    bytes: Option<u64>,
    download_url: Option<String>,
    error: Option<String>,
}

/// Asks, waits and saves.
///
/// # Errors
/// [`Failure`].
pub fn run(context: &Context, args: Args) -> Result<(), Failure> {
    let folder = args.out.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if !folder.is_dir() {
        return Err(Failure::File { path: folder.display().to_string(), why: "there is no such folder".to_owned() });
    }
    let (out, id) = match args.id {
        Some(id) => (args.out, id),
        None => {
            let document = draft::members([
                ("format", given(args.format)),
                ("from", given(args.from)),
                ("to", given(args.to)),
                ("account_id", given(args.account)),
                ("subtree", on(args.subtree)),
            ]);
            let request = Request::post("/reseller/usage/export", document).once_under(idempotency::given_or_fresh(args.idempotency_key));
            (args.out, context.client.send(&request)?.read::<Export>()?.id)
        }
    };
    let document = waited_for(context, &id).and_then(|(export, document)| saved(context, &export, &out).map(|()| document));
    let document = document.map_err(|cause| halted(cause, &id, &out))?;
    context.output.show(&document, || Ok(rendered(&document, &out)))
}

/// How it is gone on with, where that helps.
fn halted(cause: Failure, id: &str, out: &Path) -> Failure {
    match cause {
        cause @ (Failure::Lost(_) | Failure::Foreign { .. } | Failure::File { .. } | Failure::Write(_)) => {
            let then = format!("The export is not lost. Go on with: tributary usage export --id {id} --out {}", out.display());
            Failure::Halted { cause: Box::new(cause), then }
        }
        cause => cause,
    }
}

fn waited_for(context: &Context, id: &str) -> Result<(Export, Value), Failure> {
    let spinner = progress::spinner();
    let request = Request::get(format!("/reseller/usage/exports/{}", encoded(id)));
    for look in 1..=LOOKS {
        let answer = context.client.send(&request)?;
        let export: Export = answer.read()?;
        match export.status.as_str() {
            "queued" | "running" => spinner.set_message(format!("{id} is {}", export.status)),
            "completed" => {
                spinner.finish_and_clear();
                let mut document = answer.document;
                // A link is a credential, and soon ends.
                document.as_object_mut().map(|members| members.remove("download_url"));
                return Ok((export, document));
            }
            other => {
                spinner.finish_and_clear();
                let why = export.error.map(|why| format!(": {why}")).unwrap_or_default();
                return Err(Failure::Incomplete(format!("{id} is {other}{why}")));
            }
        }
        context.client.pause(look);
    }
    Err(Failure::Incomplete(format!("{id} is still not made. Look again later: tributary usage export --id {id} --out FILE")))
}

/// Saves the file, whole or not at all.
fn saved(context: &Context, export: &Export, out: &Path) -> Result<(), Failure> {
    let link = export.download_url.as_deref().ok_or_else(|| Failure::Shape("an export that is completed has no link".to_owned()))?;
    let mut partly = out.as_os_str().to_owned();
    partly.push(".part");
    let partly = PathBuf::from(partly);
    let unusable = |error: std::io::Error| Failure::File { path: partly.display().to_string(), why: error.to_string() };
    let mut file = BufWriter::new(File::create(&partly).map_err(unusable)?);
    let bar = progress::bar(export.bytes.unwrap_or_default());
    let mut got = 0;
    context.client.download(link, |piece| {
        got += piece.len() as u64;
        bar.set_position(got);
        file.write_all(piece).map_err(unusable)
    })?;
    bar.finish_and_clear();
    file.flush().map_err(unusable)?;
    if export.bytes.is_some_and(|bytes| bytes != got) {
        let why = format!("{got} bytes came of {}", export.bytes.unwrap_or_default());
        return Err(Failure::File { path: partly.display().to_string(), why });
    }
    fs::rename(&partly, out).map_err(|error| Failure::File { path: out.display().to_string(), why: error.to_string() })
}

fn rendered(document: &Value, out: &Path) -> String {
    let facts = about(
        document,
        &[
            ("export", "id"),
            ("account", "account_id"),
            ("from", "from"),
            ("to", "to"),
            ("rows", "rows"),
            ("bytes", "bytes"),
            ("kept until", "expires_at"),
        ],
    );
    format!("{facts}\nsaved as {}", crate::output::clean(&out.display().to_string()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::client::fake::{http, serve};
    use crate::output::Output;

    fn export(status: &str, bytes: u64) -> Value {
        let link = (status == "completed").then_some("/_local/blobs/exports/exp_1.csv?signature=s");
        json!({"id": "exp_1", "status": status, "format": "csv", "rows": 1, "bytes": bytes, "download_url": link, "error": null})
    }

    fn file(text: &str) -> String {
        format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{text}", text.len())
    }

    /// Runs it with these arguments before a server that answers so; with what was asked.
    fn run_with(line: &str, out: &Path, answers: Vec<String>) -> (Result<(), Failure>, Vec<String>) {
        let (client, asked) = serve(answers);
        let context = Context { client, output: Output::new(true) };
        let line = format!("tributary usage export {line} --out {}", out.display());
        let cli = <crate::args::Cli as clap::Parser>::try_parse_from(line.split(' ')).expect("understood");
        let crate::args::Command::Usage(super::super::Command::Export(args)) = cli.command else { panic!("another command") };
        (run(&context, args), asked.join().expect("requests"))
    }

    const ASK: &str = "--format csv --from 2026-10-01T00:00:00Z --to 2026-11-01T00:00:00Z --subtree --idempotency-key k1";

    #[test]
    fn it_is_asked_for_waited_for_and_saved_without_the_key() {
        let dir = tempfile::tempdir().expect("a directory");
        let out = dir.path().join("october.csv");
        let (asked_for, running, done) =
            (http("202 Accepted", &export("queued", 0)), http("200 OK", &export("running", 0)), http("200 OK", &export("completed", 6)));
        let (ended, asked) = run_with(ASK, &out, vec![asked_for, running, done, file("a\nb\nc\n")]);
        assert!(ended.is_ok(), "{ended:?}");
        assert_eq!(fs::read_to_string(&out).expect("saved"), "a\nb\nc\n");
        assert!(asked[0].contains("idempotency-key: k1") && asked[0].contains(r#""subtree":true"#), "{}", asked[0]);
        assert!(asked[1].starts_with("GET /reseller/usage/exports/exp_1 "), "{}", asked[1]);
        assert!(
            asked[3].starts_with("GET /_local/blobs/exports/exp_1.csv?signature=s ") && !asked[3].contains("authorization"),
            "{}",
            asked[3]
        );
        assert_eq!(fs::read_dir(dir.path()).expect("a directory").count(), 1, "no part is left");
    }

    #[test]
    fn half_a_file_is_not_taken_for_a_whole_one_and_it_is_said_how_to_go_on() {
        let dir = tempfile::tempdir().expect("a directory");
        let out = dir.path().join("october.csv");
        let (ended, _) = run_with("--id exp_1", &out, vec![http("200 OK", &export("completed", 60)), file("a\n")]);
        assert!(matches!(&ended, Err(Failure::Halted { then, .. }) if then.contains("--id exp_1 --out")), "{ended:?}");
        assert!(!out.exists());
    }

    #[test]
    fn one_that_failed_or_is_over_is_not_waited_for() {
        let dir = tempfile::tempdir().expect("a directory");
        for status in ["failed", "expired"] {
            let (ended, _) = run_with("--id exp_1", &dir.path().join("o.csv"), vec![http("200 OK", &export(status, 0))]);
            assert!(matches!(&ended, Err(Failure::Incomplete(what)) if what.contains(status)), "{ended:?}");
        }
        let (ended, _) = run_with("--id exp_1", &dir.path().join("none/o.csv"), Vec::new());
        assert!(matches!(ended, Err(Failure::File { .. })), "nothing is asked for that cannot be saved");
    }
}

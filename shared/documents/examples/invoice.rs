//! The invoice of `docs/`, and what rendering takes.
//!
//! - `cargo run -p tributary-documents --example invoice` writes `docs/invoice-example.pdf`; with `--check` it only compares the bytes.
//! - `… -- --all DIR` writes documents of every kind, state, language and paper, to look at.
//! - `… -- --time` prints milliseconds and bytes for 10, 100 and 1,000 lines.

#![allow(clippy::print_stdout, reason = "an example prints")]

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use tributary_documents::{InvoiceDocument, render};

#[path = "samples/mod.rs"]
mod samples;

type Outcome = Result<(), Box<dyn std::error::Error>>;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let outcome = match arguments.as_slice() {
        [] => write(&example(), &samples::invoice()),
        ["--check"] => check(),
        ["--all", folder] => all(Path::new(folder)),
        ["--time"] => time(),
        _ => Err("usage: invoice [--check | --all DIR | --time]".into()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn example() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/invoice-example.pdf")
}

fn write(path: &Path, document: &InvoiceDocument) -> Outcome {
    let rendering = render(document)?;
    std::fs::write(path, &rendering.pdf)?;
    println!("{}: {} pages, {} bytes", path.display(), rendering.pages, rendering.pdf.len());
    Ok(())
}

fn check() -> Outcome {
    if std::fs::read(example())? == render(&samples::invoice())?.pdf {
        println!("docs/invoice-example.pdf is what is rendered");
        return Ok(());
    }
    Err("docs/invoice-example.pdf is not what is rendered: run this example without --check, look at it, and make its picture anew".into())
}

fn all(folder: &Path) -> Outcome {
    std::fs::create_dir_all(folder)?;
    samples::gallery().iter().try_for_each(|(name, document)| write(&folder.join(format!("{name}.pdf")), document))
}

/// The middle of 21 runs each, after one to warm up.
fn time() -> Outcome {
    for count in [1, 10, 100, 1_000] {
        let document = samples::long(count);
        let rendering = render(&document)?;
        let mut times = Vec::new();
        for _ in 0..21 {
            let start = Instant::now();
            std::hint::black_box(render(&document)?);
            times.push(start.elapsed());
        }
        times.sort();
        let middle = times.get(times.len() / 2).copied().unwrap_or_default();
        println!(
            "{count:>5} lines: {:>8.2} ms, {:>3} pages, {:>7} bytes",
            middle.as_secs_f64() * 1e3,
            rendering.pages,
            rendering.pdf.len()
        );
    }
    Ok(())
}

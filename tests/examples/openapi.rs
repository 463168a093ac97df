//! Writes the generated documents, `docs/openapi.json` and `docs/permissions.md`; with `--check` it writes nothing and ends
//! with 1 if one is out of date. An example, so that the feature behind it never reaches a Lambda binary.

#[path = "../contract/generated.rs"]
#[expect(dead_code, reason = "the tests use all of it")]
mod generated;

use std::process::ExitCode;

fn main() -> ExitCode {
    let check = match std::env::args().skip(1).collect::<Vec<_>>().as_slice() {
        [] => false,
        [flag] if flag == "--check" => true,
        _ => {
            eprintln!("usage: {} [-- --check]", generated::COMMAND);
            return ExitCode::from(2);
        }
    };
    let documents = match generated::all() {
        Ok(documents) => documents,
        Err(wrong) => {
            eprintln!("{wrong}");
            return ExitCode::FAILURE;
        }
    };
    let mut failed = false;
    for document in documents {
        let Some(difference) = document.difference() else { continue };
        if check {
            eprintln!("{difference}");
            failed = true;
        } else if let Err(error) = std::fs::write(document.file(), &document.text) {
            eprintln!("{} could not be written: {error}", document.path);
            failed = true;
        } else {
            eprintln!("{} written", document.path);
        }
    }
    if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

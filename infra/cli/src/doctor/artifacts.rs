//! What was built, if anything was: for the right processor, small enough, and not older than its sources.

use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::report::{Level, Report, Wrong};
use super::template::{Resource, Stack, scalar};

/// The largest package that a function should be, in bytes: it is fetched at every cold start.
const LARGEST_ZIP: u64 = 5_000_000;
/// What `sam` packs for a function, at most, in bytes (AWS Lambda quotas).
const LARGEST_UNZIPPED: u64 = 250 * 1024 * 1024;

/// Looks at what `sam build` left behind.
pub fn check(report: &mut Report, stack: &Stack, root: &Path, build_dir: &Path, template: &Path) {
    report.group("Built");
    let built: Vec<Built> = stack.functions().filter_map(|(name, function)| Built::find(name, function, build_dir)).collect();
    let count = stack.functions().count();
    if built.is_empty() {
        return report.skipped("programs", format!("not built: nothing in {}", build_dir.display()), "sam build");
    }
    let missing = stack.functions().filter(|(name, _)| !built.iter().any(|built| built.function == **name));
    let missing = missing.map(|(name, _)| (format!("{name} is not built"), "sam build".to_owned()));
    report.each("programs", Level::Problem, missing.collect(), format!("{count} of {count} built"));

    let foreign = built.iter().filter_map(Built::foreign);
    report.each("processor", Level::Problem, foreign.collect(), format!("{} programs for the processor they are deployed on", built.len()));
    sizes(report, &built);

    let newest = newest_source(root);
    let stale = built.iter().filter(|built| newest.as_ref().is_some_and(|(_, source)| built.made < *source));
    let (file, again) = (newest.as_ref().map(|(file, _)| file.clone()).unwrap_or_default(), "sam build again, if that matters to it");
    let stale = stale.map(|built| (format!("{} is older than {file}", built.function), again.to_owned()));
    report.each("up to date", Level::Warning, stale.collect(), "newer than the sources");

    let copy = build_dir.join("template.yaml");
    let age = |file: &Path| fs::metadata(file).and_then(|file| file.modified()).ok();
    if let (Some(copied), Some(written)) = (age(&copy), age(template)) {
        match copied < written {
            true => report.warning("template", "the built copy, which sam deploy uses, is older than template.yaml", "sam build again"),
            false => report.ok("template", "the built copy is newer than template.yaml"),
        }
    }
}

/// A function's program on this machine.
struct Built {
    function: String,
    program: PathBuf,
    architecture: String,
    made: SystemTime,
    size: u64,
    zipped: Option<u64>,
}

impl Built {
    fn find(name: &str, function: &Resource, build_dir: &Path) -> Option<Self> {
        let dir = build_dir.join(name);
        let program = dir.join("bootstrap");
        let file = fs::metadata(&program).ok()?;
        let zip = ["bootstrap.zip".to_owned(), format!("{name}.zip")].map(|zip| fs::metadata(dir.join(zip)));
        Some(Self {
            function: name.to_owned(),
            program,
            architecture: scalar(function.at("/Architectures/0")).unwrap_or_else(|| "x86_64".to_owned()),
            made: file.modified().ok()?,
            size: file.len(),
            zipped: zip.into_iter().flatten().map(|zip| zip.len()).next(),
        })
    }

    fn foreign(&self) -> Option<Wrong> {
        let machine = machine(&self.program);
        if machine == Some(&self.architecture) {
            return None;
        }
        let found = machine.unwrap_or("something that is no Linux program of 64 bits");
        let found = format!("{} is {found}, and is deployed on {}", self.function, self.architecture);
        Some((found, "build and deploy with one --config-env".to_owned()))
    }
}

fn sizes(report: &mut Report, built: &[Built]) {
    let mb = |bytes: u64| format!("{}.{} MB", bytes / 1_000_000, bytes % 1_000_000 / 100_000);
    let wrong = built.iter().filter_map(|built| match built.zipped {
        Some(zipped) if zipped > LARGEST_ZIP => {
            Some((format!("{} is {} zipped", built.function, mb(zipped)), "5 MB is enough: build for release".into()))
        }
        _ if built.size > LARGEST_UNZIPPED => Some((format!("{} is {}", built.function, mb(built.size)), "Lambda takes 250 MB".to_owned())),
        _ => None,
    });
    let said = built.iter().map(|built| match built.zipped {
        Some(zipped) => format!("{} {} zipped", built.function, mb(zipped)),
        None => format!("{} {} not zipped", built.function, mb(built.size)),
    });
    report.each("size", Level::Problem, wrong.collect(), said.collect::<Vec<_>>().join(", "));
}

/// The processor of a program for Linux of 64 bits, as Lambda calls it. Source: the ELF header, System V ABI, chapter 4.
fn machine(program: &Path) -> Option<&'static str> {
    let mut header = [0_u8; 20];
    fs::File::open(program).ok()?.read_exact(&mut header).ok()?;
    let [b'\x7f', b'E', b'L', b'F', 2, 1, ..] = header else { return None };
    match u16::from_le_bytes([header[18], header[19]]) {
        62 => Some("x86_64"),
        183 => Some("arm64"),
        _ => None,
    }
}

/// The source that was changed last.
fn newest_source(root: &Path) -> Option<(String, SystemTime)> {
    let mut newest: Option<(PathBuf, SystemTime)> = None;
    let mut left: Vec<PathBuf> = ["Cargo.toml", "Cargo.lock", "shared", "functions"].iter().map(|name| root.join(name)).collect();
    while let Some(path) = left.pop() {
        if path.is_dir() {
            left.extend(fs::read_dir(&path).into_iter().flatten().flatten().map(|entry| entry.path()));
        } else if let Ok(changed) = fs::metadata(&path).and_then(|file| file.modified())
            && newest.as_ref().is_none_or(|(_, newest)| *newest < changed)
        {
            newest = Some((path, changed));
        }
    }
    newest.map(|(path, changed)| (path.strip_prefix(root).unwrap_or(&path).display().to_string(), changed))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn elf(machine: u16) -> Vec<u8> {
        let mut header = vec![0x7f, b'E', b'L', b'F', 2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3, 0];
        header.extend(machine.to_le_bytes());
        header.extend([0; 44]);
        header
    }

    #[test]
    fn the_processor_is_read_from_the_program() {
        let dir = tempfile::tempdir().expect("a directory");
        let program = dir.path().join("bootstrap");
        for (bytes, machine_is) in [(elf(62), Some("x86_64")), (elf(183), Some("arm64")), (elf(3), None), (b"#!/bin/sh".to_vec(), None)] {
            fs::write(&program, bytes).expect("written");
            assert_eq!(machine(&program), machine_is);
        }
    }
}

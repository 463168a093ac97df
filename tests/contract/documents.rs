//! The documents: their links lead somewhere, and the tests that they name exist.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::generated::root;

/// The files below a folder with this ending.
fn files(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        let hidden = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.') || name == "target");
        if path.is_dir() && !hidden {
            found.extend(files(&path, ending));
        } else if path.extension().is_some_and(|extension| extension == ending) {
            found.push(path);
        }
    }
    found
}

fn documents() -> Vec<PathBuf> {
    let mut all = files(&root().join("docs"), "md");
    all.extend([root().join("README.md"), root().join("CHANGELOG.md")]);
    all
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The anchors of a document, as GitHub makes them of headings.
fn anchors(text: &str) -> BTreeSet<String> {
    let anchor = |heading: &str| {
        let kept = heading.trim_start_matches('#').trim().to_lowercase();
        kept.chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c)).map(|c| if c == ' ' { '-' } else { c }).collect()
    };
    text.lines().filter(|line| line.starts_with('#')).map(anchor).collect()
}

#[test]
fn every_link_leads_somewhere() {
    let mut dead = Vec::new();
    for document in documents() {
        let text = read(&document);
        for link in text.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(link, _)| link) {
            if link.contains("://") || link.starts_with("mailto:") {
                continue;
            }
            let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
            let target = if file.is_empty() { document.clone() } else { document.with_file_name(file) };
            let leads = target.exists() && (anchor.is_empty() || anchors(&read(&target)).contains(anchor));
            if !leads {
                dead.push(format!("{}: {link}", document.display()));
            }
        }
    }
    assert!(dead.is_empty(), "{}", dead.join("\n"));
}

#[test]
fn every_test_that_the_documents_name_exists() {
    let sources: String = files(root(), "rs").iter().map(|path| read(path)).collect();
    let mut gone = Vec::new();
    for document in documents() {
        let text = read(&document);
        let named = text.split('`').skip(1).step_by(2);
        // Tests are called by sentences; nothing else in code font has so many words.
        let sentences = named.filter(|name| name.matches('_').count() >= 4 && name.chars().all(|c| c.is_ascii_lowercase() || c == '_'));
        gone.extend(
            sentences.filter(|name| !sources.contains(&format!("fn {name}("))).map(|name| format!("{}: {name}", document.display())),
        );
    }
    assert!(gone.is_empty(), "{}", gone.join("\n"));
}

//! `docs/errors.md` and `docs/errors/`: a page for every code that the API or its gateway answers with.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use tributary_api::Code;
use tributary_local::template::Template;

use super::generated::root;

/// What the gateway answers by itself: code, status and title.
fn of_the_gateway() -> Vec<(String, u64, String)> {
    let template = Template::embedded().expect("template.yaml");
    let one = |body: &str| {
        let body: Value = serde_json::from_str(body).expect("a JSON body");
        let text = |member: &str| body[member].as_str().expect("a text").to_owned();
        (text("code"), body["status"].as_u64().expect("a status"), text("title"))
    };
    template.gateway_responses.values().map(|response| one(&response.body)).collect()
}

/// Status and title by code. A code that both answer with has the API's status.
fn codes() -> BTreeMap<String, (u64, String)> {
    let mut codes: BTreeMap<String, (u64, String)> =
        of_the_gateway().into_iter().map(|(code, status, title)| (code, (status, title))).collect();
    codes.extend(Code::ALL.iter().map(|code| (code.word().to_owned(), (u64::from(code.status().as_u16()), code.title().to_owned()))));
    codes
}

fn page(code: &str) -> String {
    let file = root().join("docs/errors").join(format!("{code}.md"));
    std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("docs/errors/{code}.md: {error}"))
}

fn example(page: &str) -> Value {
    let (_, rest) = page.split_once("```json\n").expect("an example");
    let (text, _) = rest.split_once("```").expect("the example's end");
    serde_json::from_str(text).expect("an example in JSON")
}

#[test]
fn every_code_has_a_page_with_its_status_title_and_example() {
    for (code, (status, title)) in codes() {
        let page = page(&code);
        assert!(page.starts_with(&format!("# `{code}`\n\n**{status}** · {title}\n")), "docs/errors/{code}.md: the heading");
        for part in ["## Why it happens\n", "## What to do\n", "## Retry\n"] {
            assert!(page.contains(part), "docs/errors/{code}.md lacks {part:?}");
        }
        let example = example(&page);
        assert_eq!(example["code"], code.as_str(), "docs/errors/{code}.md");
        assert_eq!(example["status"], status, "docs/errors/{code}.md");
        assert_eq!(example["title"], title.as_str(), "docs/errors/{code}.md");
        assert!(example["type"].as_str().is_some_and(|link| link.ends_with(&format!("/errors/{code}"))), "docs/errors/{code}.md");
        assert!(example["detail"].is_string() && example["request_id"].is_string(), "docs/errors/{code}.md");
    }
}

#[test]
fn the_index_lists_every_code_with_its_status_and_title() {
    let index = std::fs::read_to_string(root().join("docs/errors.md")).expect("docs/errors.md");
    for (code, (status, title)) in codes() {
        let row = format!("| {status} | [`{code}`](errors/{code}.md) | {title} |");
        assert_eq!(index.matches(&row).count(), 1, "docs/errors.md lacks the row: {row}");
    }
    let rows = index.lines().filter(|line| line.contains("](errors/") && line.starts_with("| ")).count();
    assert_eq!(rows, codes().len(), "docs/errors.md lists a code that nothing answers with");
}

#[test]
fn no_page_is_orphaned() {
    let files = std::fs::read_dir(root().join("docs/errors")).expect("docs/errors");
    let pages: BTreeSet<String> =
        files.map(|file| file.expect("a file").path().file_stem().expect("a name").to_string_lossy().into_owned()).collect();
    assert_eq!(pages, codes().into_keys().collect());
}

#[test]
fn a_code_that_gateway_and_api_share_has_one_title() {
    for (code, _, title) in of_the_gateway() {
        let Some(shared) = Code::ALL.iter().find(|one| one.word() == code) else { continue };
        assert_eq!(shared.title(), title, "template.yaml: {code}");
    }
}

#[test]
fn every_page_of_an_error_is_served() {
    let served: Vec<&str> = tributary_portal::docs::PAGES.iter().map(|(code, _)| *code).collect();
    let mut written: Vec<String> = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/errors"))
        .expect("the pages")
        .filter_map(|file| file.expect("a file").path().file_stem().map(|stem| stem.to_string_lossy().into_owned()))
        .collect();
    written.sort();
    assert_eq!(served, written);
}

//! The file in which everything stands: a line of JSON for each change. A line that a kill left half written is of a request without an answer.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use crate::book::{Book, Line};

/// Nobody else's to read: it holds API keys and secrets, though of tests only.
const MODE: u32 = 0o600;

/// The open file.
#[derive(Debug)]
pub struct Journal(File);

impl Journal {
    /// Takes up what stands in the file and writes it anew, short.
    pub fn open(path: &Path, seed: u64) -> io::Result<(Self, BTreeMap<String, Book>)> {
        let mut books: BTreeMap<String, Book> = BTreeMap::new();
        let text = match std::fs::read(path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(error),
        };
        for line in text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            if let Ok(Line { book, made, now }) = serde_json::from_slice(line) {
                books.entry(book.clone()).or_insert_with(|| Book::new(&book, seed)).take_up(made, now);
            }
        }
        if let Some(dir) = path.parent() {
            std::fs::create_dir_all(dir)?;
        }
        let fresh = path.with_extension("new");
        let mut file = OpenOptions::new().create(true).truncate(true).write(true).mode(MODE).open(&fresh)?;
        for line in books.values().flat_map(Book::all_lines) {
            writeln!(file, "{line}")?;
        }
        std::fs::rename(&fresh, path)?;
        Ok((Self(file), books))
    }

    /// Adds lines, in one write.
    pub fn add(&mut self, lines: &[String]) -> io::Result<()> {
        let mut text = lines.join("\n");
        text.push('\n');
        self.0.write_all(text.as_bytes())
    }
}

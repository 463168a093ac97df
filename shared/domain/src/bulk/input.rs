//! Rows out of bytes, one at a time: CSV as spreadsheets write it, or JSON objects by line. Memory does not grow with the
//! input.

use std::io::{BufRead, BufReader, Read};

use super::job::Format;
use super::rows::{Fields, Kind, RowError};
use super::{MAX_ROW_BYTES, MAX_ROWS};

/// Why an input cannot be planned at all.
#[derive(Debug, thiserror::Error)]
pub enum InputError {
    /// It is not UTF-8 from its first bytes on.
    #[error("The file is not UTF-8 text ({0}). Save it as CSV UTF-8, or as JSON lines in UTF-8.")]
    Encoding(&'static str),
    /// There is no header, or nothing at all.
    #[error("The file has no rows.")]
    Empty,
    /// A column that rows of this kind do not have.
    #[error("The column {column:?} is not known; rows of {kind} have {known}.")]
    UnknownColumn {
        /// The column.
        column: String,
        /// What the job's rows do.
        kind: &'static str,
        /// What there is.
        known: String,
    },
    /// A column that rows of this kind need.
    #[error("The column {0:?} is missing.")]
    MissingColumn(&'static str),
    /// A column that is there twice.
    #[error("The column {0:?} is there twice.")]
    DoubleColumn(String),
    /// More rows than a job may have.
    #[error("There are more than {MAX_ROWS} rows. Split them over several jobs.")]
    TooManyRows,
    /// The bytes ended with an error.
    #[error("The file could not be read: {0}")]
    Io(#[from] std::io::Error),
}

impl InputError {
    /// A word for programs.
    pub fn code(&self) -> &'static str {
        match self {
            InputError::Encoding(_) => "wrong_encoding",
            InputError::Empty => "no_rows",
            InputError::UnknownColumn { .. } | InputError::MissingColumn(_) | InputError::DoubleColumn(_) => "wrong_columns",
            InputError::TooManyRows => "too_many_rows",
            InputError::Io(_) => "unreadable",
        }
    }
}

/// A row of the input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InputRow {
    /// Its number, from 1; a header does not count.
    pub number: u64,
    /// What it says, as far as it could be read.
    pub fields: Fields,
    /// Why it could not be read.
    pub error: Option<RowError>,
}

/// The rows of an input.
pub struct Rows<R> {
    source: Source<R>,
    number: u64,
}

impl<R> std::fmt::Debug for Rows<R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Rows(after row {})", self.number)
    }
}

enum Source<R> {
    Csv { reader: csv::Reader<BufReader<R>>, columns: Vec<String>, record: csv::ByteRecord },
    Jsonl { reader: BufReader<R>, line: Vec<u8> },
}

impl<R: Read> Rows<R> {
    /// Begins to read.
    ///
    /// # Errors
    /// [`InputError`] of the first bytes, or of the header.
    pub fn new(kind: Kind, format: Format, bytes: R) -> Result<Self, InputError> {
        let mut reader = BufReader::with_capacity(64 * 1024, bytes);
        skip_mark(&mut reader)?;
        let source = match format {
            Format::Jsonl => Source::Jsonl { reader, line: Vec::new() },
            Format::Csv => {
                let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(reader);
                let mut record = csv::ByteRecord::new();
                if !reader.read_byte_record(&mut record).map_err(io)? {
                    return Err(InputError::Empty);
                }
                let columns = header(kind, &record)?;
                Source::Csv { reader, columns, record }
            }
        };
        Ok(Self { source, number: 0 })
    }

    /// The next row; `None` at the end.
    ///
    /// # Errors
    /// [`InputError::TooManyRows`], [`InputError::Io`].
    pub fn next_row(&mut self) -> Result<Option<InputRow>, InputError> {
        let read = match &mut self.source {
            Source::Csv { reader, columns, record } => csv_row(reader, columns, record)?,
            Source::Jsonl { reader, line } => json_row(reader, line)?,
        };
        let Some((fields, error)) = read else { return Ok(None) };
        self.number += 1;
        if self.number > MAX_ROWS {
            return Err(InputError::TooManyRows);
        }
        Ok(Some(InputRow { number: self.number, fields, error }))
    }
}

fn io(error: csv::Error) -> InputError {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => InputError::Io(error),
        other => InputError::Io(std::io::Error::other(format!("{other:?}"))),
    }
}

/// Passes over the mark of UTF-8 that Excel writes; another mark is another encoding.
fn skip_mark(reader: &mut impl BufRead) -> Result<(), InputError> {
    let start = reader.fill_buf()?;
    match start {
        [0xEF, 0xBB, 0xBF, ..] => reader.consume(3),
        [0xFF, 0xFE, ..] | [0xFE, 0xFF, ..] => return Err(InputError::Encoding("it begins as UTF-16 does")),
        _ if start.iter().take(256).any(|byte| *byte == 0) => return Err(InputError::Encoding("it holds zero bytes")),
        [] => return Err(InputError::Empty),
        _ => {}
    }
    Ok(())
}

fn header(kind: Kind, record: &csv::ByteRecord) -> Result<Vec<String>, InputError> {
    let mut columns: Vec<String> = Vec::new();
    for cell in record {
        let name = std::str::from_utf8(cell).map_err(|_| InputError::Encoding("its header holds other bytes"))?.trim().to_owned();
        if !kind.knows(&name) || name.is_empty() || name.len() > 64 {
            let known = [kind.required(), kind.optional()].concat().join(", ");
            return Err(InputError::UnknownColumn { column: name.chars().take(64).collect(), kind: kind.word(), known });
        }
        if columns.contains(&name) {
            return Err(InputError::DoubleColumn(name));
        }
        columns.push(name);
    }
    match kind.required().iter().find(|need| !columns.iter().any(|column| column == *need)) {
        Some(missing) => Err(InputError::MissingColumn(missing)),
        None => Ok(columns),
    }
}

type Read1 = Option<(Fields, Option<RowError>)>;

fn csv_row<R: Read>(reader: &mut csv::Reader<BufReader<R>>, columns: &[String], record: &mut csv::ByteRecord) -> Result<Read1, InputError> {
    // A line of nothing but separators is what spreadsheets leave at the end.
    loop {
        if !reader.read_byte_record(record).map_err(io)? {
            return Ok(None);
        }
        if record.iter().any(|cell| !cell.is_empty()) {
            break;
        }
    }
    let (mut fields, mut error) = (Fields::new(), None);
    if record.as_slice().len() > MAX_ROW_BYTES {
        return Ok(Some((fields, Some(too_long()))));
    }
    for (column, cell) in columns.iter().zip(record.iter()) {
        match std::str::from_utf8(cell) {
            Ok("") => {}
            Ok(text) => drop(fields.insert(column.clone(), text.into())),
            Err(_) => {
                let wrong = RowError::of(column, "is not UTF-8 text; save the file as CSV UTF-8");
                error = error.or(Some(RowError { code: "wrong_encoding".to_owned(), ..wrong }));
                fields.insert(column.clone(), String::from_utf8_lossy(cell).into_owned().into());
            }
        }
    }
    if record.len() != columns.len() {
        let detail = format!("has {} cells; the header has {}", record.len(), columns.len());
        error = Some(RowError::new("wrong_columns", detail));
    }
    Ok(Some((fields, error)))
}

fn too_long() -> RowError {
    RowError::new("validation_failed", format!("is longer than {MAX_ROW_BYTES} bytes"))
}

fn json_row<R: Read>(reader: &mut BufReader<R>, line: &mut Vec<u8>) -> Result<Read1, InputError> {
    loop {
        line.clear();
        let most = u64::try_from(MAX_ROW_BYTES).unwrap_or(u64::MAX);
        let read = reader.by_ref().take(most + 1).read_until(b'\n', line)?;
        if read == 0 {
            return Ok(None);
        }
        if line.len() > MAX_ROW_BYTES && line.last() != Some(&b'\n') {
            pass_line(reader)?;
            return Ok(Some((Fields::new(), Some(too_long()))));
        }
        if !line.iter().all(u8::is_ascii_whitespace) {
            break;
        }
    }
    let Ok(text) = std::str::from_utf8(line) else {
        return Ok(Some((Fields::new(), Some(RowError::new("wrong_encoding", "is not UTF-8 text")))));
    };
    match serde_json::from_str::<serde_json::Value>(text) {
        Ok(serde_json::Value::Object(fields)) => Ok(Some((fields, None))),
        Ok(_) => Ok(Some((Fields::new(), Some(RowError::new("invalid_json", "is not a JSON object"))))),
        Err(error) => Ok(Some((Fields::new(), Some(RowError::new("invalid_json", format!("is not valid JSON: {error}")))))),
    }
}

fn pass_line(reader: &mut impl BufRead) -> Result<(), InputError> {
    loop {
        let buffer = reader.fill_buf()?;
        if buffer.is_empty() {
            return Ok(());
        }
        let end = buffer.iter().position(|byte| *byte == b'\n');
        let used = end.map_or(buffer.len(), |at| at + 1);
        reader.consume(used);
        if end.is_some() {
            return Ok(());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(format: Format, bytes: &[u8]) -> Result<Vec<InputRow>, InputError> {
        let mut rows = Rows::new(Kind::Credits, format, bytes)?;
        let mut read = Vec::new();
        while let Some(row) = rows.next_row()? {
            read.push(row);
        }
        Ok(read)
    }

    fn cell(row: &InputRow, column: &str) -> String {
        row.fields.get(column).and_then(|value| value.as_str()).unwrap_or_default().to_owned()
    }

    #[test]
    fn a_csv_as_spreadsheets_write_it() {
        let text = "\u{FEFF}account_id,amount,reference\r\na,1,\"two\nlines, \"\"quoted\"\"\"\r\nb,2,\r\n,,\r\n\r\nc,3,=1+1";
        let rows = all(Format::Csv, text.as_bytes()).expect("reads");
        assert_eq!(rows.iter().map(|row| cell(row, "account_id")).collect::<Vec<_>>(), ["a", "b", "c"]);
        assert_eq!(cell(&rows[0], "reference"), "two\nlines, \"quoted\"");
        assert_eq!((rows[2].number, cell(&rows[2], "reference")), (3, "=1+1".to_owned()));
        assert!(rows.iter().all(|row| row.error.is_none()));
    }

    #[test]
    fn a_wrong_header_or_encoding_is_the_whole_files_fault() {
        let code = |bytes: &[u8]| all(Format::Csv, bytes).expect_err("refused").code();
        assert_eq!(code(b""), "no_rows");
        assert_eq!(code(b"account_id,amout\na,1"), "wrong_columns");
        assert_eq!(code(b"account_id\na"), "wrong_columns");
        assert_eq!(code(b"account_id,amount,amount\na,1,2"), "wrong_columns");
        assert_eq!(code(b"\xFF\xFEa\0c\0"), "wrong_encoding");
        assert_eq!(code(b"a\0c\0c\0,\0"), "wrong_encoding");
        assert_eq!(code(b"account_id;amount\na;1"), "wrong_columns");
    }

    #[test]
    fn a_wrong_row_is_its_own_fault() {
        let rows = all(Format::Csv, b"account_id,amount,reference\na,1,caf\xE9\nb,2\nc,3,x,y\nd,4,z").expect("reads");
        let codes: Vec<_> = rows.iter().map(|row| row.error.as_ref().map_or("ok", |error| error.code.as_str())).collect();
        assert_eq!(codes, ["wrong_encoding", "wrong_columns", "wrong_columns", "ok"]);
        let mut long = format!("{{\"account_id\": \"{}\"}}\n{{\"account_id\": \"a\"}}\n[1]\n{{\n", "x".repeat(MAX_ROW_BYTES)).into_bytes();
        long.push(0xC3);
        let rows = all(Format::Jsonl, &long).expect("reads");
        let codes: Vec<_> = rows.iter().map(|row| row.error.as_ref().map_or("ok", |error| error.code.as_str())).collect();
        assert_eq!(codes, ["validation_failed", "ok", "invalid_json", "invalid_json", "wrong_encoding"]);
    }

    #[test]
    fn a_million_rows_are_refused_at_the_first_too_many() {
        let text = format!("account_id,amount\n{}", "a,1\n".repeat(1_000_000));
        assert!(matches!(all(Format::Csv, text.as_bytes()), Err(InputError::TooManyRows)));
    }
}

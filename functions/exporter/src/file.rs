//! The file of an export, row by row, in each of its formats.

use std::collections::BTreeMap;
use std::error::Error;
use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::sync::Arc;

use parquet::basic::{Compression, LogicalType, Repetition, Type as Physical};
use parquet::data_type::{ByteArray, ByteArrayType, FixedLenByteArray, FixedLenByteArrayType, Int64Type};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::Type;
use serde_json::{Map, Value, json};
use tributary_domain::money::Micros;
use tributary_domain::text::no_formula;
use tributary_store::exports::ExportFormat;

use crate::rows::{COLUMNS, Cell, Holds, Row};

/// How many rows a group of Parquet has: so many are kept in memory.
const GROUP: usize = 20_000;
/// Bytes of a decimal in Parquet: nine hold 21 digits, and ours have up to 19.
const DECIMAL_BYTES: usize = 9;
const DECIMAL_PRECISION: i32 = 20;
const DECIMAL_SCALE: i32 = 6;

/// What can go wrong with a file.
pub type FileError = Box<dyn Error + Send + Sync>;

/// A file that is being written.
pub enum Sink {
    /// Comma-separated values.
    Csv(Box<csv::Writer<File>>),
    /// A JSON object a line.
    Jsonl(BufWriter<File>),
    /// Parquet: the rows of the next group are kept.
    Parquet(Box<SerializedFileWriter<File>>, Vec<Row>),
}

impl Sink {
    /// A file with its header.
    ///
    /// # Errors
    /// Of the disk.
    pub fn new(format: ExportFormat, file: File) -> Result<Self, FileError> {
        Ok(match format {
            ExportFormat::Csv => {
                let mut writer = csv::Writer::from_writer(file);
                writer.write_record(COLUMNS.map(|(name, _)| name))?;
                Sink::Csv(Box::new(writer))
            }
            ExportFormat::Jsonl => Sink::Jsonl(BufWriter::new(file)),
            ExportFormat::Parquet => {
                let properties = WriterProperties::builder().set_compression(Compression::SNAPPY).set_created_by("tributary".to_owned());
                Sink::Parquet(Box::new(SerializedFileWriter::new(file, schema()?, Arc::new(properties.build()))?), Vec::new())
            }
        })
    }

    /// Adds a row.
    ///
    /// # Errors
    /// Of the disk.
    pub fn write(&mut self, row: Row) -> Result<(), FileError> {
        match self {
            Sink::Csv(writer) => writer.write_record(row.iter().map(csv_cell))?,
            Sink::Jsonl(writer) => {
                let object: Map<String, Value> =
                    COLUMNS.iter().zip(&row).map(|((name, _), cell)| ((*name).to_owned(), json_cell(cell))).collect();
                serde_json::to_writer(&mut *writer, &object)?;
                writer.write_all(b"\n")?;
            }
            Sink::Parquet(writer, rows) => {
                rows.push(row);
                if rows.len() >= GROUP {
                    write_group(writer, rows)?;
                    rows.clear();
                }
            }
        }
        Ok(())
    }

    /// Ends the file.
    ///
    /// # Errors
    /// Of the disk.
    pub fn finish(self) -> Result<(), FileError> {
        match self {
            Sink::Csv(mut writer) => writer.flush()?,
            Sink::Jsonl(mut writer) => writer.flush()?,
            Sink::Parquet(mut writer, rows) => {
                if !rows.is_empty() {
                    write_group(&mut writer, &rows)?;
                }
                writer.close()?;
            }
        }
        Ok(())
    }
}

/// A cell of a table that people open with a spreadsheet.
fn csv_cell(cell: &Cell) -> String {
    match cell {
        Cell::None => String::new(),
        Cell::Text(text) => no_formula(text).into_owned(),
        Cell::Decimal(millionths) => Micros::new(*millionths).to_string(),
        Cell::Time(at) => tributary_api::time::shown(at),
        Cell::Json(object) => object_text(object),
    }
}

fn json_cell(cell: &Cell) -> Value {
    match cell {
        Cell::None => Value::Null,
        Cell::Json(object) => json!(object),
        Cell::Text(text) => json!(text),
        Cell::Decimal(millionths) => json!(Micros::new(*millionths).to_string()),
        Cell::Time(at) => json!(tributary_api::time::shown(at)),
    }
}

/// A map of texts always serialises.
fn object_text(object: &BTreeMap<String, String>) -> String {
    serde_json::to_string(object).unwrap_or_default()
}

fn schema() -> Result<Arc<Type>, FileError> {
    let mut fields = Vec::new();
    for (name, holds) in COLUMNS {
        let field = match holds {
            Holds::Text => Type::primitive_type_builder(name, Physical::BYTE_ARRAY).with_logical_type(Some(LogicalType::String)),
            Holds::Json => Type::primitive_type_builder(name, Physical::BYTE_ARRAY).with_logical_type(Some(LogicalType::Json)),
            Holds::Decimal => Type::primitive_type_builder(name, Physical::FIXED_LEN_BYTE_ARRAY)
                .with_length(i32::try_from(DECIMAL_BYTES)?)
                .with_logical_type(Some(LogicalType::decimal(DECIMAL_SCALE, DECIMAL_PRECISION)))
                .with_precision(DECIMAL_PRECISION)
                .with_scale(DECIMAL_SCALE),
            Holds::Time => Type::primitive_type_builder(name, Physical::INT64)
                .with_logical_type(Some(LogicalType::timestamp(true, parquet::basic::TimeUnit::MILLIS))),
        };
        fields.push(Arc::new(field.with_repetition(Repetition::OPTIONAL).build()?));
    }
    Ok(Arc::new(Type::group_type_builder("usage").with_fields(fields).build()?))
}

fn write_group(writer: &mut SerializedFileWriter<File>, rows: &[Row]) -> Result<(), FileError> {
    let mut group = writer.next_row_group()?;
    for (at, (_, holds)) in COLUMNS.iter().enumerate() {
        let Some(mut column) = group.next_column()? else { return Err("the schema has too few columns".into()) };
        let cells = || rows.iter().filter_map(|row| row.get(at));
        let levels: Vec<i16> = cells().map(|cell| i16::from(*cell != Cell::None)).collect();
        match holds {
            Holds::Text | Holds::Json => {
                let bytes = |cell: &Cell| match cell {
                    Cell::Text(text) => Some(ByteArray::from(text.as_str())),
                    Cell::Json(object) => Some(ByteArray::from(object_text(object).into_bytes())),
                    Cell::None | Cell::Decimal(_) | Cell::Time(_) => None,
                };
                column.typed::<ByteArrayType>().write_batch(&cells().filter_map(bytes).collect::<Vec<_>>(), Some(&levels), None)?;
            }
            Holds::Decimal => {
                let bytes = |cell: &Cell| match cell {
                    Cell::Decimal(millionths) => Some(decimal(*millionths)),
                    Cell::None | Cell::Text(_) | Cell::Time(_) | Cell::Json(_) => None,
                };
                column.typed::<FixedLenByteArrayType>().write_batch(&cells().filter_map(bytes).collect::<Vec<_>>(), Some(&levels), None)?;
            }
            Holds::Time => {
                let millis = |cell: &Cell| match cell {
                    Cell::Time(at) => Some(at.as_millisecond()),
                    Cell::None | Cell::Text(_) | Cell::Decimal(_) | Cell::Json(_) => None,
                };
                column.typed::<Int64Type>().write_batch(&cells().filter_map(millis).collect::<Vec<_>>(), Some(&levels), None)?;
            }
        }
        column.close()?;
    }
    group.close()?;
    Ok(())
}

/// The number in two's complement, the highest byte first.
fn decimal(millionths: i64) -> FixedLenByteArray {
    let bytes = i128::from(millionths).to_be_bytes();
    FixedLenByteArray::from(bytes[bytes.len() - DECIMAL_BYTES..].to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_spreadsheet_would_run_is_text_and_numbers_stay_numbers() {
        for text in ["=1+1", "+49", "-5", "@SUM(A1)", "\t=1", "\r=1"] {
            assert_eq!(csv_cell(&Cell::Text(text.to_owned())), format!("'{text}"));
        }
        assert_eq!(csv_cell(&Cell::Text("a=b".to_owned())), "a=b");
        assert_eq!(csv_cell(&Cell::Decimal(-1_500_000)), "-1.500000");
        assert_eq!(csv_cell(&Cell::Decimal(i64::MIN)), "-9223372036854.775808");
    }

    #[test]
    fn decimals_are_signed_and_whole() {
        assert_eq!(decimal(-1).data(), [0xff; 9]);
        assert_eq!(decimal(256).data(), [0, 0, 0, 0, 0, 0, 0, 1, 0]);
        assert_eq!(decimal(i64::MIN).data(), [0xff, 0x80, 0, 0, 0, 0, 0, 0, 0]);
    }
}

//! Rows as Parquet, for `DuckDB`, Spark, `ClickHouse` and the like.

use std::io::{self, Write};
use std::sync::Arc;

use parquet::basic::Compression;
use parquet::data_type::{
    BoolType, ByteArray, ByteArrayType, DataType, FixedLenByteArray, FixedLenByteArrayType,
    Int32Type, Int64Type,
};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::parser::parse_message_type;

use super::row::ExportedRow;
use super::slices::ChangedSlice;
use crate::base::money::Money;
use crate::base::time::Day;

/// The user and the group of a machine. They are the last columns: tables that were made before there were
/// any get them at their end.
const TAG_COLUMNS: &str = "
    required binary user (STRING);
    required binary group (STRING);";

/// The columns of rows that are not in the path of a month and machine: those of the slice.
const SLICE_COLUMNS: &str = "
    required binary machine_id (STRING);
    required int32 date (DATE);";

/// The columns of slices. `rows` is 0 for one that is gone.
const SLICES: &str = "message slices {
    required binary machine_id (STRING);
    required int32 date (DATE);
    required int64 rows;
}";

/// The texts of rows.
pub(super) struct Names<'a> {
    /// The name of a machine, by index.
    pub(super) host: &'a dyn Fn(usize) -> String,
    /// The user and the group of a machine, by index.
    pub(super) tags: &'a dyn Fn(usize) -> [String; 2],
    /// A session, project or model, by its number.
    pub(super) text: &'a dyn Fn(u32) -> String,
    /// The id of a machine, if rows have columns for machine and day.
    pub(super) id: Option<&'a dyn Fn(usize) -> String>,
}

/// The name of each file.
pub(super) const FILE: &str = "usage.parquet";

/// The first columns. Year, month and machine are in the path. Money is exact.
const SCHEMA: &str = "message usage {
    required int64 timestamp (TIMESTAMP(MILLIS, true));
    required binary hostname (STRING);
    required binary session (STRING);
    required binary project (STRING);
    required binary model (STRING);
    required int64 requests;
    required int64 input_tokens;
    required int64 output_tokens;
    required int64 cache_creation_tokens;
    required int64 cache_creation_1h_tokens;
    required int64 cache_read_tokens;
    required int64 web_searches;
    required fixed_len_byte_array(16) cost_usd (DECIMAL(38, 12));
    required boolean cost_known;
    required binary kind (STRING);
    required boolean provisional;
}";

/// Maximum number of rows in a row group.
const GROUP: usize = 100_000;

/// The largest amount that 38 digits hold.
const MOST: u128 = 10_u128.pow(38) - 1;

/// Writes rows.
pub(super) fn write(
    rows: &[&ExportedRow],
    names: &Names<'_>,
    out: impl Write + Send,
) -> io::Result<()> {
    try_write(rows, names, out).map_err(into_io)
}

/// Writes slices, without their rows.
pub(super) fn write_slices(slices: &[ChangedSlice<'_>], out: impl Write + Send) -> io::Result<()> {
    try_write_slices(slices, out).map_err(into_io)
}

fn into_io(error: ParquetError) -> io::Error {
    match error {
        ParquetError::External(source) => match source.downcast::<io::Error>() {
            Ok(error) => *error,
            Err(other) => io::Error::other(other),
        },
        other => io::Error::other(other),
    }
}

fn writer<W: Write + Send>(out: W, schema: &str) -> Result<SerializedFileWriter<W>, ParquetError> {
    let schema = Arc::new(parse_message_type(schema)?);
    let properties = WriterProperties::builder()
        .set_compression(Compression::SNAPPY)
        .build();
    SerializedFileWriter::new(out, schema, Arc::new(properties))
}

fn try_write(
    rows: &[&ExportedRow],
    names: &Names<'_>,
    out: impl Write + Send,
) -> Result<(), ParquetError> {
    let more = if names.id.is_some() {
        SLICE_COLUMNS
    } else {
        ""
    };
    let schema = SCHEMA.replace('}', &format!("{more}{TAG_COLUMNS}\n}}"));
    let mut writer = writer(out, &schema)?;
    for rows in rows.chunks(GROUP) {
        let mut group = writer.next_row_group()?;
        put_names(&mut group, rows, names)?;
        put_counts(&mut group, rows)?;
        put_cost(&mut group, rows)?;
        put_texts(&mut group, rows.iter().map(|row| row.kind.into()))?;
        let provisional: Vec<_> = rows.iter().map(|row| row.provisional).collect();
        put::<BoolType, _>(&mut group, &provisional)?;
        if let Some(id) = names.id {
            put_texts(&mut group, rows.iter().map(|row| id(row.machine)))?;
            let days: Vec<i32> = rows.iter().map(|row| date(row.at.day())).collect();
            put::<Int32Type, _>(&mut group, &days)?;
        }
        let tags = rows.iter().map(|row| (names.tags)(row.machine));
        let (users, groups): (Vec<_>, Vec<_>) = tags.map(|[user, group]| (user, group)).unzip();
        put_texts(&mut group, users.into_iter())?;
        put_texts(&mut group, groups.into_iter())?;
        group.close()?;
    }
    writer.close().map(drop)
}

fn try_write_slices(
    slices: &[ChangedSlice<'_>],
    out: impl Write + Send,
) -> Result<(), ParquetError> {
    let mut writer = writer(out, SLICES)?;
    for slices in slices.chunks(GROUP) {
        let mut group = writer.next_row_group()?;
        put_texts(&mut group, slices.iter().map(|slice| slice.machine.clone()))?;
        let days: Vec<i32> = slices.iter().map(|slice| date(slice.day)).collect();
        put::<Int32Type, _>(&mut group, &days)?;
        let rows = slices
            .iter()
            .map(|slice| i64::try_from(slice.rows.len()).unwrap_or(i64::MAX));
        put::<Int64Type, _>(&mut group, &rows.collect::<Vec<_>>())?;
        group.close()?;
    }
    writer.close().map(drop)
}

/// A day as the format has it: days since 1970-01-01.
fn date(day: Day) -> i32 {
    day.date().to_epoch_days()
}

/// The time, the machine's name, and the names that are indexes.
fn put_names<W: Write + Send>(
    group: &mut SerializedRowGroupWriter<'_, W>,
    rows: &[&ExportedRow],
    names: &Names<'_>,
) -> Result<(), ParquetError> {
    let times: Vec<i64> = rows.iter().map(|row| row.at.millis()).collect();
    put::<Int64Type, _>(group, &times)?;
    put_texts(group, rows.iter().map(|row| (names.host)(row.machine)))?;
    let columns: [fn(&ExportedRow) -> u32; 3] =
        [|row| row.session, |row| row.project, |row| row.model];
    for number in columns {
        put_texts(group, rows.iter().map(|row| (names.text)(number(row))))?;
    }
    Ok(())
}

/// Writes the next column, of texts.
fn put_texts<W: Write + Send>(
    group: &mut SerializedRowGroupWriter<'_, W>,
    texts: impl Iterator<Item = String>,
) -> Result<(), ParquetError> {
    let texts: Vec<_> = texts
        .map(|text| ByteArray::from(text.into_bytes()))
        .collect();
    put::<ByteArrayType, _>(group, &texts)
}

fn put_counts<W: Write + Send>(
    group: &mut SerializedRowGroupWriter<'_, W>,
    rows: &[&ExportedRow],
) -> Result<(), ParquetError> {
    let columns: [fn(&ExportedRow) -> u64; 7] = [
        |row| row.totals.requests,
        |row| row.totals.counters.input,
        |row| row.totals.counters.output,
        |row| row.totals.counters.cache_creation,
        |row| row.totals.counters.cache_1h,
        |row| row.totals.counters.cache_read,
        |row| row.totals.counters.web_search,
    ];
    for count in columns {
        let counts = rows
            .iter()
            .map(|row| i64::try_from(count(row)).unwrap_or(i64::MAX));
        put::<Int64Type, _>(group, &counts.collect::<Vec<_>>())?;
    }
    Ok(())
}

fn put_cost<W: Write + Send>(
    group: &mut SerializedRowGroupWriter<'_, W>,
    rows: &[&ExportedRow],
) -> Result<(), ParquetError> {
    let costs = rows.iter().map(|row| row.totals.cost);
    let amounts: Vec<_> = costs.clone().map(|cost| decimal(cost.amount)).collect();
    put::<FixedLenByteArrayType, _>(group, &amounts)?;
    let known: Vec<_> = costs.map(|cost| cost.known).collect();
    put::<BoolType, _>(group, &known)
}

/// Big-endian, as the format asks for.
fn decimal(amount: Money) -> FixedLenByteArray {
    ByteArray::from(amount.pico().min(MOST).to_be_bytes().to_vec()).into()
}

/// Writes the next column.
fn put<T: DataType, W: Write + Send>(
    group: &mut SerializedRowGroupWriter<'_, W>,
    values: &[T::T],
) -> Result<(), ParquetError> {
    let mut column = group
        .next_column()?
        .ok_or_else(|| ParquetError::General("more values than columns".to_owned()))?;
    column.typed::<T>().write_batch(values, None, None)?;
    column.close()
}

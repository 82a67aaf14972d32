//! Rows as Parquet, for `DuckDB`, Spark, `ClickHouse` and the like.

use std::io::{self, Write};
use std::sync::Arc;

use parquet::basic::Compression;
use parquet::data_type::{
    BoolType, ByteArray, ByteArrayType, DataType, FixedLenByteArray, FixedLenByteArrayType,
    Int64Type,
};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::parser::parse_message_type;

use super::row::ExportedRow;
use crate::base::money::Money;

/// The name of each file.
pub(super) const FILE: &str = "usage.parquet";

/// The columns. Year, month and machine are in the path. Money is exact.
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

/// Writes the rows of one machine.
pub(super) fn write(
    rows: &[&ExportedRow],
    hostname: &str,
    name: impl Fn(u32) -> String,
    out: impl Write + Send,
) -> io::Result<()> {
    try_write(rows, hostname, name, out).map_err(|error| match error {
        ParquetError::External(source) => match source.downcast::<io::Error>() {
            Ok(error) => *error,
            Err(other) => io::Error::other(other),
        },
        other => io::Error::other(other),
    })
}

fn try_write(
    rows: &[&ExportedRow],
    hostname: &str,
    name: impl Fn(u32) -> String,
    out: impl Write + Send,
) -> Result<(), ParquetError> {
    let schema = Arc::new(parse_message_type(SCHEMA)?);
    let properties = WriterProperties::builder()
        .set_compression(Compression::SNAPPY)
        .build();
    let mut writer = SerializedFileWriter::new(out, schema, Arc::new(properties))?;
    for rows in rows.chunks(GROUP) {
        let mut group = writer.next_row_group()?;
        put_names(&mut group, rows, hostname, &name)?;
        put_counts(&mut group, rows)?;
        put_cost(&mut group, rows)?;
        let kinds: Vec<_> = rows.iter().map(|row| ByteArray::from(row.kind)).collect();
        put::<ByteArrayType, _>(&mut group, &kinds)?;
        let provisional: Vec<_> = rows.iter().map(|row| row.provisional).collect();
        put::<BoolType, _>(&mut group, &provisional)?;
        group.close()?;
    }
    writer.close().map(drop)
}

/// The time, the machine's name, and the names that are indexes.
fn put_names<W: Write + Send>(
    group: &mut SerializedRowGroupWriter<'_, W>,
    rows: &[&ExportedRow],
    hostname: &str,
    name: &impl Fn(u32) -> String,
) -> Result<(), ParquetError> {
    let times: Vec<i64> = rows.iter().map(|row| row.at.millis()).collect();
    put::<Int64Type, _>(group, &times)?;
    put::<ByteArrayType, _>(group, &vec![ByteArray::from(hostname); rows.len()])?;
    let columns: [fn(&ExportedRow) -> u32; 3] =
        [|row| row.session, |row| row.project, |row| row.model];
    for number in columns {
        let texts = rows.iter().map(|row| name(number(row)).into_bytes());
        let texts: Vec<_> = texts.map(ByteArray::from).collect();
        put::<ByteArrayType, _>(group, &texts)?;
    }
    Ok(())
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

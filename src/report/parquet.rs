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

use super::exported::Line;
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

/// So many rows stand together.
const GROUP: usize = 100_000;

/// The largest amount that 38 digits hold.
const MOST: u128 = 10_u128.pow(38) - 1;

/// Writes the rows of one machine.
pub(super) fn write(
    lines: &[&Line],
    hostname: &str,
    name: impl Fn(u32) -> String,
    out: impl Write + Send,
) -> io::Result<()> {
    try_write(lines, hostname, name, out).map_err(|error| match error {
        ParquetError::External(source) => match source.downcast::<io::Error>() {
            Ok(error) => *error,
            Err(other) => io::Error::other(other),
        },
        other => io::Error::other(other),
    })
}

fn try_write(
    lines: &[&Line],
    hostname: &str,
    name: impl Fn(u32) -> String,
    out: impl Write + Send,
) -> Result<(), ParquetError> {
    let schema = Arc::new(parse_message_type(SCHEMA)?);
    let properties = WriterProperties::builder()
        .set_compression(Compression::SNAPPY)
        .build();
    let mut writer = SerializedFileWriter::new(out, schema, Arc::new(properties))?;
    for lines in lines.chunks(GROUP) {
        let mut group = writer.next_row_group()?;
        let texts = |pick: fn(&Line) -> u32| {
            lines
                .iter()
                .map(|line| ByteArray::from(name(pick(line)).into_bytes()))
                .collect::<Vec<_>>()
        };
        let counts = |pick: fn(&Line) -> u64| {
            lines
                .iter()
                .map(|line| i64::try_from(pick(line)).unwrap_or(i64::MAX))
                .collect::<Vec<_>>()
        };
        let flags =
            |pick: fn(&Line) -> bool| lines.iter().map(|line| pick(line)).collect::<Vec<_>>();
        let times: Vec<i64> = lines.iter().map(|line| line.at.millis()).collect();
        put::<Int64Type, _>(&mut group, &times)?;
        put::<ByteArrayType, _>(&mut group, &vec![ByteArray::from(hostname); lines.len()])?;
        for pick in [
            |line: &Line| line.session,
            |line: &Line| line.project,
            |line: &Line| line.model,
        ] {
            put::<ByteArrayType, _>(&mut group, &texts(pick))?;
        }
        let figures: [fn(&Line) -> u64; 7] = [
            |line| line.totals.requests,
            |line| line.totals.counters.input,
            |line| line.totals.counters.output,
            |line| line.totals.counters.cache_creation,
            |line| line.totals.counters.cache_1h,
            |line| line.totals.counters.cache_read,
            |line| line.totals.counters.web_search,
        ];
        for pick in figures {
            put::<Int64Type, _>(&mut group, &counts(pick))?;
        }
        put::<FixedLenByteArrayType, _>(
            &mut group,
            &lines
                .iter()
                .map(|line| decimal(line.totals.cost.amount))
                .collect::<Vec<_>>(),
        )?;
        put::<BoolType, _>(&mut group, &flags(|line| line.totals.cost.known))?;
        put::<ByteArrayType, _>(
            &mut group,
            &lines
                .iter()
                .map(|line| ByteArray::from(line.kind))
                .collect::<Vec<_>>(),
        )?;
        put::<BoolType, _>(&mut group, &flags(|line| line.provisional))?;
        group.close()?;
    }
    writer.close().map(drop)
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

//! What stands in a column of the index.

use rusqlite::Row;

use crate::git::Oid;

/// An object id; none where the bytes are none.
pub(super) fn oid(row: &Row, column: usize) -> rusqlite::Result<Option<Oid>> {
    Ok(Oid::from_bytes(row.get_ref(column)?.as_blob()?).ok())
}

/// A value that postcard packed; none where it is of another shape.
pub(super) fn decoded<T: serde::de::DeserializeOwned>(
    row: &Row,
    column: usize,
) -> rusqlite::Result<Option<T>> {
    Ok(postcard::from_bytes(row.get_ref(column)?.as_blob()?).ok())
}

/// Numbers of eight bytes.
pub(super) fn numbers(row: &Row, column: usize) -> rusqlite::Result<Vec<u64>> {
    let (all, _) = row.get_ref(column)?.as_blob()?.as_chunks::<8>();
    Ok(all.iter().map(|bytes| u64::from_le_bytes(*bytes)).collect())
}

/// Numbers as [`numbers`] reads them.
pub(super) fn bytes(numbers: impl Iterator<Item = u64>) -> Vec<u8> {
    numbers.flat_map(u64::to_le_bytes).collect()
}

/// A value as [`decoded`] reads it.
pub(super) fn encoded<T: serde::Serialize + ?Sized>(value: &T) -> rusqlite::Result<Vec<u8>> {
    postcard::to_allocvec(value)
        .map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))
}

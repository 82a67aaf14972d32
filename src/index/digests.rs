//! Digests, by path, under the ids of the objects that they were made from.

use std::collections::BTreeMap;

use rusqlite::{OptionalExtension as _, Row, params};

use super::Index;
use crate::format::manifest::RULES;
use crate::git::Oid;
use crate::merge::digest::{Digest, FileDigest, FileEntry, Ids, Known, Memory, SessionSum, UnitDigest};

/// Counts up when digests hold something else.
const VERSION: u32 = 10;

/// What digests depend on beside the objects: their own shape, the rules and prices, and the tool.
fn version() -> String {
    format!("{VERSION} {RULES} {} {}", crate::prices::fingerprint(), env!("CARGO_PKG_VERSION"))
}

/// What is asked for most stands first: `SQLite` reads the rest of a long row only where it is asked for.
pub(super) const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS units (
        path TEXT PRIMARY KEY, oid BLOB NOT NULL, compared INTEGER NOT NULL,
        digest BLOB NOT NULL, names BLOB NOT NULL, marks BLOB NOT NULL, sessions BLOB NOT NULL
    );
    CREATE TABLE IF NOT EXISTS files (
        path TEXT PRIMARY KEY, oid BLOB NOT NULL, digest BLOB NOT NULL, sessions BLOB NOT NULL, ids BLOB NOT NULL
    );
    CREATE TABLE IF NOT EXISTS rows (path TEXT PRIMARY KEY, oid BLOB NOT NULL, rows BLOB NOT NULL);
";

fn oid(row: &Row, column: usize) -> rusqlite::Result<Option<Oid>> {
    Ok(Oid::from_bytes(row.get_ref(column)?.as_blob()?).ok())
}

fn decoded<T: serde::de::DeserializeOwned>(row: &Row, column: usize) -> rusqlite::Result<Option<T>> {
    Ok(postcard::from_bytes(row.get_ref(column)?.as_blob()?).ok())
}

fn numbers(row: &Row, column: usize) -> rusqlite::Result<Vec<u64>> {
    let (all, _) = row.get_ref(column)?.as_blob()?.as_chunks::<8>();
    Ok(all.iter().map(|bytes| u64::from_le_bytes(*bytes)).collect())
}

fn bytes(numbers: impl Iterator<Item = u64>) -> Vec<u8> {
    numbers.flat_map(u64::to_le_bytes).collect()
}

fn encoded<T: serde::Serialize + ?Sized>(value: &T) -> rusqlite::Result<Vec<u8>> {
    postcard::to_allocvec(value).map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))
}

impl Index {
    /// Whether digests were made by this version. If not, there are none.
    fn fits(&self) -> rusqlite::Result<bool> {
        if self.fits.get() {
            return Ok(true);
        }
        let made: Option<String> = self.db.query_row("SELECT value FROM meta WHERE key = 'digests'", [], |row| row.get(0)).optional()?;
        self.fits.set(made == Some(version()));
        Ok(self.fits.get())
    }

    fn unit_rows(&self) -> rusqlite::Result<BTreeMap<String, Known>> {
        let mut out = BTreeMap::new();
        if !self.fits()? {
            return Ok(out);
        }
        let mut query = self.db.prepare_cached("SELECT path, oid, compared, digest, names, length(marks) / 4 FROM units")?;
        let mut rows = query.query([])?;
        while let Some(row) = rows.next()? {
            let (Some(oid), Some(digest)) = (oid(row, 1)?, decoded::<Digest>(row, 3)?) else { continue };
            let marks = row.get::<_, u32>(5)? as usize;
            out.insert(row.get(0)?, Known { oid, compared: row.get(2)?, digest, names: numbers(row, 4)?.into(), marks });
        }
        Ok(out)
    }

    // By its object too: where the disk is full, what this run remembers and what the database has are two things.
    fn unit_sessions(&self, unit: &str, oid: Oid) -> rusqlite::Result<Option<Vec<SessionSum>>> {
        let mut query = self.db.prepare_cached("SELECT sessions FROM units WHERE path = ?1 AND oid = ?2")?;
        Ok(query.query_row(params![unit, oid.as_bytes()], |row| decoded(row, 0)).optional()?.flatten())
    }

    fn show_marks(&self, unit: &str, oid: Oid, show: &mut dyn FnMut(&[[u8; 4]])) -> rusqlite::Result<()> {
        let mut query = self.db.prepare_cached("SELECT marks FROM units WHERE path = ?1 AND oid = ?2")?;
        let read = |row: &Row| row.get_ref(0)?.as_blob().map(|marks| show(marks.as_chunks().0)).map_err(Into::into);
        query.query_row(params![unit, oid.as_bytes()], read).optional().map(drop)
    }

    fn file_row(&self, path: &str, blob: Oid) -> rusqlite::Result<Option<FileDigest>> {
        if !self.fits()? {
            return Ok(None);
        }
        let mut query = self.db.prepare_cached("SELECT digest, sessions, ids FROM files WHERE path = ?1 AND oid = ?2")?;
        let read = |row: &Row| -> rusqlite::Result<Option<FileDigest>> {
            let (Some(digest), Some(sessions)) = (decoded(row, 0)?, decoded(row, 1)?) else { return Ok(None) };
            let ids: Ids = numbers(row, 2)?.as_chunks::<2>().0.iter().map(|[id, said]| (*id, *said)).collect();
            Ok(Some(FileDigest { digest, sessions, ids, rows: Vec::new() }))
        };
        Ok(query.query_row(params![path, blob.as_bytes()], read).optional()?.flatten())
    }

    fn show_rows(&self, path: &str, blob: Oid, show: &mut dyn FnMut(&[u8])) -> rusqlite::Result<()> {
        if self.fits()? {
            let mut query = self.db.prepare_cached("SELECT rows FROM rows WHERE path = ?1 AND oid = ?2")?;
            query
                .query_row(params![path, blob.as_bytes()], |row| row.get_ref(0)?.as_blob().map(&mut *show).map_err(Into::into))
                .optional()?;
        }
        Ok(())
    }

    /// Runs `change` in one transaction, after throwing away what another version made.
    fn change(&self, change: impl FnOnce() -> rusqlite::Result<()>) -> rusqlite::Result<()> {
        if self.read_only {
            return Ok(());
        }
        let transaction = self.db.unchecked_transaction()?;
        if !self.fits()? {
            transaction.execute_batch("DELETE FROM units; DELETE FROM files; DELETE FROM rows;")?;
            transaction.execute("INSERT OR REPLACE INTO meta VALUES ('digests', ?1)", params![version()])?;
        }
        change()?;
        transaction.commit()
    }

    fn keep_file_rows(&self, files: &[FileEntry]) -> rusqlite::Result<()> {
        let mut insert = self.db.prepare_cached("INSERT OR REPLACE INTO files VALUES (?1, ?2, ?3, ?4, ?5)")?;
        let mut insert_rows = self.db.prepare_cached("INSERT OR REPLACE INTO rows VALUES (?1, ?2, ?3)")?;
        for (path, oid, file) in files {
            let ids = bytes(file.ids.iter().flat_map(|(id, said)| [*id, *said]));
            insert.execute(params![path, oid.as_bytes(), encoded(&file.digest)?, encoded(&file.sessions)?, ids])?;
            if file.digest.page.is_none() {
                insert_rows.execute(params![path, oid.as_bytes(), file.rows])?;
            }
        }
        Ok(())
    }

    fn keep_unit_row(&self, path: &str, oid: Oid, unit: &UnitDigest) -> rusqlite::Result<()> {
        let mut insert = self.db.prepare_cached(
            "INSERT OR REPLACE INTO units (path, oid, compared, digest, names, marks, sessions) VALUES (?1, ?2, 0, ?3, ?4, ?5, ?6)",
        )?;
        let marks: Vec<u8> = unit.marks().flat_map(u32::to_le_bytes).collect();
        let names = bytes(unit.names.iter().copied());
        insert.execute(params![path, oid.as_bytes(), encoded(&unit.digest)?, names, marks, encoded(&unit.sessions)?]).map(drop)
    }
}

/// A memory that cannot be read or written is none: everything is read again.
impl Memory for Index {
    fn units(&self) -> BTreeMap<String, Known> {
        self.units.borrow_mut().get_or_insert_with(|| self.unit_rows().unwrap_or_default()).clone()
    }

    fn sessions(&self, unit: &str, oid: Oid) -> Option<Vec<SessionSum>> {
        self.unit_sessions(unit, oid).ok().flatten()
    }

    fn marks(&self, unit: &str, oid: Oid, show: &mut dyn FnMut(&[[u8; 4]])) {
        let _ = self.show_marks(unit, oid, show);
    }

    fn file(&self, path: &str, blob: Oid) -> Option<FileDigest> {
        self.file_row(path, blob).ok().flatten()
    }

    fn rows(&self, path: &str, blob: Oid, show: &mut dyn FnMut(&[u8])) {
        let _ = self.show_rows(path, blob, show);
    }

    fn keep_files(&self, files: &[FileEntry]) {
        if !files.is_empty() {
            let _ = self.change(|| self.keep_file_rows(files));
        }
    }

    fn keep_unit(&self, path: &str, oid: Oid, unit: &UnitDigest) {
        if let Some(units) = &mut *self.units.borrow_mut() {
            let UnitDigest { digest, ids, names, .. } = unit;
            let known = Known { oid, compared: false, digest: digest.clone(), marks: ids.len(), names: names.as_slice().into() };
            units.insert(path.to_owned(), known);
        }
        let _ = self.change(|| self.keep_unit_row(path, oid, unit));
    }

    fn keep_compared(&self, compared: &[&str], others: &[&str]) {
        for (paths, value) in [(compared, true), (others, false)] {
            if let Some(units) = &mut *self.units.borrow_mut() {
                paths.iter().for_each(|path| units.get_mut(*path).into_iter().for_each(|known| known.compared = value));
            }
        }
        let _ = self.change(|| {
            let mut set = self.db.prepare_cached("UPDATE units SET compared = ?2 WHERE path = ?1 AND compared <> ?2")?;
            for (paths, value) in [(compared, true), (others, false)] {
                for path in paths {
                    set.execute(params![path, value])?;
                }
            }
            Ok(())
        });
    }
}

//! The local index: how far each transcript was read, and digests of files. Always rebuildable,
//! never the only place of anything.
//!
//! It is bound to what the repository had when it was written ([`Binding`]): where that does not
//! fit any more, because either one was deleted, restored or copied, the index counts as empty and
//! everything is read again.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, OptionalExtension as _, params};

use super::memo::Known;
use crate::base::time::Timestamp;
use crate::transcripts::{Cursor, Cursors, Mark};

/// The index cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("failed to use the local index {}", path.display())]
pub struct IndexError {
    /// Its path in the state folder.
    pub(crate) path: PathBuf,
    /// `SQLite`'s error.
    pub(crate) source: rusqlite::Error,
}

impl IndexError {
    /// Whether the disk has no room left.
    pub(crate) fn is_disk_full(&self) -> bool {
        self.source.sqlite_error_code() == Some(rusqlite::ErrorCode::DiskFull)
    }
}

/// What the cursors are true for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Binding {
    /// The commit of `refs/claude-sync/known`.
    pub(crate) known: String,
    /// The machine whose records were written.
    pub(crate) machine: String,
    /// The settings and the version of the reader.
    pub(crate) reader: String,
}

/// An open index.
#[derive(Debug)]
pub struct Index {
    pub(super) db: Connection,
    path: PathBuf,
    pub(super) read_only: bool,
    /// Digests are known to be this version's, and made where the same decides what may be read.
    pub(super) fits: Cell<bool>,
    /// What decides that where it is asked.
    pub(super) admission: RefCell<String>,
    /// Portions that were read: a run asks for them several times.
    pub(super) portions: RefCell<Option<BTreeMap<String, Known>>>,
}

/// Of an index of another version nothing is kept.
const SCHEMA_VERSION: i64 = 7;

const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS cursors (
        mark BLOB PRIMARY KEY, device INTEGER NOT NULL, inode INTEGER NOT NULL, size INTEGER NOT NULL, modified INTEGER NOT NULL,
        offset INTEGER NOT NULL, lines INTEGER NOT NULL, tail INTEGER NOT NULL, stretch BLOB NOT NULL
    ) WITHOUT ROWID;
";

/// What is asked for most stands first: `SQLite` reads the rest of a long row only where it is
/// asked for.
const DIGESTS: &str = "
    CREATE TABLE IF NOT EXISTS portions (
        path TEXT PRIMARY KEY, oid BLOB NOT NULL, compared INTEGER NOT NULL, rules INTEGER NOT NULL,
        digest BLOB NOT NULL, names BLOB NOT NULL, fingerprints BLOB NOT NULL, sessions BLOB NOT NULL
    );
    CREATE TABLE IF NOT EXISTS files (
        path TEXT PRIMARY KEY, oid BLOB NOT NULL, digest BLOB NOT NULL, sessions BLOB NOT NULL, ids BLOB NOT NULL
    );
    CREATE TABLE IF NOT EXISTS rows (path TEXT PRIMARY KEY, oid BLOB NOT NULL, rows BLOB NOT NULL);
";

impl Index {
    /// Opens the index in the state folder. One that is damaged or of another version is thrown
    /// away: it costs time only.
    pub fn open(state: &Path) -> Result<Self, IndexError> {
        let path = state.join("index.sqlite");
        let attempt = Self::open_file(&path).or_else(|_| {
            Self::remove(state);
            Self::open_file(&path)
        });
        attempt.map_err(|source| IndexError { path, source })
    }

    /// Opens the index for reading only, as the merge driver does, which writes only its result.
    /// None where there is none.
    pub fn peek(state: &Path) -> Option<Self> {
        let path = state.join("index.sqlite");
        let flags =
            rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY | rusqlite::OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let db = Connection::open_with_flags(&path, flags).ok()?;
        // All of it is read once: straight from the page cache.
        let _ = db.pragma_update(None, "mmap_size", 1_i64 << 30);
        Some(Self {
            db,
            path,
            read_only: true,
            fits: Cell::new(false),
            admission: RefCell::default(),
            portions: RefCell::default(),
        })
    }

    /// What is wrong with the index in the state folder; none where there is none, or it is sound.
    pub(crate) fn defect(state: &Path) -> Option<String> {
        let path = state.join("index.sqlite");
        if !path.exists() {
            return None;
        }
        let check = || -> rusqlite::Result<String> {
            let db =
                Connection::open_with_flags(&path, rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY)?;
            db.pragma_query_value(None, "quick_check", |row| row.get(0))
        };
        match check() {
            Ok(answer) if answer == "ok" => None,
            Ok(answer) => Some(answer),
            Err(error) => Some(error.to_string()),
        }
    }

    /// Deletes the index in the state folder. It costs time only.
    pub(crate) fn remove(state: &Path) {
        for suffix in ["", "-wal", "-shm", "-journal"] {
            let _ = fs::remove_file(state.join(format!("index.sqlite{suffix}")));
        }
    }

    fn open_file(path: &Path) -> rusqlite::Result<Self> {
        // `SQLite` gives the files beside it the same permissions. Where it cannot be made, opening
        // it fails with the reason.
        let _ = crate::store::private::open_file(path);
        let db = Connection::open(path)?;
        // Large pages: digests are read all at once.
        db.pragma_update(None, "page_size", 32_768)?;
        db.pragma_update(None, "synchronous", "NORMAL")?;
        db.pragma_update(None, "mmap_size", 1_i64 << 30)?;
        db.pragma_update(None, "journal_mode", "WAL")?;
        let version: i64 = db.pragma_query_value(None, "user_version", |row| row.get(0))?;
        if version != 0 && version != SCHEMA_VERSION {
            return Err(rusqlite::Error::InvalidQuery);
        }
        db.execute_batch(SCHEMA)?;
        db.pragma_update(None, "user_version", SCHEMA_VERSION)?;
        db.execute_batch(DIGESTS)?;
        Ok(Self {
            db,
            path: path.to_owned(),
            read_only: false,
            fits: Cell::new(false),
            admission: RefCell::default(),
            portions: RefCell::default(),
        })
    }

    fn fail(&self, source: rusqlite::Error) -> IndexError {
        IndexError {
            path: self.path.clone(),
            source,
        }
    }

    /// The cursors, if they are true for `binding`; else none.
    pub(crate) fn cursors(&self, binding: &Binding) -> Result<Cursors, IndexError> {
        let read = || -> rusqlite::Result<Cursors> {
            if self.binding()? != Some(binding.clone()) {
                return Ok(Cursors::new());
            }
            let mut query = self.db.prepare("SELECT mark, device, inode, size, modified, offset, lines, tail, stretch FROM cursors")?;
            let rows = query.query_map([], |row| {
                let number = |column| row.get::<_, i64>(column).map(i64::cast_unsigned);
                let cursor = Cursor {
                    identity: (number(1)?, number(2)?),
                    size: number(3)?,
                    modified: row.get(4)?,
                    offset: number(5)?,
                    lines: number(6)?,
                    tail: number(7)?,
                    stretch: postcard::from_bytes(row.get_ref(8)?.as_blob()?).unwrap_or_default(),
                };
                Ok((row.get::<_, [u8; 16]>(0)?, cursor))
            })?;
            rows.collect()
        };
        read().map_err(|source| self.fail(source))
    }

    /// How often the remote failed in a row, and when last; none where it did not.
    pub(crate) fn failures(&self) -> Result<Option<(u64, Timestamp)>, IndexError> {
        let value = |key: &str| {
            self.db
                .query_row("SELECT value FROM meta WHERE key = ?1", [key], |row| {
                    row.get::<_, String>(0)
                })
                .optional()
                .map_err(|e| self.fail(e))
        };
        let (count, last) = (value("failures")?, value("failed_at")?);
        Ok(count
            .and_then(|count| count.parse().ok())
            .zip(last.and_then(|last| Timestamp::parse(&last))))
    }

    /// When a run last reached the remote; none where that is not known.
    pub(crate) fn exchanged(&self) -> Option<Timestamp> {
        let sql = "SELECT value FROM meta WHERE key = 'exchanged_at'";
        let value = self.db.query_row(sql, [], |row| row.get::<_, String>(0));
        Timestamp::parse(&value.ok()?)
    }

    /// Notes that a run reached the remote.
    pub(crate) fn note_exchange(&self, now: Timestamp) -> Result<(), IndexError> {
        let sql = "INSERT OR REPLACE INTO meta VALUES ('exchanged_at', ?1)";
        let done = self.db.execute(sql, [now.to_string()]);
        done.map(drop).map_err(|e| self.fail(e))
    }

    /// Why the last run could not push.
    pub(crate) fn failure_reason(&self) -> Result<Option<String>, IndexError> {
        let query = self.db.query_row(
            "SELECT value FROM meta WHERE key = 'failed_why'",
            [],
            |row| row.get::<_, String>(0),
        );
        query.optional().map_err(|e| self.fail(e))
    }

    /// Notes a failure of the remote at a time, with its reason, or that it works again.
    pub(crate) fn count_failure(
        &mut self,
        failed: Option<(Timestamp, &str)>,
    ) -> Result<(), IndexError> {
        let before = self.failures()?;
        let Some((now, reason)) = failed else {
            if before.is_some() {
                let sql = "DELETE FROM meta WHERE key IN ('failures', 'failed_at', 'failed_why')";
                self.db.execute(sql, []).map_err(|e| self.fail(e))?;
            }
            return Ok(());
        };
        let count = before.map_or(0, |(count, _)| count).saturating_add(1);
        let sql = "INSERT OR REPLACE INTO meta VALUES ('failures', ?1), ('failed_at', ?2), ('failed_why', ?3)";
        self.db
            .execute(sql, params![count.to_string(), now.to_string(), reason])
            .map(drop)
            .map_err(|e| self.fail(e))
    }

    fn binding(&self) -> rusqlite::Result<Option<Binding>> {
        let mut query = self.db.prepare("SELECT key, value FROM meta")?;
        let rows = query.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        let mut meta: HashMap<String, String> = rows.collect::<rusqlite::Result<_>>()?;
        let mut take = |key: &str| meta.remove(key);
        Ok(take("known").zip(take("machine")).zip(take("reader")).map(
            |((known, machine), reader)| Binding {
                known,
                machine,
                reader,
            },
        ))
    }

    /// Remembers how far files were read, and what for. Cursors from before stay where they were
    /// true for the same thing.
    pub(crate) fn store(
        &mut self,
        before: &Binding,
        after: &Binding,
        cursors: &[(Mark, Cursor)],
    ) -> Result<(), IndexError> {
        self.store_rows(before, after, cursors)
            .map_err(|source| IndexError {
                path: self.path.clone(),
                source,
            })
    }

    fn store_rows(
        &mut self,
        before: &Binding,
        after: &Binding,
        cursors: &[(Mark, Cursor)],
    ) -> rusqlite::Result<()> {
        if before == after && cursors.is_empty() && self.binding()?.as_ref() == Some(after) {
            return Ok(());
        }
        let keep = self.binding()?.as_ref() == Some(before);
        let transaction = self.db.transaction()?;
        if !keep {
            transaction.execute("DELETE FROM cursors", [])?;
        }
        for (key, value) in [
            ("known", &after.known),
            ("machine", &after.machine),
            ("reader", &after.reader),
        ] {
            transaction.execute(
                "INSERT OR REPLACE INTO meta VALUES (?1, ?2)",
                params![key, value],
            )?;
        }
        store_cursors(&transaction, cursors)?;
        transaction.commit()
    }
}

fn store_cursors(db: &Connection, cursors: &[(Mark, Cursor)]) -> rusqlite::Result<()> {
    let mut insert =
        db.prepare("INSERT OR REPLACE INTO cursors VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)")?;
    for (mark, c) in cursors {
        let n = u64::cast_signed;
        insert.execute(params![
            mark,
            n(c.identity.0),
            n(c.identity.1),
            n(c.size),
            c.modified,
            n(c.offset),
            n(c.lines),
            n(c.tail),
            postcard::to_allocvec(&c.stretch).unwrap_or_default(),
        ])?;
    }
    Ok(())
}

//! Digests of files, by path, under the id of the blob that they were made from.

use std::collections::BTreeMap;

use rusqlite::{OptionalExtension as _, params};

use super::Index;
use crate::format::manifest::RULES;
use crate::git::Oid;
use crate::merge::digest::{Digest, Digested, Ids, Memory};

/// Counts up when digests hold something else.
const VERSION: u32 = 3;

/// What digests depend on beside the blob: their own shape, the rules and prices, and the tool.
fn version() -> String {
    format!("{VERSION} {RULES} {}", env!("CARGO_PKG_VERSION"))
}

pub(super) const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS digests (path TEXT PRIMARY KEY, blob BLOB NOT NULL, sums BLOB NOT NULL, marks BLOB NOT NULL);
    CREATE TABLE IF NOT EXISTS ids (path TEXT PRIMARY KEY, ids BLOB NOT NULL);
";

impl Index {
    fn recall_rows(&self) -> rusqlite::Result<BTreeMap<String, (Oid, Digested)>> {
        let made: Option<String> = self.db.query_row("SELECT value FROM meta WHERE key = 'digests'", [], |row| row.get(0)).optional()?;
        if made != Some(version()) {
            return Ok(BTreeMap::new());
        }
        let mut query = self.db.prepare("SELECT path, blob, sums, marks FROM digests")?;
        let mut rows = query.query([])?;
        let mut out = BTreeMap::new();
        while let Some(row) = rows.next()? {
            let oid = Oid::from_bytes(row.get_ref(1)?.as_blob()?);
            let digest = postcard::from_bytes::<Digest>(row.get_ref(2)?.as_blob()?);
            if let (Ok(oid), Ok(digest)) = (oid, digest) {
                let (marks, _) = row.get_ref(3)?.as_blob()?.as_chunks::<4>();
                let marks = marks.iter().map(|mark| u32::from_le_bytes(*mark)).collect();
                out.insert(row.get(0)?, (oid, Digested { digest, marks, ids: None }));
            }
        }
        Ok(out)
    }

    fn ids_row(&self, path: &str) -> rusqlite::Result<Ids> {
        self.db.query_row("SELECT ids FROM ids WHERE path = ?1", params![path], |row| {
            let (pairs, _) = row.get_ref(0)?.as_blob()?.as_chunks::<16>();
            let number = |half: &[u8]| half.try_into().map_or(0, u64::from_le_bytes);
            Ok(pairs.iter().map(|pair| (number(&pair[..8]), number(&pair[8..]))).collect())
        })
    }

    fn keep_rows(&self, new: &[(String, Oid, Digested)]) -> rusqlite::Result<()> {
        let transaction = self.db.unchecked_transaction()?;
        let made: Option<String> = self.db.query_row("SELECT value FROM meta WHERE key = 'digests'", [], |row| row.get(0)).optional()?;
        if made != Some(version()) {
            transaction.execute_batch("DELETE FROM digests; DELETE FROM ids;")?;
            transaction.execute("INSERT OR REPLACE INTO meta VALUES ('digests', ?1)", params![version()])?;
        }
        {
            let mut insert_ids = transaction.prepare("INSERT OR REPLACE INTO ids VALUES (?1, ?2)")?;
            let mut insert = transaction.prepare("INSERT OR REPLACE INTO digests VALUES (?1, ?2, ?3, ?4)")?;
            for (path, oid, digested) in new {
                let Ok(sums) = postcard::to_allocvec(&digested.digest) else { continue };
                let Some(ids) = &digested.ids else { continue };
                let ids: Vec<u8> = ids.iter().flat_map(|(id, said)| [id.to_le_bytes(), said.to_le_bytes()].concat()).collect();
                let marks: Vec<u8> = digested.marks.iter().flat_map(|mark| mark.to_le_bytes()).collect();
                insert.execute(params![path, oid.as_bytes(), sums, marks])?;
                insert_ids.execute(params![path, ids])?;
            }
        }
        transaction.commit()
    }
}

/// A memory that cannot be read or written is none: everything is read again.
impl Memory for Index {
    fn recall(&self) -> BTreeMap<String, (Oid, Digested)> {
        self.recall_rows().unwrap_or_default()
    }

    fn ids(&self, path: &str) -> Option<Ids> {
        self.ids_row(path).ok()
    }

    fn keep(&self, new: &[(String, Oid, Digested)]) {
        if !new.is_empty() && !self.read_only {
            let _ = self.keep_rows(new);
        }
    }
}

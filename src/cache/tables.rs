//! Digests, by path, under the ids of the objects that they were made from.

use std::collections::BTreeMap;

use rusqlite::{OptionalExtension as _, Row, params};

use super::columns::{bytes, decoded, encoded, numbers, oid};
use super::digest::{Digest, FileDigest, Ids, PortionDigest};
use super::index::Index;
use super::memo::{Cache, FileEntry, Known, ShowFingerprints, fingerprint};
use super::session::SessionSum;
use crate::fleet::enforce::Checked;
use crate::fleet::read::Portion;
use crate::fleet::rules::Rules;
use crate::format::manifest::RULES;
use crate::git::Oid;

/// Counts up when digests hold something else.
const VERSION: u32 = 15;

impl Index {
    /// What digests depend on beside the objects: their own shape, the rules and prices, the tool,
    /// and what decides which files may be read.
    fn version(&self) -> String {
        format!(
            "{VERSION} {RULES} {} {} {}",
            crate::prices::fingerprint(),
            env!("CARGO_PKG_VERSION"),
            self.admission.borrow()
        )
    }

    /// Whether digests were made by this version. If not, there are none.
    fn fits(&self) -> rusqlite::Result<bool> {
        if self.fits.get() {
            return Ok(true);
        }
        let made: Option<String> = self
            .db
            .query_row("SELECT value FROM meta WHERE key = 'digests'", [], |row| {
                row.get(0)
            })
            .optional()?;
        self.fits.set(made == Some(self.version()));
        Ok(self.fits.get())
    }

    fn portion_rows(&self) -> rusqlite::Result<BTreeMap<String, Known>> {
        let mut out = BTreeMap::new();
        if !self.fits()? {
            return Ok(out);
        }
        let mut query =
            self.db.prepare_cached("SELECT path, oid, compared, digest, names, length(fingerprints) / 4, rules FROM portions")?;
        let mut rows = query.query([])?;
        while let Some(row) = rows.next()? {
            let (Some(oid), Some(digest)) = (oid(row, 1)?, decoded::<Digest>(row, 3)?) else {
                continue;
            };
            let fingerprints = row.get::<_, u32>(5)? as usize;
            let (compared, rules) = (row.get(2)?, row.get::<_, i64>(6)?.cast_unsigned());
            out.insert(
                row.get(0)?,
                Known {
                    oid,
                    compared,
                    rules,
                    digest: digest.into(),
                    names: numbers(row, 4)?.into(),
                    fingerprints,
                },
            );
        }
        Ok(out)
    }

    fn with_portions<T>(&self, ask: impl FnOnce(&BTreeMap<String, Known>) -> T) -> T {
        ask(self
            .portions
            .borrow_mut()
            .get_or_insert_with(|| self.portion_rows().unwrap_or_default()))
    }

    // By its object too: where the disk is full, what this run remembers and what the database has
    // are two things.
    fn portion_sessions(
        &self,
        portion: &str,
        oid: Oid,
    ) -> rusqlite::Result<Option<Vec<SessionSum>>> {
        let mut query = self
            .db
            .prepare_cached("SELECT sessions FROM portions WHERE path = ?1 AND oid = ?2")?;
        Ok(query
            .query_row(params![portion, oid.as_bytes()], |row| decoded(row, 0))
            .optional()?
            .flatten())
    }

    fn show_fingerprints(
        &self,
        portion: &str,
        oid: Oid,
        show: &mut dyn FnMut(&[[u8; 4]]),
    ) -> rusqlite::Result<()> {
        let mut query = self
            .db
            .prepare_cached("SELECT fingerprints FROM portions WHERE path = ?1 AND oid = ?2")?;
        let read = |row: &Row| {
            row.get_ref(0)?
                .as_blob()
                .map(|all| show(all.as_chunks().0))
                .map_err(Into::into)
        };
        query
            .query_row(params![portion, oid.as_bytes()], read)
            .optional()
            .map(drop)
    }

    fn show_all_fingerprints(&self, show: ShowFingerprints<'_>) -> rusqlite::Result<()> {
        if !self.fits()? {
            return Ok(());
        }
        let mut query = self
            .db
            .prepare_cached("SELECT path, oid, fingerprints FROM portions")?;
        let mut rows = query.query([])?;
        while let Some(row) = rows.next()? {
            if let Some(oid) = oid(row, 1)? {
                let all = row.get_ref(2)?.as_blob()?;
                show(row.get_ref(0)?.as_str()?, oid, all.as_chunks().0);
            }
        }
        Ok(())
    }

    fn file_row(&self, path: &str, blob: Oid) -> rusqlite::Result<Option<FileDigest>> {
        if !self.fits()? {
            return Ok(None);
        }
        let mut query = self.db.prepare_cached(
            "SELECT digest, sessions, ids FROM files WHERE path = ?1 AND oid = ?2",
        )?;
        let read = |row: &Row| -> rusqlite::Result<Option<FileDigest>> {
            let (Some(digest), Some(sessions)) = (decoded(row, 0)?, decoded(row, 1)?) else {
                return Ok(None);
            };
            let ids: Ids = numbers(row, 2)?
                .as_chunks::<2>()
                .0
                .iter()
                .map(|[id, check]| (*id, *check))
                .collect();
            Ok(Some(FileDigest {
                digest,
                sessions,
                ids,
                rows: Vec::new(),
            }))
        };
        Ok(query
            .query_row(params![path, blob.as_bytes()], read)
            .optional()?
            .flatten())
    }

    fn show_rows(
        &self,
        path: &str,
        blob: Oid,
        show: &mut dyn FnMut(&[u8]),
    ) -> rusqlite::Result<()> {
        if self.fits()? {
            let mut query = self
                .db
                .prepare_cached("SELECT rows FROM rows WHERE path = ?1 AND oid = ?2")?;
            query
                .query_row(params![path, blob.as_bytes()], |row| {
                    row.get_ref(0)?
                        .as_blob()
                        .map(&mut *show)
                        .map_err(Into::into)
                })
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
            transaction
                .execute_batch("DELETE FROM portions; DELETE FROM files; DELETE FROM rows;")?;
            transaction.execute(
                "INSERT OR REPLACE INTO meta VALUES ('digests', ?1)",
                params![self.version()],
            )?;
        }
        change()?;
        transaction.commit()
    }

    fn keep_file_rows(&self, files: &[FileEntry]) -> rusqlite::Result<()> {
        let mut insert = self
            .db
            .prepare_cached("INSERT OR REPLACE INTO files VALUES (?1, ?2, ?3, ?4, ?5)")?;
        let mut insert_rows = self
            .db
            .prepare_cached("INSERT OR REPLACE INTO rows VALUES (?1, ?2, ?3)")?;
        for (path, oid, file) in files {
            let ids = bytes(file.ids.iter().flat_map(|(id, check)| [*id, *check]));
            insert.execute(params![
                path,
                oid.as_bytes(),
                encoded(&file.digest)?,
                encoded(&file.sessions)?,
                ids
            ])?;
            if file.digest.machine_file.is_none() {
                insert_rows.execute(params![path, oid.as_bytes(), file.rows])?;
            }
        }
        Ok(())
    }

    fn keep_portion_row(
        &self,
        path: &str,
        oid: Oid,
        portion: &PortionDigest,
    ) -> rusqlite::Result<()> {
        let mut insert = self.db.prepare_cached(
            "INSERT OR REPLACE INTO portions (path, oid, compared, rules, digest, names, fingerprints, sessions)
             VALUES (?1, ?2, 0, 0, ?3, ?4, ?5, ?6)",
        )?;
        let fingerprints: Vec<u8> = portion.fingerprints().flat_map(u32::to_le_bytes).collect();
        let names = bytes(portion.names.iter().copied());
        insert
            .execute(params![
                path,
                oid.as_bytes(),
                encoded(&portion.digest)?,
                names,
                fingerprints,
                encoded(&portion.sessions)?
            ])
            .map(drop)
    }
}

impl Checked for Index {
    fn bind(&self, admission: &str) {
        if *self.admission.borrow() != admission {
            admission.clone_into(&mut self.admission.borrow_mut());
            self.fits.set(false);
            *self.portions.borrow_mut() = None;
        }
    }

    fn keeps(&self, portion: &Portion, rules: &Rules) -> bool {
        self.with_portions(|all| {
            all.get(&portion.path)
                .is_some_and(|known| known.keeps(portion, rules))
        })
    }

    fn note(&self, portion: &Portion, rules: &Rules) {
        let rules = fingerprint(portion, rules);
        if let Some(known) = self
            .portions
            .borrow_mut()
            .as_mut()
            .and_then(|all| all.get_mut(&portion.path))
            .filter(|k| k.oid == portion.oid)
        {
            known.rules = rules;
        }
        let _ = self.change(|| {
            let mut set = self
                .db
                .prepare_cached("UPDATE portions SET rules = ?3 WHERE path = ?1 AND oid = ?2")?;
            set.execute(params![
                portion.path,
                portion.oid.as_bytes(),
                rules.cast_signed()
            ])
            .map(drop)
        });
    }
}

/// A cache that cannot be read or written is none: everything is read again.
impl Cache for Index {
    fn is_cold(&self) -> bool {
        self.fits().is_ok_and(|fits| !fits)
    }

    fn portions(&self) -> BTreeMap<String, Known> {
        self.with_portions(Clone::clone)
    }

    fn machine_file(&self, path: &str, blob: Oid) -> Option<String> {
        self.with_portions(|all| {
            let known = all.get(path).filter(|known| known.oid == blob)?;
            known.digest.machine_file.clone()
        })
    }

    fn sessions(&self, portion: &str, oid: Oid) -> Option<Vec<SessionSum>> {
        self.portion_sessions(portion, oid).ok().flatten()
    }

    fn fingerprints(&self, portion: &str, oid: Oid, show: &mut dyn FnMut(&[[u8; 4]])) {
        let _ = self.show_fingerprints(portion, oid, show);
    }

    fn all_fingerprints(&self, show: ShowFingerprints<'_>) {
        let _ = self.show_all_fingerprints(show);
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

    fn keep_portion(&self, path: &str, oid: Oid, portion: &PortionDigest) {
        if let Some(portions) = &mut *self.portions.borrow_mut() {
            let PortionDigest {
                digest, ids, names, ..
            } = portion;
            let digest = digest.clone().into();
            let known = Known {
                oid,
                compared: false,
                rules: 0,
                digest,
                fingerprints: ids.len(),
                names: names.as_slice().into(),
            };
            portions.insert(path.to_owned(), known);
        }
        let _ = self.change(|| self.keep_portion_row(path, oid, portion));
    }

    fn drop_portion(&self, path: &str) {
        if let Some(portions) = &mut *self.portions.borrow_mut() {
            portions.remove(path);
        }
        let _ = self.change(|| {
            let mut delete = self
                .db
                .prepare_cached("DELETE FROM portions WHERE path = ?1")?;
            delete.execute([path]).map(drop)
        });
    }

    fn keep_compared(&self, compared: &[&str], others: &[&str]) {
        for (paths, value) in [(compared, true), (others, false)] {
            if let Some(portions) = &mut *self.portions.borrow_mut() {
                paths.iter().for_each(|path| {
                    portions
                        .get_mut(*path)
                        .into_iter()
                        .for_each(|known| known.compared = value);
                });
            }
        }
        let _ = self.change(|| {
            let mut set = self.db.prepare_cached(
                "UPDATE portions SET compared = ?2 WHERE path = ?1 AND compared <> ?2",
            )?;
            for (paths, value) in [(compared, true), (others, false)] {
                for path in paths {
                    set.execute(params![path, value])?;
                }
            }
            Ok(())
        });
    }
}

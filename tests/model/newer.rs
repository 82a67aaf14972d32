//! What a newer minor version writes: members and lines that this one does not know. They stay.

use std::collections::{BTreeMap, BTreeSet};

use claude_sync::base::ids::{Interner, MachineId, SessionId};
use claude_sync::fleet::rules::forgotten_day;
use claude_sync::format::dayfile::DayFile;
use claude_sync::git::Oid;
use claude_sync::git::repo::Repo;
use claude_sync::store::layout::Path;
use serde_json::json;

use crate::model::play::Play;
use crate::model::rows::record_id;
use crate::model::site::How;
use crate::model::truth::{Forgotten, Newer, names};

/// A machine's day files.
fn day_files(repo: &Repo, root: Oid, machine: &MachineId) -> Vec<(String, DayFile)> {
    let mut out = Vec::new();
    for blob in repo.blobs(Some(root), "sync/archive").expect("reads") {
        if let Path::Day(owner, day, _) = Path::parse(&blob.path)
            && owner == *machine
            && day != forgotten_day()
        {
            let bytes = repo.blob(blob.oid).expect("reads");
            let (file, _) = DayFile::read(machine, day, &bytes, &mut Interner::default())
                .expect("it can be read");
            out.push((blob.path, file));
        }
    }
    out
}

impl Play<'_> {
    /// A newer version writes something into this machine's files, as in a clone that both use.
    pub fn newer(&mut self, at: usize) {
        if self.homes[at].per_machine {
            return;
        }
        let run = self.run(How::Online);
        self.sync(at, &run);
        let machine = self.homes[at].id.clone();
        let mut files = Vec::new();
        self.site.look(at, &mut |repo, root| {
            files = day_files(repo, root, &machine);
        });
        if files.is_empty() || self.truth.is_forgotten_machine(&machine) {
            return;
        }
        let (path, mut file) = files.swap_remove(self.dice.below(files.len()));
        let number = self.next;
        self.next += 1;
        let known: Vec<_> = self
            .truth
            .rows
            .keys()
            .copied()
            .filter(|request| file.records.contains(record_id(*request)))
            .collect();
        let session = file
            .records
            .iter()
            .map(|record| record.origin.session)
            .find(|session| !session.as_str().is_empty());
        let mut new = Newer {
            machine,
            session: None,
            request: None,
            text: String::new(),
        };
        let mut line = |session: Option<SessionId>, value: serde_json::Value| {
            file.unknown.insert((session, value.to_string()));
            value.to_string()
        };
        match (self.dice.below(4), session) {
            (0, Some(session)) => {
                new.session = Some(session.to_string());
                new.text = line(
                    Some(session.clone()),
                    json!({ "limit": number, "session": session.as_str() }),
                );
            }
            (1, _) => new.text = line(None, json!({ "version": 7, "note": number })),
            (2, _) => new.text = line(None, json!({ "note": number })),
            _ => {
                let Some(request) = known.first().copied() else {
                    return;
                };
                let Some(mut record) = file.records.get(record_id(request)) else {
                    return;
                };
                new.text = format!("new_{number}");
                new.request = Some(request);
                record.extra.insert(new.text.clone(), number.into());
                file.records.add(record);
            }
        }
        if self
            .site
            .rewrite(at, &[(path, file.write().0.into_bytes())])
        {
            self.truth.newer.push(new);
            let run = self.run(How::Online);
            self.sync(at, &run);
            self.did("newer version's lines");
        }
    }

    /// Asserts that all of it is still there.
    pub fn assert_newer(&self) {
        for new in &self.truth.newer {
            let ever = || {
                self.truth
                    .forgotten
                    .iter()
                    .chain(self.truth.undone.iter().map(|(what, _)| what))
            };
            let is_named =
                |session: &String| ever().any(|what| *what == Forgotten::Session(session.clone()));
            if self.truth.is_forgotten_machine(&new.machine)
                || new.session.as_ref().is_some_and(is_named)
            {
                continue;
            }
            let mut files = Vec::new();
            self.site.look(0, &mut |repo, root| {
                files = day_files(repo, root, &new.machine);
            });
            if let Some(request) = new.request {
                let holds: Vec<_> = files
                    .iter()
                    .filter_map(|(_, file)| file.records.get(record_id(request)))
                    .collect();
                // Forgetting takes it away for good: what undoing brings back is read from transcripts anew.
                let went = self.truth.rows[&request]
                    .values()
                    .flat_map(BTreeMap::keys)
                    .any(|row| ever().any(|what| names(what, row)));
                assert!(
                    went || holds.is_empty()
                        || holds
                            .iter()
                            .any(|record| record.extra.contains_key(&new.text)),
                    "{new:?} is gone: {holds:?}"
                );
            } else {
                let lines: BTreeSet<&String> = files
                    .iter()
                    .flat_map(|(_, file)| file.unknown.iter().map(|(_, text)| text))
                    .collect();
                assert!(lines.contains(&new.text), "{new:?} is gone: {lines:?}");
            }
        }
    }
}

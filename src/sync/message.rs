//! The commit message: a subject for people, and trailers for programs.

use std::collections::BTreeSet;

use serde_json::Value;

use super::delta::Delta;
use super::import::{Import, Imported, What};
use crate::base::ids::MachineId;
use crate::base::text::{count, printable};
use crate::fleet::authority::UNDONE;
use crate::fleet::decisions::{
    ACCEPTED, FORGOTTEN, GROUP, Intent, LABEL, MERGED, PRICE, RETIRED, USER,
};
use crate::format::syncfile::Mode;
use crate::git::repo::Repo;

/// What a commit message is made from.
#[derive(Debug)]
pub(crate) struct Message<'a> {
    /// The machine.
    pub(crate) machine: &'a MachineId,
    /// Its name.
    pub(crate) hostname: &'a str,
    /// The run's mode; none where it wrote nothing of its own.
    pub(crate) mode: Option<Mode>,
    /// What its files gained.
    pub(crate) delta: &'a Delta,
    /// What a person decided with it.
    pub(crate) intents: &'a [Intent],
    /// What it imports, and what came of that.
    pub(crate) imported: Option<(&'a Import, &'a Imported)>,
    /// It is the machine's first commit.
    pub(crate) first: bool,
    /// It begins a new history, without what is not kept.
    pub(crate) reroot: bool,
    /// How many commits were folded: before and after.
    pub(crate) compacted: Option<(usize, usize)>,
    /// That has another key.
    pub(crate) rotated: bool,
    /// Subjects of commits of the user's own that this one takes the place of.
    pub(crate) folded: &'a [String],
}

/// A decision in words, without names: the message of a fleet in clear shows them to everybody who
/// reads it.
fn decision(intent: &Intent) -> &'static str {
    let undoes = matches!(&intent.value, Value::Bool(false))
        || intent.value.as_str().is_some_and(str::is_empty)
        || intent.key == UNDONE;
    match (intent.kind, undoes) {
        (LABEL, _) => "rename a machine",
        (GROUP, false) => "set the group of a machine",
        (GROUP, true) => "take a machine out of its group",
        (USER, false) => "name the user of a machine",
        (USER, true) => "take back the user of a machine",
        (RETIRED, false) => "retire a machine",
        (RETIRED, true) => "bring back a machine",
        (MERGED, false) => "merge two machines",
        (MERGED, true) => "separate two machines",
        (PRICE, false) => "set a price",
        (PRICE, true) => "remove a price",
        (ACCEPTED, _) => "settle a conflict",
        (FORGOTTEN, false) => "forget data",
        (FORGOTTEN, true) => "restore forgotten data",
        _ => "record a decision",
    }
}

/// The trailer of a commit message that is sealed, and what it is sealed for.
pub(crate) const SEALED: &str = "Sealed";

impl Message<'_> {
    /// The text of the message.
    pub(crate) fn text(&self) -> String {
        let delta = self.delta;
        let mut imports: Vec<String> = delta
            .imported
            .iter()
            .map(|(origin, days)| {
                format!("{} of {}", count(days.len() as u64, "day"), origin.as_str())
            })
            .collect();
        let name = if self.hostname.is_empty() {
            self.machine.short().to_owned()
        } else {
            printable(self.hostname, 40)
        };
        let mut out = format!("sync {name}: {}\n", self.summary(&imports));
        if !self.folded.is_empty() {
            out.push_str("\nIncludes local commits:\n");
            for subject in self.folded {
                out.push_str(&format!("- {}\n", printable(subject, 200)));
            }
        }
        out.push_str(&format!(
            "\nMachine: {}\nMode: {}\nSessions: {}\nRecords-Added: {}\nRecords-Grown: {}\n\
             Cost-Added-USD: {}\n",
            self.machine,
            self.mode.map_or("download", Mode::as_str),
            delta.sessions.len(),
            delta.added,
            delta.grown,
            delta.cost
        ));
        imports.extend(self.imported_records());
        for import in imports {
            out.push_str(&format!("Imported: {import}\n"));
        }
        out
    }

    /// The subject after the machine's name. `imports`: days of imported totals, by source.
    fn summary(&self, imports: &[String]) -> String {
        let delta = self.delta;
        let records = delta.added.saturating_add(delta.grown);
        match (self.mode, records, self.first) {
            _ if self.reroot && self.rotated => "begin a new history, with another key".to_owned(),
            _ if self.reroot => "begin a new history, without what was forgotten".to_owned(),
            _ if self.compacted.is_some() => {
                let (before, after) = self.compacted.unwrap_or_default();
                format!("compact the history from {before} to {after} commits")
            }
            (None, ..) => "join what others wrote".to_owned(),
            (_, 0, _) if !imports.is_empty() => format!("import {}", imports.join(" and ")),
            (_, 0, true) => "first sync, no usage yet".to_owned(),
            (_, 0, false) => self.other_changes(),
            _ => {
                let grown = if delta.added == 0 { " completed" } else { "" };
                format!(
                    "{}{grown} in {}, ${}",
                    count(records, "record"),
                    count(delta.sessions.len() as u64, "session"),
                    delta.cost.cents()
                )
            }
        }
    }

    /// What changed where no usage is new.
    fn other_changes(&self) -> String {
        let decided: BTreeSet<&str> = self.intents.iter().map(decision).collect();
        if !decided.is_empty() {
            return decided.into_iter().collect::<Vec<_>>().join(", ");
        }
        match self.delta.rewritten {
            0 => "nothing new".to_owned(),
            files => format!("rewrite {}", count(files, "day file")),
        }
    }

    /// How many requests came from imported transcripts.
    fn imported_records(&self) -> Option<String> {
        let (import, gained) = self.imported?;
        let is_some = gained.new_records > 0 && matches!(import.what, What::Transcripts(_));
        is_some.then(|| {
            let records = count(gained.new_records, "record");
            format!("{records} of {}", import.from.as_str())
        })
    }
}

/// The text of the message; sealed where the files are.
pub(super) fn sealed(repo: &Repo, message: &Message) -> String {
    seal(repo, &message.text())
}

/// The text of a message; sealed where the files are.
pub(super) fn seal(repo: &Repo, text: &str) -> String {
    match repo.seal().filter(|_| repo.is_sealing()) {
        Some(seal) => format!("sync\n\n{SEALED}: {}\n", seal.seal_text(SEALED, text)),
        None => text.to_owned(),
    }
}

/// Whether a commit message is this tool's.
pub(super) fn is_ours(text: &str) -> bool {
    text.contains("\nMachine: ")
        || text.contains("\nSealed: ")
        || text.starts_with("set up claude-sync")
}

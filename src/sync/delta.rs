//! What a commit says: what this machine's files gained, as a subject for people and trailers for programs.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::SyncError;
use super::import::{Import, Imported, What};
use super::own::{month_blobs, own_months};
use crate::base::ids::{Interner, MachineId, SessionId};
use crate::base::money::Money;
use crate::base::text::{count, printable};
use crate::base::time::Day;
use crate::cache::Cache;
use crate::fleet::read::{self, Content};
use crate::format::dayfile::DayFile;
use crate::format::syncfile::Mode;
use crate::git::Oid;
use crate::git::repo::Repo;
use crate::record::Source;

/// What changed in one machine's day files between two trees.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Delta {
    /// Requests that are new.
    pub added: u64,
    /// Records that grew.
    pub grown: u64,
    /// The sessions of both.
    pub sessions: BTreeSet<SessionId>,
    /// What all that costs, by this version's prices.
    pub cost: Money,
    /// Days of which imported totals are new.
    pub imported: BTreeMap<Source, BTreeSet<Day>>,
}

/// Compares the machine's day files below two root trees. Months and files with equal ids are not opened, and of new files the digest
/// says all.
pub fn delta(
    repo: &Repo,
    before: Option<Oid>,
    after: Option<Oid>,
    machine: &MachineId,
    cache: &dyn Cache,
) -> Result<Delta, SyncError> {
    let mut out = Delta::default();
    let mut names = Interner::default();
    let mut cost = (Money::ZERO, Money::ZERO);
    let known = own_months(repo, before, machine)?;
    let mut changed = Vec::new();
    for (path, folder) in own_months(repo, after, machine)? {
        let old = known.get(&path);
        if old != Some(&folder) {
            let old = old.map_or(Ok(Vec::new()), |old| month_blobs(repo, &path, *old))?;
            let old: HashMap<String, Oid> = old
                .into_iter()
                .map(|(blob, ..)| (blob.path, blob.oid))
                .collect();
            changed.extend(
                month_blobs(repo, &path, folder)?
                    .into_iter()
                    .map(|(blob, day, _)| (old.get(&blob.path).copied(), blob, day)),
            );
        }
    }
    for (previous, blob, day) in changed {
        if previous == Some(blob.oid) {
            continue;
        }
        let digest = if previous.is_none() {
            cache.file(&blob.path, blob.oid)
        } else {
            None
        };
        if let Some(file) = digest.filter(|file| file.digest.sums.is_none()) {
            out.added = out.added.saturating_add(file.digest.records);
            cost.0 = cost.0.plus(file.digest.totals().cost.amount);
            out.sessions.extend(
                file.sessions
                    .iter()
                    .map(|sum| SessionId::new(names.name(&sum.id))),
            );
            continue;
        }
        let mut read = |oid: Option<Oid>| -> Result<DayFile, SyncError> {
            let bytes = match oid {
                Some(oid) => match read::content(repo, &blob.path, oid)? {
                    Content::Bytes(bytes) => bytes,
                    Content::TooLarge(_) | Content::Refused(_) => Vec::new(),
                },
                None => Vec::new(),
            };
            Ok(DayFile::read(machine, day, &bytes, &mut names)
                .map_or_else(|_| DayFile::new(machine.clone(), day), |(file, _)| file))
        };
        let (was, is) = (read(previous)?, read(Some(blob.oid))?);
        for record in is.records.iter() {
            match was.records.get(record.id) {
                // Less detail, or an earlier copy in another session, is no usage.
                Some(known) if known.fast == record.fast && known.body.same_row(&record.body) => {
                    continue;
                }
                Some(known) => {
                    out.grown += 1;
                    cost.1 = cost.1.plus(known.cost().amount);
                }
                None => out.added += 1,
            }
            cost.0 = cost.0.plus(record.cost().amount);
            out.sessions.insert(record.origin.session.clone());
        }
        for (key, sum) in is
            .sums
            .iter()
            .filter(|(key, _)| key.source != Source::Claim)
        {
            if was.sums.get(key).map(|sum| sum.totals) != Some(sum.totals) {
                out.imported.entry(key.source).or_default().insert(key.day);
            }
        }
    }
    out.cost = cost.0.minus(cost.1);
    Ok(out)
}

/// Who commits what, and why.
#[derive(Debug)]
pub struct Story<'a> {
    /// The machine.
    pub machine: &'a MachineId,
    /// Its name.
    pub hostname: &'a str,
    /// The run's mode; none where it wrote nothing of its own.
    pub mode: Option<Mode>,
    /// What its files gained.
    pub delta: &'a Delta,
    /// What it imports, and what came of that.
    pub imported: Option<(&'a Import, &'a Imported)>,
    /// It is the machine's first commit.
    pub first: bool,
    /// It begins a new history, without what is not kept.
    pub reroot: bool,
    /// That has another key.
    pub rotated: bool,
    /// Subjects of commits of the user's own that this one takes the place of.
    pub folded: &'a [String],
}

/// The trailer of a commit message that is sealed, and what it is sealed for.
pub const SEALED: &str = "Sealed";

/// The commit message.
pub fn message(story: &Story) -> String {
    let Story {
        machine,
        hostname,
        mode,
        delta,
        imported,
        first,
        reroot,
        rotated,
        folded,
    } = story;
    let name = if hostname.is_empty() {
        machine.short().to_owned()
    } else {
        printable(hostname, 40)
    };
    let records = delta.added.saturating_add(delta.grown);
    let mut sources: Vec<String> = delta
        .imported
        .iter()
        .map(|(origin, days)| format!("{} of {}", count(days.len() as u64, "day"), origin.as_str()))
        .collect();
    let what = match (mode, records, first) {
        _ if *reroot && *rotated => "begin a new history, with another key".to_owned(),
        _ if *reroot => "begin a new history, without what was forgotten".to_owned(),
        (None, ..) => "join what others wrote".to_owned(),
        (_, 0, _) if !sources.is_empty() => format!("import {}", sources.join(" and ")),
        (_, 0, true) => "first sync, no usage yet".to_owned(),
        (_, 0, false) => "nothing new".to_owned(),
        _ => {
            let grown = if delta.added == 0 { " completed" } else { "" };
            format!(
                "{}{grown} in {}, ${}",
                count(records, "record"),
                count(delta.sessions.len() as u64, "session"),
                delta.cost.cents()
            )
        }
    };
    let mut out = format!("sync {name}: {what}\n");
    if !folded.is_empty() {
        out.push_str("\nIncludes local commits:\n");
        for subject in *folded {
            out.push_str(&format!("- {}\n", printable(subject, 200)));
        }
    }
    let mode = mode.map_or("download", Mode::as_str);
    out.push_str(&format!(
        "\nMachine: {machine}\nMode: {mode}\nSessions: {}\nRecords-Added: {}\nRecords-Grown: {}\nCost-Added-USD: {}\n",
        delta.sessions.len(),
        delta.added,
        delta.grown,
        delta.cost
    ));
    if let Some((import, told)) = imported.filter(|(import, told)| {
        told.new_records > 0 && matches!(import.what, What::Transcripts(_))
    }) {
        sources.push(format!(
            "{} of {}",
            count(told.new_records, "record"),
            import.from.as_str()
        ));
    }
    sources
        .iter()
        .for_each(|source| out.push_str(&format!("Imported: {source}\n")));
    out
}

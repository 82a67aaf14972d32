//! The inputs of a front page.

use std::cmp::Ordering;

use sha2::{Digest as _, Sha256};

use crate::base::time::Day;
use crate::fleet::manifest::reference;
use crate::fleet::{DataError, Fleet, MachineView};
use crate::format::dayfile::hex;
use crate::format::manifest::RULES;
use crate::git::Oid;
use crate::git::repo::{FOLDER, Repo};
use crate::prices::TABLE;
use crate::record::Totals;

/// What the page is computed by, in its block: a lower version leaves the page alone. Goes up with
/// the rules of counting, with the edition of the prices, and by one with each change of what the
/// page shows for the same inputs.
pub(super) const VERSION: u64 = RULES + TABLE.edition + 1;

/// The day after the last one of the page: that of the latest sync, which may bring more of it, or
/// of later usage. `None` if there is no usage.
pub(super) fn until(fleet: &Fleet) -> Option<Day> {
    let used = fleet.last_usage()?.day();
    Some(reference(fleet).map_or(used, |synced| synced.day().max(used)))
}

/// Texts, hashed one after the other.
struct Texts(Sha256);

impl Texts {
    fn put(&mut self, text: &str) {
        self.0.update((text.len() as u64).to_be_bytes());
        self.0.update(text);
    }
}

/// A hash of all inputs of the page: the files of days before its end, and names, aliases and
/// claims of machines.
pub(super) fn inputs(
    repo: &Repo,
    archive: Option<Oid>,
    fleet: &Fleet,
) -> Result<String, DataError> {
    let mut hash = Texts(Sha256::new());
    hash.put(&VERSION.to_string());
    let end = until(fleet).map(Day::parts).unwrap_or_default();
    hash.put(&format!("{}-{}-{}", end.0, end.1, end.2));
    for (year, of_year) in folders(repo, archive)? {
        for (month, of_month) in folders(repo, Some(of_year))? {
            match (&year, &month).cmp(&(&end.0, &end.1)) {
                Ordering::Less => hash.put(&format!("{year}/{month} {of_month}")),
                Ordering::Greater => {}
                Ordering::Equal => {
                    let folder = format!("{year}/{month}");
                    last_month(repo, &folder, of_month, &end.2, &mut hash)?;
                }
            }
        }
    }
    for machine in &fleet.machines {
        of_machine(machine, fleet, &mut hash);
    }
    Ok(hex(hash.0)[..16].to_owned())
}

fn folders(repo: &Repo, tree: Option<Oid>) -> Result<Vec<(String, Oid)>, DataError> {
    let entries = repo.entries(tree)?.into_iter();
    let folders = entries.filter(|(_, entry)| entry.mode == FOLDER);
    Ok(folders.map(|(name, entry)| (name, entry.oid)).collect())
}

/// The files of a month's days before `end`.
fn last_month(
    repo: &Repo,
    folder: &str,
    month: Oid,
    end: &str,
    hash: &mut Texts,
) -> Result<(), DataError> {
    for (machine, files) in folders(repo, Some(month))? {
        for (file, entry) in repo.entries(Some(files))? {
            if file.split('.').next().is_some_and(|day| day < end) {
                hash.put(&format!("{folder}/{machine}/{file} {}", entry.oid));
            }
        }
    }
    Ok(())
}

/// A machine's name, where it counts, and its claims of format 1.0.
fn of_machine(machine: &MachineView, fleet: &Fleet, hash: &mut Texts) {
    let into = machine.merged_into.map(|at| fleet.machines[at].id.as_str());
    hash.put(machine.id.as_str());
    hash.put(&machine.label);
    hash.put(into.unwrap_or_default());
    let Some(file) = &machine.machine_file else {
        return;
    };
    if let Some(all) = &file.claimed {
        hash.put(&totals(&all.totals));
        for time in [all.first, all.last].into_iter().flatten() {
            hash.put(&time.to_string());
        }
    }
    for (id, session) in &file.sessions {
        let Some(claimed) = &session.claimed else {
            continue;
        };
        hash.put(id.as_str());
        hash.put(&totals(claimed));
        hash.put(
            &session
                .last_updated
                .map(|at| at.to_string())
                .unwrap_or_default(),
        );
    }
}

fn totals(totals: &Totals) -> String {
    let c = &totals.counters;
    let figures = [
        totals.requests,
        c.input,
        c.output,
        c.cache_creation,
        c.cache_read,
        c.cache_1h,
        c.web_search,
    ];
    let figures = figures.map(|figure| figure.to_string()).join(" ");
    format!("{figures} {} {}", totals.cost.amount, totals.cost.known)
}

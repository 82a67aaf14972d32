//! Reports: computed from the fleet's rows, as tables, as CSV, and as JSON in the format of
//! ccusage.

pub(crate) mod blocks;
pub(crate) mod budget;
mod choice;
pub(crate) mod conflicts;
mod csv;
mod dates;
pub(crate) mod diff;
pub(crate) mod explain;
pub(crate) mod export;
mod fold;
pub(crate) mod grid;
mod group;
mod group_builder;
mod json;
pub(crate) mod limits;
pub(crate) mod lines;
pub(crate) mod live;
mod look;
mod lower;
mod notes;
pub(crate) mod page;
mod slot;
mod table;
#[cfg(test)]
mod tag_tests;
mod zone;

pub(crate) use crate::base::text::ago;
pub(crate) use choice::{Bounds, ReportKind};
pub(crate) use choice::{Breakdown, Choice, CostMode, Machines, SortBy};
pub(crate) use csv::to_csv;
pub(crate) use fold::Fold;
pub(crate) use group::Group;
pub(crate) use group::Report;
pub(crate) use json::{dollars, write_json};
pub(crate) use look::{ColumnName, ColumnSet, Look, UNLIMITED};
pub(crate) use notes::no_usage;
pub(crate) use table::{price, to_table};
pub(crate) use zone::Zone;

use crate::base::ids::MachineId;
use crate::base::time::Timestamp;
use crate::cache::Cache;
use crate::cache::overview::Overview;
use crate::fleet::DataError;
use crate::fleet::read::{self, MachineData};
use crate::fleet::{Fleet, Rows, book};
use crate::format::manifest::MAX_CONFLICTS;
use crate::git::Oid;
use crate::git::repo::{Repo, RepoError};
use crate::prices::{PriceBook, Rule};
use crate::record::RecordSet;

/// The fleet as the repository's current commit has it, and each of its rows. None where there is
/// no commit yet.
pub(crate) fn from_repo(
    repo: &Repo,
    cache: &dyn Cache,
    rows: Rows,
) -> Result<Option<Fleet>, DataError> {
    let Some(head) = repo.synced()? else {
        return Ok(None);
    };
    from_tree(repo, repo.tree_of(head)?, cache, None, rows).map(Some)
}

/// The fleet as a root tree has it, and each of its rows, or at least each that is not before
/// `since`.
pub(crate) fn from_tree(
    repo: &Repo,
    root: Oid,
    cache: &dyn Cache,
    since: Option<Timestamp>,
    rows: Rows,
) -> Result<Fleet, DataError> {
    let trees = read::inputs(repo, Some(root))?;
    let overview = Overview::read(repo, trees, None, cache, rows)?;
    overview.show_rows(since, rows)?;
    let mut fleet = overview.fleet;
    fleet.conflicts.truncate(MAX_CONFLICTS);
    Ok(fleet)
}

/// The machines of the repository's current commit, without their records.
pub(crate) fn machines(repo: &Repo) -> Result<Option<Fleet>, DataError> {
    let Some(head) = repo.synced()? else {
        return Ok(None);
    };
    let trees = read::inputs(repo, Some(repo.tree_of(head)?))?;
    Ok(Some(Fleet::count(read::load(repo, trees.machine_files())?)))
}

/// The rules of the price book that the repository's current commit has.
pub(crate) fn price_rules(repo: &Repo) -> Result<Vec<Rule>, DataError> {
    let Some(head) = repo.head_commit()? else {
        return Ok(Vec::new());
    };
    let trees = read::inputs(repo, Some(repo.tree_of(head)?))?;
    let machines = read::load(repo, trees.machine_files())?;
    Ok(book::gather(machines.iter().filter_map(MachineData::machine_file)).0)
}

/// A fleet of one machine, from its current transcripts. Calls `rows` for each row.
pub(crate) fn from_records(
    machine: MachineId,
    records: RecordSet,
    book: PriceBook,
    rows: Rows,
) -> Fleet {
    let mut data = MachineData::new(machine);
    data.records = records;
    Fleet::count_by(vec![data], book, rows)
}

/// Opens the repository of the tracker.
pub(crate) fn open(path: &std::path::Path) -> Result<Option<Repo>, RepoError> {
    Repo::open(path)
}

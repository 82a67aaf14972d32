//! Where a figure comes from: the requests behind it, the lines and commits that hold them, and how their prices came about.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::NaiveDate;

use super::{Bounds, Zone};
use crate::base::ids::{Interner, MachineId, RecordId, SessionId};
use crate::base::time::{Day, Timestamp};
use crate::fleet::DataError;
use crate::fleet::read::{self, Content};
use crate::fleet::{Row, RowSource};
use crate::format::MAX_DAY_FILE;
use crate::format::line::{Line, read_line};
use crate::format::syncfile::SyncFile;
use crate::git::Oid;
use crate::git::repo::{FILE, Repo, RepoError};
use crate::prices::{Bill, Prices};
use crate::record::{Record, Totals, derived_id};
use crate::store::layout::Path;
use crate::transcripts;

/// What is to be explained, beside the machines and projects that are wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    /// All that there is.
    All,
    /// What happened on the days from one to another.
    Days(NaiveDate, NaiveDate),
    /// A session whose id begins so.
    Session(String),
    /// One record.
    Record(RecordId),
}

impl Subject {
    /// Reads a day, a month, a record's id, or a session's id or its beginning.
    pub fn parse(text: &str) -> Self {
        let day = |text: &str| Day::parse(text).map(Day::date);
        let compact = |text: &str| {
            let plain = text.len() == 8 && text.bytes().all(|b| b.is_ascii_digit());
            plain
                .then(|| NaiveDate::parse_from_str(text, "%Y%m%d").ok())
                .flatten()
        };
        if let Some(day) = day(text).or_else(|| compact(text)) {
            return Self::Days(day, day);
        }
        if let Some(first) = day(&format!("{text}-01")) {
            let last = first
                .checked_add_months(chrono::Months::new(1))
                .and_then(|next| next.pred_opt());
            return Self::Days(first, last.unwrap_or(first));
        }
        RecordId::parse(text).map_or_else(|| Self::Session(text.to_owned()), Self::Record)
    }

    /// The days that it is within.
    pub fn bounds(&self) -> Bounds {
        match self {
            Self::Days(first, last) => Bounds {
                since: Some(*first),
                until: Some(*last),
            },
            _ => Bounds::default(),
        }
    }
}

/// A line of the repository that holds a record.
#[derive(Debug, Clone)]
pub struct Copy {
    /// The machine that wrote it.
    pub machine: MachineId,
    /// The file.
    pub path: String,
    /// The line's number, from 1; 0 in a sync file, which is one document.
    pub line: u64,
    /// What it says.
    pub record: Record,
    /// The commit that brought it, and when.
    pub added: Option<(Oid, Timestamp)>,
}

/// Something that counts, with all that is known of it.
#[derive(Debug, Clone)]
pub struct Evidence {
    /// The record's id; none of what is no record.
    pub id: Option<RecordId>,
    /// The place of the machine that it counts for.
    pub machine: usize,
    /// Its session, where it is known.
    pub session: Option<SessionId>,
    /// Its project.
    pub project: String,
    /// Its model.
    pub model: String,
    /// Its time.
    pub at: Timestamp,
    /// What it adds.
    pub totals: Totals,
    /// Why it counts.
    pub source: RowSource,
    /// The last row of the request was not seen yet.
    pub provisional: bool,
    /// All copies joined.
    pub record: Option<Record>,
    /// Lines of the repository that hold it, by path.
    pub copies: Vec<Copy>,
    /// Lines that hold the same request without its id. They do not count.
    pub twins: Vec<Copy>,
    /// Rows of this machine's transcripts that record it.
    pub rows: Vec<transcripts::Row>,
}

impl Evidence {
    /// How its price came about; none without a record or a known price.
    pub fn bill(&self, prices: &Prices) -> Option<Bill> {
        let record = self.record.as_ref()?;
        let (model, at) = (&record.body.model, record.origin.timestamp);
        prices.bill(
            model,
            at,
            &record.body.counters,
            record.fast,
            record.body.inference_geo.as_deref(),
        )
    }
}

/// What is behind a figure, in the making.
#[derive(Debug)]
pub struct Explanation {
    subject: Subject,
    bounds: Bounds,
    zone: Zone,
    models: Vec<String>,
    /// The dearest first, once it is finished.
    pub found: Vec<Evidence>,
}

impl Explanation {
    /// Of rows within `bounds`, of models whose names contain one of `models`, or of all where there is none.
    pub fn new(subject: Subject, bounds: Bounds, zone: Zone, models: Vec<String>) -> Self {
        Self {
            subject,
            bounds,
            zone,
            models,
            found: Vec::new(),
        }
    }

    /// Adds a row, if it is part of the figure.
    pub fn add(&mut self, row: &Row) {
        let date = if row.is_day() {
            row.at.day().date()
        } else {
            self.zone.date(row.at)
        };
        let meant = match &self.subject {
            Subject::All | Subject::Days(..) => true,
            Subject::Session(begin) => row
                .session
                .is_some_and(|session| session.as_str().starts_with(begin.as_str())),
            Subject::Record(id) => row.id == Some(*id),
        };
        let wanted = self.models.is_empty()
            || self
                .models
                .iter()
                .any(|part| row.model.contains(part.as_str()));
        if meant && wanted && self.bounds.hold(date) && self.subject.bounds().hold(date) {
            self.found.push(Evidence {
                id: row.id,
                machine: row.machine,
                session: row.session.cloned(),
                project: row.project.to_owned(),
                model: row.model.to_owned(),
                at: row.at,
                totals: row.totals,
                source: row.source,
                provisional: row.provisional,
                record: None,
                copies: Vec::new(),
                twins: Vec::new(),
                rows: Vec::new(),
            });
        }
    }

    /// Keeps what counts for machines that are wanted, the dearest first.
    pub fn keep(&mut self, wanted: impl Fn(usize) -> bool) {
        self.found.retain(|one| wanted(one.machine));
        self.found.sort_by(|a, b| {
            let key = |one: &Evidence| (one.at, one.id, one.machine);
            b.totals
                .cost
                .amount
                .cmp(&a.totals.cost.amount)
                .then_with(|| key(a).cmp(&key(b)))
        });
    }

    /// Finds the lines of the repository's current commit that hold what was found.
    pub fn find_copies(&mut self, repo: &Repo) -> Result<(), DataError> {
        let Some(head) = repo.synced()? else {
            return Ok(());
        };
        let ids: HashMap<RecordId, usize> = self.places(|one| one.id);
        let twins = self.places(|one| {
            one.id
                .map(|_| derived_id(one.at, &one.model, &one.totals.counters))
        });
        let mut take = |copy: Copy| {
            if let Some(at) = ids.get(&copy.record.id) {
                self.found[*at].copies.push(copy);
            } else if let Some(at) = twins.get(&copy.record.id).filter(|_| copy.record.derived) {
                self.found[*at].twins.push(copy);
            }
        };
        let mut names = Interner::default();
        for blob in repo
            .blobs(Some(repo.tree_of(head)?), crate::store::layout::ROOT)?
            .into_iter()
            .filter(|blob| blob.mode == FILE)
        {
            let kind = Path::parse(&blob.path);
            let (Path::Machine(machine) | Path::Day(machine, ..)) = &kind else {
                continue;
            };
            let Content::Bytes(bytes) = read::content(repo, &blob.path, blob.oid)? else {
                continue;
            };
            let copy = |line, record| Copy {
                machine: machine.clone(),
                path: blob.path.clone(),
                line,
                record,
                added: None,
            };
            if let Path::Day(_, day, _) = &kind {
                lines(&bytes, *day, &mut names, |line, record| {
                    take(copy(line, record))
                });
            } else if let Ok(page) = SyncFile::read(machine, &bytes, &mut names) {
                page.sessions
                    .values()
                    .flat_map(|session| session.records.iter())
                    .for_each(|record| take(copy(0, record)));
            }
        }
        // A sync file repeats what the day files have.
        for one in &mut self.found {
            let days: BTreeSet<MachineId> = one
                .copies
                .iter()
                .filter(|copy| copy.line > 0)
                .map(|copy| copy.machine.clone())
                .collect();
            one.copies
                .retain(|copy| copy.line > 0 || !days.contains(&copy.machine));
        }
        Ok(())
    }

    /// Finds the rows of this machine's transcripts that record what was found.
    pub fn find_rows(&mut self, folders: &transcripts::Folders, naming: &transcripts::Naming) {
        let ids: HashMap<RecordId, usize> = self.places(|one| one.id);
        for row in transcripts::rows(folders, naming, |record| ids.contains_key(&record.id)) {
            if let Some(at) = ids.get(&row.record.id) {
                self.found[*at].rows.push(row);
            }
        }
    }

    /// Joins what the copies say: the record that counts.
    pub fn join(&mut self) {
        for one in &mut self.found {
            let mut all: Vec<Record> = one.copies.iter().map(|copy| copy.record.clone()).collect();
            if all.is_empty() {
                all = one.rows.iter().map(|row| row.record.clone()).collect();
            }
            one.record = all.into_iter().reduce(Record::join_machines);
        }
    }

    /// Finds the commits that brought the copies of the first of what was found.
    pub fn find_commits(&mut self, repo: &Repo, most: usize) -> Result<(), DataError> {
        let Some(head) = repo.synced()? else {
            return Ok(());
        };
        let mut files: BTreeMap<&str, History> = BTreeMap::new();
        for copy in self
            .found
            .iter()
            .take(most)
            .flat_map(|one| &one.copies)
            .filter(|copy| copy.line > 0)
        {
            files
                .entry(copy.path.as_str())
                .or_default()
                .added
                .insert(copy.record.id, None);
        }
        let mut names = Interner::default();
        let mut steps = Steps::default();
        for (commit, seconds, _) in repo.commits(head, MOST_COMMITS)? {
            let root = repo.tree_of(commit)?;
            let at =
                Timestamp::from_millis(seconds.saturating_mul(1000)).unwrap_or(Timestamp::EPOCH);
            for (path, file) in &mut files {
                let blob = steps.walk(repo, root, path)?;
                if blob != file.blob {
                    file.blob = blob;
                    file.here.clear();
                    // Versions from before the fleet was encrypted brought records too.
                    if let Some(bytes) = blob
                        .map(|oid| any_version(repo, oid))
                        .transpose()?
                        .flatten()
                    {
                        let Path::Day(_, day, _) = Path::parse(path) else {
                            continue;
                        };
                        lines(&bytes, day, &mut names, |_, record| {
                            file.here.push(record.id)
                        });
                    }
                }
                for id in &file.here {
                    if let Some(added) = file.added.get_mut(id) {
                        *added = Some((commit, at));
                    }
                }
            }
        }
        let added: BTreeMap<String, _> = files
            .into_iter()
            .map(|(path, file)| (path.to_owned(), file.added))
            .collect();
        for copy in self
            .found
            .iter_mut()
            .take(most)
            .flat_map(|one| &mut one.copies)
        {
            copy.added = added
                .get(&copy.path)
                .and_then(|ids| ids.get(&copy.record.id).copied().flatten());
        }
        Ok(())
    }

    fn places(&self, id: impl Fn(&Evidence) -> Option<RecordId>) -> HashMap<RecordId, usize> {
        self.found
            .iter()
            .enumerate()
            .filter_map(|(at, one)| Some((id(one)?, at)))
            .collect()
    }
}

/// A file on its way back through the commits.
#[derive(Default)]
struct History {
    /// The version that was seen last.
    blob: Option<Oid>,
    /// The records in it.
    here: Vec<RecordId>,
    /// For each record that is asked for, the oldest commit so far that has it.
    added: BTreeMap<RecordId, Option<(Oid, Timestamp)>>,
}

/// What stands where in trees. Commits share most of theirs.
#[derive(Default)]
struct Steps(HashMap<(Oid, String), Option<Oid>>);

impl Steps {
    fn walk(&mut self, repo: &Repo, root: Oid, path: &str) -> Result<Option<Oid>, DataError> {
        let mut at = root;
        for name in path.split('/') {
            let key = (at, name.to_owned());
            let next = match self.0.get(&key) {
                Some(next) => *next,
                None => *self
                    .0
                    .entry(key)
                    .or_insert(repo.entry(Some(at), name)?.map(|entry| entry.oid)),
            };
            let Some(next) = next else { return Ok(None) };
            at = next;
        }
        Ok(Some(at))
    }
}

/// So many commits are looked through.
const MOST_COMMITS: usize = 100_000;

/// A version of a file in the history, whatever it is sealed with; none where it cannot be read here.
fn any_version(repo: &Repo, oid: Oid) -> Result<Option<Vec<u8>>, DataError> {
    if !repo.is_blob_within(oid, MAX_DAY_FILE)? {
        return Ok(None);
    }
    match repo.blob(oid) {
        Err(RepoError::Sealed(_)) => Ok(None),
        read => Ok(Some(read?)),
    }
}

/// Gives the records of a day file with their lines' numbers.
fn lines(bytes: &[u8], day: Day, names: &mut Interner, mut take: impl FnMut(u64, Record)) {
    for (number, line) in (1..).zip(bytes.split(|b| *b == b'\n')) {
        if let Ok(text) = std::str::from_utf8(line)
            && let Some(Line::Record(record, _)) = read_line(text, day, names)
        {
            take(number, record);
        }
    }
}

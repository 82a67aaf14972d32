//! History from elsewhere: what a file or a folder is, and what of it a run takes in.

mod ccusage;
mod stats_cache;

use std::collections::BTreeSet;
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use chrono::NaiveDate;
use serde_json::Value;

use super::ReadReport;
use crate::base::ids::{MachineId, Name, SessionId};
use crate::base::json::Extra;
use crate::base::money::{Cost, Money};
use crate::base::progress::Watcher;
use crate::base::text::printable;
use crate::base::time::{Day, Timestamp};
use crate::fleet::rules::Rules;
use crate::prices::{Counters, prices};
use crate::record::{MAX_COUNTER, RecordSet, Source, State, Sum, SumKey, Totals};
use crate::transcripts::{self, Naming};

/// The largest file that is read. Ten years of ccusage's days have a few megabytes.
const MOST: u64 = 32 << 20;

/// Where history comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Provenance {
    /// Claude Code's `stats-cache.json`.
    StatsCache,
    /// The JSON of `ccusage claude daily`.
    Ccusage,
    /// A `projects` folder.
    Projects,
    /// A copy of Claude Code's folder.
    Backup,
}

impl Provenance {
    /// Its word on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::StatsCache => "stats-cache",
            Self::Ccusage => "ccusage",
            Self::Projects => "projects",
            Self::Backup => "backup",
        }
    }
}

/// What is to be imported.
#[derive(Debug, Clone)]
pub struct Import {
    /// Where it comes from.
    pub from: Provenance,
    /// What there is.
    pub what: What,
}

/// What a file or a folder holds.
#[derive(Debug, Clone)]
pub enum What {
    /// Transcripts below a folder.
    Transcripts(PathBuf),
    /// Sums of days.
    Sums(Vec<(SumKey, Sum)>),
}

/// What came of an import.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Imported {
    /// Days that the file tells of.
    pub days: u64,
    /// Days of which something is new, beyond what was imported before.
    pub new_days: u64,
    /// Days of which records show all.
    pub shown_days: u64,
    /// Requests in the transcripts.
    pub records: u64,
    /// Requests that are new, or of which the transcripts tell more.
    pub new_records: u64,
    /// What reading the transcripts was like.
    pub read: ReadReport,
}

impl Imported {
    /// Takes over what a tree gained by it.
    pub(super) fn see(&mut self, gained: &Self) {
        self.new_days = self.new_days.max(gained.new_days);
        self.shown_days = self.shown_days.max(gained.shown_days);
        self.new_records = self.new_records.max(gained.new_records);
    }
}

/// Why something cannot be imported.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// It is not there, or not to be read.
    #[error("failed to read {}", path.display())]
    Read {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It is longer than any such file.
    #[error("{} has more than {} MB", path.display(), MOST >> 20)]
    TooLarge {
        /// The file.
        path: PathBuf,
    },
    /// It is none of the kinds that are known.
    #[error("{}: {why}", path.display())]
    Unknown {
        /// The file or folder.
        path: PathBuf,
        /// What it lacks.
        why: String,
    },
    /// A part of it is not what it should be.
    #[error("{}: {place}: {want}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// Which part.
        place: String,
        /// What is wrong with it.
        want: &'static str,
    },
}

/// The first and the last millisecond of a date, where it is one.
pub type Days<'a> = &'a dyn Fn(NaiveDate) -> Option<(Timestamp, Timestamp)>;

/// What is wrong with a part of a file: which, and what.
type Wrong = (String, &'static str);

impl Import {
    /// Looks at a file or a folder. `days` says when ccusage's days begin and end; none of them may be after `now`.
    pub fn open(
        path: &Path,
        told: Option<Provenance>,
        days: Days<'_>,
        now: Timestamp,
    ) -> Result<Self, ImportError> {
        let meta = std::fs::metadata(path).map_err(|source| ImportError::Read {
            path: path.to_owned(),
            source,
        })?;
        if meta.is_dir() {
            Self::folder(path, told)
        } else {
            Self::file(path, told, days, now)
        }
    }

    fn folder(path: &Path, told: Option<Provenance>) -> Result<Self, ImportError> {
        let unknown = |why: &str| {
            Err(ImportError::Unknown {
                path: path.to_owned(),
                why: why.to_owned(),
            })
        };
        let projects = path.join("projects");
        let from = told.unwrap_or(if projects.is_dir() {
            Provenance::Backup
        } else {
            Provenance::Projects
        });
        match from {
            Provenance::Backup if !projects.is_dir() => {
                unknown("there is no folder \"projects\" in it")
            }
            Provenance::Backup => Ok(Self {
                from,
                what: What::Transcripts(projects),
            }),
            Provenance::Projects => Ok(Self {
                from,
                what: What::Transcripts(path.to_owned()),
            }),
            Provenance::StatsCache | Provenance::Ccusage => unknown("it is a folder, not a file"),
        }
    }

    fn file(
        path: &Path,
        told: Option<Provenance>,
        days: Days<'_>,
        now: Timestamp,
    ) -> Result<Self, ImportError> {
        let read = |source| ImportError::Read {
            path: path.to_owned(),
            source,
        };
        let unknown = |why: &str| ImportError::Unknown {
            path: path.to_owned(),
            why: why.to_owned(),
        };
        if let Some(Provenance::Projects | Provenance::Backup) = told {
            return Err(unknown("it is a file, not a folder"));
        }
        let mut bytes = Vec::new();
        File::open(path)
            .map_err(read)?
            .take(MOST + 1)
            .read_to_end(&mut bytes)
            .map_err(read)?;
        if bytes.len() as u64 > MOST {
            return Err(ImportError::TooLarge {
                path: path.to_owned(),
            });
        }
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
        let value: Value = serde_json::from_slice(bytes)
            .map_err(|error| unknown(&format!("it is no JSON: {error}")))?;
        let from = match told {
            Some(from) => from,
            None if value.get("daily").is_some() => Provenance::Ccusage,
            None if value.get("dailyModelTokens").is_some() => Provenance::StatsCache,
            None if [
                "session", "sessions", "weekly", "monthly", "blocks", "projects",
            ]
            .iter()
            .any(|key| value.get(key).is_some()) =>
            {
                return Err(unknown("it does not tell of days"));
            }
            None => {
                return Err(unknown(
                    "it is neither ccusage's report by day nor Claude Code's stats-cache.json",
                ));
            }
        };
        let sums = match from {
            Provenance::StatsCache => stats_cache::read(&value, now),
            _ => ccusage::read(&value, days, now),
        };
        match sums {
            Ok(sums) => Ok(Self {
                from,
                what: What::Sums(sums),
            }),
            Err((place, want)) => Err(ImportError::Malformed {
                path: path.to_owned(),
                place: printable(&place, 200),
                want,
            }),
        }
    }
}

/// What a run takes in beside its own transcripts.
#[derive(Debug, Default)]
pub(super) struct History {
    /// Requests.
    pub records: RecordSet,
    /// Sums of days.
    pub sums: Vec<(SumKey, Sum)>,
    /// States of Claude Code's accounts, of the own transcripts too.
    pub states: Vec<State>,
}

impl History {
    pub fn is_empty(&self) -> bool {
        self.records.is_empty() && self.sums.is_empty() && self.states.is_empty()
    }

    /// What of it the fleet's rules keep.
    pub fn kept(&self, rules: &Rules, machine: &MachineId) -> Self {
        let kept = |(key, sum): &&(SumKey, Sum)| rules.keeps_sum(machine, key, sum);
        let increments = self.increments();
        let (known, _) = rules.keep(machine, &increments);
        let is_kept = |state: &&State| state.increments().any(|record| known.contains(record.id));
        Self {
            records: rules.keep(machine, &self.records).0.into_owned(),
            sums: self.sums.iter().filter(kept).cloned().collect(),
            states: self.states.iter().filter(is_kept).cloned().collect(),
        }
    }

    /// The increments that its states make, before they are settled.
    pub fn increments(&self) -> RecordSet {
        self.states.iter().flat_map(State::increments).collect()
    }

    /// Reads what is to be imported, and says what reading was like.
    pub fn of(
        import: Option<&Import>,
        own: &transcripts::Reading,
        naming: &Naming,
        watcher: &Watcher,
    ) -> (Self, Imported) {
        let mut told = Imported::default();
        let mut out = Self {
            states: own.states.clone(),
            ..Self::default()
        };
        match import.map(|import| &import.what) {
            None => {}
            Some(What::Sums(sums)) => {
                out.sums.clone_from(sums);
                told.days = sums
                    .iter()
                    .map(|(key, _)| key.day)
                    .collect::<BTreeSet<Day>>()
                    .len() as u64;
            }
            Some(What::Transcripts(folder)) => {
                let reading = transcripts::read_below(folder, naming, watcher);
                told.read = ReadReport::from(&reading);
                told.records = reading.records.len() as u64;
                out.records = reading.records;
                out.states.extend(reading.states);
            }
        }
        (out, told)
    }
}

/// A count of tokens.
fn number(value: Option<&Value>, place: impl Fn() -> String) -> Result<u64, Wrong> {
    match value {
        None | Some(Value::Null) => Ok(0),
        Some(value) => value
            .as_u64()
            .filter(|number| *number <= MAX_COUNTER)
            .ok_or_else(|| (place(), "it is no count of tokens")),
    }
}

/// An amount in dollars; none where nobody says.
fn money(value: Option<&Value>, place: impl Fn() -> String) -> Result<Option<Money>, Wrong> {
    match value {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Number(number)) => Money::parse(number.as_str())
            .map(Some)
            .ok_or_else(|| (place(), "it is no amount of dollars")),
        Some(_) => Err((place(), "it is no amount of dollars")),
    }
}

/// A date, and not one that is yet to come. A clock elsewhere may be a day ahead.
fn date(value: Option<&Value>, now: Timestamp, place: impl Fn() -> String) -> Result<Day, Wrong> {
    let day = value
        .and_then(Value::as_str)
        .and_then(Day::parse)
        .ok_or_else(|| (place(), "it is no date such as 2026-01-31"))?;
    let ahead = day
        .date()
        .signed_duration_since(now.day().date())
        .num_days();
    if ahead > 1 {
        Err((place(), "it is a date that is yet to come"))
    } else {
        Ok(day)
    }
}

/// A model's name, as records have it: ccusage marks fast requests in it. None for rows that stand for no model.
fn model(name: &str) -> Option<Name> {
    let name = name
        .strip_suffix("-fast")
        .filter(|name| name.starts_with("claude-"))
        .unwrap_or(name);
    (name != "<synthetic>").then(|| crate::prices::model_name(name).into())
}

/// The sum of one day and model. Where its source states no cost, it costs what its tokens do.
fn sum(
    source: Source,
    mark: &str,
    day: Day,
    model: Name,
    counters: Counters,
    cost: Option<Cost>,
    window: (Timestamp, Timestamp),
) -> (SumKey, Sum) {
    let cost = cost.unwrap_or_else(|| prices().cost_of_many(&model, day.start(), &counters));
    let sum = Sum {
        window: Some(window.into()),
        project: format!("import+{}", source.as_str()),
        totals: Totals {
            requests: 0,
            counters,
            cost,
        },
        deducted: None,
        extra: Extra::new(),
    };
    (
        SumKey {
            source,
            day,
            mark: mark.into(),
            session: SessionId::new(Name::default()),
            model,
        },
        sum,
    )
}

//! Which rows a report is about, and reading them.

use std::collections::BTreeSet;

use chrono::NaiveDate;
use clap::ValueEnum;

use super::env::Env;
use super::error::CliError;
use super::{exit, machine, source};
use crate::base::ids::MachineId;
use crate::base::progress::Step;
use crate::base::text::{nearest, printable};
use crate::base::time::Timestamp;
use crate::fleet::{Fleet, Row, Rows};
use crate::record::Totals;
use crate::report::{Bounds, Mode, Zone};
use crate::store::Places;

/// Which rows count.
#[derive(Debug, clap::Args)]
pub struct Filter {
    /// Where figures come from: the synced repository, or this machine's transcripts
    #[arg(long, value_enum, default_value = "sync")]
    pub source: Source,
    /// The first day (YYYY-MM-DD or YYYYMMDD)
    #[arg(short, long, value_name = "DAY", value_parser = date)]
    pub since: Option<NaiveDate>,
    /// The last day (YYYY-MM-DD or YYYYMMDD)
    #[arg(short, long, value_name = "DAY", value_parser = date)]
    pub until: Option<NaiveDate>,
    /// The time zone in which days begin, such as Europe/Berlin or UTC
    #[arg(short = 'z', long, value_name = "ZONE", default_value = "local", value_parser = zone)]
    pub timezone: Zone,
    /// Only projects whose name contains this; may be given several times
    #[arg(short, long, value_name = "NAME")]
    pub project: Vec<String>,
    /// Only the machine with this name or id; may be given several times
    #[arg(long, value_name = "NAME")]
    pub machine: Vec<String>,
    /// Which cost counts: by the price list, or what old versions of Claude Code wrote beside each request
    #[arg(long, value_enum, default_value = "calculate")]
    pub mode: CostMode,
    /// Exclude usage that is only in Claude Code's own account, not in request lines
    #[arg(long)]
    pub requests_only: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum CostMode {
    /// What was written, else by price
    Auto,
    /// By price
    Calculate,
    /// What was written, and nothing else
    Display,
}

impl From<CostMode> for Mode {
    fn from(mode: CostMode) -> Self {
        match mode {
            CostMode::Auto => Self::Auto,
            CostMode::Calculate => Self::Calculate,
            CostMode::Display => Self::Display,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Source {
    Sync,
    Local,
}

/// Reads a day of the command line.
pub fn date(text: &str) -> Result<NaiveDate, String> {
    let plain = text.len() == 8 && text.bytes().all(|b| b.is_ascii_digit());
    let dashed = crate::base::time::Day::parse(text).map(crate::base::time::Day::date);
    dashed
        .or_else(|| {
            plain
                .then(|| NaiveDate::parse_from_str(text, "%Y%m%d").ok())
                .flatten()
        })
        .ok_or_else(|| "no such day; write 2026-11-23 or 20261123".to_owned())
}

/// Reads a day of the week of the command line.
pub fn weekday(text: &str) -> Result<chrono::Weekday, String> {
    text.parse()
        .map_err(|_| "write a day of the week, such as monday".to_owned())
}

/// Reads a time zone of the command line.
pub fn zone(text: &str) -> Result<Zone, String> {
    Zone::parse(text).map_err(|near| match near {
        Some(near) => format!("no such time zone; did you mean {near}?"),
        None => {
            "no such time zone; write a name of the IANA database such as Europe/Berlin, or UTC"
                .to_owned()
        }
    })
}

/// The fleet, and which of its machines are wanted.
pub struct Found {
    pub fleet: Fleet,
    /// All where there is none.
    pub machines: Vec<MachineId>,
}

impl Found {
    /// Whether rows of the machine at this place count.
    pub fn wants(&self, at: usize) -> bool {
        self.machines.is_empty() || self.machines.contains(&self.fleet.machines[at].id)
    }
}

/// Reads the synced fleet, at least its rows since a time.
type Synced = fn(&Places, Option<Timestamp>, Rows) -> Result<Fleet, CliError>;

impl Filter {
    /// Shows the rows of the projects that are wanted, at least all within `bounds`. Which machines are wanted is known afterwards.
    pub fn read(&self, env: &Env, bounds: Bounds, rows: Rows) -> Result<Found, CliError> {
        self.read_by(env, (source::synced, false), bounds, rows)
    }

    /// As [`Self::read`], with increments of accounts that say nothing new.
    pub fn read_all(&self, env: &Env, bounds: Bounds, rows: Rows) -> Result<Found, CliError> {
        self.read_by(env, (source::synced, true), bounds, rows)
    }

    /// As [`Self::read`], with the ids of records, which takes longer.
    pub fn read_with_ids(&self, env: &Env, bounds: Bounds, rows: Rows) -> Result<Found, CliError> {
        self.read_by(env, (source::synced_with_ids, false), bounds, rows)
    }

    fn read_by(
        &self,
        env: &Env,
        (synced, zeros): (Synced, bool),
        bounds: Bounds,
        rows: Rows,
    ) -> Result<Found, CliError> {
        if let (Some(since), Some(until)) = (bounds.since, bounds.until)
            && since > until
        {
            return Err(CliError::plain(
                "--since is later than --until",
                "claude_sync::usage",
                exit::USAGE,
                "swap the two days",
            ));
        }
        let mut projects = Projects::new(&self.project);
        let mode = Mode::from(self.mode);
        let mut add = |row: &Row<'_>| {
            let left_out =
                row.is_ledger() && (self.requests_only || row.totals.is_zero() && !zeros);
            if projects.wants(row.project) && !left_out {
                rows(&Row {
                    totals: Totals {
                        cost: mode.cost(row),
                        ..row.totals
                    },
                    ..*row
                });
            }
        };
        let places = Env::places()?;
        // Whether there is a project at all, all rows tell.
        let since = bounds
            .since
            .filter(|_| self.project.is_empty())
            .and_then(Zone::before);
        let fleet = match self.source {
            Source::Sync => {
                let watcher = env.watcher();
                let _doing = watcher.begin(Step::Synced, 0);
                synced(&places, since, &mut add)?
            }
            Source::Local => source::local(&places, env, &mut add)?,
        };
        projects.check()?;
        let machines = self
            .machine
            .iter()
            .map(|name| called(&fleet, name))
            .collect::<Result<Vec<_>, _>>()?;
        Ok(Found { fleet, machines })
    }
}

/// The projects that were asked for, by parts of their names.
struct Projects<'a> {
    parts: &'a [String],
    /// Some projects that are there, as long as none was found that is wanted.
    others: Option<BTreeSet<String>>,
}

impl<'a> Projects<'a> {
    fn new(parts: &'a [String]) -> Self {
        Self {
            parts,
            others: (!parts.is_empty()).then(BTreeSet::new),
        }
    }

    fn wants(&mut self, project: &str) -> bool {
        if self.parts.is_empty()
            || self
                .parts
                .iter()
                .any(|part| project.contains(part.as_str()))
        {
            self.others = None;
            return true;
        }
        if let Some(others) = self
            .others
            .as_mut()
            .filter(|others| others.len() < 1000 && !others.contains(project))
        {
            others.insert(project.to_owned());
        }
        false
    }

    /// Fails where none of them is there.
    fn check(&self) -> Result<(), CliError> {
        let (Some(others), Some(part)) = (
            self.others.as_ref().filter(|others| !others.is_empty()),
            self.parts.first(),
        ) else {
            return Ok(());
        };
        let near = nearest(part, others.iter().map(String::as_str))
            .map(|near| format!("did you mean {}? ", printable(near, 100)));
        let help = format!(
            "{}claude-usage-tracker projects shows all",
            near.unwrap_or_default()
        );
        Err(CliError::plain(
            &format!("no project's name contains \"{part}\""),
            "claude_sync::no_project",
            exit::USAGE,
            help,
        ))
    }
}

/// The id of the machine that a person means; of one that was merged into another, that one's.
fn called(fleet: &Fleet, name: &str) -> Result<MachineId, CliError> {
    let found = machine::find(fleet, name)?;
    Ok(found
        .merged_into
        .map_or(&found.id, |at| &fleet.machines[at].id)
        .clone())
}

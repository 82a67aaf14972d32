//! The filter of reports: its options, and reading the rows that match.

use super::days::{DayArg, LastPeriods, day, last};
use super::env::Env;
use super::error::CliError;
use super::machine_filter::MachineFilter;
use super::projects::Projects;
use super::source::Extent;
use super::{exit, places, source};
use clap::ValueEnum;

use crate::base::ids::MachineId;
use crate::base::progress::Step;
use crate::base::time::Timestamp;
use crate::fleet::{Fleet, Row, Rows};
use crate::record::Totals;
use crate::report::{Bounds, Choice, CostMode, Zone};
use crate::store::Places;

/// The options that select rows.
#[derive(Debug, clap::Args)]
pub(crate) struct Filter {
    /// Data source: the synced repository or this machine's transcripts [default: sync, if
    /// claude-sync is set up]
    #[arg(long, value_enum)]
    pub(crate) source: Option<DataSource>,
    /// Exclude this machine's usage since its last sync
    #[arg(long)]
    pub(crate) synced_only: bool,
    /// First day: 2026-11-23, 20261123, today, yesterday, monday, or how long ago (3d, 2w, 1m)
    #[arg(short, long, value_name = "DAY", value_parser = day)]
    pub(crate) since: Option<DayArg>,
    /// Last day
    #[arg(short, long, value_name = "DAY", value_parser = day)]
    pub(crate) until: Option<DayArg>,
    /// Only the last N days, weeks or months, with the current one: 7d, 4w or 3m [default unit:
    /// days; weeks in weekly, months in monthly]
    #[arg(long, value_name = "N[d|w|m]", conflicts_with_all = ["since", "until"], value_parser = last)]
    pub(crate) last: Option<LastPeriods>,
    /// First day of a week
    #[arg(short = 'w', long, value_name = "DAY", default_value = "sunday", value_parser = weekday)]
    start_of_week: chrono::Weekday,
    /// Time zone of days, such as Europe/Berlin or UTC
    #[arg(short = 'z', long, value_name = "ZONE", default_value = "local", value_parser = zone)]
    pub(crate) timezone: Zone,
    /// Only projects whose name contains this; may be given several times
    #[arg(short, long, value_name = "NAME")]
    pub(crate) project: Vec<String>,
    #[command(flatten)]
    pub(crate) machines: MachineFilter,
    /// Which cost counts: computed from prices, or logged by old versions of Claude Code. (--mode
    /// of claude-sync has another meaning: which lines to read.)
    #[arg(long, value_enum, default_value = "calculate")]
    pub(crate) mode: CostModeArg,
    /// Exclude usage that is only in Claude Code's own account, not in request lines
    #[arg(long)]
    pub(crate) requests_only: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum CostModeArg {
    /// Logged cost if there is one, else computed cost
    Auto,
    /// Computed cost
    Calculate,
    /// Logged cost only
    Display,
}

impl From<CostModeArg> for CostMode {
    fn from(mode: CostModeArg) -> Self {
        match mode {
            CostModeArg::Auto => Self::Auto,
            CostModeArg::Calculate => Self::Calculate,
            CostModeArg::Display => Self::Display,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum DataSource {
    Sync,
    Local,
}

/// Parses a day of the week.
fn weekday(text: &str) -> Result<chrono::Weekday, String> {
    text.parse()
        .map_err(|_| "write a day of the week, such as monday".to_owned())
}

/// Parses a time zone.
pub(crate) fn zone(text: &str) -> Result<Zone, String> {
    Zone::parse(text).map_err(|near| match near {
        Some(near) => format!("no such time zone; did you mean {near}?"),
        None => {
            "no such time zone; write a name of the IANA database such as Europe/Berlin, or UTC"
                .to_owned()
        }
    })
}

/// The fleet, and the machines that the filter selects.
pub(crate) struct SelectedFleet {
    pub(crate) fleet: Fleet,
    /// Empty: all machines.
    pub(crate) machines: Vec<MachineId>,
    /// It was read from the repository, not from this machine's transcripts alone.
    pub(crate) is_synced: bool,
    /// When the figures of other machines are from, if there are any.
    pub(crate) as_of: Option<Timestamp>,
}

impl SelectedFleet {
    /// Whether the filter selects the machine at an index.
    pub(crate) fn wants(&self, index: usize) -> bool {
        self.machines.is_empty() || self.machines.contains(&self.fleet.machines[index].id)
    }
}

impl Filter {
    /// The days of `--since` and `--until`, or of `--last`, which end today.
    pub(crate) fn bounds(&self, now: Timestamp) -> Bounds {
        let choice = Choice {
            week_start: self.week_start(),
            ..Choice::default()
        };
        self.bounds_by(now, 'd', &choice)
    }

    /// The first day of a week: days from Monday.
    pub(crate) fn week_start(&self) -> u32 {
        self.start_of_week.num_days_from_monday()
    }

    /// Like [`Self::bounds`]; `unit`: that of a number in `--last`; `choice`: where weeks and
    /// months begin.
    pub(crate) fn bounds_by(&self, now: Timestamp, unit: char, choice: &Choice) -> Bounds {
        let today = self.timezone.date(now);
        // Usage by a clock that is ahead is none of the last days.
        if let Some(last) = self.last {
            return Bounds {
                since: Some(last.first_day(unit, choice, today)),
                until: Some(today),
            };
        }
        Bounds {
            since: self.since.map(|day| day.on(today)),
            until: self.until.map(|day| day.on(today)),
        }
    }

    /// Reads the rows of the selected projects within `bounds`, and maybe others before it. Rows of
    /// all machines are read; [`SelectedFleet`] contains the selection.
    pub(crate) fn read(
        &self,
        env: &Env,
        bounds: Bounds,
        rows: Rows,
    ) -> Result<SelectedFleet, CliError> {
        self.read_by(env, (false, false), bounds, rows)
    }

    /// Like [`Self::read`], with increments of accounts that are 0.
    pub(crate) fn read_all(
        &self,
        env: &Env,
        bounds: Bounds,
        rows: Rows,
    ) -> Result<SelectedFleet, CliError> {
        self.read_by(env, (false, true), bounds, rows)
    }

    /// Like [`Self::read`], with the ids of records, which takes longer.
    pub(crate) fn read_with_ids(
        &self,
        env: &Env,
        bounds: Bounds,
        rows: Rows,
    ) -> Result<SelectedFleet, CliError> {
        self.read_by(env, (true, false), bounds, rows)
    }

    fn read_by(
        &self,
        env: &Env,
        (with_ids, zeros): (bool, bool),
        bounds: Bounds,
        rows: Rows,
    ) -> Result<SelectedFleet, CliError> {
        check_order(bounds)?;
        check_source(self)?;
        let mut projects = Projects::new(&self.project);
        let mode = CostMode::from(self.mode);
        let mut add = |row: &Row<'_>| {
            let is_empty = row.totals.is_zero() && !zeros;
            let left_out = row.is_ledger() && (self.requests_only || is_empty);
            if projects.wants(row.project) && !left_out {
                let cost = mode.cost(row);
                let totals = Totals { cost, ..row.totals };
                rows(&Row { totals, ..*row });
            }
        };
        // Whether a project exists at all shows only in all rows.
        let since = bounds
            .since
            .filter(|_| self.project.is_empty())
            .and_then(Zone::before);
        let extent = Extent {
            since,
            with_ids,
            synced_only: self.synced_only,
        };
        let places = places::find()?;
        let (fleet, is_synced) = self.read_source(&places, env, extent, &mut add)?;
        projects.check()?;
        let machines = self.machines.select(&fleet)?;
        let as_of = is_synced.then(|| source::others_as_of(&places, &fleet));
        Ok(SelectedFleet {
            fleet,
            machines,
            is_synced,
            as_of: as_of.flatten(),
        })
    }

    /// Reads the fleet from the data source, and calls `rows` for each row. Returns whether that is
    /// the repository.
    fn read_source(
        &self,
        places: &Places,
        env: &Env,
        extent: Extent,
        rows: Rows,
    ) -> Result<(Fleet, bool), CliError> {
        if self.source != Some(DataSource::Local) {
            let watcher = env.watcher();
            let _step = watcher.begin(Step::Synced, 0);
            if let Some(fleet) = source::fleet(places, (env.now, &watcher), extent, rows)? {
                return Ok((fleet, true));
            }
        }
        if self.source == Some(DataSource::Sync) || self.synced_only {
            return Err(source::no_data());
        }
        if self.source.is_none() && !env.quiet {
            eprintln!("{}", source::ALONE);
        }
        Ok((source::local(places, env, rows)?, false))
    }
}

/// Fails if only synced usage of transcripts alone is asked for.
fn check_source(filter: &Filter) -> Result<(), CliError> {
    if filter.synced_only && filter.source == Some(DataSource::Local) {
        return Err(CliError::plain(
            "--synced-only is not for --source=local",
            "claude_sync::usage",
            exit::USAGE,
            "leave one of them out",
        ));
    }
    Ok(())
}

/// Fails if the first day is after the last day.
fn check_order(bounds: Bounds) -> Result<(), CliError> {
    match (bounds.since, bounds.until) {
        (Some(since), Some(until)) if since > until => Err(CliError::plain(
            "--since is later than --until",
            "claude_sync::usage",
            exit::USAGE,
            "swap the two days",
        )),
        _ => Ok(()),
    }
}

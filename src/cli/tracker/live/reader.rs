//! Reads what the view shows, in a thread of its own: the terminal never waits for it.

use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash as _, Hasher as _};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use chrono::NaiveDate;

use super::args::Args;
use crate::base::progress::Watcher;
use crate::base::time::Timestamp;
use crate::cache::index::Index;
use crate::cli::env::Env;
use crate::cli::error::CliError;
use crate::cli::projects::Projects;
use crate::cli::source::{self, Extent};
use crate::fleet::{Fleet, Row};
use crate::git::{Oid, Repo};
use crate::record::PlanLimits;
use crate::report::limits::Known;
use crate::report::live::{Collector, Origin, State};
use crate::store::{Places, machine_id, plan};
use crate::transcripts::Folders;

/// Files are looked at so often, and read if they changed.
const PAUSE: Duration = Duration::from_secs(1);
/// Without a set-up there is no cache: transcripts of the last 2 days are read, in ms.
const RECENT: i64 = 2 * 24 * 60 * 60 * 1000;

/// A thread that reads.
#[derive(Debug)]
pub(super) struct Reader {
    wishes: Sender<()>,
    states: Receiver<Result<State, CliError>>,
}

impl Reader {
    /// Begins to read what changes.
    pub(super) fn start(args: &Args, env: &Env, places: &Places) -> Self {
        let (wishes, from_view) = channel();
        let (sender, states) = channel();
        let (args, env, places) = (args.clone(), env.clone(), places.clone());
        thread::spawn(move || watch(&args, &env, &places, &from_view, &sender));
        Self { wishes, states }
    }

    /// Reads again, also if nothing changed.
    pub(super) fn again(&self) {
        let _ = self.wishes.send(());
    }

    /// What was read meanwhile.
    pub(super) fn news(&self) -> Option<Result<State, CliError>> {
        self.states.try_iter().last()
    }
}

/// Reads what changes, until nobody takes it.
fn watch(
    args: &Args,
    env: &Env,
    places: &Places,
    wished: &Receiver<()>,
    sender: &Sender<Result<State, CliError>>,
) {
    let mut folders = places.folders();
    let mut last = None;
    let mut pause = PAUSE;
    loop {
        let is_wished = match wished.recv_timeout(pause) {
            Ok(()) => true,
            Err(RecvTimeoutError::Timeout) => false,
            Err(RecvTimeoutError::Disconnected) => return,
        };
        let began = Instant::now();
        let now = env.clock();
        let silent = (&Watcher::default(), false);
        let stamp = Stamp::of(args, places, &folders, now);
        if is_wished || last.as_ref() != Some(&stamp) {
            last = Some(stamp);
            folders = places.folders();
            if sender.send(read(args, places, now, silent)).is_err() {
                return;
            }
        }
        // Much to read is read less often.
        pause = PAUSE.max(began.elapsed());
    }
}

/// What shows whether anything changed.
#[derive(Debug, PartialEq, Eq)]
struct Stamp {
    today: NaiveDate,
    transcripts: u64,
    synced: Option<Oid>,
    exchanged: Option<Timestamp>,
    limits: PlanLimits,
}

impl Stamp {
    fn of(args: &Args, places: &Places, folders: &Folders, now: Timestamp) -> Self {
        let mut transcripts = DefaultHasher::new();
        for file in folders.discover().files {
            (file.path, file.size, file.modified).hash(&mut transcripts);
        }
        let repo = Repo::open(&places.repo).ok().flatten();
        Self {
            today: args.timezone.date(now),
            transcripts: transcripts.finish(),
            synced: repo.and_then(|repo| repo.synced().ok().flatten()),
            exchanged: Index::peek(&places.state).and_then(|index| index.exchanged()),
            limits: plan::read(&places.state),
        }
    }
}

/// Reads what the view shows, before it begins: whether the selected projects exist is checked.
pub(super) fn read_first(args: &Args, env: &Env, places: &Places) -> Result<State, CliError> {
    let watcher = env.watcher();
    let is_checked = !args.project.is_empty();
    read(args, places, env.now, (&watcher, is_checked))
}

/// Reads what the view shows. The last argument: who sees the progress, and whether the selected
/// projects must exist.
fn read(
    args: &Args,
    places: &Places,
    now: Timestamp,
    (watcher, is_checked): (&Watcher, bool),
) -> Result<State, CliError> {
    let mut collector = Collector::new(now, args.timezone, !args.machines.is_empty());
    let mut projects = Projects::new(&args.project);
    // Whether a project exists at all shows only in all rows.
    let since = collector.since().filter(|_| !is_checked);
    let extent = Extent {
        since,
        synced_only: args.synced_only,
        ..Extent::default()
    };
    let mut add = |row: &Row<'_>| {
        if projects.wants(row.project) {
            collector.add(row);
        }
    };
    let (fleet, is_synced) = match source::fleet(places, (now, watcher), extent, &mut add)? {
        Some(fleet) => (fleet, true),
        None if args.synced_only => return Err(source::no_data()),
        None => (source::recent(places, recent(now), &mut add)?, false),
    };
    if is_checked && is_synced {
        projects.check()?;
    }
    let machines = args.machines.select(&fleet)?;
    let as_of = is_synced.then(|| source::others_as_of(places, &fleet));
    Ok(collector.finish(Origin {
        fleet: &fleet,
        machines: &machines,
        known: known(places, &fleet),
        as_of: as_of.flatten(),
        is_synced,
    }))
}

/// Without a set-up, transcripts that were written since this time are read.
fn recent(now: Timestamp) -> Timestamp {
    let since = Timestamp::from_millis(now.millis().saturating_sub(RECENT));
    since.unwrap_or(Timestamp::EPOCH)
}

/// Plan limits, from this machine and from the fleet.
fn known(places: &Places, fleet: &Fleet) -> Known {
    let mut known = Known::default();
    let own = machine_id::read(&places.machine_id).ok().flatten();
    known.add(own.as_ref(), plan::read(&places.state));
    known.add_fleet(fleet);
    known
}

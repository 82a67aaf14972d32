//! Stage 1: opens the clone, sets this machine up where it is not, and ends what git left
//! half-done.

use std::collections::BTreeSet;

use super::context::Run;
use crate::base::ids::MachineId;
use crate::base::key::Key;
use crate::cache::index::Index;
use crate::fleet::decisions::{Intent, LABEL};
use crate::git::repo::Repo;
use crate::git::unfinished::Operation;
use crate::git::{Git, Place, Target, hooks, setup as clone};
use crate::store::config::Config;
use crate::store::{Places, key, machine_id, profiles};
use crate::sync::error::SyncError;
use crate::sync::options::{Options, Task};
use crate::sync::settings::{configure, naming, reader};
use crate::sync::{clear, identity, resolve, setup};

/// A run that is ready to read.
pub(crate) struct Prepared<'a> {
    pub(crate) run: Run<'a>,
    /// The repository was set up just now.
    pub(crate) set_up: bool,
    /// The machine's id was made on another computer.
    pub(crate) copied: bool,
    /// What git had left half-done.
    pub(crate) finished: Option<Operation>,
}

/// Opens everything that a run needs. `healed`: damaged objects were repaired already.
pub(crate) fn prepare<'a>(
    places: &'a Places,
    options: &Options,
    config: &Config,
    git: &Git,
    healed: bool,
) -> Result<Prepared<'a>, SyncError> {
    let key = key::read(&places.key)?;
    let (machine, copied) = identify(places, options)?;
    let options = with_settings(options, config, &machine);
    let set_up = set_up_if_new(places, &options, git)?;
    let (repo, target) = open(places, &options, git, key.as_ref())?;
    let config = prepare_sealing(&repo, places, &options, config, key.as_ref())?;
    let mut options = with_clone(options, &repo)?;
    if options.task == Task::Sync {
        options.intents.extend(name(&repo, &machine)?);
    }
    check_remote(&repo, &target, &options)?;
    let finished = finish(&repo, git, &target, &options, places)?;
    let naming = naming(&config, key.as_ref())?;
    let reader = reader(&repo, &naming, options.summary_only)?;
    Ok(Prepared {
        run: Run {
            places,
            config,
            machine,
            per_machine: clone::is_per_machine(&repo)?,
            repo,
            git: git.clone(),
            index: Index::open(&places.state)?,
            target,
            naming,
            reader,
            reroot: options.reroot,
            compact: options.compact,
            onto: None,
            replaced: BTreeSet::new(),
            unsigned: None,
            healed,
            options,
        },
        set_up,
        copied,
        finished,
    })
}

/// Refuses to write in clear what is to be encrypted.
pub(crate) fn needs_key(config: &Config, key: Option<&Key>) -> Result<(), SyncError> {
    match key {
        None if config.encrypt => Err(SyncError::NoKey {
            why: "privacy_settings.encryption asks for encryption at rest".to_owned(),
        }),
        _ => Ok(()),
    }
}

/// The options with those of `config.json`. The pseudonym of a machine's name is the same in every
/// run.
pub(crate) fn with_settings(options: &Options, config: &Config, machine: &MachineId) -> Options {
    let mut options = Options {
        summary_only: options.summary_only || config.summary_only,
        snapshot: options.snapshot || config.snapshots,
        retention_days: config.retention_days,
        ..options.clone()
    };
    if config.anonymize_hostname {
        options.host.hostname = format!("machine-{}", machine.short());
    }
    options
}

/// This machine's id, and whether it was made on another computer.
fn identify(places: &Places, options: &Options) -> Result<(MachineId, bool), SyncError> {
    identity::take_up_id(places)?;
    profiles::remember(&places.state, &places.named)?;
    let (machine, _) = machine_id::read_or_create(&places.machine_id)?;
    let host = machine_id::check_host(&places.machine_id, &options.host.fingerprint)?;
    Ok((machine, host == machine_id::Host::Other))
}

/// Fails where there is nothing to download from.
fn check_remote(repo: &Repo, target: &Target, options: &Options) -> Result<(), SyncError> {
    let address = repo.address(target.remote.as_deref());
    if options.task == Task::Download && address.is_none() {
        return Err(SyncError::NoRemote);
    }
    Ok(())
}

/// Sets the machine up by itself where there is no repository, and returns whether it did.
fn set_up_if_new(places: &Places, options: &Options, git: &Git) -> Result<bool, SyncError> {
    if Repo::open(&places.repo)?.is_some() {
        return Ok(false);
    }
    if options.task != Task::Sync {
        return Err(SyncError::NoRemote);
    }
    // Without its remote the machine would leave the fleet, and nobody would notice.
    if Index::peek(&places.state).is_some_and(|index| index.exchanged().is_some()) {
        return Err(SyncError::CloneGone);
    }
    setup::set_up(places, options, git, None, false)?;
    Ok(true)
}

/// Opens the clone, and puts its configuration and hooks right.
fn open(
    places: &Places,
    options: &Options,
    git: &Git,
    key: Option<&Key>,
) -> Result<(Repo, Target), SyncError> {
    let repo = Repo::open(&places.repo)?
        .ok_or(SyncError::NoRemote)?
        .with_key(key);
    configure(places, &repo, options)?;
    if options.task != Task::Resolve {
        // A clone that somebody made by hand has none.
        hooks::install(&repo, git, &options.program, false)?;
    }
    let target = repo.target()?;
    repo.keep_branch(&target.branch)?;
    Ok((repo, target))
}

/// Finds out whether the clone seals what it writes. Returns the settings, without the mark of
/// encryption where a person takes it away.
fn prepare_sealing(
    repo: &Repo,
    places: &Places,
    options: &Options,
    config: &Config,
    key: Option<&Key>,
) -> Result<Config, SyncError> {
    needs_key(config, key)?;
    let mut config = config.clone();
    if options.in_clear {
        clear::release(repo, places, &config)?;
        config.sealed = false;
    }
    clear::prepare(repo, places, &config, key)?;
    Ok(config)
}

/// The options with what the clone remembers: a new history that the remote did not take yet,
/// compaction, the front page, a short-lived machine's name.
fn with_clone(options: Options, repo: &Repo) -> Result<Options, SyncError> {
    if options.reroot && clone::is_per_machine(repo)? {
        return Err(SyncError::PerMachine);
    }
    let front_page = options.front_page.or(clone::wants_front_page(repo)?);
    let ephemeral = clone::ephemeral(repo)?;
    let reroot = options.reroot || clone::wants_reroot(repo)?;
    if reroot {
        clone::want_reroot(repo, true)?;
    }
    let compact = options.compact.or(clone::wants_compact(repo)?);
    let mut options = Options {
        reroot,
        compact: compact.filter(|_| options.task == Task::Sync),
        front_page,
        shared_id: ephemeral.is_some(),
        ..options
    };
    options.host.hostname = ephemeral.unwrap_or(options.host.hostname);
    Ok(options)
}

/// The decision that this machine has the name that `init` was given.
fn name(repo: &Repo, machine: &MachineId) -> Result<Option<Intent>, SyncError> {
    let name = clone::wants_name(repo)?;
    Ok(name.map(|name| Intent {
        kind: LABEL,
        subject: machine.to_string(),
        key: "label",
        value: name.into(),
    }))
}

/// Ends what git left half-done on the sync's branch. Where that is the user's to end, a sync goes
/// on beside it, and `resolve` fails.
fn finish(
    repo: &Repo,
    git: &Git,
    target: &Target,
    options: &Options,
    places: &Places,
) -> Result<Option<Operation>, SyncError> {
    let there = repo.obstacle(&target.branch)?;
    if !matches!(there, Some(Place::Operation(_))) && options.task != Task::Resolve
        || repo.is_index_locked()
    {
        return Ok(None);
    }
    match resolve::finish(repo, git, options.basis, &Index::open(&places.state)?) {
        Err(SyncError::Unfinished { .. } | SyncError::Unmerged { .. })
            if options.task != Task::Resolve =>
        {
            Ok(None)
        }
        ended => ended,
    }
}

//! One run: lock, read, fetch, join, commit, push; rejected: fetch and again.

use std::cell::{Cell, RefCell};
use std::path::Path;
use std::time::Duration;

use super::clear::{self, Leave};
use super::delta::{SEALED, Story, delta, message};
use super::import::History;
use super::settings::{configure, lock, naming, needs_key, reader, with_settings};
use super::tree::{Assembled, Older, Starts, assemble, rules_of};
use super::{
    Delta, Options, Outcome, ReadReport, Remote, SyncError, Task, Twin, identity, left_out,
    outgoing, owner, resolve, setup, undo,
};
use crate::base::ids::MachineId;
use crate::base::progress::Step;
use crate::cache::Cache;
use crate::cache::index::{Binding, Index};
use crate::fleet::enforce::{CheckedNow, breaking};
use crate::fleet::rules::Rules;
use crate::format::syncfile::Mode;
use crate::git::keep::Kept;
use crate::git::process::MACHINES;
use crate::git::repo::{KNOWN, Repo, RepoError};
use crate::git::unfinished::Operation;
use crate::git::{Git, Healed, Means, Oid, Place, Push, Target, hooks, setup as clone};
use crate::merge::guard;
use crate::record::RecordSet;
use crate::store::{Places, config, key, machine_id, profiles};
use crate::transcripts::{self, Cursor, Mark, Naming};

/// How often a rejected push is tried again.
const TRIES: u32 = 100;

/// So many rejections of a remote that does not change are believed.
const STUCK: u32 = 7;

/// Syncs once. Where objects are missing or damaged here, they are fetched again first, and only then it goes on.
pub fn run(places: &Places, options: &Options) -> Result<Outcome, SyncError> {
    owner::check(places)?;
    let (_lock, cleared) = lock(places, options)?;
    let config = config::read(&places.config)?;
    let silence = Duration::from_secs(config.failures.silence);
    let silence = options
        .patience
        .map_or(silence, |patience| silence.min(patience));
    let git = Git::find(options.attended)?
        .with_silence(silence)
        .with_watcher(options.watcher.clone());
    let outcome = match once(places, options, &config, &git, false) {
        Err(error) if error.lacks_objects() => {
            let in_fetch = matches!(error, SyncError::Repo(RepoError::Process(_)));
            let healed = match heal(places, options, &git, error) {
                // The damage may be the remote's: then what is here is committed, and waits.
                Err(SyncError::Incomplete { .. }) if in_fetch => Healed::default(),
                other => other?,
            };
            Outcome {
                healed,
                ..once(places, options, &config, &git, true)?
            }
        }
        ended => ended?,
    };
    Ok(Outcome { cleared, ..outcome })
}

/// Puts the clone right after an error that says that objects are missing or damaged.
fn heal(
    places: &Places,
    options: &Options,
    git: &Git,
    error: SyncError,
) -> Result<Healed, SyncError> {
    let Some(repo) = Repo::open(&places.repo)? else {
        return Err(error);
    };
    let target = repo.target()?;
    if target.remote.is_some() && (options.offline || options.task == Task::Resolve) {
        return Err(error);
    }
    match repo.heal(
        git,
        &target,
        Means {
            remote: true,
            anew: false,
        },
    ) {
        Ok(healed) if healed.is_something() => Ok(healed),
        Ok(_) | Err(RepoError::Missing(_)) => Err(error),
        Err(RepoError::Process(source)) => {
            let address = repo.address(target.remote.as_deref()).unwrap_or_default();
            Err(SyncError::Incomplete {
                address: crate::git::process::hide_secrets(&address),
                source,
            })
        }
        Err(other) => Err(other.into()),
    }
}

/// Puts the clone right whose objects are missing or damaged, for `verify --repair`. Where there is no remote and no commit is whole,
/// history begins anew.
pub fn repair_objects(places: &Places, options: &Options) -> Result<Healed, SyncError> {
    let (_lock, _) = lock(places, options)?;
    let Some(repo) = Repo::open(&places.repo)? else {
        return Err(SyncError::NoRemote);
    };
    let git = Git::find(options.attended)?.with_watcher(options.watcher.clone());
    let target = repo.target()?;
    // A remote that is away is no reason to leave the rest as it is.
    match repo.heal(
        &git,
        &target,
        Means {
            remote: true,
            anew: true,
        },
    ) {
        Err(RepoError::Process(_)) => Ok(repo
            .heal(
                &git,
                &target,
                Means {
                    remote: false,
                    anew: false,
                },
            )
            .unwrap_or_default()),
        other => Ok(other?),
    }
}

/// One run. `healed`: damage that a fetch meets was seen to already.
fn once(
    places: &Places,
    options: &Options,
    config: &config::Config,
    git: &Git,
    healed: bool,
) -> Result<Outcome, SyncError> {
    let key = key::read(&places.key)?;
    setup::take_up_id(places)?;
    profiles::remember(&places.state, &places.named)?;
    let (machine, new_id) = machine_id::read_or_create(&places.machine_id)?;
    let copied = machine_id::check_host(&places.machine_id, &options.host.fingerprint)?
        == machine_id::Host::Other;
    let options = &with_settings(options, config, &machine);
    let set_up = Repo::open(&places.repo)?.is_none();
    if set_up && options.task != Task::Sync {
        return Err(SyncError::NoRemote);
    }
    if set_up {
        setup::set_up(places, options, git, (machine.clone(), new_id), None, false)?;
    }
    let repo = Repo::open(&places.repo)?
        .ok_or(SyncError::NoRemote)?
        .with_key(key.as_ref());
    configure(places, &repo, options)?;
    if options.task != Task::Resolve {
        // A clone that somebody made by hand has none.
        hooks::install(&repo, git, &options.program, false)?;
    }
    let target = repo.target()?;
    repo.keep_branch(&target.branch)?;
    needs_key(config, key.as_ref())?;
    let released;
    let config = if options.in_clear {
        clear::release(&repo, places, config)?;
        released = config::Config {
            sealed: false,
            ..config.clone()
        };
        &released
    } else {
        config
    };
    clear::prepare(&repo, places, config, key.as_ref())?;
    let finished = finish(&repo, git, &target, options, places)?;
    let naming = naming(config, key.as_ref())?;
    let reader = reader(&repo, &naming, options.summary_only)?;
    let per_machine = clone::is_per_machine(&repo)?;
    let unknown = config.unknown.clone();
    let failures = config.failures.clone();
    if options.reroot && per_machine {
        return Err(SyncError::PerMachine);
    }
    // A new history that the remote did not take yet.
    let front_page = options.front_page.or(clone::wants_front_page(&repo)?);
    let ephemeral = clone::ephemeral(&repo)?;
    let mut host = options.host.clone();
    host.hostname = ephemeral.clone().unwrap_or(host.hostname);
    let shared_id = ephemeral.is_some();
    let options = &Options {
        reroot: options.reroot || clone::wants_reroot(&repo)?,
        front_page,
        host,
        shared_id,
        ..options.clone()
    };
    if options.reroot {
        clone::want_reroot(&repo, true)?;
    }
    let reroot = Cell::new(options.reroot);
    let unsigned = RefCell::new(None);
    let run = Run {
        repo,
        git: git.clone(),
        options,
        machine,
        target,
        per_machine,
        reader,
        failures,
        reroot,
        sign: config.sign,
        unsigned,
        healed,
        taken: Cell::new(None),
        state: &places.state,
    };
    let outcome = run.sync(places, config, &naming, set_up)?;
    let twin = if copied {
        Some(Twin::Copied)
    } else {
        outcome.twin
    }
    .filter(|_| !shared_id);
    Ok(Outcome {
        twin,
        finished,
        unknown,
        ..outcome
    })
}

/// Ends what git left half-done on the sync's branch. Where that is the user's to end, a sync goes on beside it; `resolve` says so.
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
    match resolve::finish(repo, git, options.rules, &Index::open(&places.state)?) {
        Err(SyncError::Unfinished { .. } | SyncError::Unmerged { .. })
            if options.task != Task::Resolve =>
        {
            Ok(None)
        }
        ended => ended,
    }
}

pub(super) struct Run<'a> {
    pub(super) repo: Repo,
    pub(super) git: Git,
    pub(super) options: &'a Options,
    pub(super) machine: MachineId,
    /// Where commits go: a branch shared by all machines, or a local join of their branches.
    pub(super) target: Target,
    pub(super) per_machine: bool,
    pub(super) reader: String,
    pub(super) failures: config::Failures,
    /// This run begins a new history: asked for, or because the remote's has data that was forgotten.
    pub(super) reroot: Cell<bool>,
    /// Commits are to be signed.
    pub(super) sign: bool,
    /// Why this run's commit is not signed, though it should be.
    pub(super) unsigned: RefCell<Option<String>>,
    /// Damage that a fetch meets was seen to already.
    healed: bool,
    /// What this run had forgotten, as it was before.
    pub(super) taken: Cell<Option<Oid>>,
    /// The local index and what else is kept beside it.
    pub(super) state: &'a Path,
}

impl Run<'_> {
    fn sync(
        mut self,
        places: &Places,
        config: &config::Config,
        naming: &Naming,
        set_up: bool,
    ) -> Result<Outcome, SyncError> {
        let options = self.options;
        let remote = self.repo.address(self.target.remote.as_deref());
        if options.task == Task::Download && remote.is_none() {
            return Err(SyncError::NoRemote);
        }
        let index = Index::open(&places.state)?;
        let before = self.binding()?;
        let cursors = if options.mode == Mode::Full {
            transcripts::Cursors::new()
        } else {
            index.cursors(&before)?
        };
        let (folders, watcher) = (places.folders(), &options.watcher);
        let reading = match options.task {
            Task::Sync => transcripts::read_all_watched(&folders, &cursors, naming, watcher),
            Task::Download | Task::Resolve => transcripts::Reading::default(),
        };
        let (history, told) =
            History::of(options.import.as_ref(), &reading, naming, &options.watcher);
        let mut out = self.outcome(
            set_up,
            ReadReport {
                unmatched: folders.unmatched,
                ..ReadReport::from(&reading)
            },
        );
        out.imported = options.import.as_ref().map(|_| told);
        if !self.failures.name_bad_lines {
            out.read.bad.clear();
        }
        let queued = self.reach(remote.is_some(), (places, config), &index, &mut out)?;
        let kept = Kept::begin(&self.repo);
        let brought = (&reading.records, &history);
        self.commit_and_push(brought, queued, (places, config), &index, &mut out)?;
        drop(kept);
        if matches!(
            out.remote,
            Remote::UpToDate | Remote::Pushed(_) | Remote::None
        ) {
            self.note_sealed(places, config)?;
        }
        self.remember(places, index, (&before, &reading.cursors), &mut out)?;
        Ok(out)
    }

    /// Fetches. Where the remote is not to be reached, or nothing may be pushed to it, what stands for that.
    fn reach(
        &mut self,
        has_remote: bool,
        (places, config): (&Places, &config::Config),
        index: &Index,
        out: &mut Outcome,
    ) -> Result<Option<Remote>, SyncError> {
        let options = self.options;
        let attended = !options.unattended || options.task != Task::Sync;
        let mut queued = if !has_remote {
            Some(Remote::None)
        } else if options.offline || options.task == Task::Resolve {
            Some(Remote::Skipped)
        } else if !attended && self.next_try(index)? > Some(options.now) {
            Some(Remote::Waiting)
        } else {
            self.fetch()?
        };
        out.moved = self.git.moved();
        if queued.is_some() {
            return Ok(queued);
        }
        out.followed = self.follow()?;
        out.branch.clone_from(&self.target.branch);
        queued = self.hold(places, config)?;
        let has_nothing = self.repo.position(&self.target)?.is_none();
        if queued.is_some() && (has_nothing || options.task == Task::Download) {
            let why = match &queued {
                Some(Remote::Locked(mark)) => {
                    format!("the repository is encrypted with the key {mark}")
                }
                _ => "this fleet is encrypted".to_owned(),
            };
            return Err(SyncError::NoKey { why });
        }
        Ok(queued)
    }

    /// Commits, and pushes until the remote has it; rejected: fetches and commits again.
    fn commit_and_push(
        &mut self,
        brought: (&RecordSet, &History),
        mut queued: Option<Remote>,
        (places, config): (&Places, &config::Config),
        index: &Index,
        out: &mut Outcome,
    ) -> Result<(), SyncError> {
        let (mut rejected, mut stuck, mut seen) = (0, 0, None);
        loop {
            let head = self.step(brought, queued.is_none(), index, out)?;
            if let Some(reason) = self.unsigned.take() {
                out.remote = Remote::Unsigned(reason);
                return Ok(());
            }
            if let Some(state) = queued.take() {
                out.remote = state;
                return Ok(());
            }
            let outgoing = if self.options.task == Task::Download {
                Vec::new()
            } else {
                self.outgoing(head, index)?
            };
            if outgoing.is_empty() {
                out.remote = Remote::UpToDate;
                return Ok(());
            }
            if let Some(reason) = self.breaks(&outgoing)? {
                out.remote = Remote::Refused(reason);
                return Ok(());
            }
            match self.push_each(&outgoing) {
                Ok(Push::Done) => {
                    out.remote = Remote::Pushed(rejected);
                    return Ok(());
                }
                // A faster push changed the remote. Where it stays as it is, something else is in the way, such as a lock that a
                // killed command left there.
                Ok(Push::Rejected(reason)) if stuck >= STUCK => {
                    out.remote = Remote::Refused(reason);
                    return Ok(());
                }
                Ok(Push::Rejected(_)) if rejected < TRIES => {
                    rejected += 1;
                    let tip = self.tip(&self.target.branch)?;
                    stuck = if seen == Some(tip) { stuck + 1 } else { 0 };
                    seen = Some(tip);
                    std::thread::sleep(outgoing::jitter(rejected));
                    queued = self.fetch()?;
                    if queued.is_none() {
                        // The remote may have become encrypted meanwhile, by the push that was faster.
                        queued = self.hold(places, config)?;
                    }
                }
                Ok(Push::Rejected(_)) => return Err(SyncError::Contended(TRIES)),
                Err(error) => {
                    out.remote = Remote::Refused(error.to_string());
                    return Ok(());
                }
            }
        }
    }

    /// Pushes commits to their branches, up to the first that is rejected.
    fn push_each(&self, outgoing: &[(Oid, String)]) -> Result<Push, crate::git::GitError> {
        for (commit, branch) in outgoing {
            let pushed = self.push(*commit, branch)?;
            if !matches!(pushed, Push::Done) {
                return Ok(pushed);
            }
        }
        Ok(Push::Done)
    }

    /// Ends a run: what is remembered of it, and what is tidied up.
    fn remember(
        &self,
        places: &Places,
        mut index: Index,
        read: (&Binding, &[(Mark, Cursor)]),
        out: &mut Outcome,
    ) -> Result<(), SyncError> {
        left_out::note(&self.repo, &out.left_out)?;
        self.keep_undo()?;
        match &out.remote {
            Remote::Queued(reason) | Remote::Refused(reason) | Remote::Unsigned(reason) => {
                index.count_failure(Some((self.options.now, reason)))?;
            }
            Remote::UpToDate | Remote::Pushed(_) => index.count_failure(None)?,
            Remote::None | Remote::Skipped | Remote::Waiting | Remote::Locked(_) | Remote::Held => {
            }
        }
        out.next_try = self.next_try(&index)?;
        if self.options.front_page.is_some() {
            clone::want_front_page(&self.repo, None)?;
        }
        self.drop_undone()?;
        undo::expire(self.state, self.options.now);
        // Only now: the index must never know more than the repository has.
        index.store(read.0, &self.binding()?, read.1)?;
        if self.reroot.get()
            && matches!(
                out.remote,
                Remote::Pushed(_) | Remote::UpToDate | Remote::None
            )
        {
            clone::want_reroot(&self.repo, false)?;
        }
        if out.purged {
            // The index holds names of what was forgotten. Without it the next run reads everything once.
            drop(index);
            Index::remove(&places.state);
            self.git.purge(self.repo.path())?;
        } else if out.commit.is_some() {
            // Tidying up is a convenience; a failure there takes nothing back.
            let _ = self.git.maintain(self.repo.path());
        }
        Ok(())
    }

    fn outcome(&self, set_up: bool, read: ReadReport) -> Outcome {
        Outcome {
            machine: self.machine.clone(),
            set_up,
            twin: None,
            finished: None,
            unknown: Vec::new(),
            branch: self.target.branch.clone(),
            late: None,
            followed: None,
            moved: None,
            healed: Healed::default(),
            mended: Vec::new(),
            imported: None,
            delta: Delta::default(),
            commit: None,
            received: false,
            remote: Remote::None,
            next_try: None,
            cleared: Vec::new(),
            read,
            problems: Vec::new(),
            unknown_names: 0,
            left_out: Vec::new(),
            newer_rules: None,
            held_back: 0,
            ahead: Vec::new(),
            machines: 0,
            purged: false,
        }
    }

    fn binding(&self) -> Result<Binding, SyncError> {
        let known = self
            .repo
            .commit_at(KNOWN)?
            .map(|id| id.to_string())
            .unwrap_or_default();
        Ok(Binding {
            known,
            machine: self.machine.to_string(),
            reader: self.reader.clone(),
        })
    }

    /// Commits of other branches with sync data: of machines that have one of their own, and of the branch's former names.
    fn other_branches(&self) -> Result<Vec<Oid>, SyncError> {
        let machines = self.target.tracking(MACHINES);
        let mut all: Vec<Oid> = self.repo.tips_below(&machines)?.into_values().collect();
        // Machines of an older version may go on with the branch as it was called before.
        for name in self.repo.former_branches()? {
            all.extend(self.tip(&name)?);
        }
        let mut out = Vec::new();
        for commit in all {
            if setup::is_sync(&self.repo, self.repo.tree_of(commit)?)? {
                out.push(commit);
            }
        }
        Ok(out)
    }

    /// Versions that are brought back: those that were asked for, and those from before something was forgotten that was taken back.
    fn restored(&self, from: Option<Oid>, cache: &dyn Cache) -> Result<Vec<Older>, SyncError> {
        let asked = self.options.restore.iter().map(|commit| Older {
            commit: *commit,
            is_trusted: self.options.trust_restored,
        });
        let undone = self.undone(from, cache)?.into_iter().map(|commit| Older {
            commit,
            is_trusted: true,
        });
        Ok(asked.chain(undone).collect())
    }

    /// Fails where what is there is no sync data. In an encrypted fleet a pusher who replaced everything stops no machine of it.
    fn check_place(&self, starts: Starts<'_>) -> Result<(), SyncError> {
        if starts.known.is_some() && self.repo.is_sealing() {
            return Ok(());
        }
        for commit in [starts.tip, starts.head].into_iter().flatten() {
            if setup::is_sync(&self.repo, self.repo.tree_of(commit)?)? {
                continue;
            }
            let remote = self.repo.address(self.target.remote.as_deref());
            let remote = remote.filter(|_| Some(commit) == starts.tip);
            let place = remote.map_or_else(
                || self.repo.path().display().to_string(),
                |url| crate::git::process::hide_secrets(&url),
            );
            return Err(SyncError::NotSync { place });
        }
        Ok(())
    }

    /// Notes in the outcome what assembling the tree brought to light.
    fn note(&self, assembled: &Assembled, out: &mut Outcome) {
        if let Some(imported) = &mut out.imported {
            // After a rejected push all of it is here already.
            imported.see(&assembled.imported);
        }
        out.problems.clone_from(&assembled.problems);
        for (path, code) in &assembled.left_out {
            left_out::add(&mut out.left_out, code, path, self.options.now);
        }
        out.held_back = assembled.held_back;
        out.ahead.clone_from(&assembled.ahead);
        if assembled.taken.is_some() {
            self.taken.set(assembled.taken);
        }
        out.mended.extend(assembled.mended.iter().cloned());
        out.newer_rules = assembled.newer_rules;
        out.unknown_names = assembled.unknown_names;
        out.machines = assembled.machines;
    }

    /// The parent of the next commit; none where a new history begins.
    fn parent(&self, starts: Starts<'_>, online: bool) -> Result<Option<Oid>, SyncError> {
        Ok(match (starts.tip, starts.head) {
            _ if self.reroot.get() => None,
            // The joined branch is not pushed with every sync: it grows where it is, as long as the remote's is part of it.
            (Some(tip), Some(head)) if self.per_machine && self.repo.contains(head, tip)? => {
                Some(head)
            }
            // A remote that lost everything gets nothing that was committed in clear, before the fleet was encrypted.
            (None, Some(head))
                if online && self.repo.is_sealing() && self.has_clear_history(head)? =>
            {
                None
            }
            (tip, head) => tip.or(head),
        })
    }

    /// The commit with the assembled tree: one that is there already, or a new one.
    fn next(
        &self,
        assembled: &Assembled,
        starts: Starts<'_>,
        parent: Option<Oid>,
        cache: &dyn Cache,
        out: &mut Outcome,
    ) -> Result<Oid, SyncError> {
        let parent_tree = parent.map(|commit| self.repo.tree_of(commit)).transpose()?;
        let head_tree = starts
            .head
            .map(|commit| self.repo.tree_of(commit))
            .transpose()?;
        let on_tip = |head: Oid| -> Result<bool, SyncError> {
            if self.sign && !self.repo.is_signed(head)? {
                return Ok(false);
            }
            Ok(parent == Some(head)
                || starts
                    .tip
                    .is_none_or(|tip| self.repo.parents_of(head).is_ok_and(|p| p == [tip])))
        };
        Ok(match (parent, starts.head) {
            // The remote has everything already, or there is no remote and nothing is new.
            (Some(parent), _) if parent_tree == Some(assembled.tree) => parent,
            // The commit of an earlier run still waits, and still says it all.
            (Some(_), Some(head)) if head_tree == Some(assembled.tree) && on_tip(head)? => head,
            // A new history that was made already.
            (None, Some(head))
                if head_tree == Some(assembled.tree) && self.repo.parents_of(head)?.is_empty() =>
            {
                head
            }
            _ => self.commit(assembled, starts, parent, cache, out)?,
        })
    }

    /// Brings the local branch to what it should be, and returns its commit. `online`: the remote was fetched just now.
    fn step(
        &self,
        brought: (&RecordSet, &History),
        online: bool,
        cache: &dyn Cache,
        out: &mut Outcome,
    ) -> Result<Oid, SyncError> {
        let tip = if online {
            self.tip(&self.target.branch)?
        } else {
            None
        };
        let others = self.other_branches()?;
        let head = self.repo.position(&self.target)?;
        let restored = self.restored(tip.or(head), cache)?;
        let starts = Starts {
            tip,
            head,
            known: self.repo.commit_at(KNOWN)?,
            others: &others,
            restored: &restored,
            unscreened: clear::is_unscreened(&self.repo)?,
        };
        self.check_place(starts)?;
        if identity::another_wrote(&self.repo, starts, &self.machine)? {
            out.twin = Some(Twin::Wrote);
        }
        if self.is_tainted(starts, cache)? {
            // Somebody pushed what was forgotten, around the hooks: the history that has it is replaced once more.
            self.reroot.set(true);
            clone::want_reroot(&self.repo, true)?;
        }
        let assembled = assemble(
            &self.repo,
            starts,
            &self.machine,
            brought,
            self.options,
            cache,
        )?;
        self.note(&assembled, out);
        let parent = self.parent(starts, online)?;
        let new = self.next(&assembled, starts, parent, cache, out)?;
        let others_came = starts.tip.is_some() && starts.tip != starts.head
            || !others.is_empty() && out.delta == Delta::default();
        out.received |= starts.head.is_some_and(|head| head != new) && others_came;
        out.late = self.show(new, assembled.tree)?;
        // Whoever began a new history had something forgotten: the old one goes from here too.
        out.purged |= self.reroot.get() || self.new_history(starts)?;
        Ok(new)
    }

    /// Moves the refs of this clone to a commit, and brings the work tree along where nothing is in the way. Says what is.
    fn show(&self, new: Oid, tree: Oid) -> Result<Option<Place>, SyncError> {
        let local = self.target.local();
        let (at, known) = (self.repo.commit_at(&local)?, self.repo.commit_at(KNOWN)?);
        let mut late = self.repo.obstacle(&self.target.branch)?;
        if Some(new) == at && Some(new) == known {
            self.repo.trust_own_work(false);
            clear::note_screened(&self.repo)?;
            if late.is_none() && !self.repo.is_shown(&self.git, tree)? {
                // An earlier run was cut off, or somebody edited what is only a projection.
                late = self.repo.project(&self.git, None, tree)?;
            }
            return Ok(late);
        }
        let _doing = self.options.watcher.begin(Step::WorkTree, 0);
        self.repo.flush()?;
        if late.is_none() && Some(new) != at {
            late = self.repo.project(
                &self.git,
                at.map(|at| self.repo.tree_of(at)).transpose()?,
                tree,
            )?;
        }
        if late.as_ref().is_none_or(Place::lets_branch_move) {
            match self.repo.move_ref(&local, at, new, "claude-sync") {
                Err(RepoError::Locked { .. }) => {
                    late = Some(Place::Locked(
                        self.repo.common_folder().join(format!("{local}.lock")),
                    ));
                }
                moved => moved?,
            }
        }
        let at = self.repo.commit_at(&local)?;
        self.repo.set_late((at != Some(new)).then_some((new, at)))?;
        if Some(new) != known {
            self.repo.move_ref(KNOWN, known, new, "claude-sync")?;
            self.repo.flush()?;
        }
        clear::note_screened(&self.repo)?;
        // What this run made is what the clone has now.
        self.repo.trust_own_work(false);
        // What was pruned in between, before a ref led to it, is made once more.
        if !self.repo.has_fresh(new, tree) {
            return Err(RepoError::Missing(new).into());
        }
        Ok(late)
    }

    /// Why what is made here may not leave, now that the remote was fetched.
    fn hold(&self, places: &Places, config: &config::Config) -> Result<Option<Remote>, SyncError> {
        Ok(match self.leave(places, config)? {
            Leave::Sealed | Leave::Clear => None,
            Leave::Locked(mark) => Some(Remote::Locked(mark)),
            Leave::Held => Some(Remote::Held),
        })
    }

    /// The remote's branch at the last fetch.
    pub(super) fn tip(&self, branch: &str) -> Result<Option<Oid>, SyncError> {
        Ok(self.repo.commit_at(&self.target.tracking(branch))?)
    }

    /// Fetches; says why the remote is left alone where that failed.
    fn fetch(&self) -> Result<Option<Remote>, SyncError> {
        let Some(remote) = self.target.remote.as_deref() else {
            return Ok(None);
        };
        match self.git.fetch(self.repo.path(), remote) {
            Ok(()) => {
                self.repo.drop_dangling_head(remote);
                Ok(None)
            }
            Err(error) if error.is_damage_here() && !self.healed => {
                Err(RepoError::Process(error).into())
            }
            // Nothing of this machine could wait: a download that fails is an error.
            Err(source) if self.options.task == Task::Download => {
                let address = self.repo.address(Some(remote)).unwrap_or_default();
                let address = crate::git::process::hide_secrets(&address);
                Err(SyncError::Unreachable { address, source })
            }
            Err(error) => Ok(Some(Remote::Queued(error.to_string()))),
        }
    }

    /// Follows the remote where its default branch is another one with sync data: somebody renamed it there. Says which it was and is.
    fn follow(&mut self) -> Result<Option<(String, String)>, SyncError> {
        let Some(remote) = self.target.remote.clone().filter(|_| !self.per_machine) else {
            return Ok(None);
        };
        let mut others = Vec::new();
        for (name, commit) in self.repo.tips_below(&self.target.fetched())? {
            let other = name != self.target.branch && name != "HEAD" && !name.starts_with(MACHINES);
            if other && setup::has_data(&self.repo, self.repo.tree_of(commit)?)? {
                others.push(name);
            }
        }
        let Some(first) = others.first() else {
            return Ok(None);
        };
        // That it does not answer now, after a fetch, changes nothing.
        let named = self
            .git
            .survey(self.repo.path(), &remote)
            .ok()
            .filter(|survey| survey.named)
            .and_then(|survey| survey.branch);
        // A clone by hand of a remote whose HEAD names a branch that is not there has that branch, and nothing on it.
        let is_empty =
            self.tip(&self.target.branch)?.is_none() && self.repo.position(&self.target)?.is_none();
        let usual = others
            .iter()
            .find(|name| ["main", "master"].contains(&name.as_str()))
            .unwrap_or(first);
        let Some(branch) = named.or_else(|| is_empty.then(|| usual.clone())) else {
            return Ok(None);
        };
        let Some(tip) = self.tip(&branch)?.filter(|_| branch != self.target.branch) else {
            return Ok(None);
        };
        if !setup::has_data(&self.repo, self.repo.tree_of(tip)?)? {
            return Ok(None);
        }
        self.repo.follow(&self.target, &branch)?;
        let old = std::mem::replace(&mut self.target.branch, branch.clone());
        Ok(Some((old, branch)))
    }

    /// Makes a commit, signed where that is asked for. Where signing fails, it is not, and the run must not push it.
    pub(super) fn make_commit(
        &self,
        tree: Oid,
        parents: &[Oid],
        message: &str,
    ) -> Result<Oid, SyncError> {
        if self.sign && self.unsigned.borrow().is_none() {
            match self.repo.commit_signed(&self.git, tree, parents, message) {
                Err(RepoError::Process(error)) => {
                    *self.unsigned.borrow_mut() = Some(error.to_string());
                }
                made => return Ok(made?),
            }
        }
        Ok(self.repo.commit(&self.git, tree, parents, message)?)
    }

    /// Whether this commit, or one before it that the remote lacks, has files in clear: those of before the fleet was encrypted, or a
    /// pusher's. It is asked as it is before a push, which would be refused.
    fn has_clear_history(&self, head: Oid) -> Result<bool, SyncError> {
        let known: Vec<Oid> = self
            .repo
            .tips_below("refs/remotes/")?
            .into_values()
            .collect();
        let missing = self.repo.new_commits(head, &known)?;
        Ok(!guard::clear(&self.repo, &missing)?.is_empty())
    }

    /// Whether commits that came from the remote have data that is forgotten. Where each machine has a branch, nobody replaces history.
    fn is_tainted(&self, starts: Starts<'_>, cache: &dyn Cache) -> Result<bool, SyncError> {
        let Some(tip) = starts.tip.filter(|tip| {
            !self.per_machine && self.options.task == Task::Sync && Some(*tip) != starts.known
        }) else {
            return Ok(false);
        };
        let root = self.repo.tree_of(tip)?;
        let mut rules = rules_of(&self.repo, root, cache)?.without_retention();
        for start in [starts.head, starts.known].into_iter().flatten() {
            rules = rules
                .and(&rules_of(&self.repo, self.repo.tree_of(start)?, cache)?.without_retention());
        }
        if !rules.forget_something() {
            return Ok(false);
        }
        let checked = CheckedNow::default();
        for commit in self.repo.new_commits(tip, starts.known.as_slice())? {
            if !breaking(&self.repo, self.repo.tree_of(commit)?, &rules, &checked)?.is_empty() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Whether the remote has a history that has nothing in common with this clone's.
    fn new_history(&self, starts: Starts<'_>) -> Result<bool, SyncError> {
        let (Some(tip), Some(head)) = (starts.tip, starts.head) else {
            return Ok(false);
        };
        if tip == head || self.repo.merge_base(tip, head)?.is_some() {
            return Ok(false);
        }
        Ok(self.had_former_key(starts)?
            || Rules::read(&self.repo, self.repo.tree_of(tip)?, |_, _| None)?.forget_something())
    }

    /// Whether what this clone has had is sealed with a key that was replaced since.
    fn had_former_key(&self, starts: Starts<'_>) -> Result<bool, SyncError> {
        let (Some(seal), Some(known)) = (self.repo.seal(), starts.known) else {
            return Ok(false);
        };
        Ok(self
            .repo
            .seal_of(self.repo.tree_of(known)?)?
            .is_some_and(|mark| seal.is_former(&mark)))
    }

    fn commit(
        &self,
        assembled: &Assembled,
        starts: Starts<'_>,
        parent: Option<Oid>,
        cache: &dyn Cache,
        out: &mut Outcome,
    ) -> Result<Oid, SyncError> {
        let compared = parent.or(starts.head.filter(|_| self.reroot.get()));
        let before = compared
            .map(|commit| self.repo.tree_of(commit))
            .transpose()?;
        out.delta = delta(
            &self.repo,
            before,
            Some(assembled.tree),
            &self.machine,
            cache,
        )?;
        let folded = match (starts.tip, starts.head) {
            (Some(tip), Some(head)) => self.foreign_subjects(tip, head)?,
            _ => Vec::new(),
        };
        let own = assembled.own_changed || out.delta != Delta::default();
        let story = Story {
            machine: &self.machine,
            hostname: &self.options.host.hostname,
            mode: own.then_some(if assembled.first {
                Mode::Full
            } else {
                self.options.mode
            }),
            delta: &out.delta,
            imported: self.options.import.as_ref().zip(out.imported.as_ref()),
            first: assembled.first,
            reroot: self.reroot.get(),
            rotated: self.had_former_key(starts)?,
            folded: &folded,
        };
        let commit = self.make_commit(assembled.tree, parent.as_slice(), &self.said(&story))?;
        self.options.watcher.did(|| format!("commit {commit}"));
        out.commit = Some(commit);
        Ok(commit)
    }

    /// The commit message; sealed where the files are.
    pub(super) fn said(&self, story: &Story) -> String {
        let text = message(story);
        match self.repo.seal().filter(|_| self.repo.is_sealing()) {
            Some(seal) => format!("sync\n\n{SEALED}: {}\n", seal.seal_text(SEALED, &text)),
            None => text,
        }
    }

    /// Subjects of unpushed commits that are not this tool's: the new commit takes their place and should say so.
    fn foreign_subjects(&self, tip: Oid, head: Oid) -> Result<Vec<String>, SyncError> {
        let ours = |text: &str| {
            text.contains("\nMachine: ")
                || text.contains("\nSealed: ")
                || text.starts_with("set up claude-sync")
        };
        let all = self.repo.messages(head, Some(tip))?;
        Ok(all
            .iter()
            .filter(|text| !ours(text))
            .filter_map(|text| text.lines().next().map(str::to_owned))
            .take(20)
            .collect())
    }
}

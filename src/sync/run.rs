//! One run: lock, read, fetch, join, commit, push; rejected: fetch and again.

use std::cell::Cell;
use std::time::Duration;

use super::delta::{SEALED, Story, delta, message};
use super::import::History;
use super::settings::{lock, naming, needs_key, reader, start_sealing, with_settings};
use super::tree::{Assembled, Starts, assemble, rules_of};
use super::{Delta, Options, Outcome, ReadReport, Remote, Strayed, SyncError, Task, Twin, identity, outgoing, resolve, setup};
use crate::base::ids::MachineId;
use crate::base::progress::Step;
use crate::cache::Cache;
use crate::cache::index::{Binding, Index};
use crate::fleet::enforce::{CheckedNow, breaking};
use crate::fleet::rules::Rules;
use crate::format::syncfile::Mode;
use crate::git::repo::{KNOWN, Repo};
use crate::git::setup as clone;
use crate::git::{Git, Oid, Push};
use crate::record::RecordSet;
use crate::store::{Places, config, key, machine_id, profiles};
use crate::transcripts::{self, Cursor, Mark, Naming};

/// How often a rejected push is tried again.
const TRIES: u32 = 100;

/// So many rejections of a remote that does not change are believed.
const STUCK: u32 = 7;

/// Syncs once.
pub fn run(places: &Places, options: &Options) -> Result<Outcome, SyncError> {
    let (_lock, cleared) = lock(places, options)?;
    let config = config::read(&places.config)?;
    let key = key::read(&places.key)?;
    let git = Git::find(options.attended)?.with_silence(Duration::from_secs(config.failures.silence)).with_watcher(options.watcher.clone());
    setup::take_up_id(places)?;
    profiles::remember(&places.state, &places.named)?;
    let (machine, new_id) = machine_id::read_or_create(&places.machine_id)?;
    let copied = machine_id::check_host(&places.machine_id, &options.host.fingerprint)? == machine_id::Host::Other;
    let options = &with_settings(options, &config, &machine);
    let set_up = Repo::open(&places.repo)?.is_none();
    if set_up && options.task != Task::Sync {
        return Err(SyncError::NoRemote);
    }
    if set_up {
        setup::set_up(places, options, &git, (machine.clone(), new_id), None, false)?;
    }
    let repo = Repo::open(&places.repo)?.ok_or(SyncError::NoRemote)?.with_key(key.as_ref());
    clone::configure(&repo, &options.program)?;
    needs_key(&config, key.as_ref())?;
    if start_sealing(&repo, repo.head_commit()?, config.encrypt)?.is_some() {
        return Err(SyncError::NoKey { why: "the repository is encrypted".to_owned() });
    }
    let finished = resolve::finish(&repo, &git, options.rules, &Index::open(&places.state)?)?;
    let naming = naming(&config, key.as_ref())?;
    let reader = reader(&repo, &naming, options.summary_only)?;
    let (branch, per_machine) = (repo.branch()?, clone::is_per_machine(&repo)?);
    let strayed = clone::usual_branch(&repo, &branch)?.map(|usual| Strayed { here: branch.clone(), usual });
    let unknown = config.unknown.clone();
    let failures = config.failures.clone();
    if options.reroot && per_machine {
        return Err(SyncError::PerMachine);
    }
    // A new history that the remote did not take yet.
    let front_page = options.front_page.or(clone::wants_front_page(&repo)?);
    let options = &Options { reroot: options.reroot || clone::wants_reroot(&repo)?, front_page, ..options.clone() };
    if options.reroot {
        clone::want_reroot(&repo, true)?;
    }
    let reroot = Cell::new(options.reroot);
    let run = Run { repo, git, options, machine, branch, per_machine, reader, failures, reroot };
    let outcome = run.sync(places, &naming, set_up)?;
    let twin = if copied { Some(Twin::Copied) } else { outcome.twin };
    Ok(Outcome { twin, finished, strayed, unknown, cleared, ..outcome })
}

pub(super) struct Run<'a> {
    pub(super) repo: Repo,
    pub(super) git: Git,
    pub(super) options: &'a Options,
    pub(super) machine: MachineId,
    /// The branch that is checked out: shared by all machines, or a local join of their branches.
    pub(super) branch: String,
    pub(super) per_machine: bool,
    pub(super) reader: String,
    pub(super) failures: config::Failures,
    /// This run begins a new history: asked for, or because the remote's has data that was forgotten.
    pub(super) reroot: Cell<bool>,
}

impl Run<'_> {
    fn sync(&self, places: &Places, naming: &Naming, set_up: bool) -> Result<Outcome, SyncError> {
        let options = self.options;
        let remote = self.repo.remote();
        if options.task == Task::Download && remote.is_none() {
            return Err(SyncError::NoRemote);
        }
        let index = Index::open(&places.state)?;
        let before = self.binding()?;
        let full = options.mode == Mode::Full;
        let cursors = if full { transcripts::Cursors::new() } else { index.cursors(&before)? };
        let folders = places.folders();
        let reading = match options.task {
            Task::Sync => transcripts::read_all_watched(&folders, &cursors, naming, &options.watcher),
            Task::Download | Task::Resolve => transcripts::Reading::default(),
        };
        let (history, told) = History::of(options.import.as_ref(), naming, &options.watcher);
        let mut out = self.outcome(set_up, ReadReport { unmatched: folders.unmatched, ..ReadReport::from(&reading) });
        out.imported = options.import.as_ref().map(|_| told);
        if !self.failures.name_bad_lines {
            out.read.bad.clear();
        }
        let mut queued = match &remote {
            None => Some(Remote::None),
            Some(_) if options.offline || options.task == Task::Resolve => Some(Remote::Skipped),
            Some(_) if options.unattended && options.task == Task::Sync && self.next_try(&index)? > Some(options.now) => {
                Some(Remote::Waiting)
            }
            Some(_) => self.git.fetch(self.repo.path(), "origin").err().map(|error| Remote::Queued(error.to_string())),
        };
        if queued.is_none() {
            let tip = self.repo.commit_at(&Self::tracking(&self.branch))?;
            if let Some(mark) = start_sealing(&self.repo, tip, false)? {
                if self.repo.head_commit()?.is_none() || options.task == Task::Download {
                    return Err(SyncError::NoKey { why: format!("the repository is encrypted with the key {mark}") });
                }
                queued = Some(Remote::Locked(mark));
            }
        }
        if options.task == Task::Download
            && let Some(Remote::Queued(_)) = &queued
        {
            // Nothing of ours could wait: whoever asks to download wants to know.
            let address = crate::git::process::hide_secrets(&remote.unwrap_or_default());
            return match self.git.fetch(self.repo.path(), "origin") {
                Err(source) => Err(SyncError::Unreachable { address, source }),
                Ok(()) => Err(SyncError::Contended(1)),
            };
        }
        let (mut rejected, mut stuck, mut seen) = (0, 0, None);
        loop {
            let head = self.step((&reading.records, &history), queued.is_none(), &index, &mut out)?;
            if let Some(state) = queued.take() {
                out.remote = state;
                break;
            }
            let outgoing = if options.task == Task::Download { Vec::new() } else { self.outgoing(head, &index)? };
            if outgoing.is_empty() {
                out.remote = Remote::UpToDate;
                break;
            }
            let pushed = outgoing.iter().try_fold(Push::Done, |state, (commit, branch)| match state {
                Push::Done => self.push(*commit, branch),
                Push::Rejected(_) => Ok(state),
            });
            match pushed {
                Ok(Push::Done) => {
                    out.remote = Remote::Pushed(rejected);
                    break;
                }
                // Whoever was faster changed the remote. Where it stays as it is, something else is in the way, such as a lock that a
                // killed command left there.
                Ok(Push::Rejected(reason)) if stuck >= STUCK => {
                    out.remote = Remote::Refused(reason);
                    break;
                }
                Ok(Push::Rejected(_)) if rejected < TRIES => {
                    rejected += 1;
                    let tip = self.repo.commit_at(&Self::tracking(&self.branch))?;
                    stuck = if seen == Some(tip) { stuck + 1 } else { 0 };
                    seen = Some(tip);
                    std::thread::sleep(outgoing::jitter(rejected));
                    queued = self.git.fetch(self.repo.path(), "origin").err().map(|error| Remote::Queued(error.to_string()));
                }
                Ok(Push::Rejected(_)) => return Err(SyncError::Contended(TRIES)),
                Err(error) => {
                    out.remote = Remote::Refused(error.to_string());
                    break;
                }
            }
        }
        self.remember(places, index, (&before, &reading.cursors), &mut out)?;
        Ok(out)
    }

    /// Ends a run: what is remembered of it, and what is tidied up.
    fn remember(&self, places: &Places, mut index: Index, read: (&Binding, &[(Mark, Cursor)]), out: &mut Outcome) -> Result<(), SyncError> {
        match &out.remote {
            Remote::Queued(_) | Remote::Refused(_) => index.count_failure(Some(self.options.now))?,
            Remote::UpToDate | Remote::Pushed(_) => index.count_failure(None)?,
            Remote::None | Remote::Skipped | Remote::Waiting | Remote::Locked(_) => {}
        }
        out.next_try = self.next_try(&index)?;
        if self.options.front_page.is_some() {
            clone::want_front_page(&self.repo, None)?;
        }
        // Only now: the index must never know more than the repository has.
        index.store(read.0, &self.binding()?, read.1)?;
        if self.reroot.get() && matches!(out.remote, Remote::Pushed(_) | Remote::UpToDate | Remote::None) {
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
            strayed: None,
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
            newer_rules: None,
            machines: 0,
            purged: false,
        }
    }

    fn binding(&self) -> Result<Binding, SyncError> {
        let known = self.repo.commit_at(KNOWN)?.map(|id| id.to_string()).unwrap_or_default();
        Ok(Binding { known, machine: self.machine.to_string(), reader: self.reader.clone() })
    }

    /// Brings the local branch to what it should be, and returns its commit. `online`: the remote was fetched just now.
    fn step(&self, brought: (&RecordSet, &History), online: bool, cache: &dyn Cache, out: &mut Outcome) -> Result<Oid, SyncError> {
        let branch = format!("refs/heads/{}", self.branch);
        let tip = if online { self.repo.commit_at(&Self::tracking(&self.branch))? } else { None };
        // The remote may have become encrypted since this run began, by the push that was faster.
        if let Some(mark) = start_sealing(&self.repo, tip, false)? {
            return Err(SyncError::NoKey { why: format!("the repository is encrypted with the key {mark}") });
        }
        let mut others = self.options.restore.clone();
        // Some machines may have a branch of their own, whatever this one has.
        for commit in self.repo.tips_below("refs/remotes/origin/machines/")?.into_values() {
            if setup::is_sync(&self.repo, self.repo.tree_of(commit)?)? {
                others.push(commit);
            }
        }
        let head = self.repo.commit_at(&branch)?;
        let starts = Starts { tip, head, known: self.repo.commit_at(KNOWN)?, others: &others };
        for commit in [starts.tip, starts.head].into_iter().flatten() {
            if !setup::is_sync(&self.repo, self.repo.tree_of(commit)?)? {
                let remote = self.repo.remote().filter(|_| Some(commit) == starts.tip);
                let place = remote.map_or_else(|| self.repo.path().display().to_string(), |url| crate::git::process::hide_secrets(&url));
                return Err(SyncError::NotSync { place });
            }
        }
        if identity::another_wrote(&self.repo, starts, &self.machine)? {
            out.twin = Some(Twin::Wrote);
        }
        if self.is_tainted(starts, cache)? {
            // Somebody pushed what was forgotten, around the hooks: the history that has it is replaced once more.
            self.reroot.set(true);
            clone::want_reroot(&self.repo, true)?;
        }
        let assembled = assemble(&self.repo, starts, &self.machine, brought, self.options, cache)?;
        if let Some(imported) = &mut out.imported {
            // After a rejected push all of it is here already.
            imported.see(&assembled.imported);
        }
        out.problems.clone_from(&assembled.problems);
        out.mended.extend(assembled.mended.iter().cloned());
        out.newer_rules = assembled.newer_rules;
        out.machines = assembled.machines;
        let parent = match (starts.tip, starts.head) {
            _ if self.reroot.get() => None,
            // The joined branch is not pushed with every sync: it grows where it is, as long as the remote's is part of it.
            (Some(tip), Some(head)) if self.per_machine && self.repo.contains(head, tip)? => Some(head),
            (tip, head) => tip.or(head),
        };
        let parent_tree = parent.map(|commit| self.repo.tree_of(commit)).transpose()?;
        let head_tree = starts.head.map(|commit| self.repo.tree_of(commit)).transpose()?;
        let on_tip = |head: Oid| -> Result<bool, SyncError> {
            Ok(parent == Some(head) || starts.tip.is_none_or(|tip| self.repo.parents_of(head).is_ok_and(|p| p == [tip])))
        };
        let new = match (parent, starts.head) {
            // The remote has everything already, or there is no remote and nothing is new.
            (Some(parent), _) if parent_tree == Some(assembled.tree) => parent,
            // The commit of an earlier run still waits, and still says it all.
            (Some(_), Some(head)) if head_tree == Some(assembled.tree) && on_tip(head)? => head,
            // A new history that was made already.
            (None, Some(head)) if head_tree == Some(assembled.tree) && self.repo.parents_of(head)?.is_empty() => head,
            _ => self.commit(&assembled, starts, parent, cache, out)?,
        };
        let others_came = starts.tip.is_some() && starts.tip != starts.head || !others.is_empty() && out.delta == Delta::default();
        out.received |= starts.head.is_some_and(|head| head != new) && others_came;
        if Some(new) != starts.head {
            let _doing = self.options.watcher.begin(Step::WorkTree, 0);
            self.repo.flush()?;
            // Of a long history a run changes few files. Whether the others still show the commit is looked at when nothing is new.
            let advanced = head_tree.map_or(Ok(false), |head| self.repo.advance(head, assembled.tree))?;
            if !advanced {
                self.repo.checkout(assembled.tree)?;
            }
            self.repo.move_ref(&branch, starts.head, new, "claude-sync")?;
        } else if !self.repo.shows(assembled.tree)? {
            // An earlier run was cut off, or somebody edited what is only a projection.
            self.repo.checkout(assembled.tree)?;
        }
        // Whoever began a new history had something forgotten: the old one goes from here too.
        out.purged |= self.reroot.get() || self.new_history(starts)?;
        if Some(new) != starts.known {
            self.repo.move_ref(KNOWN, starts.known, new, "claude-sync")?;
            self.repo.flush()?;
        }
        Ok(new)
    }

    /// Whether commits that came from the remote have data that is forgotten. Where each machine has a branch, nobody replaces history.
    fn is_tainted(&self, starts: Starts<'_>, cache: &dyn Cache) -> Result<bool, SyncError> {
        let Some(tip) = starts.tip.filter(|tip| !self.per_machine && self.options.task == Task::Sync && Some(*tip) != starts.known) else {
            return Ok(false);
        };
        let root = self.repo.tree_of(tip)?;
        let mut rules = rules_of(&self.repo, root, cache)?.without_retention();
        for start in [starts.head, starts.known].into_iter().flatten() {
            rules = rules.and(&rules_of(&self.repo, self.repo.tree_of(start)?, cache)?.without_retention());
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
        let (Some(tip), Some(head)) = (starts.tip, starts.head) else { return Ok(false) };
        if tip == head || self.repo.merge_base(tip, head)?.is_some() {
            return Ok(false);
        }
        Ok(Rules::read(&self.repo, self.repo.tree_of(tip)?, |_, _| None)?.forget_something())
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
        let before = compared.map(|commit| self.repo.tree_of(commit)).transpose()?;
        out.delta = delta(&self.repo, before, Some(assembled.tree), &self.machine, cache)?;
        let folded = match (starts.tip, starts.head) {
            (Some(tip), Some(head)) => self.foreign_subjects(tip, head)?,
            _ => Vec::new(),
        };
        let own = assembled.own_changed || out.delta != Delta::default();
        let story = Story {
            machine: &self.machine,
            hostname: &self.options.host.hostname,
            mode: own.then_some(if assembled.first { Mode::Full } else { self.options.mode }),
            delta: &out.delta,
            imported: self.options.import.as_ref().zip(out.imported.as_ref()),
            first: assembled.first,
            reroot: self.reroot.get(),
            folded: &folded,
        };
        let commit = self.repo.commit(&self.git, assembled.tree, parent.as_slice(), &self.said(&story))?;
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
        let ours = |text: &str| text.contains("\nMachine: ") || text.contains("\nSealed: ") || text.starts_with("set up claude-sync");
        let all = self.repo.messages(head, Some(tip))?;
        Ok(all.iter().filter(|text| !ours(text)).filter_map(|text| text.lines().next().map(str::to_owned)).take(20).collect())
    }
}

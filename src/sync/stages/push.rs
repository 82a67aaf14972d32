//! Stage 8: pushes what the remote lacks.

use std::time::Duration;

use super::context::Run;
use super::fetch::fetch_again;
use super::start::other_branches;
use crate::fleet::rules::Rules;
use crate::git::process::MACHINES;
use crate::git::repo::{KNOWN, Repo};
use crate::git::{GitError, Oid, Push, Update};
use crate::merge::old_roots::{is_shared, old_roots};
use crate::merge::push_check::{self, Breach};
use crate::store::layout;
use crate::sync::compact::fold;
use crate::sync::delta::delta;
use crate::sync::error::SyncError;
use crate::sync::message::{Message, sealed};
use crate::sync::options::Task;
use crate::sync::outcome::Remote;
use crate::sync::own_branch::own_tree;

/// How often a rejected push is tried again.
const TRIES: u32 = 100;

/// After this many rejections by a remote that does not change, something else than a faster push
/// is in the way.
const STUCK: u32 = 7;

/// Rejected pushes of a run.
#[derive(Default)]
pub(crate) struct Rejections {
    count: u32,
    /// How many of the last ones found the remote unchanged.
    stuck: u32,
    /// The remote's branch after the last one.
    seen: Option<Oid>,
}

impl Rejections {
    fn add(&mut self, tip: Option<Oid>) {
        let is_unchanged = self.count > 0 && self.seen == tip;
        self.count += 1;
        self.stuck = if is_unchanged { self.stuck + 1 } else { 0 };
        self.seen = tip;
    }
}

/// What became of a push.
pub(crate) enum Pushed {
    /// The run is done with the remote.
    Ended(Remote),
    /// The remote changed, and was fetched: the next commit must join it. With a reason it is not
    /// pushed.
    Rejected(Option<Remote>),
}

/// Pushes. `instead`: why nothing is pushed.
pub(crate) fn push(
    run: &mut Run<'_>,
    head: Oid,
    instead: Option<Remote>,
    rejections: &mut Rejections,
) -> Result<Pushed, SyncError> {
    if let Some(reason) = run.unsigned.take() {
        return Ok(Pushed::Ended(Remote::Unsigned(reason)));
    }
    if let Some(state) = instead {
        return Ok(Pushed::Ended(state));
    }
    let outgoing = if run.options.task == Task::Download {
        Vec::new()
    } else {
        outgoing(run, head)?
    };
    if outgoing.is_empty() {
        return Ok(Pushed::Ended(Remote::UpToDate));
    }
    if let Some(reason) = breaks(run, &outgoing)? {
        return Ok(Pushed::Ended(Remote::Refused(reason)));
    }
    Ok(Pushed::Ended(match push_each(run, &outgoing) {
        Ok(Push::Done) => Remote::Pushed(rejections.count),
        // A faster push changed the remote. Where it stays as it is, something else is in the way,
        // such as a lock that a killed command left there.
        Ok(Push::Rejected(reason)) if rejections.stuck >= STUCK => Remote::Refused(reason),
        Ok(Push::Rejected(_)) if rejections.count < TRIES => {
            rejections.add(run.tip(&run.target.branch)?);
            std::thread::sleep(jitter(rejections.count));
            return Ok(Pushed::Rejected(fetch_again(run)?));
        }
        Ok(Push::Rejected(_)) => return Err(SyncError::Contended(TRIES)),
        Err(error) => Remote::Refused(error.to_string()),
    }))
}

/// Pushes commits to their branches, up to the first that is rejected.
fn push_each(run: &Run<'_>, outgoing: &[(Oid, String)]) -> Result<Push, GitError> {
    for (commit, branch) in outgoing {
        let pushed = push_one(run, *commit, branch)?;
        if !matches!(pushed, Push::Done) {
            return Ok(pushed);
        }
    }
    Ok(Push::Done)
}

fn push_one(run: &Run<'_>, commit: Oid, branch: &str) -> Result<Push, GitError> {
    let tip = run.tip(branch).ok().flatten();
    let over = tip
        .filter(|_| run.reroot || run.replaced.contains(branch))
        .map(|old| old.to_string());
    let remote = run.target.remote.as_deref().unwrap_or("origin");
    let commit = commit.to_string();
    let update = Update {
        commit: &commit,
        branch,
        over: over.as_deref(),
        is_first: !tip.is_some_and(|tip| has_own(run, tip)),
    };
    run.git.push(run.repo.path(), remote, &update)
}

/// Whether a commit has a version of this machine's file.
fn has_own(run: &Run<'_>, commit: Oid) -> bool {
    let path = layout::machine_path(&run.machine);
    let root = run.repo.tree_of(commit);
    root.and_then(|root| run.repo.entry(Some(root), &path))
        .is_ok_and(|entry| entry.is_some())
}

/// What pushing these would break on the remote, no matter whose it is: nothing ever should.
fn breaks(run: &Run<'_>, outgoing: &[(Oid, String)]) -> Result<Option<String>, SyncError> {
    let repo = &run.repo;
    let mut breaches = Vec::new();
    let rules = all_rules(repo, outgoing.iter().map(|(commit, _)| *commit))?;
    for (commit, branch) in outgoing {
        let (new, old) = (repo.tree_of(*commit)?, run.tip(branch)?);
        let old = old.filter(|_| !run.reroot);
        let old = old.map(|old| repo.tree_of(old)).transpose()?;
        breaches.extend(push_check::breaches(repo, old, Some(new), &rules)?);
        breaches.extend(breaches_of_history(repo, *commit, &rules)?);
        if run.tip(branch)?.is_some() && is_shared(branch) {
            breaches.extend(old_roots(repo, &rules, &new_to_remote(repo, *commit)?)?);
        }
    }
    if breaches.is_empty() {
        return Ok(None);
    }
    let named = breaches.iter().take(10);
    let lines = named.fold(String::new(), |text, one| text + "\n  " + &one.to_string());
    Ok(Some(format!(
        "this push would break what the remote has, and was not sent:{lines}"
    )))
}

/// The rules of these commits and of what this clone has: a machine's own branch does not have what
/// others had forgotten.
fn all_rules(repo: &Repo, commits: impl Iterator<Item = Oid>) -> Result<Rules, SyncError> {
    let here = [repo.synced()?, repo.commit_at(KNOWN)?];
    let all = here.into_iter().flatten().chain(commits);
    let roots = all
        .map(|commit| repo.tree_of(commit))
        .collect::<Result<Vec<_>, _>>()?;
    Ok(push_check::rules(repo, roots)?)
}

/// What the commits that the remote lacks would bring to it: forgotten data, or files in clear in
/// an encrypted fleet.
fn breaches_of_history(repo: &Repo, commit: Oid, rules: &Rules) -> Result<Vec<Breach>, SyncError> {
    let new = new_to_remote(repo, commit)?;
    let mut out = push_check::forgotten(repo, rules, &new)?;
    if repo.is_sealing() || repo.sealed_mark()?.is_some() {
        out.extend(push_check::clear(repo, &new)?);
    }
    Ok(out)
}

/// The commits of this history that the remote lacks.
fn new_to_remote(repo: &Repo, commit: Oid) -> Result<Vec<Oid>, SyncError> {
    let known: Vec<Oid> = repo.tips_below("refs/remotes/")?.into_values().collect();
    Ok(repo.new_commits(commit, &known)?)
}

/// What the remote lacks: commits, with the branches they go to.
fn outgoing(run: &mut Run<'_>, head: Oid) -> Result<Vec<(Oid, String)>, SyncError> {
    let mut all = Vec::new();
    if run.per_machine {
        let branch = format!("{MACHINES}{}", run.machine);
        all.push((own_branch(run, head, &branch)?, branch));
    }
    if !run.per_machine || run.options.push_main {
        all.push((head, run.target.branch.clone()));
    }
    let mut missing = Vec::new();
    for (commit, branch) in all {
        if run.tip(&branch)? != Some(commit) {
            missing.push((commit, branch));
        }
    }
    Ok(missing)
}

/// The commit of this machine's own branch.
fn own_branch(run: &mut Run<'_>, head: Oid, branch: &str) -> Result<Oid, SyncError> {
    let name = format!("refs/heads/{branch}");
    let (tip, local) = (run.tip(branch)?, run.repo.commit_at(&name)?);
    let kept = if tip.is_none() {
        pushable(&run.repo, local, head)?
    } else {
        local
    };
    let latest = tip.or(kept);
    let before = latest.map(|commit| run.repo.tree_of(commit)).transpose()?;
    let parent = compacted(run, latest, branch, head)?;
    let kept = kept.filter(|_| !run.replaced.contains(branch));
    let root = run.repo.tree_of(head)?;
    let others = other_roots(run, tip)?;
    let tree = own_tree(&run.repo, root, &run.machine, before, &others)?;
    for there in [parent, kept].into_iter().flatten() {
        let is_next = |parent| run.repo.parents_of(there).is_ok_and(|p| p == [parent]);
        let waits = Some(there) == parent || parent.is_none_or(is_next);
        if waits && run.repo.tree_of(there)? == tree {
            run.repo.move_ref(&name, local, there, "claude-sync")?;
            return Ok(there);
        }
    }
    let delta = delta(&run.repo, before, Some(tree), &run.machine, &run.index)?;
    let message = Message {
        machine: &run.machine,
        hostname: &run.options.host.hostname,
        mode: Some(run.options.mode),
        delta: &delta,
        intents: &run.options.intents,
        imported: None,
        first: before.is_none(),
        reroot: false,
        compacted: None,
        rotated: false,
        folded: &[],
    };
    let text = sealed(&run.repo, &message);
    let commit = run.make_commit(tree, parent.as_slice(), &text)?;
    run.repo.flush()?;
    run.repo.move_ref(&name, local, commit, "claude-sync")?;
    Ok(commit)
}

/// The commit that the next one of this machine's own branch goes on: the branch is this machine's
/// alone, and so is its history to compact. Folded commits are new: where data was forgotten or
/// sealed since, the branch begins anew.
fn compacted(
    run: &mut Run<'_>,
    parent: Option<Oid>,
    branch: &str,
    head: Oid,
) -> Result<Option<Oid>, SyncError> {
    if let (Some(keep), Some(old)) = (run.compact, parent)
        && let Some(folded) = fold(&run.repo, old, keep)?
    {
        run.replaced.insert(branch.to_owned());
        return pushable(&run.repo, Some(folded.tip), head);
    }
    Ok(parent)
}

/// The local branch, if its history may be pushed to a remote that does not have these commits:
/// none where data was forgotten or sealed since, or where older commits are missing here.
fn pushable(repo: &Repo, local: Option<Oid>, head: Oid) -> Result<Option<Oid>, SyncError> {
    let Some(local) = local else {
        return Ok(None);
    };
    let rules = all_rules(repo, std::iter::once(head))?;
    let is_clean = breaches_of_history(repo, local, &rules)?.is_empty();
    let may_go = is_clean && !repo.is_cut_off(local)?;
    Ok(Some(local).filter(|_| may_go))
}

/// The root trees of all branches with sync data that the remote has, apart from this machine's
/// own.
fn other_roots(run: &Run<'_>, own: Option<Oid>) -> Result<Vec<Oid>, SyncError> {
    let mut tips = other_branches(run)?;
    tips.extend(run.tip(&run.target.branch)?);
    let tips = tips.into_iter().filter(|tip| Some(*tip) != own);
    Ok(tips
        .map(|tip| run.repo.tree_of(tip))
        .collect::<Result<_, _>>()?)
}

/// A random wait of up to 50 ms, doubling with each rejection up to 3 s, so that machines which
/// collided do not collide again.
fn jitter(rejected: u32) -> Duration {
    let most = 50_u64.saturating_mul(1 << rejected.min(6)).min(3000);
    let random = uuid::Uuid::new_v4().as_u64_pair().0;
    Duration::from_millis(random % most)
}

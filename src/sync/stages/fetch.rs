//! Stage 3: fetches, follows a branch that was renamed on the remote, and asks whether anything may
//! be pushed.

use super::context::Run;
use super::leave::leave;
use crate::base::time::Timestamp;
use crate::git::process::{MACHINES, hide_secrets};
use crate::git::repo::RepoError;
use crate::sync::clear::Leave;
use crate::sync::error::SyncError;
use crate::sync::options::Task;
use crate::sync::outcome::Remote;
use crate::sync::repository::has_data;
use crate::sync::settings::next_try;

/// What is known of the remote.
pub(crate) struct Fetched {
    /// Why nothing is pushed; none where the remote was fetched and may have what this run makes.
    pub(crate) instead: Option<Remote>,
    /// The address that the server redirects to, its secrets hidden.
    pub(crate) moved: Option<String>,
    /// The branch that was synced and the one that is, where the remote's default branch was
    /// renamed.
    pub(crate) followed: Option<(String, String)>,
}

/// Fetches, where the remote is to be reached.
pub(crate) fn fetch(run: &mut Run<'_>) -> Result<Fetched, SyncError> {
    let options = &run.options;
    let attended = !options.unattended || options.task != Task::Sync;
    let instead = if run.address().is_none() {
        Some(Remote::None)
    } else if options.offline || options.task == Task::Resolve {
        Some(Remote::Skipped)
    } else if !attended && next_attempt(run)? > Some(options.now) {
        Some(Remote::Waiting)
    } else {
        fetch_branches(run)?
    };
    let mut out = Fetched {
        instead,
        moved: run.git.moved(),
        followed: None,
    };
    if out.instead.is_none() {
        out.followed = follow(run)?;
        out.instead = hold(run)?;
        check_key(run, out.instead.as_ref())?;
    }
    Ok(out)
}

/// Fetches once more after a rejected push. Returns why nothing is pushed from here on.
pub(crate) fn fetch_again(run: &Run<'_>) -> Result<Option<Remote>, SyncError> {
    Ok(match fetch_branches(run)? {
        // The remote may have become encrypted meanwhile, by the push that was faster.
        None => hold(run)?,
        instead => instead,
    })
}

/// When runs that nobody attends may try the remote again; none where it did not fail.
pub(crate) fn next_attempt(run: &Run<'_>) -> Result<Option<Timestamp>, SyncError> {
    let failures = run.index.failures()?;
    // A failure in the future was noted by a wrong clock.
    let past = failures.filter(|(_, last)| *last <= run.options.now);
    Ok(past.and_then(|past| next_try(&run.config.failures, past)))
}

/// Fetches all branches. Returns why the remote is left alone where that failed.
fn fetch_branches(run: &Run<'_>) -> Result<Option<Remote>, SyncError> {
    let Some(remote) = run.target.remote.as_deref() else {
        return Ok(None);
    };
    match run.git.fetch(run.repo.path(), remote) {
        Ok(()) => {
            run.repo.drop_dangling_head(remote);
            Ok(None)
        }
        Err(error) if error.is_damage_here() && !run.healed => {
            Err(RepoError::Process(error).into())
        }
        // Nothing of this machine could wait: a download that fails is an error.
        Err(source) if run.options.task == Task::Download => {
            let address = hide_secrets(&run.address().unwrap_or_default());
            Err(SyncError::Unreachable { address, source })
        }
        Err(error) => Ok(Some(Remote::Queued(error.to_string()))),
    }
}

/// Follows the remote where its default branch is another one with sync data: somebody renamed it
/// there.
fn follow(run: &mut Run<'_>) -> Result<Option<(String, String)>, SyncError> {
    let Some(branch) = renamed_to(run)? else {
        return Ok(None);
    };
    let Some(tip) = run.tip(&branch)?.filter(|_| branch != run.target.branch) else {
        return Ok(None);
    };
    if !has_data(&run.repo, run.repo.tree_of(tip)?)? {
        return Ok(None);
    }
    run.repo.follow(&run.target, &branch)?;
    let old = std::mem::replace(&mut run.target.branch, branch.clone());
    Ok(Some((old, branch)))
}

/// The branch that the remote's `HEAD` names, where the remote has sync data on a branch that is
/// not the sync's.
fn renamed_to(run: &Run<'_>) -> Result<Option<String>, SyncError> {
    let Some(remote) = run.target.remote.as_ref().filter(|_| !run.per_machine) else {
        return Ok(None);
    };
    let mut others = Vec::new();
    for (name, commit) in run.repo.tips_below(&run.target.fetched())? {
        let other = name != run.target.branch && name != "HEAD" && !name.starts_with(MACHINES);
        if other && has_data(&run.repo, run.repo.tree_of(commit)?)? {
            others.push(name);
        }
    }
    let Some(first) = others.first() else {
        return Ok(None);
    };
    // That it does not answer now, after a fetch, changes nothing.
    let survey = run.git.survey(run.repo.path(), remote).ok();
    let named = survey
        .filter(|survey| survey.named)
        .and_then(|survey| survey.branch);
    // A clone by hand of a remote whose HEAD names a branch that is not there has that branch, and
    // nothing on it.
    let is_empty =
        run.tip(&run.target.branch)?.is_none() && run.repo.position(&run.target)?.is_none();
    let usual = others
        .iter()
        .find(|name| ["main", "master"].contains(&name.as_str()))
        .unwrap_or(first);
    Ok(named.or_else(|| is_empty.then(|| usual.clone())))
}

/// Why what is made here may not leave, now that the remote was fetched.
fn hold(run: &Run<'_>) -> Result<Option<Remote>, SyncError> {
    Ok(match leave(run)? {
        Leave::Sealed | Leave::Clear => None,
        Leave::Locked(mark) => Some(Remote::Locked(mark)),
        Leave::Held => Some(Remote::Held),
    })
}

/// Fails where nothing may be pushed for want of the key, and there is nothing here that could wait
/// for it.
fn check_key(run: &Run<'_>, instead: Option<&Remote>) -> Result<(), SyncError> {
    let has_nothing = run.repo.position(&run.target)?.is_none();
    if !(has_nothing || run.options.task == Task::Download) {
        return Ok(());
    }
    let why = match instead {
        None => return Ok(()),
        Some(Remote::Locked(mark)) => format!("the repository is encrypted with the key {mark}"),
        Some(_) => "this fleet is encrypted".to_owned(),
    };
    Err(SyncError::NoKey { why })
}

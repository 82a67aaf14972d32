//! Another key for the fleet: everything is sealed anew, and a new history begins, so that the old
//! key opens nothing that comes later.
//!
//! Machines that have the old key find in `sync/keys` that it was replaced, commit on, and wait for
//! the new one. What they committed meanwhile is sealed anew once they have it. Of two machines
//! that replace the key at the same time, the one whose push comes first decides: the other waits
//! too.

use super::error::SyncError;
use super::options::Options;
use super::outcome::{Outcome, Remote};
use super::run::run;
use crate::base::key::Key;
use crate::git::repo::Repo;
use crate::git::setup as clone;
use crate::store::{Places, key};

/// Replaces the fleet's key. First everything that others pushed is brought in, and nothing is
/// changed where that fails.
pub(crate) fn rotate(places: &Places, options: &Options) -> Result<(Key, Outcome), SyncError> {
    let no_key = || SyncError::NoKey {
        why: "there is none to replace".to_owned(),
    };
    let old = key::read(&places.key)?.ok_or_else(no_key)?;
    let repo = Repo::open(&places.repo)?.ok_or(SyncError::NoRemote)?;
    if clone::is_per_machine(&repo)? {
        return Err(SyncError::PerMachine);
    }
    has_everything(run(places, options)?.remote)?;
    if repo
        .config()?
        .get_string("claude-sync.sealed")
        .ok()
        .is_none_or(|mark| mark != old.mark())
    {
        return Err(SyncError::NotRotated {
            why: "the repository is not encrypted with the key that is here".to_owned(),
        });
    }
    let new = Key::random().ok_or_else(|| SyncError::NotRotated {
        why: "the system gave no random bytes".to_owned(),
    })?;
    // In this order: a run that finds the new key begins the new history.
    clone::want_reroot(&repo, true)?;
    let new = key::replace(&places.key, &new)?;
    let options = Options {
        reroot: true,
        ..options.clone()
    };
    let outcome = run(places, &options)?;
    match outcome.remote {
        Remote::Locked(mark) => Err(SyncError::NoKey {
            why: format!(
                "another machine replaced it at the same time, and the repository is encrypted with the key {mark}"
            ),
        }),
        _ => Ok((new, outcome)),
    }
}

/// Fails where the remote does not have what this machine made, or this machine not what the remote
/// has.
fn has_everything(remote: Remote) -> Result<(), SyncError> {
    match remote {
        Remote::None | Remote::UpToDate | Remote::Pushed(_) => Ok(()),
        Remote::Locked(mark) => Err(SyncError::NoKey {
            why: format!("the repository is encrypted with the key {mark}"),
        }),
        Remote::Queued(why) | Remote::Refused(why) | Remote::Unsigned(why) => {
            Err(SyncError::NotRotated { why })
        }
        Remote::Skipped | Remote::Waiting | Remote::Held => Err(SyncError::NotRotated {
            why: "the remote was not reached".to_owned(),
        }),
    }
}

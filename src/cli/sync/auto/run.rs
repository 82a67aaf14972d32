//! `claude-sync auto run`: an automatic sync.

use super::due::is_due;
use super::settings_files::move_copies;
use super::trigger::Trigger;
use crate::auto::pace::{self, LastRun};
use crate::base::text::printable;
use crate::cli::env::Env;
use crate::cli::error::CliError;
use crate::cli::{exit, outcome, places};
use crate::git::Cause;
use crate::git::process::{Refuser, refuser};
use crate::store::{Places, config};
use crate::sync::{self, Options, Outcome, Remote};

/// `soon`: a session ended.
pub(crate) fn run(trigger: Trigger, soon: bool, env: &Env) -> Result<u8, CliError> {
    let places = places::find()?;
    let Some(_turn) = pace::take_turn(&places.state)? else {
        return Ok(exit::OK);
    };
    // Users of an earlier version may never run `auto enable` again.
    let _ = move_copies(&places);
    let auto = config::read(&places.config)?.auto;
    // Checked with the lock: of many runs that start at once, one syncs.
    if !is_due(&places, &auto, trigger, || soon, env.now) {
        return Ok(exit::OK);
    }
    let options = Options {
        attended: false,
        unattended: true,
        ..env.options()
    };
    let outcome = recorded(&places, trigger, env, || {
        sync::run(&places, &options).map_err(CliError::from)
    })?;
    eprint!("{}", outcome::warnings(&outcome, true));
    Ok(outcome::code(&outcome))
}

/// Runs a sync, and stores its result for `auto status`.
pub(crate) fn recorded(
    places: &Places,
    trigger: Trigger,
    env: &Env,
    run: impl FnOnce() -> Result<Outcome, CliError>,
) -> Result<Outcome, CliError> {
    let mut last = LastRun {
        trigger: trigger.name().to_owned(),
        began: env.now.to_string(),
        ended: None,
        code: None,
        error: None,
    };
    pace::remember(&places.state, &last)?;
    let result = run();
    last.ended = Some(env.clock().to_string());
    (last.code, last.error) = match &result {
        Ok(outcome) => (Some(outcome::code(outcome)), failure(&outcome.remote)),
        Err(error) => (Some(error.exit), Some(error.to_string())),
    };
    pace::remember(&places.state, &last)?;
    result
}

fn failure(remote: &Remote) -> Option<String> {
    match remote {
        Remote::Queued(reason) => Some(format!("the remote was not reached: {}", truncate(reason))),
        Remote::Refused(reason) => Some(format!(
            "the remote did not take the push: {}",
            truncate(reason)
        )),
        Remote::Locked(mark) => Some(format!(
            "the remote is encrypted with the key {mark}, which is not here"
        )),
        Remote::Unsigned(reason) => Some(format!(
            "the commit could not be signed: {}",
            last_line(reason)
        )),
        Remote::Held => Some(
            "this fleet is encrypted, and its key is not here: nothing leaves in clear".to_owned(),
        ),
        Remote::Waiting => {
            Some("the remote failed lately and is left alone for a while".to_owned())
        }
        Remote::None | Remote::UpToDate | Remote::Pushed(_) | Remote::Skipped => None,
    }
}

/// The cause if it is known, else the last line. Messages of git end with general advice.
fn truncate(reason: &str) -> String {
    match (refuser(reason), Cause::of(reason)) {
        (Some(Refuser::Full), _) => "its storage is full".to_owned(),
        (None, Some(cause)) => cause.what().to_owned(),
        _ => last_line(reason),
    }
}

fn last_line(text: &str) -> String {
    printable(
        text.lines()
            .rev()
            .find(|line| !line.trim().is_empty())
            .unwrap_or_default(),
        200,
    )
}

//! The last sync of a machine that goes away: `claude-sync auto run --last`, and Claude Code's hook
//! on short-lived machines.
//!
//! No later run pushes what this one leaves. So it waits for a running sync, ignores the minimum
//! interval, and retries the remote until its time is over.

use super::run::recorded;
use super::trigger::Trigger;
use crate::cli::env::Env;
use crate::cli::error::CliError;
use crate::cli::{exit, outcome, places};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::auto::pace;
use crate::store::Places;
use crate::sync::{self, Options, Outcome, Remote};

/// How long it tries, in seconds: within what Claude Code waits for a hook at the end of a session.
pub(crate) const WITHIN: u64 = 50;

/// The pause before the next try, which doubles.
const PAUSE: Duration = Duration::from_millis(500);

/// How often another automatic run is asked whether it has ended.
const LOOK: Duration = Duration::from_millis(50);

pub(crate) fn run(trigger: Trigger, within: u64, env: &Env) -> Result<u8, CliError> {
    let places = places::find()?;
    let end = Instant::now() + Duration::from_secs(within);
    let mut turn = pace::take_turn(&places.state)?;
    while turn.is_none() && Instant::now() < end {
        std::thread::sleep(LOOK);
        turn = pace::take_turn(&places.state)?;
    }
    let outcome = recorded(&places, trigger, env, || tries(&places, env, end))?;
    eprint!("{}", outcome::warnings(&outcome, true));
    let code = outcome::code(&outcome);
    if code != exit::OK {
        eprintln!(
            "warning: This was the last sync: what waits here is lost if this machine does not come back."
        );
    }
    Ok(code)
}

/// Syncs until the remote has everything or the time is over.
fn tries(places: &Places, env: &Env, end: Instant) -> Result<Outcome, CliError> {
    let mut pause = PAUSE;
    loop {
        let left = end.saturating_duration_since(Instant::now());
        let patience = Some(left.max(Duration::from_secs(1)));
        let options = Options {
            attended: false,
            wait: left,
            patience,
            ..env.options()
        };
        let outcome = sync::run(places, &options)?;
        let failed = matches!(outcome.remote, Remote::Queued(_) | Remote::Refused(_));
        if !failed || Instant::now() + pause >= end {
            return Ok(outcome);
        }
        std::thread::sleep(pause);
        pause = pause.saturating_mul(2);
    }
}

/// Starts the last sync, and waits for its end. It runs in its own process group: ending this
/// process does not end it.
pub(crate) fn wait_for_it(mut command: Command) {
    let command = command.args(["--last", "--within", &WITHIN.to_string()]);
    let _ = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .and_then(|mut child| child.wait());
}

//! Why a push or fetch failed, and what to do.

use crate::base::text::{printable, printable_lines};
use crate::git::Cause;
use crate::git::process::{Refuser, refuser};
use crate::sync::{Outcome, Remote};

/// Reports that records are not pushed yet, why, and what to do.
fn waits(what: &str, cause: Option<Cause>) -> String {
    let (why, next) = cause.map_or_else(Default::default, |cause| {
        (
            format!(": {}", cause.what()),
            format!(" Next: {}.", cause.next(true)),
        )
    });
    format!("{what}{why}; everything is committed here, and the next run pushes it.{next}")
}

/// Reports that a push was refused, by whom if that is known, and what to do.
fn refused(reason: &str) -> String {
    match refuser(reason) {
        Some(refuser) => {
            let who = match refuser {
                Refuser::Hook => "A hook in the remote repository refused the push",
                Refuser::Host => "The remote's host refused the push",
                Refuser::Full => "The remote's host refused the push: its storage is full",
            };
            format!(
                "{who}; everything is committed here, and the next run pushes it. Next: {}.",
                refuser.next()
            )
        }
        None => waits("The remote did not take the push", Cause::of(reason)),
    }
}

/// What to do about a remote that failed for this reason, if that is known.
pub(crate) fn next_step(reason: &str) -> Option<String> {
    refuser(reason)
        .map(|refuser| refuser.next().to_owned())
        .or_else(|| Cause::of(reason).map(|cause| cause.next(true)))
}

/// Why the remote does not have everything.
pub(crate) fn of_push(remote: &Remote) -> Option<String> {
    Some(match remote {
        Remote::Queued(reason) => {
            let broken = reason.contains("is corrupt") || reason.contains("is empty");
            let why = if broken {
                "git cannot use this clone: an object in it is damaged; help: claude-sync verify"
                    .to_owned()
            } else {
                waits("The remote was not reached", Cause::of(reason))
            };
            format!("{why}\n{}", printable_lines(reason, 12))
        }
        Remote::Locked(mark) => format!(
            "The remote is encrypted now, with the key {}; everything is committed here and waits for it. On a machine that has it: claude-sync key show; then here: claude-sync key import",
            printable(mark, 20)
        ),
        Remote::Held => "This fleet is encrypted, its key is not here, and the remote shows nothing encrypted: it may have been emptied or rewound. Everything is committed here and waits; nothing leaves in clear. On a machine that has the key: claude-sync key show; then here: claude-sync key import. If the fleet is not encrypted any more: claude-sync --in-clear".to_owned(),
        Remote::Refused(reason) => {
            format!("{}\n{}", refused(reason), printable_lines(reason, 12))
        }
        Remote::Unsigned(reason) => format!(
            "The commit could not be signed (git.sign); it is kept here, and the next run that can sign pushes it. Without signatures: claude-sync config set git.sign false\n{}",
            printable_lines(reason, 12)
        ),
        _ => return None,
    })
}

/// The new address of the remote, and the time of the next try.
pub(crate) fn of_address(outcome: &Outcome) -> impl Iterator<Item = String> {
    let moved = outcome.moved.as_deref().map(|address| {
        let address = printable(address, 400);
        format!(
            "The remote moved to {address}, and its server redirects there for now. Next: claude-sync git remote set-url origin {address}"
        )
    });
    let next = outcome
        .next_try
        .map(|next| format!("Each claude-sync tries again; those with --quiet from {next} on."));
    moved.into_iter().chain(next)
}

//! The remote: whether there is one, whether it answers, and to whom.

use super::check::{Check, Status};
use super::installation::Installation;
use super::text::{joined_lines, one_line};
use crate::cache::index::Index;
use crate::git::Cause;
use crate::git::process::{hide_secrets, refuser};
use crate::git::visibility::{Visibility, visibility, web_address};

const OFFLINE: &str = "the remote is not asked with --offline";
const NO_REMOTE: &str = "there is no remote";

/// Where history goes.
pub(crate) fn remote(here: &Installation) -> Check {
    const NAME: &str = "remote";
    if here.repo().is_none() {
        return Check::skipped(NAME, "there is no repository to look at");
    }
    match addresses(here).as_slice() {
        [] => Check::note(
            NAME,
            "none: history is kept on this machine alone",
            "to share it: claude-sync init ADDRESS",
        ),
        all => Check::ok(
            NAME,
            all.iter()
                .map(|address| hide_secrets(address))
                .collect::<Vec<_>>()
                .join(", pushed to "),
        ),
    }
}

/// The name of the remote that the branch is pushed to.
fn name(here: &Installation) -> Option<String> {
    here.repo()?.target().ok()?.remote
}

/// The address of the remote, and those that pushes go to where they are others.
fn addresses(here: &Installation) -> Vec<String> {
    let name = name(here);
    let mut out: Vec<String> = here
        .repo()
        .and_then(|repo| repo.address(name.as_deref()))
        .into_iter()
        .collect();
    let config = here
        .repo()
        .filter(|_| !out.is_empty())
        .and_then(|repo| repo.config().ok());
    let name = format!("remote.{}.pushurl", name.unwrap_or_default());
    if let Some(mut all) = config
        .as_ref()
        .and_then(|config| config.multivar(&name, None).ok())
    {
        while let Some(Ok(entry)) = all.next() {
            out.extend(entry.value().ok().map(str::to_owned));
        }
    }
    out.dedup();
    out
}

/// Whether it answers.
pub(crate) fn reachable(here: &Installation) -> Check {
    const NAME: &str = "reachable";
    let (Some(repo), Ok(git)) = (here.repo(), &here.git) else {
        return Check::skipped(NAME, "it takes git and a repository to ask");
    };
    let Some(remote) = name(here) else {
        return Check::skipped(NAME, NO_REMOTE);
    };
    if here.options.offline {
        return Check::skipped(NAME, OFFLINE);
    }
    match git.survey(repo.path(), &remote) {
        Ok(survey) if survey.per_machine => {
            Check::ok(NAME, "it answers, with a branch per machine")
        }
        Ok(survey) => Check::ok(
            NAME,
            survey
                .branch
                .map_or("it answers, and is still empty".to_owned(), |branch| {
                    format!("it answers, with the branch {branch}")
                }),
        ),
        Err(error) => {
            let usual = "check the address, the network, and that git can log in there: \
                         claude-sync git ls-remote";
            let (what, advice) = match Cause::of(&error.to_string()) {
                Some(cause) => (cause.what(), cause.next(true)),
                None => ("it does not answer", usual.to_owned()),
            };
            Check::error(NAME, format!("{what}: {}", one_line(&error)), advice)
        }
    }
}

/// Whether it accepts pushes: by a dry run, and by how the last push ended.
pub(crate) fn push(here: &Installation, reachable: Status) -> Check {
    const NAME: &str = "push";
    let (Some(repo), Ok(git)) = (here.repo(), &here.git) else {
        return Check::skipped(NAME, "it takes git and a repository to ask");
    };
    let Some(remote) = name(here) else {
        return Check::skipped(NAME, NO_REMOTE);
    };
    if reachable == Status::Error {
        return Check::skipped(NAME, "it does not answer");
    }
    let failed =
        Index::peek(&here.places.state).and_then(|index| index.failure_reason().ok().flatten());
    let failed = failed.map(|reason| {
        let what = format!("the last push failed: {}", joined_lines(&reason));
        Check::warning(NAME, what, advice(&reason))
    });
    if here.options.offline {
        return failed.unwrap_or_else(|| Check::skipped(NAME, OFFLINE));
    }
    let target = repo.target().ok();
    let Some((target, head)) =
        target.and_then(|target| repo.position(&target).ok()?.map(|head| (target, head)))
    else {
        return Check::skipped(NAME, "there is nothing to push yet");
    };
    match git.may_push(repo.path(), &remote, &head.to_string(), &target.branch) {
        Err(error) => {
            let what = format!("it takes no push: {}", one_line(&error));
            Check::error(NAME, what, advice(&error.to_string()))
        }
        // A dry run asks no hook and no rule.
        Ok(()) => failed.unwrap_or_else(|| Check::ok(NAME, "it takes pushes from here")),
    }
}

/// What to do about a push that failed.
fn advice(reason: &str) -> String {
    let known = refuser(reason).map(|refuser| refuser.next().to_owned());
    let known = known.or_else(|| Cause::of(reason).map(|cause| cause.next(true)));
    known.unwrap_or_else(|| {
        "check that this machine may write there: the key or token, and the rules of the branch; \
         then run claude-sync"
            .to_owned()
    })
}

/// Whether it can be read without a password.
pub(crate) fn privacy(here: &Installation) -> Check {
    const NAME: &str = "privacy";
    let (Some(repo), Ok(git)) = (here.repo(), &here.git) else {
        return Check::skipped(NAME, "it takes git and a repository to ask");
    };
    let all = addresses(here);
    if all.is_empty() {
        return Check::skipped(NAME, NO_REMOTE);
    }
    if here.options.offline {
        return Check::skipped(NAME, OFFLINE);
    }
    let seen: Vec<_> = all
        .iter()
        .map(|address| visibility(git, repo.path(), address))
        .collect();
    if let Some(at) = seen.iter().position(|seen| *seen == Visibility::Public) {
        let sealed = here.root().and_then(|root| repo.seal_of(root).ok()?);
        return public(NAME, &hide_secrets(&all[at]), sealed.is_some());
    }
    match (
        seen.contains(&Visibility::Closed),
        seen.contains(&Visibility::Unknown),
    ) {
        (true, false) => Check::ok(NAME, "it is not shown without a password"),
        _ if all.iter().all(|address| web_address(address).is_none()) => {
            Check::skipped(NAME, "not applicable: the remote has no web address")
        }
        _ => Check::skipped(NAME, "no answer to whether everybody can read it"),
    }
}

/// What everybody learns from a repository that everybody can read.
fn public(name: &'static str, address: &str, is_sealed: bool) -> Check {
    let advice = "make it private where it is hosted, or move: \
                  claude-sync git remote set-url origin ADDRESS";
    if is_sealed {
        let what = format!(
            "everybody can read {address}: files are encrypted, times and sizes of syncs are not"
        );
        Check::warning(name, what, advice)
    } else {
        let what =
            format!("everybody can read {address}: when, how much and on what projects you work");
        Check::error(name, what, advice)
    }
}

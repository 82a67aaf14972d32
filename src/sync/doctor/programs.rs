//! The programs that git runs for us, and git itself.

use super::check::Check;
use super::installation::Installation;
use super::text::{one_line, show};
use crate::git::process::MIN_VERSION;
use crate::git::settings::Role;
use crate::git::{hooks as installed, setup};

const NO_REPOSITORY: &str = "there is no repository to look at";
const AGAIN: &str = "claude-sync sets it up again with every run";

/// The version of git.
pub(crate) fn git(here: &Installation) -> Check {
    match &here.git {
        Ok(git) => Check::ok("git", git.version()),
        Err(error) => {
            let advice = format!(
                "install git {}.{} or later, and have it in PATH",
                MIN_VERSION.0, MIN_VERSION.1
            );
            Check::error("git", one_line(error), advice)
        }
    }
}

/// Whom commits will name. The name and address themselves are not shown.
pub(crate) fn identity(here: &Installation) -> Check {
    const NAME: &str = "identity";
    let Some(repo) = here.repo() else {
        return Check::skipped(NAME, NO_REPOSITORY);
    };
    let Ok(git) = &here.git else {
        return Check::skipped(NAME, "it takes git to know");
    };
    let sign = here.config.as_ref().is_ok_and(|config| config.sign);
    let Ok(settings) = git.settings(repo.path()) else {
        return Check::skipped(NAME, "git cannot list its configuration");
    };
    let advice = "git config --global user.name NAME; git config --global user.email ADDRESS";
    let signed = if sign {
        "; commits are signed (git.sign)"
    } else {
        ""
    };
    if settings.person(Role::Author).is_some() {
        return Check::ok(NAME, format!("git knows whom to name{signed}"));
    }
    let missing: Vec<&str> = ["user.name", "user.email"]
        .into_iter()
        .filter(|key| {
            settings
                .get(key)
                .is_none_or(|value| value.trim().is_empty())
        })
        .collect();
    let verb = if missing.len() == 1 { "is" } else { "are" };
    let what = format!(
        "{} {verb} not set: commits name claude-sync@localhost as their author",
        missing.join(" and ")
    );
    Check::note(NAME, what, advice)
}

/// What git calls to join two versions.
pub(crate) fn driver(here: &Installation) -> Check {
    const NAME: &str = "merge_driver";
    let Some(repo) = here.repo() else {
        return Check::skipped(NAME, NO_REPOSITORY);
    };
    let defects = setup::defects(repo, &here.options.program);
    let program = setup::driver_program(repo);
    match (defects.first(), program) {
        (None, Some(program)) if program.exists() => {
            Check::ok(NAME, "git joins versions by this program")
        }
        (_, Some(program)) if !program.exists() => {
            let program = show(&program);
            let what = format!("git joins versions by {program}, which is not there");
            Check::error(NAME, what, AGAIN)
        }
        // Two installed versions, or one that moved: each works, and the one that ran last is
        // called.
        (Some((subject, _)), Some(program))
            if program.file_name() == here.options.program.file_name()
                && subject.starts_with("merge.") =>
        {
            let program = show(&program);
            let what = format!("git joins versions by another claude-sync, {program}");
            Check::note(NAME, what, AGAIN)
        }
        (Some((subject, what)), _) => Check::error(
            NAME,
            format!("{subject} {what}: a merge by git would lose data"),
            AGAIN,
        ),
        (None, _) => Check::ok(NAME, "git joins versions by this program"),
    }
}

/// What git calls before a push and after a merge.
pub(crate) fn hooks(here: &Installation) -> Check {
    const NAME: &str = "hooks";
    let Some(repo) = here.repo() else {
        return Check::skipped(NAME, NO_REPOSITORY);
    };
    if let Some(program) = installed::gone_program(repo) {
        let what = format!(
            "hooks call {}, which is not there: git goes on without their checks",
            show(&program)
        );
        return Check::warning(NAME, what, "claude-sync init installs them again");
    }
    if let Some(missing) = here
        .git
        .as_ref()
        .ok()
        .and_then(|git| installed::missing(repo, git))
    {
        return Check::warning(
            NAME,
            format!("{missing} is not installed"),
            "claude-sync init installs it again",
        );
    }
    if repo
        .config()
        .is_ok_and(|config| config.get_entry("core.hooksPath").is_ok())
    {
        let what = format!(
            "core.hooksPath is set, and its folder is left alone: {}",
            show(&installed::folder(repo))
        );
        return Check::note(
            NAME,
            what,
            "to have the checks, call them there: claude-sync hook pre-push \"$@\"",
        );
    }
    Check::ok(NAME, "they call a program that is there")
}

//! The questions of `init` on a terminal, for answers that the command line does not contain.

use super::github;
use super::project_names::ProjectNames;
use crate::cli::error::CliError;
use crate::cli::prompt::{choose, confirm, line};

/// The choices of a set-up.
#[derive(Debug, Clone, Default)]
pub(crate) struct Answers {
    /// The remote's address.
    pub(crate) remote: Option<String>,
    /// The name of a repository at GitHub.
    pub(crate) github: Option<String>,
    /// The machine's label.
    pub(crate) name: Option<String>,
    /// How to name projects.
    pub(crate) project_names: Option<ProjectNames>,
    /// Use the first digits of the machine id as its name.
    pub(crate) anonymize_hostname: bool,
    /// Encrypt files.
    pub(crate) encrypt: bool,
    /// Prune records that are older than this number of days.
    pub(crate) retention_days: Option<u32>,
    /// Enable automatic sync.
    pub(crate) auto: bool,
    /// Show usage in Claude Code's status line.
    pub(crate) statusline: bool,
}

/// The yes-or-no choices that need no question.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Known {
    /// Automatic sync.
    pub(crate) auto: bool,
    /// The status line: an option decides, or Claude Code has one.
    pub(crate) statusline: bool,
}

/// Fails if an address cannot be used.
pub(crate) type Check<'a> = &'a dyn Fn(&str) -> Result<(), CliError>;

/// Asks for the choices that neither `given` nor `known` contains. An address is checked before
/// anything else is asked. `hostname`: what the system calls this machine.
pub(crate) fn ask(
    given: Answers,
    known: Known,
    check: Check<'_>,
    hostname: &str,
) -> Result<Answers, CliError> {
    let mut out = given;
    if out.remote.is_none() && out.github.is_none() {
        remote(&mut out)?;
    }
    if let Some(address) = &out.remote {
        check(address)?;
    }
    if out.project_names.is_none() && !out.anonymize_hostname && !out.encrypt {
        privacy(&mut out)?;
    }
    // A name would show what is to be hidden.
    if out.name.is_none() && !out.anonymize_hostname {
        let name = line("What is this machine called in reports?", hostname)?;
        out.name = Some(name).filter(|name| name.trim() != hostname);
    }
    if !known.auto {
        out.auto = confirm(
            "Sync automatically, after each session of Claude Code and every hour?",
            true,
        )?;
    }
    if !known.statusline {
        out.statusline = confirm(
            "Show usage and plan limits in Claude Code's status line?",
            true,
        )?;
    }
    Ok(out)
}

fn remote(out: &mut Answers) -> Result<(), CliError> {
    let mut places = vec![
        "in a git repository of mine: I have its address",
        "on this machine only, for now",
    ];
    if github::is_there() {
        places.insert(0, "in a private repository at GitHub, made now with gh");
    }
    let chosen = choose("Where should the history be stored?", &places)?;
    match places.len() - chosen {
        3 => out.github = Some(line("Its name", "claude-usage")?),
        2 => {
            out.remote =
                Some(line("Its address", "")?).filter(|address| !address.trim().is_empty());
        }
        _ => {}
    }
    Ok(())
}

fn privacy(out: &mut Answers) -> Result<(), CliError> {
    let levels = [
        "names of projects (the last part of their path) and of this machine",
        "no names at all",
        "names, but all of it encrypted",
        "let me choose one by one",
    ];
    match choose("Besides usage numbers, what may be uploaded?", &levels)? {
        0 => {}
        1 => (out.project_names, out.anonymize_hostname) = (Some(ProjectNames::None), true),
        2 => out.encrypt = true,
        _ => {
            let names = [
                "the last part of their path",
                "a code that only your machines can read",
                "nothing",
            ];
            let how = [ProjectNames::Last, ProjectNames::Hash, ProjectNames::None];
            out.project_names = how
                .get(choose("What are projects called?", &names)?)
                .copied();
            out.anonymize_hostname = confirm("Hide this machine's name?", false)?;
            out.encrypt = confirm("Encrypt every file in the repository?", false)?;
        }
    }
    Ok(())
}

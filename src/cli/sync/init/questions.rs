//! What `init` asks, on a terminal, of what the command line did not say.

use super::github;
use super::project_names::ProjectNames;
use crate::cli::error::CliError;
use crate::cli::prompt::{choose, confirm, line};

/// What a set-up is to be like.
#[derive(Debug, Clone, Default)]
pub struct Answers {
    /// The remote's address.
    pub remote: Option<String>,
    /// The name of a repository at GitHub.
    pub github: Option<String>,
    /// What projects are called.
    pub project_names: Option<ProjectNames>,
    /// This machine gets a pseudonym.
    pub anonymize_hostname: bool,
    /// Files are encrypted.
    pub encrypt: bool,
    /// Only sums of what is older are kept.
    pub retention_days: Option<u32>,
    /// Syncs happen by themselves.
    pub auto: bool,
}

/// Asks for what `given` does not say. `knows_auto`: whether syncs happen by themselves is said.
pub fn ask(given: Answers, knows_auto: bool) -> Result<Answers, CliError> {
    let mut out = given;
    if out.remote.is_none() && out.github.is_none() {
        remote(&mut out)?;
    }
    if out.project_names.is_none() && !out.anonymize_hostname && !out.encrypt {
        privacy(&mut out)?;
    }
    if !knows_auto {
        out.auto = confirm(
            "Sync by itself: after each session of Claude Code, and every hour?",
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
    let chosen = choose("Where is the history to be kept?", &places)?;
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
    match choose("Beside figures, what may leave this machine?", &levels)? {
        0 => {}
        1 => (out.project_names, out.anonymize_hostname) = (Some(ProjectNames::None), true),
        2 => out.encrypt = true,
        _ => {
            let names = [
                "the last part of their path",
                "a code that only your machines can tell",
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

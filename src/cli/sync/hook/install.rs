//! `claude-sync hook install`: installs the hook of a server.

use std::path::Path;

use crate::base::text::printable;
use crate::cli::error::CliError;
use crate::cli::print::out;
use crate::cli::{exit, host};
use crate::git::repo::Repo;
use crate::git::{Git, hooks};

/// Installs `pre-receive` in a bare repository.
pub(crate) fn install(path: &Path) -> Result<u8, CliError> {
    let repo = Repo::open_bare(path).map_err(|error| {
        CliError::plain(
            &error.to_string(),
            "claude_sync::repository",
            exit::REPOSITORY,
            "name a bare repository, as git init --bare makes it",
        )
    })?;
    match hooks::install(&repo, &Git::find(false)?, &host::program(), true)? {
        hooks::Installed::Here(folder) => {
            out(&format!(
                "Installed pre-receive in {}.\n",
                printable(&folder.display().to_string(), 400)
            ));
            Ok(exit::OK)
        }
        hooks::Installed::Shared(folder) | hooks::Installed::Failed(folder) => {
            Err(CliError::plain(
                &format!("failed to install pre-receive in {}", folder.display()),
                "claude_sync::hook",
                exit::FAILURE,
                "see whether core.hooksPath is set for all repositories, and whether the folder can be written",
            ))
        }
    }
}

//! Errors of single commands: `auto` and `import`.

use super::CliError;
use crate::auto::AutoError;
use crate::base::text::printable_lines;
use crate::cli::exit;
use crate::sync::import::ImportError;

impl From<AutoError> for CliError {
    fn from(error: AutoError) -> Self {
        let help = match &error {
            AutoError::Read { .. } | AutoError::Write(_) => {
                "check the permissions of the file and its folder"
            }
            AutoError::Settings { .. } => {
                "correct the file, then run claude-sync auto enable again; or leave it alone: --no-hooks"
            }
            AutoError::Tool { .. } => {
                "see the output of the tool; or use another scheduler: --scheduler cron, or --scheduler none"
            }
        };
        Self::new(&error, "claude_sync::auto", exit::FAILURE, help)
    }
}

impl From<ImportError> for CliError {
    fn from(error: ImportError) -> Self {
        let help = match &error {
            ImportError::Read { .. } => "name an existing file or folder that you may read",
            ImportError::TooLarge { .. } => {
                "check that it is the right file; ccusage claude daily --json creates a small one"
            }
            ImportError::Unknown { .. } => {
                "name a copy of ~/.claude or of its projects, the JSON of ccusage claude daily --json, or stats-cache.json"
            }
            ImportError::Malformed { .. } => {
                "nothing was imported; create the file again (ccusage claude daily --json), or copy it again from ~/.claude"
            }
        };
        let cause = std::error::Error::source(&error)
            .map(|cause| format!(": {cause}"))
            .unwrap_or_default();
        Self::plain(
            &printable_lines(&format!("{error}{cause}"), 12),
            "claude_sync::import",
            exit::FAILURE,
            help,
        )
    }
}

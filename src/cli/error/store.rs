//! Errors of files that only claude-sync uses: settings, key, machine id, index and lock.

use super::CliError;
use crate::base::text::printable;
use crate::cache::index::IndexError;
use crate::cli::exit;
use crate::store::config::ConfigError;
use crate::store::durable::WriteError;
use crate::store::key::KeyError;
use crate::store::lock::LockError;
use crate::store::machine_id::IdError;
use crate::store::settings::SettingError;

impl From<LockError> for CliError {
    fn from(error: LockError) -> Self {
        match &error {
            LockError::Held { .. } => Self::new(
                &error,
                "claude_sync::running",
                exit::RUNNING,
                "wait for it to end; what you used meanwhile is synced by the next run",
            ),
            LockError::Io { path, source } if source.kind() == std::io::ErrorKind::InvalidInput => {
                let help = format!("rm '{}'", path.display());
                Self::new(&error, "claude_sync::lock", exit::FAILURE, help)
            }
            LockError::Io { .. } => Self::new(
                &error,
                "claude_sync::lock",
                exit::FAILURE,
                "check the folder's permissions and the free space on its disk",
            ),
        }
    }
}

impl From<ConfigError> for CliError {
    fn from(error: ConfigError) -> Self {
        let help = match &error {
            ConfigError::Read { .. } => "check the file's permissions",
            ConfigError::Syntax { .. } => "correct the file, or delete it to have the defaults",
            ConfigError::Setting { .. } => "correct the setting, or delete it to have its default",
        };
        Self::new(&error, "claude_sync::config", exit::CONFIG, help)
    }
}

impl From<KeyError> for CliError {
    fn from(error: KeyError) -> Self {
        let help = match &error {
            KeyError::Read { .. } | KeyError::Write(_) => {
                "check the permissions of the file and its folder"
            }
            KeyError::Invalid { .. } => {
                "put the key back, as claude-sync key show prints it on another machine; nothing was changed"
            }
            KeyError::Other { .. } => {
                "this machine may belong to another fleet; if the new key is to take its place: claude-sync key import --replace, which keeps this one for what was encrypted with it"
            }
        };
        Self::new(&error, "claude_sync::key", exit::CONFIG, help)
    }
}

impl From<IdError> for CliError {
    fn from(error: IdError) -> Self {
        let help = match &error {
            IdError::Invalid { .. } => {
                "put this machine's id back into the file; or, if it never synced, delete the file and a new id is made"
            }
            _ => "check the permissions of the file and its folder",
        };
        Self::new(&error, "claude_sync::machine_id", exit::CONFIG, help)
    }
}

impl From<IndexError> for CliError {
    fn from(error: IndexError) -> Self {
        if error.is_disk_full() {
            return Self::new(
                &error,
                "claude_sync::disk_full",
                exit::FAILURE,
                "make room on the disk and run claude-sync again: nothing is lost",
            );
        }
        Self::new(
            &error,
            "claude_sync::index",
            exit::FAILURE,
            "the index can be deleted at any time: the next run makes it anew",
        )
    }
}

impl From<WriteError> for CliError {
    fn from(error: WriteError) -> Self {
        Self::new(
            &error,
            "claude_sync::write",
            exit::FAILURE,
            "check the folder's permissions and the free space on its disk; nothing was changed",
        )
    }
}

impl From<SettingError> for CliError {
    fn from(error: SettingError) -> Self {
        match error {
            SettingError::Unknown { key, near } => {
                let near = near
                    .map(|near| format!("did you mean {near}? "))
                    .unwrap_or_default();
                let help = format!("{near}claude-sync config list shows all settings");
                Self::plain(
                    &format!("there is no setting \"{}\"", printable(&key, 100)),
                    "claude_sync::setting",
                    exit::USAGE,
                    help,
                )
            }
            error @ SettingError::NeedsKey { .. } => Self::new(
                &error,
                "claude_sync::no_key",
                exit::CONFIG,
                "first, on one machine of the fleet: claude-sync key init; on the others: claude-sync key import. Nothing was changed",
            ),
            SettingError::Config(error) => error.into(),
            SettingError::Write(error) => Self::output(
                &error,
                "check that you may write to the folder; claude-sync config list shows the path",
            ),
        }
    }
}

impl CliError {
    /// The output of a command could not be written to the file that the user named.
    pub(crate) fn output(error: &WriteError, help: &str) -> Self {
        Self::plain(
            &format!("{error}: {}", error.source),
            "claude_sync::output",
            exit::FAILURE,
            help,
        )
    }
}

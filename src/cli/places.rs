//! The folders and files of this user, by the platform and by environment variables.

use std::path::{Path, PathBuf};

use etcetera::base_strategy::{BaseStrategy, choose_native_strategy};

use super::error::CliError;
use super::exit;
use crate::auto::schedule::SchedulerFolders;
use crate::base::text::printable;
use crate::store::config::{self, Config};
use crate::store::{Places, profiles};
use crate::transcripts::{Search, data_folders, pattern};

/// The home folder, if there is one.
pub(crate) fn home() -> Option<PathBuf> {
    choose_native_strategy()
        .ok()
        .map(|base| base.home_dir().to_owned())
}

/// The folders in which the system looks for the programs that it starts.
pub(crate) fn system_folders() -> Result<SchedulerFolders, CliError> {
    let base = base_folders()?;
    Ok(SchedulerFolders {
        config: base.config,
        home: base.home,
    })
}

/// The folders and files of claude-sync and Claude Code.
pub(crate) fn find() -> Result<Places, CliError> {
    let base = base_folders()?;
    let state = base
        .state
        .unwrap_or_else(|| base.data.join("claude-sync").join("state"));
    let state = state.join("claude-sync");
    let home = &base.home;
    let named = named_profiles(home)?;
    let default = [home.join(".claude"), home.join(".config").join("claude")];
    let mut claude = if named.is_empty() {
        default.to_vec()
    } else {
        named.clone()
    };
    claude.extend(profiles::read(&state));
    let config = base.config.join("claude-sync").join("config.json");
    Ok(Places {
        repo: base.data.join("claude-sync").join("repo"),
        state,
        key: base.config.join("claude-sync").join("key"),
        machine_id: machine_id(&default, &claude),
        // Commands that use the settings report invalid ones.
        search: search(
            home,
            &base.config,
            &config::read(&config).unwrap_or_default(),
        ),
        config,
        claude,
        named,
    })
}

/// The folders in which this system's programs keep their files.
struct Base {
    home: PathBuf,
    config: PathBuf,
    data: PathBuf,
    /// None where the system has no folder for state.
    state: Option<PathBuf>,
}

fn base_folders() -> Result<Base, CliError> {
    let help = match std::env::consts::OS {
        "windows" => "set USERPROFILE",
        "macos" => "set HOME",
        _ => "set HOME, or the XDG_* variables",
    };
    let base = choose_native_strategy().map_err(|_| {
        CliError::plain(
            "failed to find the home folder",
            "claude_sync::home",
            exit::CONFIG,
            help,
        )
    })?;
    let native = Base {
        home: base.home_dir().to_owned(),
        config: base.config_dir(),
        data: base.data_dir(),
        state: base.state_dir(),
    };
    Ok(if cfg!(target_os = "macos") {
        of_macos(native, |name| std::env::var_os(name).map(PathBuf::from))
    } else {
        native
    })
}

/// The folders of macOS. Settings lie beside the data: Apple keeps `Preferences` for its own.
/// `XDG_*` variables that are set hold there too, as for git.
fn of_macos(native: Base, variable: impl Fn(&str) -> Option<PathBuf>) -> Base {
    let named = |name: &str| variable(name).filter(|path| path.is_absolute());
    Base {
        config: named("XDG_CONFIG_HOME").unwrap_or_else(|| native.data.clone()),
        data: named("XDG_DATA_HOME").unwrap_or(native.data),
        state: named("XDG_STATE_HOME").or(native.state),
        home: native.home,
    }
}

/// The configuration folders in `CLAUDE_CONFIG_DIR`, separated by commas. Fails if the first one
/// does not exist. A shell expands `~` only in the first one.
fn named_profiles(home: &Path) -> Result<Vec<PathBuf>, CliError> {
    let listed = std::env::var("CLAUDE_CONFIG_DIR").unwrap_or_default();
    let listed = listed
        .split(',')
        .map(str::trim)
        .filter(|part| !part.is_empty());
    let folders: Vec<PathBuf> = listed
        .map(|part| pattern::absolute(part, home).unwrap_or_else(|| PathBuf::from(part)))
        .collect();
    let Some(missing) = folders.first().filter(|first| !first.is_dir()) else {
        return Ok(folders);
    };
    let message = format!(
        "CLAUDE_CONFIG_DIR names a folder that is not there: {}",
        printable(&missing.display().to_string(), 400)
    );
    Err(CliError::plain(
        &message,
        "claude_sync::claude_folder",
        exit::CONFIG,
        "correct it, or unset it to use ~/.claude; nothing was made",
    ))
}

/// The file with the machine id: the first existing one of the default profile, this run's profiles
/// and those of earlier runs. So it is the same for every profile that starts a run.
fn machine_id(default: &[PathBuf], claude: &[PathBuf]) -> PathBuf {
    let file = |folder: &PathBuf| folder.join("machine_id");
    let existing = default
        .iter()
        .take(1)
        .chain(claude)
        .chain(default)
        .map(file)
        .find(|file| file.exists());
    existing.unwrap_or_else(|| claude.first().map(file).unwrap_or_default())
}

/// The folders with transcripts other than Claude Code's profiles.
fn search(home: &Path, config_dir: &Path, config: &Config) -> Search {
    let settings = config
        .folders
        .iter()
        .filter_map(|text| Some((text.clone(), pattern::absolute(text, home)?)));
    let path = |name: &str| {
        std::env::var_os(name)
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
    };
    Search {
        home: Some(home.to_owned()),
        settings: settings.collect(),
        desktop: data_folders(std::env::consts::OS, home, config_dir, path),
        other_system: other_system().iter().map(PathBuf::from).collect(),
        wsl: config.wsl,
    }
}

/// Patterns of folders of the other system on a computer with Windows and WSL.
fn other_system() -> &'static [&'static str] {
    if cfg!(windows) {
        &[
            r"\\wsl.localhost\*\home\*\.claude",
            r"\\wsl$\*\home\*\.claude",
        ]
    } else if is_wsl() {
        &[
            "/mnt/*/Users/*/.claude",
            "/mnt/*/Users/*/AppData/Roaming/Claude",
        ]
    } else {
        &[]
    }
}

/// Whether this is Linux inside Windows.
fn is_wsl() -> bool {
    let release = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    cfg!(target_os = "linux") && release.to_lowercase().contains("microsoft")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn macos_has_folders_of_its_own_unless_variables_name_others() {
        let native = || Base {
            home: "/Users/ada".into(),
            config: "/Users/ada/Library/Preferences/".into(),
            data: "/Users/ada/Library/Application Support/".into(),
            state: None,
        };
        let none = of_macos(native(), |_| None);
        assert_eq!(none.config, none.data);
        assert_eq!(none.data, native().data);
        assert_eq!(none.state, None);
        let set = of_macos(native(), |name| Some(Path::new("/x").join(name)));
        assert_eq!(set.config, Path::new("/x/XDG_CONFIG_HOME"));
        assert_eq!(set.data, Path::new("/x/XDG_DATA_HOME"));
        assert_eq!(set.state, Some("/x/XDG_STATE_HOME".into()));
        let relative = of_macos(native(), |name| Some(name.into()));
        assert_eq!(
            relative.data,
            native().data,
            "as the XDG specification has it"
        );
    }
}

//! What the process was given: home, folders, clock, terminal. Read once, here.

use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use etcetera::base_strategy::{BaseStrategy as _, choose_native_strategy};

use super::error::CliError;
use super::everywhere::{Everywhere, Said, When};
use super::{exit, progress};
use crate::auto::schedule::Folders;
use crate::base::ids::RecordId;
use crate::base::progress::Watcher;
use crate::base::text::printable;
use crate::base::time::Timestamp;
use crate::format::manifest::RULES;
use crate::format::syncfile::Mode;
use crate::store::config::{self, Config};
use crate::store::{Places, profiles};
use crate::sync::{Host, Options, Task};
use crate::transcripts::{Search, data_folders, pattern};

/// The environment.
#[derive(Debug, Clone)]
pub struct Env {
    /// The clock. `CLAUDE_SYNC_NOW` (RFC 3339) stops it, for reproducible runs.
    pub now: Timestamp,
    /// What `CLAUDE_SYNC_NOW` says, where that is no time.
    no_time: Option<String>,
    /// The terminal's width.
    pub width: u16,
    /// Whether error messages may have colours.
    pub colours: bool,
    /// Whether nothing is told but what was asked for.
    pub quiet: bool,
    /// Whether each thing that is done is told.
    verbose: bool,
    /// After what time work has a bar on the terminal; none where there are no bars. `CLAUDE_SYNC_BARS_AFTER` (milliseconds) changes it.
    bars: Option<Duration>,
    /// Whether somebody can answer questions.
    pub attended: bool,
}

impl Env {
    /// Reads it.
    pub fn read() -> Self {
        let told = std::env::var("CLAUDE_SYNC_NOW").ok();
        let (now, no_time) = match told.as_deref().map(Timestamp::parse) {
            Some(Some(now)) => (now, None),
            Some(None) => (Timestamp::now(), told),
            None => (Timestamp::now(), None),
        };
        let columns = std::env::var("COLUMNS")
            .ok()
            .and_then(|text| text.parse().ok());
        let terminal = terminal_size::terminal_size().map(|(width, _)| width.0);
        let width = if std::io::stdout().is_terminal() {
            terminal.or(columns)
        } else {
            columns
        }
        .unwrap_or(120)
        .clamp(40, 400);
        let no_colour = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let dumb = std::env::var_os("TERM").is_none_or(|term| term == "dumb");
        let colours = std::io::stderr().is_terminal() && !no_colour && !dumb;
        let after = std::env::var("CLAUDE_SYNC_BARS_AFTER")
            .ok()
            .and_then(|text| text.parse().ok())
            .map(Duration::from_millis);
        let bars =
            (std::io::stderr().is_terminal() && !dumb).then_some(after.unwrap_or(progress::AFTER));
        let (quiet, verbose) = (false, false);
        Self {
            now,
            no_time,
            width,
            colours,
            quiet,
            verbose,
            bars,
            attended: std::io::stdin().is_terminal() && std::io::stderr().is_terminal(),
        }
    }

    /// With what the command line says.
    pub fn told(self, said: Said) -> Self {
        let Said {
            everywhere:
                Everywhere {
                    color,
                    quiet,
                    verbose,
                },
            json,
        } = said;
        let colours = match color {
            When::Auto => self.colours,
            When::Always => true,
            When::Never => false,
        };
        let bars = self.bars.filter(|_| !quiet && !json);
        Self {
            colours,
            quiet,
            verbose: verbose && !quiet,
            bars,
            ..self
        }
    }

    /// Whoever shows what goes on.
    pub fn watcher(&self) -> Watcher {
        if self.verbose {
            progress::lines()
        } else {
            self.bars.map(progress::bars).unwrap_or_default()
        }
    }

    /// Says which variable is set to something that it cannot be.
    pub fn check(&self) -> Result<(), CliError> {
        let Some(text) = &self.no_time else {
            return Ok(());
        };
        let message = format!("CLAUDE_SYNC_NOW is no time: {}", printable(text, 80));
        Err(CliError::plain(
            &message,
            "claude_sync::usage",
            exit::USAGE,
            "write it as 2026-11-23T12:00:00Z, or unset it",
        ))
    }

    /// The home folder, where there is one.
    pub fn home() -> Option<PathBuf> {
        choose_native_strategy()
            .ok()
            .map(|base| base.home_dir().to_owned())
    }

    /// The folders, as the platform and the user's variables have them.
    pub fn places() -> Result<Places, CliError> {
        let base = choose_native_strategy().map_err(|_| CliError::no_home())?;
        let state = base
            .state_dir()
            .unwrap_or_else(|| base.data_dir().join("claude-sync").join("state"));
        let state = state.join("claude-sync");
        let home = base.home_dir();
        let named = named_profiles(home);
        if let Some(first) = named.first().filter(|first| !first.is_dir()) {
            let message = format!(
                "CLAUDE_CONFIG_DIR names a folder that is not there: {}",
                printable(&first.display().to_string(), 400)
            );
            let help = "correct it, or unset it to use ~/.claude; nothing was made";
            return Err(CliError::plain(
                &message,
                "claude_sync::claude_folder",
                exit::CONFIG,
                help,
            ));
        }
        let usual = [home.join(".claude"), home.join(".config").join("claude")];
        let mut claude = if named.is_empty() {
            usual.to_vec()
        } else {
            named.clone()
        };
        claude.extend(profiles::read(&state));
        let config = base.config_dir().join("claude-sync").join("config.json");
        Ok(Places {
            repo: base.data_dir().join("claude-sync").join("repo"),
            state,
            key: base.config_dir().join("claude-sync").join("key"),
            machine_id: machine_id(&usual, &claude),
            // Whoever uses settings that are not valid is told so there.
            search: search(
                home,
                &base.config_dir(),
                &config::read(&config).unwrap_or_default(),
            ),
            config,
            claude,
            named,
        })
    }

    /// The folders in which systems look for what they are to run.
    pub fn folders() -> Result<Folders, CliError> {
        let base = choose_native_strategy().map_err(|_| CliError::no_home())?;
        Ok(Folders {
            config: base.config_dir(),
            home: base.home_dir().to_owned(),
        })
    }

    /// The options of a run, before the command line changes them.
    pub fn options(&self) -> Options {
        Options {
            mode: Mode::Incremental,
            intents: Vec::new(),
            summary_only: false,
            snapshot: false,
            push_main: false,
            offline: false,
            retention_days: None,
            front_page: None,
            rederive: false,
            restore: Vec::new(),
            import: None,
            reroot: false,
            task: Task::Sync,
            now: self.now,
            host: host(),
            program: program(),
            attended: self.attended,
            unattended: false,
            wait: Duration::ZERO,
            patience: None,
            shared_id: false,
            rules: RULES,
            keep_undo: false,
            in_clear: false,
            trust_restored: false,
            watcher: self.watcher(),
        }
    }
}

/// The configuration folders that `CLAUDE_CONFIG_DIR` lists, separated by commas. A shell replaces `~` in the first of them alone.
fn named_profiles(home: &Path) -> Vec<PathBuf> {
    let listed = std::env::var("CLAUDE_CONFIG_DIR").unwrap_or_default();
    let listed = listed
        .split(',')
        .map(str::trim)
        .filter(|part| !part.is_empty());
    listed
        .map(|part| pattern::absolute(part, home).unwrap_or_else(|| PathBuf::from(part)))
        .collect()
}

/// The file with this machine's id. Whichever profile starts a run, it is the same one: the first that is there of the default
/// profile's, this run's and those of earlier runs.
fn machine_id(usual: &[PathBuf], claude: &[PathBuf]) -> PathBuf {
    let file = |folder: &PathBuf| folder.join("machine_id");
    let there = usual
        .iter()
        .take(1)
        .chain(claude)
        .chain(usual)
        .map(file)
        .find(|file| file.exists());
    there.unwrap_or_else(|| claude.first().map(file).unwrap_or_default())
}

/// Where transcripts are beside Claude Code's profiles.
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
    let mut search = Search {
        home: Some(home.to_owned()),
        settings: settings.collect(),
        desktop: data_folders(std::env::consts::OS, home, config_dir, path),
        other_system: Vec::new(),
        wsl: config.wsl,
    };
    if cfg!(windows) {
        search.other_system = [
            r"\\wsl.localhost\*\home\*\.claude",
            r"\\wsl$\*\home\*\.claude",
        ]
        .map(PathBuf::from)
        .to_vec();
    } else if is_wsl() {
        let users = [
            "/mnt/*/Users/*/.claude",
            "/mnt/*/Users/*/AppData/Roaming/Claude",
        ];
        search.other_system = users.map(PathBuf::from).to_vec();
    }
    search
}

/// Whether this is Linux inside Windows.
fn is_wsl() -> bool {
    let release = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    cfg!(target_os = "linux") && release.to_lowercase().contains("microsoft")
}

/// The absolute path of `claude-sync`, also when the tracker asks.
pub fn program() -> PathBuf {
    let own = std::env::current_exe().unwrap_or_else(|_| PathBuf::from("claude-sync"));
    own.with_file_name(format!("claude-sync{}", std::env::consts::EXE_SUFFIX))
}

/// This machine, as its own system names it. `CLAUDE_SYNC_HOSTNAME` names it otherwise.
pub fn host() -> Host {
    let named = std::env::var("CLAUDE_SYNC_HOSTNAME")
        .ok()
        .filter(|name| !name.is_empty());
    let (node, system) = system();
    let clean =
        |text: String| -> String { text.chars().filter(|c| !c.is_control()).take(100).collect() };
    Host {
        hostname: clean(named.unwrap_or(node)),
        platform: platform().to_owned(),
        os_version: clean(system),
        fingerprint: fingerprint(),
    }
}

/// A hash of what the system calls itself, which a copied home does not carry along. `CLAUDE_SYNC_HOST` names it otherwise.
fn fingerprint() -> String {
    let named = std::env::var("CLAUDE_SYNC_HOST")
        .ok()
        .or_else(|| machine_uid::get().ok());
    let named = named
        .map(|name| name.trim().to_owned())
        .filter(|name| !name.is_empty());
    named
        .map(|name| RecordId::of("claude-sync host", &[name.as_bytes()]).to_string())
        .unwrap_or_default()
}

/// The names that Node.js uses, and so the format.
fn platform() -> &'static str {
    match std::env::consts::OS {
        "macos" => "darwin",
        "windows" => "win32",
        other => other,
    }
}

#[cfg(unix)]
fn system() -> (String, String) {
    let uname = rustix::system::uname();
    let text = |part: &std::ffi::CStr| part.to_string_lossy().into_owned();
    (
        text(uname.nodename()),
        format!("{} {}", text(uname.sysname()), text(uname.release())),
    )
}

#[cfg(not(unix))]
fn system() -> (String, String) {
    (
        std::env::var("COMPUTERNAME").unwrap_or_default(),
        "Windows".to_owned(),
    )
}

//! The hourly job: which program runs, when, and with which environment variables.

/// The job that a scheduler runs every hour.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Job {
    /// The program's path.
    pub(crate) program: String,
    /// Environment variables that set folders, if the user has set any: names and values.
    pub(crate) variables: Vec<(String, String)>,
    /// `PATH` of the user's shell, for a scheduler that has a short one of its own. So the job runs
    /// the git that the user runs.
    pub(crate) path: String,
    /// The minute of the hour. It differs between machines, so that they do not all sync at once.
    pub(crate) minute: u8,
}

impl Job {
    /// The job's name in schedulers.
    pub(crate) const NAME: &str = "claude-sync";
}

/// The environment variables that set folders. The job gets those that are set.
pub(crate) const VARIABLES: [&str; 4] = [
    "CLAUDE_CONFIG_DIR",
    "XDG_CONFIG_HOME",
    "XDG_DATA_HOME",
    "XDG_STATE_HOME",
];

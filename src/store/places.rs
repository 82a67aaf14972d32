//! The folders and files that a run works with.

use std::path::PathBuf;

use crate::transcripts::{Folders, Search};

/// The folders that a run works with. The command line finds them; the library takes them as they
/// are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Places {
    /// The git repository.
    pub repo: PathBuf,
    /// Local index and lock.
    pub state: PathBuf,
    /// `config.json`.
    pub config: PathBuf,
    /// The fleet's key.
    pub key: PathBuf,
    /// `machine_id`.
    pub machine_id: PathBuf,
    /// Claude Code's configuration folders: the default ones or those that `CLAUDE_CONFIG_DIR`
    /// names, and those that it named earlier.
    pub claude: Vec<PathBuf>,
    /// Those that `CLAUDE_CONFIG_DIR` names: a run remembers them, for runs that are started
    /// without it.
    pub named: Vec<PathBuf>,
    /// Where else transcripts are.
    pub search: Search,
}

impl Places {
    /// The folders that are read for transcripts.
    pub(crate) fn folders(&self) -> Folders {
        self.search.folders(&self.claude)
    }
}

//! The folders and files that a run works with.

use std::path::PathBuf;

use crate::transcripts::{Folders, Search};

/// The folders that a run works with. The command line finds them; the library takes them as they
/// are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Places {
    /// The git repository.
    pub(crate) repo: PathBuf,
    /// Local index and lock.
    pub(crate) state: PathBuf,
    /// `config.json`.
    pub(crate) config: PathBuf,
    /// The fleet's key.
    pub(crate) key: PathBuf,
    /// `machine_id`.
    pub(crate) machine_id: PathBuf,
    /// Claude Code's configuration folders: the default ones or those that `CLAUDE_CONFIG_DIR`
    /// names, and those that it named earlier.
    pub(crate) claude: Vec<PathBuf>,
    /// Those that `CLAUDE_CONFIG_DIR` names: a run remembers them, for runs that are started
    /// without it.
    pub(crate) named: Vec<PathBuf>,
    /// Where else transcripts are.
    pub(crate) search: Search,
}

impl Places {
    /// The folders that are read for transcripts.
    pub(crate) fn folders(&self) -> Folders {
        self.search.folders(&self.claude)
    }
}

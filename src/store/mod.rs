//! Where things lie, in the repository and outside it, and how files are written.

pub mod config;
pub mod durable;
pub mod key;
pub mod layout;
pub mod lock;
pub mod machine_id;
pub mod settings;
pub mod space;

use std::path::PathBuf;

/// The folders that a run works with. The command line finds them; the library takes them as they are.
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
    /// Claude configuration folders, whose `projects` hold transcripts.
    pub claude: Vec<PathBuf>,
}

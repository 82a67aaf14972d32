//! Where operations are carried out: in memory, or with real git and the real programs.

use claude_sync::base::ids::MachineId;
use claude_sync::git::Oid;
use claude_sync::git::repo::Repo;

use crate::model::hostile::Attack;
use crate::model::limits::Stated;
use crate::model::rows::{Home, Row};
use crate::model::truth::{Committed, Forgotten};

/// How a run ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    Online,
    Offline,
    /// It is killed, before or after its commit.
    Killed(usize),
}

/// What a run imports.
#[derive(Debug, Clone)]
pub enum Import {
    /// Transcripts of a copy.
    Backup(Vec<Row>),
    /// A report of ccusage, and the zone of its days.
    Ccusage(String, &'static str),
    /// Claude Code's statistics.
    Statistics(String),
}

/// One run of `claude-sync`.
#[derive(Debug, Clone)]
pub struct Run {
    pub now: i64,
    pub how: How,
    /// Everything is read from the start.
    pub full: bool,
    pub forget: Option<Forgotten>,
    /// What was forgotten before is taken back.
    pub undo: Option<Forgotten>,
    pub merge: Option<(MachineId, MachineId)>,
    /// A machine, and the group that it is put into; an empty one takes it out.
    pub group: Option<(MachineId, &'static str)>,
    /// The user of this machine; an empty name takes it back.
    pub user: Option<&'static str>,
    pub import: Option<Import>,
    /// The history is compacted, and so many days of it are kept.
    pub compact: Option<u32>,
    /// A factor in thousandths on the prices of some models; 0 takes it back.
    pub price: Option<(&'static str, u64)>,
}

impl Run {
    pub fn new(now: i64, how: How) -> Self {
        Self {
            now,
            how,
            full: false,
            forget: None,
            undo: None,
            merge: None,
            group: None,
            user: None,
            import: None,
            compact: None,
            price: None,
        }
    }
}

/// A plain git command, in a clone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Plain {
    Pull,
    PullRebase,
    /// Pull, and push past the hooks.
    Push,
    /// Take back one of the newest commits.
    Revert,
    /// Go back by a few commits.
    Reset,
    /// Push an older state by force, past the hooks.
    ForcePush,
    /// Begin a history without parents, merge the remote's into it, and push that past the hooks.
    Unrelated,
    /// Delete a branch of a machine on the remote.
    DropBranch,
}

pub trait Site {
    /// Runs `claude-sync`. None where it did nothing.
    fn sync(&mut self, at: usize, home: &Home, run: &Run) -> Option<Committed>;
    /// Says whether the command did something.
    fn plain(&mut self, at: usize, what: Plain, pick: usize) -> bool;
    /// Commits files to the remote's branch, as another tool does. They are written over what is there.
    fn plant(&mut self, files: &[(String, Vec<u8>)]) -> bool;
    /// Paths of files below `sync` on the remote's branch.
    fn remote_paths(&self) -> Vec<String>;
    /// A file there, as it is stored.
    fn remote_file(&self, path: &str) -> Vec<u8>;
    /// Does to the remote's branch what somebody without the key can do. Says whether that was anything.
    fn attack(&mut self, attack: &Attack) -> bool;
    /// Asserts that nothing was pushed in clear, but by the attacker.
    fn assert_sealed(&self);
    /// Commits files in a clone, as a newer version does.
    fn rewrite(&mut self, at: usize, files: &[(String, Vec<u8>)]) -> bool;
    fn lose_index(&mut self, at: usize);
    /// Somebody deletes the clone and sets the machine up again, which fetches no history.
    fn lose_clone(&mut self, at: usize, home: &Home, now: i64);
    /// Claude Code states plan limits, all at one time and of one account.
    fn state_limits(&mut self, at: usize, home: &Home, stated: &[Stated]);
    /// Encrypts from here on.
    fn encrypt(&mut self, at: usize, now: i64) -> bool;
    /// Shows the clone's repository and its current root tree, if it has one.
    fn look(&self, at: usize, show: &mut dyn FnMut(&Repo, Oid));
    /// Asserts what holds of a clone's tree: after a run more than after a git command.
    fn check(&self, at: usize, after_run: bool);
    /// Asserts that the remote has no history from before it was compacted.
    fn assert_one_history(&self);
    /// What is to be equal in the end.
    fn state(&self, at: usize) -> String;
}

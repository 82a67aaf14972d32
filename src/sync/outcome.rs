//! What a run returns.

use std::path::PathBuf;

use super::delta::Delta;
use super::import::Imported;
use super::left_out::LeftOut;
use super::read_report::ReadReport;
use crate::base::ids::MachineId;
use crate::base::time::Timestamp;
use crate::format::manifest::{Basis, Conflict};
use crate::git::unfinished::Operation;
use crate::git::{Healed, Oid, Place};

/// Whether the remote has what this run made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Remote {
    /// There is none: history stays on this machine.
    None,
    /// It has everything; nothing was to be pushed.
    UpToDate,
    /// It was pushed, after this many rejections.
    Pushed(u32),
    /// It was not reached; the commit stays here, and the next run pushes it.
    Queued(String),
    /// It was reached, and did not take what was pushed; the commit stays here, and the next run
    /// pushes it.
    Refused(String),
    /// It was not asked.
    Skipped,
    /// It is encrypted with the key of this mark, which is not here; the commit stays here.
    Locked(String),
    /// Commits are to be signed, and that failed: it waits here, unsigned, and the next run that
    /// can sign makes it anew and pushes it.
    Unsigned(String),
    /// It failed lately, and is left alone for a while; what is committed waits here.
    Waiting,
    /// This fleet is encrypted, the key is not here, and the remote shows nothing encrypted; the
    /// commit stays here.
    Held,
}

impl Remote {
    /// Whether it was not reached.
    pub(crate) fn is_away(&self) -> bool {
        matches!(self, Self::Queued(_) | Self::Skipped | Self::Waiting)
    }

    /// Whether nothing that this run made waits for the remote.
    pub(super) fn has_all(&self) -> bool {
        matches!(self, Self::UpToDate | Self::Pushed(_) | Self::None)
    }
}

/// Why it seems that two computers use one id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Twin {
    /// The id was made on another computer.
    Copied,
    /// Somebody else wrote as this machine.
    Wrote,
}

/// What a run did.
#[derive(Debug, Clone)]
pub(crate) struct Outcome {
    /// This machine.
    pub(crate) machine: MachineId,
    /// The repository was set up by this run, for this machine only.
    pub(crate) set_up: bool,
    /// Another computer seems to use this machine's id.
    pub(crate) twin: Option<Twin>,
    /// What git had left half-done, and this run ended.
    pub(crate) finished: Option<Operation>,
    /// The branch that is synced.
    pub(crate) branch: String,
    /// Why the work tree does not show what was synced.
    pub(crate) late: Option<Place>,
    /// The sync's branch that was and the one that is, where the remote's default branch was
    /// renamed.
    pub(crate) followed: Option<(String, String)>,
    /// The address that the server redirects to, its secrets hidden: the repository moved.
    pub(crate) moved: Option<String>,
    /// What was done about objects that were missing or damaged.
    pub(crate) healed: Healed,
    /// Settings of `config.json` that this version does not know, each with the one that may be
    /// meant.
    pub(crate) unknown: Vec<(String, Option<&'static str>)>,
    /// Files in which git's conflict markers stood, and stand no more.
    pub(crate) mended: Vec<String>,
    /// What came of an import.
    pub(crate) imported: Option<Imported>,
    /// What this machine's files gained against the commit before.
    pub(crate) delta: Delta,
    /// The new commit; none where nothing changed.
    pub(crate) commit: Option<Oid>,
    /// Something of other machines came in.
    pub(crate) received: bool,
    /// Whether the remote has it.
    pub(crate) remote: Remote,
    /// When runs that nobody attends try the remote again, where it was not reached.
    pub(crate) next_try: Option<Timestamp>,
    /// What a run that was killed had left in `.git`, and is gone.
    pub(crate) cleared: Vec<PathBuf>,
    /// What reading was like.
    pub(crate) read: ReadReport,
    /// Files of the fleet that were left out, and sessions that need a person.
    pub(crate) problems: Vec<Conflict>,
    /// How many tombstones name something by the fleet's key, which is not here.
    pub(crate) unknown_names: usize,
    /// Files that may not be read, because a pusher without the fleet's key may have made them.
    pub(crate) left_out: Vec<LeftOut>,
    /// Later rules or prices that the manifest was computed by: this tool should be updated.
    pub(crate) newer: Option<Basis>,
    /// Requests of this machine's transcripts that were kept out, because they are forgotten.
    pub(crate) held_back: u64,
    /// Tombstones that do nothing: the days that they name come after the one on which they were
    /// made.
    pub(crate) ahead: Vec<String>,
    /// How many machines the fleet has.
    pub(crate) machines: usize,
    /// The old history left this clone, because somebody had something forgotten.
    pub(crate) purged: bool,
    /// This clone left an old history for a compacted one.
    pub(crate) compacted: bool,
    /// How many commits this run folded: before and after.
    pub(crate) folded: Option<(usize, usize)>,
}

impl Outcome {
    /// The outcome of a run that has done nothing yet.
    pub(super) fn new(machine: MachineId, branch: String, read: ReadReport) -> Self {
        Self {
            machine,
            set_up: false,
            twin: None,
            finished: None,
            unknown: Vec::new(),
            branch,
            late: None,
            followed: None,
            moved: None,
            healed: Healed::default(),
            mended: Vec::new(),
            imported: None,
            delta: Delta::default(),
            commit: None,
            received: false,
            remote: Remote::None,
            next_try: None,
            cleared: Vec::new(),
            read,
            problems: Vec::new(),
            unknown_names: 0,
            left_out: Vec::new(),
            newer: None,
            held_back: 0,
            ahead: Vec::new(),
            machines: 0,
            purged: false,
            compacted: false,
            folded: None,
        }
    }
}

//! Exit codes. They are part of the interface: scripts may rely on them.

/// All is well.
pub const OK: u8 = 0;
/// Something failed that has no code of its own.
pub const FAILURE: u8 = 1;
/// The command line cannot be understood.
pub const USAGE: u8 = 2;
/// Another `claude-sync` is running on this machine.
pub const RUNNING: u8 = 3;
/// The repository cannot be used: it is something else, unfinished, or of a kind that is not supported.
pub const REPOSITORY: u8 = 4;
/// A file has a format version that this tool is too old for.
pub const NEWER: u8 = 5;
/// There is no `git`, or it is too old.
pub const GIT: u8 = 6;
/// Everything is committed on this machine, but the remote was not reached. The next run pushes it.
pub const QUEUED: u8 = 7;
/// The remote was needed and not reached; nothing was changed.
pub const REMOTE: u8 = 8;
/// A setting or the machine id is not valid.
pub const CONFIG: u8 = 9;
/// A budget was passed, and `budget --check` was to say so.
pub const OVER: u8 = 17;
/// `doctor` found something that does not work.
pub const SICK: u8 = 18;
/// Nothing leaves in clear: the fleet is encrypted, and the key is not here. Also of `verify`: files were left out.
pub const CLEAR: u8 = 19;
/// The merge driver gave up. Git stops and changes nothing; 1 to 128 would mean a conflict that can lose a side.
pub const DRIVER: u8 = 129;

/// The list under `--help`.
pub const HELP: &str = "\
Exit codes:
  0  done                        5  a file is of a newer format
  1  failed                      6  git is missing or too old
  2  wrong usage                 7  committed here, remote not reached: the next run pushes
  3  another sync is running     8  remote needed and not reached
  4  repository unusable         9  a setting is not valid
                                19  committed here, not pushed: it would leave in clear

With --json, a command that fails prints nothing on standard output; why it failed stands on standard error.";

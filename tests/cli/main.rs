//! Tests through the binaries: real git, real remotes, a home of their own.

#![allow(
    clippy::too_many_lines,
    reason = "a test or a benchmark is one story, from set-up to result"
)]

mod alone;
mod answers;
mod asked;
#[allow(dead_code, reason = "the fleet model uses the rest of it")]
mod attacker;
#[cfg(unix)]
mod auto;
mod book;
mod branches;
mod browser;
mod canaries;
mod ccusage;
mod clocks;
mod combinations;
mod compact;
#[cfg(unix)]
mod conditions;
mod conformance;
mod corpus;
mod crowd;
mod dice;
#[cfg(unix)]
mod docs;
#[cfg(unix)]
mod doctor;
#[cfg(unix)]
mod doctor_remote;
mod driver;
#[cfg(unix)]
mod errors;
mod everywhere;
mod explain;
mod export;
mod export_changes;
mod finish;
#[cfg(unix)]
mod folders;
mod forgotten;
mod fresh;
mod front;
mod groups;
#[cfg(unix)]
mod hooks;
mod hostile;
#[allow(dead_code, reason = "laws use the rest of it")]
mod http;
mod imports;
#[cfg(unix)]
mod init;
mod inputs;
mod kills;
mod ledger;
mod life;
mod limits;
#[cfg(unix)]
mod live;
mod machines;
#[cfg(unix)]
mod newcomers;
mod odd;
mod origins;
#[cfg(unix)]
mod pace;
#[cfg(unix)]
mod packages;
mod page;
mod page_limits;
mod peers;
mod people;
mod pictures;
mod plain_git;
mod plan;
#[cfg(unix)]
mod private;
#[cfg(unix)]
mod pusher;
mod recipes;
mod recount;
mod remote;
mod report;
mod ruins;
mod scale;
#[cfg(unix)]
mod sealed;
#[cfg(unix)]
mod set_up_faults;
#[cfg(unix)]
mod settings;
mod shallow;
mod shells;
#[cfg(unix)]
mod shortlived;
#[cfg(unix)]
mod small_things;
#[cfg(unix)]
mod stage;
mod status;
mod status_line_setup;
mod statusline;
mod terminal;
mod tombstones;
mod transport;
#[cfg(unix)]
mod transports;
#[cfg(unix)]
mod undiverted;
mod undo;
mod verbs;
mod verify;
mod ways;
#[cfg_attr(
    not(unix),
    allow(dead_code, reason = "tests that need Unix use the rest of it")
)]
mod world;

//! Tests through the binaries: real git, real remotes, a home of their own.

#![allow(
    clippy::too_many_lines,
    reason = "a test or a benchmark is one story, from set-up to result"
)]

mod alone;
#[allow(dead_code, reason = "the fleet model uses the rest of it")]
mod attacker;
mod auto;
mod book;
mod branches;
mod canaries;
mod ccusage;
mod clocks;
mod combinations;
mod compact;
mod conditions;
mod corpus;
mod crowd;
mod dice;
mod digests;
mod docs;
mod doctor;
mod doctor_remote;
mod driver;
mod errors;
mod everywhere;
mod explain;
mod export;
mod finish;
mod folders;
mod forgotten;
mod format;
mod front;
mod fuzz;
mod hooks;
mod hostile;
mod http;
mod imports;
mod init;
mod inputs;
mod join;
mod kills;
mod ledger;
mod life;
mod limits;
mod machines;
mod made;
mod merges;
mod migrate;
mod newcomers;
mod odd;
mod origins;
mod packages;
mod peers;
mod people;
mod pictures;
mod plain_git;
mod private;
mod pusher;
mod recount;
mod remote;
mod report;
mod rotate;
mod ruins;
mod scale;
mod sealed;
mod sealed_format;
mod settings;
mod shallow;
mod shells;
mod shortlived;
mod stage;
mod status;
mod terminal;
mod tombstones;
mod transport;
mod transports;
mod undiverted;
mod undo;
mod verbs;
mod verify;
mod visibility;
mod ways;
mod world;

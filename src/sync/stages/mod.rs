//! The stages of a run, in order. Each takes the [`context::Run`] and what the stage before it
//! returned.
//!
//! `prepare` opens the clone, `read` reads transcripts, `fetch` asks the remote; then `start`,
//! `assemble`, `commit`, `show` and `push` make the next commit until the remote has it; `remember`
//! notes how far this run came. A preview is `read` and `assemble`; a download leaves out `read`
//! and `push`; `resolve` leaves out `read`, `fetch` and `push`.

pub(super) mod assemble;
pub(super) mod commit;
pub(super) mod context;
pub(super) mod fetch;
mod leave;
pub(super) mod prepare;
pub(super) mod push;
pub(super) mod read;
pub(super) mod remember;
pub(super) mod show;
pub(super) mod start;

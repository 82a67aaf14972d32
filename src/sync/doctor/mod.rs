//! Checks what a sync needs: each [`Check`] reports what was found and what to do.

mod check;
mod examine;
mod folders;
mod installation;
mod machine;
mod programs;
mod remote;
mod repository;
mod storage;
mod text;
mod transcripts;

pub(crate) use check::{Check, Status};
pub(crate) use examine::examine;

//! Git: objects, trees and commits through libgit2, everything that crosses a network or runs the
//! user's programs through `git`.
//!
//! libgit2's own merges are not used: they follow renames, merge text silently and run neither
//! drivers nor hooks.

pub(crate) mod admit;
mod anonymous;
mod aside;
pub(crate) mod bulk;
pub(crate) mod cause;
mod commit;
pub(crate) mod environment;
mod error;
mod heal;
mod hidden;
mod history;
mod holds;
pub(crate) mod hooks;
mod index;
pub(crate) mod keep;
mod lookup;
mod loose;
mod maintenance;
mod messages;
mod names;
mod objects;
pub(crate) mod process;
mod refuser;
mod remote;
pub(crate) mod repo;
pub(crate) mod rewrite;
mod screen;
pub(crate) mod settings;
pub(crate) mod setup;
pub(crate) mod stale;
pub(crate) mod survey;
mod target;
mod trees;
pub(crate) mod unfinished;
pub(crate) mod visibility;
mod watch;
mod worktree;

pub(crate) use admit::Refusal;
pub(crate) use aside::ASIDE;
pub(crate) use cause::Cause;
pub use git2::Oid;
pub(crate) use heal::{Healed, Means};
pub use process::Git;
pub(crate) use process::GitError;
pub(crate) use remote::{Push, Update};
pub(crate) use repo::Repo;
pub(crate) use screen::{Unsound, authentic_day};
pub(crate) use target::Target;
pub(crate) use worktree::Place;

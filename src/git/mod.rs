//! Git: objects, trees and commits through libgit2, everything that crosses a network or runs the
//! user's programs through `git`.
//!
//! libgit2's own merges are not used: they follow renames, merge text silently and run neither
//! drivers nor hooks.

pub mod admit;
mod anonymous;
mod aside;
pub mod bulk;
pub mod cause;
mod commit;
pub mod environment;
mod error;
mod heal;
mod hidden;
mod history;
pub mod hooks;
mod index;
pub mod keep;
mod lookup;
mod loose;
mod maintenance;
mod messages;
mod names;
mod objects;
pub mod process;
mod refuser;
mod remote;
pub mod repo;
mod screen;
pub mod settings;
pub mod setup;
pub mod stale;
pub mod survey;
mod target;
mod trees;
pub mod unfinished;
pub mod visibility;
mod watch;
mod worktree;

pub use admit::Refusal;
pub use cause::Cause;
pub use git2::Oid;
pub use heal::{Healed, Means};
pub use process::{Git, GitError};
pub use remote::Push;
pub use repo::{Entry, Repo, RepoError};
pub use screen::{Screened, Unsound, authentic_day};
pub use target::Target;
pub use worktree::Place;

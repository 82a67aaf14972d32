//! How the repository names projects: a choice of `init`.

use clap::ValueEnum;

/// How the repository names projects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ProjectNames {
    /// The last part of the path
    Last,
    /// An HMAC of the name under the fleet's key
    Hash,
    /// No name
    None,
}

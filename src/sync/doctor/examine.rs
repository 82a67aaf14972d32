//! Runs all checks, in the order in which they are listed.
//!
//! Nothing is written and no lock is taken, so that a sync may go on meanwhile.

use super::check::Check;
use super::installation::Installation;
use super::{folders, machine, programs, remote, repository, storage, transcripts};
use crate::store::Places;
use crate::sync::options::Options;

/// Looks at everything. With `offline` among the options the remote is not asked.
pub(crate) fn examine(places: &Places, options: &Options) -> Vec<Check> {
    let here = Installation::look(places, options);
    let reachable = remote::reachable(&here);
    let push = remote::push(&here, reachable.status);
    vec![
        programs::git(&here),
        machine::settings(&here),
        folders::permissions(&here),
        folders::disk(&here),
        machine::clock(&here),
        machine::machine_id(&here),
        machine::key(&here),
        repository::repository(&here),
        repository::left_out(&here),
        programs::identity(&here),
        programs::driver(&here),
        programs::hooks(&here),
        remote::remote(&here),
        reachable,
        push,
        remote::privacy(&here),
        transcripts::transcripts(&here),
        transcripts::folders(&here),
        transcripts::retention(&here),
        storage::size(&here),
        storage::index(&here),
    ]
}

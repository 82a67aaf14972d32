//! The folders that are written: their owner, their modes, and the free space.

use std::path::{Path, PathBuf};

use super::check::Check;
use super::installation::Installation;
use super::text::{one_line, show, size};
use crate::store::{Places, private, space};
use crate::sync::owner;

/// Whether all folders that are written can be.
pub(crate) fn permissions(here: &Installation) -> Check {
    const NAME: &str = "permissions";
    let places = here.places;
    let bad: Vec<_> = written(places)
        .iter()
        .filter_map(|folder| Some(format!("{} {}", show(folder), space::obstacle(folder)?)))
        .collect();
    if let Err(error) = owner::check(places) {
        return Check::error(NAME, one_line(&error), owner::advice(&places.repo));
    }
    if let Some(path) = owner::foreign_objects(&places.repo) {
        let what = format!("{} belongs to another user", show(&path));
        return Check::error(NAME, what, owner::advice(&places.repo));
    }
    if bad.is_empty() {
        return readable(places);
    }
    let advice =
        "give them back to yourself (chown, chmod u+rwx): a command run as root may have made them";
    Check::error(NAME, bad.join("; "), advice)
}

/// The folders that are written.
fn written(places: &Places) -> Vec<PathBuf> {
    let folders = [
        Some(places.repo.as_path()),
        Some(&places.state),
        places.config.parent(),
        places.machine_id.parent(),
    ];
    // Where one command ran as root, single folders are root's.
    let inside = [
        ".git",
        ".git/objects",
        ".git/refs/heads",
        "sync",
        "sync/machines",
    ];
    let inside = inside.map(|name| places.repo.join(name)).into_iter();
    let folders = folders.into_iter().flatten().map(Path::to_owned);
    folders
        .chain(inside.filter(|folder| folder.is_dir()))
        .collect()
}

/// So many files that others can read are named.
const NAMED: usize = 3;

/// Whether others can read what is ours.
fn readable(places: &Places) -> Check {
    const NAME: &str = "permissions";
    let open = private::open_to_others(places, NAMED + 1);
    if open.is_empty() {
        return Check::ok(
            NAME,
            "all folders can be written, and nobody else can read them",
        );
    }
    let mut names: Vec<_> = open.iter().take(NAMED).map(|path| show(path)).collect();
    if open.len() > NAMED {
        names.push("and more".to_owned());
    }
    let what = format!(
        "others on this machine can read or change {}",
        names.join(", ")
    );
    Check::error(NAME, what, "claude-sync doctor --fix takes that from them")
}

/// Below so many bytes it is time to make room.
const LITTLE: u64 = 200_000_000;
/// Below so many a sync may fail half-way.
const NOTHING: u64 = 20_000_000;

/// The room that is left.
pub(crate) fn disk(here: &Installation) -> Check {
    const NAME: &str = "disk";
    let places = here.places;
    let rooms = [&places.repo, &places.state].map(|place| (place, space::room(place)));
    let mut rooms = rooms
        .into_iter()
        .filter_map(|(place, room)| Some((place, room?)));
    let Some(first) = rooms.next() else {
        return Check::skipped(NAME, "the system does not report free space");
    };
    // What is free on one file system changes between two looks at it.
    let less =
        |(_, room): &(_, space::Room)| room.system != first.1.system && room.free < first.1.free;
    let (place, room) = rooms.find(less).unwrap_or(first);
    let free = room.free;
    let what = format!("{} free for {}", size(free), show(place));
    let advice = "make room: a sync that finds none is left out, and nothing is lost";
    match free {
        ..NOTHING => Check::error(NAME, what, advice),
        NOTHING..LITTLE => Check::warning(NAME, what, advice),
        LITTLE.. => Check::ok(NAME, what),
    }
}

//! This machine: settings, folders, disk, clock, id and key, and the repository as such.

use super::{Check, Patient, Status, show, tell};
use crate::base::text::{count, printable};
use crate::base::time::{Day, Timestamp};
use crate::fleet::rules::Rules;
use crate::git::repo::{KNOWN, RepoError};
use crate::git::{Place, Unsound};
use crate::store::{Places, machine_id as ids, private, space};
use crate::sync::left_out;
use crate::sync::owner;
use crate::sync::setup::is_sync;

/// `config.json`.
pub fn settings(patient: &Patient) -> Check {
    const NAME: &str = "settings";
    match &patient.config {
        Err(error) => Check::new(
            NAME,
            Status::Error,
            tell(error),
            "correct it, or take the setting out: claude-sync config edit",
        ),
        Ok(config) if config.unknown.is_empty() => Check::ok(NAME, "all are valid"),
        Ok(config) => {
            let near = |near: Option<&str>| {
                near.map(|near| format!(" (is {near} meant?)"))
                    .unwrap_or_default()
            };
            let names: Vec<_> = config
                .unknown
                .iter()
                .take(5)
                .map(|(name, meant)| format!("{name}{}", near(*meant)))
                .collect();
            let what = format!(
                "{} not known here and without effect: {}",
                count(config.unknown.len() as u64, "setting"),
                names.join(", ")
            );
            Check::new(
                NAME,
                Status::Warning,
                what,
                "correct or remove them: claude-sync config edit",
            )
        }
    }
}

/// Whether all folders that are written can be.
pub fn permissions(patient: &Patient) -> Check {
    const NAME: &str = "permissions";
    let places = patient.places;
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
    ]
    .map(|name| places.repo.join(name));
    let folders = folders.into_iter().flatten().chain(
        inside
            .iter()
            .map(std::path::PathBuf::as_path)
            .filter(|folder| folder.is_dir()),
    );
    let bad: Vec<_> = folders
        .filter_map(|folder| Some(format!("{} {}", show(folder), space::obstacle(folder)?)))
        .collect();
    if let Err(error) = owner::check(places) {
        return Check::new(
            NAME,
            Status::Error,
            tell(&error),
            owner::advice(&places.repo),
        );
    }
    if let Some(path) = owner::foreign_objects(&places.repo) {
        return Check::new(
            NAME,
            Status::Error,
            format!("{} belongs to another user", show(&path)),
            owner::advice(&places.repo),
        );
    }
    if bad.is_empty() {
        return readable(places);
    }
    let advice =
        "give them back to yourself (chown, chmod u+rwx): a command run as root may have made them";
    Check::new(NAME, Status::Error, bad.join("; "), advice)
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
    Check::new(
        NAME,
        Status::Error,
        what,
        "claude-sync doctor --fix takes that from them",
    )
}

/// Below so many bytes it is time to make room.
const LITTLE: u64 = 200_000_000;
/// Below so many a sync may fail half-way.
const NOTHING: u64 = 20_000_000;

/// The room that is left.
pub fn disk(patient: &Patient) -> Check {
    const NAME: &str = "disk";
    let places = patient.places;
    let Some((free, place)) = [&places.repo, &places.state]
        .into_iter()
        .filter_map(|place| Some((space::free(place)?, place)))
        .min_by_key(|(free, _)| *free)
    else {
        return Check::skipped(NAME, "the system does not tell how much is free");
    };
    let what = format!("{} free for {}", size(free), show(place));
    let advice = "make room: a sync that finds none is left out, and nothing is lost";
    match free {
        ..NOTHING => Check::new(NAME, Status::Error, what, advice),
        NOTHING..LITTLE => Check::new(NAME, Status::Warning, what, advice),
        LITTLE.. => Check::ok(NAME, what),
    }
}

/// Bytes for people.
pub fn size(bytes: u64) -> String {
    match bytes {
        ..1_000_000 => "less than 1 MB".to_owned(),
        1_000_000..10_000_000_000 => count_of(bytes / 1_000_000, "MB"),
        _ => count_of(bytes / 1_000_000_000, "GB"),
    }
}

fn count_of(number: u64, unit: &str) -> String {
    format!("{} {unit}", crate::base::text::thousands(number))
}

/// A clock that is earlier than this is wrong: there was no such program then.
fn made() -> Timestamp {
    Day::parse("2026-01-01").map_or(Timestamp::EPOCH, Day::start)
}

/// So far clocks may differ: time zones that somebody forgot to set are within it.
const DAY: i64 = 24 * 60 * 60 * 1000;

/// The clock, against what was synced.
pub fn clock(patient: &Patient) -> Check {
    const NAME: &str = "clock";
    let now = patient.options.now;
    let advice = "set this machine's clock, and have it kept by the network";
    if now < made() {
        return Check::new(
            NAME,
            Status::Error,
            format!("it says {now}, before this program was made"),
            advice,
        );
    }
    let manifest = patient.manifest();
    let newest = manifest
        .as_ref()
        .and_then(|manifest| manifest.updated_at.max(manifest.last_usage));
    match newest {
        Some(newest) if newest.since(now) > DAY => {
            let what = format!("it says {now}, but something was synced that is of {newest}");
            Check::new(
                NAME,
                Status::Warning,
                what,
                format!("{advice}; or another machine's clock is ahead: claude-sync machine list"),
            )
        }
        _ => Check::ok(NAME, "it is not behind what was synced"),
    }
}

/// The machine's id.
pub fn machine_id(patient: &Patient) -> Check {
    const NAME: &str = "machine_id";
    match &patient.machine {
        Err(error) => Check::new(
            NAME,
            Status::Error,
            tell(error),
            "put the id back; or, if it never synced, delete the file and a new id is made",
        ),
        Ok(None) => Check::new(
            NAME,
            Status::Note,
            "there is none yet",
            "the first claude-sync makes it",
        ),
        Ok(Some(id))
            if ids::is_anothers(
                &patient.places.machine_id,
                &patient.options.host.fingerprint,
            ) =>
        {
            let what = format!(
                "{} was made on another computer: two may be using it",
                id.short()
            );
            Check::new(
                NAME,
                Status::Warning,
                what,
                "if both are in use: claude-sync machine new-id; if this one replaces it: claude-sync machine adopt",
            )
        }
        Ok(Some(id)) => Check::ok(NAME, format!("{}, of this computer", id.short())),
    }
}

/// How many names were forgotten that are not known here.
fn unknown_names(patient: &Patient) -> usize {
    let rules = patient
        .repo()
        .zip(patient.root())
        .and_then(|(repo, root)| Rules::read(repo, root, |_, _| None).ok());
    rules.map_or(0, |rules| rules.unknown_names())
}

/// The fleet's key.
pub fn key(patient: &Patient) -> Check {
    const NAME: &str = "key";
    let path = &patient.places.key;
    let sealed = patient
        .repo()
        .zip(patient.root())
        .and_then(|(repo, root)| repo.seal_of(root).ok().flatten());
    let config = patient.config.as_ref().ok();
    let wanted = match &sealed {
        Some(mark) => Some(format!("the repository is encrypted with the key {mark}")),
        None if config.is_some_and(|config| config.encrypt) => {
            Some("privacy_settings.encryption asks for it".to_owned())
        }
        None if config.is_some_and(|config| config.hash_project_names) => {
            Some("privacy_settings.project_names asks for it".to_owned())
        }
        None if unknown_names(patient) > 0 => {
            Some("only the key tells what was forgotten".to_owned())
        }
        None => None,
    };
    let import =
        "on the machine that has it: claude-sync key show; then here: claude-sync key import";
    match (&patient.key, wanted) {
        (Err(error), _) => Check::new(NAME, Status::Error, tell(error), import),
        (Ok(_), _) if space::is_open_to_others(path) => Check::new(
            NAME,
            Status::Error,
            format!("others on this machine can read {}", show(path)),
            format!("chmod 600 '{}'", show(path)),
        ),
        (Ok(None), None) => Check::ok(NAME, "there is none, and none is needed"),
        (Ok(None), Some(wanted)) => {
            let advice = format!("{import}. For a fleet that has none: claude-sync key init");
            Check::new(
                NAME,
                Status::Error,
                format!("there is none, but {wanted}"),
                advice,
            )
        }
        (Ok(Some(key)), _) if sealed.as_ref().is_some_and(|mark| *mark != key.mark()) => {
            let what = format!(
                "this machine has the key {}, but the repository is encrypted with {}",
                key.mark(),
                sealed.unwrap_or_default()
            );
            Check::new(
                NAME,
                Status::Error,
                what,
                format!("keep a copy of {}, move it away, and {import}", show(path)),
            )
        }
        (Ok(Some(key)), _) => Check::ok(NAME, format!("{}, readable by you alone", key.mark())),
    }
}

/// Files that runs left out, and those that the clone has and that may not be read.
pub fn left_out(patient: &Patient) -> Check {
    const NAME: &str = "left_out";
    let (Some(repo), Some(root)) = (patient.repo(), patient.root()) else {
        return Check::skipped(NAME, "there is nothing to look at yet");
    };
    let known = repo
        .commit_at(KNOWN)
        .ok()
        .flatten()
        .and_then(|known| repo.tree_of(known).ok());
    let here = repo
        .screen(root, known, Unsound::Note)
        .map(|screened| screened.left_out)
        .unwrap_or_default();
    let mut all: Vec<(String, String)> = here
        .into_iter()
        .map(|(path, refusal)| (printable(&path, 300), refusal.code().to_owned()))
        .collect();
    all.extend(
        left_out::read(repo)
            .into_iter()
            .map(|one| (one.path, one.code)),
    );
    all.sort();
    all.dedup();
    if all.is_empty() {
        return Check::ok(NAME, "every file that came was read");
    }
    let names: Vec<String> = all
        .iter()
        .take(5)
        .map(|(path, code)| format!("{path} ({code})"))
        .collect();
    let what = format!(
        "{} left out: {}",
        count(all.len() as u64, "file"),
        names.join(", ")
    );
    let advice = "find out who can push to the remote; claude-sync conflicts lists them, claude-sync verify --repair takes them off the list";
    Check::new(NAME, Status::Warning, what, advice)
}

/// The work tree does not show what is synced; records are synced all the same.
fn late(place: &Place, branch: &str) -> Check {
    const NAME: &str = "repository";
    let back = format!("to have its files follow: claude-sync git switch {branch}");
    let (what, advice) = match place {
        Place::Elsewhere(Some(here)) => (format!("it is on the branch {here}, and {branch} is the one that is synced"), back),
        Place::Elsewhere(None) => (format!("it is on no branch, and {branch} is the one that is synced"), back),
        Place::Operation(name) => (
            format!("git stopped in the middle of a {name}"),
            "claude-sync resolve ends it where only synced files are concerned; claude-sync git status tells more".to_owned(),
        ),
        Place::Locked(lock) => (format!("git holds the lock {}", show(lock)), "if no git command works there, delete that file".to_owned()),
        Place::Another(tree) => (format!("{branch} is checked out in another work tree too: {}", show(tree)), back),
        Place::Obstacle(reason) => (reason.clone(), "claude-sync git status tells more".to_owned()),
    };
    Check::new(
        NAME,
        Status::Warning,
        format!("{what}; its files wait, records do not"),
        advice,
    )
}

/// Whether there is a repository that a sync can work in.
pub fn repository(patient: &Patient) -> Check {
    const NAME: &str = "repository";
    let place = &patient.places.repo;
    let bad = |what: String, advice: &str| Check::new(NAME, Status::Error, what, advice);
    let repo = match &patient.repo {
        Err(error @ RepoError::Damaged { .. }) => {
            return bad(
                tell(error),
                "claude-sync init ADDRESS makes it anew; what was synced stays",
            );
        }
        Err(error) => {
            return bad(
                tell(error),
                "move it away and run claude-sync init ADDRESS again: the remote has the same data",
            );
        }
        Ok(None) if std::fs::read_dir(place).is_ok_and(|mut inside| inside.next().is_some()) => {
            return bad(
                format!("{} is no repository, and not empty", show(place)),
                "move it away and run claude-sync init again",
            );
        }
        Ok(None) => {
            return Check::new(
                NAME,
                Status::Warning,
                "there is none yet",
                "claude-sync init, or claude-sync init ADDRESS",
            );
        }
        Ok(Some(repo)) => repo,
    };
    let target = match repo.target() {
        Ok(target) => target,
        Err(error) => {
            return bad(
                tell(&error),
                "choose one: claude-sync git config branch.BRANCH.remote NAME",
            );
        }
    };
    let branch = &target.branch;
    let mend = "any claude-sync fetches them again; claude-sync verify says what is damaged, claude-sync verify --repair mends it";
    let root = repo
        .position(&target)
        .and_then(|head| head.map(|head| repo.tree_of(head)).transpose());
    let is_ours = root
        .map_err(|error| tell(&error))
        .and_then(|root| root.map_or(Ok(true), |root| is_sync(repo, root).map_err(|e| tell(&e))));
    match is_ours {
        Ok(true) if let Some(place) = repo.obstacle(branch).ok().flatten() => late(&place, branch),
        Ok(true) => Check::ok(NAME, format!("{}, on the branch {branch}", show(place))),
        Ok(false) => bad(
            format!("{} has something else in it than syncs", show(place)),
            "give claude-sync a repository of its own",
        ),
        Err(error) => bad(error, mend),
    }
}

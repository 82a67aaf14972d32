//! This machine: settings, clock, id and key.

use super::check::Check;
use super::installation::Installation;
use super::text::{one_line, show};
use crate::base::text::count;
use crate::base::time::{Day, Timestamp};
use crate::fleet::rules::Rules;
use crate::store::{machine_id as ids, space};

/// `config.json`.
pub(crate) fn settings(here: &Installation) -> Check {
    const NAME: &str = "settings";
    match &here.config {
        Err(error) => Check::error(
            NAME,
            one_line(error),
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
            Check::warning(
                NAME,
                what,
                "correct or remove them: claude-sync config edit",
            )
        }
    }
}

/// A clock that is earlier than this is wrong: there was no such program then.
fn made() -> Timestamp {
    Day::parse("2026-01-01").map_or(Timestamp::EPOCH, Day::start)
}

/// So far clocks may differ: time zones that somebody forgot to set are within it.
const DAY: i64 = 24 * 60 * 60 * 1000;

/// The clock, against what was synced.
pub(crate) fn clock(here: &Installation) -> Check {
    const NAME: &str = "clock";
    let now = here.options.now;
    let advice = "set this machine's clock, and have it kept by the network";
    if now < made() {
        return Check::error(
            NAME,
            format!("it shows {now}, before this program was made"),
            advice,
        );
    }
    let manifest = here.manifest();
    let newest = manifest
        .as_ref()
        .and_then(|manifest| manifest.updated_at.max(manifest.last_usage));
    match newest {
        Some(newest) if newest.since(now) > DAY => {
            let what = format!("it shows {now}, but something was synced that is of {newest}");
            Check::warning(
                NAME,
                what,
                format!("{advice}; or another machine's clock is ahead: claude-sync machine list"),
            )
        }
        _ => Check::ok(NAME, "it is not behind what was synced"),
    }
}

/// The machine's id.
pub(crate) fn machine_id(here: &Installation) -> Check {
    const NAME: &str = "machine_id";
    match &here.machine {
        Err(error) => Check::error(
            NAME,
            one_line(error),
            "put the id back; or, if it never synced, delete the file and a new id is made",
        ),
        Ok(None) => Check::note(NAME, "there is none yet", "the first claude-sync makes it"),
        Ok(Some(id))
            if ids::is_anothers(&here.places.machine_id, &here.options.host.fingerprint) =>
        {
            let what = format!(
                "{} was made on another computer: two may be using it",
                id.short()
            );
            Check::warning(
                NAME,
                what,
                "if both are in use: claude-sync machine new-id; \
                 if this one replaces it: claude-sync machine adopt",
            )
        }
        Ok(Some(id)) => Check::ok(NAME, format!("{}, of this computer", id.short())),
    }
}

/// How many names were forgotten that are not known here.
fn unknown_names(here: &Installation) -> usize {
    let rules = here
        .repo()
        .zip(here.root())
        .and_then(|(repo, root)| Rules::read(repo, root, |_, _| None).ok());
    rules.map_or(0, |rules| rules.unknown_names())
}

/// The fleet's key.
pub(crate) fn key(here: &Installation) -> Check {
    const NAME: &str = "key";
    let path = &here.places.key;
    let sealed = here
        .repo()
        .zip(here.root())
        .and_then(|(repo, root)| repo.seal_of(root).ok().flatten());
    // What is here may be from before the fleet was encrypted.
    let remembered = || here.repo()?.sealed_mark().ok().flatten();
    let sealed = sealed.or_else(remembered);
    let import =
        "on the machine that has it: claude-sync key show; then here: claude-sync key import";
    let key = match &here.key {
        Err(error) => return Check::error(NAME, one_line(error), import),
        Ok(_) if space::is_open_to_others(path) => {
            let what = format!("others on this machine can read {}", show(path));
            return Check::error(NAME, what, format!("chmod 600 '{}'", show(path)));
        }
        Ok(key) => key,
    };
    match (key, sealed) {
        (None, sealed) => match who_needs_it(here, sealed.as_deref()) {
            None => Check::ok(NAME, "there is none, and none is needed"),
            Some(wanted) => {
                let advice = format!("{import}. For a fleet that has none: claude-sync key init");
                Check::error(NAME, format!("there is none, but {wanted}"), advice)
            }
        },
        (Some(key), Some(mark)) if mark != key.mark() => {
            let what = format!(
                "this machine has the key {}, but the repository is encrypted with {mark}",
                key.mark()
            );
            let advice = format!("keep a copy of {}, move it away, and {import}", show(path));
            Check::error(NAME, what, advice)
        }
        (Some(key), _) => Check::ok(NAME, format!("{}, readable by you alone", key.mark())),
    }
}

/// What asks for the key. `sealed`: the mark of the key that the repository is encrypted with.
fn who_needs_it(here: &Installation, sealed: Option<&str>) -> Option<String> {
    let config = here.config.as_ref().ok();
    let asks = |setting: &str| Some(format!("privacy_settings.{setting} asks for it"));
    match sealed {
        Some(mark) => Some(format!("the repository is encrypted with the key {mark}")),
        None if config.is_some_and(|config| config.encrypt) => asks("encryption"),
        None if config.is_some_and(|config| config.hash_project_names) => asks("project_names"),
        None if unknown_names(here) > 0 => Some("only the key shows what was forgotten".to_owned()),
        None => None,
    }
}

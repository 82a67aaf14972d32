//! Names in the repository. A path that does not fit this grammar is carried along and never read.

use crate::base::ids::MachineId;
use crate::base::time::{Day, Timestamp};
use crate::format::sealed::is_statement_path;

/// The folder of everything that is ours.
pub(crate) const ROOT: &str = "sync";
/// The path of the manifest.
pub(crate) const MANIFEST: &str = "sync/manifest.json";
/// The folder of sync files.
pub(crate) const MACHINES: &str = "sync/machines";
/// The folder of day files.
pub(crate) const ARCHIVE: &str = "sync/archive";
/// The repository's README: the user's, except the block of the front page.
pub(crate) const README: &str = "README.md";
/// The folder of the front page's charts and tables.
pub(crate) const FRONT: &str = "sync/front";
/// git's attributes.
pub(crate) const ATTRIBUTES: &str = ".gitattributes";
/// Which paths the merge driver serves, and how git shows them.
pub(crate) const ATTRIBUTE_LINE: &str =
    "sync/** -text merge=claude-sync diff=claude-sync linguist-generated";
/// The same for a README.md that has the front page in it.
pub(crate) const README_LINE: &str = "README.md merge=claude-sync";
/// A part of a day is closed at this size.
pub(crate) const PART_BYTES: usize = 1 << 20;

/// What a path in the repository is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Path {
    /// `sync/manifest.json`.
    Manifest,
    /// `sync/machines/{uuid}.json`.
    Machine(MachineId),
    /// `sync/machines/{uuid}.{time}.json`: never counted.
    Snapshot(MachineId),
    /// `sync/archive/{YYYY}/{MM}/{uuid}/{DD}[.N].jsonl`.
    Day(MachineId, Day, u32),
    /// `sync/front/{name}.svg` or `.csv`: computed like the manifest.
    Front,
    /// `sync/keys/{mark}`: which key replaced the one of that mark.
    Statement,
    /// `README.md`.
    Readme,
    /// Anything else under `sync/`.
    Unknown,
    /// Anything outside `sync/`.
    Outside,
}

impl Path {
    /// Reads a path as git writes it.
    pub(crate) fn parse(path: &str) -> Self {
        let Some(inner) = path.strip_prefix("sync/") else {
            return if path == README {
                Self::Readme
            } else {
                Self::Outside
            };
        };
        let parts: Vec<_> = inner.split('/').collect();
        match parts[..] {
            ["manifest.json"] => Some(Self::Manifest),
            ["machines", name] => machine_file(name),
            ["archive", year, month, machine, name] => day_file(year, month, machine, name),
            ["front", name] => front_file(name),
            ["keys", _] => is_statement_path(path).then_some(Self::Statement),
            _ => None,
        }
        .unwrap_or(Self::Unknown)
    }
}

fn machine_file(name: &str) -> Option<Path> {
    let stem = name.strip_suffix(".json")?;
    match stem.split_once('.') {
        None => MachineId::canonical(stem).map(Path::Machine),
        Some((id, time)) => {
            let shape = time.len() == 16
                && time.bytes().enumerate().all(|(i, b)| match i {
                    8 => b == b'T',
                    15 => b == b'Z',
                    _ => b.is_ascii_digit(),
                });
            MachineId::canonical(id)
                .filter(|_| shape)
                .map(Path::Snapshot)
        }
    }
}

fn front_file(name: &str) -> Option<Path> {
    let (stem, kind) = name.split_once('.')?;
    let plain = !stem.is_empty() && stem.bytes().all(|b| b.is_ascii_lowercase() || b == b'-');
    (plain && ["svg", "csv"].contains(&kind)).then_some(Path::Front)
}

fn day_file(year: &str, month: &str, machine: &str, name: &str) -> Option<Path> {
    let stem = name.strip_suffix(".jsonl")?;
    let (day, part) = stem
        .split_once('.')
        .map_or((stem, "1"), |(day, part)| (day, part));
    let number: u32 = part.parse().ok()?;
    let canonical =
        number.to_string() == part && (stem.len() == day.len() || number > 1) && number < 10_000;
    let day = Day::parse(&format!("{year}-{month}-{day}"))?;
    let machine = MachineId::canonical(machine)?;
    canonical.then_some(Path::Day(machine, day, number))
}

/// The machine whose folder `machine` in a month's folder is.
pub(crate) fn month_of(year: &str, month: &str, machine: &str) -> Option<MachineId> {
    match day_file(year, month, machine, "01.jsonl") {
        Some(Path::Day(machine, ..)) => Some(machine),
        _ => None,
    }
}

/// The path of a machine's sync file.
pub(crate) fn machine_path(machine: &MachineId) -> String {
    format!("{MACHINES}/{machine}.json")
}

/// The path of a snapshot of a sync file.
pub(crate) fn snapshot_path(machine: &MachineId, time: Timestamp) -> String {
    format!("{MACHINES}/{machine}.{}.json", time.compact())
}

/// The path of a part of a machine's day; the first part has no number.
pub(crate) fn day_path(machine: &MachineId, day: Day, part: u32) -> String {
    let (year, month, date) = day.parts();
    let part = if part > 1 {
        format!(".{part}")
    } else {
        String::new()
    };
    format!("{ARCHIVE}/{year}/{month}/{machine}/{date}{part}.jsonl")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_round_trip_and_nothing_else_is_taken_for_one() {
        let id = MachineId::canonical("a7c4f9e1-2b3d-4e5f-6a7b-8c9d0e1f2a3b").expect("valid");
        let day = Day::parse("2026-11-03").expect("valid");
        assert_eq!(Path::parse(&machine_path(&id)), Path::Machine(id.clone()));
        assert_eq!(
            Path::parse(&snapshot_path(&id, day.start())),
            Path::Snapshot(id.clone())
        );
        assert_eq!(
            day_path(&id, day, 1),
            format!("sync/archive/2026/11/{id}/03.jsonl")
        );
        for part in [1, 2, 17] {
            assert_eq!(
                Path::parse(&day_path(&id, day, part)),
                Path::Day(id.clone(), day, part)
            );
        }
        for odd in [
            format!("sync/archive/2026/11/{id}/03.1.jsonl"),
            format!("sync/archive/2026/11/{id}/03.02.jsonl"),
            format!("sync/archive/2026/13/{id}/03.jsonl"),
            format!(
                "sync/archive/2026/11/{}/03.jsonl",
                id.as_str().to_uppercase()
            ),
            format!("sync/machines/{id}.json.orig"),
            format!("sync/machines/../machines/{id}.json"),
            "sync/Manifest.json".to_owned(),
        ] {
            assert_eq!(Path::parse(&odd), Path::Unknown, "{odd}");
        }
        assert_eq!(Path::parse("README.md"), Path::Readme);
        assert_eq!(Path::parse("docs/README.md"), Path::Outside);
        assert_eq!(Path::parse("sync/front/months.csv"), Path::Front);
        assert_eq!(Path::parse("sync/front/a.b.svg"), Path::Unknown);
    }
}

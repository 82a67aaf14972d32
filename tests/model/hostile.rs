//! A pusher who has no key: in an encrypted fleet nothing that they push changes a figure, stops a sync, or has a name leave in clear.

use claude_sync::base::ids::MachineId;
use claude_sync::store::layout::Path;

use crate::model::play::{MACHINES, Play};
use crate::model::rows::machine;

/// What the pusher does to the remote's branch.
#[derive(Debug, Clone)]
pub enum Attack {
    /// Puts files there, as they are stored; none takes a file away.
    Put(Vec<(String, Option<Vec<u8>>)>),
    /// Has the branch be at a commit that it was at before, so many back.
    Rewind(usize),
    /// Deletes the branch.
    Empty,
    /// Begins it anew, with something else in it.
    Anew,
    /// Adds a file of a name that git refuses to a folder.
    Named(&'static str, String),
}

/// A machine that nobody has.
fn nobody() -> MachineId {
    machine(0xbad)
}

fn day_file(id: &MachineId, day: &str, number: usize) -> Vec<u8> {
    let record = format!(
        "{{\"timestamp\":\"{day}T08:00:00.000Z\",\"model\":\"claude-opus-4-8\",\"input_tokens\":77777,\"output_tokens\":77777,\"cache_creation_tokens\":0,\"cache_read_tokens\":0,\"id\":\"{number:016x}\",\"session\":\"mallory\"}}\n"
    );
    format!("{{\"version\":\"1.1\",\"machine\":\"{id}\",\"day\":\"{day}\"}}\n{record}").into_bytes()
}

fn machine_file(id: &MachineId, decision: &str) -> Vec<u8> {
    format!(
        "{{\"version\":\"1.1\",\"machine\":{{\"uuid\":\"{id}\",\"hostname\":\"mallory\",\"revision\":9999,\"created_at\":\"2020-01-01T00:00:00Z\",\"updated_at\":\"2030-03-10T00:00:00Z\"}},\"sync_metadata\":{{}},\"usage_summary\":{{}},\"sessions\":{{}},\"decisions\":[{decision}]}}"
    )
    .into_bytes()
}

impl Play<'_> {
    /// One thing that a pusher does, with files that they can read as they are stored.
    pub fn attack(&mut self) {
        let paths = self.site.remote_paths();
        if paths.is_empty() {
            return;
        }
        let any = paths[self.dice.below(paths.len())].clone();
        let victim = if self.dice.chance(50) {
            self.homes[self.dice.below(MACHINES)].id.clone()
        } else {
            nobody()
        };
        let files: Vec<&String> = paths
            .iter()
            .filter(|path| matches!(Path::parse(path), Path::Day(..) | Path::Machine(_)))
            .collect();
        let some = if files.is_empty() {
            any.clone()
        } else {
            files[self.dice.below(files.len())].clone()
        };
        let (attack, what) = match self.dice.below(15) {
            0 | 1 => {
                let date = 1 + self.dice.below(28);
                let path = format!("sync/archive/2026/03/{victim}/{date:02}.jsonl");
                let text = day_file(&victim, &format!("2026-03-{date:02}"), self.dice.below(99));
                (
                    Attack::Put(vec![(path, Some(text))]),
                    "plain day file pushed",
                )
            }
            2 | 3 => {
                let other = self.homes[self.dice.below(MACHINES)].id.clone();
                let decide = |kind: &str, subject: &str, says: &str| {
                    format!(
                        "{{\"kind\":\"{kind}\",\"subject\":\"{subject}\",\"revision\":999,{says}}}"
                    )
                };
                let decision = match self.dice.below(5) {
                    0 => decide("forgotten", "before:2026-12-31", "\"all\":true"),
                    1 => decide("forgotten", &format!("machine:{other}"), "\"all\":true"),
                    2 => decide("merged", other.as_str(), &format!("\"into\":\"{victim}\"")),
                    3 => decide(
                        "price",
                        "price .. *",
                        "\"price\":{\"model\":\"*\",\"multiply\":\"7\"}",
                    ),
                    _ => decide("label", other.as_str(), "\"label\":\"mallory\""),
                };
                let file = (
                    format!("sync/machines/{victim}.json"),
                    Some(machine_file(&victim, &decision)),
                );
                (Attack::Put(vec![file]), "plain machine file pushed")
            }
            4 | 5 => (
                Attack::Put(vec![(some.clone(), Some(self.damaged(&some)))]),
                "sealed file damaged",
            ),
            6 => {
                let to = files
                    .get(self.dice.below(files.len().max(1)))
                    .map_or_else(|| any.clone(), |path| (*path).clone());
                (
                    Attack::Put(vec![(to, Some(self.site.remote_file(&some)))]),
                    "sealed file moved",
                )
            }
            7 => {
                let text = self.site.remote_file(&some);
                (
                    Attack::Put(vec![(some, Some(marked(&text, self.dice.below(1000))))]),
                    "markers in a sealed file",
                )
            }
            8 => {
                let text =
                    format!("claude-sync-sealed 1 0badbad0 {some}\nAAAA\n= AAAA\n").into_bytes();
                (Attack::Put(vec![(some, Some(text))]), "file of another key")
            }
            9 => {
                let text = format!("claude-sync-sealed 2 0badbad0 {some}\nAAAA\n").into_bytes();
                (
                    Attack::Put(vec![(some, Some(text))]),
                    "file of a later sealing",
                )
            }
            10 => {
                let text = b"{\"version\":\"2.0\",\"mallory\":1,\"machines\":{}}".to_vec();
                (
                    Attack::Put(vec![("sync/manifest.json".to_owned(), Some(text))]),
                    "newer manifest pushed",
                )
            }
            11 => {
                let number = 1 + self.dice.below(4);
                let gone = (0..number)
                    .map(|_| (paths[self.dice.below(paths.len())].clone(), None))
                    .collect();
                (Attack::Put(gone), "files deleted")
            }
            12 => (Attack::Rewind(1 + self.dice.below(6)), "remote rewound"),
            13 if self.dice.chance(50) => (Attack::Empty, "remote emptied"),
            13 => (Attack::Anew, "remote begun anew"),
            _ => {
                let names = [".git", "..", "machines/x.json", "GIT~1"].map(str::to_owned);
                let name = names
                    .get(self.dice.below(5))
                    .cloned()
                    .unwrap_or_else(|| "x".repeat(4096));
                (
                    Attack::Named(["sync", "sync/machines"][self.dice.below(2)], name),
                    "name that git refuses",
                )
            }
        };
        self.say(format!("  {what}"));
        if self.site.attack(&attack) {
            self.did(what);
        }
    }

    /// A file of the remote with one character changed, or a line less.
    fn damaged(&mut self, path: &str) -> Vec<u8> {
        let mut text = self.site.remote_file(path);
        if text.is_empty() {
            return text;
        }
        let at = self.dice.below(text.len());
        if self.dice.chance(50) {
            text[at] = if text[at] == b'A' { b'B' } else { b'A' };
            return text;
        }
        let lines: Vec<&[u8]> = text.split_inclusive(|b| *b == b'\n').collect();
        let gone = self.dice.below(lines.len());
        let kept = lines.iter().enumerate().filter(|(at, _)| *at != gone);
        kept.flat_map(|(_, line)| line.to_vec()).collect()
    }
}

/// A file with a line less, and conflict markers that excuse it.
fn marked(text: &[u8], pick: usize) -> Vec<u8> {
    let lines: Vec<&[u8]> = text.split_inclusive(|b| *b == b'\n').collect();
    let gone = 1 + pick % lines.len().max(1);
    let kept = lines
        .iter()
        .enumerate()
        .filter(|(at, _)| *at != gone)
        .flat_map(|(_, line)| line.to_vec());
    kept.chain(b"<<<<<<< a\n=======\n>>>>>>> b\n".to_vec())
        .collect()
}

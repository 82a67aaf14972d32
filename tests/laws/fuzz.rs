//! Mutated input for the four readers that see bytes from outside: no panic, no error that is a lie, canonical where it is read at all.
//!
//! Mutations know nothing of the format but its pieces: bits, bytes, tokens, lines, and crossings of two inputs. `CLAUDE_SYNC_FUZZ=600`
//! goes on for 600 seconds each; `CLAUDE_SYNC_SEED` begins elsewhere.

use std::time::{Duration, Instant};

use claude_sync::base::ids::{Interner, MachineId};
use claude_sync::base::time::Day;
use claude_sync::format::dayfile::DayFile;
use claude_sync::format::manifest::Manifest;
use claude_sync::format::syncfile::SyncFile;
use claude_sync::merge::algebra;
use claude_sync::store::layout::Path;
use claude_sync::transcripts::{Naming, Scratch, TranscriptFile, read_file};

use crate::laws::dice::Dice;
use crate::laws::scale::long;
use crate::laws::world::transcript;

const ID: &str = "a7c4f9e1-2b3d-4e5f-6a7b-8c9d0e1f2a3b";

const TOKENS: [&[u8]; 24] = [
    b"\"",
    b"\\",
    b"{",
    b"}",
    b"[",
    b"]",
    b",",
    b":",
    b"null",
    b"true",
    b"-1",
    b"1e999",
    b"18446744073709551616",
    b"9007199254740993",
    b"\\u0000",
    b"\\ud800",
    b"\n",
    b"\r\n",
    b"\0",
    b"\xff",
    b"<<<<<<< x\n",
    b"=======\n",
    b">>>>>>> x\n",
    b"\"timestamp\":\"2026-03-10T08:00:00Z\"",
];

fn mutate(dice: &mut Dice, seeds: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = seeds[dice.below(seeds.len())].clone();
    for _ in 0..=dice.below(6) {
        let at = dice.below(bytes.len().max(1)).min(bytes.len());
        match dice.below(7) {
            0 if at < bytes.len() => bytes[at] ^= 1 << dice.below(8),
            1 => {
                let token = TOKENS[dice.below(TOKENS.len())];
                bytes.splice(at..at, token.iter().copied());
            }
            2 => bytes.truncate(at),
            3 => drop(bytes.drain(at..(at + dice.below(40)).min(bytes.len()))),
            4 => {
                let other = &seeds[dice.below(seeds.len())];
                let from = dice.below(other.len().max(1)).min(other.len());
                bytes.splice(at..at, other[from..].iter().copied().take(400));
            }
            5 => {
                // A number becomes another one.
                if let Some(digit) = bytes[at..].iter().position(u8::is_ascii_digit) {
                    bytes[at + digit] = b'0' + u8::try_from(dice.below(10)).expect("a digit");
                }
            }
            _ => {
                let part: Vec<u8> = bytes[at..].iter().copied().take(200).collect();
                bytes.splice(at..at, part);
            }
        }
        bytes.truncate(60_000);
    }
    bytes
}

/// Feeds mutants of the seeds to `check` for a while. Whatever is found new in shape becomes a seed.
fn fuzz(seeds: Vec<Vec<u8>>, mut check: impl FnMut(&[u8]) -> u64) {
    let seconds = std::env::var("CLAUDE_SYNC_FUZZ")
        .ok()
        .and_then(|text| text.parse().ok());
    let budget = Duration::from_secs(seconds.unwrap_or(if long() { 60 } else { 1 }));
    let seed = std::env::var("CLAUDE_SYNC_SEED")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(1);
    let (mut dice, began, mut seeds) = (Dice::new(seed), Instant::now(), seeds);
    let mut shapes = std::collections::HashSet::new();
    let mut count = 0_u64;
    while began.elapsed() < budget {
        let mutant = mutate(&mut dice, &seeds);
        count += 1;
        // What the reader made of it stands in for the path that it took.
        if shapes.insert(check(&mutant)) && seeds.len() < 5000 {
            seeds.push(mutant);
        }
    }
    eprintln!("{count} inputs, {} of different outcome", shapes.len());
}

fn day_file(requests: std::ops::Range<u32>) -> Vec<u8> {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("s.jsonl");
    std::fs::write(&path, transcript("s1", requests)).expect("written");
    let size = std::fs::metadata(&path).expect("there").len();
    let file = TranscriptFile {
        path,
        identity: (0, 0),
        size,
        modified: 0,
        working: None,
    };
    let read = read_file(&file, &Naming::default(), &mut Scratch::default()).expect("reads");
    let mut out = DayFile::new(machine(), day());
    out.records = read.records;
    out.write().0.into_bytes()
}

fn machine() -> MachineId {
    MachineId::canonical(ID).expect("an id")
}

fn day() -> Day {
    Day::parse("2026-03-10").expect("a day")
}

#[test]
fn transcript_lines() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("s.jsonl");
    let seeds = vec![
        transcript("s1", 0..3).into_bytes(),
        transcript("s2", 5..6).into_bytes(),
    ];
    fuzz(seeds, |bytes| {
        std::fs::write(&path, bytes).expect("written");
        let file = TranscriptFile {
            path: path.clone(),
            identity: (0, 0),
            size: bytes.len() as u64,
            modified: 0,
            working: None,
        };
        let read = read_file(&file, &Naming::default(), &mut Scratch::default())
            .expect("a file can be read");
        let lines = bytes.split(|byte| *byte == b'\n').count() as u64;
        assert!(read.bad_total <= lines && read.records.len() as u64 <= lines);
        read.bad_total << 8 | read.records.len() as u64
    });
}

#[test]
fn day_files() {
    let (machine, day) = (machine(), day());
    fuzz(
        vec![day_file(0..3), day_file(2..8)],
        |bytes| match DayFile::read(&machine, day, bytes, &mut Interner::default()) {
            Err(error) => error.code().as_str().len() as u64,
            Ok((file, damage)) => {
                let text = file.write().0;
                let (again, harm) =
                    DayFile::read(&machine, day, text.as_bytes(), &mut Interner::default())
                        .expect("what was written is read");
                assert_eq!(
                    harm,
                    claude_sync::format::dayfile::Damage::default(),
                    "what was written is sound: {text}"
                );
                assert_eq!(again.write().0, text, "writing is canonical");
                1 << 32
                    | damage.lines << 16
                    | (file.records.len() as u64) << 8
                    | damage.checksums.len() as u64
            }
        },
    );
}

#[test]
fn pages() {
    let machine = machine();
    let spec = include_bytes!("../../fixtures/spec-1.0/machine-sync.json").to_vec();
    let ours = SyncFile::read(&machine, &spec, &mut Interner::default())
        .expect("the example is read")
        .write()
        .into_bytes();
    fuzz(vec![spec, ours], |bytes| {
        match SyncFile::read(&machine, bytes, &mut Interner::default()) {
            Err(error) => error.code().as_str().len() as u64,
            Ok(page) => {
                let text = page.write();
                let again = SyncFile::read(&machine, text.as_bytes(), &mut Interner::default())
                    .expect("what was written is read");
                assert_eq!(again.write(), text, "writing is canonical");
                1 << 32 | (page.sessions.len() as u64) << 8 | page.decisions.len() as u64
            }
        }
    });
}

#[test]
fn manifests() {
    let spec = include_bytes!("../../fixtures/spec-1.0/manifest.json").to_vec();
    let ours = Manifest::read(&spec)
        .expect("the example is read")
        .write()
        .into_bytes();
    fuzz(vec![spec, ours], |bytes| match Manifest::read(bytes) {
        Err(error) => error.code().as_str().len() as u64,
        Ok(manifest) => {
            let text = manifest.write();
            assert_eq!(
                Manifest::read(text.as_bytes())
                    .expect("what was written is read")
                    .write(),
                text,
                "writing is canonical"
            );
            1 << 32 | (manifest.machines.len() as u64) << 8 | manifest.sessions.len() as u64
        }
    });
}

#[test]
fn versions_for_the_driver() {
    let path = Path::Day(machine(), day(), 1);
    let sound = day_file(0..4);
    fuzz(vec![day_file(0..3), day_file(2..8)], |bytes| {
        let (Ok(one), Ok(other)) = (
            algebra::join(&path, bytes, &sound),
            algebra::join(&path, &sound, bytes),
        ) else {
            return 0;
        };
        assert_eq!(one, other, "the driver's result depends on the side");
        let again = algebra::join(&path, &one, bytes);
        assert_eq!(
            again.ok().as_ref(),
            Some(&one),
            "joining again changes nothing"
        );
        one.len() as u64
    });
}

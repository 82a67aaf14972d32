//! Transcripts that are cut or damaged, as the reader takes them.

use std::fs;
use std::path::Path;

use claude_sync::transcripts::{Naming, Scratch, TranscriptFile, read_file};

use crate::laws::dice::Dice;
use crate::laws::scale::tries;
use crate::laws::world::transcript;

/// Reads bytes as a transcript and gives its requests and skipped lines.
fn read(path: &Path, bytes: &[u8]) -> (usize, u64) {
    fs::write(path, bytes).expect("written");
    let file = TranscriptFile {
        path: path.to_owned(),
        identity: (0, 0),
        size: bytes.len() as u64,
        modified: 0,
        working: None,
    };
    let read = read_file(&file, &Naming::default(), &mut Scratch::default()).expect("reads");
    (read.records.len(), read.bad_total)
}

#[test]
fn a_transcript_that_is_cut_anywhere_gives_all_lines_before_the_cut() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("s.jsonl");
    let whole = transcript("s1", 0..20);
    let ends: Vec<usize> = whole.match_indices('\n').map(|(at, _)| at).collect();
    let step = whole.len().div_ceil(tries(300, 5_000) as usize).max(1);
    for cut in (0..=whole.len()).step_by(step) {
        let (requests, _) = read(&path, &whole.as_bytes()[..cut]);
        // A last line without its line break counts once it is complete.
        let complete = ends.iter().filter(|end| **end <= cut).count();
        assert_eq!(requests, complete, "cut at {cut}");
    }
}

#[test]
#[ignore = "slow: run with --include-ignored"]
fn flipped_bits_cost_no_more_than_their_line() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("s.jsonl");
    let whole = transcript("s1", 0..5).into_bytes();
    let mut dice = Dice::new(11);
    for round in 0..tries(2_000, 100_000) {
        let mut bytes = whole.clone();
        let at = dice.below(bytes.len());
        bytes[at] ^= 1 << dice.below(8);
        let (requests, bad) = read(&path, &bytes);
        // A flip may cut a line in two, or join two: then both are touched.
        assert!(
            (3..=6).contains(&requests),
            "round {round}, byte {at}: {requests} requests, {bad} bad lines"
        );
    }
}

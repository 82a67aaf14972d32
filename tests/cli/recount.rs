//! The second implementation of the counting, in Python from `docs/format.md` alone, agrees with the programs to the picodollar.

use std::path::Path;
use std::process::Command;

use crate::world::{Machine, Row, World, transcript};

/// Compares a machine's manifest with a recount of the files beside it. Says so where there is no Python.
fn recount(machine: &Machine) {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/recount/recount.py");
    let repo = machine.repo();
    let manifest = repo.join("sync/manifest.json");
    let Ok(ran) = Command::new("python3")
        .arg(script)
        .arg(&repo)
        .arg("--check")
        .arg(manifest)
        .output()
    else {
        crate::peers::missing("python3", "python3 cannot be started");
        return;
    };
    let said = String::from_utf8_lossy(&ran.stderr);
    assert!(
        ran.status.success(),
        "{said}{}",
        String::from_utf8_lossy(&ran.stdout)
    );
}

#[test]
#[ignore = "slow: run with --include-ignored"]
fn every_level_sums_and_forgotten_data_are_recounted_alike() {
    let world = World::new();
    let (ada, bob) = (world.machine("ada"), world.machine("bob"));
    ada.write(
        ".claude/projects/p/s1.jsonl",
        &(transcript("s1", 0..8) + &transcript("s2", 4..12)),
    );
    ada.init().sync(&[]);
    bob.write(".config/claude-sync/config.json", "{\"summary_only\":true}");
    bob.write(".claude/projects/p/s2.jsonl", &transcript("s2", 6..20));
    bob.init().sync(&[]);
    bob.write(
        "days.json",
        "{\"daily\":[{\"date\":\"2026-03-10\",\"modelBreakdowns\":[{\"modelName\":\"claude-opus-4-8\",\"inputTokens\":900,\"outputTokens\":90000,\
         \"cacheCreationTokens\":9000,\"cacheReadTokens\":90000,\"cost\":7.25}]}]}",
    );
    bob.sync(&[
        "import",
        &bob.home.join("days.json").display().to_string(),
        "-z",
        "Asia/Tokyo",
    ]);
    recount(&bob);
    ada.sync(&["forget", "--session", "s2", "--yes"]);
    bob.sync(&[]);
    ada.sync(&[]);
    recount(&ada);
    bob.write(
        ".config/claude-sync/config.json",
        "{\"privacy_settings\":{\"retention_days\":3}}",
    );
    bob.write(
        ".claude/projects/p/s9.jsonl",
        &Row::new("s9", 90, "2026-03-25T08:00:00.000Z").line(),
    );
    for hour in 12..15 {
        bob.sync_at(&format!("2026-03-25T{hour}:00:00Z"), &[]);
    }
    recount(&bob);
    ada.sync_at("2026-03-25T16:00:00Z", &["machine", "merge", "bob", "ada"]);
    recount(&ada);
}

#[test]
fn real_transcripts_are_recounted_alike() {
    let Some(transcripts) = std::env::var_os("CLAUDE_SYNC_TRANSCRIPTS") else {
        crate::peers::missing("transcripts", "CLAUDE_SYNC_TRANSCRIPTS is not set");
        return;
    };
    let world = World::new();
    let ada = world.machine("ada");
    ada.init();
    ada.sync(&[
        "import",
        &Path::new(&transcripts)
            .join("projects")
            .display()
            .to_string(),
    ]);
    recount(&ada);
}

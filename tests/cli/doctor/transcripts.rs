//! Transcripts: missing, unreadable, deleted too early.

use std::fs;
use std::time::{Duration, SystemTime};

use super::{ask_as_anybody, check, healthy, mode, sees, sees_with};
use crate::world::{NOON, World, transcript};

#[test]
fn transcripts_that_are_missing_or_cannot_be_read() {
    let world = World::new();
    let machine = healthy(&world);
    let (project, file) = (
        ".claude/projects/-home-ada-secret-project",
        machine
            .home
            .join(".claude/projects/-home-ada-secret-project/s.jsonl"),
    );
    machine.write(&format!("{project}/t.jsonl"), "");
    mode(&file, 0o000);
    if ask_as_anybody(&machine, &["doctor"]).is_some() {
        let ask = |args: &[&str]| ask_as_anybody(&machine, args).expect("as before");
        sees_with(
            &machine,
            &[(
                "transcripts",
                "warning",
                "of 2 transcripts, these cannot be read: s.jsonl",
            )],
            ask,
        );
        mode(&machine.home.join(project), 0o000);
        sees_with(
            &machine,
            &[(
                "transcripts",
                "warning",
                "of 0 transcripts, these cannot be read: 1 folder",
            )],
            ask,
        );
        mode(&machine.home.join(project), 0o700);
    }
    fs::remove_dir_all(machine.home.join(project)).expect("removed");
    sees(
        &machine,
        &[(
            "transcripts",
            "warning",
            "none in ~/.claude/projects, ~/.config/claude/projects",
        )],
    );
}

#[test]
fn transcripts_that_are_deleted_before_they_are_synced() {
    let world = World::new();
    let machine = healthy(&world);
    let settings = ".claude/settings.json";
    machine.write(settings, "{\"cleanupPeriodDays\": 0}");
    sees(
        &machine,
        &[("retention", "error", "Claude Code keeps no transcripts")],
    );
    machine.write(settings, "{\"cleanupPeriodDays\": 1}");
    sees(
        &machine,
        &[(
            "retention",
            "warning",
            "Claude Code keeps transcripts for 1 day",
        )],
    );
    machine.write(settings, "{\"cleanupPeriodDays\": \"long\"}");
    sees(
        &machine,
        &[(
            "retention",
            "warning",
            "~/.claude/settings.json has a cleanupPeriodDays that is no number",
        )],
    );
    machine.write(settings, "{ \"a\": 1,, }");
    sees(
        &machine,
        &[("retention", "warning", "~/.claude/settings.json is no JSON")],
    );
    machine.write(settings, "{\"cleanupPeriodDays\": 99999}");
    let path = ".claude/projects/p/t.jsonl";
    machine.write(path, &transcript("s2", 5..7));
    let noon = chrono::DateTime::parse_from_rfc3339(NOON).expect("a time");
    let noon = SystemTime::from(noon);
    let write = fs::File::options()
        .write(true)
        .open(machine.home.join(path))
        .expect("opens");
    write
        .set_modified(noon - Duration::from_hours(24 * 28))
        .expect("dated");
    assert_eq!(
        check(&sees(&machine, &[]), "retention").1,
        "Claude Code keeps transcripts for 99999 days; 1 waits to be synced"
    );
    fs::remove_file(machine.home.join(settings)).expect("removed");
    sees(
        &machine,
        &[(
            "retention",
            "warning",
            "for 30 days, and one that waits to be synced is 28 days old",
        )],
    );
    machine.sync(&[]);
    assert_eq!(
        check(&sees(&machine, &[]), "retention").1,
        "Claude Code keeps transcripts for 30 days; none waits"
    );
}

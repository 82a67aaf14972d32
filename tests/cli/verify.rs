//! Looking before anything leaves, checking all that is there, mending, and bringing back.

use std::fs;

use crate::world::{Machine, NOON, World, transcript};

fn ready(world: &World) -> Machine<'_> {
    let machine = world.machine("ada");
    machine.write(".claude/projects/p/s.jsonl", &transcript("s1", 0..5));
    machine.init().sync(&[]);
    machine
}

#[test]
fn a_preview_shows_what_the_sync_then_commits_and_leaves_nothing() {
    let world = World::new();
    let machine = world.machine("ada");
    machine.write(".claude/projects/p/s.jsonl", &transcript("s1", 0..5));
    fs::remove_file(machine.home.join(".claude/machine_id")).expect("removed");
    let ran = machine.sync(&["preview", "--full"]);
    assert!(
        ran.out.contains("This machine has no id yet")
            && ran.out.contains("\"project_name\":\"shop\""),
        "{}",
        ran.out
    );
    assert!(
        !machine.repo().exists()
            && !machine.state().exists()
            && !machine.home.join(".claude/machine_id").exists(),
        "a preview made something"
    );
    machine.write(".claude/machine_id", "00616461-0000-4000-8000-000000000000");
    machine.init();
    let ran = machine.sync(&["preview", "--full"]);
    assert!(!ran.out.contains("secret plan"), "{}", ran.out);
    machine.sync(&[]);
    let shown: Vec<&str> = ran.out.lines().map(str::trim).collect();
    let files = machine.files();
    for (path, text) in files
        .iter()
        .filter(|(path, _)| path.starts_with("sync/archive") || path.starts_with("sync/machines"))
    {
        for line in text.lines() {
            assert!(shown.contains(&line.trim()), "{path}: not shown: {line}");
        }
    }
    assert!(machine.sync(&["preview"]).out.contains("Nothing new."));
}

#[test]
fn each_kind_of_defect_has_its_code_and_is_mended_where_it_can_be() {
    let world = World::new();
    let machine = ready(&world);
    let clean = machine.try_sync(NOON, &["verify", "--read-data"]);
    assert_eq!(
        (clean.code, clean.out.as_str()),
        (0, "All is well; every object was read.\n"),
        "{}",
        clean.err
    );
    let git_dir = machine.repo().join(".git");
    let page = machine
        .repo()
        .join("sync/machines/00616461-0000-4000-8000-000000000000.json");
    let check = |want: i32, word: &str, args: &[&str]| {
        let ran = machine.try_sync(NOON, &[&["verify"], args].concat());
        assert_eq!(ran.code, want, "{}{}", ran.out, ran.err);
        assert!(ran.out.contains(word), "{}", ran.out);
        let repaired = machine.try_sync(NOON, &["verify", "--repair", "--read-data"]);
        assert_eq!(repaired.code, 0, "{}{}", repaired.out, repaired.err);
    };
    let lock = git_dir.join("index.lock");
    fs::write(&lock, "").expect("written");
    let past = std::time::SystemTime::now() - std::time::Duration::from_hours(1);
    fs::File::options()
        .write(true)
        .open(&lock)
        .expect("opens")
        .set_modified(past)
        .expect("dated");
    check(10, "index.lock", &[]);
    fs::write(
        machine.state().join("index.sqlite"),
        "no database at all, but long enough to be looked at",
    )
    .expect("written");
    check(11, "index: the local index", &[]);
    machine.git(&["config", "merge.claude-sync.driver", "false"]);
    check(
        12,
        "merge.claude-sync.driver: is set to something else",
        &[],
    );
    fs::write(&page, "edited").expect("written");
    check(13, "the work tree: does not show the commit", &[]);
    let day = machine
        .files()
        .into_keys()
        .find(|path| path.contains("/archive/"))
        .expect("a day file");
    let text = fs::read_to_string(machine.repo().join(&day)).expect("read");
    let edited: String = text.replacen("\"output_tokens\":101", "\"output_tokens\":1", 1);
    assert_ne!(edited, text);
    fs::write(machine.repo().join(&day), edited).expect("written");
    machine.git(&["commit", "-qam", "by hand"]);
    let ran = machine.try_sync(NOON, &["verify", "--read-data"]);
    assert_eq!(ran.code, 15, "{}", ran.out);
    assert!(
        ran.out.contains("the checksum of session s1 does not fit"),
        "{}",
        ran.out
    );
}

#[test]
fn foreign_files_and_missing_objects_are_named() {
    let world = World::new();
    let machine = ready(&world);
    machine.write(".local/share/claude-sync/repo/sync/notes.txt", "mine\n");
    machine.git(&["add", "sync/notes.txt"]);
    machine.git(&["commit", "-qm", "notes"]);
    let ran = machine.try_sync(NOON, &["verify"]);
    assert_eq!(ran.code, 14, "{}", ran.out);
    assert!(ran.out.contains("foreign: sync/notes.txt"), "{}", ran.out);
    let id = machine.git(&["rev-parse", "HEAD:sync/manifest.json"]);
    let (folder, rest) = id.trim().split_at(2);
    fs::remove_file(machine.repo().join(".git/objects").join(folder).join(rest)).expect("removed");
    let ran = machine.try_sync(NOON, &["verify"]);
    assert_eq!(ran.code, 16, "{}", ran.out);
    let json = machine.try_sync(NOON, &["verify", "--json"]);
    let json: serde_json::Value = serde_json::from_str(&json.out).expect("JSON");
    assert_eq!(
        (
            json["code"].as_u64(),
            json["findings"].as_array().map(Vec::is_empty)
        ),
        (Some(16), Some(false))
    );
}

#[test]
fn an_older_version_brings_back_what_was_taken_by_force() {
    let world = World::new();
    let machine = ready(&world);
    let good = machine.head();
    let listed = machine.sync(&["restore", "--list"]).out;
    assert!(
        listed.contains(&good[..12]) && listed.contains("5 new records"),
        "{listed}"
    );
    // Somebody rewinds everything that remembers, and Claude Code deletes the transcript.
    fs::remove_dir_all(machine.home.join(".claude/projects")).expect("removed");
    machine.git(&["reset", "-q", "--hard", "HEAD^"]);
    machine.git(&["update-ref", "refs/claude-sync/known", "HEAD"]);
    machine.git(&[
        "push",
        "-q",
        "--force",
        "--no-verify",
        "origin",
        "HEAD:main",
    ]);
    fs::remove_file(machine.state().join("index.sqlite")).expect("removed");
    machine.sync(&[]);
    assert!(
        machine
            .sync(&["restore", "--list"])
            .out
            .contains(&good[..12]),
        "the reflog still has it"
    );
    let ran = machine.sync(&["restore", "--from", &good]);
    assert!(ran.err.is_empty(), "{}", ran.err);
    assert_eq!(machine.fleet().0, 5);
    machine.assert_sound();
    let ran = machine.try_sync(NOON, &["restore", "--from", "nonsense"]);
    assert_eq!(ran.code, 2);
}

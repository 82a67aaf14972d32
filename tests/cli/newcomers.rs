//! What people stumbled over who had nothing but the guides: each test begins with what happened to them.

use std::fs::{self, File};
use std::os::unix::fs::symlink;
use std::process::Stdio;

use crate::world::{Machine, NOON, Row, World, run, transcript};

/// Transcripts whose cache writes last an hour.
fn long_cache() -> String {
    let split = "\"cache_creation_input_tokens\":200,\"cache_creation\":{\"ephemeral_5m_input_tokens\":50,\"ephemeral_1h_input_tokens\":150}";
    transcript("s1", 0..5).replace("\"cache_creation_input_tokens\":200", split)
}

// `verify --read-data` called a healthy repository stale wherever a transcript had one-hour cache writes, which pages do not tell.
#[test]
fn pages_are_held_against_what_pages_tell() {
    let world = World::new();
    let ada = world.machine("ada");
    ada.write(".claude/projects/p/s1.jsonl", &long_cache());
    ada.init().sync(&[]);
    let ran = ada.sync(&["verify", "--read-data"]);
    assert!(ran.out.contains("All is well"), "{}", ran.out);
    let page = ada
        .repo()
        .join("sync/machines/00616461-0000-4000-8000-000000000000.json");
    let text = fs::read_to_string(&page).expect("a page").replacen(
        "\"total_output_tokens\": 510",
        "\"total_output_tokens\": 511",
        1,
    );
    fs::write(&page, text).expect("written");
    ada.git(&["commit", "-qam", "by hand"]);
    let ran = ada.try_sync(NOON, &["verify", "--read-data"]);
    assert!(
        ran.code == 13 && ran.out.contains("its totals are not the sums"),
        "{ran:?}"
    );
}

// A machine that joined an encrypted repository before it had the key committed nothing; when Claude Code had deleted its transcripts, its
// usage was gone.
#[test]
fn who_joins_without_the_key_commits_here_and_waits() {
    let world = World::new();
    let (ada, bob) = (world.machine("ada"), world.machine("bob"));
    ada.sync(&["key", "init"]);
    ada.write(
        ".config/claude-sync/config.json",
        "{\"privacy_settings\": {\"encryption\": \"at-rest\"}}",
    );
    ada.write(".claude/projects/p/s1.jsonl", &transcript("s1", 0..5));
    ada.init().sync(&[]);
    bob.write(
        ".claude/projects/p/s2.jsonl",
        &transcript("heronsession", 10..13),
    );
    bob.init();
    let ran = bob.try_sync(NOON, &[]);
    assert!(
        ran.code == 7 && ran.err.contains("claude-sync key import"),
        "{ran:?}"
    );
    assert_eq!(bob.fleet().0, 3, "it is committed here");
    assert!(
        !world
            .stored(&world.path().join("remote.git"))
            .contains("heronsession"),
        "and nothing of it left in clear"
    );
    fs::remove_dir_all(bob.home.join(".claude/projects")).expect("deleted");
    // A key of its own would shut it out for good.
    let ran = bob.try_sync(NOON, &["key", "init"]);
    assert!(
        ran.code == 9 && ran.err.contains("claude-sync key import"),
        "{ran:?}"
    );
    let key = ada.sync(&["key", "show"]).out;
    bob.sync(&["key", "import", key.trim()]);
    bob.sync(&[]);
    ada.sync(&[]);
    assert_eq!((ada.fleet().0, bob.fleet().0), (8, 8));
    assert_eq!(ada.manifest(), bob.manifest());
    assert!(
        !world
            .stored(&world.path().join("remote.git"))
            .contains("heronsession"),
        "its history is sealed as well"
    );
    assert!(
        bob.sync(&["verify", "--read-data"])
            .out
            .contains("All is well")
    );
}

fn without_key(machine: &Machine) {
    fs::remove_file(machine.home.join(".config/claude-sync/key")).expect("deleted");
}

// Without the key `verify` called the repository's objects damaged, and advised to fetch them again.
#[test]
fn what_is_sealed_is_not_damaged() {
    let world = World::new();
    let ada = world.machine("ada");
    ada.sync(&["key", "init"]);
    ada.write(
        ".config/claude-sync/config.json",
        "{\"privacy_settings\": {\"encryption\": \"at-rest\"}}",
    );
    ada.write(".claude/projects/p/s1.jsonl", &transcript("s1", 0..5));
    ada.init().sync(&[]);
    without_key(&ada);
    let ran = ada.try_sync(NOON, &["verify"]);
    assert!(
        ran.code == 9 && ran.err.contains("claude-sync key import"),
        "{ran:?}"
    );
}

// `forget` with a typing error in a name threw away the whole history, and forgot nothing.
#[test]
fn what_is_not_there_is_not_forgotten() {
    let world = World::new();
    let ada = world.machine("ada");
    ada.write(".claude/projects/p/s1.jsonl", &transcript("s1", 0..5));
    ada.init().sync(&[]);
    let head = ada.head();
    for (args, nearest) in [
        (&["--project", "shp"][..], "shop"),
        (&["--session", "s11"], "s1"),
        (&["--before", "2020-01-01"], ""),
    ] {
        let ran = ada.try_sync(NOON, &[&["forget", "--yes"], args].concat());
        assert!(
            ran.code == 2
                && ran.err.contains("nothing that was synced fits")
                && ran.err.contains(nearest),
            "{ran:?}"
        );
    }
    for args in [["--project", ""], ["--session", ""]] {
        let ran = ada.try_sync(NOON, &[&["forget", "--yes"], &args[..]].concat());
        assert!(ran.code == 2 && ran.err.contains("has no name"), "{ran:?}");
    }
    assert_eq!(ada.head(), head);
    // What comes later can be kept out all the same, and nothing of the history goes for that.
    ada.sync(&["forget", "--project", "heron", "--yes", "--ahead"]);
    assert_eq!(
        ada.git(&["rev-list", "--count", &format!("{head}..HEAD")])
            .trim(),
        "1"
    );
    ada.write(
        ".claude/projects/p/s2.jsonl",
        &transcript("s2", 10..12).replace("work/shop", "work/heron"),
    );
    ada.sync(&[]);
    assert_eq!(ada.fleet().0, 5);
}

// What could not be written to a full disk ended with 0, and a device that was named as a file was replaced by one.
#[test]
fn output_that_cannot_be_written_is_a_failure() {
    let world = World::new();
    let ada = world.machine("ada");
    ada.write(".claude/projects/p/s1.jsonl", &transcript("s1", 0..5));
    ada.init().sync(&[]);
    let full = || {
        Stdio::from(
            File::options()
                .write(true)
                .open("/dev/full")
                .expect("the device"),
        )
    };
    for (program, args) in [
        ("claude-usage-tracker", &["daily"][..]),
        ("claude-usage-tracker", &["daily", "--json"]),
        ("claude-usage-tracker", &["export"]),
        ("claude-usage-tracker", &["svg"]),
        ("claude-sync", &["status"]),
        ("claude-sync", &["config", "list", "--json"]),
        ("claude-sync", &["completions", "bash"]),
    ] {
        let out = ada
            .command(program, NOON)
            .args(args)
            .stdin(Stdio::null())
            .stdout(full())
            .output()
            .expect("runs");
        let told = String::from_utf8_lossy(&out.stderr);
        assert!(
            out.status.code() == Some(1) && told.contains("No space left"),
            "{args:?}: {told}"
        );
    }
    for args in [
        &["export", "-o", "/dev/full"][..],
        &["html", "-o", "/dev/full"],
    ] {
        let ran = ada.track(args);
        assert!(ran.code == 1 && ran.err.contains("/dev/full"), "{ran:?}");
    }
    assert!(!fs::metadata("/dev/full").expect("the device").is_file());
    let plain = ada.track(&["export"]).out;
    assert_eq!(ada.track(&["export", "-o", "-"]).out, plain);
}

// An address such as `../usage.git` was looked for from another folder.
#[test]
fn a_folder_can_be_named_from_here() {
    let world = World::new();
    let ada = world.machine("ada");
    fs::create_dir_all(&ada.home).expect("a home");
    let ran = run(ada
        .command("claude-sync", NOON)
        .current_dir(&ada.home)
        .args(["init", "../remote.git"]));
    assert_eq!(ran.code, 0, "{ran:?}");
    let again = run(ada
        .command("claude-sync", NOON)
        .current_dir(world.path())
        .args(["init", "./remote.git"]));
    assert_eq!(again.code, 0, "{again:?}");
}

// A link to settings that were not there yet was replaced by a file, which then was deleted.
#[test]
fn a_link_to_settings_that_are_still_to_come_is_followed() {
    let world = World::new();
    let ada = world.machine("ada");
    let link = ada.home.join(".claude/settings.json");
    fs::create_dir_all(ada.home.join("dot")).expect("a folder");
    symlink("../dot/settings.json", &link).expect("linked");
    ada.sync(&["auto", "enable", "--scheduler", "none"]);
    assert!(
        link.is_symlink()
            && fs::read_to_string(ada.home.join("dot/settings.json"))
                .expect("settings")
                .contains("auto hook")
    );
    ada.sync(&["auto", "disable"]);
    assert!(link.is_symlink() && !ada.home.join("dot/settings.json").exists());
    // Hooks that Claude Code is told not to run are no automatic sync.
    fs::write(
        ada.home.join("dot/settings.json"),
        "{\"disableAllHooks\": true}",
    )
    .expect("written");
    let ran = ada.sync(&["auto", "enable", "--scheduler", "none"]);
    assert!(ran.out.contains("disableAllHooks"), "{}", ran.out);
}

// `--csv` named one of a day's projects as if it were the day's.
#[test]
fn only_sessions_have_a_project_in_csv() {
    let world = World::new();
    let ada = world.machine("ada");
    let other = Row::new("s2", 20, "2026-03-10T09:00:00.000Z")
        .line()
        .replace("work/shop", "work/heron");
    ada.write(
        ".claude/projects/p/s1.jsonl",
        &(transcript("s1", 0..2) + &other),
    );
    ada.init().sync(&[]);
    for args in [
        &["daily"][..],
        &["models"],
        &["daily", "--by", "project"],
        &["machines"],
    ] {
        let csv = ada.track(&[args, &["--csv", "-z", "UTC"]].concat()).out;
        let column = |line: &str| line.split(',').nth(2).map(str::to_owned);
        assert_eq!(
            csv.lines().next().and_then(column),
            Some("project_name".to_owned())
        );
        assert!(
            csv.lines()
                .skip(1)
                .all(|line| column(line) == Some(String::new())),
            "{csv}"
        );
    }
    let csv = ada.track(&["session", "--csv"]).out;
    assert!(csv.contains(",shop,") && csv.contains(",heron,"), "{csv}");
}

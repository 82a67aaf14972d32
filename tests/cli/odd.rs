//! Odd input and odd circumstances: figures stay right, and whoever should know is told.

use std::fs;

use crate::world::{Machine, NOON, Ran, World, run, transcript};

fn with(machine: &Machine, name: &str, value: &str) -> Ran {
    run(machine
        .command("claude-sync", NOON)
        .env("COLUMNS", "400")
        .env(name, value))
}

#[test]
fn sums_beyond_any_single_counter_are_read_back() {
    let world = World::new();
    let machine = world.machine("ada");
    machine.init();
    let most =
        transcript("s1", 0..3).replace("\"input_tokens\":10", "\"input_tokens\":9007199254740992");
    machine.write(".claude/projects/p/s.jsonl", &most);
    machine.sync(&[]);
    let again = machine.sync(&[]);
    assert_eq!(again.err, "", "what was written is read");
    let report = run(machine
        .command("claude-usage-tracker", NOON)
        .args(["daily", "--json"]));
    assert!(
        report.out.contains("\"inputTokens\": 27021597764222976"),
        "{}",
        report.out
    );
    let manifest = fs::read_to_string(machine.repo().join("sync/manifest.json")).expect("there");
    assert!(
        manifest.contains("\"status\": \"active\"") && manifest.contains("27021597764222976"),
        "{manifest}"
    );
}

#[test]
fn a_counter_that_is_no_number_is_reported_and_the_rest_counts() {
    let world = World::new();
    let machine = world.machine("ada");
    machine.init();
    let text = transcript("s1", 0..3);
    let odd = transcript("s1", 5..6).replace("\"input_tokens\":10", "\"input_tokens\":\"10\"");
    machine.write(".claude/projects/p/s.jsonl", &format!("{text}{odd}"));
    let said = machine.sync(&[]);
    assert!(
        said.err
            .contains("s.jsonl:4: skipped: its usage has a counter that is no whole number"),
        "{}",
        said.err
    );
    assert_eq!(machine.fleet().0, 3);
}

#[test]
fn marks_and_bytes_that_are_no_text_cost_no_usage() {
    let world = World::new();
    let machine = world.machine("ada");
    machine.init();
    let lines = transcript("s1", 0..3);
    let mut bytes = b"\xef\xbb\xbf".to_vec();
    for (at, line) in lines.lines().enumerate() {
        // A second mark, as where two files were put together, and a path in another encoding.
        if at == 1 {
            bytes.extend(b"\xef\xbb\xbf");
        }
        let line = line.as_bytes();
        let cut = line
            .windows(5)
            .position(|part| part == b"\"cwd\"")
            .expect("a path")
            + 7;
        bytes.extend(&line[..cut]);
        bytes.extend(b"/caf\xe9");
        bytes.extend(&line[cut..]);
        bytes.push(b'\n');
    }
    fs::create_dir_all(machine.home.join(".claude/projects/p")).expect("a folder");
    fs::write(machine.home.join(".claude/projects/p/s.jsonl"), bytes).expect("written");
    assert_eq!(machine.sync(&[]).err, "");
    assert_eq!(machine.fleet().0, 3);
}

#[test]
fn a_project_is_stored_without_what_changes_how_it_is_shown() {
    let world = World::new();
    let machine = world.machine("ada");
    machine.init();
    machine.write(
        ".claude/projects/p/s.jsonl",
        &transcript("s1", 0..3).replace("/shop\"", "/sh\u{202e}o\u{200b}p\\u0007\""),
    );
    machine.sync(&[]);
    let files = machine.files();
    assert!(
        files.values().any(|text| text.contains("\"shop\"")),
        "{files:?}"
    );
    assert!(!files.values().any(|text| text.contains('\u{202e}')
        || text.contains('\u{200b}')
        || text.contains("\\u0007")));
}

#[test]
fn variables_that_name_nothing_are_named() {
    let world = World::new();
    let machine = world.machine("ada");
    let said = with(&machine, "CLAUDE_SYNC_NOW", "soon");
    assert_eq!(said.code, 2);
    assert!(
        said.err.contains("CLAUDE_SYNC_NOW is no time: soon"),
        "{}",
        said.err
    );
    let folder = machine.home.join("gone");
    let said = with(&machine, "CLAUDE_CONFIG_DIR", &folder.display().to_string());
    assert_eq!(said.code, 9, "{}", said.err);
    assert!(
        said.err
            .contains("CLAUDE_CONFIG_DIR names a folder that is not there"),
        "{}",
        said.err
    );
    assert!(
        !folder.exists() && !machine.repo().exists(),
        "nothing was made"
    );
}

#[test]
fn settings_that_are_not_known_are_named_with_the_one_that_may_be_meant() {
    let world = World::new();
    let machine = world.machine("ada");
    let text = "{\"privacy_settings\": {\"anonymise_hostname\": true}, \"error_states\": {\"sync_failed\": {\"retry_count\": 3}, \"x\": 1}, \"future\": 1}";
    machine.write(".config/claude-sync/config.json", text);
    machine.init();
    let said = machine.sync(&[]).err;
    for line in [
        "warning: config.json: there is no setting \"privacy_settings.anonymise_hostname\"; did you mean \"anonymize_hostname\"?",
        "warning: config.json: there is no setting \"error_states.x\"\n",
        "warning: config.json: there is no setting \"future\"\n",
    ] {
        assert!(said.contains(line), "{said}");
    }
    assert!(!said.contains("retry_count"), "{said}");
}

#[test]
fn another_branch_is_named() {
    let world = World::new();
    let machine = world.machine("ada");
    machine.write(".claude/projects/p/s.jsonl", &transcript("s1", 0..3));
    machine.init().sync(&[]);
    machine.git(&["switch", "-q", "-c", "aside"]);
    let said = machine.sync(&[]).err;
    assert!(
        said.contains("the repository is on the branch aside") && said.contains("git switch main"),
        "{said}"
    );
    machine.git(&["switch", "-q", "main"]);
    assert_eq!(machine.sync(&[]).err, "");
    machine.git(&["branch", "-m", "trunk"]);
    let said = machine.sync(&["--offline"]).err;
    assert!(
        said.contains("do not show what was synced to main"),
        "commits go to the branch that was chosen: {said}"
    );
}

#[test]
fn going_over_to_sums_counts_nothing_anew() {
    let world = World::new();
    let machine = world.machine("ada");
    machine.write(".claude/projects/p/s.jsonl", &transcript("s1", 0..3));
    machine.init().sync(&[]);
    machine.sync(&["--summary-only"]);
    machine.write(
        ".config/claude-sync/config.json",
        "{\"privacy_settings\": {\"exclude_project_names\": true}}",
    );
    machine.sync(&["--mode=full"]);
    let told = machine.git(&[
        "log",
        "--format=%(trailers:key=Records-Added,valueonly)%(trailers:key=Cost-Added-USD,valueonly)",
        "--grep=Machine:",
    ]);
    let added: Vec<&str> = told
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && *line != "0")
        .collect();
    assert_eq!(
        added.len(),
        2,
        "only the first sync added records and their cost: {told}"
    );
}

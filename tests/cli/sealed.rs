//! Encryption at rest: the fleet's figures are as without it, and nothing of them is seen in the repository.

use std::fs;

use crate::world::{Machine, World, run, transcript};

const AT_REST: &str = "{\"privacy_settings\":{\"encryption\":\"at-rest\"}}";

fn configure(machine: &Machine, text: &str) {
    machine.write(".config/claude-sync/config.json", text);
}

fn give_key(from: &Machine, to: &Machine) {
    let key = from.sync(&["key", "show"]).out;
    to.sync(&["key", "import", key.trim()]);
}

/// Git as the machine's owner runs it.
fn git(machine: &Machine, args: &[&str]) -> crate::world::Ran {
    run(machine.owners_git(args))
}

fn two(world: &World) -> (Machine<'_>, Machine<'_>) {
    let (ada, bob) = (world.machine("ada"), world.machine("bob"));
    ada.write(".claude/projects/p/s.jsonl", &transcript("shared", 0..5));
    bob.write(".claude/projects/p/s.jsonl", &transcript("shared", 3..9));
    (ada, bob)
}

/// Both sync to an encrypted repository, and know of each other.
fn encrypted(world: &World) -> (Machine<'_>, Machine<'_>) {
    let (ada, bob) = two(world);
    for machine in [&ada, &bob] {
        configure(machine, AT_REST);
    }
    ada.sync(&["key", "init"]);
    ada.init().sync(&[]);
    give_key(&ada, &bob);
    bob.init().sync(&[]);
    ada.sync(&[]);
    (ada, bob)
}

#[test]
fn figures_are_the_same_and_nothing_is_seen() {
    let plain = World::new();
    let (one, two_) = two(&plain);
    one.init().sync(&[]);
    two_.init().sync(&[]);
    let world = World::new();
    let (ada, bob) = encrypted(&world);
    assert_eq!(
        ada.report(&["daily"])["totals"],
        two_.report(&["daily"])["totals"]
    );
    assert_eq!(
        ada.git(&["show", "HEAD:sync/manifest.json"]),
        bob.git(&["show", "HEAD:sync/manifest.json"])
    );
    let seen = world.stored(&world.path().join("remote.git"));
    assert!(seen.contains("claude-sync-sealed 1 "), "files are sealed");
    for word in [
        "shop",
        "shared",
        "opus",
        "input_tokens",
        "cost_usd",
        "Records",
        "\"ada\"",
        "hostname",
    ] {
        assert!(!seen.contains(word), "{word} is seen in the repository");
    }
    // What people look at still tells them something.
    let log = ada.sync(&["log"]).out;
    assert!(
        log.contains("ada") && log.contains("bob") && log.contains('$'),
        "{log}"
    );
    assert!(
        ada.git(&["log", "--format=%s"])
            .lines()
            .all(|subject| ["sync", "set up claude-sync"].contains(&subject)),
        "subjects tell nothing"
    );
    assert!(
        git(&ada, &["log", "-p", "-1"]).out.contains("claude-opus"),
        "git log -p is readable with the key"
    );
    let nothing = ada.sync(&["--mode=full"]);
    assert!(nothing.out.starts_with("Nothing new"), "{}", nothing.out);
}

#[test]
fn plain_git_merges_with_the_key_and_stops_without_it() {
    let world = World::new();
    let (ada, bob) = encrypted(&world);
    ada.write(".claude/projects/p/t.jsonl", &transcript("adas", 20..24));
    ada.sync(&[]);
    bob.write(".claude/projects/p/t.jsonl", &transcript("bobs", 30..33));
    bob.sync(&["--offline"]);
    let key = bob.home.join(".config/claude-sync/key");
    let aside = bob.home.join("key-aside");
    fs::rename(&key, &aside).expect("moved");
    let head = bob.head();
    let ran = git(&bob, &["pull", "--no-rebase"]);
    assert_ne!(ran.code, 0, "a merge without the key must stop");
    assert_eq!(bob.head(), head);
    let _ = git(&bob, &["merge", "--abort"]);
    let refused = bob.try_sync(crate::world::NOON, &[]);
    assert_eq!(refused.code, 9, "{}", refused.err);
    assert!(
        refused.err.contains("claude-sync key import"),
        "{}",
        refused.err
    );
    fs::rename(&aside, &key).expect("moved");
    let ran = git(&bob, &["pull", "--no-rebase"]);
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
    assert_eq!(bob.git(&["status", "--porcelain"]), "");
    assert_eq!(bob.fleet().0, 9 + 4 + 3);
    let manifest = bob.manifest();
    bob.sync(&[]);
    assert_eq!(bob.manifest(), manifest, "claude-sync computes the same");
    assert!(
        bob.files()
            .iter()
            .filter(|(path, _)| path.starts_with("sync/"))
            .all(|(_, text)| text.starts_with("claude-sync-sealed "))
    );
}

#[test]
fn a_plain_fleet_becomes_an_encrypted_one_and_who_lacks_the_key_loses_nothing() {
    let world = World::new();
    let (ada, bob) = two(&world);
    ada.init().sync(&[]);
    bob.init().sync(&[]);
    ada.sync(&["key", "init"]);
    configure(&ada, AT_REST);
    ada.write(".claude/projects/p/t.jsonl", &transcript("adas", 20..24));
    ada.sync(&[]);
    bob.write(".claude/projects/p/t.jsonl", &transcript("bobs", 30..33));
    let waits = bob.try_sync(crate::world::NOON, &[]);
    assert_eq!(waits.code, 7, "{}{}", waits.out, waits.err);
    assert!(
        waits.err.contains("claude-sync key import"),
        "{}",
        waits.err
    );
    fs::remove_dir_all(bob.home.join(".claude/projects")).expect("Claude Code deletes transcripts");
    give_key(&ada, &bob);
    bob.sync(&[]);
    ada.sync(&[]);
    assert_eq!(ada.fleet().0, 9 + 4 + 3);
    let tip = world
        .try_git(
            &world.path().join("remote.git"),
            &["grep", "-L", "^claude-sync-sealed 1 ", "main", "--", "sync"],
        )
        .out;
    assert_eq!(tip, "", "these files are not sealed");
}

#[test]
fn a_server_without_the_key_takes_what_is_encrypted() {
    let world = World::new();
    let (ada, bob) = two(&world);
    let remote = world.path().join("remote.git");
    ada.sync(&["hook", "install", &remote.display().to_string()]);
    for machine in [&ada, &bob] {
        configure(machine, AT_REST);
    }
    ada.sync(&["key", "init"]);
    ada.init().sync(&[]);
    give_key(&ada, &bob);
    bob.init().sync(&[]);
    ada.write(".claude/projects/p/t.jsonl", &transcript("adas", 20..24));
    // The server's user has no home with a key in it.
    let hook = remote.join("hooks/pre-receive");
    let script = fs::read_to_string(&hook).expect("the hook");
    let (first, rest) = script.split_once('\n').expect("lines");
    fs::write(
        &hook,
        format!("{first}\nexport HOME=/nonexistent\nunset XDG_CONFIG_HOME\n{rest}"),
    )
    .expect("written");
    let ran = run(ada.command("claude-sync", crate::world::NOON));
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
    bob.sync(&[]);
    assert_eq!(bob.fleet().0, 13);
    let gone = world.try_git(&remote, &["rev-parse", "main:sync/archive"]);
    assert_eq!(gone.code, 0);
}

#[test]
fn tampering_and_another_key_are_seen() {
    let world = World::new();
    let (ada, bob) = two(&world);
    configure(&ada, AT_REST);
    ada.sync(&["key", "init"]);
    ada.init().sync(&[]);
    bob.sync(&["key", "init"]);
    let other = bob.try_sync(crate::world::NOON, &["init", &world.remote()]);
    assert_eq!(other.code, 0, "{}{}", other.out, other.err);
    for _ in 0..2 {
        let ran = bob.try_sync(crate::world::NOON, &[]);
        assert_eq!(ran.code, 7, "{}{}", ran.out, ran.err);
        assert!(ran.err.contains("with the key"), "{}", ran.err);
        assert_eq!(
            bob.fleet().0,
            6,
            "bob's usage is committed, and waits for the right key"
        );
    }
    let path = ada
        .files()
        .into_keys()
        .find(|path| path.contains("/archive/"))
        .expect("a day file");
    let text = fs::read_to_string(ada.repo().join(&path)).expect("a file");
    let lines: Vec<String> = text
        .lines()
        .enumerate()
        .map(|(at, line)| {
            if at == 3 {
                line.chars().rev().collect()
            } else {
                line.to_owned()
            }
        })
        .collect();
    fs::write(ada.repo().join(&path), lines.join("\n") + "\n").expect("written");
    git(&ada, &["commit", "-qam", "tamper"]);
    git(&ada, &["update-ref", "refs/claude-sync/known", "HEAD"]);
    let ran = ada.try_sync(crate::world::NOON, &["--offline"]);
    assert!(
        ran.err.contains("a checksum does not fit its records"),
        "{}{}",
        ran.out,
        ran.err
    );
}

#[test]
fn hidden_projects_are_one_on_all_machines_and_aliases_are_as_chosen() {
    let world = World::new();
    let (ada, bob) = (world.machine("ada"), world.machine("bob"));
    let settings =
        "{\"privacy_settings\":{\"project_names\":\"hash\",\"aliases\":{\"tools\":\"t\"}}}";
    let texts = [
        transcript("adas", 0..3),
        transcript("bobs", 5..7).replace("/home/someone/work/shop", "C:\\\\Users\\\\me\\\\shop"),
    ];
    for (machine, text) in [&ada, &bob].into_iter().zip(texts) {
        configure(machine, settings);
        machine.write(
            ".claude/projects/p/s.jsonl",
            &(text + &transcript("tool", 50..51).replace("/shop", "/tools")),
        );
    }
    let refused = ada.try_sync(crate::world::NOON, &[]);
    assert_eq!(
        (refused.code, refused.err.contains("claude-sync key init")),
        (9, true),
        "{}",
        refused.err
    );
    ada.sync(&["key", "init"]);
    ada.init().sync(&[]);
    give_key(&ada, &bob);
    bob.init().sync(&[]);
    let sessions = bob.manifest_json()["sessions_index"].clone();
    let name = |session: &str| {
        sessions[session]["project_name"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    };
    assert!(
        name("adas").starts_with("p-") && name("adas").len() == 14,
        "{sessions}"
    );
    assert_eq!((name("adas"), name("tool").as_str()), (name("bobs"), "t"));
    let other = World::new();
    let eve = other.machine("eve");
    configure(&eve, settings);
    eve.write(".claude/projects/p/s.jsonl", &transcript("eves", 0..3));
    eve.sync(&["key", "init"]);
    eve.init().sync(&[]);
    assert_ne!(
        eve.manifest_json()["sessions_index"]["eves"]["project_name"],
        sessions["adas"]["project_name"],
        "another key, another name"
    );
}

#[test]
fn nothing_is_shown_or_written_in_clear_for_want_of_a_key() {
    let world = World::new();
    let (ada, _) = two(&world);
    configure(&ada, AT_REST);
    for args in [&["preview"][..], &[]] {
        let ran = ada.try_sync(crate::world::NOON, args);
        assert_eq!(
            (ran.code, ran.err.contains("claude-sync key init")),
            (9, true),
            "{args:?}: {}{}",
            ran.out,
            ran.err
        );
    }
}

/// Ada encrypts the repository in the moment between bob's fetch and his push.
#[test]
fn a_repository_that_becomes_encrypted_during_a_run_gets_nothing_in_clear() {
    let world = World::new();
    let (ada, bob) = two(&world);
    ada.init().sync(&[]);
    bob.init().sync(&[]);
    ada.sync(&["key", "init"]);
    give_key(&ada, &bob);
    configure(&ada, AT_REST);
    ada.write(".claude/projects/p/t.jsonl", &transcript("adas", 20..24));
    bob.write(".claude/projects/p/t.jsonl", &transcript("bobs", 30..33));
    // While bob's push is on its way, the remote's hook has ada sync.
    let hook = world.path().join("remote.git/hooks/pre-receive");
    let sync = format!(
        "HOME='{}' CLAUDE_SYNC_NOW={} '{}' -q",
        ada.home.display(),
        crate::world::NOON,
        env!("CARGO_BIN_EXE_claude-sync")
    );
    let once = world.path().join("once");
    fs::write(
        &hook,
        format!(
            "#!/bin/sh\n[ -e '{0}' ] && exit 0\n: > '{0}'\n{sync}\n",
            once.display()
        ),
    )
    .expect("written");
    fs::set_permissions(&hook, std::os::unix::fs::PermissionsExt::from_mode(0o755))
        .expect("executable");
    let ran = bob.sync(&[]);
    assert!(
        once.exists() && ran.out.contains("Pushed, after 1 other machine's push"),
        "{}{}",
        ran.out,
        ran.err
    );
    let plain = world
        .try_git(
            &world.path().join("remote.git"),
            &["grep", "-L", "^claude-sync-sealed 1 ", "main", "--", "sync"],
        )
        .out;
    assert_eq!(plain, "", "these files went out in clear");
    assert_eq!(bob.fleet().0, 9 + 4 + 3);
}

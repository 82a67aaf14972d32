//! Names of groups and users are sealed with all else, and only a machine's owner changes its user on a server that knows logins.

use super::{pair, rows, tags};
use crate::world::{Machine, NOON, World};

const AT_REST: &str = r#"{"privacy_settings":{"encryption":"at-rest","anonymize_hostname":true}}"#;

#[test]
#[ignore = "slow: run with --include-ignored"]
fn an_encrypted_fleet_shows_no_name_of_a_group_or_user() {
    let world = World::new();
    let (ada, bob) = (world.machine("ada"), world.machine("bob"));
    for machine in [&ada, &bob] {
        machine.write(".config/claude-sync/config.json", AT_REST);
    }
    ada.sync(&["key", "init"]);
    ada.write(".claude/projects/p/s.jsonl", &rows("s", 100, 2));
    ada.init().sync(&[]);
    let key = ada.sync(&["key", "show"]).out;
    bob.sync(&["key", "import", key.trim()]);
    bob.init().sync(&[]);
    ada.sync(&["machine", "group", "secretteam"]);
    ada.sync(&["machine", "user", "secretname"]);
    bob.sync(&[]);
    let report = bob.report(&["machines"]);
    let all = report["machines"].as_array().expect("machines");
    let has = all
        .iter()
        .any(|one| one["group"] == "secretteam" && one["user"] == "secretname");
    assert!(has, "{report}");
    let remote = world.path().join("remote.git");
    assert!(!world.stored(&remote).contains("secret"));
}

/// What the next push of a machine says, by this login.
fn sync_as(machine: &Machine, login: &str, args: &[&str]) -> String {
    let mut command = machine.command("claude-sync", NOON);
    let ran = crate::world::run(command.env("CLAUDE_SYNC_USER", login).args(args));
    ran.out + &ran.err
}

#[test]
#[ignore = "slow: run with --include-ignored"]
fn a_server_that_knows_logins_keeps_users_to_their_owners() {
    const BOB: &str = "00626f62-0000-4000-8000-000000000000";
    let world = World::new();
    let (ada, bob) = (world.machine("ada"), world.machine("bob"));
    for machine in [&ada, &bob] {
        machine.init().sync(&[]);
    }
    let remote = world.path().join("remote.git");
    ada.sync(&["hook", "install", &remote.display().to_string()]);
    for (machine, login) in [
        ("00616461-0000-4000-8000-000000000000", "ada"),
        (BOB, "bob"),
    ] {
        let name = format!("claude-sync.{machine}.user");
        world.git(&remote, &["config", &name, login]);
    }
    let said = sync_as(&bob, "bob", &["machine", "user", "Bea"]);
    assert!(
        said.contains("The user of this machine is \"Bea\"."),
        "{said}"
    );
    sync_as(&ada, "ada", &[]);
    let said = sync_as(&ada, "ada", &["machine", "group", "bob", "backend"]);
    assert!(
        !said.contains("refused"),
        "a group is in ada's file: {said}"
    );
    assert_eq!(tags(&ada, &bob), pair("backend", "Bea"));
    // Ada writes into bob's file.
    let file = ada.repo().join(format!("sync/machines/{BOB}.json"));
    let text = std::fs::read_to_string(&file).expect("a file");
    let forged = text.replace("\"user\":\"Bea\"", "\"user\":\"Zoe\"");
    assert_ne!(forged, text);
    std::fs::write(&file, forged).expect("written");
    ada.git(&["commit", "-q", "--no-verify", "-am", "say who bob is"]);
    let said = sync_as(&ada, "ada", &[]);
    assert!(said.contains("belongs to"), "{said}");
    sync_as(&bob, "bob", &[]);
    assert_eq!(tags(&bob, &bob).1, "Bea");
}

//! `claude-sync doctor` and the remote: none, away, and seen by strangers.

use std::net::TcpListener;

use serde_json::Value;

use crate::doctor::{check, healthy, sees};
use crate::http::{Door, Files};
use crate::world::{Machine, NOON, World};

/// The remote's files as a web server gives them.
fn serve(world: &World, door: Door) -> Files {
    world.git(&world.path().join("remote.git"), &["update-server-info"]);
    Files::serve(world.path(), door)
}

fn set_url(machine: &Machine, address: &str) {
    machine.git(&["remote", "set-url", "origin", address]);
}

#[test]
fn no_remote() {
    let world = World::new();
    let machine = healthy(&world);
    machine.git(&["remote", "remove", "origin"]);
    let json = sees(
        &machine,
        &[("remote", "note", "history is kept on this machine alone")],
    );
    assert_eq!(
        (check(&json, "reachable").0, check(&json, "privacy").0),
        ("skipped".into(), "skipped".into())
    );
}

#[test]
fn a_remote_that_does_not_answer_and_secrets_that_are_not_told() {
    let world = World::new();
    let machine = healthy(&world);
    set_url(
        &machine,
        &world.path().join("nowhere.git").display().to_string(),
    );
    sees(
        &machine,
        &[(
            "reachable",
            "error",
            "there is no repository at its address, or this login may not see it: git ls-remote failed",
        )],
    );
    // A port that was free a moment ago.
    let port = TcpListener::bind("127.0.0.1:0")
        .and_then(|socket| socket.local_addr())
        .expect("a free port")
        .port();
    set_url(
        &machine,
        &format!("http://me:hunter2@127.0.0.1:{port}/remote.git"),
    );
    let json = sees(
        &machine,
        &[(
            "reachable",
            "error",
            "there is no connection to its host: git ls-remote failed",
        )],
    );
    assert_eq!(
        check(&json, "privacy"),
        (
            "skipped".into(),
            "no answer to whether everybody can read it".into()
        )
    );
    assert!(
        check(&json, "remote")
            .1
            .contains(&format!("http://***@127.0.0.1:{port}/remote.git")),
        "{json}"
    );
    for args in [
        &["doctor"][..],
        &["doctor", "--json"],
        &["doctor", "--offline"],
    ] {
        let ran = machine.try_sync(NOON, args);
        assert!(
            !ran.out.contains("hunter2") && !ran.err.contains("hunter2"),
            "{}{}",
            ran.out,
            ran.err
        );
    }
    let ran = machine.sync(&["doctor", "--offline", "--json"]);
    let json: Value = serde_json::from_str(&ran.out).expect("JSON");
    assert_eq!(
        (check(&json, "reachable").0, check(&json, "privacy").0),
        ("skipped".into(), "skipped".into())
    );
}

#[test]
fn a_remote_that_strangers_can_read() {
    let world = World::new();
    let machine = healthy(&world);
    let server = serve(&world, Door::Open);
    let address = server.address("remote.git");
    set_url(&machine, &address);
    let json = sees(
        &machine,
        &[("privacy", "error", &format!("everybody can read {address}"))],
    );
    assert_eq!(
        check(&json, "reachable").1,
        "it answers, with the branch main"
    );
    // Pushes may go elsewhere than fetches.
    set_url(&machine, &world.remote());
    machine.git(&["remote", "set-url", "--push", "origin", &address]);
    sees(&machine, &[("privacy", "error", "everybody can read")]);
    let before = server.requests();
    machine.sync(&["doctor", "--offline"]);
    assert_eq!(server.requests(), before, "offline is offline");
    machine.git(&["config", "--unset", "remote.origin.pushurl"]);
    machine.write(
        ".config/claude-sync/config.json",
        "{\"privacy_settings\": {\"encryption\": \"at-rest\"}}",
    );
    machine.sync(&["key", "init"]);
    machine.sync(&[]);
    world.git(&world.path().join("remote.git"), &["update-server-info"]);
    set_url(&machine, &address);
    sees(
        &machine,
        &[(
            "privacy",
            "warning",
            "files are encrypted, times and sizes of syncs are not",
        )],
    );
}

#[test]
fn a_remote_that_only_its_owner_can_read() {
    let world = World::new();
    let machine = healthy(&world);
    let server = serve(&world, Door::Login);
    set_url(&machine, &server.address("remote.git"));
    sees(
        &machine,
        &[("reachable", "error", "could not read Username")],
    );
    // The user's git finds the password; the question whether strangers can read it is asked without.
    machine.write(".netrc", "machine 127.0.0.1 login me password hunter2\n");
    let json = sees(&machine, &[]);
    assert_eq!(
        check(&json, "privacy"),
        ("ok".into(), "it is not shown without a password".into())
    );
    assert!(server.passwords() > 0);
}

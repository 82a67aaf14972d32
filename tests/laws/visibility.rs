//! Whether a remote is public is asked without credentials, whatever the user's configuration would send.

use std::net::TcpListener;

use claude_sync::git::Git;
use claude_sync::git::visibility::{Visibility, visibility};

use crate::laws::http::{Door, Files};
use crate::laws::world::World;

/// A world whose remote a web server could give, and a repository with a configuration that can be changed.
fn world() -> World {
    let world = World::new();
    world.git(world.path(), &["init", "-q", "-b", "main", "here"]);
    world.git(
        &world.path().join("here"),
        &["commit", "-q", "--allow-empty", "-m", "something"],
    );
    world.git(
        &world.path().join("here"),
        &["push", "-q", "../remote.git", "main"],
    );
    world.git(&world.path().join("remote.git"), &["update-server-info"]);
    world
}

fn see(world: &World, address: &str) -> Visibility {
    visibility(
        &Git::find(false).expect("git"),
        &world.path().join("here"),
        address,
    )
}

#[test]
fn a_remote_that_a_stranger_can_read_is_public() {
    let world = world();
    let server = Files::serve(world.path(), Door::Open);
    assert_eq!(
        see(&world, &server.address("remote.git")),
        Visibility::Public
    );
    // The password is in the address; the question is what others see.
    let with_password = server
        .address("remote.git")
        .replace("http://", "http://me:hunter2@");
    assert_eq!(see(&world, &with_password), Visibility::Public);
    assert_eq!(server.passwords(), 0);
    assert_eq!(
        see(&world, &server.address("other.git")),
        Visibility::Closed,
        "what is not found is not shown"
    );
}

#[test]
fn no_password_that_the_user_has_opens_a_door() {
    let world = world();
    let server = Files::serve(world.path(), Door::Login);
    let (address, here) = (server.address("remote.git"), world.path().join("here"));
    let open = address.replace("http://", "http://me:hunter2@");
    let config = |key: &str, value: &str| world.git(&here, &["config", key, value]);
    config(
        "credential.helper",
        "!f() { echo username=me; echo password=hunter2; }; f",
    );
    assert!(
        world
            .git(&here, &["ls-remote", &address])
            .contains("refs/heads/main"),
        "the helper opens it for the user"
    );
    let before = server.passwords();
    assert!(before > 0);
    assert_eq!(see(&world, &address), Visibility::Closed);
    assert_eq!(see(&world, &open), Visibility::Closed);
    config("http.extraHeader", "Authorization: Basic bWU6aHVudGVyMg==");
    config(
        &format!("http.{address}.extraHeader"),
        "Authorization: Basic bWU6aHVudGVyMg==",
    );
    assert_eq!(see(&world, &address), Visibility::Closed);
    config(&format!("url.{open}.insteadOf"), &address);
    assert_eq!(see(&world, &address), Visibility::Closed);
    config(&format!("url.{open}.insteadOf"), "usage:");
    assert_eq!(
        see(&world, "usage:"),
        Visibility::Closed,
        "the user's short names are understood"
    );
    assert_eq!(server.passwords(), before);
}

#[test]
fn what_gives_no_answer_is_unknown() {
    let world = world();
    let server = Files::serve(world.path(), Door::Broken);
    assert_eq!(
        see(&world, &server.address("remote.git")),
        Visibility::Unknown
    );
    assert!(server.requests() > 0);
    // A port that was free a moment ago.
    let port = TcpListener::bind("127.0.0.1:0")
        .and_then(|socket| socket.local_addr())
        .expect("a free port")
        .port();
    assert_eq!(
        see(&world, &format!("http://127.0.0.1:{port}/remote.git")),
        Visibility::Unknown
    );
    let local = world.path().join("remote.git").display().to_string();
    for address in [
        local.as_str(),
        &world.remote(),
        "git@git.invalid:me/usage.git",
        "no such thing",
    ] {
        assert_eq!(see(&world, address), Visibility::Unknown, "{address}");
    }
}

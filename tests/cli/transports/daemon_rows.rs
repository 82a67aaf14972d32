//! By git's own protocol.

use std::process::Command;

use super::wire::{Line, Wire};
use super::{Row, Scene, all_hold};
use crate::world::{World, clean};

#[test]
#[ignore = "slow: run with --include-ignored"]
fn gits_own_daemon() {
    let world = World::new();
    let root = world.path().to_owned();
    let wire = Wire::inetd(move || {
        let mut command = Command::new("git");
        clean(&mut command, &root);
        command
            .args(["daemon", "--inetd", "--export-all", "--informative-errors"])
            .arg(format!("--base-path={}", root.display()))
            .arg(&root);
        command
    });
    let address = format!("git://127.0.0.1:{}/remote.git", wire.port);
    let scene = Scene::new(&world, &address);
    let remote = world.path().join("remote.git");
    let may_push = |yes: &str| {
        world
            .git(&remote, &["config", "daemon.receivepack", yes])
            .clear();
    };
    may_push("true");
    let goes = |line: Line| {
        let wire = &wire;
        move |scene: &Scene| {
            wire.go(line);
            scene.bob.write(
                ".config/claude-sync/config.json",
                "{\"error_states\": {\"sync_failed\": {\"silence_seconds\": 2}}}",
            );
        }
    };
    let well = |scene: &Scene| {
        wire.go(Line::Whole);
        scene.bob.write(".config/claude-sync/config.json", "{}");
    };
    let rows = vec![
        Row::works("it works", |_| {}),
        Row::fails(
            "it takes no pushes",
            &[
                "The remote did not take the push: it refuses access",
                "check at the host",
            ],
            |_| may_push("false"),
        )
        .lift(|_| may_push("true")),
        Row::fails(
            "a repository that is not there",
            &[
                "there is no repository at its address",
                "claude-sync git remote -v",
            ],
            |scene| {
                scene.bob.git(&[
                    "remote",
                    "set-url",
                    "origin",
                    &address.replace("remote", "gone"),
                ]);
            },
        )
        .lift(|scene| {
            scene
                .bob
                .git(&["remote", "set-url", "origin", &address])
                .clear();
        }),
        Row::fails(
            "silence",
            &[
                "nothing was heard for too long",
                "check the network",
                "silence_seconds",
            ],
            goes(Line::Silent),
        )
        .lift(well),
        Row::fails(
            "cut off in a fetch",
            &[
                "The remote was not reached: the connection broke off",
                "the next run goes on",
            ],
            goes(Line::CutDown(6000)),
        )
        .lift(well)
        .used(900, 1),
        Row::fails(
            "cut off in a push",
            &[
                "The remote did not take the push: the connection broke off",
                "the next run goes on",
            ],
            goes(Line::CutUp(6000)),
        )
        .lift(well)
        .used(1, 900),
        Row::works("20 KB/s", |_| wire.go(Line::Slow(20)))
            .lift(well)
            .used(600, 600),
        Row::fails(
            "nobody listens",
            &[
                "there is no connection to its host",
                "check the address (claude-sync git remote -v), and the network",
            ],
            |scene| {
                scene
                    .bob
                    .git(&[
                        "remote",
                        "set-url",
                        "origin",
                        "git://127.0.0.1:9/remote.git",
                    ])
                    .clear();
            },
        )
        .lift(|scene| {
            scene
                .bob
                .git(&["remote", "set-url", "origin", &address])
                .clear();
        }),
    ];
    all_hold(&scene, &wire, &rows);
}

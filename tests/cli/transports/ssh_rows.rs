//! By ssh.

use std::fs;

use super::ssh::Sshd;
use super::wire::Line;
use super::{Row, Scene, all_hold};
use crate::world::{World, clean, run};

#[test]
#[ignore = "slow: run with --include-ignored"]
fn keys_host_keys_agents_and_broken_lines() {
    let world = World::new();
    let Some(sshd) = Sshd::start(&world.path().join("sshd")) else {
        return;
    };
    let remote = world.path().join("remote.git");
    let scene = Scene::new(&world, &sshd.of(&remote));
    let known = world.path().join("known_hosts");
    let write_known = |name: &str| fs::write(&known, sshd.known(name)).expect("written");
    let base = format!(
        "ssh -F none -o UserKnownHostsFile={} -o GlobalKnownHostsFile=/dev/null -o UpdateHostKeys=no -o IdentitiesOnly=yes",
        known.display()
    );
    let uses = |key: &str| {
        let command = format!("{base} -i {}", sshd.key(key));
        move |scene: &Scene| scene.set("core.sshCommand", &command)
    };
    let well = |scene: &Scene| {
        write_known("host");
        uses("deploy")(scene);
        sshd.wire.go(Line::Whole);
        scene.bob.write(".config/claude-sync/config.json", "{}");
    };
    let goes = |line: Line| {
        let sshd = &sshd;
        move |scene: &Scene| {
            sshd.wire.go(line);
            scene.bob.write(
                ".config/claude-sync/config.json",
                "{\"error_states\": {\"sync_failed\": {\"silence_seconds\": 2}}}",
            );
        }
    };
    well(&scene);
    let refuses = world.path().join("read-only");
    super::executable(
        &refuses,
        "#!/bin/sh\ncase $SSH_ORIGINAL_COMMAND in *receive-pack*) echo 'ERROR: The key you are authenticating with has been marked as read only.' >&2; exit 1 ;; esac\nexec sh -c \"$SSH_ORIGINAL_COMMAND\"\n",
    );
    let (_agent, socket) = sshd.agent().expect("ssh-agent starts");
    let by_agent = format!(
        "{} -o IdentityAgent={} -i none",
        base.replace(" -o IdentitiesOnly=yes", ""),
        socket.display()
    );
    let add = |args: &[&str]| {
        let mut add = std::process::Command::new("ssh-add");
        clean(&mut add, world.path());
        assert_eq!(run(add.args(args).env("SSH_AUTH_SOCK", &socket)).code, 0);
    };
    let rows = vec![
        Row::works("a deploy key", |_| {}),
        Row::fails(
            "a host key that changed",
            &[
                "its ssh host key is not the one that this machine knows",
                "ask the server's owner whether its key was replaced",
                "ssh-keygen -R",
            ],
            |_| write_known("other"),
        )
        .lift(well),
        Row::fails(
            "a host that is new",
            &[
                "this machine does not know its ssh host key",
                "connect once by hand, and compare the fingerprint: claude-sync git fetch",
            ],
            |_| fs::write(&known, "").expect("written"),
        )
        .lift(well)
        .asks(&[("(yes/no", "yes")]),
        Row::fails(
            "a key that the host does not know",
            &[
                "it accepts no ssh key that this machine offers",
                "core.sshCommand",
            ],
            uses("other"),
        )
        .lift(well),
        Row::fails(
            "a key with a passphrase",
            &[
                "it accepts no ssh key that this machine offers",
                "needs no passphrase or is in an agent",
            ],
            uses("locked"),
        )
        .lift(well)
        .asks(&[
            ("passphrase for", "open sesame"),
            ("passphrase for", "open sesame"),
        ]),
        Row::fails(
            "an agent without keys",
            &[
                "it accepts no ssh key that this machine offers",
                "ssh-add -l",
            ],
            |scene| {
                add(&["-q", "-D"]);
                scene.set("core.sshCommand", &by_agent);
            },
        )
        .lift(|_| add(&["-q", &sshd.key("deploy")])),
        Row::works("an agent with the key", |_| {}).lift(well),
        Row::fails(
            "a key that may only read",
            &[
                "The remote's host refused the push",
                "may write",
                "marked as read only",
            ],
            |_| sshd.restrict("deploy", Some(&refuses)),
        )
        .lift(|_| sshd.restrict("deploy", None)),
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
                    &sshd.of(&remote.with_extension("gone")),
                ]);
            },
        )
        .lift(|scene| {
            scene
                .bob
                .git(&["remote", "set-url", "origin", &sshd.of(&remote)])
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
            goes(Line::CutDown(12_000)),
        )
        .lift(well)
        .used(900, 1),
        Row::fails(
            "cut off in a push",
            &[
                "The remote did not take the push: the connection broke off",
                "the next run goes on",
            ],
            goes(Line::CutUp(12_000)),
        )
        .lift(well)
        .used(1, 900),
        Row::works("20 KB/s", |_| sshd.wire.go(Line::Slow(20)))
            .lift(well)
            .used(600, 600),
        Row::fails(
            "nobody listens",
            &[
                "there is no connection to its host",
                "check the address (claude-sync git remote -v), and the network",
            ],
            |scene| {
                scene.bob.git(&[
                    "remote",
                    "set-url",
                    "origin",
                    &sshd.of(&remote).replace(&sshd.wire.port.to_string(), "9"),
                ]);
            },
        )
        .lift(|scene| {
            scene
                .bob
                .git(&["remote", "set-url", "origin", &sshd.of(&remote)])
                .clear();
        }),
    ];
    all_hold(&scene, &sshd.wire, &rows);
}

//! By http and https.

use super::server::{Mood, Part, Server, certificate};
use super::wire::Line;
use super::{Row, Scene, all_hold};
use crate::scale::long;
use crate::world::World;

/// A helper that knows a password, or says something else.
fn helper(scene: &Scene, password: &str) {
    scene.set(
        "credential.helper",
        &format!("!f() {{ echo username=me; echo password={password}; }}; f"),
    );
}

fn no_helper(scene: &Scene) {
    scene.unset("credential.helper");
}

/// Asked by the fetch, and by the push.
const LOGINS: &[(&str, &str)] = &[
    ("Username for", "me"),
    ("Password for", "hunter2"),
    ("Username for", "me"),
    ("Password for", "hunter2"),
];

#[test]
#[ignore = "slow: run with --include-ignored"]
fn a_server_that_asks_refuses_fails_or_hangs() {
    let world = World::new();
    let server = Server::start(world.path());
    let moved = Server::start(world.path());
    let scene = Scene::new(&world, &server.address());
    let feels = |part: Part, mood: Mood| {
        let server = &server;
        move |_: &Scene| server.feels(part, mood.clone())
    };
    let goes = |line: Line| {
        let server = &server;
        move |scene: &Scene| {
            server.wire.go(line);
            scene.bob.write(
                ".config/claude-sync/config.json",
                "{\"error_states\": {\"sync_failed\": {\"silence_seconds\": 2}}}",
            );
        }
    };
    let well = || {
        let server = &server;
        move |scene: &Scene| {
            server.feels(Part::All, Mood::Well);
            server.wire.go(Line::Whole);
            scene.bob.write(".config/claude-sync/config.json", "{}");
        }
    };
    let login = Mood::Login("me", "hunter2");
    let mut rows = vec![
        Row::works("it works", |_| {}),
        Row::works("a password from a credential helper", |scene| {
            server.feels(Part::All, login.clone());
            helper(scene, "hunter2");
        }),
        Row::works("a token in the address", |scene| {
            server.feels(Part::All, Mood::Login("x-access-token", "t0ken"));
            no_helper(scene);
            scene.bob.git(&[
                "remote",
                "set-url",
                "origin",
                &server.address().replace("://", "://x-access-token:t0ken@"),
            ]);
        })
        .lift(|scene| {
            if scene.bob.try_git(&["config", "credential.helper"]).code != 0 {
                helper(scene, "hunter2");
            }
        }),
        Row::fails(
            "a password that nobody stored",
            &[
                "The remote was not reached: it asks for a login, and git has none stored",
                "let a credential helper of git store a login",
            ],
            |scene| {
                scene
                    .bob
                    .git(&["remote", "set-url", "origin", &server.address()]);
                scene
                    .bob
                    .try_git(&["config", "--unset-all", "credential.helper"]);
                server.feels(Part::All, login.clone());
            },
        )
        .asks(LOGINS)
        .lift(|scene| {
            server.feels(Part::All, Mood::Well);
            let _ = scene;
        }),
        Row::fails(
            "a helper whose password is wrong",
            &[
                "it does not accept the login that git has stored",
                "replace the stored password or token",
            ],
            |scene| {
                server.feels(Part::All, login.clone());
                helper(scene, "wrong");
            },
        )
        .lift(|scene| {
            no_helper(scene);
            server.feels(Part::All, Mood::Well);
        }),
        Row::fails(
            "403 to everything",
            &[
                "it refuses access to this login or key",
                "check at the host",
                "remote: Access denied.",
            ],
            feels(Part::All, Mood::Says("403 Forbidden", "Access denied.\n")),
        )
        .lift(well()),
        Row::fails(
            "403 to pushes",
            &[
                "The remote's host refused the push",
                "may write",
                "remote: Write access to repository not granted.",
            ],
            feels(
                Part::Push,
                Mood::Says("403 Forbidden", "Write access to repository not granted.\n"),
            ),
        )
        .lift(well()),
        Row::fails(
            "403 for want of room",
            &[
                "The remote's host refused the push: its storage is full",
                "have the limit raised",
                "remote: Your push to this repository cannot be completed",
            ],
            feels(
                Part::Push,
                Mood::Says(
                    "403 Forbidden",
                    "Your push to this repository cannot be completed because this repository has exceeded the allocated storage for your project.\n",
                ),
            ),
        )
        .lift(well()),
        Row::fails(
            "404",
            &[
                "there is no repository at its address",
                "claude-sync git remote -v",
            ],
            feels(Part::All, Mood::Says("404 Not Found", "Not found.\n")),
        )
        .lift(well()),
        Row::fails(
            "451",
            &[
                "its host blocks the repository for legal reasons",
                "ask the host",
                "claude-sync git remote set-url origin ADDRESS",
                "remote: Taken down.",
            ],
            feels(
                Part::All,
                Mood::Says("451 Unavailable For Legal Reasons", "Taken down.\n"),
            ),
        )
        .lift(well()),
        Row::fails(
            "500",
            &["its server reports an error", "later runs try again"],
            feels(
                Part::All,
                Mood::Says("500 Internal Server Error", "Oops.\n"),
            ),
        )
        .lift(well()),
        Row::fails(
            "503 to pushes",
            &[
                "The remote did not take the push: its server reports an error",
                "later runs try again",
                "remote: Maintenance.",
            ],
            feels(
                Part::Push,
                Mood::Says("503 Service Unavailable", "Maintenance.\n"),
            ),
        )
        .lift(well()),
        Row::fails(
            "429",
            &["its server reports an error", "later runs try again"],
            feels(
                Part::All,
                Mood::Says("429 Too Many Requests", "Slow down.\n"),
            ),
        )
        .lift(well()),
        Row::works("it moved", |scene| {
            server.feels(
                Part::All,
                Mood::Moved(moved.address().replace("/remote.git", "")),
            );
            let _ = scene;
        })
        .says(&[
            "The remote moved to http://127.0.0.1:",
            "claude-sync git remote set-url origin http://127.0.0.1:",
        ])
        .lift(well()),
        Row::fails(
            "a page for people in its place",
            &[
                "something other than a git server",
                "whether this network shows a login page",
            ],
            feels(Part::All, Mood::Page),
        )
        .lift(well()),
        Row::fails(
            "a page that says that all is well",
            &[
                "something other than a git server",
                "whether this network shows a login page",
            ],
            feels(Part::All, Mood::Says("200 OK", "Welcome to our network\n")),
        )
        .lift(well()),
        Row::fails(
            "silence",
            &[
                "nothing was heard for too long",
                "check the network",
                "silence_seconds",
            ],
            goes(Line::Silent),
        )
        .lift(well()),
        Row::fails(
            "cut off in a fetch",
            &[
                "The remote was not reached: the connection broke off",
                "the next run goes on",
            ],
            goes(Line::CutDown(6000)),
        )
        .lift(well())
        .used(900, 1),
        Row::fails(
            "cut off in a push",
            &[
                "The remote did not take the push: the connection broke off",
                "the next run goes on",
            ],
            goes(Line::CutUp(6000)),
        )
        .lift(well())
        .used(1, 900),
        Row::works("20 KB/s", |_| server.wire.go(Line::Slow(20)))
            .lift(well())
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
                        "http://127.0.0.1:9/remote.git",
                    ])
                    .clear();
            },
        )
        .lift(|scene| {
            scene
                .bob
                .git(&["remote", "set-url", "origin", &server.address()])
                .clear();
        }),
    ];
    if long() {
        rows.push(
            Row::works("20 KB/s, and as much as git sends at once", |_| {
                server.wire.go(Line::Slow(20));
            })
            .lift(well())
            .used(1, 20_000),
        );
    }
    all_hold(&scene, &server.wire, &rows);
}

#[test]
#[ignore = "slow: run with --include-ignored"]
fn a_certificate_that_does_not_fit() {
    let world = World::new();
    let Some(server) = Server::start_tls(world.path()) else {
        return;
    };
    let folder = world.path().join("tls");
    let days = ("20250101000000Z", "20991231235959Z");
    let good = certificate(&folder, "good", "IP:127.0.0.1", days);
    let other = certificate(&folder, "other", "DNS:elsewhere.example", days);
    let old = certificate(
        &folder,
        "old",
        "IP:127.0.0.1",
        ("20250101000000Z", "20250201000000Z"),
    );
    server.shows(&good);
    let scene = Scene::new(&world, &server.address());
    let trusts = |pem: &std::path::Path| {
        let pem = pem.with_extension("crt").display().to_string();
        move |scene: &Scene| scene.set("http.sslCAInfo", &pem)
    };
    trusts(&good)(&scene);
    let shows = |pem: &std::path::Path, trusted: &std::path::Path| {
        let (pem, trusted, server) = (pem.to_owned(), trusts(trusted), &server);
        move |scene: &Scene| {
            server.shows(&pem);
            trusted(scene);
        }
    };
    let rows = vec![
        Row::works("a certificate that fits", |_| {}),
        Row::fails(
            "one that nobody trusts",
            &["its TLS certificate is not accepted", "http.sslCAInfo"],
            shows(&good, &other),
        )
        .lift(shows(&good, &good)),
        Row::fails(
            "one for another host",
            &["its TLS certificate is not accepted", "http.sslCAInfo"],
            shows(&other, &other),
        )
        .lift(shows(&good, &good)),
        Row::fails(
            "one of last year",
            &[
                "its TLS certificate is not accepted",
                "this machine's clock",
            ],
            shows(&old, &old),
        )
        .lift(shows(&good, &good)),
    ];
    all_hold(&scene, &server.wire, &rows);
}

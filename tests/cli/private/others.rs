//! Files that are not claude-sync's.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use super::{all, masked, mode, sync, track};
use crate::world::{Machine, World, transcript};

/// Git as its owner runs it.
pub(super) fn git(machine: &Machine, mask: &str, args: &[&str]) {
    let command = machine.owners_git(args);
    let ran = masked(mask, &command);
    assert_eq!(
        ran.code, 0,
        "umask {mask}, git {args:?}:\n{}{}",
        ran.out, ran.err
    );
}

#[test]
fn others_files_are_written_by_the_users_umask() {
    let world = World::new();
    let ada = world.machine("ada");
    ada.write(".claude/projects/p/s.jsonl", &transcript("s1", 0..5));
    ada.init();
    // A remote in a folder that several users share, and a hook and an editor of the user's own.
    let remote = world.path().join("remote.git");
    sync(&ada, "022", &[]);
    let mut files = Vec::new();
    all(&remote.join("objects"), &mut files);
    let shut = files
        .iter()
        .filter(|path| mode(path) & 0o044 != 0o044)
        .collect::<Vec<_>>();
    assert!(
        files.len() > 10 && shut.is_empty(),
        "others cannot read the remote any more: {shut:?}"
    );
    let own = ada.repo().join(".git/hooks/pre-push.user");
    fs::write(
        &own,
        format!(
            "#!/bin/sh\n: > '{}'\n",
            world.path().join("by-hook").display()
        ),
    )
    .expect("written");
    fs::set_permissions(&own, fs::Permissions::from_mode(0o700)).expect("changed");
    git(&ada, "022", &["push", "-q", "origin", "HEAD:copy"]);
    assert_eq!(mode(&world.path().join("by-hook")), 0o644);
    sync(
        &ada,
        "022",
        &[
            "git",
            "archive",
            "-o",
            &world.path().join("copy.tar").display().to_string(),
            "HEAD",
        ],
    );
    assert_eq!(mode(&world.path().join("copy.tar")), 0o644);
    // A server's hook is run by whoever pushes.
    sync(
        &ada,
        "022",
        &["hook", "install", &remote.display().to_string()],
    );
    assert_eq!(mode(&remote.join("hooks/pre-receive")), 0o755);
    // Manual pages name nobody.
    sync(
        &ada,
        "022",
        &["man", &world.path().join("man").display().to_string()],
    );
    assert_eq!(
        (
            mode(&world.path().join("man")),
            mode(&world.path().join("man/claude-sync.1"))
        ),
        (0o755, 0o644)
    );
    // What somebody made readable for others stays so when it is written anew.
    let export = world.path().join("usage.prom");
    fs::write(&export, "").expect("written");
    fs::set_permissions(&export, fs::Permissions::from_mode(0o644)).expect("changed");
    track(
        &ada,
        "077",
        &[
            "export",
            "--format",
            "openmetrics",
            "-o",
            &export.display().to_string(),
        ],
    );
    assert_eq!(mode(&export), 0o644);
    let folder = world.path().join("lake");
    track(
        &ada,
        "022",
        &[
            "export",
            "--format",
            "parquet",
            "-o",
            &folder.display().to_string(),
        ],
    );
    assert_eq!(mode(&folder), 0o700);
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o755)).expect("changed");
    track(
        &ada,
        "022",
        &[
            "export",
            "--format",
            "parquet",
            "-o",
            &folder.display().to_string(),
        ],
    );
    let mut files = Vec::new();
    all(&folder, &mut files);
    let modes: std::collections::BTreeSet<u32> = files.iter().map(|path| mode(path)).collect();
    assert_eq!(modes, [0o644, 0o755].into(), "{files:?}");
}

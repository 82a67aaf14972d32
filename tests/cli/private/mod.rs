//! What lies on disk is its owner's alone, whatever the umask: folders 0700, files 0600, hooks 0700.

mod others;

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use others::git;

use crate::world::{Machine, NOON, Ran, World, run, transcript};

const UMASKS: [&str; 3] = ["000", "022", "077"];

/// The same command under another umask.
fn masked(mask: &str, inner: &Command) -> Ran {
    let mut command = Command::new("sh");
    command
        .arg("-c")
        .arg(format!("umask {mask} && exec \"$0\" \"$@\""))
        .arg(inner.get_program())
        .args(inner.get_args())
        .env_clear();
    for (name, value) in inner.get_envs() {
        value.map(|value| command.env(name, value));
    }
    run(command)
}

fn sync(machine: &Machine, mask: &str, args: &[&str]) {
    let ran = masked(mask, machine.command("claude-sync", NOON).args(args));
    assert_eq!(
        ran.code, 0,
        "umask {mask}, claude-sync {args:?}:\n{}{}",
        ran.out, ran.err
    );
}

fn track(machine: &Machine, mask: &str, args: &[&str]) {
    let ran = masked(
        mask,
        machine.command("claude-usage-tracker", NOON).args(args),
    );
    assert_eq!(
        ran.code, 0,
        "umask {mask}, claude-usage-tracker {args:?}:\n{}{}",
        ran.out, ran.err
    );
}

fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path)
        .expect("it is there")
        .permissions()
        .mode()
        & 0o7777
}

/// All folders and files from `path` on, itself among them.
fn all(path: &Path, out: &mut Vec<PathBuf>) {
    out.push(path.to_owned());
    if fs::symlink_metadata(path).is_ok_and(|meta| meta.is_dir()) {
        fs::read_dir(path)
            .expect("a folder")
            .flatten()
            .for_each(|entry| all(&entry.path(), out));
    }
}

/// What of a machine's own folders and files has other permissions than it should have.
fn wrong(machine: &Machine) -> Vec<String> {
    let mut found = Vec::new();
    for place in [
        ".config/claude-sync",
        ".local/state/claude-sync",
        ".local/share/claude-sync",
        ".claude/machine_id",
        "out",
    ] {
        let place = machine.home.join(place);
        if place.exists() {
            all(&place, &mut found);
        }
    }
    assert!(found.len() > 60, "{found:?}");
    let fits = |path: &PathBuf| {
        let is_hook = path
            .parent()
            .is_some_and(|folder| folder.ends_with(".git/hooks"));
        // Git writes objects that nobody is to change.
        let is_object = path.components().any(|part| part.as_os_str() == "objects");
        match mode(path) {
            0o700 => path.is_dir() || is_hook,
            0o600 => path.is_file() && !is_hook,
            0o400 => path.is_file() && is_object,
            _ => false,
        }
    };
    let shown = |path: PathBuf| {
        format!(
            "{:04o} {}",
            mode(&path),
            path.strip_prefix(&machine.home).expect("below").display()
        )
    };
    found
        .into_iter()
        .filter(|path| !fits(path))
        .map(shown)
        .collect()
}

fn assert_private(machine: &Machine, mask: &str, when: &str) {
    assert_eq!(
        wrong(machine),
        Vec::<String>::new(),
        "umask {mask}, after {when}"
    );
}

#[test]
#[ignore = "slow: run with --include-ignored"]
fn everything_that_is_written_is_the_owners_alone() {
    for mask in UMASKS {
        let world = World::new();
        let (ada, bob) = (world.machine("ada"), world.machine("bob"));
        for (machine, from) in [(&ada, 0), (&bob, 20)] {
            machine.write(
                ".claude/projects/p/s.jsonl",
                &transcript("s1", from..from + 5),
            );
            fs::create_dir(machine.home.join("out")).expect("a folder");
            fs::set_permissions(machine.home.join("out"), fs::Permissions::from_mode(0o700))
                .expect("changed");
            sync(
                machine,
                mask,
                &["init", "--yes", "--no-auto", &world.remote()],
            );
            assert_private(machine, mask, "init");
            sync(machine, mask, &["config", "set", "snapshots", "true"]);
            sync(machine, mask, &["key", "init"]);
        }
        ada.write(".claude/projects/p/t.jsonl", &transcript("s2", 40..44));
        sync(&ada, mask, &[]);
        assert_private(&ada, mask, "sync");
        // Plain git merges, commits and packs; the driver writes the manifest.
        bob.write(".claude/projects/p/t.jsonl", &transcript("s3", 60..63));
        sync(&bob, mask, &["--offline"]);
        git(&bob, mask, &["pull", "-q", "--no-rebase"]);
        assert_private(&bob, mask, "git pull");
        bob.write(".local/share/claude-sync/repo/notes.txt", "mine\n");
        for args in [
            &["git", "add", "notes.txt"][..],
            &[
                "git",
                "-c",
                "user.name=A",
                "-c",
                "user.email=a@example.invalid",
                "commit",
                "-q",
                "-m",
                "notes",
            ],
            &["git", "gc", "-q"],
            &[],
        ] {
            sync(&bob, mask, args);
            assert_private(&bob, mask, &args.join(" "));
        }
        for args in [
            &["auto", "enable", "--scheduler", "none"][..],
            &["verify", "--repair"],
            &["forget", "--session", "s3", "--yes"],
        ] {
            sync(&bob, mask, args);
            assert_private(&bob, mask, &args.join(" "));
        }
        sync(&ada, mask, &["restore", "--from", "HEAD"]);
        assert_private(&ada, mask, "restore");
        let place = |name: &str| ada.home.join("out").join(name).display().to_string();
        track(&ada, mask, &["daily"]);
        for format in ["csv", "jsonl", "openmetrics", "parquet"] {
            track(
                &ada,
                mask,
                &["export", "--format", format, "-o", &place(format)],
            );
        }
        track(&ada, mask, &["html", "-o", &place("page.html")]);
        assert_private(&ada, mask, "reports");
    }
}

#[test]
fn what_others_can_read_is_named_and_mended() {
    let world = World::new();
    let ada = world.machine("ada");
    ada.write(".claude/projects/p/s.jsonl", &transcript("s1", 0..5));
    ada.init().sync(&[]);
    let doctor = |args: &[&str]| ada.try_sync(NOON, &[&["doctor", "--offline"], args].concat());
    assert_eq!(doctor(&[]).code, 0);
    // As an earlier version left it at the usual umask, and as one did where there is none.
    let inside = |path: &str| ada.repo().join(path);
    for (path, open) in [
        (ada.state(), 0o755),
        (ada.repo(), 0o711),
        (ada.home.join(".config/claude-sync/config.json"), 0o644),
    ] {
        if path.ends_with("config.json") {
            ada.write(".config/claude-sync/config.json", "{}");
            fs::set_permissions(
                path.parent().expect("a folder"),
                fs::Permissions::from_mode(0o755),
            )
            .expect("changed");
        }
        fs::set_permissions(&path, fs::Permissions::from_mode(open)).expect("changed");
        let ran = doctor(&[]);
        let name = path
            .strip_prefix(&ada.home)
            .expect("below")
            .display()
            .to_string();
        assert!(
            ran.code == 18
                && ran.out.contains(&name)
                && ran.out.contains("claude-sync doctor --fix"),
            "{name}: {}",
            ran.out
        );
        let ran = doctor(&["--fix"]);
        assert!(
            ran.code == 0 && ran.out.contains("Shut others off from"),
            "{}",
            ran.out
        );
        assert_private(&ada, "022", "doctor --fix");
    }
    let clone = [
        ada.repo(),
        inside(".git"),
        inside(".git/hooks"),
        inside(".git/hooks/pre-push"),
        inside("sync"),
        inside("README.md"),
    ];
    for path in &clone {
        fs::set_permissions(path, fs::Permissions::from_mode(mode(path) | 0o055)).expect("changed");
    }
    ada.sync(&[]);
    assert_private(&ada, "022", "sync");
    // What lies in a folder that nobody else can enter is no finding, and is closed all the same.
    fs::set_permissions(inside("README.md"), fs::Permissions::from_mode(0o644)).expect("changed");
    assert_eq!(doctor(&[]).code, 0);
    let fixed: serde_json::Value =
        serde_json::from_str(&doctor(&["--fix", "--json"]).out).expect("JSON");
    assert_eq!(
        (fixed["fixed"].as_u64(), fixed["code"].as_u64()),
        (Some(1), Some(0))
    );
    assert_private(&ada, "022", "doctor --fix");
}

#[test]
fn a_lock_that_is_a_link_leads_nowhere() {
    let world = World::new();
    let ada = world.machine("ada");
    ada.write(".claude/projects/p/s.jsonl", &transcript("s1", 0..5));
    ada.init().sync(&[]);
    let victim = world.path().join("victim");
    fs::write(&victim, "precious\n").expect("written");
    for (name, args) in [("lock", &[][..]), ("auto.lock", &["auto", "run"])] {
        let lock = ada.state().join(name);
        let _ = fs::remove_file(&lock);
        symlink(&victim, &lock).expect("linked");
        let ran = ada.try_sync(NOON, args);
        assert!(
            ran.code != 0 && ran.err.contains("it is a link"),
            "{name}: {}{}",
            ran.out,
            ran.err
        );
        assert_eq!(
            fs::read_to_string(&victim).expect("still there"),
            "precious\n",
            "{name}"
        );
        fs::remove_file(lock).expect("removed");
    }
    ada.sync(&[]);
}

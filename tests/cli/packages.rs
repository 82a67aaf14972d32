//! What releases are made with: the templates of `packaging/` are filled in from archives of stand-ins, and what comes out works.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

use crate::world::{Ran, clean, run};

const TARGETS: [&str; 5] = [
    "x86_64-unknown-linux-musl",
    "aarch64-unknown-linux-musl",
    "x86_64-apple-darwin",
    "aarch64-apple-darwin",
    "x86_64-pc-windows-msvc",
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn ran(home: &Path, program: &str, args: &[&str]) -> Ran {
    let mut command = Command::new(program);
    clean(&mut command, home);
    run(command.args(args).current_dir(root()))
}

fn done(home: &Path, program: &str, args: &[&str]) {
    let ran = ran(home, program, args);
    assert_eq!(ran.code, 0, "{program} {args:?}\n{}{}", ran.out, ran.err);
}

/// Whether a file's name fits a pattern with at most one `*`.
fn fits(name: &str, pattern: &str) -> bool {
    pattern
        .split_once('*')
        .map_or(name == pattern, |(start, end)| {
            name.starts_with(start) && name.ends_with(end)
        })
}

#[test]
fn the_debian_package_finds_all_that_it_is_made_of() {
    let folder = TempDir::new().expect("a folder");
    let extras = folder.path().join("extras").display().to_string();
    let programs = Path::new(env!("CARGO_BIN_EXE_claude-sync"))
        .parent()
        .expect("a folder")
        .display()
        .to_string();
    done(folder.path(), "packaging/extras.sh", &[&programs, &extras]);
    let manifest = fs::read_to_string(root().join("Cargo.toml")).expect("Cargo.toml");
    let assets: Vec<&str> = manifest
        .lines()
        .filter_map(|line| line.trim().strip_prefix("[\"")?.split('"').next())
        .collect();
    assert!(assets.len() > 8, "{assets:?}");
    for asset in assets
        .into_iter()
        .filter(|asset| !asset.starts_with("target/release/"))
    {
        let path = asset
            .strip_prefix("target/extras")
            .map_or(root().join(asset), |rest| {
                Path::new(&format!("{extras}{rest}")).to_owned()
            });
        let pattern = path
            .file_name()
            .expect("a name")
            .to_string_lossy()
            .into_owned();
        let there: Vec<_> = fs::read_dir(path.parent().expect("a folder"))
            .expect("it is there")
            .flatten()
            .collect();
        let found = there.iter().any(|entry| {
            fits(&entry.file_name().to_string_lossy(), &pattern)
                && entry.metadata().expect("a file").len() > 0
        });
        assert!(found, "{asset}");
    }
}

/// A tag can be moved to other code, and a range of versions grows.
#[test]
fn workflows_name_actions_by_commit_and_tools_by_version() {
    let mut actions = 0;
    for entry in fs::read_dir(root().join(".github/workflows"))
        .expect("workflows")
        .flatten()
    {
        let text = fs::read_to_string(entry.path()).expect("a workflow");
        for line in text.lines() {
            if let Some(action) = line.split_once("uses: ").map(|(_, action)| action) {
                let (_, version) = action.split_once('@').expect("a version");
                let (commit, comment) = version.split_once(' ').expect("a comment with the tag");
                assert!(
                    commit.len() == 40
                        && commit.bytes().all(|b| b.is_ascii_hexdigit())
                        && comment.starts_with("# v"),
                    "{line}"
                );
                actions += 1;
            }
            if let Some((_, words)) = line.split_once("cargo install ") {
                assert!(words.starts_with("--locked "), "{line}");
                assert!(
                    words
                        .split(' ')
                        .skip(1)
                        .all(|word| word.contains('@') && !word.contains(['^', '*'])),
                    "{line}"
                );
            }
            assert!(
                !line.contains("cargo build") || line.contains("--locked"),
                "{line}"
            );
        }
    }
    assert!(actions > 5);
    let release =
        fs::read_to_string(root().join(".github/workflows/release.yml")).expect("the release");
    for part in [
        "cargo auditable build",
        "attest-build-provenance",
        "SHA256SUMS",
        "id-token: write",
        "attestations: write",
    ] {
        assert!(release.contains(part), "{part}");
    }
}

#[test]
fn templates_are_filled_in_from_a_release() {
    let folder = TempDir::new().expect("a folder");
    let at = |name: &str| folder.path().join(name);
    let text = |name: &str| at(name).display().to_string();
    if ["python3", "unzip"]
        .iter()
        .any(|tool| Command::new(tool).arg("-h").output().is_err())
    {
        crate::peers::missing(
            "unzip",
            "python3 and unzip are needed for the archive for Windows",
        );
        return;
    }
    for kind in ["extras/man/man1", "extras/completions", "programs"] {
        fs::create_dir_all(at(kind)).expect("a folder");
    }
    for name in [
        "claude-sync",
        "claude-usage-tracker",
        "claude-sync.exe",
        "claude-usage-tracker.exe",
    ] {
        let path = at("programs").join(name);
        fs::write(&path, "#!/bin/sh\necho \"${0##*/}: $*\"\nexit 7\n").expect("a program");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("it may run");
    }
    for target in TARGETS {
        done(
            folder.path(),
            "packaging/archive.sh",
            &[
                "1.2.3",
                target,
                &text("programs"),
                &text("extras"),
                &text("archives"),
            ],
        );
    }
    done(
        folder.path(),
        "packaging/fill.sh",
        &["1.2.3", "OWNER", &text("archives"), &text("out")],
    );

    let formula = fs::read_to_string(at("out/claude-usage-sync.rb")).expect("a formula");
    assert!(
        formula.starts_with("class ClaudeUsageSync < Formula\n"),
        "{formula}"
    );
    for target in TARGETS.iter().filter(|target| !target.contains("windows")) {
        let file = at("archives").join(format!("claude-usage-sync-1.2.3-{target}.tar.gz"));
        let digest = ran(folder.path(), "sha256sum", &[&file.display().to_string()]).out;
        let digest = digest.split(' ').next().expect("a digest");
        let two =
            format!("v1.2.3/claude-usage-sync-1.2.3-{target}.tar.gz\"\n      sha256 \"{digest}\"");
        assert!(formula.contains(&two), "{two}\n{formula}");
    }

    let package = |name: &str| -> Value {
        let text =
            fs::read_to_string(at("out/npm").join(name).join("package.json")).expect("a package");
        assert!(!text.contains('@'), "{text}");
        serde_json::from_str(&text).expect("JSON")
    };
    let main = package("claude-usage-sync");
    let platforms = main["optionalDependencies"]
        .as_object()
        .expect("packages for platforms");
    assert_eq!(platforms.len(), TARGETS.len());
    for (name, version) in platforms {
        let one = package(name);
        assert_eq!(
            (one["name"].as_str(), &one["version"]),
            (Some(name.as_str()), version)
        );
        let suffix = if name.contains("win32") { ".exe" } else { "" };
        assert!(
            at("out/npm")
                .join(name)
                .join(format!("claude-sync{suffix}"))
                .is_file(),
            "{name}"
        );
    }
    assert!(formula.lines().all(|line| !line.contains('@')), "{formula}");

    if Command::new("node").arg("--version").output().is_err() {
        crate::peers::missing("node", "there is no node to start the programs with");
        return;
    }
    // As npm installs them: beside each other, in a folder of that name.
    fs::rename(at("out/npm"), at("out/node_modules")).expect("moved");
    let start = |name: &str| {
        ran(
            folder.path(),
            "node",
            &[
                &text(&format!("out/node_modules/claude-usage-sync/bin/{name}.js")),
                "a",
                "b c",
            ],
        )
    };
    for name in ["claude-sync", "claude-usage-tracker"] {
        let started = start(name);
        let Some(said) = Some(started.out).filter(|out| !out.is_empty()) else {
            eprintln!(
                "skipped: there is no package for this platform: {}",
                started.err
            );
            return;
        };
        assert_eq!((started.code, said), (7, format!("{name}: a b c\n")));
    }
    for (name, _) in platforms {
        fs::remove_dir_all(at("out/node_modules").join(name)).expect("removed");
    }
    let started = start("claude-sync");
    assert!(
        started.code == 1 && started.err.contains("there is no program for"),
        "{}",
        started.err
    );
}

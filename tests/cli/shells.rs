//! Completions and manual pages: shells and `man` take them, and no option is missing.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use crate::world::{Machine, NOON, World, run};

pub const PROGRAMS: [&str; 2] = ["claude-sync", "claude-usage-tracker"];

/// What a program's own help lists: for each command its long options, hidden ones apart.
pub fn commands(machine: &Machine, program: &str) -> Vec<(Vec<String>, BTreeSet<String>)> {
    let (mut out, mut open) = (Vec::new(), vec![Vec::new()]);
    while let Some(path) = open.pop() {
        let ran = run(machine.command(program, NOON).args(&path).arg("--help"));
        assert_eq!(ran.code, 0, "{program} {path:?}: {}", ran.err);
        let mut options = BTreeSet::new();
        let mut in_commands = false;
        for line in ran.out.lines() {
            if !line.starts_with(' ') {
                in_commands = line == "Commands:";
                continue;
            }
            let text = line.trim_start();
            let indent = line.len() - text.len();
            if in_commands && indent == 2 {
                let name = text.split_whitespace().next().expect("a name");
                if name != "help" {
                    open.push([&path[..], &[name.to_owned()]].concat());
                }
            } else if text.starts_with('-') && indent <= 6 {
                let word = text
                    .split_whitespace()
                    .find(|word| word.starts_with("--"))
                    .expect("a long option");
                options.insert(word.trim_end_matches(',').to_owned());
            }
        }
        out.push((path, options));
    }
    assert!(out.len() > 5, "{out:?}");
    out
}

/// Whether a program is there.
pub fn is_there(name: &str, args: &[&str]) -> bool {
    let there = Command::new(name)
        .args(args)
        .output()
        .is_ok_and(|out| out.status.success());
    if !there {
        crate::peers::missing(name, &format!("there is no {name}"));
    }
    there
}

fn completions(machine: &Machine, program: &str, shell: &str) -> String {
    let ran = run(machine.command(program, NOON).args(["completions", shell]));
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
    ran.out
}

#[test]
fn completions_know_each_command_and_option() {
    let world = World::new();
    let ada = world.machine("ada");
    for program in PROGRAMS {
        let all = commands(&ada, program);
        for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
            let text = completions(&ada, program, shell);
            for (path, options) in &all {
                assert!(
                    path.iter().all(|name| text.contains(name.as_str())),
                    "{program} {path:?} in {shell}"
                );
                for option in options {
                    let written = if shell == "fish" {
                        format!("-l {}", &option[2..])
                    } else {
                        option.clone()
                    };
                    assert!(
                        text.contains(&written),
                        "{program} {path:?} {option} in {shell}"
                    );
                }
            }
        }
    }
    let ran = ada.try_sync(NOON, &["completions", "tcsh"]);
    assert!(ran.code == 2 && ran.err.contains("bash"), "{}", ran.err);
}

/// Runs a shell's script with a home of its own.
fn answer(world: &World, shell: &str, args: &[&str]) -> String {
    let mut command = Command::new(shell);
    let path = std::env::var_os("PATH").expect("a PATH");
    command
        .env_clear()
        .env("PATH", path)
        .env("HOME", world.path())
        .env("TERM", "dumb")
        .env("LC_ALL", "C.UTF-8")
        .current_dir(world.path());
    let ran = run(command.args(args));
    assert_eq!(
        (ran.code, ran.err.as_str()),
        (0, ""),
        "{shell}: {}",
        ran.out
    );
    ran.out
}

#[test]
fn shells_load_the_completions_and_use_them() {
    let world = World::new();
    let ada = world.machine("ada");
    for (program, begun, full) in [
        ("claude-sync", "prev", "preview"),
        ("claude-usage-tracker", "expl", "explain"),
    ] {
        let file = |shell: &str| {
            let path = world.path().join(format!("_{program}.{shell}"));
            fs::write(&path, completions(&ada, program, shell)).expect("written");
            path.display().to_string()
        };
        if is_there("bash", &["--version"]) {
            let script = format!(
                "source '{}'; COMP_WORDS=({program} {begun}); COMP_CWORD=1; \
                 $(complete -p {program} | sed 's/.*-F \\([^ ]*\\).*/\\1/') {program} {begun} {program}; echo \"${{COMPREPLY[@]}}\"",
                file("bash")
            );
            assert_eq!(
                answer(&world, "bash", &["--norc", "--noprofile", "-c", &script]).trim(),
                full
            );
        }
        if is_there("zsh", &["--version"]) {
            let script = format!(
                "autoload -U compinit; compinit -D -u; source '{}'; print $_comps[{program}]; whence -w _{program}",
                file("zsh")
            );
            assert_eq!(
                answer(&world, "zsh", &["-f", "-c", &script]),
                format!("_{program}\n_{program}: function\n")
            );
        }
        if is_there("fish", &["--version"]) {
            let script = format!("source '{}'; complete -C '{program} {begun}'", file("fish"));
            assert!(answer(&world, "fish", &["--no-config", "-c", &script]).starts_with(full));
        }
    }
}

#[test]
#[ignore = "slow: run with --include-ignored"]
fn manual_pages_render_and_miss_no_option() {
    let world = World::new();
    let ada = world.machine("ada");
    let folder = world.path().join("man1");
    let ran = ada.sync(&["man", &folder.display().to_string()]);
    assert!(ran.out.starts_with("Manual pages are in "), "{}", ran.out);
    let renders = is_there("groff", &["--version"]) && has_man();
    for program in PROGRAMS {
        for (path, options) in commands(&ada, program) {
            let name = [&[program.to_owned()][..], &path[..]].concat().join("-");
            let page = folder.join(format!("{name}.1"));
            let source = fs::read_to_string(&page).unwrap_or_else(|_| panic!("{name} has a page"));
            for option in &options {
                assert!(
                    source.contains(&option.replace('-', "\\-")),
                    "{name} {option}"
                );
            }
            if renders {
                let text = rendered(&world, &page);
                assert!(text.contains("NAME") && text.contains("SYNOPSIS"), "{text}");
                for option in &options {
                    assert!(text.contains(option.as_str()), "{name} {option}: {text}");
                }
            }
        }
    }
}

/// Whether there is a real `man`: small images have a stand-in that shows nothing.
fn has_man() -> bool {
    let there = Command::new("man")
        .arg("--version")
        .output()
        .is_ok_and(|out| out.stdout.starts_with(b"man 2"));
    if !there {
        crate::peers::missing("man", "there is no man");
    }
    there
}

fn rendered(world: &World, page: &Path) -> String {
    let mut command = Command::new("man");
    let path = std::env::var_os("PATH").expect("a PATH");
    command
        .env_clear()
        .env("PATH", path)
        .env("HOME", world.path())
        .env("LC_ALL", "C.UTF-8")
        .env("MANWIDTH", "100")
        .env("PAGER", "cat");
    let ran = run(command.args(["--warnings", "-l"]).arg(page));
    assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{}", page.display());
    ran.out
}

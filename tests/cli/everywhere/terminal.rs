//! Colors and bars, on terminals and elsewhere.

use std::process::Command;

use crate::shells::is_there;
use crate::world::{Machine, NOON, World, run, transcript};

/// A line without its durations and ids.
pub(super) fn unlike(line: &str) -> String {
    let word = |word: &str| {
        let hex = word.len() == 40 && word.bytes().all(|byte| byte.is_ascii_hexdigit());
        let seconds = word.split_once('.').is_some_and(|(_, part)| {
            part.len() == 3 && part.bytes().all(|byte| byte.is_ascii_digit())
        });
        let pushed = word
            .split_once(':')
            .filter(|(id, _)| id.len() == 40)
            .map(|(_, branch)| format!("[ID]:{branch}"));
        if hex {
            "[ID]".to_owned()
        } else if seconds {
            "[TIME]".to_owned()
        } else {
            pushed.unwrap_or_else(|| word.to_owned())
        }
    };
    line.split(' ').map(word).collect::<Vec<_>>().join(" ")
}

#[test]
fn colours_are_as_asked() {
    let world = World::new();
    let ada = world.machine("ada");
    let coloured = |args: &[&str]| ada.try_sync(NOON, args).err.contains('\u{1b}');
    assert!(!coloured(&["log"]), "a pipe has none");
    assert!(!coloured(&["log", "--color=never"]));
    for args in [
        &["--color", "always", "log"][..],
        &["log", "--color=always"],
        &["--color=always", "--no-such-option"],
    ] {
        assert!(coloured(args), "{args:?}");
    }
    assert_eq!(ada.try_sync(NOON, &["--color", "perhaps", "log"]).code, 2);
    let ran = run(ada
        .command("claude-usage-tracker", NOON)
        .env("NO_COLOR", "1")
        .args(["--color=always", "daily", "--source=sync"]));
    assert!(
        ran.code == 4 && ran.err.contains('\u{1b}'),
        "the flag goes before the variable: {}",
        ran.err
    );
}

/// What a program writes to a terminal; none where there is no `script`.
fn on_terminal(machine: &Machine, term: &str, args: &str) -> Option<String> {
    if !is_there("script", &["--version"]) {
        return None;
    }
    let program = machine.command("claude-sync", NOON);
    let line = format!("'{}' {args}", program.get_program().display());
    let mut command = Command::new("script");
    command.env_clear();
    for (name, value) in program.get_envs() {
        command.env(name, value.unwrap_or_default());
    }
    command
        .env("TERM", term)
        .env("CLAUDE_SYNC_BARS_AFTER", "0")
        .args(["-qec", &line, "/dev/null"]);
    let ran = run(command);
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
    Some(ran.out)
}

#[test]
fn bars_are_drawn_on_terminals_alone_and_go_away() {
    let world = World::new();
    let ada = world.machine("ada");
    ada.init();
    let told = |term: &str, args: &str| {
        // Something new each time.
        ada.write(".claude/projects/p/s.jsonl", &transcript("s1", 0..3));
        on_terminal(&ada, term, args)
    };
    let Some(text) = told("xterm", "") else {
        return;
    };
    for bar in [
        "reading transcripts [",
        "writing days [",
        "computing the manifest",
        "pushing: ",
    ] {
        assert!(text.contains(bar), "{bar}: {text:?}");
    }
    assert!(
        !text.contains("fetching"),
        "as long as git says nothing it may be asking for a password: {text:?}"
    );
    let last = text.rfind("pushing: ").expect("a bar");
    assert!(
        text[last..].contains("\u{1b}[2K"),
        "the last bar is wiped out: {text:?}"
    );
    assert!(text.trim_end().ends_with("Pushed."), "{text:?}");
    for (term, args) in [
        ("dumb", "--mode=full"),
        ("xterm", "--mode=full -q"),
        ("xterm", "--mode=full --json"),
        ("xterm", "-v --mode=full"),
    ] {
        let text = told(term, args).expect("there is a script");
        assert!(
            !text.contains('\u{1b}') && !text.contains("reading transcripts ["),
            "{term} {args}: {text:?}"
        );
    }
    let text = told("xterm", "verify --read-data").expect("there is a script");
    assert!(
        text.contains("reading files [") && text.contains("checking git's objects"),
        "{text:?}"
    );
    let piped = run(ada
        .command("claude-sync", NOON)
        .env("TERM", "xterm")
        .env("CLAUDE_SYNC_BARS_AFTER", "0")
        .arg("--mode=full"));
    assert_eq!(piped.err, "");
}

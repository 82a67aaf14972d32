//! What the guides tell people to type is typed here: every `sh` block of README.md and `docs/*.md` runs, each file as one story from
//! its first line to its last, in homes that were empty before.
//!
//! What readers need not see stands in comments above a block, one thing each:
//!
//! | comment | what it does |
//! |---|---|
//! | `<!-- test: machine=desktop -->` | runs the next block there, not on `laptop`; `nas` is a server |
//! | `<!-- test: exit=7 -->` | the next block, of one command, ends with this code |
//! | `<!-- test: shows=TEXT -->` | it prints this |
//! | `<!-- test: skip=REASON -->` | it does not run here |
//! | `<!-- test: in-file=PATH -->` | the next block is what stands in this file, below the home |
//! | `<!-- test: printed-by=COMMAND -->` | each line of the next block, a `text`, is printed by this |
//! | `<!-- test: run=COMMAND -->` | runs this, unseen: what happened before, or elsewhere |

mod references;

use std::collections::VecDeque;
use std::fs;
use std::path::{Path, PathBuf};

use crate::stage::Stage;

/// What stands in a guide, in order.
#[derive(Debug)]
enum Step {
    Block {
        line: usize,
        told: Vec<(String, String)>,
        language: String,
        text: String,
    },
    Unseen {
        line: usize,
        machine: String,
        command: String,
    },
}

/// Where guides are: each with its name and its text.
fn guides() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut paths = vec![root.join("README.md")];
    let below = fs::read_dir(root.join("docs"))
        .expect("the guides")
        .flatten()
        .map(|entry| entry.path());
    paths.extend(below.filter(|path| path.extension().is_some_and(|kind| kind == "md")));
    paths.sort();
    let name = |path: &PathBuf| {
        path.strip_prefix(root)
            .expect("below")
            .display()
            .to_string()
    };
    paths
        .iter()
        .map(|path| (name(path), fs::read_to_string(path).expect("a guide")))
        .collect()
}

/// Takes a guide apart. What is not understood is said, not passed over.
fn steps(text: &str) -> (Vec<Step>, Vec<String>) {
    let (mut steps, mut wrong) = (Vec::new(), Vec::new());
    let mut told: Vec<(String, String)> = Vec::new();
    let mut lines = text.lines().enumerate();
    while let Some((at, line)) = lines.next() {
        if let Some(comment) = line.trim().strip_prefix("<!-- test:") {
            let pair = comment
                .strip_suffix("-->")
                .and_then(|pair| pair.trim().split_once('='));
            match pair {
                Some(("run", command)) => {
                    let machine = told
                        .pop_if(|(key, _)| key == "machine")
                        .map_or("laptop".to_owned(), |(_, name)| name);
                    steps.push(Step::Unseen {
                        line: at + 1,
                        machine,
                        command: command.to_owned(),
                    });
                }
                Some((
                    key @ ("machine" | "exit" | "shows" | "skip" | "in-file" | "printed-by"),
                    value,
                )) => {
                    told.push((key.to_owned(), value.to_owned()));
                }
                _ => wrong.push(format!("line {}: what does {} mean?", at + 1, line.trim())),
            }
        } else if let Some(language) = line.trim_start().strip_prefix("```") {
            let indent = line.len() - line.trim_start().len();
            let body: Vec<&str> = lines
                .by_ref()
                .map(|(_, line)| line)
                .take_while(|line| !line.trim_start().starts_with("```"))
                .collect();
            let text = body
                .iter()
                .map(|line| line.get(indent..).unwrap_or_default().to_owned() + "\n")
                .collect();
            steps.push(Step::Block {
                line: at + 1,
                told: std::mem::take(&mut told),
                language: language.to_owned(),
                text,
            });
        } else if !line.trim().is_empty() && !told.is_empty() {
            wrong.push(format!(
                "line {}: a comment for the test stands above no block",
                at + 1
            ));
            told.clear();
        }
    }
    (steps, wrong)
}

impl Stage {
    /// Plays one step. What was wrong, and what was not run and why.
    fn play(&self, step: &Step) -> Result<Vec<String>, String> {
        let (told, language, text) = match step {
            Step::Unseen {
                machine, command, ..
            } => {
                let ran = self.sh(machine, &lines(command));
                return if ran.code == 0 {
                    Ok(Vec::new())
                } else {
                    Err(format!("unseen: {command}\n{}{}", ran.out, ran.err))
                };
            }
            Step::Block {
                told,
                language,
                text,
                ..
            } => (told, language, text),
        };
        let get = |key: &str| {
            told.iter()
                .find(|(known, _)| known == key)
                .map(|(_, value)| value.as_str())
        };
        let host = get("machine").unwrap_or("laptop");
        if language == "json"
            && let Err(error) = serde_json::from_str::<serde_json::Value>(text)
        {
            return Err(format!("no JSON: {error}"));
        }
        if let Some(path) = get("in-file") {
            let path = self.home(host).join(path);
            fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
            fs::write(path, text).expect("a file");
            return Ok(Vec::new());
        }
        if let Some(command) = get("printed-by").filter(|_| language == "text") {
            let ran = self.sh(host, command);
            let missing: Vec<&str> = text
                .lines()
                .filter(|line| !ran.out.lines().any(|printed| printed == *line))
                .collect();
            return if missing.is_empty() {
                Ok(Vec::new())
            } else {
                Err(format!("not printed: {}\n{}", missing.join("\n"), ran.out))
            };
        }
        match language.as_str() {
            "sh" => {}
            "json" | "text" if told.is_empty() => return Ok(Vec::new()),
            "json" | "text" => {
                return Err("it does not run, so that nothing can be said of how".to_owned());
            }
            other => {
                return Err(format!(
                    "a block is tagged sh, json or text; this one \"{other}\""
                ));
            }
        }
        if let Some(reason) = get("skip") {
            return Ok(vec![reason.to_owned()]);
        }
        let script = lines(text);
        let code: i32 = get("exit")
            .unwrap_or("0")
            .parse()
            .map_err(|_| "an exit code is a number".to_owned())?;
        let commands = text
            .lines()
            .filter(|line| !line.is_empty() && !line.starts_with('#'))
            .count();
        if code != 0 && commands != 1 {
            return Err("of several commands nobody knows which one should fail".to_owned());
        }
        if commands == 0 {
            return Err("there is no command in it".to_owned());
        }
        let ran = self.sh(host, &script);
        if ran.code != code {
            return Err(format!(
                "on {host}, exit code {} and not {code}:\n{script}\n{}{}",
                ran.code, ran.out, ran.err
            ));
        }
        match get("shows").filter(|text| !format!("{}{}", ran.out, ran.err).contains(text)) {
            Some(text) => Err(format!(
                "on {host}, \"{text}\" does not show:\n{script}\n{}{}",
                ran.out, ran.err
            )),
            None => Ok(Vec::new()),
        }
    }
}

/// The commands of a block, a line each.
fn lines(text: &str) -> String {
    let commands = text
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'));
    commands.fold(String::new(), |script, line| {
        script + line.split(" # ").next().unwrap_or_default().trim_end() + "\n"
    })
}

/// Plays a guide: how many blocks ran, what did not and why, and what was wrong.
fn play(name: &str, text: &str) -> (usize, Vec<String>, Vec<String>) {
    let (steps, wrong) = steps(text);
    let mut wrong: Vec<String> = wrong
        .into_iter()
        .map(|what| format!("{name}, {what}"))
        .collect();
    let stage = Stage::new();
    let (mut ran, mut skipped) = (0, Vec::new());
    for step in &steps {
        let (Step::Block { line, .. } | Step::Unseen { line, .. }) = step;
        match stage.play(step) {
            Ok(left_out) => {
                let runs = matches!(step, Step::Block { language, told, .. } if language == "sh" && told.iter().all(|(key, _)| key != "skip"));
                ran += usize::from(runs && left_out.is_empty());
                skipped.extend(
                    left_out
                        .into_iter()
                        .map(|why| format!("skipped: {name}, line {line}: {why}")),
                );
            }
            Err(what) => wrong.push(format!("{name}, line {line}: {what}")),
        }
    }
    (ran, skipped, wrong)
}

#[test]
#[ignore = "slow: run with --include-ignored"]
fn every_command_of_the_guides_runs() {
    let mut todo: VecDeque<_> = guides().into();
    let (mut ran, mut wrong) = (0, Vec::new());
    // Each guide has a world of its own; a few at once.
    while !todo.is_empty() {
        let some: Vec<_> = todo.drain(..todo.len().min(3)).collect();
        let done: Vec<_> = std::thread::scope(|scope| {
            let all: Vec<_> = some
                .iter()
                .map(|(name, text)| scope.spawn(move || play(name, text)))
                .collect();
            all.into_iter()
                .map(|one| one.join().expect("a guide is played"))
                .collect()
        });
        for (blocks, skipped, mistakes) in done {
            ran += blocks;
            skipped.iter().for_each(|line| eprintln!("{line}"));
            wrong.extend(mistakes);
        }
    }
    eprintln!("{ran} blocks ran");
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
    assert!(ran > 60, "only {ran} blocks ran");
}

#[test]
fn a_mistake_in_a_guide_is_found() {
    let found = |text: &str| play("guide", text).2.join("\n");
    assert_eq!(
        found("```sh\nclaude-sync --version  # says which\n```\n"),
        ""
    );
    for (text, what) in [
        ("```\nclaude-sync\n```\n", "tagged"),
        ("<!-- test: exti=3 -->\n```sh\nfalse\n```\n", "mean?"),
        (
            "```sh\nclaude-sync nonsense\n```\n",
            "exit code 2 and not 0",
        ),
        (
            "<!-- test: exit=2 -->\n```sh\nclaude-sync --version\n```\n",
            "exit code 0 and not 2",
        ),
        (
            "<!-- test: exit=1 -->\n```sh\ntrue\nfalse\n```\n",
            "which one",
        ),
        (
            "<!-- test: shows=hello -->\n```sh\nclaude-sync --version\n```\n",
            "does not show",
        ),
        ("<!-- test: exit=2 -->\nNothing here.\n", "above no block"),
        ("```json\n{\"a\": }\n```\n", "no JSON"),
        (
            "<!-- test: printed-by=claude-sync --version -->\n```text\nhello\n```\n",
            "not printed: hello",
        ),
    ] {
        assert!(found(text).contains(what), "{text}\n{}", found(text));
    }
}

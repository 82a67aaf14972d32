//! A shell for the smoke suite on a Windows without Git for Windows: as much of `sh` as git and its
//! hooks need to start programs. Compiled by `tests/windows/smoke.py`; it is no part of the programs.
//!
//! Reads words with quotes, `$0`, `$1`, `$@`, lists of `&&`, `||`, `;` and lines, `!`, `exec`,
//! `exit N`, `command -v`, `>/dev/null`, comments. Anything else ends with 2.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio, exit};

fn main() {
    let mut args = std::env::args().skip(1);
    let first = args.next().unwrap_or_default();
    let (script, words) = if first == "-c" {
        let script = args.next().unwrap_or_default();
        (script, args.collect::<Vec<_>>())
    } else {
        let text = std::fs::read_to_string(&first).unwrap_or_else(|error| {
            eprintln!("sh: {first}: {error}");
            exit(127)
        });
        (text, std::iter::once(first).chain(args).collect())
    };
    exit(run(&script, &words));
}

/// Runs lists until one ends the shell; returns the last exit code.
fn run(script: &str, args: &[String]) -> i32 {
    let mut code = 0;
    let (mut goes, mut rest) = (true, script);
    loop {
        let (words, quiet, joint, after) = command(rest, args);
        if goes && !words.is_empty() {
            code = one(&words, quiet, args);
        }
        goes = match joint {
            "&&" => code == 0,
            "||" => code != 0,
            "" => return code,
            _ => true,
        };
        rest = after;
    }
}

/// The words of the next command, whether its output goes nowhere, what stands behind it, the rest.
fn command<'a>(text: &'a str, args: &[String]) -> (Vec<String>, bool, &'a str, &'a str) {
    let (mut words, mut word, mut quiet) = (Vec::new(), None::<String>, false);
    let mut at = 0;
    while let Some(c) = text[at..].chars().next() {
        let rest = &text[at..];
        if let Some(joint) = ["&&", "||", ";", "\n"]
            .into_iter()
            .find(|j| rest.starts_with(j))
        {
            words.extend(word);
            return (words, quiet, joint, &rest[joint.len()..]);
        }
        let gap = c.is_whitespace();
        if gap || (word.is_none() && (c == '#' || rest.starts_with(">/dev/null"))) {
            words.extend(word.take());
            at += match c {
                '#' => rest.find('\n').unwrap_or(rest.len()),
                '>' => ">/dev/null".len(),
                c => c.len_utf8(),
            };
            quiet |= c == '>';
            continue;
        }
        if rest.starts_with("\"$@\"") {
            words.extend(args.iter().skip(1).cloned());
            at += 4;
            continue;
        }
        at += piece(rest, word.get_or_insert_default(), args);
    }
    words.extend(word);
    (words, quiet, "", "")
}

/// Adds the next piece of a word; returns its length.
fn piece(rest: &str, word: &mut String, args: &[String]) -> usize {
    let end = |quote: char| {
        rest[1..]
            .find(quote)
            .map_or_else(|| fail(rest), |end| end + 2)
    };
    match rest.chars().next() {
        Some('\'') => {
            let length = end('\'');
            word.push_str(&rest[1..length - 1]);
            length
        }
        Some('"') => {
            let length = end('"');
            let mut inner = &rest[1..length - 1];
            while !inner.is_empty() {
                let step = match inner.strip_prefix('$') {
                    Some(_) => piece(inner, word, args),
                    None => inner.find('$').unwrap_or(inner.len()),
                };
                if !inner.starts_with('$') {
                    word.push_str(&inner[..step]);
                }
                inner = &inner[step..];
            }
            length
        }
        Some('\\') => {
            let next = rest[1..].chars().next().unwrap_or('\\');
            word.push(next);
            1 + next.len_utf8()
        }
        Some('$') => {
            let number = rest[1..].chars().next().and_then(|c| c.to_digit(10));
            let number = number.unwrap_or_else(|| fail(rest)) as usize;
            word.push_str(args.get(number).map_or("", String::as_str));
            2
        }
        Some(c) if !"(){}<>|&`*?".contains(c) => {
            word.push(c);
            c.len_utf8()
        }
        _ => fail(rest),
    }
}

fn fail(rest: &str) -> ! {
    eprintln!("sh: cannot read: {rest}");
    exit(2)
}

fn one(words: &[String], quiet: bool, args: &[String]) -> i32 {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["!", rest @ ..] => {
            let rest: Vec<String> = rest.iter().map(|word| (*word).to_owned()).collect();
            i32::from(one(&rest, quiet, args) == 0)
        }
        ["exec", rest @ ..] => exit(start(rest, quiet)),
        ["exit", code] => exit(code.parse().unwrap_or(2)),
        ["command", "-v", name] => i32::from(find(name).is_none()),
        ["true" | ":"] => 0,
        all => start(all, quiet),
    }
}

/// A program: a path with `/`, or a name in `PATH`. A path with `\` alone is not found, as in git's
/// own shell.
fn find(name: &str) -> Option<PathBuf> {
    let with = |path: &Path| {
        [
            path.to_owned(),
            PathBuf::from(format!("{}.exe", path.display())),
        ]
        .into_iter()
        .find(|path| path.is_file())
    };
    if name.contains('/') {
        return with(Path::new(name));
    }
    let all = std::env::var_os("PATH")?;
    std::env::split_paths(&all).find_map(|folder| with(&folder.join(name.replace('\\', "/?"))))
}

fn start(words: &[&str], quiet: bool) -> i32 {
    let Some(program) = words.first().and_then(|name| find(name)) else {
        eprintln!("sh: {}: not found", words.first().unwrap_or(&""));
        return 127;
    };
    let is_script = std::fs::read(&program).is_ok_and(|text| text.starts_with(b"#!"));
    let mut command = if is_script {
        let own = std::env::current_exe().unwrap_or_else(|_| PathBuf::from("sh"));
        let mut command = Command::new(own);
        command.arg(&program);
        command
    } else {
        Command::new(&program)
    };
    command.args(&words[1..]);
    if quiet {
        command.stdout(Stdio::null());
    }
    match command.status() {
        Ok(status) => status.code().unwrap_or(1),
        Err(error) => {
            eprintln!("sh: {}: {error}", program.display());
            126
        }
    }
}

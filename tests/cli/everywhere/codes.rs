//! Every error in the sources has a code and a help text.

use std::fs;
use std::path::{Path, PathBuf};

/// The arguments of a call, at the top level, from behind its parenthesis.
fn arguments(text: &str) -> Vec<String> {
    let (mut out, mut depth, mut quoted, mut escaped) = (vec![String::new()], 0, false, false);
    for c in text.chars() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            '(' | '[' | '{' if !quoted => depth += 1,
            ')' | ']' | '}' if !quoted && depth == 0 => break,
            ')' | ']' | '}' if !quoted => depth -= 1,
            ',' if !quoted && depth == 0 => {
                out.push(String::new());
                continue;
            }
            _ => {}
        }
        out.last_mut().expect("one").push(c);
    }
    out.into_iter()
        .map(|argument| argument.trim().to_owned())
        .filter(|argument| !argument.is_empty())
        .collect()
}

/// The sources below a folder.
fn sources(folder: &Path, out: &mut Vec<PathBuf>) {
    for file in fs::read_dir(folder).expect("sources") {
        let path = file.expect("a file").path();
        if path.is_dir() {
            sources(&path, out);
        } else {
            out.push(path);
        }
    }
}

#[test]
fn every_error_has_a_code_and_help() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/cli");
    let (mut paths, mut found) = (Vec::new(), 0);
    sources(&folder, &mut paths);
    for path in paths {
        let text = fs::read_to_string(&path).expect("a source");
        for call in [
            "CliError::plain(",
            "CliError::new(",
            "Self::plain(",
            "Self::new(",
        ] {
            // In other files `Self` is something else.
            if call.starts_with("Self") && !text.contains("for CliError {") {
                continue;
            }
            for (at, _) in text.match_indices(call) {
                let all = arguments(&text[at + call.len()..]);
                let [_, rest @ ..] = &all[..] else {
                    panic!("{}: {all:?}", path.display())
                };
                let code = rest.iter().find_map(|argument| {
                    argument.strip_prefix("\"claude_sync::")?.strip_suffix('"')
                });
                let is_code = |code: &str| {
                    !code.is_empty()
                        && code
                            .bytes()
                            .all(|byte| byte.is_ascii_lowercase() || byte == b'_')
                };
                assert!(
                    code.is_some_and(is_code),
                    "{}: no code: {all:?}",
                    path.display()
                );
                let help = all.last().expect("an argument");
                assert!(
                    all.len() == 4 && !["\"\"", "String::new()"].contains(&help.as_str()),
                    "{}: no help: {all:?}",
                    path.display()
                );
                found += 1;
            }
        }
    }
    assert!(found > 80, "the test has lost sight of the errors: {found}");
}

//! Paths in which `*` and `?` stand for characters of a name, and `~` for the home folder.

use std::path::{Component, Path, PathBuf};

/// A pattern finds at most so many paths.
const MOST: usize = 1000;

/// A path of the user's with its `~` replaced. None where it is neither absolute nor begins with
/// `~`: what it is relative to differs between a shell, a timer and a hook.
pub(crate) fn absolute(text: &str, home: &Path) -> Option<PathBuf> {
    let text = text.trim();
    if text == "~" {
        return Some(home.to_owned());
    }
    if let Some(rest) = text.strip_prefix("~/").or_else(|| text.strip_prefix("~\\")) {
        return Some(home.join(rest));
    }
    Some(PathBuf::from(text)).filter(|path| path.is_absolute())
}

/// The existing folders that a pattern stands for, sorted. A `*` at the beginning of a name finds
/// no hidden ones.
pub(crate) fn folders(pattern: &Path) -> Vec<PathBuf> {
    let mut found = vec![PathBuf::new()];
    for part in pattern.components() {
        let name = part.as_os_str().to_string_lossy();
        if !matches!(part, Component::Normal(_)) || !name.contains(['*', '?']) {
            found.iter_mut().for_each(|path| path.push(part));
            continue;
        }
        let names = found
            .iter()
            .filter_map(|folder| folder.read_dir().ok())
            .flatten()
            .flatten();
        let hit = |entry: &std::fs::DirEntry| {
            let file = entry.file_name();
            let file = file.to_string_lossy();
            (name.starts_with('.') || !file.starts_with('.')) && matches(&name, &file)
        };
        let mut next: Vec<PathBuf> = names.filter(hit).map(|entry| entry.path()).collect();
        next.sort();
        next.truncate(MOST);
        found = next;
    }
    found.retain(|path| path.is_dir());
    found
}

/// Whether a name matches a pattern: `*` stands for any characters, `?` for one.
fn matches(pattern: &str, name: &str) -> bool {
    let (pattern, name): (Vec<char>, Vec<char>) =
        (pattern.chars().collect(), name.chars().collect());
    let (mut p, mut n) = (0, 0);
    // Where the last star stands, and how much of the name it has taken.
    let mut star: Option<(usize, usize)> = None;
    while n < name.len() {
        match pattern.get(p) {
            Some('*') => {
                star = Some((p, n));
                p += 1;
            }
            Some(c) if *c == '?' || *c == name[n] => {
                p += 1;
                n += 1;
            }
            _ => match &mut star {
                Some((at, taken)) => {
                    *taken += 1;
                    (p, n) = (*at + 1, *taken);
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|c| *c == '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_and_question_marks_stand_for_characters_of_one_name() {
        for (pattern, name, want) in [
            (".claude*", ".claude-work", true),
            (".claude-?", ".claude-a", true),
            (".claude-?", ".claude-ab", false),
            ("*work*", ".claude-work2", true),
            ("a*b*c", "aXbYbZc", true),
            ("a*b", "abc", false),
            ("***", "", true),
            ("?", "ä", true),
        ] {
            assert_eq!(matches(pattern, name), want, "{pattern} {name}");
        }
    }

    #[test]
    fn patterns_find_existing_folders() {
        let root = tempfile::tempdir().expect("a folder");
        for name in [".claude", ".claude-work/x", "plain", ".claude-b"] {
            std::fs::create_dir_all(root.path().join(name)).expect("made");
        }
        std::fs::write(root.path().join(".claude-file"), "").expect("written");
        let found = |pattern: &str| -> Vec<String> {
            let all = folders(&root.path().join(pattern));
            all.iter()
                .map(|path| {
                    path.strip_prefix(root.path())
                        .expect("below")
                        .display()
                        .to_string()
                })
                .collect()
        };
        assert_eq!(found(".claude*"), [".claude", ".claude-b", ".claude-work"]);
        assert_eq!(found("*"), ["plain"]);
        assert_eq!(found(".claude*/x"), [".claude-work/x"]);
        assert_eq!(found("nothing*"), [""; 0]);
        assert_eq!(found("plain"), ["plain"]);
    }

    #[test]
    fn paths_are_absolute_or_begin_with_the_home_folder() {
        let home = Path::new("/home/me");
        assert_eq!(
            absolute("~/.claude-work", home),
            Some("/home/me/.claude-work".into())
        );
        assert_eq!(absolute("~", home), Some("/home/me".into()));
        assert_eq!(absolute("~other/.claude", home), None);
        assert_eq!(absolute("work", home), None);
        assert_eq!(absolute("", home), None);
    }
}

//! Names in trees that git refuses to check out, or that a repository must not have. Any pusher can
//! make them.

/// A name has no more bytes: no file system takes more.
const LONGEST: usize = 255;

/// Folders are not nested deeper.
pub(super) const DEEPEST: usize = 64;

/// Whether an entry of a tree may have this name.
///
/// Names that some file system takes for `.git` are refused as git refuses them: in any case, with
/// trailing dots and spaces, as the short name `git~1`, as a stream of it (`.git:x`), or with code
/// points that HFS+ ignores.
pub(crate) fn is_allowed(name: &[u8]) -> bool {
    if name.is_empty()
        || name.len() > LONGEST
        || name == b"."
        || name == b".."
        || name.contains(&b'/')
        || name.contains(&0)
    {
        return false;
    }
    // Of most names the first letter shows it. Trees of large fleets have thousands.
    if name.is_ascii() && !matches!(name.first(), Some(b'.' | b'g' | b'G')) {
        return true;
    }
    let text = String::from_utf8_lossy(name);
    let plain: String = text
        .chars()
        .filter(|c| !is_ignored(*c))
        .flat_map(char::to_lowercase)
        .collect();
    // Of names on Windows, too: what stands behind a colon or a backslash is not part of the name.
    let stem = plain
        .split([':', '\\'])
        .next()
        .unwrap_or_default()
        .trim_end_matches(['.', ' ']);
    ![".git", "git~1"].contains(&stem)
}

/// Code points that HFS+ leaves out when it compares names.
fn is_ignored(c: char) -> bool {
    matches!(c, '\u{200c}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{206a}'..='\u{206f}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_git_refuses_is_refused_and_nothing_else() {
        let long = "x".repeat(256);
        for name in [
            "",
            ".",
            "..",
            "a/b",
            "/",
            ".git",
            ".GIT",
            ".Git.",
            ".git ",
            "git~1",
            "GIT~1",
            ".git:x",
            ".git\\x",
            ".g\u{200c}it",
            &long,
        ] {
            assert!(!is_allowed(name.as_bytes()), "{name:?}");
        }
        for name in [
            ".gitattributes",
            ".gitignore",
            "git",
            "a.git",
            "...",
            "git~2",
            "x.json",
            "\u{1b}[31m",
            "ä",
            "a:b",
            &long[1..],
        ] {
            assert!(is_allowed(name.as_bytes()), "{name:?}");
        }
        assert!(is_allowed(&[0xff, 0xfe]), "what is no text is carried");
    }
}

//! Paths of programs as a shell reads them.

use std::path::Path;

/// A program's path for a line that a shell reads. On Windows the shell is git's or `cmd`: both
/// take `/`, and `command -v` of git's finds no path with `\`.
pub(crate) fn program_path(program: &Path) -> String {
    forward(&program.to_string_lossy(), cfg!(windows))
}

/// On Windows a path without `\\?\`, which only system calls understand, and with `/`.
fn forward(path: &str, windows: bool) -> String {
    if !windows {
        return path.to_owned();
    }
    let plain = match path.strip_prefix(r"\\?\UNC\") {
        Some(share) => format!(r"\\{share}"),
        None => path.strip_prefix(r"\\?\").unwrap_or(path).to_owned(),
    };
    plain.replace('\\', "/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shell_of_windows_reads_slashes() {
        for (path, read) in [
            (
                r"C:\Program Files\a\claude-sync.exe",
                "C:/Program Files/a/claude-sync.exe",
            ),
            (r"\\?\C:\a\claude-sync.exe", "C:/a/claude-sync.exe"),
            (
                r"\\?\UNC\server\share\claude-sync.exe",
                "//server/share/claude-sync.exe",
            ),
            ("claude-sync.exe", "claude-sync.exe"),
        ] {
            assert_eq!(forward(path, true), read);
        }
        assert_eq!(
            forward(r"/opt/a\b", false),
            r"/opt/a\b",
            "elsewhere it is part of a name"
        );
    }
}

//! Where the programs are that a test runs.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::SystemTime;

/// `claude-sync`, as it was built with the tests. `claude-usage-tracker` is beside it.
pub fn program_path() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| match option_env!("CARGO_BIN_EXE_claude-sync") {
        Some(path) => path.into(),
        None => beside_the_tests(),
    })
}

/// Cargo names the programs to integration tests only, and builds them for no others. Unit tests are in
/// `target/PROFILE/deps`, and the programs above that.
fn beside_the_tests() -> PathBuf {
    let tests = std::env::current_exe().expect("the path of this test");
    let folder = tests.ancestors().nth(2).expect("target/PROFILE");
    let program = folder.join(format!("claude-sync{}", std::env::consts::EXE_SUFFIX));
    let profile = match folder.file_name().and_then(|name| name.to_str()) {
        Some("release") => " --release",
        _ => "",
    };
    let problem = match modified(&program) {
        None => "is missing",
        Some(built) if are_sources_newer(built) => "is older than its sources",
        Some(_) => return program,
    };
    panic!(
        "{} {problem}; build the programs first: cargo build{profile}",
        program.display()
    );
}

/// Whether a source changed after that. Unit tests in files of their own are no part of the programs.
fn are_sources_newer(built: SystemTime) -> bool {
    let mut todo = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
    while let Some(folder) = todo.pop() {
        for path in fs::read_dir(folder).into_iter().flatten().flatten() {
            let (path, name) = (path.path(), path.file_name());
            let name = name.to_string_lossy();
            if path.is_dir() {
                todo.push(path);
            } else if name.ends_with(".rs")
                && !name.ends_with("tests.rs")
                && modified(&path).is_some_and(|changed| changed > built)
            {
                return true;
            }
        }
    }
    false
}

fn modified(path: &Path) -> Option<SystemTime> {
    fs::metadata(path).and_then(|file| file.modified()).ok()
}

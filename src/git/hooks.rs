//! Git's hooks: installed without clobbering the user's own, which run first.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::process::Git;
use super::repo::{Repo, RepoError};
use super::settings::Settings;
use super::setup;
use crate::base::shell::program_path;
use crate::store::{durable, private};

/// The hooks of a user's clone, as they lie in `hooks/`.
const CLIENT: [(&str, &str); 3] = [
    ("post-merge", include_str!("../../hooks/post-merge")),
    ("post-rewrite", include_str!("../../hooks/post-rewrite")),
    ("pre-push", include_str!("../../hooks/pre-push")),
];

/// The hook of a bare repository on a server.
const SERVER: [(&str, &str); 1] = [("pre-receive", include_str!("../../hooks/pre-receive"))];

/// What a user's own hook is called once ours stands in its place: ours runs it first.
const CHAINED: &str = "user";

/// What was installed, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Installed {
    /// They are in this folder.
    Here(PathBuf),
    /// `core.hooksPath` of the user's own configuration names a folder for all repositories. It is
    /// theirs, and was left alone.
    Shared(PathBuf),
    /// The folder cannot be written.
    Failed(PathBuf),
}

/// The folder in which git looks for this repository's hooks.
pub(crate) fn folder(repo: &Repo) -> PathBuf {
    let configured = repo
        .config()
        .ok()
        .and_then(|config| config.get_path("core.hooksPath").ok());
    match configured {
        Some(path) if path.is_absolute() => path,
        Some(path) => repo.path().join(path),
        None => repo.common_folder().join("hooks"),
    }
}

/// Installs the hooks, calling `program`. Doing it again renews them.
pub(crate) fn install(
    repo: &Repo,
    git: &Git,
    program: &Path,
    server: bool,
) -> Result<Installed, RepoError> {
    let folder = folder(repo);
    if is_shared(repo, &git.settings(repo.path())?) {
        return Ok(Installed::Shared(folder));
    }
    let hooks: &[(&str, &str)] = if server { &SERVER } else { &CLIENT };
    // A server's hook is run by the user who pushes, a clone's by its owner alone.
    let mode = if server { 0o755 } else { 0o700 };
    if server && !folder.is_dir() {
        let above = fs::create_dir_all(&folder).and_then(|()| fs::metadata(repo.common_folder()));
        let _ = above.and_then(|above| fs::set_permissions(&folder, above.permissions()));
    }
    let all = hooks
        .iter()
        .all(|(name, script)| install_one(&folder, name, script, (program, mode)).is_ok());
    Ok(if all {
        Installed::Here(folder)
    } else {
        Installed::Failed(folder)
    })
}

/// Whether git looks for hooks in a folder that is not this repository's alone.
fn is_shared(repo: &Repo, settings: &Settings) -> bool {
    let Some(path) = settings.get("core.hookspath") else {
        return false;
    };
    let inside = [repo.path(), repo.common_folder()]
        .iter()
        .any(|place| folder(repo).starts_with(place));
    !settings.is_local("core.hookspath") || (!inside && !path.is_empty())
}

/// A hook that should be there and is not; none where the folder is the user's own.
pub(crate) fn missing(repo: &Repo, git: &Git) -> Option<String> {
    if git
        .settings(repo.path())
        .ok()?
        .get("core.hookspath")
        .is_some()
    {
        return None;
    }
    let folder = folder(repo);
    let gone = |name: &str| !fs::read(folder.join(name)).is_ok_and(|script| is_ours(&script, name));
    CLIENT
        .iter()
        .find(|(name, _)| gone(name))
        .map(|(name, _)| format!("the hook {name}"))
}

/// Takes the hooks out again: the user's own, which ran first, stand where they stood before.
pub(crate) fn remove(repo: &Repo) -> std::io::Result<()> {
    let folder = folder(repo);
    for (name, _) in CLIENT {
        let (path, own) = (folder.join(name), chained(&folder, name));
        if !fs::read(&path).is_ok_and(|script| is_ours(&script, name)) {
            continue;
        }
        fs::remove_file(&path)?;
        if own.exists() {
            fs::rename(own, path)?;
        }
    }
    Ok(())
}

/// A program that an installed hook names and that is not there: git goes on without the hook.
pub(crate) fn gone_program(repo: &Repo) -> Option<PathBuf> {
    let folder = folder(repo);
    let named = CLIENT.iter().filter_map(|(name, _)| {
        let script = fs::read(folder.join(name))
            .ok()
            .filter(|script| is_ours(script, name))?;
        setup::quoted_program(&String::from_utf8_lossy(&script))
    });
    named.into_iter().find(|program| !program.exists())
}

fn install_one(
    folder: &Path,
    name: &str,
    script: &str,
    (program, mode): (&Path, u32),
) -> Result<(), durable::WriteError> {
    let path = folder.join(name);
    let quoted = setup::quoted(program);
    let script = script
        .replace("claude-sync hook", &format!("{quoted} hook"))
        .replace("-v claude-sync", &format!("-v {quoted}"));
    match fs::read(&path) {
        Ok(there) if there == script.as_bytes() => return Ok(()),
        Ok(there) if !is_ours(&there, name) => {
            let fail = |source| durable::WriteError {
                path: path.clone(),
                source,
            };
            fs::rename(&path, chained(folder, name)).map_err(fail)?;
        }
        _ => {}
    }
    durable::write(&path, script.as_bytes())?;
    make_executable(&path, mode);
    Ok(())
}

fn is_ours(script: &[u8], name: &str) -> bool {
    String::from_utf8_lossy(script).contains(&format!(" hook {name} "))
}

fn chained(folder: &Path, name: &str) -> PathBuf {
    folder.join(format!("{name}.{CHAINED}"))
}

/// Runs the user's own hook, if there is one, with what git gave ours. Returns its exit code.
pub(crate) fn run_chained(
    repo: &Repo,
    name: &str,
    args: &[String],
    input: &[u8],
) -> std::io::Result<i32> {
    let program = chained(&folder(repo), name);
    if !is_executable(&program) {
        return Ok(0);
    }
    let mut child = hook_command(&program)
        .args(args)
        .stdin(Stdio::piped())
        .spawn()?;
    if let Some(mut stdin) = child.stdin.take() {
        // A hook that does not read its input closes the pipe; that is its right.
        let _ = stdin.write_all(input);
    }
    Ok(child.wait()?.code().unwrap_or(1))
}

/// The command of a hook. Windows starts no scripts: there git's shell does, which git puts into
/// `PATH` for hooks.
fn hook_command(hook: &Path) -> Command {
    let is_script = fs::read(hook).is_ok_and(|text| text.starts_with(b"#!"));
    if cfg!(windows) && is_script {
        script_command(hook)
    } else {
        private::user_command(hook)
    }
}

/// The command of a script, by a shell that reads its first line.
fn script_command(script: &Path) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", "exec \"$0\" \"$@\"", &program_path(script)]);
    command
}

#[cfg(unix)]
fn is_executable(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    fs::metadata(path).is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}

#[cfg(not(unix))]
fn is_executable(path: &Path) -> bool {
    path.is_file()
}

#[cfg(unix)]
fn make_executable(path: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt as _;
    let _ = fs::set_permissions(path, fs::Permissions::from_mode(mode));
}

#[cfg(not(unix))]
fn make_executable(_: &Path, _: u32) {}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn a_shell_runs_a_script_by_its_first_line() {
        let folder = tempfile::tempdir().expect("a folder");
        let hook = folder.path().join("my hook");
        fs::write(&hook, "#!/bin/sh\ncat\necho \"$1:$2\"\nexit 3\n").expect("written");
        make_executable(&hook, 0o700);
        let mut command = script_command(&hook);
        let input = folder.path().join("input");
        fs::write(&input, "from git\n").expect("written");
        let out = command
            .args(["a b", "c"])
            .stdin(fs::File::open(input).expect("there"))
            .output()
            .expect("a shell");
        let text = String::from_utf8_lossy(&out.stdout);
        assert_eq!((&*text, out.status.code()), ("from git\na b:c\n", Some(3)));
    }

    #[test]
    fn an_installed_hook_names_the_program_as_a_shell_reads_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let (name, script) = CLIENT[0];
        let program = Path::new("/a b/it's/claude-sync");
        install_one(folder.path(), name, script, (program, 0o700)).expect("installed");
        let text = fs::read_to_string(folder.path().join(name)).expect("there");
        let quoted = "'/a b/it'\\''s/claude-sync'";
        assert!(
            text.contains(&format!("command -v {quoted} >/dev/null")),
            "{text}"
        );
        assert!(
            text.contains(&format!("exec {quoted} hook {name} ")),
            "{text}"
        );
    }
}

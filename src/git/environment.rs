//! What `git` processes get of the environment: one list of what is cleared, and what is honored of
//! the rest.
//!
//! Cleared is what points git at another repository or object store, or changes what a push means.
//! Honored is everything on how the user reaches a remote and who they are: `HOME`,
//! `GIT_CONFIG_GLOBAL`, `GIT_CONFIG_SYSTEM`, `XDG_CONFIG_HOME`, `GIT_SSH_COMMAND`, `GIT_SSH`,
//! `GIT_SSH_VARIANT`, `SSH_AUTH_SOCK`, proxies, `GIT_AUTHOR_*`, `GIT_COMMITTER_*`, `EMAIL`,
//! `GIT_TRACE*`.

use std::ffi::OsString;
use std::path::Path;
use std::process::Command;

use super::settings::Settings;

/// Variables that no `git` process of ours sees: those of `git rev-parse --local-env-vars`, and
/// others that divert one.
pub(crate) const CLEARED: [&str; 29] = [
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_ATTR_SOURCE",
    "GIT_COMMON_DIR",
    "GIT_CONFIG",
    "GIT_CONFIG_COUNT",
    "GIT_CONFIG_PARAMETERS",
    "GIT_DEFAULT_HASH",
    "GIT_DEFAULT_REF_FORMAT",
    "GIT_DIR",
    "GIT_DISCOVERY_ACROSS_FILESYSTEM",
    "GIT_GLOB_PATHSPECS",
    "GIT_GRAFT_FILE",
    "GIT_ICASE_PATHSPECS",
    "GIT_IMPLICIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_INDEX_VERSION",
    "GIT_INTERNAL_SUPER_PREFIX",
    "GIT_LITERAL_PATHSPECS",
    "GIT_NAMESPACE",
    "GIT_NOGLOB_PATHSPECS",
    "GIT_NO_REPLACE_OBJECTS",
    "GIT_OBJECT_DIRECTORY",
    "GIT_PREFIX",
    "GIT_PUSH_OPTION_COUNT",
    "GIT_QUARANTINE_PATH",
    "GIT_REFERENCE_BACKEND",
    "GIT_REPLACE_REF_BASE",
    "GIT_SHALLOW_FILE",
    "GIT_WORK_TREE",
];

/// Takes the variables of [`CLEARED`] out, and keeps git from finding a repository above `repo`.
pub(crate) fn confine(command: &mut Command, repo: Option<&Path>) {
    for name in CLEARED {
        command.env_remove(name);
    }
    let Some(above) = repo.and_then(Path::parent) else {
        return;
    };
    let mut folders = vec![above.to_owned()];
    folders.extend(
        std::env::var_os("GIT_CEILING_DIRECTORIES")
            .iter()
            .flat_map(std::env::split_paths),
    );
    if let Ok(all) = std::env::join_paths(folders) {
        command.env("GIT_CEILING_DIRECTORIES", all);
    }
}

/// The ssh command for runs that nobody attends: the user's own, with batch mode and a time-out
/// added. None where the program is unknown and takes options that we do not know.
///
/// The order is git's: `GIT_SSH_COMMAND`, `core.sshCommand`, `GIT_SSH`, `ssh`. Of an option that is
/// given twice ssh takes the first, so the user's own options win.
pub(crate) fn unattended_ssh(
    settings: &Settings,
    var: impl Fn(&str) -> Option<OsString>,
) -> Option<String> {
    let text = |name: &str| var(name).map(|value| value.to_string_lossy().into_owned());
    let configured = || {
        settings
            .get("core.sshcommand")
            .filter(|command| !command.is_empty())
            .map(str::to_owned)
    };
    let program = || text("GIT_SSH").map(|program| format!("'{}'", program.replace('\'', "'\\''")));
    let command = text("GIT_SSH_COMMAND")
        .or_else(configured)
        .or_else(program)
        .unwrap_or_else(|| "ssh".to_owned());
    let variant =
        text("GIT_SSH_VARIANT").or_else(|| settings.get("ssh.variant").map(str::to_owned));
    let variant = variant
        .filter(|variant| variant != "auto")
        .unwrap_or_else(|| program_name(&command));
    match variant.to_ascii_lowercase().as_str() {
        "ssh" => Some(format!("{command} -o BatchMode=yes -o ConnectTimeout=30")),
        "plink" | "putty" | "tortoiseplink" => Some(format!("{command} -batch")),
        _ => None,
    }
}

/// The name of the program that a shell command runs, without folder and extension.
fn program_name(command: &str) -> String {
    let mut rest = command.trim_start();
    loop {
        let (word, after) = first_word(rest);
        let assigns = word.split_once('=').is_some_and(|(name, _)| {
            !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || c == '_')
        });
        if assigns && !after.is_empty() {
            rest = after;
            continue;
        }
        let name = word.rsplit(['/', '\\']).next().unwrap_or_default();
        return name.strip_suffix(".exe").unwrap_or(name).to_owned();
    }
}

/// The first word of a shell command, its quotes taken away, and what follows it.
fn first_word(text: &str) -> (String, &str) {
    let mut word = String::new();
    let mut quote = None;
    for (at, c) in text.char_indices() {
        match quote {
            Some(open) if c == open => quote = None,
            None if c == '\'' || c == '"' => quote = Some(c),
            None if c.is_whitespace() => return (word, text[at..].trim_start()),
            _ => word.push(c),
        }
    }
    (word, "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_variable_that_git_calls_local_is_cleared() {
        let out = Command::new("git")
            .args(["rev-parse", "--local-env-vars"])
            .output()
            .expect("git");
        for name in String::from_utf8_lossy(&out.stdout).lines() {
            assert!(CLEARED.contains(&name), "{name}");
        }
    }

    #[test]
    fn unattended_ssh_keeps_what_the_user_has() {
        let settings = |text: &str| Settings::parse(text.as_bytes());
        let none = |_: &str| None;
        let batch = " -o BatchMode=yes -o ConnectTimeout=30";
        let ssh = |settings: &Settings| unattended_ssh(settings, none);
        assert_eq!(ssh(&settings("")), Some(format!("ssh{batch}")));
        let key = settings("local\0core.sshcommand\nssh -i ~/.ssh/usage\0");
        assert_eq!(ssh(&key), Some(format!("ssh -i ~/.ssh/usage{batch}")));
        assert_eq!(
            ssh(&settings(
                "global\0core.sshcommand\n\"C:/Program Files/ssh.exe\" -v\0"
            ))
            .as_deref(),
            Some(&*format!("\"C:/Program Files/ssh.exe\" -v{batch}"))
        );
        assert_eq!(
            ssh(&settings(
                "global\0core.sshcommand\nSSH_AUTH_SOCK=/run/a ssh\0"
            )),
            Some(format!("SSH_AUTH_SOCK=/run/a ssh{batch}"))
        );
        assert_eq!(
            ssh(&settings("global\0core.sshcommand\n/opt/wrapper\0")),
            None
        );
        assert_eq!(
            ssh(&settings(
                "global\0core.sshcommand\n/opt/wrapper\0global\0ssh.variant\nssh\0"
            )),
            Some(format!("/opt/wrapper{batch}"))
        );
        assert_eq!(
            ssh(&settings("global\0core.sshcommand\nplink -i k\0")),
            Some("plink -i k -batch".to_owned())
        );
    }

    #[test]
    fn unattended_ssh_takes_variables_as_git_does() {
        let settings = |text: &str| Settings::parse(text.as_bytes());
        let batch = " -o BatchMode=yes -o ConnectTimeout=30";
        let key = settings("local\0core.sshcommand\nssh -i ~/.ssh/usage\0");
        let variable =
            |name: &str| (name == "GIT_SSH_COMMAND").then(|| OsString::from("ssh -p 2222"));
        assert_eq!(
            unattended_ssh(&key, variable),
            Some(format!("ssh -p 2222{batch}"))
        );
        let program = |name: &str| (name == "GIT_SSH").then(|| OsString::from("/usr/bin/ssh"));
        assert_eq!(
            unattended_ssh(&settings(""), program),
            Some(format!("'/usr/bin/ssh'{batch}"))
        );
    }
}

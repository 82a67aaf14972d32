//! A private repository at GitHub, created with GitHub's command line tool `gh`.

use std::process::{Command, Stdio};

use serde_json::Value;

use crate::base::text::{printable, printable_lines};
use crate::cli::error::CliError;
use crate::cli::exit;

/// Whether `gh` is installed.
pub(crate) fn is_there() -> bool {
    Command::new("gh")
        .arg("--version")
        .stdin(Stdio::null())
        .output()
        .is_ok_and(|out| out.status.success())
}

/// The address of a repository. If it does not exist, it is created as a private one. Fails for a
/// public one unless `allow_public` is set.
pub(crate) fn repository(name: &str, allow_public: bool) -> Result<String, CliError> {
    if name.is_empty() || name.starts_with('-') {
        return Err(CliError::plain(
            "the repository's name is empty or looks like an option",
            "claude_sync::usage",
            exit::USAGE,
            "use a name such as claude-usage, or OWNER/claude-usage",
        ));
    }
    let view = find_or_create(name)?;
    if is_public(&view) && !allow_public {
        return Err(CliError::plain(
            &format!(
                "the repository {} at GitHub is public",
                printable(name, 100)
            ),
            "claude_sync::public_remote",
            exit::CONFIG,
            "make it private in its settings, or use another name; to let everybody read when and how much you work: --allow-public",
        ));
    }
    let by_ssh =
        gh(&["config", "get", "git_protocol"]).is_ok_and(|protocol| protocol.trim() == "ssh");
    let text = |key: &str| view[key].as_str().map(str::to_owned);
    let address = if by_ssh {
        text("sshUrl")
    } else {
        text("url").map(|url| format!("{url}.git"))
    };
    address.ok_or_else(|| failed("gh did not print the repository's address"))
}

/// What `gh` prints about a repository, which is created if it does not exist.
fn find_or_create(name: &str) -> Result<Value, CliError> {
    if let Ok(view) = view(name) {
        return Ok(view);
    }
    gh(&[
        "repo",
        "create",
        name,
        "--private",
        "--description",
        "Claude Code usage of my machines, kept by claude-sync",
    ])?;
    view(name)
}

/// Whether everybody can read the repository; also if `gh` does not print its visibility.
fn is_public(view: &Value) -> bool {
    view["visibility"]
        .as_str()
        .is_none_or(|visibility| visibility.eq_ignore_ascii_case("public"))
}

/// What `gh` prints about a repository: `visibility`, `sshUrl` and `url`.
fn view(name: &str) -> Result<Value, CliError> {
    let text = gh(&["repo", "view", name, "--json", "visibility,sshUrl,url"])?;
    serde_json::from_str(&text)
        .map_err(|error| failed(&format!("failed to read the output of gh: {error}")))
}

/// Runs `gh` without prompts. Returns its output.
fn gh(args: &[&str]) -> Result<String, CliError> {
    let out = Command::new("gh")
        .args(args)
        .env("GH_PROMPT_DISABLED", "1")
        .env("NO_COLOR", "1")
        .stdin(Stdio::null())
        .output();
    let out = out.map_err(|error| {
        let help = "install GitHub's command line tool, gh, and sign in: gh auth login. Or create a private repository yourself, and join it: claude-sync init ADDRESS";
        CliError::plain(&format!("failed to run gh: {error}"), "claude_sync::github", exit::FAILURE, help)
    })?;
    if out.status.success() {
        return Ok(String::from_utf8_lossy(&out.stdout).into_owned());
    }
    Err(failed(&format!(
        "gh {} {} failed: {}",
        args[0],
        args[1],
        printable_lines(String::from_utf8_lossy(&out.stderr).trim(), 8)
    )))
}

fn failed(message: &str) -> CliError {
    CliError::plain(
        message,
        "claude_sync::github",
        exit::FAILURE,
        "check that you are signed in: gh auth status",
    )
}

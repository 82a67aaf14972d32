//! A private repository at GitHub, made by the user's own `gh`.

use std::process::{Command, Stdio};

use serde_json::Value;

use super::error::CliError;
use super::exit;
use crate::base::text::{printable, printable_lines};

/// Whether there is a `gh`.
pub fn is_there() -> bool {
    Command::new("gh")
        .arg("--version")
        .stdin(Stdio::null())
        .output()
        .is_ok_and(|out| out.status.success())
}

/// The address of the repository of that name, which is made, private, where there is none.
pub fn repository(name: &str, allow_public: bool) -> Result<String, CliError> {
    if name.is_empty() || name.starts_with('-') {
        let help = "give a name such as claude-usage, or OWNER/claude-usage";
        return Err(CliError::plain(
            "the repository's name is empty or looks like an option",
            "claude_sync::usage",
            exit::USAGE,
            help,
        ));
    }
    let view = if let Ok(view) = view(name) {
        view
    } else {
        gh(&[
            "repo",
            "create",
            name,
            "--private",
            "--description",
            "Claude Code usage of my machines, kept by claude-sync",
        ])?;
        view(name)?
    };
    if view["visibility"]
        .as_str()
        .is_none_or(|visibility| visibility.eq_ignore_ascii_case("public"))
        && !allow_public
    {
        let message = format!(
            "the repository {} at GitHub is public",
            printable(name, 100)
        );
        let help = "make it private in its settings, choose another name, or, if everybody may read when and how much you work: --allow-public";
        return Err(CliError::plain(
            &message,
            "claude_sync::public_remote",
            exit::CONFIG,
            help,
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
    address.ok_or_else(|| failed("gh did not say the repository's address"))
}

fn view(name: &str) -> Result<Value, CliError> {
    let said = gh(&["repo", "view", name, "--json", "visibility,sshUrl,url"])?;
    serde_json::from_str(&said).map_err(|error| {
        failed(&format!(
            "gh said something that is not understood: {error}"
        ))
    })
}

fn gh(args: &[&str]) -> Result<String, CliError> {
    let out = Command::new("gh")
        .args(args)
        .env("GH_PROMPT_DISABLED", "1")
        .env("NO_COLOR", "1")
        .stdin(Stdio::null())
        .output();
    let out = out.map_err(|error| {
        let help = "install GitHub's command line tool, gh, and sign in with: gh auth login. Or make a private repository by hand, and give its address: claude-sync init ADDRESS";
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
        "see whether you are signed in: gh auth status",
    )
}

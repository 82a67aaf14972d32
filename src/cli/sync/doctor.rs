//! `claude-sync doctor`: checks this machine, one line per check, for a bug report.

use serde_json::{Value, json};

use crate::base::text::{count, printable};
use crate::cli::env::Env;
use crate::cli::error::CliError;
use crate::cli::print::{json, out};
use crate::cli::{exit, places};
use crate::store::private;
use crate::sync::Options;
use crate::sync::doctor::{Check, Status, examine};

#[derive(Debug, clap::Args)]
#[command(after_help = help())]
pub(crate) struct Args {
    /// Do not contact the remote
    #[arg(long)]
    offline: bool,
    /// First make claude-sync's files and folders private to this user
    #[arg(long)]
    fix: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

fn help() -> String {
    let codes = exit::help_of("doctor", "Exit codes", "nothing worse than a warning");
    format!(
        "The list contains no secrets and no project names, and shows the home folder as ~, so it can be pasted into a bug report.\n\
         What is not synced yet, and the other machines: claude-sync status\n\
         The data in the repository: claude-sync verify\n\
         After a merge by plain git: claude-sync resolve\n\n{codes}"
    )
}

pub(crate) fn run(args: &Args, env: &Env) -> Result<u8, CliError> {
    let options = Options {
        attended: false,
        offline: args.offline,
        ..env.options()
    };
    let places = places::find()?;
    let fixed = if args.fix { private::close(&places) } else { 0 };
    let mut checks = examine(&places, &options);
    checks.iter_mut().for_each(clean);
    let has_error = checks.iter().any(|check| check.status == Status::Error);
    let code = if has_error { exit::SICK } else { exit::OK };
    if args.json {
        json(&to_json(&checks, &options, (fixed, code)));
    } else {
        out(&to_text(&checks, &options, (fixed, env.width)));
    }
    Ok(code)
}

/// Abbreviates and escapes the texts of a check. Texts from git may be long.
fn clean(check: &mut Check) {
    let home = places::home();
    let home = home.map(|home| home.display().to_string());
    let home = home.unwrap_or_default();
    for text in [&mut check.what, &mut check.advice] {
        *text = printable(&abbreviate(text, &home), MAX_TEXT);
    }
}

/// Maximum length of a text, in characters.
const MAX_TEXT: usize = 1000;

fn to_json(checks: &[Check], options: &Options, (fixed, code): (usize, u8)) -> Value {
    json!({
        "version": 1,
        "program": env!("CARGO_PKG_VERSION"),
        "platform": options.host.platform,
        "system": options.host.os_version,
        "checks": checks.iter().map(check_to_json).collect::<Vec<_>>(),
        "code": code,
        "fixed": fixed,
    })
}

fn check_to_json(check: &Check) -> Value {
    let advice = Some(&check.advice).filter(|advice| !advice.is_empty());
    json!({
        "name": check.name,
        "status": word(check.status),
        "what": check.what,
        "advice": advice,
    })
}

fn to_text(checks: &[Check], options: &Options, (fixed, width): (usize, u16)) -> String {
    let system = printable(&options.host.os_version, 100);
    let fixed = if fixed > 0 {
        let files = count(fixed as u64, "file or folder");
        let files = files.replace("file or folders", "files and folders");
        format!("Shut others off from {files}.\n")
    } else {
        String::new()
    };
    format!(
        "claude-sync {} on {system}\n\n{}\n{fixed}{}\n",
        env!("CARGO_PKG_VERSION"),
        table(checks, width),
        sum(checks)
    )
}

fn word(status: Status) -> &'static str {
    match status {
        Status::Ok => "ok",
        Status::Note => "note",
        Status::Warning => "warning",
        Status::Error => "error",
        Status::Skipped => "skipped",
    }
}

/// How wide the columns before the text are.
const STATUS: usize = 9;
const NAME: usize = 14;

fn table(checks: &[Check], width: u16) -> String {
    let mut text = String::new();
    for check in checks {
        let head = format!(
            "{:STATUS$}{:NAME$}",
            word(check.status),
            check.name.replace('_', " ")
        );
        text.push_str(&wrap(&head, &check.what, usize::from(width)));
        if !check.advice.is_empty() {
            text.push_str(&wrap(
                &" ".repeat(STATUS + NAME),
                &format!("-> {}", check.advice),
                usize::from(width),
            ));
        }
    }
    text
}

/// A text in lines of at most `width` characters, behind a head. A word that is wider stands alone,
/// whole: it may be a path to copy.
fn wrap(head: &str, text: &str, width: usize) -> String {
    let room = width.saturating_sub(head.chars().count()).max(20);
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let line = lines.last().map_or(0, |line| line.chars().count());
        if line > 0 && line + 1 + word.chars().count() > room {
            lines.push(String::new());
        }
        if let Some(line) = lines.last_mut() {
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
    }
    format!(
        "{head}{}\n",
        lines.join(&format!("\n{}", " ".repeat(head.chars().count())))
    )
}

fn sum(checks: &[Check]) -> String {
    let all = [
        Status::Error,
        Status::Warning,
        Status::Note,
        Status::Ok,
        Status::Skipped,
    ];
    let number = |status: Status| checks.iter().filter(|check| check.status == status).count();
    let parts = all
        .into_iter()
        .filter(|status| number(*status) > 0)
        .map(|status| match status {
            Status::Ok | Status::Skipped => format!("{} {}", number(status), word(status)),
            _ => count(number(status) as u64, word(status)),
        });
    parts.collect::<Vec<_>>().join(", ") + "."
}

/// The text with the home folder as `~`, where a path begins with it.
fn abbreviate(text: &str, home: &str) -> String {
    let home = home.trim_end_matches(['/', '\\']);
    if home.is_empty() {
        return text.to_owned();
    }
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(home) {
        let (before, after) = (&rest[..at], &rest[at + home.len()..]);
        out.push_str(before);
        // Not in the middle of a name: /home/me is no part of /home/melanie or of /srv/home/me.
        let goes_on = |c: char| c.is_alphanumeric() || "._-".contains(c);
        let inside = after.starts_with(goes_on) || before.ends_with(goes_on);
        out.push_str(if inside { home } else { "~" });
        rest = after;
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use super::{abbreviate, wrap};

    #[test]
    fn the_home_folder_is_not_told() {
        assert_eq!(
            abbreviate("/home/me/a and '/home/me', /home/me", "/home/me"),
            "~/a and '~', ~"
        );
        assert_eq!(abbreviate("file:///home/me/r", "/home/me/"), "file://~/r");
        assert_eq!(
            abbreviate("/home/melanie /srv/home/me/x", "/home/me"),
            "/home/melanie /srv/home/me/x"
        );
        assert_eq!(abbreviate("/a/b", "/"), "/a/b");
    }

    #[test]
    fn lines_are_as_wide_as_they_may_be() {
        assert_eq!(
            wrap("ok ", "aaaa bbbb cccc dddd eeee", 23),
            "ok aaaa bbbb cccc dddd\n   eeee\n"
        );
        assert_eq!(
            wrap("", "a /a/very/long/path/that/is/copied b", 20),
            "a\n/a/very/long/path/that/is/copied\nb\n"
        );
    }
}

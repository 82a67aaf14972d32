//! The user's crontab: reads and writes it, and finds the line of this program.

use std::io::Write as _;
use std::process::{Command, Stdio};

use super::error::AutoError;
use super::texts::CRON_MARK;
use super::tool::{failed, run};

/// Whether there is a `crontab` program. It exits with 1 if the user has no crontab yet.
pub(super) fn exists() -> bool {
    Command::new("crontab")
        .arg("-l")
        .stdin(Stdio::null())
        .output()
        .is_ok()
}

/// Adds the job's line, and removes that of an earlier installation.
pub(super) fn add(line: &str) -> Result<(), AutoError> {
    write(&(without_job(&read()?) + line))
}

/// Removes the job's line, if there is one. All other lines stay.
pub(super) fn remove() -> Result<(), AutoError> {
    let before = read()?;
    let rest = without_job(&before);
    if rest == before {
        return Ok(());
    }
    write(&rest)
}

/// Whether the crontab contains the job's line.
pub(super) fn has_job() -> bool {
    read().is_ok_and(|text| text.lines().any(|line| line.ends_with(CRON_MARK)))
}

fn without_job(crontab: &str) -> String {
    crontab
        .split_inclusive('\n')
        .filter(|line| !line.trim_end().ends_with(CRON_MARK))
        .collect()
}

/// The user's crontab, with a newline at the end; empty if there is none.
fn read() -> Result<String, AutoError> {
    let fail = |reason: &str| failed("crontab -l", reason);
    let out = Command::new("crontab")
        .arg("-l")
        .env("LC_ALL", "C")
        .stdin(Stdio::null())
        .output()
        .map_err(|error| fail(&error.to_string()))?;
    let reason = String::from_utf8_lossy(&out.stderr);
    // There is no other way to distinguish a missing crontab from a failure.
    if !out.status.success() && !reason.contains("no crontab") {
        return Err(fail(reason.trim()));
    }
    let mut text = String::from_utf8(out.stdout).map_err(|error| fail(&error.to_string()))?;
    if !(text.is_empty() || text.ends_with('\n')) {
        text.push('\n');
    }
    Ok(text)
}

fn write(text: &str) -> Result<(), AutoError> {
    let fail = |error: std::io::Error| failed("crontab -", &error.to_string());
    // An empty crontab would stay listed as one.
    if text.is_empty() {
        return run("crontab", &["-r"]);
    }
    let mut child = Command::new("crontab")
        .arg("-")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(fail)?;
    child
        .stdin
        .take()
        .map_or(Ok(()), |mut stdin| stdin.write_all(text.as_bytes()))
        .map_err(fail)?;
    let out = child.wait_with_output().map_err(fail)?;
    if out.status.success() {
        Ok(())
    } else {
        let reason = String::from_utf8_lossy(&out.stderr);
        Err(failed("crontab -", reason.trim()))
    }
}

//! This machine, as its system names it.

use std::path::PathBuf;

use crate::base::ids::RecordId;
use crate::sync::Host;

/// The absolute path of `claude-sync`, also in the tracker.
pub(crate) fn program() -> PathBuf {
    let own = std::env::current_exe().unwrap_or_else(|_| PathBuf::from("claude-sync"));
    dunce::simplified(&own).with_file_name(format!("claude-sync{}", std::env::consts::EXE_SUFFIX))
}

/// Whether a program is in a folder of `PATH`, or a path of its own. On Windows names have endings
/// that differ: it may be.
pub(crate) fn has_program(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders = std::env::split_paths(&path);
    cfg!(windows) || program.contains('/') || folders.any(|folder| folder.join(program).is_file())
}

/// This machine, as its system names it. `CLAUDE_SYNC_HOSTNAME` replaces the hostname.
pub(crate) fn host() -> Host {
    let named = std::env::var("CLAUDE_SYNC_HOSTNAME")
        .ok()
        .filter(|name| !name.is_empty());
    let (node, system) = system();
    let clean =
        |text: String| -> String { text.chars().filter(|c| !c.is_control()).take(100).collect() };
    Host {
        hostname: clean(named.unwrap_or(node)),
        platform: platform().to_owned(),
        os_version: clean(system),
        fingerprint: fingerprint(),
    }
}

/// A hash of the system's id, which is not part of a copied home folder. `CLAUDE_SYNC_HOST`
/// replaces the id.
fn fingerprint() -> String {
    let named = std::env::var("CLAUDE_SYNC_HOST")
        .ok()
        .or_else(|| machine_uid::get().ok());
    let named = named
        .map(|name| name.trim().to_owned())
        .filter(|name| !name.is_empty());
    named
        .map(|name| RecordId::of("claude-sync host", &[name.as_bytes()]).to_string())
        .unwrap_or_default()
}

/// The platform, by the names of Node.js, which the format uses.
fn platform() -> &'static str {
    match std::env::consts::OS {
        "macos" => "darwin",
        "windows" => "win32",
        other => other,
    }
}

#[cfg(unix)]
fn system() -> (String, String) {
    let uname = rustix::system::uname();
    let text = |part: &std::ffi::CStr| part.to_string_lossy().into_owned();
    (
        text(uname.nodename()),
        format!("{} {}", text(uname.sysname()), text(uname.release())),
    )
}

#[cfg(not(unix))]
fn system() -> (String, String) {
    (
        std::env::var("COMPUTERNAME").unwrap_or_default(),
        "Windows".to_owned(),
    )
}

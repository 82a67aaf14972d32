//! The pager: shows long output on a terminal, as git does.

use std::io;

use super::env::Env;
#[cfg(unix)]
use super::host::has_program;
use super::places;
use super::print::out;
use crate::store::config;

/// Prints text, through the pager if standard output is a terminal that is not high enough.
///
/// The process becomes the pager, which reads a file without a name: so an interrupt reaches the
/// pager only.
pub(crate) fn page(env: &Env, text: &str) {
    let lines = text.lines().count();
    let fits = env.height.is_none_or(|height| lines < usize::from(height));
    let pager = pager();
    if fits || pager.is_empty() || show(&pager, text).is_err() {
        out(text);
    }
}

/// The pager's command line; empty: none.
fn pager() -> String {
    let variable = |name| std::env::var(name).ok();
    let set = || {
        let config = config::read(&places::find().ok()?.config).ok()?;
        config.tracker.pager
    };
    let named = variable("CLAUDE_SYNC_PAGER").or_else(set);
    let named = named.or_else(|| variable("PAGER"));
    match named.as_deref().map(str::trim) {
        None => "less".to_owned(),
        Some("cat") => String::new(),
        Some(named) => named.to_owned(),
    }
}

/// Becomes the pager. Returns if that fails.
#[cfg(unix)]
fn show(pager: &str, text: &str) -> io::Result<()> {
    use std::io::{Seek as _, Write as _};
    use std::os::unix::process::CommandExt as _;
    use std::path::Path;

    use crate::base::text::Screen;
    use crate::store::private;

    // A shell that does not find the pager would end the process with the text unseen.
    let program = pager.split_whitespace().next().unwrap_or_default();
    if !has_program(program) {
        return Err(io::ErrorKind::NotFound.into());
    }
    let mut file = tempfile::tempfile()?;
    file.write_all(Screen::lines(text).as_bytes())?;
    file.rewind()?;
    let mut command = private::user_command(Path::new("sh"));
    command.args(["-c", pager]).stdin(file);
    if std::env::var_os("LESS").is_none() {
        command.env("LESS", "FRX");
    }
    Err(command.exec())
}

#[cfg(not(unix))]
fn show(_: &str, _: &str) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

//! Pages in a real browser, where there is one.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::world::{World, run};

/// A browser, where there is one.
pub fn browser() -> Option<PathBuf> {
    let program = std::env::var_os("CLAUDE_SYNC_CHROMIUM")
        .map(PathBuf::from)
        .filter(|path| path.is_file());
    if program.is_none() {
        crate::peers::missing("chromium", "CLAUDE_SYNC_CHROMIUM names no browser");
    }
    program
}

/// Runs a page in a browser with an empty profile; its standard output and what it logged.
pub fn browse(program: &Path, home: &Path, page: &Path, args: &[&str]) -> (String, String) {
    let profile = home.join("profile");
    let mut command = Command::new(program);
    command.args([
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
    ]);
    command.args([
        "--disable-component-update",
        "--disable-sync",
        "--disable-dev-shm-usage",
        "--enable-logging=stderr",
    ]);
    command
        .args(args)
        .arg(format!("--user-data-dir={}", profile.display()))
        .arg(format!("file://{}", page.display()));
    let path = std::env::var_os("PATH").expect("a PATH");
    let ran = run(command
        .env_clear()
        .env("PATH", path)
        .env("HOME", home)
        .env("TMPDIR", home));
    assert_eq!(ran.code, 0, "{}", ran.err);
    (ran.out, ran.err)
}

/// The page in a browser at an address that ends with `#` and this; no message on the console.
pub fn opened(program: &Path, world: &World, page: &Path, hash: &str) -> String {
    let place = PathBuf::from(format!("{}#{hash}", page.display()));
    let args = ["--dump-dom", "--virtual-time-budget=10000"];
    let (dom, log) = browse(program, world.path(), &place, &args);
    // The policy forbids requests: a page that tried one would say so there.
    let console: Vec<_> = log
        .lines()
        .filter(|line| line.contains("CONSOLE"))
        .collect();
    assert!(console.is_empty(), "{hash}: {console:?}");
    assert!(
        dom.contains("data-ready=\"yes\""),
        "{hash}: the script ended"
    );
    dom
}

/// The exact value of a tile.
pub fn tile(dom: &str, name: &str) -> f64 {
    let mark = format!("id=\"tile-{name}\" data-exact=\"");
    let rest = dom.split(&mark).nth(1).expect("a tile");
    rest.split('"')
        .next()
        .and_then(|text| text.parse().ok())
        .expect("a number")
}

/// The texts of a table's cells.
pub fn table(dom: &str, id: &str) -> Vec<Vec<String>> {
    let rest = dom
        .split(&format!("<table id=\"{id}\""))
        .nth(1)
        .expect("a table");
    let rows = rest
        .split("</table>")
        .next()
        .expect("its end")
        .split("<tr>")
        .skip(1);
    let text = |cell: &str| {
        let inner = cell.split_once('>').map_or("", |(_, rest)| rest);
        inner.split('<').next().unwrap_or_default().to_owned()
    };
    rows.map(|row| row.split("<t").skip(1).map(text).collect())
        .collect()
}

/// The text after an element's mark, up to the next tag.
pub fn after<'a>(dom: &'a str, mark: &str) -> &'a str {
    let rest = dom.split(mark).nth(1).expect("an element");
    let inner = rest.split_once('>').map_or("", |(_, inner)| inner);
    inner.split('<').next().unwrap_or_default()
}

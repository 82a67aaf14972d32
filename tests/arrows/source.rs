//! Reads the sources: which items a file defines, and which it uses.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

pub fn sources(folder: &Path, out: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder of sources").flatten() {
        let path = entry.path();
        if path.is_dir() {
            sources(&path, out);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            out.push(path);
        }
    }
}

/// A file of the sources, by the names of its modules: `report/blocks/table.rs` is `[report, blocks, table]`.
pub type Module = Vec<String>;

/// What one file defines and uses.
pub struct File {
    /// Items that it defines.
    pub items: BTreeSet<String>,
    /// Paths that it re-exports from files below it.
    pub exports: Vec<Vec<String>>,
    /// Paths that it uses otherwise.
    pub uses: Vec<Vec<String>>,
}

fn module(inside: &Path) -> Module {
    let mut parts: Module = inside
        .with_extension("")
        .components()
        .map(|part| part.as_os_str().to_string_lossy().into_owned())
        .collect();
    if parts.last().is_some_and(|last| last == "mod") {
        parts.pop();
    }
    parts
}

/// The source without comments and unit tests.
fn code(text: &str) -> String {
    let tests = ["#[cfg(test)]", "#[cfg(all(test, unix))]"];
    let ends = tests
        .iter()
        .filter_map(|cfg| text.find(&format!("{cfg}\nmod tests")));
    let end = ends.min().unwrap_or(text.len());
    let line = |line: &str| line.split("//").next().unwrap_or_default().to_owned();
    text[..end].lines().map(line).collect::<Vec<_>>().join("\n")
}

/// The names of items that stand at the beginning of a line.
fn items(code: &str) -> BTreeSet<String> {
    let kinds = [
        "fn",
        "struct",
        "enum",
        "trait",
        "type",
        "const",
        "static",
        "macro_rules!",
    ];
    let mut out = BTreeSet::new();
    for line in code.lines().filter(|line| !line.starts_with(' ')) {
        let mut words = line.split_whitespace().peekable();
        while words
            .next_if(|word| word.starts_with("pub") || *word == "async")
            .is_some()
        {}
        if words.peek() == Some(&"const") && line.contains(" fn ") {
            words.next();
        }
        if words.next().is_some_and(|word| kinds.contains(&word)) {
            let name = words.next().unwrap_or_default();
            out.insert(
                name.chars()
                    .take_while(|c| c.is_alphanumeric() || *c == '_')
                    .collect(),
            );
        }
    }
    out
}

/// All paths of a `use` tree such as `super::{a, b::{C, D}}`.
fn expand(tree: &str) -> Vec<String> {
    let Some((before, inner)) = tree.split_once('{') else {
        let path = tree.split(" as ").next().unwrap_or_default();
        return vec![path.split_whitespace().collect()];
    };
    let inner = inner.strip_suffix('}').unwrap_or(inner);
    let (mut parts, mut depth) = (vec![String::new()], 0_i32);
    for c in inner.chars() {
        depth += i32::from(c == '{') - i32::from(c == '}');
        match parts.last_mut() {
            Some(part) if c != ',' || depth > 0 => part.push(c),
            _ => parts.push(String::new()),
        }
    }
    let parts = parts.iter().filter(|part| !part.trim().is_empty());
    let all = parts.flat_map(|part| expand(part.trim()));
    all.map(|path| format!("{}{path}", before.trim())).collect()
}

fn file(text: &str, this: &Module, all: &BTreeSet<Module>) -> File {
    let code = code(text);
    let path = |text: &str| -> Vec<String> { text.split("::").map(str::to_owned).collect() };
    let below = |first: &str| all.contains(&[this.as_slice(), &[first.to_owned()]].concat());
    let (mut exports, mut uses) = (Vec::new(), Vec::new());
    let mut rest = String::new();
    let mut statement: Option<(bool, String)> = None;
    for line in code.lines() {
        let trimmed = line.trim_start();
        if statement.is_none() {
            let (shown, of_use) = match trimmed.split_once("use ") {
                Some(("", of_use)) => (false, of_use),
                Some((before, of_use)) if before.starts_with("pub") => (true, of_use),
                _ => {
                    rest.push_str(line);
                    rest.push('\n');
                    continue;
                }
            };
            statement = Some((shown, of_use.to_owned()));
        } else if let Some((_, text)) = &mut statement {
            text.push_str(trimmed);
        }
        if let Some((shown, text)) = statement.take_if(|(_, text)| text.contains(';')) {
            for one in expand(text.split(';').next().unwrap_or_default().trim()) {
                let one = path(&one);
                if shown && below(&one[0]) {
                    exports.push(one);
                } else {
                    uses.push(one);
                }
            }
        }
    }
    let word = |c: char| c.is_alphanumeric() || c == '_' || c == ':';
    for found in rest
        .split(|c| !word(c))
        .filter(|found| found.contains("::"))
    {
        let one = path(found);
        if ["super", "crate"].contains(&one[0].as_str()) || below(&one[0]) {
            uses.push(one);
        }
    }
    File {
        items: items(&code),
        exports,
        uses,
    }
}

/// The file that a path leads to.
pub fn resolve(from: &Module, path: &[String], files: &BTreeMap<Module, File>) -> Option<Module> {
    let mut at = from.clone();
    let mut rest = path;
    match path.first()?.as_str() {
        "crate" => (at, rest) = (Vec::new(), &path[1..]),
        "self" => rest = &path[1..],
        "super" => {
            while rest.first().is_some_and(|part| part == "super") {
                at.pop();
                rest = &rest[1..];
            }
        }
        first if files.contains_key(&[from.as_slice(), &[first.to_owned()]].concat()) => {}
        _ => return None,
    }
    while let Some((next, more)) = rest.split_first() {
        let inner = [at.as_slice(), std::slice::from_ref(next)].concat();
        if files.contains_key(&inner) {
            (at, rest) = (inner, more);
            continue;
        }
        let file = files.get(&at)?;
        if !file.items.contains(next) {
            let export = file.exports.iter().find(|path| path.last() == Some(next));
            if let Some(export) = export {
                return resolve(&at, export, files);
            }
        }
        break;
    }
    files.contains_key(&at).then_some(at)
}

/// All files of the sources.
pub fn files() -> BTreeMap<Module, File> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut paths = Vec::new();
    sources(&root, &mut paths);
    let text = |path: &PathBuf| fs::read_to_string(path).expect("a source");
    let named = |path: &PathBuf| module(path.strip_prefix(&root).expect("below src"));
    let all: BTreeSet<Module> = paths.iter().map(named).collect();
    paths
        .iter()
        .map(|path| (named(path), file(&text(path), &named(path), &all)))
        .collect()
}

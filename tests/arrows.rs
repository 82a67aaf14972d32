//! The modules depend on each other one way, in the order of ARCHITECTURE.md.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// From what everything may use to what nothing may use.
const ORDER: [&str; 16] = [
    "base",
    "charts",
    "prices",
    "record",
    "transcripts",
    "format",
    "store",
    "auto",
    "git",
    "fleet",
    "cache",
    "front",
    "merge",
    "sync",
    "report",
    "cli",
];

fn sources(folder: &Path, out: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder of sources").flatten() {
        let path = entry.path();
        if path.is_dir() {
            sources(&path, out);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            out.push(path);
        }
    }
}

fn place(module: &str) -> Option<usize> {
    ORDER.iter().position(|name| *name == module)
}

#[test]
fn no_arrow_points_back() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&root, &mut files);
    let mut arrows = 0;
    let mut wrong = Vec::new();
    for file in &files {
        let inside = file.strip_prefix(&root).expect("below src");
        let module = inside
            .components()
            .next()
            .and_then(|part| part.as_os_str().to_str())
            .expect("a module");
        // The crate's root and the two binaries stand outside the order.
        let Some(from) = place(module) else { continue };
        let text = fs::read_to_string(file).expect("a source");
        for (at, line) in text.lines().enumerate() {
            for used in line.split("crate::").skip(1) {
                let name: String = used
                    .chars()
                    .take_while(|c| c.is_ascii_lowercase() || *c == '_')
                    .collect();
                let Some(to) = place(&name) else {
                    panic!(
                        "{}:{}: module {name} has no place in the order",
                        inside.display(),
                        at + 1
                    )
                };
                arrows += 1;
                if to > from {
                    wrong.push(format!(
                        "{}:{}: {module} uses {name}",
                        inside.display(),
                        at + 1
                    ));
                }
            }
        }
    }
    assert!(
        arrows > 100,
        "the test has lost sight of the sources: {arrows} arrows"
    );
    assert!(wrong.is_empty(), "these point back:\n{}", wrong.join("\n"));
}

/// A file of the sources, by the names of its modules: `report/blocks/table.rs` is `[report, blocks, table]`.
type Module = Vec<String>;

/// What one file defines and uses.
struct File {
    /// Items that it defines.
    items: BTreeSet<String>,
    /// Paths that it re-exports from files below it.
    exports: Vec<Vec<String>>,
    /// Paths that it uses otherwise.
    uses: Vec<Vec<String>>,
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
fn resolve(from: &Module, path: &[String], files: &BTreeMap<Module, File>) -> Option<Module> {
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
fn files() -> BTreeMap<Module, File> {
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

#[test]
fn files_of_a_room_form_no_circle() {
    let files = files();
    let mut arrows = 0;
    for room in ORDER {
        let inside = |module: &Module| module.first().is_some_and(|first| first == room);
        let mut left: BTreeMap<&Module, BTreeSet<Module>> = BTreeMap::new();
        for (module, file) in files.iter().filter(|(module, _)| inside(module)) {
            let used = file
                .uses
                .iter()
                .filter_map(|path| resolve(module, path, &files));
            let used: BTreeSet<Module> = used.filter(|to| to != module && inside(to)).collect();
            arrows += used.len();
            left.insert(module, used);
        }
        // Take away files that use none of those that are left, until there is none.
        loop {
            let there: BTreeSet<Module> = left.keys().map(|module| (*module).clone()).collect();
            left.retain(|_, used| used.iter().any(|to| there.contains(to)));
            if left.len() == there.len() {
                break;
            }
        }
        let circle: Vec<String> = left.keys().map(|module| module.join("/")).collect();
        assert!(
            circle.is_empty(),
            "files of {room} that form a circle, or use some that do: {circle:?}"
        );
    }
    assert!(
        arrows > 150,
        "the test has lost sight of the sources: {arrows} arrows"
    );
}

/// A reader who opens a file below a `mod.rs` need not read that too: it declares and re-exports, and
/// types that its files share have files of their own.
#[test]
fn no_file_uses_items_of_the_mod_above_it() {
    let files = files();
    let is_above = |to: &Module, from: &Module| to.len() < from.len() && from.starts_with(to);
    let mut wrong = Vec::new();
    for (from, file) in files.iter().filter(|(from, _)| !from.is_empty()) {
        let used = file
            .uses
            .iter()
            .filter_map(|path| resolve(from, path, &files));
        for to in used.filter(|to| !to.is_empty() && is_above(to, from)) {
            wrong.push(format!("{} uses {}", from.join("/"), to.join("/")));
        }
    }
    assert!(
        wrong.is_empty(),
        "these point back up:\n{}",
        wrong.join("\n")
    );
}

/// A call as ARCHITECTURE.md lists it: the file and the function or type that are used, and the
/// file that uses them.
struct Call {
    from: Option<Module>,
    to: Module,
    function: String,
}

/// The block `calls` of ARCHITECTURE.md: one function or type a line, indented below the function
/// that uses it.
fn listed_calls(files: &BTreeMap<Module, File>) -> Vec<Call> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("ARCHITECTURE.md");
    let text = fs::read_to_string(path).expect("ARCHITECTURE.md");
    let (_, block) = text.split_once("```calls\n").expect("the block of calls");
    let (block, _) = block.split_once("```").expect("the end of the block");
    let mut callers: Vec<Module> = Vec::new();
    let mut out = Vec::new();
    for line in block.lines() {
        let depth = (line.len() - line.trim_start().len()) / 2;
        let name = line.split_whitespace().next().expect("a function");
        let absolute: Vec<String> = format!("crate::{name}")
            .split("::")
            .map(str::to_owned)
            .collect();
        let to = resolve(&Vec::new(), &absolute, files).expect("a path of a function");
        callers.truncate(depth);
        out.push(Call {
            from: callers.last().cloned(),
            to: to.clone(),
            function: absolute.last().cloned().unwrap_or_default(),
        });
        callers.push(to);
    }
    out
}

#[test]
fn a_run_calls_what_architecture_lists() {
    let files = files();
    let calls = listed_calls(&files);
    let used = |from: &Module| -> BTreeSet<Module> {
        let paths = files[from].uses.iter().chain(&files[from].exports);
        let direct: BTreeSet<Module> = paths
            .filter_map(|path| resolve(from, path, &files))
            .collect();
        // `use crate::sync::clear` and then `clear::prepare` reaches what `clear` re-exports.
        let reached = direct.iter().flat_map(|to| {
            let exports = files[to].exports.iter();
            exports.filter_map(|path| resolve(to, path, &files))
        });
        direct.iter().cloned().chain(reached).collect()
    };
    for Call { from, to, function } in &calls {
        let name = to.join("::");
        assert!(
            files[to].items.contains(function),
            "{name} has no {function}"
        );
        if let Some(from) = from {
            let from_name = from.join("::");
            assert!(
                from == to || used(from).contains(to),
                "{from_name} does not import {name}"
            );
        }
    }
    // The other way round: a stage that a run or a preview imports is listed below it.
    let is_stage = |to: &&Module| {
        let shared = ["sync/stages/context", "sync/stages/assemble/job"];
        to.get(1).is_some_and(|room| room == "stages") && !shared.contains(&to.join("/").as_str())
    };
    for caller in ["run", "preview"] {
        let from: Module = vec!["sync".to_owned(), caller.to_owned()];
        let below = calls
            .iter()
            .filter(|call| call.from.as_ref() == Some(&from));
        let listed: BTreeSet<&Module> = below.map(|call| &call.to).filter(is_stage).collect();
        let imports = used(&from);
        let imported: BTreeSet<&Module> = imports.iter().filter(is_stage).collect();
        assert_eq!(listed, imported, "stages of sync::{caller}");
    }
}

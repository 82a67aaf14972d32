//! A run calls what ARCHITECTURE.md lists.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use crate::source::{File, Module, files, resolve};

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

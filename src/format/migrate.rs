//! From one major version of the format to the next.
//!
//! Minor versions only add optional members and need no migration. A major version moves or changes
//! existing files, so that older tools must not write it: they ask for an update. Migrating is one
//! commit that changes every file and loses nothing; git keeps the old one.

use std::collections::BTreeMap;

use serde_json::Value;

use super::error::FormatError;
use super::limits::{MAX_DAY_FILE, MAX_SYNC_FILE};

/// What a file is, as far as migrating goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Shape {
    /// One JSON object: a machine file, a manifest.
    Whole,
    /// An object a line, the first with the version: a day file.
    Lines,
}

/// A step from one major version to the next.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Step {
    /// The major version that it starts from.
    pub(crate) from: u32,
    /// The version that it writes.
    pub(crate) to: &'static str,
    /// Changes an object: a whole file, or a line.
    pub(crate) change: fn(Shape, Value) -> Value,
}

/// The steps that this tool knows. There is one major version so far.
pub(crate) const STEPS: &[Step] = &[];

/// The version that a file states.
pub(crate) fn version(shape: Shape, bytes: &[u8]) -> Option<String> {
    let first = match shape {
        Shape::Whole => bytes,
        Shape::Lines => bytes.split(|b| *b == b'\n').next()?,
    };
    let value: Value = serde_json::from_slice(first).ok()?;
    value.get("version")?.as_str().map(str::to_owned)
}

/// A file after all steps that apply to it; none where none does. A line that is no JSON stays as
/// it is.
pub(crate) fn migrate(
    shape: Shape,
    bytes: &[u8],
    steps: &[Step],
) -> Result<Option<Vec<u8>>, FormatError> {
    let most = MAX_DAY_FILE.max(MAX_SYNC_FILE);
    if bytes.len() > most {
        return Err(FormatError::TooLarge {
            size: bytes.len(),
            most,
        });
    }
    let mut text = bytes.to_vec();
    let mut changed = false;
    for step in steps {
        let major = version(shape, &text)
            .and_then(|version| version.split('.').next()?.parse::<u32>().ok());
        if major != Some(step.from) {
            continue;
        }
        changed = true;
        text = match shape {
            Shape::Whole => {
                let value = serde_json::from_slice(&text)
                    .map_err(|error| FormatError::Malformed(error.to_string()))?;
                let value = stamped(step, (step.change)(shape, value));
                format!("{value:#}\n").into_bytes()
            }
            Shape::Lines => migrate_lines(step, &text),
        };
    }
    Ok(changed.then_some(text))
}

/// A file of lines after one step.
fn migrate_lines(step: &Step, text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let lines = text.split(|b| *b == b'\n').filter(|line| !line.is_empty());
    for (at, line) in lines.enumerate() {
        match serde_json::from_slice::<Value>(line) {
            Ok(value) => {
                let mut value = (step.change)(Shape::Lines, value);
                if at == 0 {
                    value = stamped(step, value);
                }
                out.extend(value.to_string().into_bytes());
            }
            Err(_) => out.extend_from_slice(line),
        }
        out.push(b'\n');
    }
    out
}

fn stamped(step: &Step, mut value: Value) -> Value {
    if let Some(object) = value.as_object_mut() {
        object.insert("version".to_owned(), step.to.into());
    }
    value
}

/// How many files have which version.
pub(crate) type Versions = BTreeMap<String, u64>;

//! Spellings of a model's name: without what routers and clouds add to it.

use super::model::split_at_part;

/// Endings that select an effort of reasoning.
const EFFORTS: [&str; 7] = [
    "-minimal", "-low", "-medium", "-high", "-xhigh", "-none", "-auto",
];
/// Beginnings of names that may have such an ending.
const WITH_EFFORT: [&str; 7] = ["gpt-", "gemini-", "o1", "o3", "o4", "codex-", "grok-"];

/// The spellings of a name so far, each with the changes that led to it.
struct Spellings(Vec<(String, Vec<&'static str>)>);

impl Spellings {
    /// Applies a change to every spelling so far, and adds the results.
    fn change(&mut self, why: &'static str, with: impl Fn(&str) -> Option<String>) {
        for at in 0..self.0.len() {
            if let Some(name) = with(&self.0[at].0).filter(|name| name.len() > 2) {
                let why = self.0[at].1.iter().copied().chain([why]).collect();
                self.0.push((name, why));
            }
        }
    }
}

/// All spellings of a name, each with the changes made to it, in order.
pub(super) fn spellings(id: &str) -> Vec<(String, Vec<&'static str>)> {
    let mut out = Spellings(vec![(id.to_owned(), Vec::new())]);
    out.change("without the mark of the newest version", |name| {
        without(name, &["@default", "-latest", ":latest"])
    });
    if WITH_EFFORT.iter().any(|begin| id.starts_with(begin)) {
        out.change("without the effort", |name| without(name, &EFFORTS));
    }
    out.change("without the date", undated);
    out.change("with a dot in the version", dotted);
    if id.starts_with("gemini-") {
        out.change("without the mark of thinking", |name| {
            without(name, &["-thinking"])
        });
        out.change("as its preview", |name| {
            let is_preview = split_at_part(name, "preview").is_some();
            (!is_preview).then(|| format!("{name}-preview"))
        });
    }
    out.0
}

/// The name without the first of these endings that it has.
fn without(name: &str, endings: &[&str]) -> Option<String> {
    endings
        .iter()
        .find_map(|ending| name.strip_suffix(ending))
        .map(str::to_owned)
}

/// The name without a date at the end: `-20250807`, `-2025-08-07`, `@20250807`.
fn undated(name: &str) -> Option<String> {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let (base, last) = name.rsplit_once(['-', '@'])?;
    if last.len() == 8 && last.starts_with("20") && digits(last) {
        return Some(base.to_owned());
    }
    let (base, middle) = base.rsplit_once('-')?;
    let (base, first) = base.rsplit_once('-')?;
    let date = first.len() == 4 && first.starts_with("20") && middle.len() == 2 && last.len() == 2;
    (date && [first, middle, last].into_iter().all(digits)).then(|| base.to_owned())
}

/// The name with a dot for the first dash between two single digits, which are a version:
/// `glm-4-6`.
fn dotted(name: &str) -> Option<String> {
    let bytes = name.as_bytes();
    let digit = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_digit);
    let single = |at: usize| digit(at) && !digit(at + 1) && !(at > 0 && digit(at - 1));
    let at = (1..bytes.len()).find(|at| bytes[*at] == b'-' && single(at - 1) && single(at + 1))?;
    Some(format!("{}.{}", &name[..at], &name[at + 1..]))
}

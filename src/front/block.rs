//! The block of README.md that claude-sync writes, and the user's text around it.

use crate::git::repo::Repo;

pub(super) const BEGIN: &str = "<!-- claude-sync: begin";
pub(super) const END: &str = "<!-- claude-sync: end -->\n";

/// A block with nothing in it, which the next run fills.
pub(crate) const EMPTY: &str = "<!-- claude-sync: begin -->\n<!-- claude-sync: end -->\n";

/// README.md around the block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Split<'t> {
    /// The text of the user above it.
    pub(crate) before: &'t str,
    /// The block, with its first and its last line.
    pub(crate) block: &'t str,
    /// The text of the user below it.
    pub(crate) after: &'t str,
}

impl<'t> Split<'t> {
    /// Finds the block. `None` if there is none, or if it has no end.
    pub(crate) fn of(text: &'t str) -> Option<Self> {
        let begin = text
            .find(BEGIN)
            .filter(|at| *at == 0 || text[..*at].ends_with('\n'))?;
        let end = begin + text[begin..].find(END)? + END.len();
        Some(Self {
            before: &text[..begin],
            block: &text[begin..end],
            after: &text[end..],
        })
    }

    /// The text with another block.
    pub(crate) fn with(&self, block: &str) -> String {
        format!("{}{block}{}", self.before, self.after)
    }

    /// The rules, the inputs and the files that the block's first line names.
    pub(super) fn marks(&self) -> (u64, &'t str, &'t str) {
        let words: Vec<&str> = self
            .block
            .lines()
            .next()
            .unwrap_or_default()
            .split(' ')
            .collect();
        let named = |name: &str| {
            words
                .iter()
                .find_map(|word| word.strip_prefix(name))
                .unwrap_or_default()
        };
        (
            named("rules=").parse().unwrap_or(0),
            named("inputs="),
            named("files="),
        )
    }
}

/// Joins two versions of README.md: the user's text as git merges it, and the greater block, which
/// is recomputed later.
pub(crate) fn join_readme(base: Option<&[u8]>, a: &[u8], b: &[u8]) -> Option<Vec<u8>> {
    let text = |bytes| std::str::from_utf8(bytes).ok();
    let (mine, theirs) = (text(a)?, text(b)?);
    let emptied =
        |text: &str| Split::of(text).map_or_else(|| text.to_owned(), |split| split.with(EMPTY));
    let base = base.and_then(text).map(emptied);
    // Ordered, so that two machines that join the same versions get the same text.
    let (first, second) = (emptied(mine.min(theirs)), emptied(mine.max(theirs)));
    let joined = if first == second {
        first.into_bytes()
    } else {
        Repo::merge_text(
            base.as_deref().map(str::as_bytes),
            first.as_bytes(),
            second.as_bytes(),
        )?
    };
    let block = [mine, theirs]
        .into_iter()
        .filter_map(Split::of)
        .map(|split| split.block)
        .max();
    let joined = String::from_utf8(joined).ok()?;
    Some(match (Split::of(&joined), block) {
        (Some(split), Some(block)) => split.with(block).into_bytes(),
        _ => joined.into_bytes(),
    })
}

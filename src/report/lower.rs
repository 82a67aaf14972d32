//! Output that is a lower bound: of requests whose final counts Claude Code did not log.

use crate::base::text::{count, thousands};
use crate::base::time::Timestamp;
use crate::fleet::Row;
use crate::record::version;

/// Requests without final counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Lower {
    /// How many.
    pub(crate) requests: u64,
    /// Their output tokens, as far as they were logged.
    pub(crate) output: u64,
    /// The first and the last of them.
    pub(crate) span: Option<(Timestamp, Timestamp)>,
    /// How many of them subagents made.
    pub(crate) subagents: u64,
    /// The lowest and the highest version of Claude Code that made them, where it is known.
    pub(crate) versions: Option<([u32; 3], [u32; 3])>,
}

impl Lower {
    /// Adds a row, if it is such a request.
    pub(super) fn add(&mut self, row: &Row) {
        if row.provisional {
            let versions = row
                .client
                .and_then(|client| version(&client.version))
                .map(|version| (version, version));
            let one = Self {
                requests: row.totals.requests,
                output: row.totals.counters.output,
                span: Some((row.at, row.at)),
                subagents: if row.sidechain {
                    row.totals.requests
                } else {
                    0
                },
                versions,
            };
            *self = self.plus(one);
        }
    }

    /// Both together.
    #[must_use]
    pub(super) fn plus(self, other: Self) -> Self {
        Self {
            requests: self.requests.saturating_add(other.requests),
            output: self.output.saturating_add(other.output),
            span: around(self.span, other.span),
            subagents: self.subagents.saturating_add(other.subagents),
            versions: around(self.versions, other.versions),
        }
    }

    /// The note of a report about them; `None` if they are at most a hundredth of its output
    /// tokens.
    pub(super) fn line(&self, output: u64) -> Option<String> {
        let percent = u128::from(self.output)
            .saturating_mul(100)
            .checked_div(u128::from(output))?;
        let (first, last) = self
            .span
            .filter(|_| u128::from(self.output).saturating_mul(100) > u128::from(output))?;
        let days = if first.day() == last.day() {
            format!("on {}", first.day())
        } else {
            format!("from {} to {}", first.day(), last.day())
        };
        let who = self
            .versions()
            .map_or("Claude Code".to_owned(), |versions| {
                format!("Claude Code {versions}")
            });
        let subagents = if self.subagents > 0 {
            format!(" ({} by subagents)", thousands(self.subagents))
        } else {
            String::new()
        };
        Some(format!(
            "{percent}% of output tokens are lower bounds: {who} logged no final counts of {}{subagents} {days}.",
            count(self.requests, "request")
        ))
    }

    /// The versions of Claude Code that made them, such as `2.1.20 to 2.1.59`.
    pub(super) fn versions(&self) -> Option<String> {
        let text = |[a, b, c]: [u32; 3]| format!("{a}.{b}.{c}");
        self.versions.map(|(first, last)| {
            if first == last {
                text(first)
            } else {
                format!("{} to {}", text(first), text(last))
            }
        })
    }
}

/// From the first to the last of both.
fn around<T: Ord>(one: Option<(T, T)>, other: Option<(T, T)>) -> Option<(T, T)> {
    [one, other]
        .into_iter()
        .flatten()
        .reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hundredth_of_the_output_is_not_worth_a_line() {
        let at = |text: &str| Timestamp::parse(text).expect("a time");
        let one = Lower {
            requests: 1,
            output: 10,
            span: Some((at("2026-03-01T01:00:00Z"), at("2026-03-01T01:00:00Z"))),
            ..Lower::default()
        };
        assert_eq!(one.line(1000), None);
        assert_eq!(one.line(0), None);
        assert!(
            one.line(999)
                .expect("a line")
                .starts_with("1% of output tokens are lower bounds")
        );
        let span = Some((at("2026-02-01T01:00:00Z"), at("2026-02-02T01:00:00Z")));
        let two = one.plus(Lower {
            span,
            subagents: 1,
            versions: Some(([2, 1, 9], [2, 1, 20])),
            ..one
        });
        let note = two.line(100).expect("a line");
        let want = "Claude Code 2.1.9 to 2.1.20 logged no final counts of 2 requests (1 by subagents) from 2026-02-01 to 2026-03-01.";
        assert!(note.ends_with(want), "{note}");
    }
}

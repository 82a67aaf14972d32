//! Output that is a lower bound: of requests whose final counts Claude Code did not log.

use crate::base::text::count;
use crate::base::time::Timestamp;
use crate::fleet::Row;

/// Requests without final counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Lower {
    /// How many.
    pub requests: u64,
    /// Their output tokens, as far as they were logged.
    pub output: u64,
    /// The first and the last of them.
    pub span: Option<(Timestamp, Timestamp)>,
}

impl Lower {
    /// Adds a row, if it is such a request.
    pub(super) fn add(&mut self, row: &Row) {
        if row.provisional {
            let one = Self {
                requests: row.totals.requests,
                output: row.totals.counters.output,
                span: Some((row.at, row.at)),
            };
            *self = self.plus(one);
        }
    }

    /// Both together.
    #[must_use]
    pub(super) fn plus(self, other: Self) -> Self {
        let span = [self.span, other.span]
            .into_iter()
            .flatten()
            .reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)));
        Self {
            requests: self.requests.saturating_add(other.requests),
            output: self.output.saturating_add(other.output),
            span,
        }
    }

    /// What a report says of them; nothing where they make up no more than a hundredth of its output tokens.
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
        Some(format!(
            "{percent}% of output tokens are lower bounds: no final counts were logged of {} {days}.",
            count(self.requests, "request")
        ))
    }
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
        };
        assert_eq!(one.line(1000), None);
        assert_eq!(one.line(0), None);
        assert!(
            one.line(999)
                .expect("a line")
                .starts_with("1% of output tokens are lower bounds")
        );
        let two = one.plus(Lower {
            span: Some((at("2026-02-01T01:00:00Z"), at("2026-02-02T01:00:00Z"))),
            ..one
        });
        assert!(
            two.line(100)
                .expect("a line")
                .contains("of 2 requests from 2026-02-01 to 2026-03-01.")
        );
    }
}

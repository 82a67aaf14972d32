//! The price book: prices and discounts that the user sets, by model pattern and UTC day.

use super::model::split_at_part;
use super::rates::{Rates, Row, Spans, WHOLE};
use crate::base::money::Money;
use crate::base::time::Day;

const PER_MILLION: u128 = 1_000_000;

/// Rates that the user sets, in USD per million tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct OwnRates {
    /// Tokens of the prompt.
    pub(crate) input: Money,
    /// Tokens of the answer.
    pub(crate) output: Money,
    /// Tokens read from the cache; default: `input`.
    pub(crate) cache_read: Option<Money>,
    /// Tokens written to the cache for five minutes; default: `input`.
    pub(crate) cache_write: Option<Money>,
    /// Tokens written to the cache for an hour; default: the rate for five minutes.
    pub(crate) cache_write_1h: Option<Money>,
    /// USD per web search.
    pub(crate) web_search: Money,
}

/// What a rule does to a price.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Change {
    /// Replaces the price.
    Set(OwnRates),
    /// Multiplies the price by a factor in thousandths. A model without a price keeps none.
    Multiply(u64),
}

/// A price or a discount for some models on some days.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Rule {
    /// The models: a name in lower case, with `*` for any characters. It is compared with the name
    /// in the record and with the name of its row in the built-in table.
    pub(crate) pattern: String,
    /// The first UTC day; `None`: no lower bound.
    pub(crate) from: Option<Day>,
    /// The last UTC day; `None`: no upper bound.
    pub(crate) to: Option<Day>,
    /// What it does to the price.
    pub(crate) change: Change,
}

/// The rules, in the order in which they apply: of two that set a price for one day, the later
/// one counts.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct PriceBook(pub(crate) Vec<Rule>);

impl OwnRates {
    /// The rates in the order of the fields; `-` where there is none.
    fn text(&self) -> String {
        let rates = [
            Some(self.input),
            Some(self.output),
            self.cache_read,
            self.cache_write,
            self.cache_write_1h,
            Some(self.web_search),
        ];
        let text =
            |rate: Option<Money>| rate.map_or_else(|| "-".to_owned(), |rate| rate.to_string());
        format!("set {}", rates.map(text).join(" "))
    }

    fn row(&self) -> Row {
        let rate = |money: Money| money.pico() / PER_MILLION;
        let input = rate(self.input);
        let write_5m = self.cache_write.map_or(input, rate);
        let rates = Rates {
            input,
            output: rate(self.output),
            read: self.cache_read.map_or(input, rate),
            write_5m,
            write_1h: self.cache_write_1h.map_or(write_5m, rate),
        };
        Row {
            rates,
            tiers: Vec::new(),
            fast_permille: WHOLE,
            us_permille: WHOLE,
            web_search: self.web_search.pico(),
        }
    }
}

impl Rule {
    fn matches(&self, names: &[&str]) -> bool {
        let pattern = self.pattern.to_lowercase();
        names
            .iter()
            .any(|name| glob(&pattern, &name.to_lowercase()))
    }

    /// Pattern, days and change; `-` where there is none. No pattern has a space in it.
    fn text(&self) -> String {
        let day = |day: Option<Day>| day.map_or_else(|| "-".to_owned(), |day| day.to_string());
        let change = match &self.change {
            Change::Set(rates) => rates.text(),
            Change::Multiply(permille) => format!("multiply {permille}"),
        };
        format!(
            "{} {} {} {change}\n",
            self.pattern,
            day(self.from),
            day(self.to)
        )
    }

    fn apply(&self, spans: &Spans) -> Spans {
        let from = self.from.map_or(i64::MIN, |day| day.start().millis());
        // UTC days have 86,400,000 ms; the last representable day is far below i64::MAX.
        let end = self.to.map_or(i64::MAX, |day| {
            day.start().millis().saturating_add(86_400_000)
        });
        spans.changed(from, end, |row| match &self.change {
            Change::Set(rates) => Some(rates.row()),
            Change::Multiply(permille) => row.map(|row| row.scaled(u128::from(*permille))),
        })
    }
}

impl PriceBook {
    /// Applies all rules to the rows of a model, which has any of `names`. Returns the rows, and
    /// whether any rule matched.
    pub(super) fn apply(&self, names: &[&str], spans: Spans) -> (Spans, bool) {
        let mut own = self.0.iter().filter(|rule| rule.matches(names)).peekable();
        let any = own.peek().is_some();
        (own.fold(spans, |spans, rule| rule.apply(&spans)), any)
    }

    /// All rules as text, a rule a line, for the fingerprint of prices.
    pub(super) fn text(&self) -> String {
        self.0.iter().map(Rule::text).collect()
    }
}

/// Whether a text matches a pattern; `*` stands for any characters.
fn glob(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else {
        return false;
    };
    let mut parts: Vec<_> = parts.collect();
    let Some(last) = parts.pop() else {
        return rest.is_empty();
    };
    for part in parts {
        match split_at_part(rest, part) {
            Some((_, after)) => rest = after,
            None => return false,
        }
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::super::{Counters, Prices};
    use super::*;

    fn money(text: &str) -> Money {
        Money::parse(text).expect("an amount")
    }

    fn set(pattern: &str, input: &str, from: Option<&str>, to: Option<&str>) -> Rule {
        let rates = OwnRates {
            input: money(input),
            output: money("4.4"),
            cache_read: Some(money("0.26")),
            cache_write: None,
            cache_write_1h: None,
            web_search: Money::ZERO,
        };
        let day = |text: Option<&str>| text.and_then(Day::parse);
        Rule {
            pattern: pattern.to_owned(),
            from: day(from),
            to: day(to),
            change: Change::Set(rates),
        }
    }

    fn multiply(pattern: &str, permille: u64) -> Rule {
        Rule {
            pattern: pattern.to_owned(),
            from: None,
            to: None,
            change: Change::Multiply(permille),
        }
    }

    fn cost(rules: Vec<Rule>, model: &str, day: &str) -> String {
        let prices = Prices::new(PriceBook(rules));
        let c = Counters {
            input: 1_000_000,
            ..Counters::default()
        };
        let cost = prices.cost(
            model,
            Day::parse(day).expect("a day").start(),
            &c,
            false,
            None,
        );
        if cost.known {
            cost.amount.to_string()
        } else {
            "unknown".to_owned()
        }
    }

    #[test]
    fn a_price_holds_on_its_days() {
        let rules = || {
            vec![set(
                "claude-new-*",
                "7",
                Some("2026-11-02"),
                Some("2026-11-03"),
            )]
        };
        for (day, want) in [
            ("2026-11-01", "unknown"),
            ("2026-11-02", "7"),
            ("2026-11-03", "7"),
            ("2026-11-04", "unknown"),
        ] {
            assert_eq!(cost(rules(), "claude-new-9", day), want, "{day}");
        }
        assert_eq!(
            cost(rules(), "claude-newer", "2026-11-02"),
            "unknown",
            "the pattern has a dash"
        );
        assert_eq!(
            cost(
                vec![set("claude-opus-4-8", "7", None, None)],
                "claude-opus-4-8",
                "2026-11-02"
            ),
            "7"
        );
    }

    #[test]
    fn a_discount_applies_to_the_tables_price_or_that_of_earlier_rules() {
        let half = |pattern: &str| multiply(pattern, 500);
        let two = || set("x", "2", None, None);
        let cases = [
            (vec![multiply("*opus*", 850)], "claude-opus-4-8", "4.25"),
            (vec![two(), half("x")], "x", "1"),
            (vec![half("x"), two()], "x", "2"),
            (vec![half("x")], "x", "unknown"),
            // A row of its own in the table, which the pattern does not match.
            (
                vec![half("claude-opus-4-8")],
                "us.anthropic.claude-opus-4-8",
                "5.5",
            ),
            // The pattern matches the name of the row.
            (
                vec![half("claude-opus-4-8")],
                "anthropic/claude-opus-4.8",
                "2.5",
            ),
        ];
        for (rules, model, want) in cases {
            assert_eq!(cost(rules.clone(), model, "2026-11-02"), want, "{rules:?}");
        }
    }

    #[test]
    fn a_book_has_a_fingerprint_of_its_own() {
        let of = |rules| Prices::new(PriceBook(rules)).fingerprint();
        assert_eq!(of(vec![]), super::super::fingerprint());
        let seen = [
            of(vec![]),
            of(vec![multiply("x", 500)]),
            of(vec![multiply("x", 501)]),
            of(vec![set("x", "2", None, None)]),
        ];
        assert_eq!(
            seen.iter().collect::<std::collections::BTreeSet<_>>().len(),
            seen.len()
        );
    }

    #[test]
    fn stars_match_any_characters() {
        for (pattern, text, want) in [
            ("a", "a", true),
            ("a", "ab", false),
            ("a*", "ab", true),
            ("*b", "ab", true),
            ("a*c*", "abcd", true),
            ("a*c", "acbc", true),
            ("*", "", true),
            ("", "a", false),
            ("a*a", "a", false),
        ] {
            assert_eq!(glob(pattern, text), want, "{pattern} {text}");
        }
    }
}

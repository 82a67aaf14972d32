//! What a request costs: the embedded, dated price table and the arithmetic.
//!
//! Source of the figures: litellm (see `claude.json`). Prices of retired models stay, so that old records keep their price.

mod bill;

use std::collections::BTreeMap;
use std::sync::OnceLock;

use serde::Deserialize;
use serde_json::Number;

use crate::base::money::{Cost, Money};
pub use bill::{Bill, Item};

/// What is billed in one request. All figures are token counts, but for `web_search`, which counts requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Counters {
    /// Prompt tokens that were neither written to nor read from the cache.
    pub input: u64,
    /// Tokens of the answer.
    pub output: u64,
    /// Tokens written to the cache, of both lifetimes.
    pub cache_creation: u64,
    /// Tokens read from the cache.
    pub cache_read: u64,
    /// The part of `cache_creation` that was written for an hour.
    pub cache_1h: u64,
    /// Web searches made by the server.
    pub web_search: u64,
}

impl Counters {
    /// The sum, each figure at most the largest there is.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self {
            input: self.input.saturating_add(other.input),
            output: self.output.saturating_add(other.output),
            cache_creation: self.cache_creation.saturating_add(other.cache_creation),
            cache_read: self.cache_read.saturating_add(other.cache_read),
            cache_1h: self.cache_1h.saturating_add(other.cache_1h),
            web_search: self.web_search.saturating_add(other.web_search),
        }
    }

    /// Each figure's remainder after taking `other` away, at least 0.
    #[must_use]
    pub const fn minus(self, other: Self) -> Self {
        Self {
            input: self.input.saturating_sub(other.input),
            output: self.output.saturating_sub(other.output),
            cache_creation: self.cache_creation.saturating_sub(other.cache_creation),
            cache_read: self.cache_read.saturating_sub(other.cache_read),
            cache_1h: self.cache_1h.saturating_sub(other.cache_1h),
            web_search: self.web_search.saturating_sub(other.web_search),
        }
    }

    /// The larger of each figure.
    #[must_use]
    pub fn max(self, other: Self) -> Self {
        Self {
            input: self.input.max(other.input),
            output: self.output.max(other.output),
            cache_creation: self.cache_creation.max(other.cache_creation),
            cache_read: self.cache_read.max(other.cache_read),
            cache_1h: self.cache_1h.max(other.cache_1h),
            web_search: self.web_search.max(other.web_search),
        }
    }

    /// All tokens: input, output, cache writes and cache reads.
    pub const fn total(&self) -> u64 {
        self.prompt().saturating_add(self.output)
    }

    /// All tokens of the prompt, which decide the price tier.
    pub const fn prompt(&self) -> u64 {
        self.input.saturating_add(self.cache_creation).saturating_add(self.cache_read)
    }
}

/// Picodollars per token.
#[derive(Debug, Clone, Copy)]
struct Rates {
    input: u128,
    output: u128,
    write_5m: u128,
    write_1h: u128,
    read: u128,
}

#[derive(Debug)]
struct Row {
    rates: Rates,
    /// Ascending thresholds in prompt tokens, each with the rates above it.
    tiers: Vec<(u64, Rates)>,
    fast_permille: u128,
    us_permille: u128,
    web_search: u128,
}

impl Rates {
    /// What is billed by the token: how many, and the rate of one.
    fn products(&self, counters: &Counters) -> [(&'static str, u64, u128); 5] {
        let hour = counters.cache_1h.min(counters.cache_creation);
        [
            ("input", counters.input, self.input),
            ("output", counters.output, self.output),
            ("cache_write_5m", counters.cache_creation - hour, self.write_5m),
            ("cache_write_1h", hour, self.write_1h),
            ("cache_read", counters.cache_read, self.read),
        ]
    }
}

impl Row {
    /// The rates for a request, and the threshold of their tier.
    fn rates(&self, counters: &Counters) -> (Option<u64>, &Rates) {
        let prompt = counters.prompt();
        let tier = self.tiers.iter().rev().find(|(above, _)| prompt > *above);
        tier.map_or((None, &self.rates), |(above, rates)| (Some(*above), rates))
    }
}

/// The table of prices by model.
#[derive(Debug)]
pub struct Prices {
    rows: BTreeMap<String, Row>,
    /// The month of the figures, `YYYY-MM`.
    pub as_of: String,
    /// Where they come from.
    pub source: String,
}

#[derive(Deserialize)]
struct RatesFile {
    input: Number,
    output: Number,
    cache_write_5m: Number,
    cache_write_1h: Number,
    cache_read: Number,
}

#[derive(Deserialize)]
struct RowFile {
    input: Number,
    output: Number,
    cache_write_5m: Number,
    cache_write_1h: Number,
    cache_read: Number,
    web_search: Option<Number>,
    fast: Option<Number>,
    us: Option<Number>,
    #[serde(default)]
    tiers: BTreeMap<u64, RatesFile>,
}

#[derive(Deserialize)]
struct TableFile {
    as_of: String,
    source: String,
    models: BTreeMap<String, RowFile>,
}

const PER_MILLION: u128 = 1_000_000;

fn per_token(dollars: &Number) -> u128 {
    Money::parse(dollars.as_str()).expect("a rate of the embedded table is a decimal").pico() / PER_MILLION
}

fn permille(factor: Option<&Number>) -> u128 {
    let pico = factor.map(|n| Money::parse(n.as_str()).expect("a factor of the embedded table is a decimal").pico());
    pico.unwrap_or(1_000_000_000_000) / 1_000_000_000
}

impl RatesFile {
    fn rates(&self) -> Rates {
        Rates {
            input: per_token(&self.input),
            output: per_token(&self.output),
            write_5m: per_token(&self.cache_write_5m),
            write_1h: per_token(&self.cache_write_1h),
            read: per_token(&self.cache_read),
        }
    }
}

impl RowFile {
    fn row(self) -> Row {
        Row {
            tiers: self.tiers.iter().map(|(above, rates)| (*above, rates.rates())).collect(),
            fast_permille: permille(self.fast.as_ref()),
            us_permille: permille(self.us.as_ref()),
            web_search: self.web_search.as_ref().and_then(|n| Money::parse(n.as_str())).unwrap_or_default().pico(),
            rates: RatesFile {
                input: self.input,
                output: self.output,
                cache_write_5m: self.cache_write_5m,
                cache_write_1h: self.cache_write_1h,
                cache_read: self.cache_read,
            }
            .rates(),
        }
    }
}

/// The embedded table.
///
/// # Panics
/// Never: a test reads the table that is compiled in.
pub fn prices() -> &'static Prices {
    static TABLE: OnceLock<Prices> = OnceLock::new();
    TABLE.get_or_init(|| {
        let file: TableFile = serde_json::from_str(include_str!("claude.json")).expect("the embedded table is well-formed");
        Prices { rows: file.models.into_iter().map(|(model, row)| (model, row.row())).collect(), as_of: file.as_of, source: file.source }
    })
}

impl Prices {
    /// The price of one request. `fast` is Claude Code's fast mode, `geo` the region that inference was bound to.
    ///
    /// A model without a row has an unknown price, not a price of 0.
    pub fn cost(&'static self, model: &str, counters: &Counters, fast: bool, geo: Option<&str>) -> Cost {
        self.of(model).cost(counters, fast, geo)
    }

    /// The price of several requests together, as if none of them passed a threshold: how long each was, nobody knows any more.
    pub fn cost_of_many(&'static self, model: &str, counters: &Counters) -> Cost {
        let Priced(Some(row)) = self.of(model) else {
            return Cost::UNKNOWN;
        };
        let add = |sum: u128, (_, count, rate): (_, u64, u128)| sum.saturating_add(u128::from(count).saturating_mul(rate));
        Cost::known(Money::from_pico(row.rates.products(counters).into_iter().fold(0, add)))
    }

    /// The prices of a model, to be asked for many requests.
    pub fn of(&'static self, model: &str) -> Priced {
        Priced(self.named_row(model).map(|(_, row)| row))
    }

    /// The row for a model as Claude Code, Bedrock or Vertex name it.
    ///
    /// `us.anthropic.claude-sonnet-4-20250514-v1:0`, `claude-sonnet-4@20250514` and `claude-sonnet-4-20250514[1m]` are one model, and
    /// a dated name whose date is not in the table has the price of the undated one.
    fn named_row(&self, model: &str) -> Option<(&str, &Row)> {
        let get = |name: &str| self.rows.get_key_value(name).map(|(name, row)| (name.as_str(), row));
        if let Some(row) = get(model) {
            return Some(row);
        }
        let name = model.split('[').next().unwrap_or(model);
        let name = &name[name.find("claude-")?..];
        let name = name.split(':').next().unwrap_or(name).replace('@', "-");
        let name = name.strip_suffix("-v1").or_else(|| name.strip_suffix("-v2")).unwrap_or(&name);
        get(name).or_else(|| {
            let (base, date) = name.rsplit_once('-')?;
            (date.len() == 8 && date.bytes().all(|b| b.is_ascii_digit())).then(|| get(base)).flatten()
        })
    }
}

/// What a model costs, if that is known.
#[derive(Debug, Clone, Copy)]
pub struct Priced(Option<&'static Row>);

impl Priced {
    /// As [`Prices::cost`].
    pub fn cost(self, counters: &Counters, fast: bool, geo: Option<&str>) -> Cost {
        let Some(row) = self.0 else {
            return Cost::UNKNOWN;
        };
        let (_, rates) = row.rates(counters);
        let add = |sum: u128, (_, count, rate): (_, u64, u128)| sum.saturating_add(u128::from(count).saturating_mul(rate));
        let tokens = rates.products(counters).into_iter().fold(0, add);
        let fast = if fast { row.fast_permille } else { 1000 };
        let us = if geo == Some("us") { row.us_permille } else { 1000 };
        let scaled = tokens.saturating_mul(fast).saturating_mul(us).saturating_add(500_000) / 1_000_000;
        Cost::known(Money::from_pico(scaled.saturating_add(u128::from(counters.web_search).saturating_mul(row.web_search))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cost(model: &str, counters: Counters, fast: bool, geo: Option<&str>) -> String {
        let cost = prices().cost(model, &counters, fast, geo);
        if cost.known { cost.amount.to_string() } else { "unknown".to_owned() }
    }

    #[test]
    fn cache_writes_are_billed_by_lifetime() {
        let c = Counters { cache_creation: 1_000_000, cache_1h: 400_000, ..Counters::default() };
        assert_eq!(cost("claude-opus-4-8", c, false, None), "7.75", "600,000 at 6.25 and 400,000 at 10");
    }

    #[test]
    fn a_tier_bills_the_whole_request() {
        let at = |read| Counters { input: 100_000, output: 10, cache_read: read, ..Counters::default() };
        assert_eq!(cost("claude-sonnet-4-20250514", at(100_000), false, None), "0.33015", "exactly at the threshold: not above it");
        assert_eq!(cost("claude-sonnet-4-20250514", at(100_001), false, None), "0.6602256");
        assert_eq!(
            prices().cost_of_many("claude-sonnet-4-20250514", &at(100_001)).amount.to_string(),
            "0.3301503",
            "of many: nobody knows"
        );
    }

    #[test]
    fn fast_mode_and_us_inference_multiply_everything_but_searches() {
        let c = Counters { input: 1_000_000, cache_read: 1_000_000, web_search: 2, ..Counters::default() };
        assert_eq!(cost("claude-opus-4-8", c, true, Some("us")), "12.12", "(5 + 0.5) x 2 x 1.1 + 2 x 0.01");
        assert_eq!(cost("claude-opus-4-8", c, false, Some("not_available")), "5.52");
    }

    #[test]
    fn names_of_clouds_and_unknown_models() {
        let c = Counters { input: 1_000_000, ..Counters::default() };
        for name in ["us.anthropic.claude-sonnet-4-20250514-v1:0", "claude-sonnet-4@20250514", "claude-sonnet-4-20250514[1m]"] {
            assert_eq!(cost(name, c, false, None), "6", "{name} (above 200,000)");
        }
        assert_eq!(cost("claude-opus-4-8-20270101", c, false, None), "5");
        for name in ["claude-opus-99", "gpt-5", "", "<synthetic>"] {
            assert_eq!(cost(name, c, false, None), "unknown", "{name}");
        }
    }

    #[test]
    fn absurd_counters_do_not_overflow() {
        let most = u64::MAX;
        let c = Counters { input: most, output: most, cache_creation: most, cache_read: most, cache_1h: most, web_search: most };
        assert!(prices().cost("claude-opus-4-8", &c, true, Some("us")).known);
    }
}

//! Bills: the arithmetic of a price, step by step, for `explain` and `price list`.

use super::counters::Counters;
use super::lookup::Prices;
use super::rates::{Row, WHOLE};
use crate::base::money::{Cost, Money};
use crate::base::time::Timestamp;

/// One product of a bill: a count times a rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Item {
    /// What is counted, such as `input` or `web_search`.
    pub(crate) what: &'static str,
    /// How many.
    pub(crate) count: u64,
    /// USD per million tokens; for `web_search`, USD per search.
    pub(crate) rate: Money,
    /// Count times rate, before factors.
    pub(crate) amount: Money,
}

/// The arithmetic of one request's price.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Bill {
    /// The row of the price table; the model's name if its price comes from the price book alone.
    pub(crate) row: String,
    /// Changes made to the name to find the row, in order.
    pub(crate) why: Vec<&'static str>,
    /// Source of the row's rates.
    pub(crate) source: String,
    /// Threshold of the tier in prompt tokens, if the rates are those of a tier.
    pub(crate) above: Option<u64>,
    /// Billed products, without those of count 0.
    pub(crate) items: Vec<Item>,
    /// Factor of fast mode on tokens, in thousandths, if it applies.
    pub(crate) fast: Option<u64>,
    /// Factor of inference in the US on tokens, in thousandths, if it applies.
    pub(crate) us: Option<u64>,
    /// The price of the request.
    pub(crate) cost: Cost,
}

impl Prices {
    /// The bill of one request, whose cost equals [`Prices::cost`]. `None` for a model without a
    /// price.
    pub(crate) fn bill(
        &self,
        model: &str,
        at: Timestamp,
        counters: &Counters,
        fast: bool,
        geo: Option<&str>,
    ) -> Option<Bill> {
        let priced = self.of(model);
        let row = priced.row(at)?;
        let model = priced.0.as_deref()?;
        let found = model.found.as_ref();
        Some(Bill {
            row: found.map_or(&model.name, |found| &found.row).clone(),
            why: found.map(|found| found.why.clone()).unwrap_or_default(),
            source: self.source_of(model).to_owned(),
            above: row.rates(counters).0,
            items: items(row, counters),
            fast: factor(fast, row.fast_permille),
            us: factor(geo == Some("us"), row.us_permille),
            cost: row.cost(counters, fast, geo),
        })
    }
}

/// The products of a request that are not 0: tokens by kind, then web searches.
fn items(row: &Row, counters: &Counters) -> Vec<Item> {
    let tokens = row.rates(counters).1.products(counters);
    let tokens = tokens.into_iter().map(|(what, count, rate)| Item {
        what,
        count,
        rate: Money::from_pico(rate.saturating_mul(1_000_000)),
        amount: Money::from_pico(u128::from(count).saturating_mul(rate)),
    });
    let searches = Item {
        what: "web_search",
        count: counters.web_search,
        rate: Money::from_pico(row.web_search),
        amount: Money::from_pico(u128::from(counters.web_search).saturating_mul(row.web_search)),
    };
    tokens
        .chain([searches])
        .filter(|item| item.count > 0)
        .collect()
}

/// A factor in thousandths, if it applies and is not 1.
fn factor(applies: bool, permille: u128) -> Option<u64> {
    (applies && permille != WHOLE).then(|| u64::try_from(permille).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::super::lookup::prices;
    use super::*;

    /// The amounts of a bill, added up with its factors, in picodollars.
    fn sum(bill: &Bill) -> u128 {
        let (searches, tokens): (Vec<_>, Vec<_>) = bill
            .items
            .iter()
            .partition(|item| item.what == "web_search");
        let sum = |items: &[&Item]| items.iter().map(|item| item.amount.pico()).sum::<u128>();
        let factor = |permille: Option<u64>| u128::from(permille.unwrap_or(1000));
        sum(&tokens) * factor(bill.fast) * factor(bill.us) / 1_000_000 + sum(&searches)
    }

    #[test]
    fn a_bill_adds_up_to_the_price() {
        let at = Timestamp::parse("2025-09-01T00:00:00Z").expect("a time");
        let c = Counters {
            input: 150_000,
            output: 70,
            cache_creation: 60_000,
            cache_read: 9,
            cache_1h: 10_000,
            web_search: 3,
        };
        let options = [
            (false, None),
            (true, None),
            (true, Some("us")),
            (false, Some("eu")),
        ];
        for (fast, geo) in options {
            for model in [
                "claude-opus-4-8",
                "claude-sonnet-4-20250514",
                "us.anthropic.claude-sonnet-4-20250514-v1:0",
            ] {
                let bill = prices()
                    .bill(model, at, &c, fast, geo)
                    .expect("a known model");
                assert_eq!(sum(&bill), bill.cost.amount.pico(), "{model} {bill:?}");
                assert_eq!(bill.cost, prices().cost(model, at, &c, fast, geo));
                let tier = (bill.row != "claude-opus-4-8").then_some(200_000);
                assert_eq!(bill.above, tier, "{bill:?}");
            }
        }
        assert_eq!(prices().bill("gpt-99", at, &c, false, None), None);
    }

    #[test]
    fn a_bill_names_its_row_and_why() {
        let at = Timestamp::EPOCH;
        let bill = prices()
            .bill(
                "bedrock/jp.anthropic.claude-haiku-4-5[1m]",
                at,
                &Counters::default(),
                false,
                None,
            )
            .expect("a known model");
        assert_eq!(bill.row, "claude-haiku-4-5");
        let why = [
            "without the mark in brackets",
            "Anthropic's own name for it",
            "a regional profile costs 1.1 times as much",
        ];
        assert_eq!(bill.why, why);
        let bill = prices()
            .bill("glm-5.1", at, &Counters::default(), false, None)
            .expect("a known model");
        assert_eq!(
            (bill.row.as_str(), bill.why.as_slice()),
            ("zai/glm-5.1", ["the maker's own price"].as_slice())
        );
        assert!(bill.source.starts_with("litellm 1."), "{}", bill.source);
    }
}

//! The arithmetic of a price, step by step, for people who ask where it comes from.

use super::counters::Counters;
use super::lookup::Prices;
use super::rates;
use crate::base::money::{Cost, Money};
use crate::base::time::Timestamp;

/// One product of a bill.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Item {
    /// What is counted: a member of the price list.
    pub what: &'static str,
    /// How many.
    pub count: u64,
    /// The price of a million tokens; of one search, where searches are counted.
    pub rate: Money,
    /// Their product, before factors.
    pub amount: Money,
}

/// How a request's price comes about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bill {
    /// The row of the price list; the name itself where the user set its price.
    pub row: String,
    /// What was changed about the name to find the row, in order.
    pub why: Vec<&'static str>,
    /// Where the row's figures come from.
    pub source: String,
    /// Above so many tokens of the prompt, where these rates are those of a tier.
    pub above: Option<u64>,
    /// What is billed; nothing that was not used.
    pub items: Vec<Item>,
    /// Fast mode multiplies tokens by so many thousandths.
    pub fast: Option<u64>,
    /// Inference bound to the US multiplies tokens by so many thousandths.
    pub us: Option<u64>,
    /// The sum.
    pub cost: Cost,
}

impl Prices {
    /// How [`Prices::cost`] comes to its result; none for a model without a row.
    pub fn bill(
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
        let (above, rates) = row.rates(counters);
        let item = |what, count: u64, rate: u128| Item {
            what,
            count,
            rate: Money::from_pico(rate.saturating_mul(1_000_000)),
            amount: Money::from_pico(u128::from(count).saturating_mul(rate)),
        };
        let tokens = rates
            .products(counters)
            .map(|(what, count, rate)| item(what, count, rate));
        let searches = Item {
            rate: Money::from_pico(row.web_search),
            ..item("web_search", counters.web_search, row.web_search)
        };
        let factor = |on: bool, permille: u128| {
            (on && permille != rates::WHOLE).then(|| u64::try_from(permille).unwrap_or(u64::MAX))
        };
        let found = model.found.as_ref();
        Some(Bill {
            row: found.map_or(&model.name, |found| &found.row).clone(),
            why: found.map(|found| found.why.clone()).unwrap_or_default(),
            source: self.source_of(model).to_owned(),
            above,
            items: tokens
                .into_iter()
                .chain([searches])
                .filter(|item| item.count > 0)
                .collect(),
            fast: factor(fast, row.fast_permille),
            us: factor(geo == Some("us"), row.us_permille),
            cost: row.cost(counters, fast, geo),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::lookup::prices;
    use super::*;

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
        for (fast, geo) in [
            (false, None),
            (true, None),
            (true, Some("us")),
            (false, Some("eu")),
        ] {
            for model in [
                "claude-opus-4-8",
                "claude-sonnet-4-20250514",
                "us.anthropic.claude-sonnet-4-20250514-v1:0",
            ] {
                let bill = prices()
                    .bill(model, at, &c, fast, geo)
                    .expect("a known model");
                let (searches, tokens): (Vec<_>, Vec<_>) = bill
                    .items
                    .iter()
                    .partition(|item| item.what == "web_search");
                let sum =
                    |items: &[&Item]| items.iter().map(|item| item.amount.pico()).sum::<u128>();
                let factor = |permille: Option<u64>| u128::from(permille.unwrap_or(1000));
                let scaled = sum(&tokens) * factor(bill.fast) * factor(bill.us) / 1_000_000;
                assert_eq!(
                    scaled + sum(&searches),
                    bill.cost.amount.pico(),
                    "{model} {bill:?}"
                );
                assert_eq!(bill.cost, prices().cost(model, at, &c, fast, geo));
                assert_eq!(
                    bill.above,
                    (bill.row != "claude-opus-4-8").then_some(200_000),
                    "{bill:?}"
                );
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

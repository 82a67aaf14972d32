//! The arithmetic of a price, step by step, for people who ask where it comes from.

use super::{Counters, Priced, Prices};
use crate::base::money::{Cost, Money};

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
    /// The row of the price list.
    pub row: String,
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
    pub fn bill(&'static self, model: &str, counters: &Counters, fast: bool, geo: Option<&str>) -> Option<Bill> {
        let (name, row) = self.named_row(model)?;
        let (above, rates) = row.rates(counters);
        let item = |what, count: u64, rate: u128| Item {
            what,
            count,
            rate: Money::from_pico(rate.saturating_mul(super::PER_MILLION)),
            amount: Money::from_pico(u128::from(count).saturating_mul(rate)),
        };
        let tokens = rates.products(counters).map(|(what, count, rate)| item(what, count, rate));
        let searches = Item { rate: Money::from_pico(row.web_search), ..item("web_search", counters.web_search, row.web_search) };
        let factor = |on: bool, permille: u128| (on && permille != 1000).then(|| u64::try_from(permille).unwrap_or(u64::MAX));
        Some(Bill {
            row: name.to_owned(),
            above,
            items: tokens.into_iter().chain([searches]).filter(|item| item.count > 0).collect(),
            fast: factor(fast, row.fast_permille),
            us: factor(geo == Some("us"), row.us_permille),
            cost: Priced(Some(row)).cost(counters, fast, geo),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::prices;
    use super::*;

    #[test]
    fn a_bill_adds_up_to_the_price() {
        let c = Counters { input: 150_000, output: 70, cache_creation: 60_000, cache_read: 9, cache_1h: 10_000, web_search: 3 };
        for (fast, geo) in [(false, None), (true, None), (true, Some("us")), (false, Some("eu"))] {
            for model in ["claude-opus-4-8", "claude-sonnet-4-20250514", "us.anthropic.claude-sonnet-4-20250514-v1:0"] {
                let bill = prices().bill(model, &c, fast, geo).expect("a known model");
                let (searches, tokens): (Vec<_>, Vec<_>) = bill.items.iter().partition(|item| item.what == "web_search");
                let sum = |items: &[&Item]| items.iter().map(|item| item.amount.pico()).sum::<u128>();
                let factor = |permille: Option<u64>| u128::from(permille.unwrap_or(1000));
                let scaled = sum(&tokens) * factor(bill.fast) * factor(bill.us) / 1_000_000;
                assert_eq!(scaled + sum(&searches), bill.cost.amount.pico(), "{model} {bill:?}");
                assert_eq!(bill.cost, prices().cost(model, &c, fast, geo));
                assert_eq!(bill.above, (bill.row != "claude-opus-4-8").then_some(200_000), "{bill:?}");
            }
        }
        assert_eq!(prices().bill("gpt-5", &c, false, None), None);
    }
}

//! The arithmetic of a price, on one line.

use crate::base::money::Money;
use crate::base::text::thousands;
use crate::prices::{Bill, Item};

/// A bill as `3 input x $5 + 7 output x $25 per million = $0.00019 (price of …)`.
pub(super) fn arithmetic(bill: &Bill) -> String {
    let (searches, tokens): (Vec<_>, Vec<_>) = bill
        .items
        .iter()
        .partition(|item| item.what == "web_search");
    let factors = factors(bill);
    let tokens = self::tokens(&tokens);
    // Factors apply to all tokens, and not to searches.
    let tokens = if factors.is_empty() {
        tokens
    } else {
        format!("({tokens}){factors}")
    };
    let searches: String = searches.into_iter().map(search).collect();
    let (row, cost) = (row(bill), bill.cost.amount);
    format!("{tokens}{searches} = ${cost} (price of {row})")
}

fn tokens(items: &[&Item]) -> String {
    if items.is_empty() {
        return "no tokens".to_owned();
    }
    let product = |item: &&Item| {
        let (count, what) = (thousands(item.count), item.what.replace('_', " "));
        format!("{count} {what} x {}", rate(item.rate))
    };
    let products: Vec<_> = items.iter().map(product).collect();
    format!("{} per million", products.join(" + "))
}

fn factors(bill: &Bill) -> String {
    [(bill.fast, "fast mode"), (bill.us, "inference in the US")]
        .into_iter()
        .filter_map(|(permille, why)| {
            let pico = u128::from(permille?).saturating_mul(1_000_000_000);
            Some(format!(" x {} ({why})", Money::from_pico(pico)))
        })
        .collect()
}

fn search(item: &Item) -> String {
    let what = if item.count == 1 {
        "web search"
    } else {
        "web searches"
    };
    let count = thousands(item.count);
    format!(" + {count} {what} x {}", rate(item.rate))
}

/// The row of the price table, how it was found, and its tier.
fn row(bill: &Bill) -> String {
    let row = [bill.row.as_str()];
    let row: Vec<_> = row.into_iter().chain(bill.why.iter().copied()).collect();
    let tier = bill
        .above
        .map(|above| format!(", above {} tokens", thousands(above)))
        .unwrap_or_default();
    row.join(", ") + &tier
}

/// A rate with two decimals if that is exact, else with all.
fn rate(rate: Money) -> String {
    if rate.pico().is_multiple_of(10_000_000_000) {
        format!("${}", rate.cents())
    } else {
        format!("${rate}")
    }
}

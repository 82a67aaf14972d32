//! Compares the prices of widely used providers with prices computed from litellm's own rows.

use std::fs;
use std::io::Read as _;

use serde_json::{Map, Value};

use super::counters::Counters;
use super::lookup::prices;
use super::tests::at;

/// Attodollars (10⁻¹⁸) per token of a decimal such as `1.25e-06`, with the digits that floats add
/// rounded off.
fn atto(value: &Value) -> Option<i128> {
    let text = value.as_number()?.to_string();
    let (digits, exponent) = text
        .split_once(['e', 'E'])
        .map_or((text.as_str(), 0), |(digits, e)| {
            (digits, e.parse::<i32>().expect("an exponent"))
        });
    let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
    let number: i128 = format!("{whole}{part}").parse().expect("a decimal");
    let shift = 18 + exponent - i32::try_from(part.len()).expect("short");
    let power = 10_i128.pow(shift.unsigned_abs());
    Some(if shift < 0 {
        number / power
    } else {
        number * power
    })
}

/// A row of litellm's list: rates come from the tier if it has them, else from the row, else from
/// the provider's usual rule.
struct Listed<'r> {
    row: &'r Map<String, Value>,
    tier: Option<&'r Map<String, Value>>,
    suffix: String,
}

impl Listed<'_> {
    fn get(&self, key: &str) -> Option<i128> {
        let tier = self.tier.and_then(|tier| tier.get(key));
        tier.or_else(|| self.row.get(&format!("{key}{}", self.suffix)))
            .or_else(|| self.row.get(key))
            .and_then(atto)
    }

    fn picodollars(&self, c: &Counters) -> i128 {
        let name = self.row["name"].as_str().expect("a name");
        let claude = name.contains("claude");
        let input = self.get("input_cost_per_token").expect("a price");
        let read = self
            .get("cache_read_input_token_cost")
            .unwrap_or(if claude { input / 10 } else { input });
        let free = self.row["provider"] == "zai";
        let short = self
            .get("cache_creation_input_token_cost")
            .unwrap_or(if free {
                0
            } else if claude {
                input * 5 / 4
            } else {
                input
            });
        // Tiers have no rate for writes of an hour.
        let hour = self
            .row
            .get(&format!(
                "cache_creation_input_token_cost_above_1hr{}",
                self.suffix
            ))
            .filter(|_| self.tier.is_none());
        let long = hour
            .and_then(atto)
            .unwrap_or(if claude { input * 2 } else { short });
        let tokens = |count: u64, rate: i128| i128::from(count) * ((rate + 500_000) / 1_000_000);
        let output = self.get("output_cost_per_token").expect("a price");
        tokens(c.input, input)
            + tokens(c.output, output)
            + tokens(c.cache_read, read)
            + tokens(c.cache_creation - c.cache_1h, short)
            + tokens(c.cache_1h, long)
    }
}

fn by_hand(row: &Map<String, Value>, c: &Counters) -> i128 {
    let prompt = c.input + c.cache_creation + c.cache_read;
    if let Some(tiers) = row.get("tiered_pricing").and_then(Value::as_array) {
        let from = |tier: &Value| tier["range"][0].as_f64().expect("a range");
        let above = tiers.iter().filter(|tier| prompt as f64 > from(tier));
        let tier = above
            .max_by(|a, b| from(a).total_cmp(&from(b)))
            .and_then(Value::as_object);
        return Listed {
            row,
            tier,
            suffix: String::new(),
        }
        .picodollars(c);
    }
    let step = |key: &String| {
        key.strip_prefix("input_cost_per_token_above_")?
            .strip_suffix("k_tokens")?
            .parse::<u64>()
            .ok()
    };
    let highest = row
        .keys()
        .filter_map(step)
        .filter(|step| prompt > step * 1000)
        .max();
    let suffix = highest
        .map(|step| format!("_above_{step}k_tokens"))
        .unwrap_or_default();
    Listed {
        row,
        tier: None,
        suffix,
    }
    .picodollars(c)
}

/// A request without web searches.
const fn request(input: u64, output: u64, writes: u64, reads: u64, writes_1h: u64) -> Counters {
    Counters {
        input,
        output,
        cache_creation: writes,
        cache_read: reads,
        cache_1h: writes_1h,
        web_search: 0,
    }
}

/// Requests on both sides of all thresholds of tiers, with cache writes of both lifetimes.
const REQUESTS: [Counters; 7] = [
    request(1_000_003, 1_000_007, 0, 0, 0),
    request(10_001, 503, 2003, 7001, 0),
    request(17, 11, 5003, 1009, 2001),
    request(60_001, 503, 20_003, 48_001, 3),
    request(100_001, 503, 20_003, 82_001, 3),
    request(3, 503, 3, 300_001, 2),
    request(0, 0, 600_001, 0, 600_001),
];

/// The rows of litellm's list, of the release that the built-in table was made from.
fn listed() -> Vec<Map<String, Value>> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/prices/listed.z");
    let bytes = fs::read(path).expect("rows of litellm");
    let mut text = String::new();
    flate2::read::ZlibDecoder::new(bytes.as_slice())
        .read_to_string(&mut text)
        .expect("a zlib stream");
    let (version, json) = text.split_once('\n').expect("a version");
    assert!(
        prices().tables.others_source().contains(version),
        "tables and rows are of one release"
    );
    serde_json::from_str(json).expect("rows")
}

#[test]
fn every_listed_row_has_its_own_price() {
    let rows = listed();
    let mut wrong = Vec::new();
    for row in &rows {
        let name = row["name"].as_str().expect("a name");
        for c in &REQUESTS {
            let cost = prices().cost(name, at("2026-11-20"), c, false, None);
            let want = u128::try_from(by_hand(row, c)).expect("no price is negative");
            if !cost.known || cost.amount.pico() != want {
                wrong.push(format!(
                    "{name}: {:?}, not {want} picodollars, for {c:?}",
                    cost.amount
                ));
                break;
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {} wrong:\n{}",
        wrong.len(),
        rows.len(),
        wrong.join("\n")
    );
    assert!(rows.len() > 900, "{} rows", rows.len());
}

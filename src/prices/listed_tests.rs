//! Each row of the providers people use, against a price computed from the row as litellm has it, by other means than the table's.

use std::fs;
use std::io::Read as _;

use serde_json::{Map, Value};

use super::lookup::*;
use super::tests::at;
use super::*;

/// Attodollars (10⁻¹⁸) per token of a decimal such as `1.25e-06`, with the digits that floats add rounded off.
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

/// What one kind of token costs: of a tier where it lists that, else of the row, else by the provider's custom.
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
        // Tiers list no price of an hour's write in two ways.
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

#[test]
fn every_listed_row_has_its_own_price() {
    let bytes = fs::read(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/fixtures/prices/listed.z"
    ))
    .expect("rows of litellm");
    let mut text = String::new();
    flate2::read::ZlibDecoder::new(bytes.as_slice())
        .read_to_string(&mut text)
        .expect("a zlib stream");
    let (version, json) = text.split_once('\n').expect("a version");
    assert!(
        prices().tables.others_source().contains(version),
        "tables and rows are of one release"
    );
    let rows: Vec<Map<String, Value>> = serde_json::from_str(json).expect("rows");
    let requests = [
        Counters {
            input: 1_000_003,
            output: 1_000_007,
            ..Counters::default()
        },
        Counters {
            input: 10_001,
            output: 503,
            cache_creation: 2003,
            cache_read: 7001,
            cache_1h: 0,
            web_search: 0,
        },
        Counters {
            input: 17,
            output: 11,
            cache_creation: 5003,
            cache_read: 1009,
            cache_1h: 2001,
            web_search: 0,
        },
        Counters {
            input: 60_001,
            output: 503,
            cache_creation: 20_003,
            cache_read: 48_001,
            cache_1h: 3,
            web_search: 0,
        },
        Counters {
            input: 100_001,
            output: 503,
            cache_creation: 20_003,
            cache_read: 82_001,
            cache_1h: 3,
            web_search: 0,
        },
        Counters {
            input: 3,
            output: 503,
            cache_creation: 3,
            cache_read: 300_001,
            cache_1h: 2,
            web_search: 0,
        },
        Counters {
            input: 0,
            output: 0,
            cache_creation: 600_001,
            cache_read: 0,
            cache_1h: 600_001,
            web_search: 0,
        },
    ];
    let mut wrong = Vec::new();
    for row in &rows {
        let name = row["name"].as_str().expect("a name");
        for c in &requests {
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

//! Tests of the prices of single requests.

use super::book::PriceBook;
use super::counters::Counters;
use super::lookup::{MAX_CACHED, Prices, prices};
use crate::base::time::{Day, Timestamp};

pub(super) fn at(day: &str) -> Timestamp {
    Day::parse(day).expect("a day").start()
}

fn on(day: &str, model: &str, counters: Counters, fast: bool, geo: Option<&str>) -> String {
    let cost = prices().cost(model, at(day), &counters, fast, geo);
    assert_eq!(
        cost,
        prices().of(model).cost(at(day), &counters, fast, geo),
        "both ways agree on {model}"
    );
    if cost.known {
        cost.amount.to_string()
    } else {
        "unknown".to_owned()
    }
}

fn cost(model: &str, counters: Counters, fast: bool, geo: Option<&str>) -> String {
    on("2026-11-20", model, counters, fast, geo)
}

#[test]
fn cache_writes_are_billed_by_lifetime() {
    let c = Counters {
        cache_creation: 1_000_000,
        cache_1h: 400_000,
        ..Counters::default()
    };
    assert_eq!(
        cost("claude-opus-4-8", c, false, None),
        "7.75",
        "600,000 at 6.25 and 400,000 at 10"
    );
    assert_eq!(
        cost("claude-fable-5-2", c, false, None),
        "12.4",
        "600,000 at 10 and 400,000 at 16"
    );
    assert_eq!(
        cost("glm-5.1", c, false, None),
        "0",
        "z.ai's cache writes are free"
    );
    assert_eq!(
        cost("glm-4.5", c, false, None),
        "0",
        "also where the row lists no cache"
    );
}

#[test]
fn a_tier_bills_the_whole_request() {
    let at = |read| Counters {
        input: 100_000,
        output: 10,
        cache_read: read,
        ..Counters::default()
    };
    assert_eq!(
        cost("claude-sonnet-4-20250514", at(100_000), false, None),
        "0.33015",
        "exactly at the threshold: not above it"
    );
    assert_eq!(
        cost("claude-sonnet-4-20250514", at(100_001), false, None),
        "0.6602256"
    );
    let many = prices().cost_of_many("claude-sonnet-4-20250514", Timestamp::EPOCH, &at(100_001));
    assert_eq!(
        many.amount.to_string(),
        "0.3301503",
        "of a sum: tiers do not apply"
    );
    let c = |input| Counters {
        input,
        ..Counters::default()
    };
    for (input, want) in [
        (32_000, "0.032"),
        (32_001, "0.0576018"),
        (128_001, "0.384003"),
        (256_001, "1.536006"),
    ] {
        assert_eq!(
            cost("qwen3-coder-plus", c(input), false, None),
            want,
            "{input}"
        );
    }
}

#[test]
fn a_price_is_that_of_the_day() {
    let c = Counters {
        input: 1000,
        output: 1000,
        cache_read: 500_000,
        ..Counters::default()
    };
    for model in [
        "claude-opus-4-6",
        "claude-opus-4-6-20260205",
        "anthropic/claude-opus-4.6",
        "vertex_ai/claude-opus-4-6@default",
    ] {
        // 500,000 at 1, 1000 at 10 and at 37.50 in the tier above 200,000.
        for (day, want) in [
            ("2026-02-20", "0.5475"),
            ("2026-03-12", "0.5475"),
            ("2026-03-13", "0.28"),
        ] {
            assert_eq!(on(day, model, c, false, None), want, "{model} {day}");
        }
    }
    for (day, model, want) in [
        ("2026-03-12", "us.anthropic.claude-opus-4-6-v1", "0.60225"),
        ("2026-03-13", "us.anthropic.claude-opus-4-6-v1", "0.308"),
        ("2026-03-12", "claude-sonnet-4-6", "0.3285"),
        ("2026-03-13", "claude-sonnet-4-6", "0.168"),
        ("2026-04-30", "claude-sonnet-4-5", "0.3285"),
        ("2026-05-01", "claude-sonnet-4-5", "0.168"),
    ] {
        assert_eq!(on(day, model, c, false, None), want, "{model} {day}");
    }
}

#[test]
fn regional_profiles_cost_more_from_4_5_on() {
    let c = Counters {
        input: 1_000_000,
        ..Counters::default()
    };
    for (model, want) in [
        ("us.anthropic.claude-opus-4-8", "5.5"),
        ("global.anthropic.claude-opus-4-8", "5"),
        ("anthropic.claude-opus-4-8", "5"),
        // Not in any list: made from Anthropic's own row.
        ("ca.anthropic.claude-opus-4-8", "5.5"),
        ("eu.anthropic.claude-fable-5-2", "8.8"),
        ("us-gov.anthropic.claude-fable-5-2", "9.6"),
        ("eu.anthropic.claude-opus-4-1", "15"),
        ("jp.anthropic.claude-opus-4-20250514-v1:0", "15"),
    ] {
        assert_eq!(cost(model, c, false, None), want, "{model}");
    }
    assert_eq!(
        cost("ca.anthropic.claude-opus-4-8", c, false, Some("us")),
        "5.5",
        "the profile's price has its geography already"
    );
}

#[test]
fn fast_mode_and_us_inference_multiply_tokens_not_searches() {
    let c = Counters {
        input: 1_000_000,
        cache_read: 1_000_000,
        web_search: 2,
        ..Counters::default()
    };
    assert_eq!(
        cost("claude-opus-4-8", c, true, Some("us")),
        "12.12",
        "(5 + 0.5) x 2 x 1.1 + 2 x 0.01"
    );
    assert_eq!(
        cost("claude-opus-4-8", c, false, Some("not_available")),
        "5.52"
    );
    assert_eq!(
        cost("claude-opus-4-8-fast", c, false, None),
        "11.02",
        "the name selects fast mode"
    );
    assert_eq!(cost("claude-opus-4-8-fast", c, true, None), "11.02", "once");
    assert_eq!(
        cost("claude-sonnet-5-fast", c, false, None),
        "unknown",
        "it has no such mode"
    );
}

#[test]
fn an_unknown_model_has_no_price() {
    let c = Counters {
        input: 1_000_000,
        ..Counters::default()
    };
    assert_eq!(cost("claude-opus-4-8-20270101", c, false, None), "5");
    for name in ["claude-opus-99", "gpt-99", "", "<synthetic>", "unknown"] {
        assert_eq!(cost(name, c, false, None), "unknown", "{name}");
    }
}

#[test]
fn a_name_from_an_older_file_that_is_an_arn_has_its_profiles_price() {
    let c = Counters {
        input: 1_000_000,
        ..Counters::default()
    };
    assert_eq!(
        cost(
            "arn:aws:bedrock:eu-west-1:123456789012:inference-profile/eu.anthropic.claude-opus-4-8",
            c,
            false,
            None
        ),
        "5.5"
    );
    assert_eq!(
        cost(
            "arn:aws:bedrock:eu-west-1:123456789012:application-inference-profile/x1",
            c,
            false,
            None
        ),
        "unknown"
    );
}

#[test]
fn absurd_counters_do_not_overflow() {
    let most = u64::MAX;
    let c = Counters {
        input: most,
        output: most,
        cache_creation: most,
        cache_read: most,
        cache_1h: most,
        web_search: most,
    };
    assert!(
        prices()
            .cost("claude-opus-4-8", Timestamp::EPOCH, &c, true, Some("us"))
            .known
    );
    assert!(
        prices()
            .cost_of_many("us.anthropic.claude-opus-4-8", Timestamp::EPOCH, &c)
            .known
    );
}

#[test]
fn the_cache_of_names_is_limited() {
    let prices = Prices::new(PriceBook::default());
    for n in 0..MAX_CACHED + 10 {
        assert!(prices.explain(&format!("made-up-{n}")).is_none());
    }
    assert_eq!(
        prices.cache.read().expect("no thread panicked").len(),
        MAX_CACHED
    );
}

//! What Claude Code passes to its status line, as JSON on standard input.

use std::io::{IsTerminal as _, Read as _};

use serde_json::Value;

use crate::base::money::Money;
use crate::base::time::Timestamp;
use crate::record::{Used, is_name};
use crate::store::plan::Stated;

/// Maximum size of the JSON on standard input, in bytes. The rest is not read.
const MAX_INPUT: u64 = 64 << 20;
/// The most windows of limits that are read.
const MOST_WINDOWS: usize = 16;

/// What is used of it. What is missing, null or of another kind is not there.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Input {
    pub(super) model: Option<String>,
    /// How much of the context window is used.
    pub(super) context: Option<Used>,
    pub(super) session_cost: Option<Money>,
    /// Plan limits of the account.
    pub(super) limits: Vec<Stated>,
}

impl Input {
    /// Reads standard input. Anything but JSON is ignored.
    pub(super) fn read() -> Self {
        let mut text = Vec::new();
        let stdin = std::io::stdin();
        if stdin.is_terminal() || stdin.lock().take(MAX_INPUT).read_to_end(&mut text).is_err() {
            return Self::default();
        }
        Self::parse(&text)
    }

    fn parse(text: &[u8]) -> Self {
        let value: Value = serde_json::from_slice(text).unwrap_or_default();
        let text = |at: &str| {
            let text = value.pointer(at).and_then(Value::as_str);
            text.filter(|text| !text.trim().is_empty())
        };
        let model = text("/model/display_name").or_else(|| text("/model/id"));
        let number = |at: &str| value.pointer(at).and_then(Value::as_f64);
        let cost = number("/cost/total_cost_usd");
        Self {
            model: model.map(|name| name.chars().take(200).collect()),
            context: number("/context_window/used_percentage").and_then(Used::percent),
            session_cost: cost.and_then(|cost| Money::parse(&format!("{cost:.6}"))),
            limits: limits(&value),
        }
    }
}

fn limits(value: &Value) -> Vec<Stated> {
    let windows = value.get("rate_limits").and_then(Value::as_object);
    let windows = windows.into_iter().flatten();
    let one = |(name, window): (&String, &Value)| {
        let used = window.get("used_percentage").and_then(Value::as_f64)?;
        is_name(name).then_some(())?;
        Some(Stated {
            window: name.clone(),
            used: Used::percent(used)?,
            ends: window.get("resets_at").and_then(end),
        })
    };
    windows.filter_map(one).take(MOST_WINDOWS).collect()
}

/// The end of a window: seconds since 1970, or RFC 3339 as older versions write it.
fn end(value: &Value) -> Option<Timestamp> {
    if let Some(text) = value.as_str() {
        return Timestamp::parse(text);
    }
    let seconds = value.as_f64().filter(|seconds| *seconds >= 0.0)?;
    #[expect(
        clippy::cast_possible_truncation,
        reason = "a float beyond the range becomes its end, which is no time"
    )]
    let millis = (seconds * 1000.0) as i64;
    Timestamp::from_millis(millis)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_of_windows_are_seconds_or_rfc_3339() {
        let read = |text: &str| {
            let value: Value = serde_json::from_str(text).expect("JSON");
            end(&value).map(|time| time.to_string())
        };
        let noon = Some("2026-11-28T12:00:00.000Z".to_owned());
        assert_eq!(read("1795867200"), noon);
        assert_eq!(read("1795867200.0004"), noon);
        assert_eq!(read("\"2026-11-28T13:00:00+01:00\""), noon);
        for odd in [
            "-1", "1e300", "\"soon\"", "\"\"", "null", "[]", "{}", "true",
        ] {
            assert_eq!(read(odd), None, "{odd}");
        }
    }

    #[test]
    fn windows_of_any_name_are_read_and_odd_ones_left_out() {
        let text = br#"{"rate_limits":{
            "five_hour":{"used_percentage":63.5,"resets_at":1795867200},
            "seven_day":{"used_percentage":41},
            "seven_day_opus":{"used_percentage":null,"resets_at":1795867200},
            "a":{"used_percentage":"7"}, "b":7, "c":null, "d":{"used_percentage":-3}}}"#;
        let limits = Input::parse(text).limits;
        let read = limits.iter().map(|one| {
            (
                one.window.as_str(),
                one.used.hundredths(),
                one.ends.is_some(),
            )
        });
        assert_eq!(
            read.collect::<Vec<_>>(),
            [("five_hour", 6350, true), ("seven_day", 4100, false)]
        );
    }

    #[test]
    fn what_is_no_object_states_nothing() {
        for odd in [
            "",
            "no JSON",
            "[]",
            "null",
            "{\"rate_limits\":[1]}",
            "{\"model\":[]}",
        ] {
            assert_eq!(Input::parse(odd.as_bytes()), Input::default(), "{odd}");
        }
        let deep = "[".repeat(100_000);
        assert_eq!(Input::parse(deep.as_bytes()), Input::default());
    }
}

//! Blocks as JSON, in the shape that ccusage prints.

use serde_json::{Value, json};

use super::block::{Block, Pace};
use crate::base::time::Timestamp;
use crate::report::dollars;

/// The blocks as a JSON list, in the shape that ccusage prints; `requests` and `costKnown` beside it.
pub(crate) fn to_json(blocks: &[Block], now: Timestamp, without_cost: bool) -> Value {
    let one = |block: &Block| {
        let mut value = object(block, now);
        if without_cost {
            remove_costs(&mut value);
        }
        value
    };
    Value::Array(blocks.iter().map(one).collect())
}

fn object(block: &Block, now: Timestamp) -> Value {
    let pace = block.pace(now);
    let id = if block.is_gap() {
        format!("gap-{}", block.start)
    } else {
        block.start.to_string()
    };
    json!({
        "id": id,
        "startTime": block.start.to_string(),
        "endTime": block.end.to_string(),
        "actualEndTime": block.span.map(|(_, last)| last.to_string()),
        "isActive": block.active,
        "isGap": block.is_gap(),
        "entries": block.used.requests,
        "requests": block.used.requests,
        "tokenCounts": {
            "inputTokens": block.used.input,
            "outputTokens": block.used.output,
            "cacheCreationInputTokens": block.used.cache_creation,
            "cacheReadInputTokens": block.used.cache_read,
        },
        "totalTokens": block.used.tokens(),
        "costUSD": dollars(block.used.cost.amount),
        "costKnown": block.used.cost.known,
        "models": block.models,
        "unpricedModels": block.unpriced,
        "provisional": block.used.provisional,
        "burnRate": pace.map(burn_rate),
        "projection": pace.map(projection),
    })
}

fn burn_rate(pace: Pace) -> Value {
    let thousandths = |number: u64| Value::from(number as f64 / 1000.0);
    json!({
        "tokensPerMinute": thousandths(pace.tokens),
        "tokensPerMinuteForIndicator": thousandths(pace.spoken),
        "costPerHour": dollars(pace.hour),
    })
}

fn projection(pace: Pace) -> Value {
    json!({
        "totalTokens": pace.final_tokens,
        "totalCost": dollars(pace.final_cost),
        "remainingMinutes": pace.left,
    })
}

fn remove_costs(block: &mut Value) {
    for (part, key) in [
        ("", "costUSD"),
        ("", "costKnown"),
        ("", "unpricedModels"),
        ("/burnRate", "costPerHour"),
        ("/projection", "totalCost"),
    ] {
        if let Some(part) = block.pointer_mut(part).and_then(Value::as_object_mut) {
            part.remove(key);
        }
    }
}

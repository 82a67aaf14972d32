//! Blocks as JSON, in the shape that ccusage prints.

use serde_json::{Value, json};

use super::block::{Block, Pace};
use super::look::BlocksLook;
use crate::base::time::Timestamp;
use crate::report::dollars;

/// The blocks as a JSON list, in the shape that ccusage prints; `requests` and `costKnown` beside
/// it.
pub(crate) fn to_json(blocks: &[Block], now: Timestamp, shown: BlocksLook) -> Value {
    let one = |block: &Block| {
        let mut value = object(block, now);
        if let Some(limit) = shown.limit {
            value["tokenLimitStatus"] = limit_status(block, now, limit);
        }
        if shown.without_cost {
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
    let mut models = block.models.clone();
    models.sort();
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
        "models": models,
        "unpricedModels": block.unpriced,
        "provisional": block.used.provisional,
        "burnRate": pace.map(burn_rate),
        "projection": pace.map(projection),
    })
}

/// How much of a limit of tokens a block uses, and will use at its rate if it is active.
fn limit_status(block: &Block, now: Timestamp, limit: u64) -> Value {
    let forecast = block.pace(now).map(|pace| pace.final_tokens);
    let tokens = forecast.unwrap_or(block.used.tokens());
    let percent = tokens as f64 * 100.0 / limit.max(1) as f64;
    let status = match percent {
        over if over > 100.0 => "exceeds",
        near if near > 80.0 => "warning",
        _ => "ok",
    };
    json!({
        "limit": limit,
        "projectedUsage": tokens,
        "percentUsed": percent,
        "status": status,
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

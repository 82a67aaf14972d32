//! Plan limits as JSON.

use serde_json::{Number, Value, json};

use super::limit::{Full, Known, Limit, Rate};
use super::shares::{Amount, Share, Shares};
use crate::base::time::Timestamp;
use crate::fleet::Fleet;
use crate::report::dollars;

/// The windows with who used them. Percentages are of the limit, but those called `share`, which
/// are of the usage.
pub(crate) fn to_json(
    limits: &[(Limit, Shares)],
    known: &Known,
    fleet: &Fleet,
    now: Timestamp,
) -> Value {
    let labels = fleet.labels();
    let one = |(limit, shares): &(Limit, Shares)| object(limit, shares, fleet, &labels, now);
    json!({
        "version": 1,
        "time": now.to_string(),
        "severalAccounts": known.has_several(),
        "limits": limits.iter().map(one).collect::<Vec<_>>(),
    })
}

fn object(
    limit: &Limit,
    shares: &Shares,
    fleet: &Fleet,
    labels: &[String],
    now: Timestamp,
) -> Value {
    let points = limit.course.iter();
    let points = points.map(|point| {
        json!({"time": point.at.to_string(), "usedPercent": hundredths(point.used.hundredths())})
    });
    json!({
        "account": limit.series.account,
        "window": limit.series.window,
        "isCurrent": limit.is_current,
        "usedPercent": hundredths(limit.state.used.hundredths()),
        "asOf": limit.state.at.to_string(),
        "startsAt": limit.starts().map(|at| at.to_string()),
        "resetsAt": limit.ends.to_string(),
        "resetsInSeconds": limit.ends.since(now).max(0) / 1000,
        "elapsedPercent": limit.elapsed().map(|part| hundredths(part.hundredths())),
        "pace": limit.pace().map(hundredths),
        "fullAt": {
            "atRateOfLastHour": full(limit, Rate::LastHour),
            "atRateOfWindow": full(limit, Rate::Whole),
        },
        "points": points.collect::<Vec<_>>(),
        "usage": usage(shares, fleet, labels),
    })
}

/// The time at which a limit is full; null where it is not known, or the window ends before.
fn full(limit: &Limit, rate: Rate) -> Value {
    let full = limit.full(rate).filter(|_| limit.is_current);
    match full {
        Some(Full::Now) => limit.state.at.to_string().into(),
        Some(Full::At(time)) => time.to_string().into(),
        Some(Full::Never) | None => Value::Null,
    }
}

fn usage(shares: &Shares, fleet: &Fleet, labels: &[String]) -> Value {
    let list = |at: usize| {
        let list = shares.by[at].iter();
        list.map(|share| part(share, fleet, labels))
            .collect::<Vec<_>>()
    };
    let mut out = amount(&shares.all);
    out["isEstimate"] = true.into();
    out["daysLeftOut"] = shares.left_out.into();
    for (at, name) in ["machines", "projects", "sessions", "models"]
        .iter()
        .enumerate()
    {
        out[*name] = list(at).into();
    }
    out
}

fn part(share: &Share, fleet: &Fleet, labels: &[String]) -> Value {
    let mut out = amount(&share.amount);
    match share.machine {
        Some(machine) => {
            out["name"] = labels.get(machine).cloned().into();
            let view = fleet.machines.get(machine);
            out["id"] = view.map(|view| view.id.to_string()).into();
        }
        None => out["name"] = share.name.as_str().into(),
    }
    out["sharePercent"] = hundredths(share.part);
    out["usedPercent"] = hundredths(share.used);
    out
}

fn amount(amount: &Amount) -> Value {
    json!({
        "tokens": amount.tokens,
        "costUSD": dollars(amount.cost.amount),
        "costKnown": amount.cost.known,
    })
}

/// Hundredths as a decimal number.
pub(super) fn hundredths(number: impl Into<u64>) -> Value {
    let number = number.into();
    let text = format!("{}.{:02}", number / 100, number % 100);
    let text = text.trim_end_matches('0').trim_end_matches('.');
    Value::Number(Number::from_string_unchecked(text.to_owned()))
}

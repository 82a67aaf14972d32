//! Plan limits in the status line: what Claude Code states is kept and shown, and what it does not
//! state is shown as any machine of the fleet stated it last.

use serde_json::{Value, json};

use super::input::Input;
use super::line::{Field, Part, Parts};
use crate::base::text::printable;
use crate::base::time::Timestamp;
use crate::cli::places;
use crate::fleet::Fleet;
use crate::record::{Series, Used};
use crate::report::limits::{Known, percent, time_left};
use crate::store::{config, machine_id, plan};

/// What is known from this machine alone.
pub(super) struct Local {
    account: String,
    known: Known,
}

/// Keeps what Claude Code states, and returns what is known from this machine. Nothing of this is
/// an error: the line shows what was stated all the same.
pub(super) fn keep(input: &Input, now: Timestamp) -> Option<Local> {
    let places = places::find().ok()?;
    let config = config::read(&places.config).unwrap_or_default();
    let account = config
        .accounts
        .name(places.named.first().map(AsRef::as_ref), &places::home()?);
    let _ = plan::note(&places.state, &account, &input.limits, now);
    let machine = machine_id::read(&places.machine_id).ok().flatten();
    let mut known = Known::default();
    known.add(machine.as_ref(), plan::read(&places.state));
    Some(Local { account, known })
}

/// The windows that are shown: how much of each was used, and when it ends.
pub(super) struct Shown(Vec<(String, Used, Option<Timestamp>)>);

impl Shown {
    pub(super) fn new(
        input: &Input,
        local: Option<Local>,
        fleet: Option<&Fleet>,
        now: Timestamp,
    ) -> Self {
        let is_current = |ends: &Timestamp| *ends > now;
        let stated = input.limits.iter();
        let stated = stated.filter(|one| one.ends.as_ref().is_none_or(is_current));
        let mut all: Vec<(String, Used, Option<Timestamp>)> = stated
            .map(|one| (one.window.clone(), one.used, one.ends))
            .collect();
        let Some(Local { account, mut known }) = local else {
            return Self(all);
        };
        if let Some(fleet) = fleet {
            known.add_fleet(fleet);
        }
        let is_shown = |all: &[(String, Used, Option<Timestamp>)], series: &Series| {
            all.iter().any(|(window, ..)| *window == series.window)
        };
        for limit in known.at(now, 0) {
            if limit.series.account == account && !is_shown(&all, &limit.series) {
                let ends = Some(limit.ends);
                all.push((limit.series.window, limit.state.used, ends));
            }
        }
        Self(all)
    }

    /// The parts of the line.
    pub(super) fn parts(&self, now: Timestamp) -> Parts {
        let part = |(window, used, ends): &(String, Used, Option<Timestamp>)| {
            let name = match window.as_str() {
                "five_hour" => "5h".to_owned(),
                "seven_day" => "week".to_owned(),
                other => printable(other, 30),
            };
            let mut text = format!("{name} {}", percent(used.hundredths()));
            if let Some(ends) = ends {
                text.push_str(&format!(" ({})", time_left(ends.since(now))));
            }
            let used = used.hundredths();
            (Field::Limit(window.clone()), Part { text, used })
        };
        self.0.iter().map(part).collect()
    }

    pub(super) fn to_json(&self) -> Value {
        let one = |(window, used, ends): &(String, Used, Option<Timestamp>)| {
            json!({
                "window": window,
                "usedPercent": f64::from(used.hundredths()) / 100.0,
                "resetsAt": ends.map(|ends| ends.to_string()),
            })
        };
        self.0.iter().map(one).collect()
    }
}

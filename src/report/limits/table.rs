//! Plan limits as a table, with who used them below it.

use comfy_table::{CellAlignment, ColumnConstraint, ContentArrangement, Table, presets};

use super::limit::{Full, Known, Limit, Rate};
use super::shares::{Share, Shares};
use crate::base::text::{printable, short_model, wrap};
use crate::base::time::Timestamp;
use crate::fleet::Fleet;
use crate::report::{Look, Zone};

/// So many parts of each kind are named; the others are one.
const MOST: usize = 4;
/// A state that is older, in ms, is shown with its age.
const OLD: i64 = 10 * MINUTE;
const MINUTE: i64 = 60 * 1000;
/// Below this width the forecasts stand below the table.
const NARROW: u16 = 110;
/// Below this width there are no bars.
const NARROWER: u16 = 84;
/// Within so many ms a day of the week is enough of a date.
const WEEK: i64 = 6 * 24 * 60 * MINUTE;
/// A bar of use has so many cells.
const BAR: u64 = 10;

/// The windows as a table, and who used each of them.
pub(crate) fn to_table(
    limits: &[(Limit, Shares)],
    known: &Known,
    fleet: &Fleet,
    zone: Zone,
    look: Look,
) -> String {
    if limits.is_empty() {
        return NONE.to_owned();
    }
    let accounts = known.has_several();
    let wide = look.width >= NARROW && !look.compact;
    let mut out = windows(limits, accounts, zone, look, wide);
    let labels = fleet.labels();
    for (limit, _) in limits.iter().filter(|(limit, _)| !wide && limit.is_current) {
        let title = title(limit, accounts);
        let rates = ["last hour", "whole window"];
        for (rate, full) in rates.iter().zip(forecasts(limit, zone, look.now)) {
            out.push_str(&format!(
                "{title}, full at the rate of the {rate}: {full}\n"
            ));
        }
    }
    let width = usize::from(look.width);
    for (limit, shares) in limits {
        let who = who(limit, shares, &labels, accounts, zone);
        if !who.is_empty() {
            out.push_str(&wrap(who.trim_end_matches('\n'), width));
        }
    }
    for note in notes(limits, accounts) {
        out.push_str(&wrap(note, width));
    }
    out
}

const NONE: &str = "\
No plan limits are known. Claude Code states them to its status line, for subscriptions, after the first answer.
To set it up: \"statusLine\": {\"type\": \"command\", \"command\": \"claude-usage-tracker statusline\"} in ~/.claude/settings.json
";

fn windows(
    limits: &[(Limit, Shares)],
    accounts: bool,
    zone: Zone,
    look: Look,
    wide: bool,
) -> String {
    let forecast = ["Full, by last hour", "Full, by window"];
    let mut head = vec!["Limit", "Used", "Resets", "Pace"];
    head.extend(forecast.iter().filter(|_| wide));
    let mut table = Table::new();
    table
        .load_style(presets::UTF8_FULL_CONDENSED)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_width(look.width)
        .set_header(&head);
    for (limit, _) in limits {
        let mut cells = vec![
            title(limit, accounts),
            used(limit, look),
            resets(limit, zone, look.now),
            pace(limit),
        ];
        cells.extend(
            forecasts(limit, zone, look.now)
                .into_iter()
                .filter(|_| wide),
        );
        table.add_row(cells);
    }
    for at in 1..head.len() {
        if let Some(column) = table.column_mut(at) {
            column.set_constraint(ColumnConstraint::ContentWidth);
        }
    }
    if let Some(column) = table.column_mut(3) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    format!("{table}\n")
}

/// The window's name for people, with its account where there are several.
pub(crate) fn title(limit: &Limit, accounts: bool) -> String {
    let name = match limit.series.window.as_str() {
        "five_hour" => "5 hours".to_owned(),
        "seven_day" => "week".to_owned(),
        other => match other.strip_prefix("seven_day_") {
            Some(family) => format!("week, {}", family.replace('_', " ")),
            None => other.replace('_', " "),
        },
    };
    if accounts {
        format!("{} {name}", limit.series.account)
    } else {
        name
    }
}

fn used(limit: &Limit, look: Look) -> String {
    let hundredths = u64::from(limit.state.used.hundredths());
    let full = (hundredths * BAR + 5000) / 10_000;
    let bar: String = (0..BAR)
        .map(|at| if at < full { '█' } else { '░' })
        .collect();
    let mut out = percent(limit.state.used.hundredths());
    if look.width >= NARROWER && !look.compact {
        out = format!("{bar} {out}");
    }
    let age = look.now.since(limit.state.at);
    if limit.is_current && age >= OLD {
        out.push_str(&format!(" ({} ago)", time_left(age)));
    }
    out
}

fn resets(limit: &Limit, zone: Zone, now: Timestamp) -> String {
    let at = clock(limit.ends, zone, now);
    if limit.is_current {
        format!("in {} ({at})", time_left(limit.ends.since(now)))
    } else {
        format!("ended {at}")
    }
}

/// How the pace is shown; empty where there is none.
pub(crate) fn pace(limit: &Limit) -> String {
    let pace = limit.pace();
    pace.map_or_else(String::new, |pace| {
        format!("{}.{:02}x", pace / 100, pace % 100)
    })
}

/// When it is full at the rate of the last hour, and of the whole window.
pub(crate) fn forecasts(limit: &Limit, zone: Zone, now: Timestamp) -> [String; 2] {
    [Rate::LastHour, Rate::Whole].map(|rate| {
        let full = limit.full(rate).filter(|_| limit.is_current);
        match full {
            Some(Full::Now) => "now".to_owned(),
            Some(Full::At(time)) if time <= now => "about now".to_owned(),
            Some(Full::At(time)) => clock(time, zone, now),
            Some(Full::Never) => "reset is first".to_owned(),
            None => "unknown".to_owned(),
        }
    })
}

/// A time: the hour of today, or of a day of the week that is near.
fn clock(time: Timestamp, zone: Zone, now: Timestamp) -> String {
    let (at, today) = (zone.clock(time), zone.clock(now));
    if at.date() == today.date() {
        at.format("%H:%M").to_string()
    } else if (0..=WEEK).contains(&time.since(now)) {
        at.format("%a %H:%M").to_string()
    } else {
        zone.minute(time)
    }
}

/// The lines on who used a window.
fn who(limit: &Limit, shares: &Shares, labels: &[String], accounts: bool, zone: Zone) -> String {
    if shares.by[0].is_empty() {
        return String::new();
    }
    let ended = if limit.is_current {
        String::new()
    } else {
        format!(" until {}", zone.minute(limit.ends))
    };
    let mut out = format!("\nWho used {}{ended} (estimate):\n", title(limit, accounts));
    let kinds = ["machine", "project", "session", "model"];
    for (at, kind) in kinds.iter().enumerate() {
        let name = |share: &Share| match share.machine {
            Some(machine) => labels
                .get(machine)
                .map_or_else(String::new, |name| printable(name, 30)),
            None if at == 3 => short_model(&share.name),
            None if at == 2 => printable(&share.name.chars().take(8).collect::<String>(), 8),
            None => printable(&share.name, 30),
        };
        out.push_str(&format!("  by {kind}: {}\n", list(&shares.by[at], name)));
    }
    out
}

/// The largest parts, and the sum of the others.
fn list(shares: &[Share], name: impl Fn(&Share) -> String) -> String {
    let named = |share: &Share| {
        let name = name(share);
        let name = if name.is_empty() { "(none)" } else { &name };
        format!("{name} {}", tenths(share.part))
    };
    let most = if shares.len() == MOST + 1 {
        MOST + 1
    } else {
        MOST
    };
    let mut parts: Vec<String> = shares.iter().take(most).map(named).collect();
    let others = &shares[most.min(shares.len())..];
    if !others.is_empty() {
        let share = others.iter().map(|share| share.part).sum();
        parts.push(format!("{} others {}", others.len(), tenths(share)));
    }
    parts.join(", ")
}

fn notes(limits: &[(Limit, Shares)], accounts: bool) -> Vec<&'static str> {
    let mut out = Vec::new();
    let has_usage = limits.iter().any(|(_, shares)| !shares.by[0].is_empty());
    if has_usage {
        out.push("\nShares are estimates: Claude models, tokens weighted by price. Claude Code states no more than the percentage.");
    }
    if has_usage && accounts {
        out.push("Usage does not state its account: a machine counts for each account whose limits it showed.");
    }
    if limits.iter().any(|(_, shares)| shares.left_out) {
        out.push("Usage without a time of day (summary-only, retention) is left out of windows of hours.");
    }
    out
}

/// Whole percents. Rounded down: 100% is all of it.
pub(crate) fn percent(hundredths: impl Into<u64>) -> String {
    format!("{}%", hundredths.into() / 100)
}

fn tenths(hundredths: u64) -> String {
    let tenths = (hundredths + 5) / 10;
    format!("{}.{}%", tenths / 10, tenths % 10)
}

/// A length of time in its two largest units: `3d 4h`, `2h 10m`, `12m`.
pub(crate) fn time_left(millis: i64) -> String {
    let minutes = millis.max(0) / MINUTE;
    let (days, hours) = (minutes / 1440, minutes / 60 % 24);
    match (days, hours, minutes % 60) {
        (0, 0, minutes) => format!("{minutes}m"),
        (0, hours, minutes) => format!("{hours}h {minutes}m"),
        (days, hours, _) => format!("{days}d {hours}h"),
    }
}

//! The HTML page: charts, and a table of sessions that can be sorted and filtered. It needs no
//! network.

mod sections;

use base64::Engine as _;
use sha2::{Digest as _, Sha256};

use super::notes::notes;
use super::{Group, Look, Zone, price};
use crate::base::text::{count, short_model, thousands};
use crate::charts::{ChartError, Picture, Theme, escaped};
pub(crate) use sections::{Sections, SectionsFold, Which};

const STYLE: &str = include_str!("style.css");
const SCRIPT: &str = include_str!("script.js");

/// Renders the page.
pub(crate) fn to_html(sections: &Sections, zone: Zone, look: Look) -> Result<String, ChartError> {
    let mut out = head();
    out.push_str(&summary(sections, zone, look));
    for which in Which::ALL {
        out.push_str(&figure(&sections.picture(which), which)?);
    }
    out.push_str(&session_table(sections, zone));
    out.push_str(&format!(
        "</main>\n<script>{SCRIPT}</script>\n</body>\n</html>\n"
    ));
    Ok(out)
}

/// The document up to its title. The policy allows the page's own script and style only.
fn head() -> String {
    let hash = base64::engine::general_purpose::STANDARD.encode(Sha256::digest(SCRIPT));
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{hash}'\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<meta name=\"color-scheme\" content=\"light dark\">\n\
         <title>Claude Code usage</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<main>\n<h1>Claude Code usage</h1>\n"
    )
}

/// The period, the totals and the notes of the report by day.
fn summary(sections: &Sections, zone: Zone, look: Look) -> String {
    let (days, totals) = (&sections.days, &sections.days.totals);
    let period = match (days.groups.first(), days.groups.last()) {
        (Some(first), Some(last)) => {
            let machines = count(sections.machines, "machine");
            let (first, last) = (escaped(&first.key), escaped(&last.key));
            format!("{first} to {last}, by {machines}")
        }
        _ => "No usage in this period".to_owned(),
    };
    let made = zone.minute(look.now);
    let mut out = format!("<p class=\"quiet\">{period}. Made {made}.</p>\n<dl>\n");
    for (name, figure) in [
        ("Cost", price(totals.cost)),
        ("Tokens", thousands(totals.counters.total())),
        ("Requests", thousands(totals.requests)),
        ("Sessions", thousands(sections.sessions.groups.len() as u64)),
    ] {
        out.push_str(&format!("<div><dt>{name}</dt><dd>{figure}</dd></div>\n"));
    }
    out.push_str("</dl>\n");
    for note in notes(days, look) {
        let note = escaped_long(&note);
        out.push_str(&format!("<p class=\"quiet\">{note}</p>\n"));
    }
    out
}

/// Escapes a note word by word: escaping cuts long texts, and a note may be long.
fn escaped_long(text: &str) -> String {
    text.split(' ').map(escaped).collect::<Vec<_>>().join(" ")
}

/// A chart in both themes, and its values as a table.
fn figure(picture: &Picture, which: Which) -> Result<String, ChartError> {
    let title = escaped(&picture.title);
    let (light, dark) = (picture.svg(Theme::Light)?, picture.svg(Theme::Dark)?);
    let (names, rows) = picture.table();
    let mut out = format!(
        "<figure id=\"{}\">\n<figcaption>{title}</figcaption>\n<div class=\"light\">\n{light}</div>\n<div class=\"dark\">\n{dark}</div>\n\
         <details><summary>Figures</summary>\n<div class=\"scroll\"><table>\n<caption>{title}</caption>\n<thead><tr><th scope=\"col\">{}</th>",
        which.name(),
        which.axis(),
    );
    let unit = picture.unit;
    let names = if names.is_empty() {
        vec![unit.name().to_owned()]
    } else {
        names
    };
    names.iter().for_each(|name| {
        out.push_str(&format!(
            "<th scope=\"col\" class=\"number\">{}</th>",
            escaped(name)
        ));
    });
    out.push_str("</tr></thead>\n<tbody>\n");
    for (name, values) in rows {
        out.push_str(&format!("<tr><th scope=\"row\">{}</th>", escaped(&name)));
        values.iter().for_each(|value| {
            out.push_str(&format!("<td class=\"number\">{}</td>", unit.exact(*value)));
        });
        out.push_str("</tr>\n");
    }
    out.push_str("</tbody>\n</table></div></details>\n</figure>\n");
    Ok(out)
}

/// Columns of the table of sessions: heading, and whether it contains numbers.
const COLUMNS: [(&str, bool); 8] = [
    ("Session", false),
    ("Project", false),
    ("Machines", false),
    ("Models", false),
    ("Last used", false),
    ("Requests", true),
    ("Tokens", true),
    ("Cost", true),
];

/// The table of sessions.
fn session_table(sections: &Sections, zone: Zone) -> String {
    let mut out = "<h2 id=\"sessions-title\">Sessions</h2>\n<p class=\"controls\"><label for=\"filter\">Filter by any word: </label>\
                   <input id=\"filter\" type=\"search\" autocomplete=\"off\"> <span id=\"shown\" role=\"status\"></span> \
                   <button id=\"all\" type=\"button\" hidden>Show all</button></p>\n\
                   <div class=\"scroll\"><table id=\"sessions\" aria-labelledby=\"sessions-title\">\n<thead><tr>"
        .to_owned();
    for (name, number) in COLUMNS {
        let class = if number { " class=\"number\"" } else { "" };
        out.push_str(&format!("<th scope=\"col\"{class} aria-sort=\"none\"><button type=\"button\">{name}</button></th>"));
    }
    out.push_str("</tr></thead>\n<tbody>\n");
    sections
        .sessions
        .groups
        .iter()
        .for_each(|group| out.push_str(&session_row(group, zone)));
    out.push_str("</tbody>\n</table></div>\n");
    out
}

/// A row of the table of sessions.
fn session_row(group: &Group, zone: Zone) -> String {
    let totals = &group.totals;
    let micros = totals.cost.amount.micros();
    let models: Vec<String> = group
        .models
        .keys()
        .map(|model| short_model(model))
        .collect();
    let machines: Vec<&str> = group.machines.iter().map(String::as_str).collect();
    let id = if group.key.is_empty() {
        "(none)"
    } else {
        &group.key
    };
    let last = group.last.map(|last| zone.minute(last)).unwrap_or_default();
    let texts = [
        ("key", id),
        ("", &group.project),
        ("", &machines.join(", ")),
        ("", &models.join(", ")),
        ("key", &last),
    ]
    .map(|(class, text)| format!("<td class=\"{class}\">{}</td>", escaped(text)));
    let number = |value: u128, text: String| {
        format!("<td class=\"number\" data-value=\"{value}\">{text}</td>")
    };
    format!(
        "<tr data-cost=\"{micros}\">{}{}{}{}</tr>\n",
        texts.concat(),
        number(totals.requests.into(), thousands(totals.requests)),
        number(
            totals.counters.total().into(),
            thousands(totals.counters.total())
        ),
        number(micros, price(totals.cost)),
    )
}

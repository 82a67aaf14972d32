//! `claude-usage-tracker explain`: the requests behind a figure, where they are stored, and the
//! arithmetic of their price.

mod arithmetic;
mod json;
mod text;
mod view;

use crate::cli::env::Env;
use crate::cli::error::CliError;
use crate::cli::print::{json, out};
use crate::cli::rows::{Filter, SelectedFleet};
use crate::cli::{exit, places, source};
use std::collections::BTreeSet;

use chrono::NaiveDate;

use crate::base::text::{nearest, printable};
use crate::fleet::Row;
use crate::report::Bounds;
use crate::report::explain::{ExplainedFigure, Explanation};
use crate::store::{config, key};
use view::View;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  claude-usage-tracker explain 2026-11-20                      a day
  claude-usage-tracker explain 2026-11 --model opus            one cell of a monthly report by model
  claude-usage-tracker explain 0b6f1a2c --machine laptop       a session on one machine
  claude-usage-tracker explain 2026-11-20 --limit 0 --json     all requests, for other programs")]
pub(crate) struct Args {
    /// A day (2026-11-20), a month (2026-11), a session id or its beginning, or a record id
    #[arg(value_name = "WHAT", default_value = "")]
    what: String,
    #[command(flatten)]
    filter: Filter,
    /// Only models whose name contains this; may be given several times
    #[arg(long, value_name = "NAME")]
    model: Vec<String>,
    /// Number of requests to show, sorted by cost, descending; 0 shows all
    #[arg(short, long, default_value_t = 10, value_name = "N")]
    limit: usize,
    /// Print JSON
    #[arg(short, long)]
    json: bool,
}

pub(crate) fn run(args: &Args, env: &Env) -> Result<u8, CliError> {
    let (explanation, found) = read(args, env)?;
    let view = View {
        zone: args.filter.timezone,
        bounds: args.bounds(env),
        mode: args.filter.mode.into(),
        now: env.now,
        labels: found.fleet.labels(),
        fleet: &found.fleet,
        all: &explanation.found,
        limit: args.limit(),
    };
    if args.json {
        json(&view.to_json());
    } else {
        out(&view.to_text());
    }
    Ok(exit::OK)
}

impl Args {
    fn subject(&self) -> ExplainedFigure {
        if self.what.is_empty() {
            ExplainedFigure::All
        } else {
            ExplainedFigure::parse(&self.what)
        }
    }

    /// The days of the figure within those of the options.
    fn bounds(&self, env: &Env) -> Bounds {
        intersection(self.filter.bounds(env.now), self.subject().bounds())
    }

    fn limit(&self) -> usize {
        if self.limit == 0 {
            usize::MAX
        } else {
            self.limit
        }
    }
}

/// Finds the requests of a figure, then their files, commits and transcript lines.
fn read(args: &Args, env: &Env) -> Result<(Explanation, SelectedFleet), CliError> {
    let (mut explanation, found) = read_rows(args, env)?;
    explanation.keep(|machine| found.wants(machine));
    let places = places::find()?;
    if found.is_synced {
        let repo = source::open(&places)?;
        explanation.find_copies(&repo)?;
        explanation.find_commits(&repo, args.limit())?;
    }
    let naming = crate::sync::naming(
        &config::read(&places.config)?,
        key::read(&places.key)?.as_ref(),
    )?;
    explanation.find_rows(&places.folders(), &naming);
    explanation.join();
    Ok((explanation, found))
}

fn read_rows(args: &Args, env: &Env) -> Result<(Explanation, SelectedFleet), CliError> {
    let filter = &args.filter;
    let subject = args.subject();
    let asked = filter.bounds(env.now);
    let bounds = args.bounds(env);
    let mut explanation =
        Explanation::new(subject.clone(), asked, filter.timezone, args.model.clone());
    // Ids of sessions, for "did you mean". The number limits memory.
    let mut sessions = BTreeSet::new();
    let collects = matches!(subject, ExplainedFigure::Session(_));
    // Rows of the index have no ids: each is read from its file.
    let found = filter.read_with_ids(env, bounds, &mut |row: &Row<'_>| {
        let session = row.session.filter(|_| collects && sessions.len() < 10_000);
        sessions.extend(session.map(|session| session.as_str().to_owned()));
        explanation.add(row);
    })?;
    if explanation.found.is_empty() {
        refuse_unknown(&subject, &sessions)?;
    }
    Ok((explanation, found))
}

/// Fails if a session or record without requests was asked for.
fn refuse_unknown(subject: &ExplainedFigure, sessions: &BTreeSet<String>) -> Result<(), CliError> {
    let (message, help) = match subject {
        ExplainedFigure::Session(begin) => {
            let near = nearest(begin, sessions.iter().map(String::as_str))
                .map(|near| format!("did you mean {}? ", printable(near, 60)))
                .unwrap_or_default();
            let begin = printable(begin, 60);
            (
                format!("\"{begin}\" is not a day, a month, or the beginning of a session id"),
                format!("{near}claude-usage-tracker session shows all sessions"),
            )
        }
        ExplainedFigure::Record(id) => (
            format!("no record has the id {id}"),
            "explain a day or a session to see the ids of its records".to_owned(),
        ),
        ExplainedFigure::All | ExplainedFigure::Days(..) => return Ok(()),
    };
    Err(CliError::plain(
        &message,
        "claude_sync::usage",
        exit::USAGE,
        help,
    ))
}

/// The days within both bounds.
fn intersection(a: Bounds, b: Bounds) -> Bounds {
    let least = |a: Option<NaiveDate>, b: Option<NaiveDate>| a.into_iter().chain(b).min();
    Bounds {
        since: a.since.max(b.since),
        until: least(a.until, b.until),
    }
}

//! `claude-sync conflicts`: lists conflicts that need review, and chooses the authoritative machine.

use super::machine;
use crate::cli::env::Env;
use crate::cli::error::CliError;
use crate::cli::print::{json, out};
use crate::cli::{exit, outcome, places, source};
use serde_json::json;
use similar::TextDiff;

use crate::base::text::{count, printable};
use crate::fleet::decisions::{ACCEPTED, Intent};
use crate::report::conflicts::{Dispute, disputes};
use crate::sync::left_out;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Make this machine authoritative (its id, the first digits of it, or its name)
    #[arg(long, value_name = "MACHINE")]
    accept: Option<String>,
    /// Only these sessions, by id or the beginning of it
    sessions: Vec<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub fn run(args: &Args, env: &Env) -> Result<u8, CliError> {
    let places = places::find()?;
    let repo = source::open(&places)?;
    let wanted = |dispute: &Dispute| {
        args.sessions.is_empty()
            || args
                .sessions
                .iter()
                .any(|text| dispute.session.as_str().starts_with(text.as_str()))
    };
    let open: Vec<Dispute> = disputes(&repo)?
        .into_iter()
        .filter(|dispute| wanted(dispute))
        .collect();
    if let Some(name) = &args.accept {
        let fleet = machine::machines(&places)?;
        let view = machine::find(&fleet, name)?;
        let mut sessions: Vec<&str> = open
            .iter()
            .filter(|dispute| dispute.sides.iter().any(|side| side.machine == view.id))
            .map(|d| d.session.as_str())
            .collect();
        sessions.dedup();
        if sessions.is_empty() {
            return Err(CliError::plain(
                &format!("{name} takes part in no such conflict"),
                "claude_sync::no_conflict",
                exit::USAGE,
                "claude-sync conflicts shows all, with the machines that take part",
            ));
        }
        let intent = |session: &&str| Intent {
            kind: ACCEPTED,
            subject: (*session).to_owned(),
            key: "machine",
            value: view.id.as_str().into(),
        };
        return machine::decide(
            &places,
            env,
            sessions.iter().map(intent).collect(),
            args.json,
        );
    }
    if args.json {
        let rows: Vec<_> = open
            .iter()
            .map(|dispute| {
                let sides: Vec<_> = dispute
                    .sides
                    .iter()
                    .map(|side| json!({ "machine_id": side.machine.as_str(), "name": side.name, "lines": side.text.lines().collect::<Vec<_>>() }))
                    .collect();
                json!({ "session_id": dispute.session.as_str(), "project": dispute.project, "code": dispute.code, "sides": sides })
            })
            .collect();
        json(&json!({ "version": 1, "conflicts": rows, "left_out": left_out::read(&repo) }));
        return Ok(exit::OK);
    }
    let left_out = left_out::read(&repo);
    let mut text = String::new();
    for one in &left_out {
        let day = one.at.get(..10).unwrap_or_default();
        text.push_str(&format!(
            "{day}  {}\n",
            outcome::left_out(&one.code, &one.path)
        ));
    }
    if !left_out.is_empty() {
        text.push_str("Find out who can push to the remote. To take these off the list: claude-sync verify --repair\n\n");
    }
    if open.is_empty() {
        out(if left_out.is_empty() {
            "No conflicts.\n"
        } else {
            text.trim_end_matches('\n')
        });
        if !left_out.is_empty() {
            out("\n");
        }
        return Ok(exit::OK);
    }
    for dispute in &open {
        text.push_str(&show(dispute));
    }
    text.push_str(&format!(
        "{} to review. To accept one machine's version: claude-sync conflicts --accept MACHINE [SESSION…]\n",
        count(open.len() as u64, "conflict")
    ));
    out(&text);
    Ok(exit::OK)
}

fn show(dispute: &Dispute) -> String {
    let why = "a checksum does not fit its records, as after an edit by hand";
    let mut out = format!(
        "Session {}, {}: {why}\n",
        printable(dispute.session.as_str(), 60),
        printable(&dispute.project, 40)
    );
    let [first, rest @ ..] = &dispute.sides[..] else {
        return out;
    };
    if rest.is_empty() {
        out.push_str(&format!("  {}\n{}", printable(&first.name, 80), first.text));
    }
    for side in rest {
        let diff = TextDiff::from_lines(&first.text, &side.text);
        let text = diff
            .unified_diff()
            .header(&printable(&first.name, 80), &printable(&side.name, 80))
            .to_string();
        out.push_str(&text);
    }
    out.push('\n');
    out
}

//! `claude-sync conflicts`: lists conflicts that need review, and chooses the authoritative
//! machine.

use serde_json::{Value, json};
use similar::TextDiff;

use super::decide::decide;
use crate::base::text::{count, printable};
use crate::cli::env::Env;
use crate::cli::error::CliError;
use crate::cli::machine_name::{find, machines};
use crate::cli::print::{json, out};
use crate::cli::{exit, outcome, places, source};
use crate::fleet::decisions::{ACCEPTED, Intent};
use crate::report::conflicts::{Dispute, disputes};
use crate::store::Places;
use crate::sync::left_out::{self, LeftOut};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Make this machine authoritative (its id, the first digits of it, or its name)
    #[arg(long, value_name = "MACHINE")]
    accept: Option<String>,
    /// Only these sessions, by id or the beginning of it
    sessions: Vec<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &Args, env: &Env) -> Result<u8, CliError> {
    let places = places::find()?;
    let repo = source::open(&places)?;
    let mut open = disputes(&repo)?;
    open.retain(|dispute| args.wants(dispute));
    if let Some(name) = &args.accept {
        let intents = accept(&places, &open, name)?;
        return decide(&places, env, intents, args.json);
    }
    let left_out = left_out::read(&repo);
    if args.json {
        let conflicts: Vec<_> = open.iter().map(to_json).collect();
        json(&json!({ "version": 1, "conflicts": conflicts, "left_out": left_out }));
    } else {
        out(&to_text(&open, &left_out));
    }
    Ok(exit::OK)
}

impl Args {
    fn wants(&self, dispute: &Dispute) -> bool {
        let id = dispute.session.as_str();
        self.sessions.is_empty() || self.sessions.iter().any(|begin| id.starts_with(begin))
    }
}

/// The decisions that make a machine authoritative for all sessions in which it takes part.
fn accept(places: &Places, open: &[Dispute], name: &str) -> Result<Vec<Intent>, CliError> {
    let fleet = machines(places)?;
    let machine = find(&fleet, name)?;
    let takes_part =
        |dispute: &&Dispute| dispute.sides.iter().any(|side| side.machine == machine.id);
    let sessions = open.iter().filter(takes_part);
    let mut sessions: Vec<&str> = sessions.map(|dispute| dispute.session.as_str()).collect();
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
        value: machine.id.as_str().into(),
    };
    Ok(sessions.iter().map(intent).collect())
}

fn to_json(dispute: &Dispute) -> Value {
    let sides: Vec<_> = dispute
        .sides
        .iter()
        .map(|side| {
            json!({
                "machine_id": side.machine.as_str(),
                "name": side.name,
                "lines": side.text.lines().collect::<Vec<_>>(),
            })
        })
        .collect();
    json!({
        "session_id": dispute.session.as_str(),
        "project": dispute.project,
        "code": dispute.code,
        "sides": sides,
    })
}

fn to_text(open: &[Dispute], left_out: &[LeftOut]) -> String {
    let files = files_left_out(left_out);
    if open.is_empty() {
        return if files.is_empty() {
            "No conflicts.\n".to_owned()
        } else {
            files
        };
    }
    let mut text = files;
    if !text.is_empty() {
        text.push('\n');
    }
    for dispute in open {
        text.push_str(&show(dispute));
    }
    text.push_str(&format!(
        "{} to review. To accept one machine's version: claude-sync conflicts --accept MACHINE [SESSION…]\n",
        count(open.len() as u64, "conflict")
    ));
    text
}

/// The files that were left out, one line each; empty if there are none.
fn files_left_out(left_out: &[LeftOut]) -> String {
    let mut text = String::new();
    for file in left_out {
        let day = file.at.get(..10).unwrap_or_default();
        let why = outcome::left_out(&file.code, &file.path);
        text.push_str(&format!("{day}  {why}\n"));
    }
    if !text.is_empty() {
        text.push_str("Find out who can push to the remote. To take these off the list: claude-sync verify --repair\n");
    }
    text
}

/// A conflict as a diff of the other machines' versions against the first machine's.
fn show(dispute: &Dispute) -> String {
    let mut out = format!(
        "Session {}, {}: a checksum does not fit its records, as after an edit by hand\n",
        printable(dispute.session.as_str(), 60),
        printable(&dispute.project, 40)
    );
    let [first, rest @ ..] = &dispute.sides[..] else {
        return out;
    };
    let name = printable(&first.name, 80);
    if rest.is_empty() {
        out.push_str(&format!("  {name}\n{}", first.text));
    }
    for side in rest {
        let diff = TextDiff::from_lines(&first.text, &side.text);
        let mut diff = diff.unified_diff();
        out.push_str(&diff.header(&name, &printable(&side.name, 80)).to_string());
    }
    out.push('\n');
    out
}

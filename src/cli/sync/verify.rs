//! `claude-sync verify`: whether everything is as it should be.

use crate::base::text::{count, printable, printable_lines};
use crate::cli::env::Env;
use crate::cli::error::CliError;
use crate::cli::print::{json, out};
use crate::cli::{exit, places, source};
use crate::format::syncfile::Mode;
use crate::sync::{self, Finding, Kind, Options};

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Exit codes, of the worst that was found:
  0   all is well
  10  something was left behind: locks of killed commands, unfinished objects
  11  the local index is damaged
  12  merge driver, attributes or hooks are not set up
  13  a derived file or the work tree does not say what the data says
  14  files below sync that are no sync data
  15  data that cannot be read, or a checksum that fails
  16  git's objects are damaged or missing
  19  files were left out: a pusher without the fleet's key may have made them")]
pub struct Args {
    /// Read every object, and compute everything that is derived anew
    #[arg(long)]
    read_data: bool,
    /// Mend what can be made from other things, and look again
    #[arg(long)]
    repair: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

fn code(kind: Kind) -> u8 {
    match kind {
        Kind::Leftover => 10,
        Kind::Index => 11,
        Kind::SetUp => 12,
        Kind::Stale => 13,
        Kind::Foreign => 14,
        Kind::Damaged => 15,
        Kind::Objects => 16,
        Kind::LeftOut => exit::CLEAR,
    }
}

fn name(kind: Kind) -> &'static str {
    match kind {
        Kind::Leftover => "leftover",
        Kind::Index => "index",
        Kind::SetUp => "set-up",
        Kind::Stale => "stale",
        Kind::Foreign => "foreign",
        Kind::Damaged => "damaged",
        Kind::Objects => "objects",
        Kind::LeftOut => "left-out",
    }
}

fn advice(kind: Kind) -> &'static str {
    match kind {
        Kind::Leftover | Kind::Index | Kind::SetUp | Kind::Stale => "claude-sync verify --repair",
        Kind::Foreign => "look at it, and remove it with git where it is not yours",
        Kind::Damaged => {
            "claude-sync verify --repair reads the transcripts again; older versions: claude-sync restore --list"
        }
        Kind::Objects => {
            "claude-sync verify --repair fetches them from the remote, if there is one"
        }
        Kind::LeftOut => {
            "no figure has anything of them; find out who can push to the remote, then claude-sync verify --repair takes them off this list"
        }
    }
}

pub fn run(args: &Args, env: &Env) -> Result<u8, CliError> {
    let places = places::find()?;
    let options = Options {
        attended: false,
        ..env.options()
    };
    let look = || -> Result<Vec<Finding>, CliError> {
        sync::verify(&places, &options, args.read_data)?.ok_or_else(source::no_data)
    };
    let mut findings = look()?;
    let mut mended = 0;
    if args.repair && !findings.is_empty() {
        let before = findings.len();
        let derived = findings.iter().any(|finding| finding.kind == Kind::Stale);
        sync::clear_leftovers(&places, &options, derived)?;
        if findings.iter().any(|finding| finding.kind == Kind::Objects) {
            sync::repair_objects(&places, &options)?;
        }
        sync::run(
            &places,
            &Options {
                mode: Mode::Full,
                offline: true,
                rederive: true,
                ..options.clone()
            },
        )?;
        sync::left_out::dismiss(&source::open(&places)?);
        findings = look()?;
        mended = before.saturating_sub(findings.len());
    }
    let worst = findings
        .iter()
        .map(|finding| code(finding.kind))
        .max()
        .unwrap_or(exit::OK);
    if args.json {
        let all: Vec<_> = findings
            .iter()
            .map(|finding| serde_json::json!({ "kind": name(finding.kind), "subject": finding.subject, "what": finding.what }))
            .collect();
        json(
            &serde_json::json!({ "version": 1, "findings": all, "mended": mended, "code": worst }),
        );
        return Ok(worst);
    }
    let mut text = String::new();
    for finding in &findings {
        text.push_str(&format!(
            "{}: {}: {}\n",
            name(finding.kind),
            printable(&finding.subject, 400),
            printable_lines(&finding.what, 12)
        ));
    }
    if mended > 0 {
        text.push_str(&format!("Mended: {}.\n", count(mended as u64, "finding")));
    }
    let mut kinds: Vec<Kind> = findings.iter().map(|finding| finding.kind).collect();
    kinds.dedup();
    kinds.iter().for_each(|kind| {
        text.push_str(&format!(
            "What to do about {}: {}\n",
            name(*kind),
            advice(*kind)
        ));
    });
    if findings.is_empty() {
        text.push_str(if args.read_data {
            "All is well; every object was read.\n"
        } else {
            "All is well. To read every object too: claude-sync verify --read-data\n"
        });
    }
    out(&text);
    Ok(worst)
}

//! `claude-sync verify`: checks the repository, the index and the work tree, and repairs them.

use serde_json::{Value, json};

use crate::base::text::{count, printable, printable_lines};
use crate::cli::env::Env;
use crate::cli::error::CliError;
use crate::cli::print::{json, out};
use crate::cli::{exit, places, source};
use crate::format::syncfile::Mode;
use crate::store::Places;
use crate::sync::{self, Finding, Kind, Options};

#[derive(Debug, clap::Args)]
#[command(after_help = exit::help_of("verify", "Exit codes, of the worst that was found", "no problem found"))]
pub(crate) struct Args {
    /// Read every object, and recompute all derived files
    #[arg(long)]
    read_data: bool,
    /// Repair what can be made from other data, and check again
    #[arg(long)]
    repair: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &Args, env: &Env) -> Result<u8, CliError> {
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
        repair(&places, &options, &findings)?;
        findings = look()?;
        mended = before.saturating_sub(findings.len());
    }
    let codes = findings.iter().map(|finding| about(finding.kind).code);
    let code = codes.max().unwrap_or(exit::OK);
    if args.json {
        let findings: Vec<_> = findings.iter().map(to_json).collect();
        json(&json!({ "version": 1, "findings": findings, "mended": mended, "code": code }));
    } else {
        out(&to_text(&findings, mended, args.read_data));
    }
    Ok(code)
}

/// Repairs what can be made from other data.
fn repair(places: &Places, options: &Options, findings: &[Finding]) -> Result<(), CliError> {
    let has = |kind| findings.iter().any(|finding| finding.kind == kind);
    sync::clear_leftovers(places, options, has(Kind::Stale))?;
    if has(Kind::Objects) {
        sync::repair_objects(places, options)?;
    }
    let options = Options {
        mode: Mode::Full,
        offline: true,
        rederive: true,
        ..options.clone()
    };
    sync::run(places, &options)?;
    sync::left_out::dismiss(&source::open(places)?);
    Ok(())
}

/// What `verify` prints about a kind of finding.
struct About {
    name: &'static str,
    code: u8,
    advice: &'static str,
}

fn about(kind: Kind) -> About {
    const REPAIR: &str = "claude-sync verify --repair";
    let (name, code, advice) = match kind {
        Kind::Leftover => ("leftover", exit::LEFTOVER, REPAIR),
        Kind::Index => ("index", exit::INDEX, REPAIR),
        Kind::SetUp => ("set-up", exit::SET_UP, REPAIR),
        Kind::Stale => ("stale", exit::STALE, REPAIR),
        Kind::Foreign => (
            "foreign",
            exit::FOREIGN,
            "look at it, and remove it with git where it is not yours",
        ),
        Kind::Damaged => (
            "damaged",
            exit::DAMAGED,
            "claude-sync verify --repair reads the transcripts again; older versions: claude-sync restore --list",
        ),
        Kind::Objects => (
            "objects",
            exit::OBJECTS,
            "claude-sync verify --repair fetches them from the remote, if there is one",
        ),
        Kind::LeftOut => (
            "left-out",
            exit::CLEAR,
            "no figure has anything of them; find out who can push to the remote, then claude-sync verify --repair takes them off this list",
        ),
    };
    About { name, code, advice }
}

fn to_json(finding: &Finding) -> Value {
    json!({
        "kind": about(finding.kind).name,
        "subject": finding.subject,
        "what": finding.what,
    })
}

/// `read_data`: every object was read.
fn to_text(findings: &[Finding], mended: usize, read_data: bool) -> String {
    let mut text = String::new();
    for finding in findings {
        text.push_str(&format!(
            "{}: {}: {}\n",
            about(finding.kind).name,
            printable(&finding.subject, 400),
            printable_lines(&finding.what, 12)
        ));
    }
    if mended > 0 {
        text.push_str(&format!("Repaired: {}.\n", count(mended as u64, "finding")));
    }
    let mut kinds: Vec<Kind> = findings.iter().map(|finding| finding.kind).collect();
    kinds.dedup();
    for About { name, advice, .. } in kinds.into_iter().map(about) {
        text.push_str(&format!("What to do about {name}: {advice}\n"));
    }
    if findings.is_empty() {
        text.push_str(if read_data {
            "All is well; every object was read.\n"
        } else {
            "All is well. To read every object too: claude-sync verify --read-data\n"
        });
    }
    text
}

//! `claude-sync price …`: shows and changes the fleet's price book.

mod args;
mod import;
mod show;

use super::decide;
use crate::cli::env::Env;
use crate::cli::error::CliError;
use crate::cli::print::{json, out};
use crate::cli::{exit, places, source};
use std::collections::BTreeSet;

use serde_json::Value;

pub(crate) use args::Args;
use args::{Action, pattern, rule, usage};

use crate::base::text::{count, printable};
use crate::fleet::book;
use crate::fleet::decisions::{Intent, PRICE};
use crate::prices::Rule;
use crate::report;
use crate::store::Places;

pub(crate) fn run(args: &Args, env: &Env) -> Result<u8, CliError> {
    let places = places::find()?;
    let rules = report::price_rules(&source::open(&places)?)?;
    match &args.action {
        Action::List { model: None, json } => Ok(show::all(&rules, *json)),
        Action::List {
            model: Some(model),
            json,
        } => show::one(model, rules, env.now, *json),
        Action::Set(args) => set(&places, env, &rules, &[rule(args)?], args.json),
        Action::Remove { model, json } => remove(&places, env, &rules, (model, *json)),
        Action::Import { file, models, json } => {
            let new = import::read(&places, file, models)?;
            set(&places, env, &rules, &new, *json)
        }
        Action::Export => {
            json(&book::export(&rules));
            Ok(exit::OK)
        }
    }
}

fn intent(rule: &Rule, value: Value) -> Intent {
    Intent {
        kind: PRICE,
        subject: book::subject(rule),
        key: "price",
        value,
    }
}

/// Adds rules to the price book, and syncs.
fn set(
    places: &Places,
    env: &Env,
    known: &[Rule],
    new: &[Rule],
    json: bool,
) -> Result<u8, CliError> {
    let subjects: BTreeSet<String> = known.iter().chain(new).map(book::subject).collect();
    if subjects.len() > book::MOST {
        let message = format!(
            "the fleet's price book would have {}; the maximum is {}",
            count(subjects.len() as u64, "price"),
            book::MOST
        );
        let help = "use patterns such as 'glm-*', or remove prices: claude-sync price remove MODEL";
        return Err(usage(&message, help));
    }
    if new.is_empty() && !json {
        out("Nothing to set: every model that the fleet used has a price.\n");
        return Ok(exit::OK);
    }
    let intents = new.iter().map(|rule| intent(rule, book::write(rule)));
    decide::decide(places, env, intents.collect(), json)
}

/// Removes the rules of a model or pattern, and syncs.
fn remove(
    places: &Places,
    env: &Env,
    rules: &[Rule],
    (model, json): (&str, bool),
) -> Result<u8, CliError> {
    let pattern = pattern(model)?;
    let removed: Vec<Intent> = rules
        .iter()
        .filter(|rule| rule.pattern == pattern)
        .map(|rule| intent(rule, false.into()))
        .collect();
    if removed.is_empty() {
        return Err(usage(
            &format!("no price is set for {}", printable(model, 100)),
            "claude-sync price list shows all prices that are set",
        ));
    }
    decide::decide(places, env, removed, json)
}

//! `claude-sync forget --undo`: restores forgotten data.

use crate::base::text::count;
use crate::base::time::Timestamp;
use crate::cli::env::Env;
use crate::cli::error::CliError;
use crate::cli::{exit, outcome, source};
use crate::fleet::DataError;
use crate::fleet::authority::{Effect, UNDONE};
use crate::fleet::decisions::Intent;
use crate::fleet::rules::{FORGOTTEN, Rules, Stone, Subject};
use crate::format::syncfile::Mode;
use crate::git::Repo;
use crate::store::Places;
use crate::sync::undo::{KEPT_DAYS, is_in_time};
use crate::sync::{self, Options};

/// Undoes the latest tombstones, or those of `subjects`, and syncs.
pub(crate) fn undo(
    places: &Places,
    env: &Env,
    subjects: &[Subject],
    as_json: bool,
) -> Result<u8, CliError> {
    let stones = {
        let repo = source::open(places)?;
        selected(&repo, tombstones(&repo)?, subjects)
        // The run opens the repository itself.
    };
    if stones.is_empty() {
        return Err(nothing_selected());
    }
    refuse_late(&stones, env.now)?;
    let intent = |stone: &Stone| Intent {
        kind: FORGOTTEN,
        subject: stone.subject.clone(),
        key: UNDONE,
        value: true.into(),
    };
    let options = Options {
        intents: stones.iter().map(intent).collect(),
        mode: Mode::Full,
        ..env.options()
    };
    let outcome = sync::run(places, &options)?;
    let number = stones.len() as u64;
    let text = || {
        let decisions = count(number, "decision");
        let summary = outcome::summary(&outcome, &options, &places.repo);
        format!(
            "Took back {decisions} to forget. Other machines bring back what they have with their next sync.\n{summary}"
        )
    };
    let json = as_json.then(|| vec![("undone", number.into())]);
    Ok(outcome::print(&outcome, env, json, text))
}

fn nothing_selected() -> CliError {
    CliError::plain(
        "nothing that was forgotten fits; nothing was taken back",
        "claude_sync::nothing",
        exit::USAGE,
        "name what was forgotten as it was named then: --session, --project, --machine or --before",
    )
}

/// The tombstones of the repository that are not undone.
fn tombstones(repo: &Repo) -> Result<Vec<Stone>, CliError> {
    let root = repo
        .synced()
        .and_then(|head| head.map(|head| repo.tree_of(head)).transpose())
        .map_err(DataError::from)?;
    let rules = root
        .map(|root| Rules::read(repo, root, |_, _| None))
        .transpose()?
        .unwrap_or_default();
    let stones = rules.stones();
    Ok(stones
        .filter(|stone| stone.effect != Effect::Undone)
        .collect())
}

/// The tombstones of `subjects`; without any, the latest ones, and those without effect.
fn selected(repo: &Repo, mut stones: Vec<Stone>, subjects: &[Subject]) -> Vec<Stone> {
    let latest = stones
        .iter()
        .filter(|stone| stone.effect == Effect::Holds)
        .filter_map(|stone| stone.made)
        .max();
    stones.retain(|stone| match (subjects.is_empty(), stone.effect) {
        (false, _) => subjects
            .iter()
            .any(|subject| subject.is_of(stone, repo.name_keys())),
        (true, Effect::Ahead) => true,
        (true, _) => latest.is_some() && stone.made == latest,
    });
    stones
}

/// Fails if the data of a tombstone is not kept any more.
fn refuse_late(stones: &[Stone], now: Timestamp) -> Result<(), CliError> {
    let is_late = |stone: &&Stone| {
        stone.effect == Effect::Holds && stone.made.is_some_and(|made| !is_in_time(made, now))
    };
    let Some(made) = stones.iter().find(is_late).and_then(|stone| stone.made) else {
        return Ok(());
    };
    let message = format!(
        "it was forgotten on {}, more than {KEPT_DAYS} days ago, and is kept nowhere",
        made.day()
    );
    Err(CliError::plain(
        &message,
        "claude_sync::too_late",
        exit::USAGE,
        "what is in a backup or in old transcripts can be imported under another name: claude-sync import",
    ))
}

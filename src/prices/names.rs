//! Finds the row of a model's name in the price table.
//!
//! A name is looked up as it is, then without what a router or a cloud added to it. If a provider
//! has prices of its own, another provider's price is never used for it: such a name has no price.

use super::claude::Claude;
use super::model::split_at_part;
use super::providers::{PROXIES, ROUTES, is_region, prefixes};
use super::spellings::spellings;

/// The row of a name, and how it was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Found {
    /// The row's name in the table.
    pub(crate) row: String,
    /// Changes made to the name, in order; empty if the table lists the name itself.
    pub(crate) why: Vec<&'static str>,
    /// Factor on the row's rates, in thousandths.
    pub(crate) permille: u64,
    /// The name selects fast mode.
    pub(crate) fast: bool,
}

/// Finds the row of a name. `has`: whether the table has a row of that name.
pub(super) fn find(name: &str, has: &dyn Fn(&str) -> bool) -> Option<Found> {
    let lower = name.trim().to_ascii_lowercase();
    if has(&lower) {
        return Some(listed(lower, Vec::new()));
    }
    let mut why = Vec::new();
    // Claude Code appends `[1m]` to models with a long context window.
    let plain = lower
        .split_once('[')
        .map_or(lower.as_str(), |(before, _)| before);
    if plain.len() < lower.len() {
        why.push("without the mark in brackets");
        if has(plain) {
            return Some(listed(plain.to_owned(), why));
        }
    }
    let plain = plain.trim_start_matches('~').replace(',', "/");
    let (path, id) = plain.rsplit_once('/').unwrap_or(("", &plain));
    let path: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    if split_at_part(id, "claude").is_some() {
        claude(&path, id, &why, has)
    } else {
        other(&path, id, &why, has)
    }
}

/// A row at its own price.
fn listed(row: String, why: Vec<&'static str>) -> Found {
    Found {
        row,
        why,
        permille: 1000,
        fast: false,
    }
}

/// Finds the row of a Claude model.
fn claude(
    path: &[&str],
    id: &str,
    why: &[&'static str],
    has: &dyn Fn(&str) -> bool,
) -> Option<Found> {
    let name = Claude::read(id);
    let added = |added: &[&'static str]| why.iter().chain(added).copied().collect();
    if let Some(row) = name
        .as_ref()
        .and_then(|name| providers_own(path, name, has))
    {
        return Some(listed(row, added(&["in the provider's own spelling"])));
    }
    let routed = path
        .iter()
        .all(|part| ROUTES.contains(part) || is_region(part));
    if !routed {
        return None;
    }
    let government = path.iter().any(|part| part.starts_with("us-gov-"));
    if !path.is_empty() && !government && has(id) {
        return Some(listed(id.to_owned(), added(&["without the route"])));
    }
    let name = name.filter(|name| !name.is_preview() || name.region.is_none())?;
    let row = name.names().into_iter().find(|row| has(row))?;
    let permille = name.permille(government);
    Some(Found {
        row,
        why: added(&anthropic_price(permille, name.fast)),
        permille: u64::try_from(permille).unwrap_or(u64::MAX),
        fast: name.fast,
    })
}

/// The row of another spelling of a name for which the provider has a price.
fn providers_own(path: &[&str], name: &Claude, has: &dyn Fn(&str) -> bool) -> Option<String> {
    if path.is_empty() || name.fast || name.region.is_some() {
        return None;
    }
    let provider = path.join("/");
    name.names()
        .iter()
        .map(|name| format!("{provider}/{name}"))
        .find(|row| has(row))
}

/// Why Anthropic's price applies, with this factor in thousandths.
fn anthropic_price(permille: u128, fast: bool) -> Vec<&'static str> {
    let mut why = vec!["Anthropic's own name for it"];
    if permille == 1100 {
        why.push("a regional profile costs 1.1 times as much");
    } else if permille == 1200 {
        why.push("the government's regions cost 1.2 times as much");
    }
    if fast {
        why.push("the name stands for fast mode");
    }
    why
}

/// Finds the row of a model that is not Claude.
fn other(
    path: &[&str],
    id: &str,
    why: &[&'static str],
    has: &dyn Fn(&str) -> bool,
) -> Option<Found> {
    let path: Vec<&str> = path
        .iter()
        .copied()
        .filter(|part| !PROXIES.contains(part))
        .collect();
    let prefixes = prefixes(&path, id);
    for (id, changed) in spellings(id) {
        for (prefix, moved) in &prefixes {
            let row = format!("{prefix}{id}");
            if has(&row) {
                let why = why.iter().chain(&changed).copied().chain(*moved);
                return Some(listed(row, why.collect()));
            }
        }
    }
    None
}

//! Folds a history: recent commits as they are, older ones to one a day, then to one a month.

use super::sums::Sums;
use crate::base::time::{Day, Timestamp};
use crate::git::Oid;
use crate::git::repo::Repo;
use crate::git::rewrite::Link;
use crate::merge::push_check;
use crate::sync::error::SyncError;
use crate::sync::history;
use crate::sync::message::seal;

/// So many days are kept as they are, unless other days are asked for.
pub(crate) const KEEP: u32 = 90;

/// After so many more days, days are folded to months.
const DAYS: i64 = 365;

/// A day, in seconds.
const DAY: i64 = 24 * 60 * 60;

/// The trailer of the first commit: the history that the new one takes the place of. It gives the
/// first commit another id each time, so that the old history is known when it comes back.
const FROM: &str = "Compacted-From";

/// A history that was folded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Folded {
    /// Its last commit; it has the tree of the old history's.
    pub(crate) tip: Oid,
    /// Its first commit.
    pub(crate) root: Oid,
    /// What became of it.
    pub(crate) plan: Plan,
}

/// How many commits a history has, and would have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Plan {
    /// Commits before.
    pub(crate) before: usize,
    /// Commits after.
    pub(crate) after: usize,
}

/// Below so many commits a history is small: a compaction has every machine fetch all of it once.
const SMALL: usize = 2000;

impl Plan {
    /// Whether folding is worth it without a person who asks for it: a long history becomes half as
    /// long.
    pub(crate) fn pays(self) -> bool {
        self.before >= SMALL && self.after.saturating_mul(2) <= self.before
    }
}

/// Commits that become one.
struct Group {
    links: Vec<Link>,
    /// The day or month; none of a commit that stays as it is.
    when: Option<String>,
}

/// How many commits folding would leave.
pub(crate) fn plan(repo: &Repo, tip: Oid, keep: u32) -> Result<Plan, SyncError> {
    let links = repo.links(tip)?;
    let before = links.len();
    let after = groups(links, keep).len();
    Ok(Plan { before, after })
}

/// Folds the history that ends with `tip`; none where every commit would stay as it is. `keep`: so
/// many days before the newest commit stay.
///
/// The same history and the same days make the same commits everywhere.
pub(crate) fn fold(repo: &Repo, tip: Oid, keep: u32) -> Result<Option<Folded>, SyncError> {
    let folded = rewrite(repo, tip, keep)?;
    Ok(folded.filter(|folded| folded.plan.after < folded.plan.before))
}

/// As [`fold`], also where every commit stays: the first one gets another id.
pub(super) fn rewrite(repo: &Repo, tip: Oid, keep: u32) -> Result<Option<Folded>, SyncError> {
    let links = repo.links(tip)?;
    let before = links.len();
    let groups = without_clear(repo, groups(links, keep))?;
    let after = groups.len();
    let mut parent = None;
    let mut root = None;
    for group in groups {
        parent = write(repo, tip, &group, parent)?;
        root = root.or(parent);
    }
    let made = parent.zip(root);
    Ok(made.map(|(tip, root)| Folded {
        tip,
        root,
        plan: Plan { before, after },
    }))
}

/// The commits, by what becomes of them. Groups follow each other as the commits do: one with a
/// wrong clock stands apart.
fn groups(links: Vec<Link>, keep: u32) -> Vec<Group> {
    let newest = links.last().map_or(0, |link| link.at);
    let bound = newest.saturating_sub(i64::from(keep).saturating_mul(DAY));
    let months = bound.saturating_sub(DAYS * DAY);
    let mut out: Vec<Group> = Vec::new();
    let count = links.len();
    for (at, link) in links.into_iter().enumerate() {
        let day = Timestamp::from_millis(link.at.saturating_mul(1000)).map(Timestamp::day);
        let when = day
            // The newest commit stays, also where others are of the same second.
            .filter(|_| link.at <= bound && at + 1 < count)
            .map(|day| name(day, link.at < months));
        match out.last_mut() {
            Some(last) if when.is_some() && last.when == when => last.links.push(link),
            _ => out.push(Group {
                links: vec![link],
                when,
            }),
        }
    }
    out
}

fn name(day: Day, is_month: bool) -> String {
    let (year, month, date) = day.parts();
    if is_month {
        format!("{year}-{month}")
    } else {
        format!("{year}-{month}-{date}")
    }
}

/// The groups without files in clear, where the fleet is encrypted: commits of before that go into
/// the first one whose files are all sealed.
fn without_clear(repo: &Repo, mut groups: Vec<Group>) -> Result<Vec<Group>, SyncError> {
    if !repo.is_sealing() {
        return Ok(groups);
    }
    let mut last = None;
    for (at, group) in groups.iter().enumerate() {
        let commits: Vec<Oid> = group.links.iter().map(|link| link.commit).collect();
        if !push_check::clear(repo, &commits)?.is_empty() {
            last = Some(at);
        }
    }
    let Some(last) = last else {
        return Ok(groups);
    };
    // What was in clear may still be in the trees after that.
    let mut first = last;
    while let Some(group) = groups.get(first)
        && let Some(link) = group.links.last()
        && first + 1 < groups.len()
        && push_check::has_clear(repo, link.tree)?
    {
        first += 1;
    }
    let rest = groups.split_off(first + 1);
    let links = groups.into_iter().flat_map(|group| group.links);
    let links: Vec<Link> = links.collect();
    let begin = Group {
        links,
        when: Some("before it was encrypted".to_owned()),
    };
    Ok(std::iter::once(begin).chain(rest).collect())
}

/// Makes the commit of a group.
fn write(
    repo: &Repo,
    old: Oid,
    group: &Group,
    parent: Option<Oid>,
) -> Result<Option<Oid>, SyncError> {
    let Some(last) = group.links.last() else {
        return Ok(parent);
    };
    let from = |text: String| match parent {
        Some(_) => text,
        None => with_origin(&text, old),
    };
    Ok(Some(match (&group.when, &group.links[..]) {
        (None, _) | (_, [_]) => repo.commit_again(last.commit, parent, &from(last.message.clone())),
        (Some(when), links) => {
            let mut sums = Sums::default();
            for link in links {
                let at = Timestamp::from_millis(link.at.saturating_mul(1000));
                let at = at.unwrap_or(Timestamp::EPOCH);
                sums.add(&history::entry(repo, link.commit, at, &link.message));
            }
            let text = from(seal(repo, &sums.message(when)));
            repo.commit_for((last.tree, last.at), parent, &text)
        }
    }?))
}

/// A message with the trailer of a first commit.
fn with_origin(text: &str, old: Oid) -> String {
    let mut lines: Vec<&str> = text.lines().collect();
    let is_trailer = |line: &&str| {
        line.split_once(": ")
            .is_some_and(|(name, _)| !name.is_empty() && !name.contains(' '))
    };
    lines.retain(|line| !line.starts_with(&format!("{FROM}: ")));
    while lines.last().is_some_and(|line| line.trim().is_empty()) {
        lines.pop();
    }
    let has_trailers = lines.len() > 1 && lines.last().is_some_and(is_trailer);
    let gap = if has_trailers { "" } else { "\n" };
    format!("{}\n{gap}{FROM}: {old}\n", lines.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_trailer_of_a_first_commit_is_written_once() {
        let old = Oid::ZERO_SHA1;
        let once = with_origin("sync\n\nMachine: x\n", old);
        assert_eq!(once, format!("sync\n\nMachine: x\n{FROM}: {old}\n"));
        assert_eq!(with_origin(&once, old), once);
        assert_eq!(
            with_origin("by hand", old),
            format!("by hand\n\n{FROM}: {old}\n")
        );
    }
}

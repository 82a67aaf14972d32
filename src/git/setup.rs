//! What makes a clone work with plain git too: the driver, the attributes, how `git pull`
//! reconciles. Every run puts it right again.

use std::fs;
use std::path::{Path, PathBuf};

use super::holds::FileSystem;
use super::repo::{Repo, RepoError};
use crate::base::shell::program_path;
use crate::store::durable::{self, WriteError};
use crate::store::layout::ATTRIBUTE_LINE;

/// Set-up failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SetupError {
    /// In git's configuration.
    #[error(transparent)]
    Repo(#[from] RepoError),
    /// In a file.
    #[error(transparent)]
    Write(#[from] WriteError),
}

const BEGIN: &str = "# claude-sync begin: written anew by every run";
const END: &str = "# claude-sync end";

/// The line by which git runs the merge driver. In it `%` stands before a letter that git replaces.
fn driver(program: &Path) -> String {
    format!(
        "{} merge-driver %O %A %B %P || exit 129",
        quoted(program).replace('%', "%%")
    )
}

/// A program as a shell reads it.
pub(super) fn quoted(program: &Path) -> String {
    format!("'{}'", program_path(program).replace('\'', "'\\''"))
}

/// Attributes that the repository's own line leaves open: filters such as LFS, and other encodings
/// and line ends, would make the files below `sync` differ from what was committed.
const PLAIN: &str = "sync/** -crlf !eol -ident -filter !working-tree-encoding";

/// Defines the merge driver and the attributes. `program` is the absolute path of `claude-sync`.
pub(crate) fn configure(repo: &Repo, program: &Path) -> Result<(), SetupError> {
    let quoted = quoted(program);
    let config = repo.config()?;
    let set = |name: &str, value: &str| -> Result<(), RepoError> {
        let local = config
            .open_level(git2::ConfigLevel::Local)
            .and_then(|mut local| {
                if local.get_string(name).ok().as_deref() == Some(value) {
                    Ok(())
                } else {
                    local.set_str(name, value)
                }
            });
        local.map_err(|source| RepoError::Git {
            what: format!("set {name}"),
            source,
        })
    };
    set("merge.claude-sync.name", "joins usage records")?;
    // Exit codes 1 to 128 would mean "conflict" and leave ours without a mark; 129 makes git stop
    // and change nothing.
    set("merge.claude-sync.driver", &driver(program))?;
    // Nothing of ours is a link. One that somebody pushes becomes a small text file, and nothing is
    // read or written through it.
    set("core.symlinks", "false")?;
    if FileSystem::HERE.folds {
        // Two names that differ in case are two files of the index, of which one is hidden.
        set("core.ignoreCase", "false")?;
    }
    // What git writes here is for nobody else, with any user that runs git and any umask.
    set("core.sharedRepository", "0600")?;
    // `git log -p` and `git diff` show records as lines for people.
    set("diff.claude-sync.textconv", &format!("{quoted} textconv"))?;
    // Without a choice of the user's, `git pull` on diverged branches stops with a question.
    let snapshot = repo.config()?;
    if ["pull.rebase", "pull.ff"]
        .iter()
        .all(|name| snapshot.get_entry(name).is_err())
    {
        set("pull.rebase", "false")?;
    }
    attributes(repo)
}

/// Whether git is set to write in this clone for its owner alone. Clones of earlier versions are
/// not.
pub(crate) fn is_private(repo: &Repo) -> Result<bool, RepoError> {
    Ok(repo
        .config()?
        .get_string("core.sharedRepository")
        .ok()
        .as_deref()
        == Some("0600"))
}

/// What of the set-up is not as a run leaves it: the setting or file, and what is wrong.
pub(crate) fn defects(repo: &Repo, program: &Path) -> Vec<(String, String)> {
    let mut out = Vec::new();
    let quoted = quoted(program);
    let config = repo.config();
    for (name, wanted) in [
        ("merge.claude-sync.driver", driver(program)),
        ("diff.claude-sync.textconv", format!("{quoted} textconv")),
    ] {
        match config
            .as_ref()
            .ok()
            .and_then(|config| config.get_string(name).ok())
        {
            None => out.push((name.to_owned(), "is not set".to_owned())),
            Some(there) if there != wanted => {
                out.push((name.to_owned(), "is set to something else".to_owned()));
            }
            Some(_) => {}
        }
    }
    let attributes =
        fs::read_to_string(repo.common_folder().join("info/attributes")).unwrap_or_default();
    if ![ATTRIBUTE_LINE, PLAIN]
        .iter()
        .all(|wanted| attributes.lines().any(|line| line == *wanted))
    {
        out.push((
            "info/attributes".to_owned(),
            "has not the line of claude-sync".to_owned(),
        ));
    }
    out
}

/// The program that the merge driver runs, as the setting names it.
pub(crate) fn driver_program(repo: &Repo) -> Option<PathBuf> {
    quoted_program(
        &repo
            .config()
            .ok()?
            .get_string("merge.claude-sync.driver")
            .ok()?
            .replace("%%", "%"),
    )
}

/// The first word in single quotes of a line that a shell reads: the program, in what is written
/// here and in hooks.
pub(super) fn quoted_program(line: &str) -> Option<PathBuf> {
    let mut out = String::new();
    let mut rest = line.split_once('\'')?.1;
    loop {
        let (part, after) = rest.split_once('\'')?;
        out.push_str(part);
        match after.strip_prefix("\\''") {
            Some(more) => {
                out.push('\'');
                rest = more;
            }
            None => return Some(PathBuf::from(out)),
        }
    }
}

/// The setting of a clone in which each machine pushes a branch of its own.
const LAYOUT: (&str, &str) = ("claude-sync.layout", "branch-per-machine");

/// Makes this a clone in which each machine pushes a branch of its own.
pub(crate) fn choose_layout(repo: &Repo) -> Result<(), RepoError> {
    let set = repo.config()?.set_str(LAYOUT.0, LAYOUT.1);
    set.map_err(|source| RepoError::Git {
        what: format!("set {}", LAYOUT.0),
        source,
    })
}

/// Whether each machine pushes a branch of its own.
pub(crate) fn is_per_machine(repo: &Repo) -> Result<bool, RepoError> {
    Ok(repo
        .config()?
        .get_string(LAYOUT.0)
        .is_ok_and(|layout| layout == LAYOUT.1))
}

/// The name of the short-lived machines of which this is one.
const EPHEMERAL: &str = "claude-sync.ephemeral";

/// The name under which this machine and others like it are one machine; none where it is a machine
/// of its own.
pub(crate) fn ephemeral(repo: &Repo) -> Result<Option<String>, RepoError> {
    Ok(repo
        .config()?
        .get_string(EPHEMERAL)
        .ok()
        .filter(|name| !name.is_empty()))
}

/// Makes this one of the short-lived machines of a name.
pub(crate) fn set_ephemeral(repo: &Repo, name: &str) -> Result<(), RepoError> {
    set(repo, EPHEMERAL, Some(name))
}

/// Set from when a new history is begun until the remote has it.
const REROOT: &str = "claude-sync.reroot";

/// Whether a new history was begun that the remote did not take yet.
pub(crate) fn wants_reroot(repo: &Repo) -> Result<bool, RepoError> {
    Ok(repo.config()?.get_bool(REROOT).unwrap_or(false))
}

/// Remembers that.
pub(crate) fn want_reroot(repo: &Repo, on: bool) -> Result<(), RepoError> {
    set(repo, REROOT, on.then_some("true"))
}

/// Set from when the history is to be compacted until the remote has it: the days to keep.
const COMPACT: &str = "claude-sync.compact";

/// The days to keep of a history that is to be compacted; none where none is.
pub(crate) fn wants_compact(repo: &Repo) -> Result<Option<u32>, RepoError> {
    let days = repo.config()?.get_i64(COMPACT).ok();
    Ok(days.and_then(|days| u32::try_from(days).ok()))
}

/// Remembers that, or that it is done.
pub(crate) fn want_compact(repo: &Repo, keep: Option<u32>) -> Result<(), RepoError> {
    set(repo, COMPACT, keep.map(|days| days.to_string()).as_deref())
}

/// The name that `init` was given for this machine, until a run makes it a decision.
const NAME: &str = "claude-sync.name";

/// That name.
pub(crate) fn wants_name(repo: &Repo) -> Result<Option<String>, RepoError> {
    let name = repo.config()?.get_string(NAME).ok();
    Ok(name.filter(|name| !name.is_empty()))
}

/// Remembers that name, or that it is decided.
pub(crate) fn want_name(repo: &Repo, name: Option<&str>) -> Result<(), RepoError> {
    set(repo, NAME, name)
}

/// The address of the remote that took what was made here last, without its secrets.
const ADDRESS: &str = "claude-sync.remote";

/// That address; none before the first exchange.
pub(crate) fn noted_address(repo: &Repo) -> Result<Option<String>, RepoError> {
    let address = repo.config()?.get_string(ADDRESS).ok();
    Ok(address.filter(|address| !address.is_empty()))
}

/// Notes that address.
pub(crate) fn note_address(repo: &Repo, address: Option<&str>) -> Result<(), RepoError> {
    set(repo, ADDRESS, address)
}

/// The day on which was looked last whether the history is to be compacted.
const LOOKED: &str = "claude-sync.historyLooked";

/// Whether that was on this day already. If not, it is noted.
pub(crate) fn looked_on(repo: &Repo, day: &str) -> Result<bool, RepoError> {
    if repo
        .config()?
        .get_string(LOOKED)
        .is_ok_and(|last| last == day)
    {
        return Ok(true);
    }
    set(repo, LOOKED, Some(day))?;
    Ok(false)
}

/// Set from when a front page is asked for, or asked to go, until a run has seen to it.
const FRONT_PAGE: &str = "claude-sync.frontPage";

/// Whether the front page is to come or to go; none where all is done.
pub(crate) fn wants_front_page(repo: &Repo) -> Result<Option<bool>, RepoError> {
    Ok(repo.config()?.get_bool(FRONT_PAGE).ok())
}

/// Remembers that, or that it is done.
pub(crate) fn want_front_page(repo: &Repo, wanted: Option<bool>) -> Result<(), RepoError> {
    set(
        repo,
        FRONT_PAGE,
        wanted.map(|wanted| if wanted { "true" } else { "false" }),
    )
}

/// The id of the machine that was uninstalled here.
const MACHINE: &str = "claude-sync.machine";

/// That id, if there is one.
pub(crate) fn machine(repo: &Repo) -> Result<Option<String>, RepoError> {
    Ok(repo.config()?.get_string(MACHINE).ok())
}

/// Remembers it, or that it is in use again.
pub(crate) fn set_machine(repo: &Repo, id: Option<&str>) -> Result<(), RepoError> {
    set(repo, MACHINE, id)
}

/// Sets a setting of the clone, or takes it out.
pub(super) fn set(repo: &Repo, name: &str, value: Option<&str>) -> Result<(), RepoError> {
    let mut config = repo.config()?;
    let set = match value {
        Some(value) => config.set_str(name, value),
        None => config.remove(name),
    };
    match set {
        Err(error) if error.code() == git2::ErrorCode::NotFound => Ok(()),
        other => other.map_err(|source| RepoError::Git {
            what: format!("set {name}"),
            source,
        }),
    }
}

/// Keeps our lines in `info/attributes`, which wins over any `.gitattributes` that comes with the
/// data.
fn attributes(repo: &Repo) -> Result<(), SetupError> {
    let path = repo.common_folder().join("info/attributes");
    let old = fs::read_to_string(&path).unwrap_or_default();
    let block = format!("{BEGIN}\n{ATTRIBUTE_LINE}\n{PLAIN}\n{END}\n");
    let (before, after) = match (old.find(BEGIN), old.find(END)) {
        (Some(begin), Some(end)) if begin < end => (
            &old[..begin],
            old[end + END.len()..].trim_start_matches('\n'),
        ),
        _ => (old.as_str(), ""),
    };
    let gap = if before.is_empty() || before.ends_with('\n') {
        ""
    } else {
        "\n"
    };
    let new = format!("{before}{gap}{after}{block}");
    if new != old {
        durable::write(&path, new.as_bytes())?;
    }
    Ok(())
}

/// Adds the remote and makes plain `git pull` and `git push` use it.
pub(crate) fn add_remote(repo: &Repo, address: &str, branch: &str) -> Result<(), RepoError> {
    set(repo, "remote.origin.url", Some(address))?;
    set(
        repo,
        "remote.origin.fetch",
        Some("+refs/heads/*:refs/remotes/origin/*"),
    )?;
    set(repo, &format!("branch.{branch}.remote"), Some("origin"))?;
    set(
        repo,
        &format!("branch.{branch}.merge"),
        Some(&format!("refs/heads/{branch}")),
    )
}

/// Takes back [`add_remote`]: that remote cannot be used.
pub(crate) fn remove_remote(repo: &Repo, branch: &str) -> Result<(), RepoError> {
    for name in [
        "remote.origin.url",
        "remote.origin.fetch",
        &format!("branch.{branch}.remote"),
        &format!("branch.{branch}.merge"),
    ] {
        set(repo, name, None)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_found_again_in_what_names_it() {
        for path in [
            "/usr/bin/claude-sync",
            "/home/o'neil/it's/claude-sync",
            "/a b/claude-sync",
        ] {
            let line = format!("! command -v '{}' >/dev/null", path.replace('\'', "'\\''"));
            assert_eq!(quoted_program(&line), Some(PathBuf::from(path)));
        }
        assert_eq!(quoted_program("false"), None);
        assert_eq!(quoted_program("'unfinished"), None);
    }
}

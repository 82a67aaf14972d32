//! `git merge` with the driver against `git merge` without one, on the same trees, in turn.

use std::path::Path;

use claude_sync::bench::{Git, Index, Repo};

use super::page::Page;
use super::timed::{Timed, in_turn, table};
use crate::made::fleet;
use crate::made::home::Home;

/// Both sides hold 100,000 records of ten machines; each side has one changed day.
pub fn merge(page: &mut Page, data: &Path, records: u64, rounds: usize) {
    let home = Home::grown(&data.join(format!("merge-2-{records}")), 10, records);
    let repo = Repo::open(&home.repo()).expect("opens").expect("is there");
    if repo
        .commit_at("refs/bench/theirs")
        .expect("reads")
        .is_none()
    {
        let index = Index::peek(&home.state()).expect("an index");
        let head = repo.head("main").expect("reads").expect("a commit");
        let base = repo.tree_of(head).expect("reads");
        for (at, name) in ["refs/bench/ours", "refs/bench/theirs"]
            .into_iter()
            .enumerate()
        {
            let tree = fleet::add(&repo, base, at as u64, records..records + 50, &index);
            let tree = fleet::derive(&repo, tree, &index);
            let commit = repo
                .commit(&Git::find(false).expect("git"), tree, &[head], "made\n")
                .expect("a commit");
            repo.move_ref(name, None, commit, "bench").expect("moves");
        }
    }
    let driver = home.git(&["config", "merge.claude-sync.driver"]);
    // As a run of claude-sync here, which made our side's commit, leaves it. What comes from the other side is new.
    home.git(&["config", "core.hooksPath", "/dev/null"]);
    let reset = |driver: &str| {
        home.git(&["reset", "-q", "--hard", "refs/bench/ours"]);
        home.git(&["config", "merge.claude-sync.driver", driver]);
        if driver.is_empty() {
            home.git(&["config", "--unset", "merge.claude-sync.driver"]);
        }
    };
    reset(&driver);
    home.sync(&["-q"]);
    home.git(&["config", "core.hooksPath", "/dev/null"]);
    let path = home.repo().display().to_string();
    let merge = |name, driver: &str| {
        let driver = driver.to_owned();
        let command = format!("git -C '{path}' merge -q --no-edit refs/bench/theirs || true");
        Timed::new(name, &["sh", "-c", &command], home.environment()).before(move || reset(&driver))
    };
    let mut all = [
        merge("without a driver", ""),
        merge("with a driver that does nothing", "true"),
        merge("with the driver", &driver),
    ];
    in_turn(rounds, &mut all);
    reset(&driver);
    page.section(
        "git merge",
        &format!(
            "{}\nWith the driver {:.2} times as long as without one.\n",
            table(&all),
            all[2].wall() / all[0].wall()
        ),
    );
}

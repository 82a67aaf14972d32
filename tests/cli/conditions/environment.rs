//! Variables that the caller set, as a hook of git, an editor or a CI job does.

use super::{Row, Variables, all_hold};

/// A variable with a path below bob's home.
fn at(name: &'static str, path: &'static str) -> Row {
    Row::new(name, move |stage| {
        vec![(name, stage.bob.home.join(path).display().to_string())]
    })
}

fn set(name: &'static str, value: &'static str) -> Row {
    Row::new(name, move |_| vec![(name, value.to_owned())])
}

fn variables() -> Vec<Row> {
    vec![
        at("GIT_DIR", "work/.git"),
        at("GIT_WORK_TREE", "work"),
        at("GIT_INDEX_FILE", "work/.git/index"),
        at("GIT_OBJECT_DIRECTORY", "work/.git/objects"),
        at("GIT_ALTERNATE_OBJECT_DIRECTORIES", "work/.git/objects"),
        at("GIT_COMMON_DIR", "work/.git"),
        at("GIT_CONFIG", "work/.git/config"),
        at("GIT_GRAFT_FILE", "nowhere"),
        at("GIT_SHALLOW_FILE", "nowhere"),
        at("GIT_QUARANTINE_PATH", "work/.git/objects"),
        at("GIT_CEILING_DIRECTORIES", "work"),
        set("GIT_NAMESPACE", "elsewhere"),
        set("GIT_PREFIX", "sync/"),
        set("GIT_DEFAULT_HASH", "sha256"),
        set("GIT_LITERAL_PATHSPECS", "1"),
        set("GIT_NOGLOB_PATHSPECS", "1"),
        set("GIT_ICASE_PATHSPECS", "1"),
        set("GIT_REPLACE_REF_BASE", "refs/heads/"),
        set("GIT_NO_REPLACE_OBJECTS", "1"),
        set("GIT_ATTR_SOURCE", "HEAD"),
        set("GIT_IMPLICIT_WORK_TREE", "0"),
        set("GIT_CONFIG_PARAMETERS", "'remote.origin.url=/nowhere'"),
        set("GIT_PUSH_OPTION_COUNT", "1"),
        set("GIT_OPTIONAL_LOCKS", "0"),
        set("GIT_EDITOR", "false"),
        set("GIT_PAGER", "false"),
        set("GIT_TRACE", "1"),
        set("LC_ALL", "de_DE.UTF-8"),
        Row::new("GIT_CONFIG_COUNT", |stage| -> Variables {
            let key = format!("url.{}/nowhere.insteadOf", stage.world.path().display());
            vec![
                ("GIT_CONFIG_COUNT", "1".into()),
                ("GIT_CONFIG_KEY_0", key),
                ("GIT_CONFIG_VALUE_0", stage.world.remote()),
            ]
        }),
        Row::new("all that a hook of git sets", |stage| {
            let git_dir = stage.other().join(".git").display().to_string();
            vec![
                ("GIT_DIR", git_dir.clone()),
                ("GIT_INDEX_FILE", format!("{git_dir}/index")),
                ("GIT_PREFIX", String::new()),
            ]
        }),
        Row::new("GIT_CONFIG_GLOBAL", |stage| {
            stage.bob.write(
                "elsewhere.gitconfig",
                "[user]\n\tname = Else\n\temail = else@example.invalid\n",
            );
            vec![(
                "GIT_CONFIG_GLOBAL",
                stage
                    .bob
                    .home
                    .join("elsewhere.gitconfig")
                    .display()
                    .to_string(),
            )]
        }),
    ]
}

#[test]
#[ignore = "slow: run with --include-ignored"]
fn variables_of_the_caller_divert_nothing() {
    all_hold(variables());
}

/// All rows of this file.
pub(super) fn rows() -> Vec<Row> {
    variables()
}

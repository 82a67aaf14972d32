//! What people have in `~/.gitconfig`.

use super::{Row, all_hold, executable};

fn set(name: &'static str, text: &'static str) -> Row {
    Row::done(name, move |stage| stage.configure(text))
}

/// Attributes for all repositories of the user.
fn attributes(name: &'static str, line: &'static str) -> Row {
    Row::done(name, move |stage| {
        stage.bob.write(".gitattributes", &format!("{line}\n"));
        stage.configure("[core]\n\tattributesFile = ~/.gitattributes");
    })
}

fn programs() -> Vec<Row> {
    vec![
        set("commit.gpgSign without a key", "[commit]\n\tgpgSign = true\n[user]\n\tsigningKey = 0123456789ABCDEF"),
        set("commit.gpgSign, and gpg fails", "[commit]\n\tgpgSign = true\n[gpg]\n\tprogram = false"),
        set("commit.gpgSign by ssh without a key", "[commit]\n\tgpgSign = true\n[gpg]\n\tformat = ssh"),
        set("push.gpgSign", "[push]\n\tgpgSign = true"),
        set("tag.gpgSign", "[tag]\n\tgpgSign = true"),
        Row::done("git.sign without a key", |stage| {
            stage.configure("[gpg]\n\tprogram = false");
            stage.bob.write(".config/claude-sync/config.json", "{\"git\": {\"sign\": true}}");
        })
        .code(7)
        .says("could not be signed (git.sign)")
        .lift(|stage| stage.bob.write(".config/claude-sync/config.json", "{}")),
        Row::done("git.sign, and gpg hangs", |stage| {
            executable(&stage.bob.home.join("hooks/gpg"), "#!/bin/sh\nexec sleep 100\n");
            stage.configure("[gpg]\n\tprogram = ~/hooks/gpg");
            let text = "{\"git\": {\"sign\": true}, \"error_states\": {\"sync_failed\": {\"silence_seconds\": 1}}}";
            stage.bob.write(".config/claude-sync/config.json", text);
        })
        .code(7)
        .says("could not be signed (git.sign)")
        .lift(|stage| stage.bob.write(".config/claude-sync/config.json", "{}")),
        Row::done("core.hooksPath for all repositories, all hooks fail", |stage| {
            for name in
                ["pre-push", "pre-commit", "post-commit", "reference-transaction", "post-checkout", "post-index-change", "pre-auto-gc"]
            {
                executable(&stage.bob.home.join("hooks").join(name), "#!/bin/sh\ncase \"$PWD\" in *remote.git) exit 0 ;; esac\nexit 1\n");
            }
            stage.configure("[core]\n\thooksPath = ~/hooks");
        }),
        Row::done("hooks of the clone fail", |stage| {
            for name in ["pre-push.user", "reference-transaction", "post-index-change", "pre-auto-gc"] {
                executable(&stage.bob.repo().join(".git/hooks").join(name), "#!/bin/sh\nexit 1\n");
            }
        }),
        Row::done("core.fsmonitor hangs", |stage| {
            executable(&stage.bob.home.join("hooks/monitor"), "#!/bin/sh\nexec sleep 100\n");
            stage.configure("[core]\n\tfsmonitor = ~/hooks/monitor");
        }),
        set("credential.helper fails", "[credential]\n\thelper = !false"),
        set("core.editor and sequence.editor fail", "[core]\n\teditor = false\n[sequence]\n\teditor = false"),
        set("core.pager fails", "[core]\n\tpager = false"),
        set("aliases named as commands", "[alias]\n\tpush = !false\n\tfetch = !false\n\tconfig = !false"),
    ]
}

#[test]
#[ignore = "slow: run with --include-ignored"]
fn signing_hooks_and_helpers() {
    all_hold(programs());
}

fn index() -> Vec<Row> {
    let forced = |name: &'static str, text: &'static str| {
        Row::done(name, move |stage| {
            stage.configure(text);
            stage.git(&["update-index", "--force-write-index"]);
        })
    };
    vec![
        forced("core.splitIndex", "[core]\n\tsplitIndex = true"),
        forced("index.version 4", "[index]\n\tversion = 4"),
        forced("feature.manyFiles", "[feature]\n\tmanyFiles = true"),
        forced("index.skipHash", "[index]\n\tskipHash = true").needs((2, 40)),
        forced("core.untrackedCache", "[core]\n\tuntrackedCache = true"),
        Row::done("a sparse work tree", |stage| {
            stage.git(&["sparse-checkout", "set", "--no-cone", "sync/machines/"]);
        }),
        Row::done("a sparse work tree with a sparse index", |stage| {
            stage.git(&[
                "sparse-checkout",
                "set",
                "--cone",
                "--sparse-index",
                "sync/machines",
            ]);
        }),
        set("core.autocrlf", "[core]\n\tautocrlf = true"),
        set("core.eol crlf", "[core]\n\teol = crlf"),
        set(
            "core.safecrlf",
            "[core]\n\tautocrlf = input\n\tsafecrlf = true",
        ),
        attributes("text and eol for all files", "* text eol=crlf"),
        attributes("ident for all files", "* ident"),
        attributes(
            "another encoding for all files",
            "*.json working-tree-encoding=UTF-16LE",
        ),
        attributes("a filter for all files", "* filter=lost"),
        Row::done("LFS for all files, required", |stage| {
            stage
                .bob
                .write(".gitattributes", "* filter=lfs diff=lfs merge=lfs -text\n");
            stage.configure(
                "[core]\n\tattributesFile = ~/.gitattributes\n[filter \"lfs\"]\n\tclean = false\n\tsmudge = false\n\trequired = true",
            );
        }),
        set("core.symlinks", "[core]\n\tsymlinks = true"),
        set("core.fileMode", "[core]\n\tfileMode = false"),
        set(
            "core.checkStat and trustctime",
            "[core]\n\tcheckStat = minimal\n\ttrustctime = false",
        ),
        set(
            "core.preferSymlinkRefs",
            "[core]\n\tpreferSymlinkRefs = true",
        ),
        set(
            "core.logAllRefUpdates",
            "[core]\n\tlogAllRefUpdates = false",
        ),
        set(
            "core.sharedRepository",
            "[core]\n\tsharedRepository = group",
        ),
        set("core.bigFileThreshold", "[core]\n\tbigFileThreshold = 1"),
        set(
            "core.compression",
            "[core]\n\tcompression = 0\n\tlooseCompression = 9",
        ),
        set("core.abbrev", "[core]\n\tabbrev = no"),
    ]
}

#[test]
#[ignore = "slow: run with --include-ignored"]
fn the_index_and_the_work_tree() {
    all_hold(index());
}

fn traffic() -> Vec<Row> {
    vec![
        set("push.default nothing", "[push]\n\tdefault = nothing"),
        set("push.followTags", "[push]\n\tfollowTags = true"),
        set(
            "push.recurseSubmodules",
            "[push]\n\trecurseSubmodules = on-demand",
        ),
        set("push.autoSetupRemote", "[push]\n\tautoSetupRemote = true"),
        set("remote.pushDefault", "[remote]\n\tpushDefault = elsewhere"),
        set(
            "fetch.prune and pruneTags",
            "[fetch]\n\tprune = true\n\tpruneTags = true",
        ),
        set(
            "fetch.recurseSubmodules",
            "[fetch]\n\trecurseSubmodules = true",
        ),
        set(
            "fetch.fsckObjects",
            "[fetch]\n\tfsckObjects = true\n[transfer]\n\tfsckObjects = true",
        ),
        set(
            "fetch.writeCommitGraph",
            "[fetch]\n\twriteCommitGraph = true",
        ),
        set(
            "fetch.output",
            "[fetch]\n\toutput = compact\n\tparallel = 4",
        ),
        set(
            "fetch.negotiationAlgorithm",
            "[fetch]\n\tnegotiationAlgorithm = noop",
        ),
        set(
            "pull.ff and pull.rebase",
            "[pull]\n\tff = only\n\trebase = true",
        ),
        set("merge.ff", "[merge]\n\tff = only\n\tconflictStyle = zdiff3"),
        set("init.defaultBranch", "[init]\n\tdefaultBranch = trunk"),
        set(
            "init.defaultObjectFormat",
            "[init]\n\tdefaultObjectFormat = sha256",
        ),
        set("protocol.version 0", "[protocol]\n\tversion = 0"),
        set(
            "protocol.version 2, and file only",
            "[protocol]\n\tversion = 2\n\tallow = never\n[protocol \"file\"]\n\tallow = always",
        ),
        set("safe.bareRepository", "[safe]\n\tbareRepository = explicit"),
        set(
            "gc.auto and gc.pruneExpire",
            "[gc]\n\tauto = 1\n\tpruneExpire = now",
        ),
        set("maintenance off", "[maintenance]\n\tauto = false"),
        set(
            "color and column",
            "[color]\n\tui = always\n[column]\n\tui = always",
        ),
        set("log.showSignature", "[log]\n\tshowSignature = true"),
        set(
            "i18n.commitEncoding",
            "[i18n]\n\tcommitEncoding = ISO-8859-1",
        ),
        set(
            "advice and status",
            "[advice]\n\tdetachedHead = false\n[status]\n\tshort = true",
        ),
        set("user.useConfigOnly", "[user]\n\tuseConfigOnly = true"),
        Row::done("no name and no address", |stage| {
            std::fs::remove_file(stage.bob.home.join(".gitconfig")).expect("removed");
        }),
        Row::done("url.insteadOf", |stage| {
            let base = stage.world.path().display().to_string();
            stage.configure(&format!("[url \"file://{base}/\"]\n\tinsteadOf = usage:"));
            stage.git(&["remote", "set-url", "origin", "usage:remote.git"]);
        }),
    ]
}

#[test]
#[ignore = "slow: run with --include-ignored"]
fn fetching_pushing_and_tidying_up() {
    all_hold(traffic());
}

/// All rows of this file.
pub(super) fn rows() -> Vec<Row> {
    [programs(), index(), traffic()]
        .into_iter()
        .flatten()
        .collect()
}

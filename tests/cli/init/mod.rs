//! Set-up from nothing to the first report, by flags and by answers, and taking it back.

mod terminal;

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use crate::http::{Door, Files};
use crate::world::{Machine, NOON, Ran, World, run, transcript};

/// `claude-sync init` as a person runs it: with the first sync.
fn init(machine: &Machine, args: &[&str]) -> Ran {
    run(machine.command("claude-sync", NOON).arg("init").args(args))
}

fn told(ran: &Ran, world: &World) -> String {
    format!("exit code {}\n{}{}", ran.code, ran.out, ran.err)
        .replace(&world.path().display().to_string(), "[WORLD]")
}

#[test]
fn two_machines_from_nothing_to_one_report() {
    let world = World::new();
    let (ada, bob) = (world.machine("ada"), world.machine("bob"));
    ada.write(".claude/projects/p/s1.jsonl", &transcript("s1", 0..5));
    bob.write(".claude/projects/p/s2.jsonl", &transcript("s2", 10..13));
    let steps = [&ada, &bob].map(|machine| told(&init(machine, &[&world.remote()]), &world));
    insta::assert_snapshot!(steps.join("\n----\n"));
    ada.sync(&[]);
    assert_eq!((ada.fleet().0, bob.fleet().0), (8, 8));
}

#[test]
fn a_machine_without_transcripts_is_set_up_all_the_same() {
    let world = World::new();
    let ada = world.machine("ada");
    let ran = init(&ada, &[]);
    assert!(
        ran.code == 0 && ran.out.contains("Nothing new in 0 transcripts"),
        "{ran:?}"
    );
    assert!(
        !ran.out.contains('│'),
        "there is nothing to report: {}",
        ran.out
    );
}

#[test]
fn what_was_synced_before_there_was_a_remote_leaves_too() {
    let world = World::new();
    let ada = world.machine("ada");
    ada.write(".claude/projects/p/s.jsonl", &transcript("work", 0..3));
    ada.sync(&["init", "--yes"]);
    ada.sync(&[]);
    let ran = init(&ada, &[&world.remote()]);
    let wanted = "What leaves this machine: 0 lines of figures, and 3 requests of earlier syncs.";
    assert!(ran.out.contains(wanted), "{}", ran.out);
}

fn setting(machine: &Machine, key: &str) -> String {
    machine
        .sync(&["config", "get", &format!("privacy_settings.{key}")])
        .out
        .trim()
        .to_owned()
}

#[test]
fn everything_that_is_asked_has_a_flag() {
    let world = World::new();
    let ada = world.machine("ada");
    ada.write(".claude/projects/p/s1.jsonl", &transcript("s1", 0..5));
    let all = [
        "--project-names",
        "hash",
        "--anonymize-hostname",
        "--encrypt",
        "--retention-days",
        "400",
        "--auto",
    ];
    let ran = init(&ada, &[&[&world.remote()[..]], &all[..]].concat());
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(
        ran.out.contains("Made the key") && ran.out.contains("Everything is encrypted"),
        "{}",
        ran.out
    );
    let said = [
        "project_names",
        "anonymize_hostname",
        "encryption",
        "retention_days",
    ]
    .map(|key| setting(&ada, key));
    assert_eq!(said, ["hash", "true", "at-rest", "400"]);
    assert!(
        fs::read_to_string(ada.home.join(".claude/settings.json"))
            .expect("settings")
            .contains("auto hook")
    );
    let stored = world.stored(&world.path().join("remote.git"));
    assert!(
        !stored.contains("shop") && !stored.contains("claude-opus"),
        "nothing is there in clear"
    );
    // Another machine cannot make a key of its own for this fleet.
    let bob = world.machine("bob");
    let ran = init(&bob, &[&world.remote(), "--encrypt"]);
    assert!(
        ran.code == 9 && ran.err.contains("claude-sync key show"),
        "{ran:?}"
    );
    let key = ada.sync(&["key", "show"]).out;
    bob.sync(&["key", "import", key.trim()]);
    let ran = init(&bob, &["--encrypt"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(bob.fleet().0, 5);
    let eve = world.machine("eve");
    let ran = init(&eve, &["--project-names", "none", "--no-sync"]);
    assert_eq!(
        (ran.code, setting(&eve, "exclude_project_names").as_str()),
        (0, "true")
    );
    assert_eq!(init(&eve, &["--encrypt", "--front-page"]).code, 2);
    assert_eq!(init(&eve, &["--retention-days", "0"]).code, 2);
}

#[test]
fn what_everybody_can_read_is_refused() {
    let world = World::new();
    let ada = world.machine("ada");
    world.git(&world.path().join("remote.git"), &["update-server-info"]);
    let server = Files::serve(world.path(), Door::Open);
    let address = server.address("remote.git");
    let ran = init(&ada, &[&address]);
    assert_eq!(ran.code, 9);
    insta::assert_snapshot!(told(&ran, &world).replace(&address, "[ADDRESS]"));
    assert!(!ada.repo().exists());
    let ran = init(&ada, &[&address, "--allow-public", "--no-sync"]);
    assert_eq!(ran.code, 0, "{ran:?}");
}

/// A `gh` that knows of one repository, and writes down what it is asked.
fn gh(world: &World, there: Option<&str>) -> std::path::PathBuf {
    let tools = world.path().join("tools");
    fs::create_dir_all(&tools).expect("a folder");
    let _ = fs::remove_file(tools.join("view"));
    let view = |visibility: &str| {
        format!(
            "{{\"visibility\":\"{visibility}\",\"sshUrl\":\"{0}\",\"url\":\"{1}\"}}",
            world.remote(),
            world.remote().trim_end_matches(".git")
        )
    };
    fs::write(tools.join("new"), view("PRIVATE")).expect("written");
    if let Some(visibility) = there {
        fs::write(tools.join("view"), view(visibility)).expect("written");
    }
    let script = "#!/bin/sh\ncd \"$(dirname \"$0\")\" || exit 9\necho \"$*\" >> calls\ncase \"$1 $2\" in\n--version*) ;;\n'repo view') cat view 2>/dev/null || { echo 'Could not resolve to a Repository' >&2; exit 1; };;\n'repo create') cp new view;;\n'config get') echo https;;\n*) exit 2;;\nesac\n";
    fs::write(tools.join("gh"), script).expect("written");
    fs::set_permissions(tools.join("gh"), fs::Permissions::from_mode(0o755)).expect("executable");
    tools
}

fn with(machine: &Machine, tools: &Path, args: &[&str]) -> Ran {
    let path = format!(
        "{}:{}",
        tools.display(),
        std::env::var("PATH").unwrap_or_default()
    );
    run(machine
        .command("claude-sync", NOON)
        .env("PATH", path)
        .arg("init")
        .args(args))
}

#[test]
fn a_private_repository_is_made_by_gh() {
    let world = World::new();
    let (ada, bob) = (world.machine("ada"), world.machine("bob"));
    ada.write(".claude/projects/p/s1.jsonl", &transcript("s1", 0..5));
    let tools = gh(&world, None);
    let ran = with(&ada, &tools, &["--github", "claude-usage"]);
    assert!(
        ran.code == 0 && ran.out.contains("Synced 5 records in 1 session"),
        "{ran:?}"
    );
    let calls = fs::read_to_string(tools.join("calls")).expect("calls");
    assert!(
        calls.contains("repo create claude-usage --private"),
        "{calls}"
    );
    // The second machine finds it.
    fs::remove_file(tools.join("calls")).expect("deleted");
    let ran = with(&bob, &tools, &["--github", "claude-usage"]);
    assert!(ran.code == 0 && ran.out.contains("Joined"), "{ran:?}");
    assert!(
        !fs::read_to_string(tools.join("calls"))
            .expect("calls")
            .contains("create")
    );
    // One that is public is refused, and so is a gh that is not there.
    let eve = world.machine("eve");
    let tools = gh(&world, Some("PUBLIC"));
    let public = told(&with(&eve, &tools, &["--github", "claude-usage"]), &world);
    fs::remove_file(tools.join("gh")).expect("deleted");
    let git = which("git");
    fs::create_dir_all(world.path().join("git-alone")).expect("a folder");
    std::os::unix::fs::symlink(&git, world.path().join("git-alone/git")).expect("linked");
    let alone = world.path().join("git-alone").display().to_string();
    let missing = run(eve.command("claude-sync", NOON).env("PATH", alone).args([
        "init",
        "--github",
        "claude-usage",
    ]));
    insta::assert_snapshot!(format!("{public}\n----\n{}", told(&missing, &world)));
    assert!(!eve.repo().exists());
}

fn which(program: &str) -> std::path::PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .map(|folder| folder.join(program))
        .find(|file| file.is_file())
        .expect("it is there")
}

/// All files below a home, with their bytes, but the repository's.
fn outside(home: &Path) -> BTreeMap<String, Vec<u8>> {
    fn collect(root: &Path, folder: &Path, out: &mut BTreeMap<String, Vec<u8>>) {
        for entry in fs::read_dir(folder).expect("a folder").flatten() {
            let path = entry.path();
            if path.is_dir() {
                if !path.ends_with("claude-sync/repo") {
                    collect(root, &path, out);
                }
            } else {
                out.insert(
                    path.strip_prefix(root)
                        .expect("below")
                        .display()
                        .to_string(),
                    fs::read(&path).expect("a file"),
                );
            }
        }
    }
    let mut out = BTreeMap::new();
    collect(home, home, &mut out);
    out
}

#[test]
fn uninstalling_leaves_what_was_there_before() {
    let world = World::new();
    let ada = world.machine("ada");
    fs::remove_file(ada.home.join(".claude/machine_id")).expect("deleted");
    ada.write(".claude/settings.json", "{ \"model\":\"opus\" }");
    ada.write(".claude/projects/p/s1.jsonl", &transcript("s1", 0..5));
    ada.write(
        ".config/git/config",
        "[user]\n\tname = Ada\n\temail = ada@example.invalid\n",
    );
    let before = outside(&ada.home);
    assert_eq!(
        init(
            &ada,
            &[&world.remote(), "--auto", "--project-names", "none"]
        )
        .code,
        0
    );
    let id = fs::read_to_string(ada.home.join(".claude/machine_id")).expect("an id");
    let ran = ada.try_sync(NOON, &["uninstall"]);
    assert!(ran.code == 2 && ran.err.contains("--yes"), "{ran:?}");
    let ran = ada.sync(&["uninstall", "--yes"]);
    assert_eq!(outside(&ada.home), before, "{}", ran.out);
    assert!(ran.out.contains("your history") && ada.repo().exists());
    // Set up again, it is the same machine, and nothing counts twice.
    assert_eq!(init(&ada, &[&world.remote()]).code, 0);
    assert_eq!(
        fs::read_to_string(ada.home.join(".claude/machine_id")).expect("an id"),
        id
    );
    assert_eq!(
        (
            ada.fleet().0,
            ada.manifest_json()["machines"]
                .as_object()
                .map(serde_json::Map::len)
        ),
        (5, Some(1))
    );
    // Settings that somebody changed since stay.
    ada.sync(&["uninstall", "--yes"]);
    assert_eq!(init(&ada, &["--project-names", "none"]).code, 0);
    ada.sync(&["config", "set", "snapshots", "true"]);
    let ran = ada.sync(&["uninstall", "--yes"]);
    assert!(
        ran.out.contains("your settings")
            && ada.home.join(".config/claude-sync/config.json").exists(),
        "{ran:?}"
    );
}

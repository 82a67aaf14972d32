//! Where guides are tried: two computers of one user, a server, and stand-ins for what would reach beyond the test.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::world::{Ran, World, clean, run, transcript};

/// The day that guides tell of.
const NOW: &str = "2026-11-20T12:00:00Z";

/// Takes the place of `ssh`: hosts are folders beside each other.
const SSH: &str = "#!/bin/sh
while :; do
    case $1 in
        -[bceilmoFJp]) shift 2 ;;
        -*) shift ;;
        *) break ;;
    esac
done
host=${1#*@}
shift
HOME=$DOCS_WORLD/$host
cd \"$HOME\" || exit 255
CLAUDE_SYNC_HOSTNAME=$host CLAUDE_SYNC_HOST=$host
export HOME CLAUDE_SYNC_HOSTNAME CLAUDE_SYNC_HOST
exec sh -c \"$*\"
";

/// Takes the place of cron, whose real table is nobody's to try things with.
const CRONTAB: &str = "#!/bin/sh
case $1 in
    -l) cat \"$HOME/crontab\" 2>/dev/null || { echo 'no crontab' >&2; exit 1; } ;;
    -r) rm -f \"$HOME/crontab\" ;;
    *) cat ${1:+\"$1\"} > \"$HOME/crontab.new\" && mv \"$HOME/crontab.new\" \"$HOME/crontab\" ;;
esac
";

/// Takes the place of what else starts programs by the clock: there is none here.
const NONE_HERE: &str = "#!/bin/sh
echo 'not running here' >&2
exit 1
";

/// Two computers with transcripts, a server, and what is behind the addresses that guides name.
pub struct Stage {
    world: World,
    path: String,
}

impl Stage {
    pub fn new() -> Self {
        let world = World::new();
        for (host, session, requests) in [
            ("laptop", "first-session", 0..3),
            ("desktop", "second-session", 3..5),
        ] {
            let machine = world.machine(host);
            fs::remove_file(machine.home.join(".claude/machine_id"))
                .expect("an id is made by init");
            let text = transcript(session, requests).replace("2026-03-10", "2026-11-20");
            machine.write(".claude/projects/-home-me-work-shop/one.jsonl", &text);
            machine.write(
                ".gitconfig",
                &format!("[user]\n\tname = {host}\n\temail = {host}@example.invalid\n"),
            );
        }
        for folder in ["nas", "github.com/YOU", "bin", "tmp"] {
            fs::create_dir_all(world.path().join(folder)).expect("a folder");
        }
        world.git(
            &world.path().join("github.com/YOU"),
            &["init", "-q", "--bare", "-b", "main", "claude-usage.git"],
        );
        // No address leads to a network, not even for whoever asks there as a stranger.
        for host in ["laptop", "desktop"] {
            let path = world.path().join(host).join(".gitconfig");
            let text = fs::read_to_string(&path).expect("written above");
            let github = world.path().join("github.com").display().to_string();
            let section = format!(
                "[url \"file://{github}/\"]\n\tinsteadOf = git@github.com:\n\tinsteadOf = https://github.com/\n"
            );
            fs::write(path, text + &section).expect("written");
        }
        for (name, script) in [
            ("ssh", SSH),
            ("crontab", CRONTAB),
            ("systemctl", NONE_HERE),
            ("launchctl", NONE_HERE),
            ("gh", NONE_HERE),
        ] {
            let program = world.path().join("bin").join(name);
            fs::write(&program, script).expect("a program");
            fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).expect("it may run");
        }
        let built = Path::new(env!("CARGO_BIN_EXE_claude-sync"))
            .parent()
            .expect("a folder");
        let path = format!(
            "{}:{}:{}",
            world.path().join("bin").display(),
            built.display(),
            std::env::var("PATH").unwrap_or_default()
        );
        Self { world, path }
    }

    /// The home of one of them.
    pub fn home(&self, host: &str) -> PathBuf {
        self.world.path().join(host)
    }

    /// Runs a script in the home of one of them, as its user would: the programs are in PATH.
    pub fn sh(&self, host: &str, script: &str) -> Ran {
        let home = self.home(host);
        assert!(home.is_dir(), "there is no machine {host}");
        let mut command = Command::new("sh");
        clean(&mut command, &home);
        command
            .env("PATH", &self.path)
            .env("DOCS_WORLD", self.world.path())
            .env("EDITOR", "true")
            .current_dir(&home);
        command.env("TMPDIR", self.world.path().join("tmp"));
        command
            .env("CLAUDE_SYNC_NOW", NOW)
            .env("CLAUDE_SYNC_HOSTNAME", host)
            .env("CLAUDE_SYNC_HOST", host);
        run(command.args(["-e", "-c", script]))
    }
}

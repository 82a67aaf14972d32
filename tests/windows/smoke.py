#!/usr/bin/env python3
"""A smoke suite for the Windows programs, on Windows or under wine, beside a Linux machine of the same fleet.

    smoke.py WINDOWS_FOLDER GIT_FOLDER LINUX_FOLDER

WINDOWS_FOLDER and LINUX_FOLDER hold claude-sync and claude-usage-tracker, GIT_FOLDER a git for Windows with `bin/git.exe` and
`bin/sh.exe`. Without Git for Windows, tests/windows/git.sh makes such a folder. Needs rustc for the program that holds a run.
Prints a line a step; ends with 1 at the first one that fails.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

NOON = "2026-03-10T12:00:00Z"
BEGAN = time.monotonic()


def row(session, number, hour):
    usage = {"input_tokens": 10, "output_tokens": 100 + number, "cache_creation_input_tokens": 200, "cache_read_input_tokens": 3000}
    message = {"id": f"msg_01ABCDEFGH{number:012}", "model": "claude-opus-4-8", "stop_reason": "end_turn", "usage": usage}
    time_ = f"2026-03-10T{hour:02}:{number % 60:02}:00.000Z"
    whole = {"type": "assistant", "timestamp": time_, "sessionId": session, "cwd": "/home/x/shop", "requestId": f"req_{number}", "message": message}
    return json.dumps(whole) + "\n"


class Machine:
    def __init__(self, root, name, home=None):
        self.root, self.name, self.home = root, name, home or root / name
        self.home.mkdir(exist_ok=True)
        self.write(".claude/machine_id", "".join(f"{b:02x}" for b in name[:4].ljust(4, "a").encode()) + "-0000-4000-8000-000000000000")

    def write(self, path, text):
        path = self.home / path
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(path, "a", newline="\n") as file:
            file.write(text)

    def use(self, session, numbers, hour):
        self.write(f".claude/projects/-home-x-shop/{session}.jsonl", "".join(row(session, n, hour) for n in numbers))

    def run(self, program, *args, code=0, env=(), git=None):
        ran = subprocess.run(self.command(program) + list(args), env={**self.env(git), **dict(env)}, stdin=subprocess.DEVNULL, capture_output=True, timeout=300)
        out, err = ran.stdout.decode(errors="replace"), ran.stderr.decode(errors="replace")
        if code is not None and ran.returncode != code:
            sys.exit(f"FAILED: {self.name}: {program} {args} ended with {ran.returncode}\n{out}\n{err}")
        return out.replace("\r\n", "\n"), err

    def sync(self, *args, **more):
        return self.run("claude-sync", *args, **more)

    def report(self):
        out, _ = self.run("claude-usage-tracker", "daily", "--json", "-z", "UTC")
        return json.loads(out)["totals"]

    def plain(self, *args, code=0):
        return self.run("git", "-C", self.shown(self.repo), "-c", "user.name=T", "-c", "user.email=t@example.invalid", *args, code=code)

    def environment(self):
        kept = {name: os.environ[name] for name in ("PATH", "SYSTEMROOT", "WINEPREFIX", "TMP", "TEMP") if name in os.environ}
        return {
            **kept, "TZ": "UTC", "GIT_CONFIG_NOSYSTEM": "1", "CLAUDE_SYNC_NOW": NOON, "CLAUDE_SYNC_HOSTNAME": self.name,
            "CLAUDE_SYNC_HOST": self.name, "COLUMNS": "100", "GIT_TERMINAL_PROMPT": "0",
        }


class Linux(Machine):
    def __init__(self, root, name, programs):
        super().__init__(root, name)
        self.programs, self.repo = programs, self.home / ".local/share/claude-sync/repo"

    def command(self, program):
        return [program if program == "git" else str(self.programs / program)]

    def env(self, _):
        return {**self.environment(), "HOME": str(self.home)}

    def shown(self, path):
        return str(path)


class Windows(Machine):
    def __init__(self, root, name, programs, git):
        super().__init__(root, name, None if os.name == "nt" else self.prefix(root))
        self.programs, self.git = programs, git
        self.repo = self.home / "AppData/Roaming/claude-sync/repo"

    def prefix(self, root):
        """Makes a Windows of wine's; returns the user's folder, which it takes from no variable."""
        os.environ["WINEPREFIX"] = str(root / "prefix")
        quiet = {**os.environ, "WINEDEBUG": "-all", "WINEDLLOVERRIDES": "mscoree,mshtml="}
        subprocess.run(["wine", "wineboot", "-i"], env=quiet, capture_output=True, timeout=300, check=True)
        # Wine's own programs start with the first one, and would hold its pipes.
        self.keeper = subprocess.Popen(["wine", "cmd", "/k"], env=quiet, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        users = [user for user in (root / "prefix/drive_c/users").iterdir() if user.name != "Public"]
        return users[0]

    def command(self, program):
        folder = self.git / "bin" if program == "git" else self.programs
        own = str(folder / f"{program}.exe")
        return [own] if os.name == "nt" else ["wine", own]

    def env(self, git):
        folder = git or self.git / "bin"
        env = {
            **self.environment(), "HOME": self.shown(self.home), "USERPROFILE": self.shown(self.home),
            "APPDATA": self.shown(self.home / "AppData/Roaming"), "LOCALAPPDATA": self.shown(self.home / "AppData/Local"),
            "WINEDEBUG": "-all", "WINEDLLOVERRIDES": "mscoree,mshtml=",
        }
        if os.name == "nt":
            env["PATH"] = f"{folder};{env['PATH']}"
        else:
            env["WINEPATH"] = ";".join(self.shown(one) for one in (folder, self.git / "bin"))
        return env

    def shown(self, path):
        if os.name == "nt":
            return str(path)
        drive = self.root / "prefix/drive_c"
        if path.is_relative_to(drive):
            return "C:\\" + str(path.relative_to(drive)).replace("/", "\\")
        return "Z:" + str(path).replace("/", "\\")


def tree(repo, git="git"):
    out = subprocess.run([git, "-C", str(repo), "rev-parse", "HEAD^{tree}"], capture_output=True, text=True, check=True)
    return out.stdout.strip()


def same(ada, bob, what):
    check(tree(ada.repo) == tree(bob.repo), f"{what}: the same bytes")
    a, b = ada.report(), bob.report()
    check(a == b, f"{what}: the same figures", f"{a} {b}")
    return a


def check(holds, what, found=""):
    if not holds:
        sys.exit(f"FAILED: {what}: {found}")
    print(f"ok after {time.monotonic() - BEGAN:.0f} s: {what}", flush=True)


def hostile_names(ada, bob):
    """Names that Windows cannot hold are carried, and left out of the work tree."""
    bob.sync()
    names = ["notes/aux.txt", "notes/a:b", "notes/Same.md", "notes/same.md", "sync/con"]
    text = subprocess.run(["git", "-C", str(bob.repo), "hash-object", "-w", "--stdin"], input=b"x\n", capture_output=True, check=True).stdout.decode().strip()
    for name in names:
        bob.plain("update-index", "--add", "--cacheinfo", f"100644,{text},{name}")
    bob.plain("commit", "-q", "-m", "odd names")
    bob.plain("push", "-q", "--no-verify", "origin", "HEAD")
    ada.use("odd", range(70, 72), 10)
    ada.sync()
    listed = subprocess.run(["git", "-C", str(ada.repo), "ls-tree", "-r", "--name-only", "HEAD"], capture_output=True, text=True, check=True).stdout
    check(all(name in listed.splitlines() for name in names), "names that Windows cannot hold are carried")
    found = sorted(path.name for path in (ada.repo / "notes").iterdir())
    check(len(found) == 1 and found[0].lower() == "same.md", "they are left out of the work tree", found)
    out, _ = ada.sync("verify", code=14)
    check(out.count("\nforeign: ") + out.startswith("foreign: ") == 1 and "sync/con: is no sync data" in out, "verify names the one below sync alone", out)
    bob.sync()
    same(ada, bob, "after hostile names")


def held(ada, folder):
    """A run that waits for git: others learn who holds the lock, and a hook's run holds no pipe of Claude Code's."""
    folder.mkdir()
    source = Path(__file__).with_name("hold.rs")
    target = [] if os.name == "nt" else ["--target", "x86_64-pc-windows-gnu"]
    subprocess.run(["rustc", "--edition", "2024", *target, "-o", str(folder / "git.exe"), str(source)], check=True)
    ada.use("hooked", range(80, 82), 11)
    env = {**ada.env(folder), "HOLD": ada.shown(folder)}
    # Wine's processes share standard error whatever Windows says, so that a pipe there shows nothing.
    errors = (folder / "errors").open("w+b")
    hook = subprocess.Popen(ada.command("claude-sync") + ["auto", "hook"], env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors)
    out, _ = hook.communicate(b"{}", timeout=50)
    check(hook.returncode == 0 and not out, "the hook returns and prints nothing", out)
    for _ in range(300):
        if (folder / "called").exists():
            break
        time.sleep(0.1)
    check((folder / "called").exists() and not (folder / "go").exists(), "its run goes on, and holds none of Claude Code's pipes")
    _, err = ada.sync(code=None)
    check("another claude-sync is running (pid " in " ".join(err.split()), "the holder of the lock is named", err)
    (folder / "go").write_text("")


def main():
    # Ends wine's processes too where `timeout` ends this one.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("FAILED: it took too long"))
    windows, git, linux = (Path(arg).resolve() for arg in sys.argv[1:4])
    with tempfile.TemporaryDirectory(prefix="claude-sync-smoke-", ignore_cleanup_errors=True) as folder:
        root = Path(folder).resolve()
        remote = root / "remote.git"
        subprocess.run(["git", "init", "-q", "--bare", "-b", "main", str(remote)], check=True)
        ada, bob = Windows(root, "ada", windows, git), Linux(root, "bob", linux)
        try:
            suite(ada, bob, remote, root)
        finally:
            if os.name != "nt":
                ada.keeper.communicate(b"exit\r\n", timeout=60)
    print("all steps passed")


def suite(ada, bob, remote, root):
    ada.use("one", range(10), 8)
    bob.use("two", range(20, 25), 9)
    bob.sync("init", "--no-sync", str(remote))
    bob.sync()
    ada.sync("init", "--no-sync", ada.shown(remote))
    ada.sync()
    bob.sync()
    totals = same(ada, bob, "init and sync with a Linux machine")
    check(totals["requests"] == 15, "15 requests", totals)
    config = (ada.repo / ".git/config").read_text()
    check("\\\\?" not in config and "claude-sync.exe' merge-driver" in config, "no path begins with \\\\?\\")
    ada.use("one", range(30, 33), 8)
    ada.sync("--offline")
    bob.use("two", range(40, 44), 9)
    bob.sync()
    ada.plain("pull", "-q", "--no-rebase", "--no-edit")
    manifest = json.loads((ada.repo / "sync/manifest.json").read_text())
    check(manifest["global_summary"]["total_requests"] == 22, "a plain merge by git runs the driver")
    refusing = ada.repo / ".git/hooks/pre-push.user"
    refusing.write_bytes(b"#!/bin/sh\nexit 7\n")
    ada.plain("push", "-q", "origin", "HEAD", code=1)
    check(True, "a hook of the user's that is a script runs, and can refuse")
    refusing.unlink()
    ada.plain("push", "-q", "origin", "HEAD")
    bob.sync()
    same(ada, bob, "after a plain merge and push")
    for machine in (ada, bob):
        machine.sync("verify", "--read-data")
    check(True, "verify")
    out, _ = ada.sync("doctor", code=None)
    print("   " + "\n   ".join(out.splitlines()), flush=True)
    hostile_names(ada, bob)
    held(ada, root / "hold")
    ada.sync("demo")
    check(True, "demo")


if __name__ == "__main__":
    main()

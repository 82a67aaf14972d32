#!/usr/bin/env python3
"""Make the pictures of the HTML page, docs/page-*.png, from generated transcripts of three machines.

    pip install pillow
    cargo build
    tools/page_pictures.py [PAGE.html]     # CHROMIUM=… where `chromium` is not in PATH

The clock is stopped and the dice have a seed: the same program makes the same page. Look at each picture before you commit it.
"""

import json
import os
import random
import subprocess
import sys
import tempfile
from datetime import datetime, timedelta
from pathlib import Path

from PIL import Image

ROOT = Path(__file__).resolve().parent.parent
PROGRAMS = ROOT / "target/debug"
CHROMIUM = os.environ.get("CHROMIUM", "chromium")
TODAY = datetime(2026, 3, 27)
DAYS = 420
MACHINES = {"laptop": 5, "desktop": 4, "build-server": 2}
PROJECTS = ["web-shop", "billing", "mobile-app", "search", "infra", "docs", "data-pipeline", "design-system", "experiments", "cli-tools", "onboarding"]
MODELS = ["claude-opus-4-8", "claude-sonnet-4-6", "claude-haiku-4-5", "claude-opus-5-5", "claude-sonnet-5-5"]
AGENTS = ["", "", "", "Explore", "Plan", "general-purpose"]
# Each picture: its name, the theme, and the window's width and height.
PICTURES = [(f"page-{theme}{suffix}", theme, size) for theme in ("light", "dark") for suffix, size in (("", (1400, 1450)), ("-phone", (390, 1700)))]
# Pictures of the plan limits alone, of the last two weeks.
LIMITS = [(f"page-limits-{theme}", theme, (1000, 350)) for theme in ("light", "dark")]
ONLY_LIMITS = "<style>header, main > :not(#limits-card) { display: none } body { padding: .25rem } .card { margin: 0 !important }</style></body>"


def line(dice, session, project, number, time, model):
    agent = dice.choice(AGENTS)
    usage = {"input_tokens": dice.randrange(5, 60), "output_tokens": dice.randrange(200, 4000), "cache_creation_input_tokens": dice.randrange(500, 9000), "cache_read_input_tokens": dice.randrange(20_000, 160_000)}
    message = {"id": f"msg_{number:08}", "role": "assistant", "model": model, "stop_reason": "end_turn", "usage": usage}
    row = {"type": "assistant", "timestamp": time.strftime("%Y-%m-%dT%H:%M:%S.000Z"), "sessionId": session, "cwd": f"/home/me/{project}", "requestId": f"req_{number:08}", "uuid": f"row-{number:08}", "message": message}
    return json.dumps(row | ({"isSidechain": True, "attributionAgent": agent} if agent else {}))


def transcripts(dice, first, most):
    """A machine's transcripts, by session: weekdays, mostly by day, more and with newer models as time goes on."""
    out, number = {}, first
    for day in range(DAYS):
        date = TODAY - timedelta(days=DAYS - 1 - day)
        busy = dice.random() < (0.9 if date.weekday() < 5 else 0.25)
        for n in range(dice.randint(1, most) if busy else 0):
            session = f"{dice.randrange(16**8):08x}-0000-4000-8000-{first + day:08}{n:04}"
            project = PROJECTS[min(int(dice.expovariate(0.45)), len(PROJECTS) - 1)]
            newest = 3 if day < 290 else 5
            models = MODELS[max(0, newest - 3) : newest]
            time = date + timedelta(hours=min(max(dice.gauss(14, 3.5), 6), 22), minutes=dice.randrange(60))
            rows = []
            for _ in range(dice.randint(2, 6 + day // 40)):
                rows.append(line(dice, session, project, number, time, dice.choice(models)))
                number += 1
                time += timedelta(minutes=dice.randrange(1, 9))
            out[session] = "\n".join(rows) + "\n"
    return out


def run(home, name, *command, now=TODAY + timedelta(hours=23), told=""):
    env = {"PATH": os.environ["PATH"], "HOME": str(home), "TZ": "UTC", "GIT_CONFIG_NOSYSTEM": "1"}
    env |= {"CLAUDE_SYNC_NOW": now.isoformat() + "Z", "CLAUDE_SYNC_HOSTNAME": name, "CLAUDE_SYNC_HOST": name}
    subprocess.run(command, env=env, check=True, stdout=subprocess.DEVNULL, input=told, text=True)


def state_limits(home, name):
    """Claude Code states plan limits to the status line, on workdays of three weeks."""
    dice, now = random.Random(7), TODAY - timedelta(days=20)
    ends, used = {}, {}
    while now < TODAY + timedelta(hours=19):
        now += timedelta(minutes=30)
        if now.weekday() > 4 or not 8 <= now.hour < 19:
            continue
        for window, length, most in (("five_hour", timedelta(hours=5), 13), ("seven_day", timedelta(days=7), 1.3)):
            if now >= ends.get(window, now):
                ends[window], used[window] = now + length, 0.0
            used[window] = min(100.0, used[window] + dice.uniform(0, most))
        epoch = datetime(1970, 1, 1)
        limits = {window: {"used_percentage": round(used[window], 1), "resets_at": int((ends[window] - epoch).total_seconds())} for window in ends}
        run(home, name, PROGRAMS / "claude-usage-tracker", "statusline", now=now, told=json.dumps({"session_id": "s", "rate_limits": limits}))


def page(folder):
    """The page of all machines."""
    remote = folder / "usage.git"
    subprocess.run(["git", "init", "-q", "--bare", "-b", "main", remote], check=True)
    for at, (name, most) in enumerate(MACHINES.items()):
        home = folder / name
        place = home / ".claude/projects/p"
        place.mkdir(parents=True)
        for session, text in transcripts(random.Random(at), at * 1_000_000, most).items():
            (place / f"{session}.jsonl").write_text(text)
        if name == "laptop":
            state_limits(home, name)
        run(home, name, PROGRAMS / "claude-sync", "init", "--yes", str(remote))
    made = folder / "page.html"
    run(home, name, PROGRAMS / "claude-usage-tracker", "html", "-z", "UTC", "-o", str(made))
    return made.read_text()


def picture(folder, text, name, theme, width, height, period=""):
    # A window is at least 500 pixels wide, a frame in it is not.
    (folder / "page.html").write_text(text)
    frame = f'<body style="margin:0"><iframe src="page.html?theme={theme}#{period}" width="{width}" height="{height}" style="border:0;display:block"></iframe>'
    (folder / "frame.html").write_text(frame)
    shot, size = folder / "shot.png", f"--window-size={max(width, 500)},{height}"
    flags = ["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--virtual-time-budget=10000", f"--user-data-dir={folder}/profile"]
    subprocess.run([CHROMIUM, *flags, size, f"--screenshot={shot}", f"file://{folder}/frame.html"], check=True, stderr=subprocess.DEVNULL)
    image = Image.open(shot).convert("RGB").crop((0, 0, width, height))
    image.quantize(128, dither=Image.Dither.NONE).save(ROOT / "docs" / f"{name}.png", optimize=True)


def main():
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        text = page(folder)
        if sys.argv[1:]:
            Path(sys.argv[1]).write_text(text)
        for name, theme, size in PICTURES:
            picture(folder, text, name, theme, *size)
        since = (TODAY - timedelta(days=13)).strftime("from=%Y-%m-%d")
        for name, theme, size in LIMITS:
            picture(folder, text.replace("</body>", ONLY_LIMITS), name, theme, *size, since)


if __name__ == "__main__":
    main()

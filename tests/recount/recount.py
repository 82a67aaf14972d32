#!/usr/bin/env python3
"""Counts the usage in a sync tree, from docs/format.md alone, and compares it with other counts."""

import argparse
import json
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import files
from count import count, tags_of
from files import MAX_SUM, day_text, money_of, money_text, time_text
from prices import TABLE, Prices, table_name

FIGURES = ("requests", "input", "output", "cache_creation", "cache_read")
SECTIONS = ("machines", "sessions", "days", "models", "groups", "users")


class Total:
    __slots__ = ("figures", "cost", "known", "first", "last")

    def __init__(self):
        self.figures = [0] * 5
        self.cost = 0
        self.known = True
        self.first = self.last = None

    def add(self, row):
        figures = self.figures
        one, two, three, four, five = row.figures
        figures[0] += one
        figures[1] += two
        figures[2] += three
        figures[3] += four
        figures[4] += five
        self.cost += row.cost
        if not row.known:
            self.known = False
        time = row.time
        if self.first is None or time < self.first:
            self.first = time
        if self.last is None or time > self.last:
            self.last = time

    def json(self):
        found = {name: min(figure, MAX_SUM) for name, figure in zip(FIGURES, self.figures)}
        found["cost"] = money_text(self.cost)
        found["cost_known"] = self.known
        return found


class Report:
    def __init__(self, reader, prices):
        rows = count(reader, prices)
        self.total = Total()
        self.machines = {name: Total() for name in reader.machines}
        self.sessions, self.days, self.models = {}, {}, {}
        self.groups, self.users = {}, {}
        groups, users = (tags_of(reader.machines, kind) for kind in ("group", "user"))
        days = {}
        for row in rows:
            number = row.time // files.DAY
            day = days.get(number)
            if day is None:
                day = days[number] = day_text(row.time)
            self.total.add(row)
            for part, name in (
                (self.machines, row.machine),
                (self.sessions, row.session),
                (self.days, day),
                (self.models, row.model),
                (self.groups, groups[row.machine]),
                (self.users, users[row.machine]),
            ):
                total = part.get(name)
                if total is None:
                    total = part[name] = Total()
                total.add(row)
        claims = [
            machine.claim_first_usage
            for machine in reader.machines.values()
            if machine.claim_first_usage is not None
        ]
        firsts = claims if self.total.first is None else [self.total.first, *claims]
        self.first = min(firsts, default=None)

    def json(self):
        found = {
            "totals": self.total.json(),
            "first_usage": None if self.first is None else time_text(self.first),
            "last_usage": None if self.total.last is None else time_text(self.total.last),
        }
        for section in SECTIONS:
            found[section] = {name: total.json() for name, total in getattr(self, section).items()}
        return found


def differences(path, mine, other):
    """Lines `path: here, there` for each difference of two JSON values."""
    if isinstance(mine, dict) and isinstance(other, dict):
        found = []
        for name in sorted(mine.keys() | other.keys()):
            at = f"{path}.{name or '(none)'}" if path else name
            if name not in other:
                found.append(f"{at}: only counted here")
            elif name not in mine:
                found.append(f"{at}: only there")
            else:
                found += differences(at, mine[name], other[name])
        return found
    if mine != other or isinstance(mine, bool) != isinstance(other, bool):
        return [f"{path}: here {json.dumps(mine)}, there {json.dumps(other)}"]
    return []


def compare(report, other):
    """Differences from a report of the same shape. Sections that the other does not have are ignored."""
    mine = report.json()
    return differences("", {name: mine[name] for name in mine if name in other}, other)


def _manifest_totals(value):
    found = {name: value.get(key, 0) for name, key in zip(FIGURES, files.TOTALS)}
    found["cost"] = money_text(money_of(value.get("total_cost_usd", 0)))
    found["cost_known"] = value.get("cost_known", True)
    return found


def _manifest_time(value):
    return None if value is None else time_text(files.time_of(value))


def check(report, manifest):
    """Differences from a manifest's `global_summary` and its machines' `usage_summary`."""
    mine = report.json()
    summary = files.object_of(manifest.get("global_summary"))
    there = _manifest_totals(summary)
    there["first_usage"] = _manifest_time(summary.get("first_usage"))
    there["last_usage"] = _manifest_time(summary.get("last_usage"))
    here = dict(mine["totals"], first_usage=mine["first_usage"], last_usage=mine["last_usage"])
    found = differences("global_summary", here, there)
    here, there = {}, {}
    for name, total in report.machines.items():
        here[name] = {
            "requests": min(total.figures[0], MAX_SUM),
            "cost": money_text(total.cost),
            "last_usage": None if total.last is None else time_text(total.last),
        }
    for name, entry in files.object_of(manifest.get("machines")).items():
        usage = files.object_of(files.object_of(entry).get("usage_summary"))
        there[name] = {
            "requests": usage.get("total_requests", 0),
            "cost": money_text(money_of(usage.get("total_cost_usd", 0))),
            "last_usage": _manifest_time(usage.get("last_usage")),
        }
    return found + differences("machines", here, there)


def is_comparable(manifest, table):
    """Whether a manifest was computed by the same rules and prices. A table of the user's has no name."""
    named = files.object_of(manifest.get("prices")).get("sha256")
    return manifest.get("rules") == 5 and (table != TABLE or named == table_name())


def load(path):
    with open(path, encoding="utf-8") as file:
        return json.load(file, parse_float=Decimal)


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("tree", nargs="?", metavar="TREE_DIR", help="folder that contains the folder `sync`")
    parser.add_argument("--git", nargs="+", metavar=("REPO", "COMMIT"), help="read a commit (default: HEAD)")
    parser.add_argument("--prices", default=TABLE, metavar="FILE", help="price table")
    parser.add_argument(
        "--check",
        metavar="MANIFEST",
        help="compare with a manifest (default: sync/manifest.json where its `rules` is 5 and it names this price table)",
    )
    parser.add_argument("--compare", metavar="FILE", help="compare with JSON of the same shape")
    options = parser.parse_args(arguments)
    if (options.tree is None) == (options.git is None) or (options.git and len(options.git) > 2):
        parser.error("give either TREE_DIR or --git REPO [COMMIT]")
    try:
        if options.git:
            commit = options.git[1] if len(options.git) > 1 else "HEAD"
            reader = files.read(files.from_git(options.git[0], commit))
        elif (Path(options.tree) / "sync").is_dir():
            reader = files.read(files.from_folder(options.tree))
        else:
            parser.error(f"{options.tree}: no folder `sync`")
        report = Report(reader, Prices(options.prices))
        json.dump(report.json(), sys.stdout, indent=2, sort_keys=True, ensure_ascii=False)
        sys.stdout.write("\n")
        found = []
        if options.check:
            found += check(report, load(options.check))
        elif isinstance(reader.manifest, dict) and is_comparable(reader.manifest, options.prices):
            found += check(report, reader.manifest)
        if options.compare:
            found += compare(report, load(options.compare))
    except (files.Newer, files.Bad, OSError, ValueError, subprocess.CalledProcessError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    for line in found:
        print(f"difference: {line}", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())

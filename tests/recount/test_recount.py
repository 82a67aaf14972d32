"""Small trees for each rule of the counting. Expected values are computed by hand.

Costs: model `claude-a-1` costs 1 USD per million input tokens, 2 output, 4 cache writes (8 for an
hour), 0.5 cache reads.
"""

import hashlib
import io
import json
import os
import struct
import subprocess
import sys
import tempfile
import unittest
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import files  # noqa: E402
import recount  # noqa: E402
from prices import TABLE, Prices  # noqa: E402

BASE = {"input": 1, "output": 2, "cache_write_5m": 4, "cache_write_1h": 8, "cache_read": 0.5}
MODELS = {
    "claude-a-1": {**BASE, "web_search": 0.01, "fast": 6.0, "us": 1.1},
    "claude-b-1-20250101": {"input": 3, "output": 3, "cache_write_5m": 3, "cache_write_1h": 3, "cache_read": 3},
    "claude-t-1": {
        **BASE,
        "tiers": {
            "1000": {"input": 2, "output": 4, "cache_write_5m": 8, "cache_write_1h": 16, "cache_read": 1}
        },
    },
    "claude-r-1": {**BASE, "input": 0.000005, "us": 1.1},
}
MODEL = "claude-a-1"
DAY = "2026-03-10"
NONE = "00000000"


def mac(letter):
    return f"{letter * 8}-{letter * 4}-{letter * 4}-{letter * 4}-{letter * 12}"


A, B, C, D = map(mac, "abcd")


def ident(number):
    return f"{number:016x}"


def at(hour, day=DAY):
    return f"{day}T{hour:02}:00:00.000Z"


def record(number, hour=8, tokens=(1, 0, 0, 0), session="s1", day=DAY, **others):
    """A full record; `hour=None` makes it daily, and bare where `session` is None as well."""
    line = {"model": MODEL}
    for name, value in zip(
        ("input_tokens", "output_tokens", "cache_creation_tokens", "cache_read_tokens"), tokens
    ):
        line[name] = value
    if hour is not None:
        line["timestamp"] = at(hour, day)
    if number is not None:
        line["id"] = ident(number)
    if session is not None:
        line["session"] = session
    return {**line, **others}


def imported(source, day=DAY, figures=(1, 0, 0, 0, 0), cost=0, **others):
    line = {"sum": source, "model": MODEL, "day": day, "cost_usd": cost, "requests": figures[0]}
    for name, value in zip(
        ("input_tokens", "output_tokens", "cache_creation_tokens", "cache_read_tokens"), figures[1:]
    ):
        line[name] = value
    if source == "ccusage":
        line.update({"from": at(0, day), "until": f"{day}T23:59:59.999Z", "mark": "+00:00"})
    if source == "claim":
        del line["day"], line["model"]
    line.update(others)
    return {key: value for key, value in line.items() if value is not None}


def totals(requests, tokens=(0, 0, 0, 0), cost=0):
    return {
        "total_requests": requests,
        "total_input_tokens": tokens[0],
        "total_output_tokens": tokens[1],
        "total_cache_creation_tokens": tokens[2],
        "total_cache_read_tokens": tokens[3],
        "total_cost_usd": cost,
    }


def derived(milliseconds, model, tokens):
    text = b"derived"
    for part in (struct.pack(">q", milliseconds), model.encode(), *(struct.pack(">Q", n) for n in tokens)):
        text += b"\0" + struct.pack(">Q", len(part)) + part
    return hashlib.sha256(text).hexdigest()[:16]


class Tree:
    def __init__(self):
        self.files = {}

    def day(self, machine, *lines, day=DAY, part=""):
        header = {"version": "1.1", "machine": machine, "day": day}
        texts = [line if isinstance(line, str) else json.dumps(line) for line in (header, *lines)]
        year, month, date = day.split("-")
        path = f"sync/archive/{year}/{month}/{machine}/{date}{part}.jsonl"
        self.files[path] = "\n".join(texts) + "\n"
        return self

    def machine(self, name, created="2026-01-01T00:00:00.000Z", version="1.1", **others):
        value = {
            "version": version,
            "machine": {"uuid": name, "created_at": created, "updated_at": "2026-04-01T00:00:00.000Z"},
            **others,
        }
        self.files[f"sync/machines/{name}.json"] = json.dumps(value)
        return self

    def merged(self, holder, *pairs):
        return self.machine(
            holder,
            decisions=[
                {"kind": "merged", "subject": one, "revision": 1, "into": other} for one, other in pairs
            ],
        )

    def write(self, folder):
        for path, text in self.files.items():
            full = Path(folder) / path
            full.parent.mkdir(parents=True, exist_ok=True)
            full.write_bytes(text.encode("utf-8"))


class Case(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.table = Path(cls.folder.name) / "prices.json"
        cls.table.write_text(json.dumps({"models": MODELS}))

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def report(self, tree):
        reader = files.Reader()
        for path, text in sorted(tree.files.items()):
            reader.file(path, text.encode("utf-8"))
        self.reader = reader
        return recount.Report(reader, Prices(self.table))

    def count(self, tree):
        return self.report(tree).json()

    def figures(self, value):
        return tuple(value[name] for name in recount.FIGURES)

    def assert_total(self, counted, figures, cost=None, known=True):
        total = counted["totals"]
        self.assertEqual(self.figures(total), tuple(figures))
        if cost is not None:
            self.assertEqual(total["cost"], cost)
        self.assertEqual(total["cost_known"], known)

    def requests(self, counted, section):
        return {name: value["requests"] for name, value in counted[section].items()}


def increment(number, tokens, day=DAY, **others):
    ledger = {"after": [*tokens, 0], "lineage": ident(900), "state": ident(901)}
    if "hour" in others:
        ledger["from"] = at(others["hour"], day)
    return record(number, tokens=tokens, ledger=ledger, day=day, **others)


class Increments(Case):
    def test_it_is_no_request_and_costs_base_rates(self):
        counted = self.count(Tree().day(A, increment(1, (10, 100, 200, 3000), speed="fast", sidechain=True)))
        self.assert_total(counted, (0, 10, 100, 200, 3000), "0.00251")

    def test_the_smaller_figures_hold(self):
        one, other = increment(1, (10, 5, 0, 7)), increment(1, (3, 9, 0, 7))
        self.assert_total(self.count(Tree().day(A, one).day(B, other)), (0, 3, 5, 0, 7))
        self.assert_total(self.count(Tree().day(A, one, other)), (0, 3, 5, 0, 7))

    def test_it_is_held_against_no_sum(self):
        sums = imported("ccusage", figures=(2, 50, 0, 0, 0))
        self.assert_total(self.count(Tree().day(A, sums, increment(1, (30, 0, 0, 0)))), (2, 80, 0, 0, 0))


class Records(Case):
    def test_one_record_counts_in_each_section(self):
        # 10*1 + 100*2 + 200*4 + 3000*0.5 = 2510 millionths
        counted = self.count(Tree().day(A, record(1, tokens=(10, 100, 200, 3000))))
        self.assert_total(counted, (1, 10, 100, 200, 3000), "0.00251")
        self.assertEqual(self.requests(counted, "machines"), {A: 1})
        self.assertEqual(self.requests(counted, "sessions"), {"s1": 1})
        self.assertEqual(self.requests(counted, "days"), {DAY: 1})
        self.assertEqual(self.requests(counted, "models"), {MODEL: 1})
        self.assertEqual(counted["first_usage"], "2026-03-10T08:00:00.000Z")

    def test_daily_and_bare_records(self):
        counted = self.count(
            Tree().day(A, record(1, hour=None), record(2, hour=None, session=None, day="2026-03-10")).day(
                A, record(3, hour=None, session=None) | {"day": "2026-03-12"}, day="2026-03-11"
            )
        )
        self.assertEqual(self.requests(counted, "days"), {DAY: 2, "2026-03-12": 1})
        self.assertEqual(self.requests(counted, "sessions"), {"s1": 1, "": 2})
        self.assertEqual(counted["last_usage"], "2026-03-12T00:00:00.000Z")

    def test_the_day_of_a_full_record_is_that_of_its_time(self):
        counted = self.count(Tree().day(A, record(1, hour=23, day="2026-03-09")))
        self.assertEqual(self.requests(counted, "days"), {"2026-03-09": 1})

    def test_times_in_other_zones_are_cut_to_milliseconds(self):
        line = record(1) | {"timestamp": "2026-03-10T01:30:00.1239+02:00"}
        counted = self.count(Tree().day(A, line))
        self.assertEqual(counted["first_usage"], "2026-03-09T23:30:00.123Z")

    def test_versions_on_one_machine(self):
        # Origin: the earlier time. Row: more output tokens. Fast if either is: (5*1 + 9*2) * 6.
        tree = Tree()
        tree.day(A, record(1, hour=9, tokens=(5, 9, 0, 0), session="late"))
        tree.day(A, record(1, hour=8, tokens=(7, 3, 0, 0), session="early", speed="fast"), part=".2")
        counted = self.count(tree)
        self.assert_total(counted, (1, 5, 9, 0, 0), "0.000138")
        self.assertEqual(self.requests(counted, "sessions"), {"early": 1})

    def test_fast_if_either_is(self):
        for lines in ((record(1, speed="fast"), record(1)), (record(1), record(1, speed="fast"))):
            self.assert_total(self.count(Tree().day(A, *lines)), (1, 1, 0, 0, 0), "0.000006")

    def test_a_lower_level_stands_on_one_machine(self):
        tree = Tree().day(A, record(1, hour=8)).day(A, record(1, hour=None, session=None), part=".3")
        counted = self.count(tree)
        self.assertEqual(self.requests(counted, "sessions"), {"": 1})
        self.assertEqual(counted["first_usage"], "2026-03-10T00:00:00.000Z")

    def test_order_of_rows(self):
        rows = [
            dict(tokens=(9, 5, 0, 0), provisional=True),  # fewer output tokens than the rest
            dict(tokens=(9, 6, 0, 0), provisional=True),
            dict(tokens=(8, 6, 0, 0), sidechain=True),  # not provisional
            dict(tokens=(1, 6, 0, 0)),  # no sidechain
            dict(tokens=(0, 6, 3, 0)),  # more tokens in all
            dict(tokens=(3, 6, 0, 0)),  # the greater text: "input_tokens":3 > "input_tokens":0
        ]
        for last in range(1, len(rows)):
            for order in (1, -1):
                lines = [record(1, **row) for row in rows[: last + 1]][::order]
                counted = self.count(Tree().day(A, *lines))
                self.assertEqual(self.figures(counted["totals"])[1:], rows[last]["tokens"])

    def test_lines_that_do_not_count(self):
        tree = Tree().day(
            A,
            {"session": "s1", "project_name": "p", "checksum": "0"},
            record(1),
            "<<<<<<< ours",
            "=======",
            ">>>>>>> theirs",
            "no json",
            "[1]",
            record(2, tokens=(-1, 0, 0, 0)),
            record(3, tokens=("1", 0, 0, 0)),
            record(4, tokens=(2**53 + 1, 0, 0, 0)),
            {"future": 1},
            imported("claim") | {"sum": "unheard-of"},
        )
        self.assert_total(self.count(tree), (1, 1, 0, 0, 0))
        self.assertEqual(self.reader.bad_lines, 6)

    def test_paths_that_do_not_fit(self):
        line = json.dumps({"version": "1.1", "machine": A, "day": DAY}) + "\n" + json.dumps(record(1)) + "\n"
        tree = Tree()
        for path in (
            f"sync/archive/2026/03/{A}/10.1.jsonl",
            f"sync/archive/2026/03/{A}/10.02.jsonl",
            f"sync/archive/2026/03/{A}/10.10000.jsonl",
            f"sync/archive/2026/3/{A}/10.jsonl",
            f"sync/archive/2026/02/{A}/30.jsonl",
            f"sync/archive/2026/03/{A.upper()}/10.jsonl",
            f"archive/2026/03/{A}/10.jsonl",
        ):
            tree.files[path] = line
        tree.files[f"sync/machines/{B}.20260310T080000Z.json"] = json.dumps({"version": "1.0"})
        counted = self.count(tree)
        self.assert_total(counted, (0, 0, 0, 0, 0), "0")
        self.assertEqual(counted["machines"], {})

    def test_a_higher_major_version_stops(self):
        with self.assertRaises(files.Newer):
            self.count(Tree().machine(A, version="2.0"))


class Machines(Case):
    def test_every_machine_is_listed(self):
        tree = Tree().machine(A).day(B, record(1))
        tree.files[f"sync/machines/{C}.json"] = "not readable"
        self.assertEqual(self.requests(self.count(tree), "machines"), {A: 0, B: 1, C: 0})

    def test_chains_of_aliases(self):
        tree = Tree().merged(A, (A, B), (B, C)).day(A, record(1)).day(B, record(2)).day(C, record(3))
        self.assertEqual(self.requests(self.count(tree), "machines"), {A: 0, B: 0, C: 3})

    def test_rings_of_aliases_are_ignored(self):
        tree = Tree().merged(A, (A, B), (B, A), (D, D)).day(A, record(1)).day(B, record(2)).day(D, record(3))
        self.assertEqual(self.requests(self.count(tree), "machines"), {A: 1, B: 1, D: 1})

    def test_the_highest_revision_holds(self):
        tree = Tree().day(A, record(1)).day(C, record(2))
        tree.merged(B, (A, B))
        tree.machine(C, decisions=[{"kind": "merged", "subject": A, "revision": 2, "into": ""}])
        self.assertEqual(self.requests(self.count(tree), "machines"), {A: 1, B: 0, C: 1})
        tree.machine(C, decisions=[{"kind": "merged", "subject": A, "revision": 1, "into": C}])
        # The same revision: the greater text, `{"into":"cccc…`.
        self.assertEqual(self.requests(self.count(tree), "machines"), {A: 0, B: 0, C: 2})

    def test_groups_and_users_are_those_of_the_machine_that_it_counts_for(self):
        def tag(kind, subject, name, revision=1):
            return {"kind": kind, "subject": subject, "revision": revision, kind: name}

        tree = Tree().day(A, record(1)).day(B, record(2)).day(C, record(3)).day(D, record(4))
        tree.machine(A, decisions=[tag("group", B, "y"), tag("user", B, "forged"), tag("user", A, "me")])
        tree.machine(B, decisions=[tag("group", A, "x"), tag("group", B, "z"), tag("user", A, "forged", 2)])
        tree.merged(C, (D, B))
        counted = self.count(tree)
        self.assertEqual(self.requests(counted, "groups"), {"x": 1, "z": 2, "": 1})
        self.assertEqual(self.requests(counted, "users"), {"me": 1, "": 3})
        tree.machine(A, decisions=[tag("group", B, "", 2), tag("group", A, 7, 2)])
        self.assertEqual(self.requests(self.count(tree), "groups"), {"": 4})

    def test_copies_count_for_the_most_detailed(self):
        tree = Tree().day(A, record(1, hour=None, session=None)).day(B, record(1, hour=None)).day(C, record(1))
        counted = self.count(tree)
        self.assertEqual(self.requests(counted, "machines"), {A: 0, B: 0, C: 1})
        self.assertEqual(self.requests(counted, "sessions"), {"s1": 1})
        self.assertEqual(counted["first_usage"], "2026-03-10T08:00:00.000Z")

    def test_copies_count_for_the_earlier_time(self):
        tree = Tree().day(A, record(1, hour=9, tokens=(1, 7, 0, 0))).day(B, record(1, hour=8, tokens=(1, 3, 0, 0)))
        counted = self.count(tree)
        self.assertEqual(self.requests(counted, "machines"), {A: 0, B: 1})
        self.assert_total(counted, (1, 1, 7, 0, 0))

    def test_copies_count_for_the_machine_made_first(self):
        tree = Tree().day(A, record(1)).day(B, record(1))
        tree.machine(A, created=at(2)).machine(B, created=at(1))
        self.assertEqual(self.requests(self.count(tree), "machines"), {A: 0, B: 1})
        tree.machine(A, created=at(1))
        self.assertEqual(self.requests(self.count(tree), "machines"), {A: 1, B: 0})
        # A machine without a file is as old as 1970.
        tree.day(C, record(1))
        self.assertEqual(self.requests(self.count(tree), "machines"), {A: 0, B: 0, C: 1})

    def test_the_owner_is_chosen_before_aliases_apply(self):
        tree = Tree().day(B, record(1)).day(C, record(1)).merged(D, (B, D)).machine(C, created=at(0))
        # B has no file and is the oldest; what it holds counts for D, which is younger than C.
        tree.merged(D, (B, D))
        self.assertEqual(self.requests(self.count(tree), "machines"), {B: 0, C: 0, D: 1})

    def test_forgotten_ids(self):
        tree = Tree().day(A, record(1), record(2)).day(B, {"forgotten": ident(1)}, day="1970-01-01")
        self.assert_total(self.count(tree), (1, 1, 0, 0, 0))

    def test_forgotten_ids_whose_tombstone_does_nothing(self):
        stone = {"kind": "forgotten", "subject": "session:x", "revision": 1, "made": at(9), "salt": "y"}
        noted = {"by": files.tombstone_id("session:x"), "forgotten": ident(1)}
        tree = Tree().day(A, record(1), record(2)).day(B, noted, day="1970-01-01").machine(B, decisions=[stone])
        self.assert_total(self.count(tree), (1, 1, 0, 0, 0))
        undone = {"kind": "forgotten", "subject": "session:x", "revision": 2, "undone": True}
        tree.machine(C, decisions=[undone])
        self.assert_total(self.count(tree), (2, 2, 0, 0, 0))
        # What names no tombstone is forgotten until somebody brings it back.
        tree.day(B, {"forgotten": ident(2)}, noted, day="1970-01-01")
        self.assert_total(self.count(tree), (1, 1, 0, 0, 0))
        tree.day(C, {"kept": ident(2)}, day="1970-01-01")
        self.assert_total(self.count(tree), (2, 2, 0, 0, 0))

    def test_records_of_machine_files_are_copies(self):
        copy = record(1)
        del copy["session"]
        tree = Tree().day(A, record(1), record(2, hour=9))
        tree.machine(A, sessions={"s1": {"usage_records": [copy], "summary": totals(9)}})
        self.assert_total(self.count(tree), (2, 2, 0, 0, 0))


class Twins(Case):
    TIME = 20522 * 86400000 + 8 * 3600000  # 2026-03-10T08:00:00.000Z

    def test_a_full_record_with_its_own_id_replaces_a_derived_one(self):
        plain = record(None, tokens=(1, 2, 3, 4))
        tree = Tree().day(A, plain).day(B, record(7, tokens=(1, 2, 3, 4)))
        counted = self.count(tree)
        self.assert_total(counted, (1, 1, 2, 3, 4))
        self.assertEqual(self.requests(counted, "machines"), {A: 0, B: 1})

    def test_other_counters_are_another_request(self):
        tree = Tree().day(A, record(None, tokens=(1, 2, 3, 4))).day(B, record(7, tokens=(1, 2, 3, 5)))
        self.assert_total(self.count(tree), (2, 2, 4, 6, 9))

    def test_any_full_copy_may_be_the_twin(self):
        # The joined record has the time 08:00 and 9 output tokens; the copy on C is the twin.
        tree = Tree()
        tree.day(A, record(None, hour=9, tokens=(1, 2, 0, 0)))
        tree.day(B, record(7, hour=8, tokens=(1, 9, 0, 0)))
        tree.day(C, record(7, hour=9, tokens=(1, 2, 0, 0)))
        self.assert_total(self.count(tree), (1, 1, 9, 0, 0))

    def test_a_shortened_derived_record(self):
        line = record(None, hour=None, tokens=(1, 2, 0, 0), derived=True)
        line["id"] = derived(self.TIME, MODEL, (1, 2, 0, 0))
        tree = Tree().day(A, line).day(B, record(7, tokens=(1, 2, 0, 0)))
        self.assert_total(self.count(tree), (1, 1, 2, 0, 0))
        del line["derived"]
        tree.day(A, line)
        self.assert_total(self.count(tree), (2, 2, 4, 0, 0))

    def test_a_derived_id_joins_its_shortened_copy(self):
        line = record(None, hour=None, session=None, tokens=(1, 2, 0, 0), derived=True)
        line["id"] = derived(self.TIME, MODEL, (1, 2, 0, 0))
        tree = Tree().day(A, line).day(B, record(None, tokens=(1, 2, 0, 0)))
        self.assertEqual(self.requests(self.count(tree), "machines"), {A: 0, B: 1})

    def test_twins_of_a_bare_record(self):
        own = record(7, hour=None, session=None, tokens=(1, 2, 0, 0))
        plain = record(None, tokens=(1, 2, 0, 0))
        self.assert_total(self.count(Tree().day(A, plain).day(B, own)), (2, 2, 4, 0, 0))
        own["twins"] = [derived(self.TIME, MODEL, (1, 2, 0, 0))]
        self.assert_total(self.count(Tree().day(A, plain).day(B, own)), (1, 1, 2, 0, 0))

    def test_an_id_is_derived_only_if_all_copies_are(self):
        shortened = record(1, hour=None, derived=True)
        own = record(7, hour=None, twins=[ident(1)])
        self.assert_total(self.count(Tree().day(A, shortened).day(B, own)), (1, 1, 0, 0, 0))
        tree = Tree().day(A, shortened).day(B, own).day(C, record(1, hour=None))
        self.assert_total(self.count(tree), (2, 2, 0, 0, 0))

    def test_a_twin_is_not_held_against_a_sum(self):
        # The sum exceeds one request with 1 input token, not two.
        tree = Tree().day(A, record(None), record(7), imported("ccusage", figures=(5, 10, 0, 0, 0), cost=1))
        self.assert_total(self.count(tree), (5, 10, 0, 0, 0))


class Imports(Case):
    def test_a_sum_counts_by_what_it_exceeds(self):
        # 100 - 30 input tokens, 50 - 80 output tokens; requests 3 - 1.
        # Cost: 1 less 0.00019 for the request, at most 70 millionths.
        tree = Tree().day(A, record(1, tokens=(30, 80, 0, 0)), imported("ccusage", figures=(3, 100, 50, 0, 0), cost=1))
        counted = self.count(tree)
        self.assert_total(counted, (3, 100, 80, 0, 0), "0.00026")

    def test_cost_of_a_whole_sum(self):
        counted = self.count(Tree().day(A, imported("ccusage", figures=(3, 100, 50, 0, 0), cost=1.5)))
        self.assert_total(counted, (3, 100, 50, 0, 0), "1.5")
        self.assertEqual(counted["first_usage"], "2026-03-10T12:00:00.000Z")

    def test_cost_without_tokens_left(self):
        tree = Tree().day(A, record(1, tokens=(100, 0, 0, 0)), imported("ccusage", figures=(3, 100, 0, 0, 0), cost=1))
        self.assert_total(self.count(tree), (3, 100, 0, 0, 0), "0.0001")

    def test_cost_of_a_part_is_the_rest(self):
        # 0.00015 less 0.0001; 100 tokens left would cost 0.0001.
        tree = Tree().day(
            A, record(1, tokens=(100, 0, 0, 0)), imported("ccusage", figures=(2, 200, 0, 0, 0), cost=0.00015)
        )
        self.assert_total(self.count(tree), (2, 200, 0, 0, 0), "0.00015")

    def test_cost_of_a_part_without_a_price(self):
        tree = Tree().day(
            A,
            record(1, tokens=(100, 0, 0, 0), model="claude-z-9"),
            imported("ccusage", figures=(2, 200, 0, 0, 0), cost=3, model="claude-z-9"),
        )
        self.assert_total(self.count(tree), (2, 200, 0, 0, 0), "3", known=False)

    def test_other_models_do_not_match(self):
        tree = Tree().day(
            A, record(1, model="claude-t-1"), imported("ccusage", figures=(1, 1, 0, 0, 0))
        )
        self.assert_total(self.count(tree), (2, 2, 0, 0, 0))
        tree.day(A, record(1, model="claude-t-1"), imported("ccusage", figures=(1, 1, 0, 0, 0), model=None))
        self.assert_total(self.count(tree), (1, 1, 0, 0, 0))

    def test_windows_of_ccusage_are_an_hour_longer(self):
        for time, matches in (
            ("2026-03-09T22:59:59.999Z", False),
            ("2026-03-09T23:00:00.000Z", True),
            ("2026-03-11T00:59:59.999Z", True),
            ("2026-03-11T01:00:00.000Z", False),
        ):
            tree = Tree().day(A, record(1) | {"timestamp": time}, imported("ccusage", figures=(2, 1, 0, 0, 0)))
            self.assert_total(self.count(tree), (2, 1, 0, 0, 0) if matches else (3, 2, 0, 0, 0))

    def test_any_part_of_a_day_matches(self):
        window = {"from": at(20), "until": at(21)}
        tree = Tree().day(A, record(1, hour=None), imported("ccusage", figures=(1, 1, 0, 0, 0), **window))
        self.assert_total(self.count(tree), (1, 1, 0, 0, 0))
        tree.day(A, record(1, hour=8), imported("ccusage", figures=(1, 1, 0, 0, 0), **window))
        self.assert_total(self.count(tree), (2, 2, 0, 0, 0))

    def test_sessions_match(self):
        claim = imported("claim", figures=(1, 1, 0, 0, 0), session="s1")
        for line, requests in (
            (record(1, session="s1"), 1),
            (record(1, session="s2"), 2),
            (record(1, hour=None, session=None), 1),
            (record(1, day="2020-01-01"), 1),  # no window: any time
        ):
            self.assertEqual(self.count(Tree().day(A, line, claim))["totals"]["requests"], requests)

    def test_only_copies_of_holders_match(self):
        sums = imported("ccusage", figures=(2, 9, 0, 0, 0))
        self.assert_total(self.count(Tree().day(A, sums).day(B, record(1))), (3, 10, 0, 0, 0))
        # B's request counts for B, but A has a copy.
        both = Tree().day(A, sums, record(1, hour=None)).day(B, record(1))
        counted = self.count(both)
        self.assert_total(counted, (2, 9, 0, 0, 0))
        self.assertEqual(self.requests(counted, "machines"), {A: 1, B: 1})
        # An alias is a holder.
        self.assert_total(self.count(Tree().day(A, sums).day(B, record(1)).merged(C, (A, B))), (2, 9, 0, 0, 0))

    def test_one_history_on_two_machines(self):
        sums = imported("ccusage", figures=(2, 9, 0, 0, 0), cost=1)
        tree = Tree().day(A, sums).day(B, sums | {"mark": "+01:00"}, record(1))
        tree.machine(A, created=at(2)).machine(B, created=at(1))
        counted = self.count(tree)
        self.assert_total(counted, (2, 9, 0, 0, 0))
        self.assertEqual(self.requests(counted, "machines"), {A: 0, B: 2})
        # Other counters are another history.
        tree.day(B, imported("ccusage", figures=(2, 8, 0, 0, 0)))
        self.assert_total(self.count(tree), (4, 17, 0, 0, 0))

    def test_records_of_the_same_history_make_a_holder(self):
        sums = imported("ccusage", figures=(2, 9, 0, 0, 0), cost=1)
        tree = Tree().day(A, sums).day(B, record(1, tokens=(4, 0, 0, 0)), record(2, hour=9, tokens=(5, 0, 0, 0)))
        tree.machine(A, created=at(2)).machine(B, created=at(1))
        counted = self.count(tree)
        self.assert_total(counted, (2, 9, 0, 0, 0), "0.000009")
        self.assertEqual(self.requests(counted, "machines"), {A: 0, B: 2})
        # A record more in the window: not the same history.
        tree.day(B, record(1, tokens=(4, 0, 0, 0)), record(2, tokens=(5, 0, 0, 0)), record(3))
        self.assert_total(self.count(tree), (5, 19, 0, 0, 0))

    def test_sums_of_aliases_are_joined(self):
        # One key, figure by figure the greater: 3 requests, 9 input, 5 output tokens.
        tree = Tree().merged(C, (A, B))
        tree.day(A, imported("claim", figures=(2, 9, 0, 0, 0), session="s1", cost=2))
        tree.day(B, imported("claim", figures=(3, 0, 5, 0, 0), session="s1", cost=1))
        self.assert_total(self.count(tree), (3, 9, 5, 0, 0), "2")

    def test_deducted(self):
        # A shortened a request of 4 input tokens, which is not taken away a second time.
        deducted = {"deducted": totals(1, (4, 0, 0, 0), 0.000004)}
        sums = imported("ccusage", figures=(3, 10, 0, 0, 0), cost=0.00001)
        tree = Tree().day(A, record(1, hour=None, tokens=(4, 0, 0, 0)), sums | deducted)
        counted = self.count(tree)
        self.assert_total(counted, (3, 10, 0, 0, 0), "0.00001")
        # Held against the sum although no record matches.
        self.assert_total(self.count(Tree().day(A, sums | deducted)), (2, 6, 0, 0, 0), "0.000006")
        # A full record is taken away beside it: 10 - 4 - 4 = 2, and 4 of the record.
        tree.day(A, record(1, tokens=(4, 0, 0, 0)), sums | deducted)
        self.assert_total(self.count(tree), (2, 6, 0, 0, 0))

    def test_deducted_of_all_holders(self):
        sums = imported("ccusage", figures=(3, 10, 0, 0, 0), cost=1)
        tree = Tree().day(A, sums | {"deducted": totals(1, (4, 0, 0, 0))})
        tree.day(B, sums | {"deducted": totals(1, (3, 0, 0, 0))})
        self.assert_total(self.count(tree), (1, 3, 0, 0, 0), "0.000003")
        # Versions on one machine: the greater.
        tree = Tree().day(A, sums | {"deducted": totals(1, (4, 0, 0, 0))})
        tree.day(A, sums | {"deducted": totals(1, (3, 0, 0, 0))}, part=".2")
        self.assert_total(self.count(tree), (2, 6, 0, 0, 0))

    def test_order_of_sums(self):
        # s1 takes 1 of its 3 tokens; the claim of the machine has 10 - 1 - 2 = 7; ccusage has 12 - 10 = 2.
        window = {"from": at(0), "until": at(23)}
        tree = Tree().day(
            A,
            record(1),
            imported("ccusage", figures=(12, 12, 0, 0, 0)),
            imported("claim", figures=(10, 10, 0, 0, 0), **window),
            imported("claim", figures=(3, 3, 0, 0, 0), session="s1", **window),
        )
        counted = self.count(tree)
        self.assert_total(counted, (12, 12, 0, 0, 0))
        self.assertEqual(self.requests(counted, "models"), {MODEL: 3, "": 9})
        self.assertEqual(self.requests(counted, "sessions"), {"s1": 3, "": 9})

    def test_sums_of_other_machines_do_not_match(self):
        window = {"from": at(0), "until": at(23)}
        tree = Tree().day(A, imported("claim", figures=(3, 3, 0, 0, 0), **window))
        tree.day(B, imported("ccusage", figures=(5, 5, 0, 0, 0)))
        self.assert_total(self.count(tree), (8, 8, 0, 0, 0))

    def test_models_of_sums_match(self):
        # The key without a model comes first: 3; then 5 - 3 and 4 - 3, as the two models do not match.
        tree = Tree().day(
            A,
            imported("ccusage", figures=(5, 5, 0, 0, 0)),
            imported("ccusage", figures=(4, 4, 0, 0, 0), model="claude-t-1"),
            imported("ccusage", figures=(3, 3, 0, 0, 0), model=None),
        )
        counted = self.count(tree)
        self.assertEqual(self.requests(counted, "models"), {"": 3, MODEL: 2, "claude-t-1": 1})

    def test_a_machine_without_records_does_not_become_a_holder(self):
        tree = Tree().day(A, imported("ccusage", figures=(2, 0, 0, 0, 0)))
        tree.machine(A, created=at(2)).machine(B, created=at(1))
        self.assertEqual(self.requests(self.count(tree), "machines"), {A: 2, B: 0})

    def test_neighboring_days_of_ccusage(self):
        tree = Tree().day(A, *(imported("ccusage", f"2026-03-{day}", (5, 5, 0, 0, 0)) for day in (10, 11, 12)))
        self.assert_total(self.count(tree), (15, 15, 0, 0, 0))


class StatsCache(Case):
    SUM = imported("stats-cache", figures=(0, 9, 0, 0, 0), mark="2026-03-20", cost=0)

    def test_it_counts_whole_or_not(self):
        self.assert_total(self.count(Tree().day(A, self.SUM)), (0, 9, 0, 0, 0))
        for day, counts in (("2026-03-08", True), ("2026-03-09", False), ("2026-03-11", False), ("2026-03-12", True)):
            tree = Tree().day(A, self.SUM, record(1, day=day, model="claude-t-1"))
            self.assert_total(self.count(tree), (1, 10 if counts else 1, 0, 0, 0))

    def test_other_sources_within_three_days(self):
        claim = imported("claim", figures=(2, 0, 0, 0, 0), session="s1")
        near = claim | {"from": at(0, "2026-03-01"), "until": at(0, "2026-03-09")}
        self.assert_total(self.count(Tree().day(A, self.SUM, near)), (2, 0, 0, 0, 0))
        far = claim | {"from": at(0, "2026-03-01"), "until": at(23, "2026-03-08")}
        self.assert_total(self.count(Tree().day(A, self.SUM, far)), (2, 9, 0, 0, 0))
        # A sum of which nothing counts says nothing of the day.
        near["requests"] = 0
        self.assert_total(self.count(Tree().day(A, self.SUM, near)), (0, 9, 0, 0, 0))

    def test_the_greatest_mark(self):
        newer = imported("stats-cache", figures=(0, 4, 0, 0, 0), mark="2026-03-21", model="claude-t-1")
        counted = self.count(Tree().day(A, self.SUM, newer))
        self.assert_total(counted, (0, 4, 0, 0, 0))

    def test_one_history_by_input_plus_output(self):
        other = imported("stats-cache", figures=(0, 4, 5, 0, 0), mark="2026-03-22")
        tree = Tree().day(A, self.SUM).day(B, other)
        tree.machine(A, created=at(1)).machine(B, created=at(2))
        counted = self.count(tree)
        self.assert_total(counted, (0, 9, 0, 0, 0))
        self.assertEqual(counted["machines"][A]["input"], 9)

    def test_it_is_booked_at_noon(self):
        self.assertEqual(self.count(Tree().day(A, self.SUM))["first_usage"], "2026-03-10T12:00:00.000Z")


class Claims(Case):
    def old(self, **session):
        found = {
            "first_seen": "2026-03-10T00:00:00Z",
            "last_updated": "2026-03-10T20:00:00Z",
            "usage_records": [
                {"timestamp": "2026-03-10T08:00:00Z", "model": MODEL, "input_tokens": 3, "output_tokens": 0}
            ],
            "summary": {**totals(2, (5, 0, 0, 0), 0.000005), "models_used": [MODEL]},
        }
        found.update(session)
        return found

    def test_a_machine_file_of_version_1_0(self):
        usage = {
            **totals(10, (50, 0, 0, 0), 1),
            "first_usage": "2026-03-01T00:00:00Z",
            "last_usage": "2026-03-11T00:00:00Z",
        }
        counted = self.count(Tree().machine(A, version="1.0", sessions={"s1": self.old()}, usage_summary=usage))
        # Record 3; session 5 - 3 = 2; machine 50 - 3 - 2 = 45, whose cost is 1 - 0.000003 - 0.000002.
        self.assert_total(counted, (10, 50, 0, 0, 0), "1")
        self.assertEqual(self.requests(counted, "sessions"), {"s1": 2, "": 8})
        self.assertEqual(self.requests(counted, "models"), {MODEL: 2, "": 8})
        self.assertEqual(self.requests(counted, "days"), {DAY: 2, "2026-03-11": 8})
        self.assertEqual(counted["first_usage"], "2026-03-01T00:00:00.000Z")

    def test_a_claim_with_several_models_has_none(self):
        session = self.old(usage_records=[], summary={**totals(2), "models_used": [MODEL, "claude-t-1"]})
        counted = self.count(Tree().machine(A, version="1.0", sessions={"s1": session}))
        self.assertEqual(self.requests(counted, "models"), {"": 2})

    def test_claims_of_version_1_1(self):
        session = self.old(claimed=totals(4, (7, 0, 0, 0)))
        tree = Tree().machine(A, sessions={"s1": session}, claimed=totals(6, (9, 0, 0, 0)))
        # The claim of the machine has no window: it matches at any time, and is booked at `updated_at`.
        counted = self.count(tree)
        self.assert_total(counted, (6, 9, 0, 0, 0))
        self.assertEqual(self.requests(counted, "days"), {DAY: 4, "2026-04-01": 2})

    def test_adopted_manifests(self):
        manifest = {
            "version": "1.0",
            "machines": {
                A: {"usage_summary": {"total_requests": 3, "total_cost_usd": 0.5, "last_usage": at(9)}},
                B: {
                    "first_seen": at(1),
                    "usage_summary": {"total_requests": 5, "total_cost_usd": 2.5, "last_usage": at(9)},
                },
                D: {"usage_summary": {"total_requests": 7, "total_cost_usd": 1, "last_usage": at(9)}},
            },
            "sessions_index": {
                "s9": {"machines": [B], "first_seen": at(2), "last_updated": at(3), "total_usage_count": 2}
            },
        }
        decisions = [
            {"kind": "adopted-manifest", "subject": "x", "revision": 1, "manifest": manifest},
            {"kind": "forgotten", "subject": f"machine:{D}", "revision": 1, "salt": "x"},
        ]
        tree = Tree().machine(C, decisions=decisions).day(A, record(1))
        counted = self.count(tree)
        self.assertEqual(self.requests(counted, "machines"), {A: 3, B: 5, C: 0})
        self.assertEqual(self.requests(counted, "sessions"), {"s1": 1, "": 7})
        # A: the record and, as no token is taken away, all of 0.5. B: 2.5.
        self.assert_total(counted, (8, 1, 0, 0, 0), "3")


class Pricing(Case):
    def cost(self, tokens, model=MODEL, **others):
        counted = self.count(Tree().day(A, record(1, tokens=tokens, model=model, **others)))
        return counted["totals"]["cost"]

    def test_tiers(self):
        # 600 + 300 + 100 is not above 1000: 600*1 + 10*2 + 300*4 + 100*0.5 = 1870.
        self.assertEqual(self.cost((600, 10, 300, 100), "claude-t-1"), "0.00187")
        # One token more: twice the rates for all: 2*(1870 + 1).
        self.assertEqual(self.cost((601, 10, 300, 100), "claude-t-1"), "0.003742")

    def test_fast_and_us(self):
        self.assertEqual(self.cost((100, 0, 0, 0), speed="fast"), "0.0006")
        self.assertEqual(self.cost((100, 0, 0, 0), inference_geo="us"), "0.00011")
        self.assertEqual(self.cost((100, 0, 0, 0), inference_geo="us", speed="fast"), "0.00066")
        self.assertEqual(self.cost((100, 0, 0, 0), inference_geo="eu"), "0.0001")
        self.assertEqual(self.cost((100, 0, 0, 0), "claude-t-1", speed="fast"), "0.0001")

    def test_rounding(self):
        # 1 token at 5 picodollars, times 1.1: 5.5, rounded half up to 6.
        self.assertEqual(self.cost((1, 0, 0, 0), "claude-r-1", inference_geo="us"), "0.000000000006")

    def test_hour_writes(self):
        # 70*4 + 30*8
        self.assertEqual(self.cost((0, 0, 100, 0), cache_creation_1h_tokens=30), "0.00052")

    def test_web_searches_are_not_multiplied(self):
        self.assertEqual(self.cost((100, 0, 0, 0), speed="fast", web_search_requests=2), "0.0206")

    def test_unknown_models(self):
        counted = self.count(Tree().day(A, record(1), record(2, model="other")))
        self.assert_total(counted, (2, 2, 0, 0, 0), "0.000001", known=False)
        self.assertTrue(counted["models"][MODEL]["cost_known"])
        self.assertFalse(counted["models"]["other"]["cost_known"])

    def test_the_price_of_the_writer_is_ignored(self):
        self.assertEqual(self.cost((1, 0, 0, 0), cost_usd=7, cost_known=False), "0.000001")

    def test_names(self):
        prices = Prices(self.table)
        for name in (
            "us.anthropic.claude-a-1-v1:0",
            "claude-a-1[1m]",
            "claude-a-1-v2",
            "claude-a-1-20260101",
            "claude-a-1@20260101",
            "vertex/claude-a-1",
        ):
            self.assertIs(prices.of(name), prices.of(MODEL), name)
        self.assertIsNotNone(prices.of("claude-b-1@20250101"))
        for name in ("claude-b-1", "claude-a", "a-1", "Claude-a-1", "claude-a-1-v3", "claude-a-1-latest"):
            self.assertIsNone(prices.of(name), name)

    def test_the_table_of_the_repository(self):
        # The example of the format: 10*5 + 100*25 + 200*6.25 + 3000*0.5 = 5300 millionths.
        line = files.record_of(record(1, tokens=(10, 100, 200, 3000), model="claude-opus-4-8"), DAY)
        self.assertEqual(Prices(TABLE).of("claude-opus-4-8").request(line), 5300 * 10**6)


class PriceBook(Case):
    def costs(self, *rules, model=MODEL, day=DAY, tokens=(1000, 0, 0, 0)):
        decisions = [
            {"kind": "price", "subject": f"{number}", "revision": number + 1, "price": rule}
            for number, rule in enumerate(rules)
        ]
        tree = Tree().machine(A, decisions=decisions).day(A, record(1, tokens=tokens, model=model, day=day), day=day)
        counted = self.count(tree)["totals"]
        return counted["cost"] if counted["cost_known"] else None

    def test_a_price_holds_on_its_days_for_names_that_match(self):
        rule = {"model": "new-*", "from": "2026-03-10", "to": "2026-03-11", "input": "2", "output": "9"}
        for model, day, cost in (
            ("new-1", "2026-03-09", None),
            ("new-1", "2026-03-10", "0.002"),
            ("new-1", "2026-03-11", "0.002"),
            ("new-1", "2026-03-12", None),
            ("newer", "2026-03-10", None),
        ):
            self.assertEqual(self.costs(rule, model=model, day=day), cost, (model, day))

    def test_rates_that_are_not_set_are_those_of_input(self):
        rule = {"model": "new-1", "input": "2", "output": "9"}
        self.assertEqual(self.costs(rule, model="new-1", tokens=(1, 1, 1, 1)), "0.000015")
        rule |= {"cache_read": "0.5", "cache_write": "3"}
        self.assertEqual(self.costs(rule, model="new-1", tokens=(1, 1, 1, 1)), "0.0000145")

    def test_factors_apply_in_order_and_to_the_row_that_a_name_finds(self):
        half = {"model": MODEL, "multiply": "0.5"}
        price = {"model": "*a-1", "input": "4", "output": "1"}
        self.assertEqual(self.costs(half), "0.0005")
        self.assertEqual(self.costs(half, model=f"vertex/{MODEL}"), "0.0005")
        self.assertEqual(self.costs(half, price), "0.004")
        self.assertEqual(self.costs(price, half), "0.002")

    def test_what_is_no_rule_changes_nothing(self):
        for rule in (
            False,
            {"model": MODEL},
            {"model": MODEL, "input": "4"},
            {"model": MODEL, "input": "-4", "output": "1"},
            {"model": MODEL, "input": "4", "output": "1", "multiply": "2"},
            {"model": MODEL, "multiply": "0.0001"},
            {"model": MODEL, "multiply": "2", "from": "2026-02-30"},
            {"model": MODEL, "multiply": "2", "from": "2026-03-11", "to": "2026-03-10"},
        ):
            self.assertEqual(self.costs(rule), "0.001", rule)

    def test_sums_are_compared_by_the_table(self):
        decisions = [{"kind": "price", "subject": "x", "revision": 1, "price": {"model": MODEL, "multiply": "2"}}]
        made = imported("claim", figures=(2, 20, 0, 0, 0), session="s1", cost=0.00002)
        tree = Tree().machine(A, decisions=decisions).day(A, record(1, tokens=(5, 0, 0, 0)), made)
        # The record 5 * 2; of the sum 20 - 5 millionths.
        self.assertEqual(self.count(tree)["totals"]["cost"], "0.000025")


class Program(Case):
    def run_main(self, *arguments):
        out, err = io.StringIO(), io.StringIO()
        with redirect_stdout(out), redirect_stderr(err):
            status = recount.main(["--prices", str(self.table), *map(str, arguments)])
        return status, out.getvalue(), err.getvalue()

    def manifest(self, requests, rules=5):
        time = "2026-03-10T08:00:00.000Z"
        usage = {"total_requests": 1, "total_cost_usd": 0.000001, "last_usage": time}
        summary = {**totals(requests, (1, 0, 0, 0), 0.000001), "first_usage": time, "last_usage": time}
        return {"rules": rules, "machines": {A: {"usage_summary": usage}}, "global_summary": summary}

    def test_the_manifest_beside_the_tree_is_checked(self):
        for requests, rules, status in ((1, 5, 0), (2, 5, 1), (2, 4, 0)):
            with tempfile.TemporaryDirectory() as folder:
                tree = Tree().day(A, record(1))
                tree.files["sync/manifest.json"] = json.dumps(self.manifest(requests, rules))
                tree.write(folder)
                found, out, err = self.run_main(folder)
                self.assertEqual(found, status)
                self.assertEqual(json.loads(out)["totals"]["requests"], 1)
                self.assertEqual("global_summary.requests: here 1, there 2" in err, status == 1)

    def test_compare(self):
        with tempfile.TemporaryDirectory() as folder:
            Tree().day(A, record(1)).write(folder)
            _, out, _ = self.run_main(folder)
            other = Path(folder) / "other.json"
            other.write_text(out)
            self.assertEqual(self.run_main(folder, "--compare", other)[0], 0)
            value = json.loads(out)
            value["sessions"] = {"s2": value["sessions"]["s1"]}
            value["totals"]["cost"] = "5"
            other.write_text(json.dumps(value))
            status, _, err = self.run_main(folder, "--compare", other)
            self.assertEqual(status, 1)
            self.assertEqual(len([line for line in err.splitlines() if line.startswith("difference:")]), 3)

    def test_git(self):
        with tempfile.TemporaryDirectory() as folder:
            Tree().day(A, record(1)).day(B, record(2)).write(folder)
            executable = Path(folder) / f"sync/archive/2026/03/{B}/10.jsonl"
            os.chmod(executable, 0o755)
            environment = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
            for command in (
                ["init", "-q"],
                ["add", "."],
                ["update-index", "--chmod=+x", f"sync/archive/2026/03/{B}/10.jsonl"],
                ["-c", "user.name=a", "-c", "user.email=a@b", "commit", "-q", "-m", "sync"],
            ):
                subprocess.run(["git", "-C", folder, *command], check=True, env=environment)
            status, out, _ = self.run_main("--git", folder, "HEAD")
            self.assertEqual(status, 0)
            self.assertEqual(list(json.loads(out)["machines"]), [A])

    def test_sealed_trees_are_refused(self):
        with tempfile.TemporaryDirectory() as folder:
            tree = Tree()
            tree.files[f"sync/machines/{A}.json"] = "claude-sync-sealed 1 00000000 x\n"
            tree.write(folder)
            self.assertEqual(self.run_main(folder)[0], 2)


if __name__ == "__main__":
    unittest.main()

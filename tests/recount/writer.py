#!/usr/bin/env python3
"""A minimal writer of the format, made from docs/format.md alone: writes one machine's requests into a tree.

    writer.py INPUT.json TREE_DIR

INPUT.json has `machine` (uuid, hostname, platform, os_version, tracker_version), `now`, and `requests`: each with `time`, `model`,
`session`, `project`, `message` (message.id), `input`, `output`, `cache_creation`, `cache_read`. The tree has no files of the machine yet.
Writes no manifest: the next claude-sync that joins the tree computes it.
"""

import hashlib
import json
import re
import sys
from pathlib import Path

from files import money_text, time_of, time_text
from prices import Prices

COUNTERS = ("input_tokens", "output_tokens", "cache_creation_tokens", "cache_read_tokens")
ATTRIBUTES = "sync/** -text merge=claude-sync diff=claude-sync linguist-generated\n"


class Money:
    def __init__(self, pico):
        self.pico = pico


def flat(value):
    """Canonical JSON on one line."""
    if isinstance(value, Money):
        return money_text(value.pico)
    if isinstance(value, dict):
        return "{" + ",".join(f"{flat(key)}:{flat(one)}" for key, one in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(flat(one) for one in value) + "]"
    return json.dumps(value, ensure_ascii=False)


class Flat:
    """An object that stands on one line of an indented file."""

    def __init__(self, value):
        self.value = value


def indented(value, depth=0):
    if isinstance(value, Flat):
        return flat(value.value)
    inner, outer = "  " * (depth + 1), "  " * depth
    if isinstance(value, dict) and value:
        members = (f"{inner}{flat(key)}: {indented(one, depth + 1)}" for key, one in value.items())
        return "{\n" + ",\n".join(members) + f"\n{outer}}}"
    if isinstance(value, list) and value:
        return "[\n" + ",\n".join(inner + indented(one, depth + 1) for one in value) + f"\n{outer}]"
    return flat(value)


def sha256(text):
    return hashlib.sha256(text.encode()).hexdigest()


def record_id(message):
    """The id of a request by its message.id, which is one of its own: long, and of many characters."""
    letters = [c for c in message if c.isascii() and c.isalnum()]
    assert len(letters) >= 16 and len(set(letters)) >= 6, "only ids of messages are supported here"
    raw = message.encode()
    return hashlib.sha256(b"message" + b"\0" + len(raw).to_bytes(8, "big") + raw).hexdigest()[:16]


class Record:
    def __init__(self, request, prices):
        for name in ("model", "session"):
            assert re.fullmatch(r"[A-Za-z0-9._:/@\[\]<>-]+", request[name]), "a name that must be replaced by a hash"
        self.time, self.session, self.project = time_of(request["time"]), request["session"], request["project"]
        self.model, self.id = request["model"], record_id(request["message"])
        self.input, self.output = request["input"], request["output"]
        self.cache_creation, self.cache_read = request["cache_creation"], request["cache_read"]
        self.cache_creation_1h, self.fast, self.geo, self.web_searches = 0, False, None, 0
        self.counters = (self.input, self.output, self.cache_creation, self.cache_read)
        price = prices.of(self.model, self.time)
        self.known, self.cost = price is not None, price.request(self) if price else 0
        self.index = 0

    def members(self, project):
        """The members of a record whose project is that of its session."""
        assert self.project == project, "one project a session is supported here"
        value = {"timestamp": time_text(self.time), "model": self.model, **dict(zip(COUNTERS, self.counters))}
        value.update(cost_usd=Money(self.cost), index=self.index)
        if not self.known:
            value["cost_known"] = False
        return {**value, "id": self.id}


def totals(records):
    value = {"total_requests": len(records)}
    for place, name in enumerate(COUNTERS):
        value[f"total_{name}"] = sum(record.counters[place] for record in records)
    value["total_cost_usd"] = Money(sum(record.cost for record in records))
    return value


def unknown_cost(records):
    return {} if all(record.known for record in records) else {"cost_known": False}


def by_session(records):
    found = {}
    for record in sorted(records, key=lambda record: (record.session.encode(), record.time, record.id)):
        found.setdefault(record.session, []).append(record)
    return found


def day_file(machine, day, records):
    """The text of a day file, and the checksum of each session in it."""
    text, checksums = flat({"version": "1.1", "machine": machine, "day": day}) + "\n", {}
    for session, all_ in by_session(records).items():
        project = all_[0].project
        lines = "".join(flat({**record.members(project), "session": session}) + "\n" for record in all_)
        checksums[session] = sha256(lines)
        head = {"session": session, "project_name": project, "checksum": checksums[session]}
        text += flat(head) + "\n" + lines
    return text, checksums


def machine_file(about, now, records, checksums):
    sessions = {}
    for session, all_ in by_session(records).items():
        last, project = all_[-1], all_[0].project
        whole = sha256("".join(checksum + "\n" for checksum in checksums[session]))
        state = {"last_synced_timestamp": time_text(last.time), "last_synced_index": last.index, "checksum": whole}
        models = sorted({record.model for record in all_})
        sessions[session] = {
            "project_name": project,
            "first_seen": time_text(all_[0].time),
            "last_updated": time_text(last.time),
            "usage_count": len(all_),
            "sync_state": Flat(state),
            "usage_records": [Flat(record.members(project)) for record in all_[-2:]],
            "summary": Flat({**totals(all_), "models_used": models, **unknown_cost(all_)}),
        }
    times = [record.time for record in records]
    usage = {"first_usage": time_text(min(times)), "last_usage": time_text(max(times))}
    names = ("uuid", "hostname", "platform", "os_version", "tracker_version")
    machine = {name: about[name] for name in names}
    value = {
        "$schema": "https://claude-usage-tracker.com/schemas/v1/machine-sync.json",
        "version": "1.1",
        "machine": {**machine, "created_at": now, "updated_at": now, "revision": 1},
        "sync_metadata": {
            "last_full_sync": now,
            "last_incremental_sync": now,
            "total_sessions": len(sessions),
            "total_usage_records": len(records),
            "sync_mode": "full",
        },
        "usage_summary": {**totals(records), **usage, **unknown_cost(records)},
        "sessions": sessions,
    }
    return indented(value) + "\n"


def write(source, tree):
    prices, machine = Prices(), source["machine"]["uuid"]
    records = list({one.id: one for one in (Record(request, prices) for request in source["requests"])}.values())
    counts, days, files, checksums = {}, {}, {}, {}
    for record in sorted(records, key=lambda record: (record.time, record.id)):
        counts[record.session] = record.index = counts.get(record.session, 0) + 1
        days.setdefault(time_text(record.time)[:10], []).append(record)
    for day, all_ in sorted(days.items()):
        text, found = day_file(machine, day, all_)
        year, month, date = day.split("-")
        files[f"sync/archive/{year}/{month}/{machine}/{date}.jsonl"] = text
        for session, checksum in found.items():
            checksums.setdefault(session, []).append(checksum)
    now = time_text(time_of(source["now"]))
    files[f"sync/machines/{machine}.json"] = machine_file(source["machine"], now, records, checksums)
    if not (tree / ".gitattributes").exists():
        files[".gitattributes"] = ATTRIBUTES
    for path, text in files.items():
        place = tree / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(text.encode())


if __name__ == "__main__":
    write(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")), Path(sys.argv[2]))

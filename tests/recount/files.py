"""Reads the files of a tree: day files, machine files, decisions."""

import hashlib
import json
import os
import re
import stat
import struct
import subprocess
import sys
from datetime import date
from decimal import ROUND_DOWN, Context, Decimal

MACHINE = r"[0-9a-z]{8}-[0-9a-z]{4}-[0-9a-z]{4}-[0-9a-z]{4}-[0-9a-z]{12}"
DAY_FILE = re.compile(
    rf"sync/archive/([0-9]{{4}})/([0-9]{{2}})/({MACHINE})/([0-9]{{2}})(?:\.([1-9][0-9]{{0,3}}))?\.jsonl"
)
MACHINE_FILE = re.compile(rf"sync/machines/({MACHINE})\.json")
ID = re.compile(r"[0-9a-f]{16}")
TIME = re.compile(
    r"(\d{4}-\d\d-\d\d)[Tt ](\d\d):(\d\d):(\d\d)(?:\.(\d+))?(?:[Zz]|([+-])(\d\d):(\d\d))", re.ASCII
)
DAY = 86400000
EPOCH = date(1970, 1, 1).toordinal()
MAX_COUNTER = 2**53
MAX_SUM = 2**64 - 1
MAX_TEXT = 1000
MAX_FILE = 64 << 20
MAX_MANIFEST = 16 << 20
MARKERS = (b"<<<<<<<", b"|||||||", b"=======", b">>>>>>>")
BARE, DAILY, FULL = 0, 1, 2
SOURCES = ("claim", "ccusage", "stats-cache")
TOTALS = (
    "total_requests",
    "total_input_tokens",
    "total_output_tokens",
    "total_cache_creation_tokens",
    "total_cache_read_tokens",
)
_MONEY = Context(prec=80, rounding=ROUND_DOWN)


class Bad(Exception):
    """A line or a file that does not have the format."""


class Newer(Exception):
    """A file of a higher major version."""


# Values


def _refuse(text):
    raise ValueError(text)


_decode = json.JSONDecoder(parse_float=Decimal, parse_constant=_refuse).decode


def parse(raw):
    try:
        return _decode(raw.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise Bad(str(error)) from None


_days = {}


def day_start(text):
    """First millisecond of a day YYYY-MM-DD."""
    if type(text) is not str:
        raise Bad("day")
    found = _days.get(text)
    if found is None:
        if not re.fullmatch(r"\d{4}-\d\d-\d\d", text, re.ASCII):
            raise Bad("day")
        try:
            found = (date.fromisoformat(text).toordinal() - EPOCH) * DAY
        except ValueError:
            raise Bad("day") from None
        _days[text] = found
    return found


FIRST_TIME = day_start("0001-01-01")
LAST_TIME = day_start("9999-12-31") + DAY - 1


def time_of(text):
    """Milliseconds since 1970 of an RFC 3339 time."""
    if not isinstance(text, str):
        raise Bad("time")
    match = TIME.fullmatch(text)
    if not match:
        raise Bad("time")
    day, hour, minute, second, fraction, sign, zone_hour, zone_minute = match.groups()
    hour, minute, second = int(hour), int(minute), int(second)
    if hour > 23 or minute > 59 or second > 59:
        raise Bad("time")
    found = day_start(day) + ((hour * 60 + minute) * 60 + second) * 1000
    if fraction:
        found += int((fraction + "00")[:3])
    if sign:
        zone_hour, zone_minute = int(zone_hour), int(zone_minute)
        if zone_hour > 23 or zone_minute > 59:
            raise Bad("time")
        zone = (zone_hour * 60 + zone_minute) * 60000
        found += -zone if sign == "+" else zone
        if not FIRST_TIME <= found <= LAST_TIME:
            raise Bad("time")
    return found


def day_text(time):
    return date.fromordinal(time // DAY + EPOCH).isoformat()


def time_text(time):
    rest = time % DAY
    seconds, milliseconds = divmod(rest, 1000)
    return (
        f"{day_text(time)}T{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
        f".{milliseconds:03}Z"
    )


def money_of(value):
    """Whole picodollars of a JSON number; further digits are cut off."""
    if type(value) is int:
        if not 0 <= value <= 10**30:
            raise Bad("money")
        return value * 10**12
    if type(value) is not Decimal or value < 0 or value.adjusted() > 30:
        raise Bad("money")
    return int(_MONEY.multiply(value, Decimal(10**12)))


def money_text(pico):
    whole, part = divmod(pico, 10**12)
    return f"{whole}.{part:012}".rstrip("0").rstrip(".") if part else str(whole)


def counter(value):
    if type(value) is not int or not 0 <= value <= MAX_COUNTER:
        raise Bad("counter")
    return value


def count(value):
    if type(value) is not int or value < 0:
        raise Bad("count")
    return min(value, MAX_SUM)


def text(value):
    if type(value) is not str:
        raise Bad("text")
    try:
        if len(value.encode("utf-8")) > MAX_TEXT:
            raise Bad("text")
    except UnicodeEncodeError:
        raise Bad("text") from None
    return value


def flag(value):
    if type(value) is not bool:
        raise Bad("flag")
    return value


def ident(value):
    if type(value) is not str or not ID.fullmatch(value):
        raise Bad("id")
    return value


def _escape(value):
    """Canonical JSON string: only `"`, `\\` and characters below U+0020 are escaped."""
    return json.dumps(value, ensure_ascii=False)


def canonical(value):
    """Canonical compact text of an unordered value: keys sorted."""
    if isinstance(value, dict):
        return "{" + ",".join(f"{_escape(key)}:{canonical(value[key])}" for key in sorted(value)) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(canonical, value)) + "]"
    if isinstance(value, str):
        return _escape(value)
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


# Records


class Record:
    """One version of a request. `model` to `side` are the row."""

    __slots__ = (
        "id", "level", "time", "session", "fast", "derived", "twins", "ledger",
        "model", "input", "output", "cache_creation", "cache_read",
        "cache_creation_1h", "web_searches", "geo", "provisional", "recorded", "tier", "side",
    )  # fmt: skip

    def row_text(self):
        members = [
            f'"model":{_escape(self.model)}',
            f'"input_tokens":{self.input}',
            f'"output_tokens":{self.output}',
            f'"cache_creation_tokens":{self.cache_creation}',
            f'"cache_read_tokens":{self.cache_read}',
        ]
        if self.cache_creation_1h:
            members.append(f'"cache_creation_1h_tokens":{self.cache_creation_1h}')
        if self.geo:
            members.append(f'"inference_geo":{_escape(self.geo)}')
        if self.provisional:
            members.append('"provisional":true')
        if self.recorded is not None:
            members.append(f'"recorded_cost_usd":{money_text(self.recorded)}')
        if self.tier:
            members.append(f'"service_tier":{_escape(self.tier)}')
        if self.side:
            members.append('"sidechain":true')
        if self.web_searches:
            members.append(f'"web_search_requests":{self.web_searches}')
        return "{" + ",".join(members) + "}"

    def row_order(self):
        """The greater of two is kept."""
        return (
            self.output,
            not self.provisional,
            not self.side,
            self.input + self.output + self.cache_creation + self.cache_read,
            self.row_text().encode("utf-8", "surrogatepass"),
        )


ROW = (
    "model", "input", "output", "cache_creation", "cache_read", "cache_creation_1h", "web_searches",
    "geo", "provisional", "recorded", "tier", "side",
)  # fmt: skip


COUNTERS = ("input", "output", "cache_creation", "cache_read", "cache_creation_1h", "web_searches")


def ledger_of(line):
    """Checks the member `ledger` of an increment."""
    if type(line) is not dict or type(line.get("after")) is not list or len(line["after"]) != 5:
        raise Bad("ledger")
    for figure in line["after"]:
        counter(figure)
    ident(line.get("lineage"))
    ident(line.get("state"))
    text(line.get("from", ""))


def join_records(one, other, between_machines):
    """Join of two records with one id."""
    joined = Record()
    joined.id = one.id
    if between_machines:
        origin = min((one, other), key=lambda record: (-record.level, record.time, record.session))
    else:
        origin = min((one, other), key=lambda record: (record.level, record.time, record.session))
    joined.level, joined.time, joined.session = origin.level, origin.time, origin.session
    joined.fast = one.fast or other.fast
    joined.derived = one.derived and other.derived
    joined.twins = one.twins + tuple(twin for twin in other.twins if twin not in one.twins)
    joined.ledger = one.ledger or other.ledger
    if joined.ledger and one.ledger != other.ledger:
        row = one if one.ledger else other
    else:
        row = max((one, other), key=Record.row_order)
    for name in ROW:
        setattr(joined, name, getattr(row, name))
    if one.ledger and other.ledger:
        joined.model = max(one.model, other.model, key=lambda model: model.encode("utf-8", "surrogatepass"))
        for name in COUNTERS:
            setattr(joined, name, min(getattr(one, name), getattr(other, name)))
    return joined


def derived_id(record):
    """The id of a full record that is derived from the record itself."""
    model = record.model.encode("utf-8", "surrogatepass")
    eight = b"\0" + b"\0\0\0\0\0\0\0\x08"
    return hashlib.sha256(
        b"derived" + eight + struct.pack(">q", record.time)
        + b"\0" + struct.pack(">Q", len(model)) + model
        + eight + struct.pack(">Q", record.input)
        + eight + struct.pack(">Q", record.output)
        + eight + struct.pack(">Q", record.cache_creation)
        + eight + struct.pack(">Q", record.cache_read)
    ).hexdigest()[:16]  # fmt: skip


def tombstone_id(subject):
    """The id by which forgotten ids name a tombstone."""
    name = subject.encode("utf-8", "surrogatepass")
    return hashlib.sha256(b"tombstone\0" + struct.pack(">Q", len(name)) + name).hexdigest()[:16]


def record_of(line, file_day, session=None):
    """A record of a day file; of a machine file where `session` is given."""
    get = line.get
    record = Record()
    record.model = text(line["model"])
    record.input = counter(get("input_tokens", 0))
    record.output = counter(get("output_tokens", 0))
    record.cache_creation = counter(get("cache_creation_tokens", 0))
    record.cache_read = counter(get("cache_read_tokens", 0))
    record.cache_creation_1h = counter(get("cache_creation_1h_tokens", 0))
    record.web_searches = counter(get("web_search_requests", 0))
    record.geo = text(get("inference_geo", ""))
    record.provisional = flag(get("provisional", False))
    record.recorded = money_of(line["recorded_cost_usd"]) if "recorded_cost_usd" in line else None
    record.tier = text(get("service_tier", ""))
    if record.tier == "standard":
        record.tier = ""
    record.side = flag(get("sidechain", False))
    record.fast = text(get("speed", "")) == "fast"
    record.derived = flag(get("derived", False))
    record.ledger = "ledger" in line
    if record.ledger:
        ledger_of(line["ledger"])
        ident(line.get("id"))
        record.geo = record.tier = ""
        record.provisional = record.side = record.fast = record.derived = False
        record.recorded = None
    record.twins = ()
    if "twins" in line and not record.ledger:
        if type(line["twins"]) is not list:
            raise Bad("twins")
        record.twins = tuple(map(ident, line["twins"]))
    money_of(get("cost_usd", 0))
    flag(get("cost_known", True))
    count(get("index", 0))
    text(get("project_name", ""))
    if session is None:
        session = text(get("session", ""))
        named = "session" in line
    else:
        named = False
    if "timestamp" in line:
        record.level = FULL
        record.time = time_of(line["timestamp"])
        record.session = session
        own = derived_id(record)
        record.id = ident(line["id"]) if "id" in line else own
        record.derived = record.id == own and not record.ledger
    else:
        record.id = ident(line["id"])
        day = get("day", file_day)
        record.time = day_start(day)
        record.level, record.session = (DAILY, session) if named else (BARE, "")
    return record


# Sums


class Sum:
    """Totals without records. `figures` are requests and the four counters.

    `only_model` is the model of a claim's session: empty if it names several, None if not stated.
    """

    __slots__ = ("key", "figures", "cost", "known", "start", "end", "deducted", "only_model")

    def copy(self):
        made = Sum()
        for name in Sum.__slots__:
            setattr(made, name, getattr(self, name))
        return made


def totals_of(value):
    """(figures, cost, cost_known) of an object with the members of totals."""
    if type(value) is not dict:
        raise Bad("totals")
    return (
        [count(value.get(name, 0)) for name in TOTALS],
        money_of(value.get("total_cost_usd", 0)),
        flag(value.get("cost_known", True)),
    )


def greater(one, other):
    return [max(pair) for pair in zip(one, other)]


def join_sums(one, other):
    """Join of two sums with one key."""
    joined = one.copy()
    joined.figures = greater(one.figures, other.figures)
    joined.cost = max(one.cost, other.cost)
    joined.known = one.known and other.known
    starts = [time for time in (one.start, other.start) if time is not None]
    ends = [time for time in (one.end, other.end) if time is not None]
    joined.start = min(starts, default=None)
    joined.end = max(ends, default=None)
    if one.deducted and other.deducted:
        joined.deducted = (
            greater(one.deducted[0], other.deducted[0]),
            max(one.deducted[1], other.deducted[1]),
        )
    else:
        joined.deducted = one.deducted or other.deducted
    if one.only_model is None or one.only_model == other.only_model:
        joined.only_model = other.only_model
    elif other.only_model is not None:
        joined.only_model = ""
    return joined


def sum_of(line):
    made = Sum()
    source = text(line["sum"])
    if source not in SOURCES:
        raise Bad("source")
    day = ""
    if "day" in line:
        day_start(line["day"])
        day = line["day"]
    made.key = (
        source, text(line.get("mark", "")), day, text(line.get("session", "")), text(line.get("model", ""))
    )  # fmt: skip
    made.figures = [count(line.get("requests", 0))] + [
        count(line.get(name, 0))
        for name in ("input_tokens", "output_tokens", "cache_creation_tokens", "cache_read_tokens")
    ]
    made.cost = money_of(line.get("cost_usd", 0))
    made.known = flag(line.get("cost_known", True))
    made.start = time_of(line["from"]) if "from" in line else None
    made.end = time_of(line["until"]) if "until" in line else None
    made.deducted = None
    if "deducted" in line:
        made.deducted = totals_of(line["deducted"])[:2]
    made.only_model = None
    text(line.get("project_name", ""))
    return made


def claim(session, totals, start, end, model=""):
    made = Sum()
    made.key = ("claim", "", "", session, "")
    made.figures, made.cost, made.known = totals
    made.start, made.end = start, end
    made.deducted = None
    made.only_model = model
    return made


# Machines


class Machine:
    def __init__(self, name):
        self.name = name
        self.readable = False
        self.created_at = None
        self.updated_at = None
        self.last_usage = None
        self.claim_first_usage = None
        self.copies = {}
        self.forgotten = set()
        self.kept = set()
        self.sums = {}
        self.decisions = []

    def created(self):
        return 0 if self.created_at is None else self.created_at

    def add_record(self, record):
        present = self.copies.get(record.id)
        self.copies[record.id] = record if present is None else join_records(present, record, False)

    def add_sum(self, made):
        present = self.sums.get(made.key)
        self.sums[made.key] = made if present is None else join_sums(present, made)


def optional_time(value):
    return None if value is None else time_of(value)


def object_of(value):
    if value is None:
        return {}
    if type(value) is not dict:
        raise Bad("object")
    return value


def list_of(value):
    if value is None:
        return []
    if type(value) is not list:
        raise Bad("list")
    return value


def check_version(value):
    """Minor version, as text."""
    match = re.fullmatch(r"([0-9]+)\.([0-9]+)(\.[0-9]+)*", value) if type(value) is str else None
    if not match:
        raise Bad("version")
    if int(match[1]) > 1:
        raise Newer(value)
    if int(match[1]) < 1:
        raise Bad("version")
    return match[2]


class Reader:
    def __init__(self):
        self.machines = {}
        self.manifest = None
        self.notes = []
        self.bad_lines = 0

    def note(self, text):
        self.notes.append(text)

    def machine(self, name):
        if name not in self.machines:
            self.machines[name] = Machine(name)
        return self.machines[name]

    def file(self, path, raw):
        if raw.startswith(b"claude-sync-sealed "):
            raise Newer(f"{path}: sealed files are not supported")
        try:
            match = MACHINE_FILE.fullmatch(path)
            if match:
                machine = self.machine(match[1])
                if len(raw) > MAX_FILE:
                    self.note(f"{path}: too large")
                else:
                    self.machine_file(path, machine, raw)
                return
            match = DAY_FILE.fullmatch(path)
            if match and match[5] != "1":
                day = f"{match[1]}-{match[2]}-{match[4]}"
                try:
                    day_start(day)
                except Bad:
                    return
                machine = self.machine(match[3])
                if len(raw) > MAX_FILE:
                    self.note(f"{path}: too large")
                else:
                    self.day_file(path, machine, day, raw)
                return
            if path == "sync/manifest.json":
                if len(raw) > MAX_MANIFEST:
                    self.note(f"{path}: too large")
                else:
                    try:
                        self.manifest = parse(raw)
                    except Bad:
                        self.note(f"{path}: not readable")
        except Newer as error:
            raise Newer(f"{path}: version {error}") from None

    # Day files

    def day_file(self, path, machine, day, raw):
        header = False
        bad = 0
        records, sums, forgotten, kept = [], [], [], []
        for line in raw.split(b"\n"):
            if not line or line.startswith(MARKERS):
                continue
            try:
                value = parse(line)
                if type(value) is not dict:
                    raise Bad("line")
                if "sum" in value:
                    sums.append(sum_of(value))
                elif "forgotten" in value:
                    by = value.get("by")
                    known = type(by) is str and re.fullmatch("[0-9a-f]{16}", by)
                    forgotten.append((ident(value["forgotten"]), by if known else None))
                elif list(value) == ["kept"]:
                    kept.append(ident(value["kept"]))
                elif "model" in value and ("timestamp" in value or "id" in value):
                    records.append(record_of(value, day))
                elif "version" in value and "machine" in value and "day" in value:
                    check_version(value["version"])
                    if value["machine"] == machine.name and value["day"] == day:
                        header = True
            except Bad:
                bad += 1
        if bad:
            self.bad_lines += bad
            self.note(f"{path}: {bad} lines not readable")
        if not header:
            self.note(f"{path}: no header that fits its path")
            return
        for record in records:
            machine.add_record(record)
        for made in sums:
            machine.add_sum(made)
        machine.forgotten.update(forgotten)
        machine.kept.update(kept)

    # Machine files

    def machine_file(self, path, machine, raw):
        try:
            value = parse(raw)
            if type(value) is not dict:
                raise Bad("no object")
            minor = check_version(value.get("version"))
            about = object_of(value.get("machine"))
            if about.get("uuid") != machine.name:
                raise Bad("machine")
            created = optional_time(about.get("created_at"))
            updated = optional_time(about.get("updated_at"))
            summary = object_of(value.get("usage_summary"))
            sessions = object_of(value.get("sessions"))
            decisions = list_of(value.get("decisions"))
            last_usage = optional_time(summary.get("last_usage"))
        except Bad as error:
            self.note(f"{path}: not readable: {error}")
            return
        machine.readable = True
        machine.created_at, machine.updated_at, machine.last_usage = created, updated, last_usage
        old = minor == "0"
        for name, session in sessions.items():
            try:
                self.session(machine, name, object_of(session), old)
            except Bad as error:
                self.note(f"{path}: session {name}: {error}")
        claimed = summary if old else value.get("claimed")
        if claimed:
            try:
                totals = totals_of(claimed)
                start = optional_time(claimed.get("first_usage"))
                end = optional_time(claimed.get("last_usage"))
                machine.add_sum(claim("", totals, start, end))
                machine.claim_first_usage = start
            except Bad as error:
                self.note(f"{path}: claim: {error}")
        for decision in decisions:
            try:
                if type(decision) is not dict:
                    raise Bad("decision")
                kind, subject = text(decision.get("kind")), text(decision.get("subject"))
                says = {
                    key: said for key, said in decision.items() if key not in ("kind", "subject", "revision")
                }
                order = (count(decision.get("revision", 0)), canonical(says).encode("utf-8", "surrogatepass"))
                machine.decisions.append((kind, subject, order, says))
            except Bad as error:
                self.note(f"{path}: {error}")

    def session(self, machine, name, session, old):
        text(name)
        for line in list_of(session.get("usage_records")):
            try:
                if type(line) is not dict or "model" not in line or "timestamp" not in line:
                    raise Bad("record")
                machine.add_record(record_of(line, None, name))
            except Bad:
                self.bad_lines += 1
        summary = object_of(session.get("summary"))
        claimed = summary if old else session.get("claimed")
        if claimed:
            models = list_of(summary.get("models_used"))
            only = models[0] if len(models) == 1 and type(models[0]) is str else ""
            start = optional_time(session.get("first_seen"))
            end = optional_time(session.get("last_updated"))
            machine.add_sum(claim(name, totals_of(claimed), start, end, only))


# Trees


def from_folder(root):
    """Yields (path, bytes) of the plain files below `sync`."""
    top = os.path.join(root, "sync")
    for folder, folders, names in os.walk(top):
        folders.sort()
        for name in sorted(names):
            full = os.path.join(folder, name)
            mode = os.lstat(full).st_mode
            if not stat.S_ISREG(mode) or (os.name == "posix" and mode & stat.S_IXUSR):
                continue
            with open(full, "rb") as file:
                yield os.path.relpath(full, root).replace(os.sep, "/"), file.read()


def from_git(repository, commit):
    """Yields (path, bytes) of the plain files below `sync` in a commit."""
    listed = subprocess.run(
        ["git", "-C", repository, "ls-tree", "-r", "-z", "--full-tree", commit, "sync/"],
        check=True,
        stdout=subprocess.PIPE,
    ).stdout
    files = []
    for entry in listed.split(b"\0"):
        if entry:
            about, path = entry.split(b"\t", 1)
            mode, kind, name = about.split()
            if mode == b"100644" and kind == b"blob":
                files.append((path.decode("utf-8", "surrogateescape"), name))
    with subprocess.Popen(
        ["git", "-C", repository, "cat-file", "--batch"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as git:
        for path, name in files:
            git.stdin.write(name + b"\n")
            git.stdin.flush()
            size = int(git.stdout.readline().split()[2])
            raw = git.stdout.read(size)
            git.stdout.read(1)
            yield path, raw
        git.stdin.close()


def read(files):
    reader = Reader()
    for path, raw in files:
        reader.file(path, raw)
    for note in reader.notes:
        print(note, file=sys.stderr)
    return reader

"""Counts the files of all machines together."""

import re
from bisect import bisect_left, bisect_right

from files import (
    DAY,
    FULL,
    MACHINE,
    MAX_SUM,
    Bad,
    claim,
    count as count_of,
    day_start,
    derived_id,
    join_records,
    join_sums,
    money_of,
    object_of,
    time_of,
    tombstone_id,
)
from prices import Book

HOUR = 3600000
MACHINE_NAME = re.compile(MACHINE)
EVER = 1 << 62
RANK = {"ccusage": 2, "stats-cache": 3}
# All sums of which something counts, of all machines.
ALL = object()


class Row:
    """A request, or what counts of a sum."""

    __slots__ = ("time", "machine", "session", "model", "figures", "cost", "known")

    def __init__(self, time, machine, session, model, figures, cost, known):
        self.time = time
        self.machine = machine
        self.session = session
        self.model = model
        self.figures = figures
        self.cost = cost
        self.known = known


class Request:
    """A request that counts: the joined record and its price."""

    __slots__ = ("record", "machine", "cost", "billed", "known", "end")


class Group:
    """Sums that are one history."""

    __slots__ = ("key", "sum", "members", "holders", "machine", "counted", "cost", "window")


def decisions_of(machines):
    """The decision that holds, by (kind, subject), as its order and what it says."""
    holds = {}
    for name, machine in machines.items():
        for kind, subject, order, says in machine.decisions:
            if kind == "user" and subject != name:
                continue
            present = holds.get((kind, subject))
            if present is None or order > present[0]:
                holds[kind, subject] = (order, says)
    return holds


def void_tombstones(machines):
    """Subjects of decisions to forget that do nothing: taken back, or about days after the one on which they were made."""
    holds = {}
    for machine in machines.values():
        for kind, subject, order, says in machine.decisions:
            if kind != "forgotten":
                continue
            void = says.get("undone") is True
            if not void and subject.startswith("before:"):
                try:
                    bound = day_start(subject[len("before:") :])
                    made = says.get("made")
                    written = (machine.updated_at or 0) + DAY
                    latest = time_of(made) if type(made) is str else written
                    void = bound > latest
                except Bad:
                    pass
            # The same decision may stand in files that were written at other times.
            rank = (order, not void)
            if subject not in holds or rank > holds[subject]:
                holds[subject] = rank
    return {subject for subject, (_, does) in holds.items() if not does}


def tags_of(machines, kind):
    """The group (or user) of each machine; empty where it has none."""
    decisions = decisions_of(machines)
    found = {}
    for name in machines:
        _, says = decisions.get((kind, name), (None, {}))
        tag = says.get(kind)
        found[name] = tag if type(tag) is str else ""
    return found


def aliases_of(machines, decisions):
    """The machine that each machine counts for."""
    into = {}
    for (kind, subject), says in decisions.items():
        if kind == "merged" and type(says.get("into")) is str and says["into"]:
            into[subject] = says["into"]
    found = {}
    for name in machines:
        at = target = name
        seen = {name}
        while at in into:
            at = into[at]
            if at in seen:
                target = name
                break
            seen.add(at)
            if at in machines:
                target = at
        found[name] = target
    return found


def adopt(reader, decisions, void):
    """Adds the machines and the claims of adopted manifests."""
    forgotten = {
        subject[len("machine:") :]
        for kind, subject in decisions
        if kind == "forgotten" and subject.startswith("machine:") and subject not in void
    }
    for (kind, _), says in sorted(decisions.items(), key=lambda item: item[0]):
        manifest = says.get("manifest") if kind == "adopted-manifest" else None
        if type(manifest) is not dict:
            continue
        try:
            entries = object_of(manifest.get("machines"))
        except Bad:
            continue
        for name, entry in entries.items():
            if name in forgotten or not MACHINE_NAME.fullmatch(name):
                continue
            machine = reader.machine(name)
            try:
                summary = object_of(object_of(entry).get("usage_summary"))
                figures = [count_of(summary.get("total_requests", 0)), 0, 0, 0, 0]
                cost = money_of(summary.get("total_cost_usd", 0))
                start = time_of(entry["first_seen"]) if entry.get("first_seen") else None
                end = time_of(summary["last_usage"]) if summary.get("last_usage") else None
                if start is not None and end is not None:
                    start = min(start, end)
                machine.add_sum(claim("", (figures, cost, True), start, end))
            except Bad:
                reader.note(f"adopted manifest: machine {name}: not readable")


def bill(record, price):
    """What a request, or an increment of an account, costs by a price."""
    if price is None:
        return 0
    if record.ledger:
        figures = (record.input, record.output, record.cache_creation, record.cache_read)
        return price.base(figures) + record.web_searches * price.web_search
    return price.request(record)


def forgotten_of(machines, void):
    """Forgotten ids. One that names a tombstone is forgotten unless that one does nothing."""
    noted, kept = set(), set()
    for machine in machines.values():
        noted |= machine.forgotten
        kept |= machine.kept
    tags = {tombstone_id(subject) for subject in void}
    return {ident for ident, by in noted if (ident not in kept if by is None else by not in tags)}


def requests_of(machines, aliases, prices, book, void):
    """The requests that count, by id, and the ids that do not count."""
    forgotten = forgotten_of(machines, void)
    joined, owners, several = {}, {}, {}
    for name, machine in machines.items():
        created = machine.created()
        for ident, record in machine.copies.items():
            present = joined.get(ident)
            if present is None:
                joined[ident] = record
                owners[ident] = name
                continue
            if ident not in several:
                first = machines[owners[ident]]
                several[ident] = (-present.level, present.time, first.created(), first.name)
            order = (-record.level, record.time, created, name)
            if order < several[ident]:
                several[ident] = order
                owners[ident] = name
            joined[ident] = join_records(present, record, True)

    without = set(forgotten)
    if any(record.derived for record in joined.values()):
        twins = set()
        for machine in machines.values():
            for ident, copy in machine.copies.items():
                if copy.level == FULL and not joined[ident].derived:
                    twins.add(derived_id(copy))
        for record in joined.values():
            if not record.derived:
                twins.update(record.twins)
        without.update(twin for twin in twins if twin in joined and joined[twin].derived)

    found = {}
    for ident, record in joined.items():
        if ident in without:
            continue
        request = Request()
        request.record = record
        request.machine = aliases[owners[ident]]
        # Sums are compared by the table's prices, and rows count by the book's.
        request.cost = bill(record, prices.of(record.model, record.time))
        price = book.of(record.model, record.time)
        request.known = price is not None
        request.billed = bill(record, price)
        request.end = record.time if record.level == FULL else record.time + DAY - 1
        found[ident] = request
    return found, without


def window_of(key, start, end):
    """The window of a sum, both ends included."""
    if key[0] == "stats-cache" and key[2]:
        day = day_start(key[2])
        return day - DAY, day + 2 * DAY - 1
    return (-EVER if start is None else start), (EVER if end is None else end)


def sort_key(key):
    rank = RANK.get(key[0])
    if rank is None:
        rank = 0 if key[3] else 1
    return rank, key


class Sums:
    def __init__(self, machines, aliases, requests, without, prices):
        self.machines = machines
        self.aliases = aliases
        self.requests = requests
        self.prices = prices
        self.without = without
        self.fleet = {}
        for name in machines:
            self.fleet.setdefault(aliases[name], []).append(name)
        self.indexes = {}
        self.holding = None

    def rows(self):
        groups = self.groups()
        prior = {}
        everywhere = []
        rows = []
        for group in groups:
            before = prior.setdefault(group.machine, {None: [], ALL: everywhere})
            row = self.count(group, before)
            before[None].append(group)
            before.setdefault(group.key[3], []).append(group)
            if row is not None:
                rows.append(row)
                everywhere.append(group)
        return rows

    # Which sums are one, and for whom they count

    def groups(self):
        found = {}
        for target, names in self.fleet.items():
            by_key = {}
            for name in names:
                for key, made in self.machines[name].sums.items():
                    members = by_key.setdefault(key, [])
                    members.append((name, made))
            marks = {}
            for key in by_key:
                if key[0] == "stats-cache":
                    marks[key[2]] = max(marks.get(key[2], ""), key[1])
            for key, members in by_key.items():
                source, mark, day, _, model = key
                if source == "stats-cache" and mark != marks[day]:
                    continue
                joined = members[0][1]
                for _, made in members[1:]:
                    joined = join_sums(joined, made)
                if source == "ccusage":
                    same = (source, model, joined.start, joined.end, tuple(joined.figures[1:]))
                elif source == "stats-cache":
                    same = (source, day, model, joined.figures[1] + joined.figures[2])
                else:
                    same = (source, target, key)
                found.setdefault(same, []).append((target, key, joined, members))
        groups = [self.group(same, parts) for same, parts in found.items()]
        groups.sort(key=lambda group: (sort_key(group.key), group.machine))
        return groups

    def group(self, same, parts):
        group = Group()
        group.members = [(name, made) for _, _, _, members in parts for name, made in members]
        targets = {target for target, _, _, _ in parts}
        group.holders = sorted(
            (name for target in targets for name in self.fleet[target]),
            key=lambda name: (self.machines[name].created(), name),
        )
        group.machine = self.aliases[group.holders[0]]
        place = {}
        for number, name in enumerate(group.holders):
            place.setdefault(self.aliases[name], number)
        _, group.key, group.sum, _ = min(parts, key=lambda part: (place[part[0]], part[1]))
        group.counted, group.cost = [0] * 5, 0
        group.window = window_of(group.key, group.sum.start, group.sum.end)
        return group

    def is_shown_elsewhere(self, group):
        """Whether the requests of some other machine have just the counters of a ccusage sum."""
        if self.holding is None:
            self.holding = {}
            for name, machine in self.machines.items():
                for ident in machine.copies:
                    self.holding.setdefault(ident, set()).add(self.aliases[name])
        holders = {self.aliases[name] for name in group.holders}
        model = group.key[4]
        low, high = group.window
        shown = {}
        for ident, request in self.requests.items():
            record = request.record
            if record.ledger or request.end < low or record.time > high or (model and record.model != model):
                continue
            places = self.holding[ident]
            if places & holders:
                continue
            for place in places:
                figures = (record.input, record.output, record.cache_creation, record.cache_read)
                add(shown.setdefault(place, [0] * 4), figures)
        return any(counters == group.sum.figures[1:] for counters in shown.values())

    # What counts of a sum

    def index(self, name, session):
        """(times, ids) of the requests of which a machine has a copy; of a session and bare ones."""
        if name not in self.indexes:
            by_session = {}
            everything = []
            for ident in self.machines[name].copies:
                if ident in self.requests and not self.requests[ident].record.ledger:
                    record = self.requests[ident].record
                    everything.append((record.time, ident))
                    by_session.setdefault(record.session, []).append((record.time, ident))
            lists = {"": sorted(everything)}
            bare = by_session.pop("", [])
            for found, entries in by_session.items():
                lists[found] = sorted(entries + bare)
            self.indexes[name] = lists, sorted(bare)
        lists, bare = self.indexes[name]
        return lists.get(session, bare)

    def matching(self, group):
        """Ids of the requests of the holders that match, without regard to the model."""
        session = group.key[3]
        low, high = group.window
        if group.key[0] == "ccusage":
            low, high = low - HOUR, high + HOUR
        seen = set()
        for name in group.holders:
            entries = self.index(name, session)
            first = bisect_left(entries, (low - DAY + 1, ""))
            for time, ident in entries[first : bisect_right(entries, (high, "g"))]:
                if ident not in seen and self.requests[ident].end >= low:
                    record = self.requests[ident].record
                    if not session or record.session == session or record.level == 0:
                        seen.add(ident)
        return seen

    def count(self, group, before):
        source, _, _, session, model = group.key
        made = group.sum
        if source == "stats-cache":
            holders = set(group.holders)
            if self.matching(group) or any(
                other.key[0] != "stats-cache" and holders & set(other.holders) and meet(group.window, other.window)
                for other in before[ALL]
            ):
                return None
            group.counted, group.cost = list(made.figures), made.cost
            return self.row(group)
        if source == "ccusage" and self.is_shown_elsewhere(group):
            return None
        taken = [0] * 5
        cost = 0
        shortened = []
        for name, member in group.members:
            if member.deducted:
                add(taken, member.deducted[0])
                cost += member.deducted[1]
                shortened.append(self.machines[name].copies)
        for ident in self.matching(group):
            request = self.requests[ident]
            record = request.record
            if model and record.model != model:
                continue
            if any(ident in copies and copies[ident].level != FULL for copies in shortened):
                continue
            taken[0] += 1
            taken[1] += record.input
            taken[2] += record.output
            taken[3] += record.cache_creation
            taken[4] += record.cache_read
            cost += request.cost
        # Sums of an equal session or without one; all sums where this one names no session.
        candidates = [*before.get(session, ()), *before.get("", ())] if session else before[None]
        for other in candidates:
            if any(other.counted) and agree(model, other.key[4]) and meet(group.window, other.window):
                add(taken, other.counted)
                cost += other.cost
        left = [max(0, one - away) for one, away in zip(made.figures, taken)]
        tokens = any(made.figures[1:])
        if left == made.figures:
            group.cost = made.cost
        elif not (any(left[1:]) if tokens else left[0]):
            group.cost = 0
        else:
            group.cost = max(0, made.cost - cost)
            price = self.prices.of(model or made.only_model or "", made.start)
            if price is not None and tokens:
                group.cost = min(group.cost, price.base(left[1:]))
        group.counted = left
        return self.row(group)

    def row(self, group):
        if not any(group.counted) and not group.cost:
            return None
        source, _, day, session, model = group.key
        made = group.sum
        known = made.known or (any(made.figures[1:]) and not any(group.counted[1:]))
        if source == "claim":
            return Row(
                self.claim_time(group),
                group.machine,
                session,
                model or made.only_model or "",
                group.counted,
                group.cost,
                known,
            )
        if source == "stats-cache" and day:
            time = day_start(day) + DAY // 2
        elif made.start is not None and made.end is not None:
            time = made.start + (made.end - made.start + 1) // 2
        elif made.start is not None or made.end is not None:
            time = made.start if made.end is None else made.end
        elif day:
            time = day_start(day) + DAY // 2
        else:
            time = self.claim_time(group)
        return Row(time, group.machine, session, model, group.counted, group.cost, known)

    def claim_time(self, group):
        if group.sum.end is not None:
            return group.sum.end
        machines = [self.machines[group.machine]] + [self.machines[name] for name, _ in group.members]
        for of in ("last_usage", "updated_at"):
            for machine in machines:
                if getattr(machine, of) is not None:
                    return getattr(machine, of)
        return 0


def add(into, figures):
    for place, figure in enumerate(figures):
        into[place] = min(MAX_SUM, into[place] + figure)


def meet(one, other):
    return one[0] <= other[1] and other[0] <= one[1]


def agree(one, other):
    return not one or not other or one == other


def count(reader, prices):
    """All rows of a tree: requests, and what counts of sums."""
    machines = reader.machines
    ordered = decisions_of(machines)
    decisions = {name: says for name, (_, says) in ordered.items()}
    rules = [
        (order[0], subject, says.get("price"))
        for (kind, subject), (order, says) in ordered.items()
        if kind == "price"
    ]
    book = Book(prices, rules)
    void = void_tombstones(machines)
    adopt(reader, decisions, void)
    aliases = aliases_of(machines, decisions)
    requests, without = requests_of(machines, aliases, prices, book, void)
    rows = [
        Row(
            request.record.time,
            request.machine,
            request.record.session,
            request.record.model,
            (
                0 if request.record.ledger else 1,
                request.record.input,
                request.record.output,
                request.record.cache_creation,
                request.record.cache_read,
            ),
            request.billed,
            request.known,
        )
        for request in requests.values()
    ]
    rows += Sums(machines, aliases, requests, without, prices).rows()
    return rows

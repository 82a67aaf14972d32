"""Prices of requests, in whole picodollars (10^-12 US dollars)."""

import hashlib
import json
import re
import zlib
from copy import copy
from datetime import datetime, timezone
from decimal import Decimal
from pathlib import Path

TABLE = Path(__file__).resolve().parent.parent.parent / "src" / "prices" / "claude.tsv"
OTHERS = TABLE.with_name("others.z")
RATES = ("input", "output", "cache_write_5m", "cache_write_1h", "cache_read")


def table_name():
    """The SHA-256 by which a manifest names the tables."""
    return hashlib.sha256(TABLE.read_bytes() + zlib.decompress(OTHERS.read_bytes())).hexdigest()


def _rates(row, base=None):
    """Five rates in picodollars per token; a tier inherits the rates that it does not state."""
    found = []
    for place, name in enumerate(RATES):
        if name in row:
            found.append(int(row[name] * 10**6))
        else:
            found.append(base[place] if base else 0)
    return found


def _scaled(rates, permille):
    return [(rate * permille + 500) // 1000 for rate in rates]


class Price:
    def scaled(self, permille):
        """The same with all rates by the token times so many thousandths."""
        other = copy(self)
        other.rates = _scaled(self.rates, permille)
        other.tiers = [(above, _scaled(rates, permille)) for above, rates in self.tiers]
        return other

    def __init__(self, row):
        self.rates = _rates(row)
        self.web_search = int(row.get("web_search", Decimal(0)) * 10**12)
        self.fast = int(row.get("fast", Decimal(1)) * 1000)
        self.us = int(row.get("us", Decimal(1)) * 1000)
        self.tiers = sorted(
            ((int(above), _rates(tier, self.rates)) for above, tier in row.get("tiers", {}).items()),
            reverse=True,
        )

    def base(self, tokens):
        """Cost of the four counters at the base rates, with 5-minute cache writes."""
        rates = self.rates
        return tokens[0] * rates[0] + tokens[1] * rates[1] + tokens[2] * rates[2] + tokens[3] * rates[4]

    def request(self, record):
        prompt = record.input + record.cache_creation + record.cache_read
        rates = self.rates
        for above, tier in self.tiers:
            if prompt > above:
                rates = tier
                break
        hour = min(record.cache_creation_1h, record.cache_creation)
        cost = (
            record.input * rates[0]
            + record.output * rates[1]
            + (record.cache_creation - hour) * rates[2]
            + hour * rates[3]
            + record.cache_read * rates[4]
        )
        factor = (self.fast if record.fast else 1000) * (self.us if record.geo == "us" else 1000)
        if factor != 1000000:
            cost = (cost * factor + 500000) // 1000000
        return cost + record.web_searches * self.web_search


def _row(text):
    """A row of the table as the JSON shape: rates, then s, f and u with a number, then tiers."""
    row, rates = {"tiers": {}}, []
    at = row
    for word in text.split(" ") + [">"]:
        if word.startswith(">"):
            order = ("input", "output", "cache_read", "cache_write_5m", "cache_write_1h")
            at.update(zip(order, rates))
            at, rates = row["tiers"].setdefault(word[1:], {}), []
        elif word[0] in "sfu":
            row[{"s": "web_search", "f": "fast", "u": "us"}[word[0]]] = Decimal(word[1:])
        else:
            rates.append(Decimal(word))
    del row["tiers"][""]
    return row


def _model(line):
    name, first, *spans = line.split("\t")
    rows = [(None, Price(_row(first)))]
    for before, text in zip(spans[::2], spans[1::2]):
        start = datetime.fromisoformat(before[1:]).replace(tzinfo=timezone.utc)
        rows.append((int(start.timestamp() * 1000), Price(_row(text))))
    return name, rows


class Prices:
    def __init__(self, path=TABLE):
        text = Path(path).read_text(encoding="utf-8")
        if str(path).endswith(".json"):
            table = json.loads(text, parse_float=Decimal, parse_int=Decimal)
            self.models = {name: [(None, Price(row))] for name, row in table["models"].items()}
        else:
            lines = (line for line in text.splitlines() if line and not line.startswith("#"))
            self.models = dict(_model(line) for line in lines)
        self.found = {}

    def of(self, model, millis=None):
        """The price of a model on the UTC day of a time in milliseconds, or None."""
        rows = self._rows(model)
        if rows is None:
            return None
        found = rows[0][1]
        for before, price in rows[1:]:
            if millis is not None and millis < before:
                found = price
        return found

    def _rows(self, model):
        if model not in self.found:
            name = self._look_up(model)
            self.found[model] = (name, self.models.get(name))
        return self.found[model][1]

    def name(self, model):
        """The name of the row that a model finds, or None."""
        self._rows(model)
        return self.found[model][0]

    def _look_up(self, model):
        if model in self.models:
            return model
        start = model.find("claude-")
        if start < 0:
            return None
        name = re.sub(r"\[[^\]]*\]", "", model[start:])
        name = name.split(":", 1)[0].replace("@", "-")
        name = re.sub(r"-v[12]$", "", name)
        if name in self.models:
            return name
        name = re.sub(r"-[0-9]{8}$", "", name)
        return name if name in self.models else None


class Bad(Exception):
    """No rule of a price book."""


def _amount(value, most=10**6):
    text = str(value)
    if type(value) is bool or not re.fullmatch(r"[0-9]{1,30}(\.[0-9]{1,12})?", text) or Decimal(text) > most:
        raise Bad(text)
    return Decimal(text)


def _day(value):
    """The start of a day in milliseconds, or None for no day."""
    if value in (None, ""):
        return None
    if type(value) is not str or not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value):
        raise Bad(value)
    try:
        start = datetime.fromisoformat(value).replace(tzinfo=timezone.utc)
    except ValueError as error:
        raise Bad(value) from error
    return int(start.timestamp() * 1000)


class Rule:
    """A rule of the price book: a price or a factor for some models on some days."""

    def __init__(self, value):
        if type(value) is not dict:
            raise Bad("rule")
        pattern = value.get("model")
        if type(pattern) is not str or not re.fullmatch(r"[!-~]{1,200}", pattern.strip()):
            raise Bad("model")
        # Only the star has a meaning in a pattern.
        parts = pattern.strip().lower().split("*")
        self.pattern = re.compile(".*".join(re.escape(part) for part in parts), re.DOTALL)
        self.start, self.last = _day(value.get("from")), _day(value.get("to"))
        if self.start is not None and self.last is not None and self.start > self.last:
            raise Bad("from")
        names = ("input", "output", "cache_read", "cache_write", "cache_write_1h", "web_search")
        rates = {name: _amount(value[name]) for name in names if value.get(name) is not None}
        self.permille, self.price = None, None
        if value.get("multiply") is not None:
            permille = _amount(value["multiply"]) * 1000
            if "input" in rates or "output" in rates or permille != int(permille) or not 1 <= permille <= 10**6:
                raise Bad("multiply")
            self.permille = int(permille)
            return
        if "input" not in rates or "output" not in rates:
            raise Bad("input")
        write = rates.get("cache_write", rates["input"])
        row = {
            "input": rates["input"],
            "output": rates["output"],
            "cache_write_5m": write,
            "cache_write_1h": rates.get("cache_write_1h", write),
            "cache_read": rates.get("cache_read", rates["input"]),
            "web_search": rates.get("web_search", Decimal(0)),
        }
        self.price = Price(row)

    def holds(self, names, millis):
        within = (self.start is None or millis >= self.start) and (self.last is None or millis < self.last + 86400000)
        return within and any(self.pattern.fullmatch(name) for name in names)


class Book:
    """Prices with the rules of the fleet's book applied."""

    MOST = 500

    def __init__(self, prices, decisions):
        """`decisions`: the `price` decisions that hold, as (revision, subject, rule)."""
        self.prices = prices
        self.rules = []
        for _, _, value in sorted(decisions, key=lambda one: one[:2]):
            try:
                self.rules.append(Rule(value))
            except Bad:
                continue
        del self.rules[self.MOST :]

    def of(self, model, millis):
        price = self.prices.of(model, millis)
        names = [name.lower() for name in (model, self.prices.name(model)) if name]
        for rule in self.rules:
            if rule.holds(names, millis):
                price = rule.price if rule.permille is None else price and price.scaled(rule.permille)
        return price

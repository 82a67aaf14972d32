"""Prices of requests, in whole picodollars (10^-12 US dollars)."""

import json
import re
from decimal import Decimal
from pathlib import Path

TABLE = Path(__file__).resolve().parent.parent.parent / "src" / "prices" / "claude.json"
RATES = ("input", "output", "cache_write_5m", "cache_write_1h", "cache_read")


def _rates(row, base=None):
    """Five rates in picodollars per token; a tier inherits the rates that it does not state."""
    found = []
    for place, name in enumerate(RATES):
        if name in row:
            found.append(int(row[name] * 10**6))
        else:
            found.append(base[place] if base else 0)
    return found


class Price:
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


class Prices:
    def __init__(self, path=TABLE):
        table = json.loads(Path(path).read_text(encoding="utf-8"), parse_float=Decimal, parse_int=Decimal)
        self.models = {name: Price(row) for name, row in table["models"].items()}
        self.found = {}

    def of(self, model):
        """The price of a model, or None."""
        if model not in self.found:
            self.found[model] = self._look_up(model)
        return self.found[model]

    def _look_up(self, model):
        if model in self.models:
            return self.models[model]
        start = model.find("claude-")
        if start < 0:
            return None
        name = re.sub(r"\[[^\]]*\]", "", model[start:])
        name = name.split(":", 1)[0].replace("@", "-")
        name = re.sub(r"-v[12]$", "", name)
        if name in self.models:
            return self.models[name]
        return self.models.get(re.sub(r"-[0-9]{8}$", "", name))

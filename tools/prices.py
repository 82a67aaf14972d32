#!/usr/bin/env python3
"""Make the price table of other models, src/prices/others.z, from releases of the Python package litellm.

    pip download litellm --no-deps               # the newest release
    pip download litellm==1.101.6 --no-deps      # older ones, for rows that were deleted since
    tools/prices.py table litellm-1.110.2*.whl litellm-1.101.6*.whl …
    tools/prices.py rows litellm-1.110.2*.whl    # fixtures/prices/listed.z, for the test that compares all rows
    tools/prices.py show [NAME…]                 # lines of the table

Give the newest release first. A row of an older release is taken only where no newer one has its name: prices of retired models stay.
Only `model_prices_and_context_window_backup.json` is read (MIT licence). Run `cargo test --lib prices::` afterwards: it prints the new
fingerprint. The prices of Claude on Anthropic's own endpoint are in src/prices/claude.tsv, which is edited by hand.
"""

import json
import re
import sys
import zipfile
import zlib
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TABLE = ROOT / "src/prices/others.z"
CLAUDE = ROOT / "src/prices/claude.tsv"
LISTED = ROOT / "fixtures/prices/listed.z"
FILE = "litellm/model_prices_and_context_window_backup.json"
MODES = {"chat", "responses", "completion"}
MILLION = Decimal(1_000_000)

# Whose rows the comparing test reads.
COMPARED = {"anthropic", "bedrock", "bedrock_converse", "bedrock_mantle", "openrouter", "zai", "moonshot", "deepseek", "minimax",
            "dashscope", "xai", "openai", "gemini"}
# A price of 0 is believed of these only. Elsewhere it stands for "not known".
FREE = COMPARED | {"ollama", "lemonade"}
# Long prompts of these cost more before that day, when the million-token context left its beta; older releases list how much more.
LONG = (re.compile(r"claude-(opus|sonnet)-4[.-]6\b"), "2026-03-13")


def release(wheel):
    version = re.search(r"litellm-([0-9.]+)-", Path(wheel).name).group(1)
    with zipfile.ZipFile(wheel) as file:
        return version, json.loads(file.read(FILE), parse_float=Decimal, parse_int=Decimal)


def provider(row):
    return str(row.get("litellm_provider", ""))


def rates(name, row, suffix="", base=None):
    """Input, output, cache read, 5-minute write and 1-hour write, per token. What a tier does not list, it has from `base`."""

    def listed(key):
        value = row.get(key + suffix)
        if value is None and suffix and not key.endswith("_1hr"):
            return None
        return None if value is None else Decimal(value)

    claude = "claude" in name.lower()
    plain = row if base is None else base
    have = lambda key: plain.get(key) is not None
    into, out = listed("input_cost_per_token"), listed("output_cost_per_token")
    if into is None:
        into = Decimal(plain["input_cost_per_token"])
    if out is None:
        out = Decimal(plain["output_cost_per_token"])

    def other(key, default):
        value = listed(key)
        if value is not None:
            return value
        return Decimal(plain[key]) if suffix and have(key) else default

    # Claude's own rules where a row lists no cache prices. Others bill cached tokens as any others, and z.ai does not bill writes.
    read = other("cache_read_input_token_cost", into / 10 if claude else into)
    write = other("cache_creation_input_token_cost", into * Decimal("1.25") if claude else Decimal(0) if provider(row) == "zai" else into)
    hour_key = "cache_creation_input_token_cost_above_1hr"
    hour = listed(hour_key)
    if hour is None:
        hour = into * 2 if claude else write
    return into, out, read, write, hour


def search(row):
    costs = row.get("search_context_cost_per_query") or {}
    return Decimal(costs.get("search_context_size_medium", 0) or 0)


def priced(name, row):
    """The rates of a row and of its tiers, per token; none if it has no prices by the token."""
    if row.get("tiered_pricing"):
        parts = sorted(row["tiered_pricing"], key=lambda part: part["range"][0])
        whole = lambda part: {**{k: v for k, v in row.items() if "cost" in k and "_above_" not in k}, **part}
        tiers = [(int(part["range"][0]), rates(name, {**whole(part), "litellm_provider": provider(row)})) for part in parts]
        return tiers[0][1], tiers[1:]
    if row.get("input_cost_per_token") is None or row.get("output_cost_per_token") is None:
        return None
    found = {re.fullmatch(r"(?:input|output)_cost_per_token_above_(\d+)k_tokens", key) for key in row}
    steps = sorted({int(match.group(1)) for match in found if match})
    return rates(name, row), [(step * 1000, rates(name, row, f"_above_{step}k_tokens", row)) for step in steps]


def number(per_token):
    """Dollars per million tokens, to the picodollar per token."""
    pico = (per_token * MILLION * MILLION).quantize(Decimal(1), ROUND_HALF_UP)
    if not 0 <= pico < Decimal(10) ** 12:
        raise ValueError(f"no price: {per_token}")
    return format((pico / MILLION).normalize(), "f")


def text(base, tiers, web, fast, us):
    """`input output read write hour`, then `s` web search, `f` fast mode and `u` US inference, then tiers `>tokens input …`."""

    def five(values):
        into, out, read, write, hour = (number(value) for value in values)
        # The usual is left out: an hour's write costs twice the input (Claude) or as much as a short one.
        short = [into, out, read, write, hour]
        if hour == write:
            short.pop()
            if write == into:
                short.pop()
                if read == into:
                    short.pop()
        return " ".join(short)

    out = five(base)
    for letter, value in (("s", web), ("f", fast), ("u", us)):
        if value:
            out += f" {letter}{format(value.normalize(), 'f')}"
    for above, values in tiers:
        out += f" >{above} {five(values)}"
    return out


def content(name, row):
    found = priced(name, row)
    if found is None:
        return None
    base, tiers = found
    if not any(base) and provider(row) not in FREE and not provider(row).startswith("vertex_ai"):
        return None
    special = row.get("provider_specific_entry") or {}
    fast, us = Decimal(special.get("fast", 0) or 0), Decimal(special.get("us", 0) or 0)
    return base, tiers, search(row), fast, us


def table(wheels):
    own = {line.split("\t")[0] for line in CLAUDE.read_text().splitlines()}
    found, before, versions, counts = {}, {}, [], []
    for wheel in wheels:
        version, data = release(wheel)
        new = 0
        for name, row in data.items():
            target = data.get(row.get("alias_of"), row) if isinstance(row, dict) else {}
            key = name.lower()
            if target.get("mode") not in MODES or key in own or re.search(r"\s", name):
                continue
            made = content(name, target)
            if made is None:
                continue
            # What cost nothing in a row that was deleted since was not known, but for names that say so.
            if versions and not any(made[0]) and not key.endswith(":free"):
                continue
            if LONG[0].search(key) and made[1] and versions:
                before.setdefault(key, made)
                made = (made[0], [], *made[2:])
            if key not in found:
                found[key] = made
                new += 1
        versions.append(version)
        counts.append(f"{new} of {version}")
    lines = {name: text(*made) for name, made in found.items()}
    for name, made in before.items():
        lines[name] += f"\t<{LONG[1]}\t" + text(*made)
    head = f"litellm {versions[0]} (PyPI, MIT)" + (f", rows deleted since from {', '.join(versions[1:])}" if versions[1:] else "")
    body = head + "\n" + "".join(f"{name}\t{lines[name]}\n" for name in sorted(lines))
    TABLE.write_bytes(zlib.compress(body.encode(), 9))
    print(f"{len(lines)} rows ({', '.join(counts)}): {len(body)} bytes, {TABLE.stat().st_size} compressed")


def rows(wheel):
    """What the comparing test reads: prices as the release has them, of the providers compared."""
    version, data = release(wheel)
    out = []
    for name, row in data.items():
        if row.get("mode") in MODES and (provider(row) in COMPARED or provider(row).startswith("vertex_ai")):
            kept = {key: value for key, value in row.items() if re.search(r"cost_per_token|token_cost|tiered_pricing", key)}
            kept = {key: value for key, value in kept.items() if not re.search(r"batches|priority|flex|audio|image|video|ultrafast|decisions|balanced|12hr", key)}
            if priced(name, row):
                out.append({"name": name, "provider": provider(row), **kept})
    # Decimals as they are written in the release.
    body = json.dumps(out, default=lambda value: f"@{value}@", separators=(",", ":"))
    body = re.sub(r'"@([^"@]+)@"', r"\1", body)
    LISTED.parent.mkdir(parents=True, exist_ok=True)
    LISTED.write_bytes(zlib.compress((version + "\n" + body).encode(), 9))
    print(f"{len(out)} rows of {version}: {LISTED.stat().st_size} bytes")


def show(names):
    for found in zlib.decompress(TABLE.read_bytes()).decode().splitlines():
        if not names or found.split("\t")[0] in names:
            print(found)


def main():
    commands = {"table": table, "rows": lambda wheels: rows(*wheels), "show": show}
    if len(sys.argv) < 2 or sys.argv[1] not in commands:
        sys.exit(__doc__)
    commands[sys.argv[1]](sys.argv[2:])


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""A second implementation of the sealed format, from docs/format.md alone.

    sealed.py vectors FILE            check test vectors
    sealed.py check --key FILE REPO [COMMIT]
                                      open every sealed file of a commit, seal it again, compare the bytes
    sealed.py open --key FILE PATH    print a sealed file in clear

FILE is the file of the key, or what `claude-sync key show` prints; `-` reads standard input. Exit codes: 0 all is equal, 1 something differs, 2 it cannot be checked.
"""

import argparse
import base64
import binascii
import hashlib
import hmac
import json
import re
import subprocess
import sys

MAGIC = "claude-sync-sealed "
REPLACED = "claude-sync-key-replaced "
KEY = re.compile(r"claude-sync-key-1-([0-9a-f]{64})-([0-9a-f]{8})")
MAX_FILE = 64 << 20


class Bad(Exception):
    """Something that does not have the format, or was not sealed with this key."""


# AES-256 of single blocks (FIPS 197), encryption only: CMAC and CTR need no other.


def _tables():
    exponents, logarithms, value = [0] * 512, [0] * 256, 1
    for power in range(255):
        exponents[power] = exponents[power + 255] = value
        logarithms[value] = power
        value ^= (value << 1) ^ (0x11B if value & 0x80 else 0)
        value &= 0xFF
    box = [0] * 256
    for byte in range(256):
        inverse = exponents[255 - logarithms[byte]] if byte else 0
        mixed = 0
        for turn in range(5):
            mixed ^= (inverse << turn | inverse >> 8 - turn) & 0xFF
        box[byte] = mixed ^ 0x63
    rounds = []
    for byte in range(256):
        once = box[byte]
        twice = (once << 1 ^ (0x11B if once & 0x80 else 0)) & 0xFF
        rounds.append(twice << 24 | once << 16 | once << 8 | twice ^ once)
    turned = [rounds]
    for _ in range(3):
        turned.append([word >> 8 | (word & 0xFF) << 24 for word in turned[-1]])
    return box, turned


_BOX, (_T0, _T1, _T2, _T3) = _tables()


def _expand(key):
    words = [int.from_bytes(key[at : at + 4], "big") for at in range(0, 32, 4)]
    constant = 1
    while len(words) < 60:
        word = words[-1]
        if len(words) % 8 == 0:
            word = (word << 8 | word >> 24) & 0xFFFFFFFF
        if len(words) % 4 == 0:
            word = int.from_bytes(bytes(_BOX[byte] for byte in word.to_bytes(4, "big")), "big")
        if len(words) % 8 == 0:
            word ^= constant << 24
            constant <<= 1
        words.append(words[-8] ^ word)
    return words


def _block(words, block):
    a, b, c, d = (int.from_bytes(block[at : at + 4], "big") ^ words[at // 4] for at in range(0, 16, 4))
    for at in range(4, 56, 4):
        a, b, c, d = (
            _T0[a >> 24] ^ _T1[b >> 16 & 255] ^ _T2[c >> 8 & 255] ^ _T3[d & 255] ^ words[at],
            _T0[b >> 24] ^ _T1[c >> 16 & 255] ^ _T2[d >> 8 & 255] ^ _T3[a & 255] ^ words[at + 1],
            _T0[c >> 24] ^ _T1[d >> 16 & 255] ^ _T2[a >> 8 & 255] ^ _T3[b & 255] ^ words[at + 2],
            _T0[d >> 24] ^ _T1[a >> 16 & 255] ^ _T2[b >> 8 & 255] ^ _T3[c & 255] ^ words[at + 3],
        )
    out = b""
    for at, (one, two, three, four) in enumerate(((a, b, c, d), (b, c, d, a), (c, d, a, b), (d, a, b, c))):
        last = _BOX[one >> 24] << 24 | _BOX[two >> 16 & 255] << 16 | _BOX[three >> 8 & 255] << 8 | _BOX[four & 255]
        out += (last ^ words[56 + at]).to_bytes(4, "big")
    return out


# AES-SIV (RFC 5297) with a key of 64 bytes.


def _double(block):
    value = int.from_bytes(block, "big") << 1
    return ((value ^ 0x87) & ((1 << 128) - 1) if value >> 128 else value).to_bytes(16, "big")


def _xor(one, other):
    return (int.from_bytes(one, "big") ^ int.from_bytes(other, "big")).to_bytes(len(one), "big")


class Siv:
    def __init__(self, key):
        half = len(key) // 2
        self.mac, self.counter = _expand(key[:half]), _expand(key[half:])
        first = _double(_block(self.mac, bytes(16)))
        self.whole, self.part = first, _double(first)

    def _cmac(self, text):
        last = len(text) - (len(text) - 1) % 16 - 1 if text else 0
        end = text[last:]
        end = _xor(end, self.whole) if len(end) == 16 else _xor((end + b"\x80").ljust(16, b"\0"), self.part)
        state = bytes(16)
        for at in range(0, last, 16):
            state = _block(self.mac, _xor(state, text[at : at + 16]))
        return _block(self.mac, _xor(state, end))

    def _vector(self, headers, text):
        state = self._cmac(bytes(16))
        for header in headers:
            state = _xor(_double(state), self._cmac(header))
        if len(text) >= 16:
            return self._cmac(text[:-16] + _xor(text[-16:], state))
        return self._cmac(_xor(_double(state), (text + b"\x80").ljust(16, b"\0")))

    def _stream(self, vector, text):
        count = int.from_bytes(vector, "big") & ~(1 << 63 | 1 << 31)
        blocks = (len(text) + 15) // 16
        key = b"".join(
            _block(self.counter, (count + at & (1 << 128) - 1).to_bytes(16, "big")) for at in range(blocks)
        )
        return _xor(text, key[: len(text)]) if text else b""

    def seal(self, headers, text):
        vector = self._vector(headers, text)
        return vector + self._stream(vector, text)

    def open(self, headers, sealed):
        vector = sealed[:16]
        text = self._stream(vector, sealed[16:])
        if len(vector) < 16 or not hmac.compare_digest(vector, self._vector(headers, text)):
            raise Bad("it was not sealed with this key, or not here")
        return text


# The sealed format.


def mac(key, text):
    return hmac.new(key, text, hashlib.sha256).digest()


def encode(raw):
    return base64.b64encode(raw).rstrip(b"=")


def decode(text):
    try:
        raw = base64.b64decode(text + b"=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise Bad("it is no base64") from None
    if encode(raw) != text:
        raise Bad("it is no canonical base64")
    return raw


class Key:
    def __init__(self, text):
        # Below the key stand those that it replaced.
        found = KEY.fullmatch(text.strip().partition("\n")[0].strip())
        if not found:
            raise Bad("that is no key")
        self.key = bytes.fromhex(found[1])
        self.mark = self.derive("mark")[:4].hex()
        if self.mark != found[2]:
            raise Bad("the key was mistyped")
        self.lines = Siv(self.derive("files 1") + self.derive("files 2"))

    def derive(self, purpose):
        return mac(self.key, purpose.encode())

    def whole(self, path, text):
        return mac(self.derive("whole"), path.encode() + b"\0" + text)

    def seal(self, path, text):
        """The sealed file of the text of the file at `path`."""
        out = f"{MAGIC}1 {self.mark} {path}\n".encode()
        for line in text.split(b"\n")[: None if text and text[-1:] != b"\n" else -1]:
            out += encode(self.lines.seal([path.encode()], line)) + b"\n"
        if not path.endswith(".jsonl"):
            out += b"= " + encode(self.whole(path, text)) + b"\n"
        return out

    def open(self, sealed):
        """Path and text of a sealed file that no text merge went through."""
        first, *lines = sealed.split(b"\n")
        words = first.decode("utf-8", "replace").removeprefix(MAGIC).split(" ", 2)
        if not first.startswith(MAGIC.encode()) or len(words) != 3 or words[0] != "1":
            raise Bad("the first line is another one")
        if words[1] != self.mark:
            raise Bad(f"it is sealed with the key {words[1]}")
        if lines.pop() != b"":
            raise Bad("the last line has no end")
        path = words[2]
        code = None
        if not path.endswith(".jsonl"):
            last = lines.pop() if lines else b""
            if not last.startswith(b"= "):
                raise Bad("the code of the whole file is missing")
            code = decode(last[2:])
        text = b"".join(self.lines.open([path.encode()], decode(line)) + b"\n" for line in lines)
        if code is not None and not hmac.compare_digest(code, self.whole(path, text)):
            raise Bad("lines were moved, added or left out")
        return path, text

    def statement(self, path, raw):
        """Opens what says that this key replaced another, and makes it again."""
        line, _, rest = raw.partition(b"\n")
        words = line.decode("utf-8", "replace").removeprefix(REPLACED).split(" ")
        if len(words) != 4 or words[0] != "1" or path != f"sync/keys/{words[1]}" or words[2] != self.mark:
            raise Bad("it is a statement about other keys")
        again = line + b"\n= " + encode(self.whole(path, line + b"\n")) + b"\n"
        if again != raw:
            raise Bad("the statement was made by somebody else")

    def open_message(self, message):
        """The message that a commit would have without encryption."""
        found = re.fullmatch(r"sync\n\nSealed: (\S+)\n", message)
        if not found:
            raise Bad("it is no sealed message")
        return self.lines.open([b"Sealed"], decode(found[1].encode())).decode()

    def seal_message(self, text):
        return f"sync\n\nSealed: {encode(self.lines.seal([b'Sealed'], text.encode())).decode()}\n"

    def project(self, name):
        return "p-" + mac(self.derive("project names"), name.encode())[:6].hex()

    def tombstone(self, kind, salt, name):
        sign = mac(self.derive("forget"), "\0".join((kind, salt, name)).encode())[:16].hex()
        return f"{kind}:{self.mark}:{sign}"


# What it is run for.


def git(repo, *args):
    return subprocess.run(["git", "-C", repo, *args], check=True, capture_output=True).stdout


def check(key, repo, commit):
    """Compares every file below `sync` with what it becomes when it is opened and sealed again. Returns differences."""
    wrong, files, lines = [], 0, 0
    for entry in git(repo, "ls-tree", "-r", "-z", commit, "--", "sync").split(b"\0")[:-1]:
        head, name = entry.split(b"\t", 1)
        mode, kind, blob = head.split()
        path = name.decode("utf-8", "replace")
        if mode != b"100644" or kind != b"blob" or int(git(repo, "cat-file", "-s", blob.decode())) > MAX_FILE:
            continue
        sealed = git(repo, "cat-file", "blob", blob.decode())
        try:
            if sealed.startswith(REPLACED.encode()):
                key.statement(path, sealed)
                files += 1
                continue
            says, text = key.open(sealed)
            if says != path:
                wrong.append(f"{path}: it is sealed as {says}")
            elif key.seal(path, text) != sealed:
                wrong.append(f"{path}: sealed again it is another file")
            files, lines = files + 1, lines + text.count(b"\n")
        except Bad as error:
            wrong.append(f"{path}: {error}")
    messages = 0
    for found in git(repo, "log", "-z", "--format=%B", commit).decode().split("\0"):
        message = found.rstrip("\n") + "\n"
        if "\nSealed: " in message:
            try:
                if key.seal_message(key.open_message(message)) != message:
                    wrong.append("a message is another one when it is sealed again")
                messages += 1
            except Bad as error:
                wrong.append(f"a message: {error}")
    print(f"{files} files, {lines} lines, {messages} messages")
    if not files:
        wrong.append("there is no sealed file")
    return wrong


def vectors(all_of_them):
    """Compares with test vectors. Returns differences."""
    wrong = []

    def same(what, got, wanted):
        if got != wanted:
            wrong.append(f"{what}: {got!r}, not {wanted!r}")

    for case in all_of_them["aes_siv"]:
        siv = Siv(bytes.fromhex(case["key"])) if len(case["key"]) == 128 else None
        if siv:
            headers = [bytes.fromhex(header) for header in case["headers"]]
            same(case["name"], siv.seal(headers, bytes.fromhex(case["text"])).hex(), case["sealed"])
            same(case["name"], siv.open(headers, bytes.fromhex(case["sealed"])).hex(), case["text"])
    key = Key(all_of_them["key"])
    same("the mark", key.mark, all_of_them["mark"])
    for purpose, wanted in all_of_them["derived"].items():
        same(purpose, key.derive(purpose).hex(), wanted)
    for case in all_of_them["files"]:
        path, text, sealed = case["path"], case["text"].encode(), case["sealed"].encode()
        same(f"sealing {path}", key.seal(path, text).decode(), sealed.decode())
        same(f"opening {path}", key.open(sealed), (path, text))
    for case in all_of_them["refused"]:
        try:
            wrong.append(f"{case['why']}: it is opened as {key.open(case['sealed'].encode())!r}")
        except Bad:
            pass
    for case in all_of_them["messages"]:
        same("a message", key.seal_message(case["text"]), case["message"])
        same("a message", key.open_message(case["message"]), case["text"])
    for name, wanted in all_of_them["projects"].items():
        same("a project", key.project(name), wanted)
    for case in all_of_them["tombstones"]:
        same("a tombstone", key.tombstone(case["kind"], case["salt"], case["name"]), case["subject"])
    return wrong


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    what = parser.add_subparsers(dest="what", required=True)
    what.add_parser("vectors").add_argument("file")
    for name in ("check", "open"):
        command = what.add_parser(name)
        command.add_argument("--key", required=True, help="file with the key's text, or -")
        command.add_argument("place")
        if name == "check":
            command.add_argument("commit", nargs="?", default="HEAD")
    args = parser.parse_args()
    try:
        if args.what == "vectors":
            with open(args.file, encoding="utf-8") as file:
                wrong = vectors(json.load(file))
        else:
            with open(0 if args.key == "-" else args.key, encoding="utf-8") as file:
                key = Key(file.read())
            if args.what == "check":
                wrong = check(key, args.place, args.commit)
            else:
                with open(args.place, "rb") as file:
                    sys.stdout.buffer.write(key.open(file.read())[1])
                wrong = []
    except (OSError, ValueError, Bad, subprocess.CalledProcessError) as error:
        print(f"sealed.py: {error}", file=sys.stderr)
        return 2
    for line in wrong:
        print(line, file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
"""Computes the vectors of spec/journal.md independently.

Nothing but the standard library, and nothing from the Rust code: what both
agree on is what the specification says.

    python3 spec/vectors/journal/make.py          check the files against it
    python3 spec/vectors/journal/make.py --write  write them anew
"""

import hashlib
import pathlib
import struct
import sys

HERE = pathlib.Path(__file__).resolve().parent

# P-256 (SEC 2 section 2.4.2), as plain as it can be: clear, slow, not for use.
P = 0xFFFFFFFF00000001000000000000000000000000FFFFFFFFFFFFFFFFFFFFFFFF
N = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
G = (
    0x6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296,
    0x4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5,
)


def add(a, b):
    if a is None or b is None:
        return a or b
    if a[0] == b[0] and (a[1] + b[1]) % P == 0:
        return None
    if a == b:
        slope = (3 * a[0] * a[0] - 3) * pow(2 * a[1], -1, P)
    else:
        slope = (b[1] - a[1]) * pow(b[0] - a[0], -1, P)
    x = (slope * slope - a[0] - b[0]) % P
    return x, (slope * (a[0] - x) - a[1]) % P


def times(k, point):
    total = None
    while k:
        if k & 1:
            total = add(total, point)
        point, k = add(point, point), k >> 1
    return total


def number(value):
    return value.to_bytes(32, "big")


def sign(secret, message):
    z = int.from_bytes(hashlib.sha256(message).digest(), "big")
    k = int.from_bytes(hashlib.sha256(number(secret) + message).digest(), "big") % N
    r = times(k, G)[0] % N
    s = pow(k, -1, N) * (z + r * secret) % N
    return number(r) + number(min(s, N - s))


def sha256(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


SECRET = 0x0707070707070707070707070707070707070707070707070707070707070707
SESSION = bytes([0x5E]) * 16
BOOT = bytes([0xB0]) * 16


class Journal:
    """[JOURNAL-1] to [JOURNAL-4], [JOURNAL-12]"""

    def __init__(self, role=0, device=1, version=1, zero=0, secret=SECRET):
        key = b"".join(map(number, times(secret, G)))
        head = b"DIPTYCHJ" + struct.pack("<HBBI", version, role, device, zero) + SESSION + key
        assert len(head) == 96
        self.secret, self.chain, self.count = secret, sha256(head), 0
        self.file = head + self.chain[:8]

    def add(self, kind, body, at, zero=0):
        self.count += 1
        record = struct.pack("<HBBQq", len(body), kind, zero, self.count, at) + body
        self.chain = sha256(self.chain, record)
        self.file += record + self.chain[:8]
        return self

    def start(self, at=1_000_000):
        return self.add(1, BOOT + struct.pack("<qBi", 1_767_225_600_000, 0, 0), at)

    def segment(self, i, at=None):
        half = 500_000_000
        body = struct.pack("<qqIQI", i * half, i * half + 466_666_667, 15, i * 1000, 1000)
        return self.add(8, body + bytes([i]) * 32, at or (i + 1) * half)

    def seal(self, at, head=None, secret=None):
        head = head or self.chain
        message = b"diptych journal seal v1" + struct.pack("<Q", self.count) + head
        return self.add(63, head + sign(secret or self.secret, message), at)


def flip(file, at):
    return file[:at] + bytes([file[at] ^ 1]) + file[at + 1 :]


def vectors():
    example = Journal().start().segment(0).seal(2_000_000_000)
    offsets = {"start": 104, "segment": 161, "seal": 253, "end": 377}
    assert len(example.file) == offsets["end"]
    ok = {"head": example.chain.hex(), "records": 3, "torn": 0}
    yield "ok-example", "ok", "JOURNAL-3", "the worked example of spec/journal.md", example.file, ok

    facts = Journal(role=3, device=2).start()
    facts.add(16, bytes([0, 1]) + BOOT, 2_000_000)
    facts.add(17, bytes([0, 2]) + struct.pack("<IqqIqq", 1, -5, 3_000_000, 2, 9, 4_000_000), 4_000_000)
    facts.add(18, bytes([0]) + struct.pack("<Q", 812) + bytes(range(32)) + struct.pack("<q", -1), 4_000_000)
    facts.add(12, b"", 5_000_000).add(31, b"\0", 6_000_000).seal(6_000_000)
    ok = {"head": facts.chain.hex(), "records": 7, "torn": 0}
    yield "ok-peer", "ok", "JOURNAL-9", "an assistant that quotes the primary and ends", facts.file, ok

    fork = Journal().start()
    fork.add(30, bytes([1]) + struct.pack("<Q", 9) + bytes([1]) * 32 + bytes([2]) * 32, 2_000_000)
    for history, last in ((0, 7), (1, 12)):
        signed = struct.pack("<Q", last) + bytes([last]) * 32
        signature = sign(SECRET + 1, b"diptych journal seal v1" + signed)
        fork.add(32, bytes([1, history]) + signed + signature, 2_000_000)
    fork.seal(3_000_000)
    ok = {"head": fork.chain.hex(), "records": 5, "torn": 0}
    yield "ok-fork", "ok", "JOURNAL-23", "two histories of a peer, a seal of its own on each", fork.file, ok

    reboot = Journal().start(9_000_000)
    reboot.add(1, bytes([0xB1]) * 16 + struct.pack("<qBi", 0, 13, -7), 1_000_000)
    ok = {"head": reboot.chain.hex(), "records": 2, "torn": 0}
    yield "ok-reboot", "ok", "JOURNAL-6", "another boot begins at another time", reboot.file, ok

    open_codes = Journal().start()
    open_codes.add(1, BOOT + struct.pack("<qBi", 0, 250, -7), 2_000_000)
    open_codes.add(13, struct.pack("<BBi", 1, 251, 0), 2_000_000)
    open_codes.add(27, struct.pack("<I", 2**32 - 1) + bytes(32), 2_000_000)
    open_codes.add(29, struct.pack("<II", 2**32 - 1, 1), 2_000_000)
    open_codes.add(6, struct.pack("<BBBBHQ", 255, 255, 1, 4, 65535, 2**64 - 1), 2_000_000)
    open_codes.add(5, b"\4", 2_000_000).add(20, struct.pack("<IB", 1, 2), 2_000_000)
    open_codes.add(15, struct.pack("<BBI", 1, 3, 9), 2_000_000).add(31, b"\3", 2_000_000)
    ok = {"head": open_codes.chain.hex(), "records": 10, "torn": 0}
    yield "ok-codes", "ok", "JOURNAL-28", "causes and alarms that nobody knows, and the last of every closed code", open_codes.file, ok

    file = example.file
    for at, cut in (("seal", 1), ("segment", 30), ("seal", 123)):
        length = offsets[at] + cut
        records = {"segment": 1, "seal": 2}[at]
        what = {"records": records, "torn": cut}
        yield f"torn-{length}", "ok", "JOURNAL-5", "a cut inside a record is an end", file[:length], what
    tail = example.segment(1).file
    what = {"records": 3, "torn": 92}
    yield "torn-changed", "ok", "JOURNAL-5", "damage after the last seal is an end", flip(tail, 400), what

    def bad(name, clause, comment, data, offset):
        return name, "damaged", clause, comment, data, {"offset": offset}

    yield bad("damaged-body", "JOURNAL-5", "a changed byte before a seal", flip(file, 190), 161)
    yield bad("damaged-check", "JOURNAL-5", "a changed check before a seal", flip(file, 250), 161)
    deleted = file[:161] + file[253:]
    yield bad("damaged-deleted", "JOURNAL-5", "a record was deleted before a seal", deleted, 161)
    twice = file[:253] + file[161:]
    yield bad("damaged-inserted", "JOURNAL-5", "a record was inserted before a seal", twice, 253)
    wrong = Journal().start().seal(2_000_000, head=bytes(32)).file
    yield bad("damaged-sealed-head", "JOURNAL-12", "a seal over another history", wrong, 161)
    early = Journal().segment(0).file
    yield bad("damaged-not-started", "JOURNAL-10", "the first record is not ProcessStarted", early, 104)
    back = Journal().start(9_000_000).segment(0, at=1_000_000).file
    yield bad("damaged-time", "JOURNAL-6", "time runs back within a boot", back, 161)
    quote = Journal().start().add(18, bytes([1]) + bytes(48), 2_000_000).file
    yield bad("damaged-no-boot", "JOURNAL-11", "a peer quoted before its boot", quote, 161)
    after = Journal().start().add(31, b"\0", 2_000_000).segment(0).file
    yield bad("damaged-finished", "JOURNAL-16", "a fact after Finish", after, 190)
    kind = Journal().start().add(62, b"", 2_000_000).file
    yield bad("damaged-kind", "JOURNAL-9", "a kind that version 1 does not have", kind, 161)
    long = Journal().start().add(12, b"\0", 2_000_000).file
    yield bad("damaged-long", "JOURNAL-9", "a byte too many in a body", long, 161)
    short = Journal().start().add(5, b"", 2_000_000).file
    yield bad("damaged-short", "JOURNAL-9", "a byte too few in a body", short, 161)
    boot = bytes([1, 0]) + BOOT
    closed = (
        ("phase", 5, b"\5"),
        ("battery", 6, struct.pack("<BBBBHQ", 101, 0, 0, 0, 0, 0)),
        ("switch", 6, struct.pack("<BBBBHQ", 0, 2, 0, 0, 0, 0)),
        ("heat", 6, struct.pack("<BBBBHQ", 0, 0, 0, 5, 0, 0)),
        ("camera", 13, struct.pack("<BBi", 2, 0, 0)),
        ("audio", 14, struct.pack("<BBi", 2, 0, 0)),
        ("link", 15, struct.pack("<BBI", 1, 4, 0)),
        ("device", 16, boot),
        ("gate", 19, bytes([1]) + b"x".ljust(32, b"\0") + b"\2"),
        ("take", 20, struct.pack("<IB", 1, 3)),
        ("finish", 31, b"\4"),
        ("history", 32, bytes([1, 2]) + struct.pack("<Q", 1) + bytes(96)),
    )
    for name, kind, body in closed:
        coded = Journal().start().add(kind, body, 2_000_000).file
        yield bad(f"damaged-code-{name}", "JOURNAL-28", f"a {name} that the table does not list", coded, 161)
    none = Journal().start().add(16, bytes([0, 1]) + BOOT, 2_000_000)
    none = none.add(17, bytes([0, 0]), 2_000_000).file
    yield bad("damaged-no-message", "JOURNAL-9", "a batch without a message", none, 207)
    blob = Journal().start().add(22, struct.pack("<H", 1025) + bytes(1025), 2_000_000).file
    yield bad("damaged-blob", "JOURNAL-13", "a blob above its bound", blob, 161)

    def head(name, clause, comment, data):
        return name, "header", clause, comment, data, {}

    yield head("header-empty", "JOURNAL-1", "nothing was written yet", b"")
    yield head("header-cut", "JOURNAL-1", "a cut header", file[:103])
    yield head("header-foreign", "JOURNAL-1", "another kind of file", b"RIFF" + file[4:])
    yield head("header-version", "JOURNAL-1", "version 2", Journal(version=2).file)
    yield head("header-check", "JOURNAL-1", "a changed check", flip(file, 103))
    yield head("header-role", "JOURNAL-1", "role 9", Journal(role=9).file)
    yield head("header-device", "JOURNAL-1", "device 0", Journal(device=0).file)
    yield head("header-zero", "JOURNAL-1", "a reserved byte that is not zero", Journal(zero=1).file)
    forged = Journal().start().seal(2_000_000, secret=SECRET + 1)
    what = {"records": 2, "torn": 0}
    yield "forged-seal", "forged", "JOURNAL-12", "a seal by another key", forged.file, what


def main():
    made = {}
    for name, expect, clause, comment, data, more in vectors():
        lines = [f"expect: {expect}", f"clause: {clause}", f"comment: {comment}", f"bytes: {data.hex()}"]
        lines += [f"{key}: {value}" for key, value in more.items()]
        made[f"{name}.txt"] = "\n".join(lines) + "\n"
    if "--write" in sys.argv:
        for name, text in made.items():
            (HERE / name).write_text(text)
    there = {path.name: path.read_text() for path in HERE.glob("*.txt")}
    wrong = sorted(name for name in made.keys() | there.keys() if made.get(name) != there.get(name))
    print(f"{len(made)} vectors, {len(wrong)} differ: {', '.join(wrong)}" if wrong else f"{len(made)} vectors agree")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())

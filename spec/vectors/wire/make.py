#!/usr/bin/env python3
"""Computes the vectors of spec/wire.md with nothing but the standard library.

    python3 spec/vectors/wire/make.py          check the files against it
    python3 spec/vectors/wire/make.py --write  write them anew

Each message of the table has an example; cut, lengthened, with a flag, and with
each value that its table forbids, it becomes the vectors that must be refused.
"""

import pathlib
import struct
import sys

HERE = pathlib.Path(__file__).resolve().parent
NUMBERS = {"u8": "B", "u16": "H", "u32": "I", "u64": "Q", "i64": "q"}
LOW = {"u40": 5, "u48": 6}


def label(text):
    raw = text.encode()
    return (len(raw), raw.ljust(32, b"\0"))


STAMP = [("seq", "u32", 7), ("sent", "i64", 10**12), ("epoch", "u32", 2),
         ("echo_seq", "u32", 6), ("echo_clock", "u16", 513),
         ("echo_received", "i64", 10**12 - 1)]
PULSE = STAMP + [("recording", "u8", 2), ("conditions", "u8", 5),
                 ("last_committed", "i64", 10**12 - 5)]
SHORT_STAMP = [("seq", "u16", 4464), ("sent", "u48", 2**47 + 7), ("echo_seq", "u16", 4463),
               ("echo_received", "u40", 2**39 + 6)]
DEVICE = [("battery_percent", "u8", 81), ("charging", "u8", 0), ("power_save", "u8", 255),
          ("heat", "u8", 2), ("free_bytes", "u64", 12_345_678_901), ("permissions", "u16", 0b10011)]
RESUME = [("session", 16, 0x11), ("role", "u8", 2), ("epoch", "u32", 3), ("boot", 16, 0x22),
          ("head", 32, 0x33), ("sequence", "u64", 1000), ("peer_sequence", "u64", 999),
          ("mac", 32, 0x44)]

MESSAGES = {
    "hello": (0x01, [("version", "u8", 1), ("epoch", "u16", 513), ("suite", "u8", 1),
                     ("capabilities", "u16", 0x8001), ("nonce", 16, 0x55),
                     ("label", "label", "后机位"), ("key", 32, 0x66), ("proof", 32, 0x77)]),
    "accept": (0x02, [("session", 16, 0x11), ("role", "u8", 1), ("device", "u8", 3),
                      ("check_code", "u8", 1), ("nonce", 16, 0x55), ("label", "label", "front"), ("key", 32, 0x66),
                      ("proof", 32, 0x77)]),
    "confirm": (0x03, [("mac", 32, 0x44)]),
    "resume": (0x04, RESUME),
    "resumed": (0x05, RESUME),
    "alarm": (0x07, [("code", "u32", 0x112), ("role", "u8", 1)]),
    "check_code_confirmed": (0x08, []),
    "plan": (0x10, [("exam", 8, 0x12), ("mode", "u8", 1), ("issuer", "label", "Academy"),
                    ("assistants", "u8", 2), ("wait_open", "i64", -5 * 10**9),
                    ("wait_close", "i64", 60 * 10**9), ("answer_start", "i64", 60 * 10**9),
                    ("answer_end", "i64", 3600 * 10**9), ("battery_percent", "u8", 80),
                    ("charger", "u8", 0), ("bytes_per_second", "u32", 500_000),
                    ("heat", "u8", 2), ("permissions", "u16", 3), ("policy", 96, 0x78)]),
    "phase": (0x11, [("phase", "u8", 3), ("at", "i64", 60 * 10**9)]),
    "begin": (0x12, [("take", "u32", 2)]),
    "finish": (0x14, [("reason", "u8", 4), ("at", "i64", 3600 * 10**9)]),
    "finished": (0x15, [("head", 32, 0x33), ("sequence", "u64", 2**64 - 1)]),
    "device": (0x16, DEVICE + [("camera", "u8", 3), ("boot", 16, 0x22)]),
    "journal": (0x20, [("from_sequence", "u64", 40), ("count", "u16", 2),
                       ("records", "tail", bytes.fromhex("00ff10203040"))]),
    "journal_ask": (0x21, [("from_sequence", "u64", 42)]),
    "journal_have": (0x22, [("sequence", "u64", 42), ("head", 32, 0x33)]),
    "addresses": (0x30, [("count", "u8", 2), ("port", "u16", 47123),
                         ("addresses", "tail", bytes.fromhex("04c0a80117070a0002028913"))]),
    "heartbeat": (0x80, PULSE + [("frames", "u64", 900), ("journal_sequence", "u64", 31),
                                 ("journal_head", 32, 0x33), ("clock_digest", "u64", 2**63)]),
    "probe": (0x81, STAMP),
    "pulse": (0x82, PULSE),
    "short_probe": (0x83, SHORT_STAMP),
    "short_pulse": (0x84, SHORT_STAMP + [("recording", "u8", 2), ("conditions", "u8", 5),
                                          ("last_committed", "u48", 2**47 + 2)]),
}

# Kinds between the others that version 1 leaves unassigned.
UNASSIGNED = [0x06, 0x13, 0x17, 0x18]

# message, changed fields, the fault, the clause, why
REFUSED = [
    ("hello", {"version": 2}, "VERSION", 6, "another version"),
    ("hello", {"suite": 2}, "VERSION", 3, "another suite"),
    ("hello", {"label": (0, bytes(32))}, "BAD_FRAME", 3, "an empty label"),
    ("hello", {"label": (33, b"x" * 32)}, "BAD_FRAME", 3, "a label longer than its field"),
    ("hello", {"label": (1, b"ab".ljust(32, b"\0"))}, "BAD_FRAME", 3, "padding that is not zero"),
    ("hello", {"label": (2, b"\xff\xfe".ljust(32, b"\0"))}, "BAD_FRAME", 3, "not UTF-8"),
    ("hello", {"label": label("a\u202eb")}, "BAD_FRAME", 3, "a bidirectional override"),
    ("hello", {"label": label("a\u061cb")}, "BAD_FRAME", 3, "an Arabic letter mark"),
    ("hello", {"label": label("a\nb")}, "BAD_FRAME", 3, "a control character"),
    ("accept", {"role": 0}, "BAD_FRAME", 3, "the primary's seat"),
    ("accept", {"role": 9}, "BAD_FRAME", 3, "a seat above the limit"),
    ("accept", {"device": 0}, "BAD_FRAME", 3, "devices are counted from 1"),
    ("accept", {"check_code": 2}, "BAD_FRAME", 3, "no switch"),
    ("resume", {"role": 0}, "BAD_FRAME", 3, "the primary's seat"),
    ("resumed", {"role": 9}, "BAD_FRAME", 3, "a seat above the limit"),
    ("alarm", {"code": 1}, "BAD_FRAME", 3, "an unknown number"),
    ("alarm", {"role": 9}, "BAD_FRAME", 3, "a seat above the limit"),
    ("plan", {"mode": 2}, "BAD_FRAME", 3, "an unknown mode"),
    ("plan", {"assistants": 0}, "BAD_FRAME", 3, "no assistants"),
    ("plan", {"assistants": 9}, "BAD_FRAME", 3, "too many assistants"),
    ("plan", {"wait_close": -6 * 10**9}, "BAD_FRAME", 3, "the window closes before it opens"),
    ("plan", {"answer_end": 60 * 10**9}, "BAD_FRAME", 3, "no time to answer"),
    ("plan", {"battery_percent": 101}, "BAD_FRAME", 3, "more than full"),
    ("plan", {"charger": 255}, "BAD_FRAME", 3, "a requirement that is not known"),
    ("plan", {"heat": 5}, "BAD_FRAME", 3, "an unknown heat"),
    ("plan", {"permissions": 32}, "BAD_FRAME", 3, "an unknown permission"),
    ("phase", {"phase": 5}, "BAD_FRAME", 3, "an unknown phase"),
    ("finish", {"reason": 5}, "BAD_FRAME", 3, "an unknown reason"),
    ("device", {"battery_percent": 101}, "BAD_FRAME", 3, "neither a charge nor unknown"),
    ("device", {"charging": 2}, "BAD_FRAME", 3, "neither a switch nor unknown"),
    ("device", {"power_save": 254}, "BAD_FRAME", 3, "neither a switch nor unknown"),
    ("device", {"camera": 5}, "BAD_FRAME", 3, "an unknown state"),
    ("journal", {"count": 0}, "BAD_FRAME", 10, "no records"),
    ("journal", {"count": 513}, "BAD_FRAME", 10, "too many records"),
    ("journal", {"records": b""}, "BAD_FRAME", 10, "records of no bytes"),
    ("journal", {"records": bytes(15 * 1024 + 1)}, "BAD_FRAME", 10, "records of too many bytes"),
    ("addresses", {"count": 1}, "BAD_FRAME", 11, "an address that is not announced"),
    ("addresses", {"count": 3}, "BAD_FRAME", 11, "an address that is not there"),
    ("addresses", {"port": 0}, "BAD_FRAME", 11, "port 0"),
    ("addresses", {"addresses": bytes.fromhex("04c0a8011704c0a80117")}, "BAD_FRAME", 11,
     "one address twice"),
    ("heartbeat", {"recording": 6}, "BAD_FRAME", 3, "an unknown state"),
    ("heartbeat", {"conditions": 8}, "BAD_FRAME", 8, "an unknown condition"),
    ("probe", {"seq": 0}, "BAD_FRAME", 9, "a stamp without a number"),
    ("probe", {"echo_seq": 0}, "BAD_FRAME", 9, "an echo of nothing"),
    ("pulse", {"recording": 6}, "BAD_FRAME", 3, "an unknown state"),
    ("pulse", {"seq": 0}, "BAD_FRAME", 9, "a stamp without a number"),
    ("short_pulse", {"recording": 6}, "BAD_FRAME", 3, "an unknown state"),
    ("short_pulse", {"conditions": 8}, "BAD_FRAME", 8, "an unknown condition"),
]


def encode(kind, value):
    if kind == "label":
        length, raw = label(value) if isinstance(value, str) else value
        return bytes([length]) + raw
    if kind == "tail":
        return value
    if isinstance(kind, int):
        return bytes([value] * kind)
    if kind in LOW:
        return value.to_bytes(LOW[kind], "little")
    return struct.pack("<" + NUMBERS[kind], value)


def frame(number, body, flags=0, length=None):
    if number >= 0x80:
        return bytes([number]) + body
    return struct.pack("<BBH", number, flags, len(body) if length is None else length) + body


def shown(kind, value):
    if kind == "label":
        return value
    if kind == "tail":
        return value.hex()
    return bytes([value] * kind).hex() if isinstance(kind, int) else str(value)


def body_of(message):
    return b"".join(encode(kind, value) for _, kind, value in MESSAGES[message][1])


def vectors():
    files = {}

    def add(name, message, expect, clause, comment, data, fields=()):
        lines = [f"message: {message.upper()}", f"expect: {expect}", f"clause: WIRE-{clause}",
                 f"comment: {comment}", f"frame: {data.hex()}"]
        lines += [f"{key}: {value}" for key, value in fields]
        files[name] = "\n".join(lines) + "\n"

    for message, (number, fields) in MESSAGES.items():
        body = body_of(message)
        name = message.replace("_", "-")
        add(f"{name}-ok", message, "ok", 1, "the example of its table", frame(number, body),
            [(key, shown(kind, value)) for key, kind, value in fields])
        if body:
            cut = body[:1] if fields[-1][1] == "tail" else body[:-1]
            add(f"{name}-cut", message, "BAD_FRAME", 2, "cut short", frame(number, cut))
        if message != "journal":
            add(f"{name}-long", message, "BAD_FRAME", 2, "a byte too many",
                frame(number, body + b"\0"))
        if number < 0x80:
            add(f"{name}-flag", message, "BAD_FRAME", 4, "a flag", frame(number, body, flags=1))
    for index, (message, changes, expect, clause, comment) in enumerate(REFUSED, 1):
        number, fields = MESSAGES[message]
        assert set(changes) <= {key for key, _, _ in fields}, message
        body = b"".join(encode(kind, changes.get(key, value)) for key, kind, value in fields)
        name = f"{message.replace('_', '-')}-refused-{index:02}"
        add(name, message, expect, clause, comment, frame(number, body))
    here = [("count", "u8", 1), ("port", "u16", 47123), ("addresses", "tail", b"\x04\x7f\0\0\1")]
    add("addresses-loopback-ok", "addresses", "ok", 11, "both roles on one machine",
        frame(0x30, b"".join(encode(kind, value) for _, kind, value in here)),
        [(key, shown(kind, value)) for key, kind, value in here])
    add("hello-version-2-of-another-length", "hello", "VERSION", 6, "another version's layout",
        frame(0x01, b"\x02later"))
    add("unknown-kind", "hello", "BAD_FRAME", 4, "kind 0x7f is unknown", frame(0x7F, b""))
    add("datagram-unknown-kind", "probe", "BAD_FRAME", 13, "kind 0xff is unknown", b"\xff")
    add("datagram-of-the-stream", "probe", "BAD_FRAME", 13, "a header of the control stream",
        struct.pack("<BBH", 0x81, 0, 30) + frame(0x81, body_of("probe"))[1:])
    add("kind-zero", "hello", "BAD_FRAME", 4, "kind 0 is unknown", frame(0, b""))
    for number in UNASSIGNED:
        add(f"kind-{number:02x}-unassigned", "hello", "BAD_FRAME", 15,
            f"kind {number:#04x} was never spoken", frame(number, bytes(8)))
    add("too-large", "journal", "FRAME_TOO_LARGE", 4, "a length of 16,385",
        frame(0x20, b"", length=16385))
    return files


def main():
    files, different = vectors(), []
    for name, text in files.items():
        path = HERE / f"{name}.txt"
        if "--write" in sys.argv:
            path.write_text(text, encoding="utf-8")
        elif not path.exists() or path.read_text(encoding="utf-8") != text:
            different.append(str(path))
    known = {f"{name}.txt" for name in files}
    different += [str(path) for path in HERE.glob("*.txt") if path.name not in known]
    if different:
        sys.exit("not what this script computes: " + ", ".join(different))


main()

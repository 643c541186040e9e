#!/usr/bin/env python3
"""Computes the statements of spec/policy.md independently.

Nothing but the standard library, and nothing from the Rust code; the arithmetic of
P-256 is that of the journal's script beside it.

    python3 spec/vectors/policy/make.py          check the file against it
    python3 spec/vectors/policy/make.py --write  write it anew
"""

import importlib.util
import pathlib
import struct
import sys

HERE = pathlib.Path(__file__).resolve().parent
SCRIPT = HERE.parent / "journal" / "make.py"
SPEC = importlib.util.spec_from_file_location("journal", SCRIPT)
p256 = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(p256)

SESSION = bytes([0x5E]) * 16
PROCTOR = 0x0B0B0B0B0B0B0B0B0B0B0B0B0B0B0B0B0B0B0B0B0B0B0B0B0B0B0B0B0B0B0B0B
STRANGER = 0x0C0C0C0C0C0C0C0C0C0C0C0C0C0C0C0C0C0C0C0C0C0C0C0C0C0C0C0C0C0C0C0C


def statement(what, first, second, session=SESSION, secret=PROCTOR, pen=None):
    """[POLICY-29]"""
    key = b"".join(map(p256.number, p256.times(secret, p256.G)))
    said = what + session + struct.pack("<qq", first, second) + key
    assert len(what) == 16 and len(said) == 112
    return said + p256.sign(pen or secret, said)


def flip(said, at):
    return said[:at] + bytes([said[at] ^ 1]) + said[at + 1 :]


def lines():
    second, wall = 1_000_000_000, 1_767_225_600_000
    excuse, pause, resume, verdict = (
        b"diptych excuse 1", b"diptych pause  1", b"diptych resume 1", b"diptych verdict1",
    )
    break_ = statement(excuse, 1200 * second, 1500 * second)
    yield "excuse", 1200 * second, 1500 * second, break_
    yield "excuse", -5, -4, statement(excuse, -5, -4)
    yield "pause", 1200 * second, 0, statement(pause, 1200 * second, 0)
    yield "resume", 1500 * second, 0, statement(resume, 1500 * second, 0)
    yield "pass", 0, wall, statement(verdict, 0, wall)
    yield "fail", 1, wall, statement(verdict, 1, wall)
    yield "order", 7, 7, statement(excuse, 7, 7)
    yield "field", 5, 1, statement(pause, 5, 1)
    yield "field", 2, wall, statement(verdict, 2, wall)
    yield "domain", 5, 0, statement(b"diptych policy 1", 5, 0)
    yield "bytes", 0, 0, break_[:-1]
    yield "bytes", 0, 0, break_ + b"\0"
    yield "key", 0, 0, flip(break_, 48)
    yield "foreign", 5, 0, statement(pause, 5, 0, secret=STRANGER)
    yield "forged", 5, 0, statement(pause, 5, 0, pen=STRANGER)
    yield "forged", 5, 0, flip(statement(pause, 4, 0), 32)
    yield "forged", 5, 0, flip(statement(pause, 5, 0), 175)
    yield "session", 5, 0, statement(pause, 5, 0, session=bytes([0x5F]) * 16)


def main():
    text = "".join(f"{what} {a} {b} {said.hex()}\n" for what, a, b, said in lines())
    path = HERE / "statements.txt"
    if "--write" in sys.argv:
        path.write_text(text)
        return 0
    if not path.exists() or path.read_text() != text:
        print("statements.txt differs: write it anew with --write, or mend this script")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

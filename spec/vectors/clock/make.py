#!/usr/bin/env python3
"""Writes the vectors of spec/clock.md: sequences of messages, and the interval
that they prove, to the nanosecond.

Independent of the implementation and slow on purpose: rational arithmetic, every
pair of constraints, no hull, no bisection. Run it here; it writes *.txt.
"""

import random
from fractions import Fraction
from math import ceil, floor

RATE = Fraction(1, 2**13)          # [CLOCK-2]
WANDER = Fraction(1, 2**54)        # [CLOCK-3], per nanosecond
RESOLUTION = 100                   # [CLOCK-4]
TICK = 2**10                       # [CLOCK-6]
GRID = 2**54                       # [CLOCK-7]
ORIGIN = 2**44                     # [CLOCK-6]


def point(kind, sent, received):
    """One message as (side, instant, bound on the offset)."""
    if kind == "F":
        return ("above", sent, received + RESOLUTION - sent)
    at = received + RESOLUTION
    return ("below", at, sent - at)


def interval(points, at):
    """(low, high) at `at`, or None."""
    origin = points[0][1] // ORIGIN * ORIGIN
    s = at - origin
    # Each bound as a line in the rate y: a bound of +x or of -x, as c + d*y.
    lines = {"above": [], "below": []}
    for side, instant, value in points:
        a = instant - origin
        sign = 1 if side == "above" else -1
        lift = ceil(WANDER * a * a / 2 * TICK)
        lifted = sign * value + Fraction(lift, TICK)
        # c + d*z bounds sign*x when the rate of sign*x is z: the tangent at s of
        # the lifted curve has slope z + W*s.
        c = lifted - WANDER * s * (a - s) - WANDER * s * s / 2
        lines[side].append((c, -Fraction(a - s)))
    if not lines["above"] or not lines["below"]:
        return None
    least, most = -RATE, RATE
    for c, d in lines["above"]:
        for e, f in lines["below"]:
            # c + d*y + e - f*y >= 0
            rise, base = d - f, c + e
            if rise > 0:
                least = max(least, -base / rise)
            elif rise < 0:
                most = min(most, -base / rise)
            elif base < 0:
                raise ValueError("contradiction")
    if least > most:
        raise ValueError("contradiction")
    low_rate = least if least == -RATE else Fraction(ceil(least * GRID) - 1, GRID)
    high_rate = most if most == RATE else Fraction(floor(most * GRID) + 1, GRID)
    high = greatest(lines["above"], low_rate, high_rate)
    low = -greatest(lines["below"], -high_rate, -low_rate)
    return (low, high)


def greatest(lines, least, most):
    """The greatest value of the lower envelope of lines on a range, rounded up."""
    rates = {least, most}
    for i, (c, d) in enumerate(lines):
        for e, f in lines[:i]:
            if d != f:
                y = (e - c) / (d - f)
                if least < y < most:
                    rates.add(y)
    return ceil(max(min(c + d * y for c, d in lines) for y in rates))


class Clock:
    """A secondary's clock: offset, rate and wander of the primary's nanoseconds."""

    def __init__(self, start, offset, ppb, wander):
        self.start, self.offset = start, offset
        self.rate, self.wander = Fraction(ppb, 10**9), Fraction(wander) * WANDER

    def read(self, at):
        t = at - self.start
        return at + floor(self.offset + self.rate * t + self.wander * t * t / 2)


def session(rng, clock, start, count, spacing, delay):
    """Messages in both directions, each with a delay of its own."""
    at = start
    for _ in range(count):
        at += rng.randrange(1, spacing)
        d = delay(rng)
        if rng.random() < 0.5:
            yield ("F", at, clock.read(at + d))
        else:
            yield ("B", clock.read(at), at + d)


def write(name, comment, messages, queries):
    """`queries(index, at)` gives the instants to ask about after each message."""
    out = ["expect: ok", "clause: CLOCK-7", f"comment: {comment}",
           "comment: forward and backward: sent received; ask: at, then low high or -"]
    points = []
    for index, (kind, sent, received) in enumerate(messages):
        out.append(f"{'forward' if kind == 'F' else 'backward'}: {sent} {received}")
        points.append(point(kind, sent, received))
        for at in queries(index, points[-1][1]):
            found = interval(points, at)
            out.append(f"ask: {at} {found[0]} {found[1]}" if found else f"ask: {at} -")
    with open(f"{name}.txt", "w", encoding="utf-8") as file:
        file.write("\n".join(out) + "\n")


SECOND = 10**9


def every(n, ahead):
    def queries(index, at):
        return [at + step for step in ahead] if index % n == n - 1 else []
    return queries


def main():
    write("one-exchange", "four timestamps prove half the round trip and no more",
          [("F", 1_000_000_000, 6_000_800_000), ("B", 6_000_900_000, 1_001_700_000)],
          lambda i, at: [1_000_000_000, 1_000_850_000, 2_000_000_000, 61_000_000_000])
    write("one-direction", "messages one way prove nothing",
          [("F", k * SECOND, k * SECOND + 5_000) for k in range(3)], every(1, [0]))
    rng = random.Random(1)
    quiet = Clock(3600 * SECOND, 5 * SECOND, 17_300, 0)
    write("quiet", "ten minutes of a quiet link: the interval inside and beyond the data",
          session(rng, quiet, 3600 * SECOND, 60, 20 * SECOND,
                  lambda r: 700_000 + int(r.expovariate(1 / 250_000))),
          every(12, [0, SECOND, 30 * SECOND, -60 * SECOND, 600 * SECOND]))
    rng = random.Random(2)
    bending = Clock(0, -SECOND, -60_000, 1)
    write("bending", "a clock that bends as hard as it may, on messages without delay",
          session(rng, bending, 0, 48, 30 * SECOND, lambda r: 0),
          every(12, [0, 10 * SECOND, -100 * SECOND]))
    rng = random.Random(3)
    fast = Clock(10**15, 10**12, 122_000, 0)
    write("fast", "a rate near the limit, eleven days after boot, with delays up to a second",
          session(rng, fast, 10**15, 40, 5 * SECOND, lambda r: r.randrange(SECOND)),
          every(10, [0, 7 * SECOND, 3600 * SECOND]))
    rng = random.Random(4)
    early = Clock(-50 * SECOND, 12_345, 3, -1)
    write("before-boot", "instants on both sides of zero",
          session(rng, early, -50 * SECOND, 30, 4 * SECOND, lambda r: r.randrange(3_000_000)),
          every(10, [0, 2 * SECOND, -20 * SECOND]))


if __name__ == "__main__":
    main()

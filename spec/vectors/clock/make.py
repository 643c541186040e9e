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


def tangents(points, at):
    """Each bound as a line in the rate y at `at`: a bound of +x or of -x, as c + d*y."""
    origin = points[0][1] // ORIGIN * ORIGIN
    s = at - origin
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
    return lines


def interval(points, at):
    """(low, high) at `at`, or None."""
    lines = tangents(points, at)
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


class Epochs:
    """What is believed of epochs: [CLOCK-10] to [CLOCK-12] and [CLOCK-33], as sets of
    bounds and nothing else."""

    def __init__(self):
        self.clocks, self.since = None, None
        self.current, self.suspect, self.proofs = [], [], []
        self.proven = None

    @staticmethod
    def contradicts(points, new):
        side, at, value = new
        found = interval(points, at)
        if found is None:
            # Bounds on one side only: a half-open interval.
            lines = tangents(points, at)
            if side == "above":
                return bool(lines["below"]) and value < -greatest(lines["below"], -RATE, RATE)
            return bool(lines["above"]) and value > greatest(lines["above"], -RATE, RATE)
        return value < found[0] if side == "above" else value > found[1]

    def take(self, clocks, new):
        if self.clocks is None:
            self.clocks, self.current = clocks, [new]
            return
        if clocks != self.clocks:
            if clocks[0] >= self.clocks[0] and clocks[1] >= self.clocks[1]:
                self.clocks, self.since = clocks, new[1]
                self.current, self.suspect, self.proofs = [new], [], []
                self.proven = None
            return
        if self.proven is not None and new[1] < self.proven:
            return
        against = self.contradicts(self.current, new)
        if not self.suspect:
            if against:
                self.suspect, self.proofs = [new], [new]
            else:
                self.current.append(new)
            return
        if self.contradicts(self.suspect, new):
            # The suspicion was false; what it held belongs where it fits.
            held = self.suspect + ([] if against else [new])
            self.suspect, self.proofs = ([new], [new]) if against else ([], [])
            for one in held:
                if not self.contradicts(self.current, one):
                    self.current.append(one)
            return
        self.suspect.append(new)
        self.proofs += [new] if against else []
        if len(self.proofs) == 3:
            # What fits both clocks may have been under way when the one stepped.
            first, second, _ = sorted(at for _, at, _ in self.proofs)
            self.current = [one for one in self.suspect
                            if one in self.proofs or one[1] >= second]
            self.since = self.proven = first
            self.suspect, self.proofs = [], []

    def interval(self, at):
        if not self.current or (self.since is not None and at < self.since):
            return None
        known = interval(self.current, at)
        if known is None or not self.suspect or at <= max(p[1] for p in self.current):
            return known
        other = interval(self.suspect, at)
        return other and (min(known[0], other[0]), max(known[1], other[1]))


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


def write(name, comment, messages, queries, clause="CLOCK-7"):
    """`queries(index, at)` gives the instants to ask about after each message. A
    message may be followed by the epochs in which it was sent: the primary's clock
    and path, the secondary's clock and path."""
    out = ["expect: ok", f"clause: {clause}", f"comment: {comment}",
           "comment: forward and backward: sent received; ask: at, then low high or -"]
    epochs, now = Epochs(), (0, 0, 0, 0)
    for index, (kind, sent, received, *other) in enumerate(messages):
        if other and other[0] != now:
            now = other[0]
            out.append("epochs: " + " ".join(map(str, now)))
        out.append(f"{'forward' if kind == 'F' else 'backward'}: {sent} {received}")
        new = point(kind, sent, received)
        epochs.take((now[0], now[2]), new)
        for at in queries(index, new[1]):
            found = epochs.interval(at)
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
    epochs(quiet)


def bursts(rng, clock, starts, step=0, epochs=(0, 0, 0, 0)):
    """Two messages each way in each burst; the secondary's clock stepped by `step`."""
    for start in starts:
        for at in (start, start + 20_000_000):
            there = at + 700_000 + rng.randrange(400_000)
            yield ("F", at, clock.read(there) + step, epochs)
            back = there + 50_000
            yield ("B", clock.read(back) + step, back + 700_000 + rng.randrange(400_000), epochs)


def epochs(clock):
    """What becomes of the interval when a clock begins anew, or the order is not the
    order of time."""
    start = 3600 * SECOND
    before = [start + k * 4 * SECOND for k in range(6)]
    after = [start + 30 * SECOND, start + 34 * SECOND]

    def around(index, at):
        return [at, at + SECOND, start + 10 * SECOND, start - SECOND]

    rng = random.Random(5)
    announced = [*bursts(rng, clock, before),
                 *bursts(rng, clock, after, -45 * SECOND, (0, 0, 1, 0))]
    stale = announced[3][:3] + ((0, 0, 0, 0),)
    write("suspend", "a sleep that both devices know of begins a clock epoch; what is late is stale",
          [*announced, stale], around, "CLOCK-12")
    for name, step in [("step-forward", 5_000_000), ("step-back", -5_000_000)]:
        rng = random.Random(6)
        write(name, "a clock steps unannounced: both are possible until three bounds prove it",
              [*bursts(rng, clock, before), *bursts(rng, clock, after, step)], around, "CLOCK-33")
    rng = random.Random(7)
    honest = list(bursts(rng, clock, before + after))
    kind, sent, received, where = honest[21]
    lie = (kind, sent + SECOND, received, where)
    write("false-stamp", "one stamp is a second off: suspected, dismissed, and nothing is lost",
          [*honest[:22], lie, *honest[22:]], around, "CLOCK-11")
    rng = random.Random(8)
    write("path", "another path, with another delay, begins no clock epoch: the interval goes on",
          [*bursts(rng, clock, before), *bursts(rng, clock, after, 0, (0, 1, 0, 2))], around)
    rng = random.Random(9)
    shuffled = [(*one, (0, 0, 0, 0)) for one in
                session(rng, clock, start, 24, 4 * SECOND, lambda r: 700_000 + r.randrange(900_000))]
    shuffled += shuffled[::2]
    rng.shuffle(shuffled)
    last = len(shuffled) - 1
    write("reordered", "messages out of order, and every second one twice, prove what they prove",
          shuffled, lambda i, at: [start + k * 11 * SECOND for k in range(12)] if i in (12, last) else [],
          "CLOCK-9")


if __name__ == "__main__":
    main()

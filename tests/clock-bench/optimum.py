#!/usr/bin/env python3
"""The tightest bound that anybody could guarantee on a channel without a floor.

    python3 tests/clock-bench/optimum.py [SEEDS]

Needs numpy and scipy. Makes messages as S10 meets them (floor 0.83 ms, Gamma(4, 0.6 ms),
5 % more Exp(20 ms), 1.9 a second each way) between clocks that wander like a phone's, and
compares two half-widths: that of the interval of spec/clock.md, [CLOCK-7], and that of a
linear program over all offsets at once, one a second, whose rate and change of rate keep
to the limits and which no message contradicts. What is inside the second is possible, so
that no method can exclude it; the first can be no narrower and should be little wider.
"""

import sys

import numpy as np
from scipy.optimize import linprog
from scipy.sparse import lil_matrix

RATE = 2.0**-13 * 1e6  # µs/s
WANDER = 2.0**-54 * 1e15  # µs/s²
FLOOR = 830.0


def messages(seed, length=800.0, rate=1.9):
    """Instants, bounds and sides (+1 above, -1 below); the truth is a random walk."""
    rng = np.random.default_rng(seed)
    grid = np.arange(0.0, length + 2)
    truth = np.cumsum(np.cumsum(0.002 * rng.standard_normal(len(grid))))
    at, bounds, sides = [], [], []
    for side in (1, -1):
        instants = np.sort(rng.uniform(0, length, int(rate * length)))
        delay = FLOOR + rng.gamma(4, 600, len(instants))
        delay += (rng.random(len(instants)) < 0.05) * rng.exponential(20_000, len(instants))
        at.append(instants)
        bounds.append(np.interp(instants, grid, truth) + side * delay)
        sides.append(np.full(len(instants), side))
    return np.concatenate(at), np.concatenate(bounds), np.concatenate(sides)


def interval(at, bounds, sides, when):
    """Half the width of I(when): every rate at which the bounds leave room."""
    run = at - when
    lift = WANDER * run * run / 2

    def room(rate):
        line = bounds - rate * run
        return (line + lift)[sides > 0].min(), (line - lift)[sides < 0].max()

    rates = np.linspace(-RATE, RATE, 4001)
    rooms = [above - below for above, below in map(room, rates)]
    best = int(np.argmax(rooms))
    for _ in range(60):  # the greatest room, by thirds
        low, high = rates[max(best - 1, 0)], rates[min(best + 1, 4000)]
        rates = np.linspace(low, high, 4001)
        rooms = [above - below for above, below in map(room, rates)]
        best = int(np.argmax(rooms))
        if high - low < 1e-6:
            break
    peak = rates[best]

    def edge(limit):
        inside, outside = peak, limit
        for _ in range(60):
            middle = (inside + outside) / 2
            above, below = room(middle)
            inside, outside = (middle, outside) if above >= below else (inside, middle)
        return inside

    found = [room(rate) for rate in np.linspace(edge(-RATE), edge(RATE), 400)]
    return (max(above for above, _ in found) - min(below for _, below in found)) / 2


def program(at, bounds, sides, when, reach=320):
    """Half the width of what a whole path of the offset can be at `when`."""
    first = int(when) - reach
    near = (at >= first) & (at <= when + reach)
    at, bounds, sides = at[near], bounds[near], sides[near]
    last = max(int(at.max()) + 2, int(when) + 2)
    nodes = last - first + 1
    matrix = lil_matrix((len(at) + 2 * (nodes - 2) + 2, nodes))
    limits = []
    for row, (instant, bound, side) in enumerate(zip(at, bounds, sides)):
        node, part = int(instant) - first, instant - int(instant)
        matrix[row, node], matrix[row, node + 1] = side * (1 - part), side * part
        limits.append(side * bound)
    for node in range(nodes - 2):
        for sign in (1, -1):
            row = len(limits)
            matrix[row, node], matrix[row, node + 1], matrix[row, node + 2] = sign, -2 * sign, sign
            limits.append(WANDER)
    for sign in (1, -1):
        row = len(limits)
        matrix[row, 0], matrix[row, 1] = -sign, sign
        limits.append(RATE)
    ends = []
    for sign in (1, -1):
        cost = np.zeros(nodes)
        cost[int(when) - first] = sign
        found = linprog(cost, A_ub=matrix.tocsr(), b_ub=limits, bounds=(None, None))
        ends.append(sign * found.fun)
    return (ends[1] - ends[0]) / 2


def main():
    seeds = int(sys.argv[1]) if len(sys.argv) > 1 else 10
    sums = np.zeros(4)
    for seed in range(seeds):
        at, bounds, sides = messages(seed)
        when = 400
        past = at <= when - 1
        sums += [interval(at[past], bounds[past], sides[past], when),
                 program(at[past], bounds[past], sides[past], when),
                 interval(at, bounds, sides, when), program(at, bounds, sides, when)]
    live, tightest_live, offline, tightest_offline = sums / seeds / FLOOR
    print(f"half-width over the floor, {seeds} seeds: a second after the last message "
          f"{live:.3f}, at best {tightest_live:.3f}; within {offline:.3f}, "
          f"at best {tightest_offline:.3f}")


main()

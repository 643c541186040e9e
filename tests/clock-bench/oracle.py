#!/usr/bin/env python3
"""What somebody who knows every law would reach, live and offline.

    python3 tests/clock-bench/oracle.py [SEEDS]

Needs numpy. Makes messages as S1, S2, S5 (without its scans) and S10 have them, 1.9 a
second each way for 30 minutes, between clocks whose rate is a random walk of 0.002 ppm/√s,
and estimates the offset by the laws themselves: a particle filter, told the density of the
delays and the walk, and not told the offset (± 2 ms) and the rate (± 20 ppm). What warms up
or ripples it is told as well, so that S8 is S1 to it. Offline a second filter runs from the
end, and both are weighed by their covariances. RMS in µs from 60 s on, as in RESULTS.md.
"""

import sys

import numpy as np

WALK = 0.002  # µs/s per √s
PARTICLES = 3000
BIN = 4.0  # µs


def excess(name, rng, n):
    """Delays beyond nothing at all: floor, path and endpoint; µs."""
    if name == "S2":
        pick = rng.random(n)
        tail = np.minimum(20_000 * rng.random(n) ** (-1 / 1.3), 800_000)
        path = np.where(pick < 0.45, rng.exponential(500, n), rng.exponential(3_000, n))
        path = np.where(pick > 0.8, rng.exponential(12_000, n), path)
        path = 800 + np.where(pick > 0.95, tail, path)
    elif name == "S5":
        path = 1_000 + rng.exponential(600, n)
        path += (rng.random(n) < 0.05) * rng.exponential(6_000, n)
    elif name == "S10":
        path = 800 + rng.gamma(4, 600, n) + (rng.random(n) < 0.05) * rng.exponential(20_000, n)
    else:
        path = 700 + rng.exponential(250, n) + (rng.random(n) < 0.03) * rng.uniform(2e3, 1e4, n)
    hiccup = (rng.random(n) < 0.005) * rng.exponential(4_000, n)
    return path + 30 + rng.exponential(40, n) + hiccup


def density(name):
    """The logarithm of the delays' density, in bins; the last stands for all beyond."""
    draws = excess(name, np.random.default_rng(99), 4_000_000)
    counts = np.bincount(np.minimum(draws / BIN, 5_000).astype(int), minlength=5_001)
    counts = np.convolve(counts, np.ones(3) / 3, "same") if name == "S2" else counts
    return np.log(np.maximum(counts, 1e-3) / len(draws))


def world(name, seed, length=1_800.0, rate=1.9):
    rng = np.random.default_rng(seed)
    steps = int(length * rate)
    at = np.sort(rng.uniform(0, length, 2 * steps))
    gaps = np.diff(at, prepend=0.0)
    rates = 20 * rng.standard_normal() + np.cumsum(WALK * np.sqrt(gaps) * rng.standard_normal(2 * steps))
    truth = np.cumsum(rates * gaps) + rng.uniform(-1_500, 1_500)
    side = rng.permutation(np.repeat([1, -1], steps))
    return at, truth, side, truth + side * excess(name, rng, 2 * steps)


def track(at, side, bounds, law, start, rng):
    """Means and covariances of offset and rate after each message."""
    x = rng.uniform(-2_000, 2_000, PARTICLES) + start
    y = 20 * rng.standard_normal(PARTICLES)
    weight = np.zeros(PARTICLES)
    means, spreads = np.empty((len(at), 2)), np.empty((len(at), 2, 2))
    last = at[0]
    for index in range(len(at)):
        gap = abs(at[index] - last)
        last = at[index]
        x = x + y * (at[index] - at[index - 1] if index else 0.0)
        y = y + WALK * np.sqrt(gap) * rng.standard_normal(PARTICLES)
        delay = side[index] * (bounds[index] - x)
        bins = np.clip(delay / BIN, 0, 5_000).astype(int)
        weight = weight + np.where(delay < 0, -50.0, law[bins])
        weight -= weight.max()
        share = np.exp(weight)
        share /= share.sum()
        mean = np.array([share @ x, share @ y])
        off = np.stack([x - mean[0], y - mean[1]])
        spread = (off * share) @ off.T
        means[index], spreads[index] = mean, spread
        if 1 / (share @ share) < PARTICLES / 2:
            places = (np.arange(PARTICLES) + rng.random()) / PARTICLES
            chosen = np.minimum(np.searchsorted(np.cumsum(share), places), PARTICLES - 1)
            # Liu and West: shrunk to the mean and spread again, so that none are equal.
            noise = np.linalg.cholesky(spread + np.diag([1e-3, 1e-9])) @ rng.standard_normal((2, PARTICLES))
            keep, shake = np.sqrt(1 - 0.1**2), 0.1
            x = mean[0] + keep * (x[chosen] - mean[0]) + shake * noise[0]
            y = mean[1] + keep * (y[chosen] - mean[1]) + shake * noise[1]
            weight = np.zeros(PARTICLES)
    return means, spreads


def main():
    seeds = int(sys.argv[1]) if len(sys.argv) > 1 else 4
    print("| | live | offline |\n|---|---|---|")
    for name in ("S1", "S2", "S5", "S10"):
        law = density(name)
        live, offline = [], []
        for seed in range(seeds):
            at, truth, side, bounds = world(name, seed)
            rng = np.random.default_rng(1_000 + seed)
            ahead, sure = track(at, side, bounds, law, truth[0], rng)
            back, certain = track(at[::-1], side[::-1], bounds[::-1], law, truth[-1], rng)
            late = at > 60
            live.append((ahead[:, 0] - truth)[late])
            # The other filter has not seen this message's neighbour yet.
            other, far = back[::-1][1:], certain[::-1][1:]
            one, two = np.linalg.inv(sure[:-1]), np.linalg.inv(far)
            both = np.linalg.solve(one + two, one @ ahead[:-1, :, None] + two @ other[:, :, None])
            offline.append(both[:, 0, 0] - truth[:-1])
        rms = [np.sqrt(np.mean(np.concatenate(errors) ** 2)) for errors in (live, offline)]
        print(f"| {name} | {rms[0]:.1f} | {rms[1]:.1f} |", flush=True)


if __name__ == "__main__":
    main()

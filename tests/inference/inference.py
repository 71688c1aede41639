#!/usr/bin/env python3
"""Exact inference in random networks of competing causes, to hold the engine's differential against.

Written from the definition alone, and summed in whole fractions: no rounding, no clever order. Every state of all causes is
taken in turn; its weight is the product of the priors and of what each finding says. What comes out is one network a line,
with the posterior of each cause and of none of them, the decibans of each finding for each cause (odds with it over odds
without it) and, for each finding that is unknown, how far the whole ranking is expected to move once it is known.

    python3 tests/inference/inference.py > tests/inference/networks.jsonl

The test `other_hands_get_the_same` in src/engine/differential/tests.rs reads the lines.
"""

import itertools
import json
import math
import random
from fractions import Fraction

NETWORKS = 240


def number(x):
    """What a program reads from the decimals that are written here, as a fraction."""
    return Fraction(float(x))


def states(causes):
    return itertools.product([False, True], repeat=causes)


def weight(network, state, seen):
    product = Fraction(1)
    for works, prior in zip(state, network["priors"]):
        product *= number(prior) if works else 1 - number(prior)
    for finding, status in zip(network["findings"], seen):
        if status == "unknown":
            continue
        hidden = 1 - number(finding["leak"])
        for works, strength in zip(state, finding["strengths"]):
            if works:
                hidden *= 1 - number(strength)
        if status == "absent":
            product *= hidden
        else:
            confidence = number(status)
            product *= confidence * (1 - hidden) + (1 - confidence) * hidden
    return product


def infer(network, seen):
    """How probable the evidence is, each cause, and none of them."""
    causes = len(network["priors"])
    total, none, at_work = Fraction(0), Fraction(0), [Fraction(0)] * causes
    for state in states(causes):
        here = weight(network, state, seen)
        total += here
        if not any(state):
            none = here
        for cause in range(causes):
            if state[cause]:
                at_work[cause] += here
    return total, [share / total for share in at_work], none / total


def decibans(p):
    p = min(max(float(p), 1e-12), 1 - 1e-12)
    return 10 * math.log10(p / (1 - p))


def solve(network):
    seen = [finding["seen"] for finding in network["findings"]]
    total, causes, none = infer(network, seen)
    points, worth = [], []
    for at, status in enumerate(seen):
        without = infer(network, seen[:at] + ["unknown"] + seen[at + 1:])[1]
        points.append([decibans(a) - decibans(b) for a, b in zip(causes, without)])
        if status != "unknown":
            continue
        moved = Fraction(0)
        for becomes in ("absent", 1):
            evidence, then, then_none = infer(network, seen[:at] + [becomes] + seen[at + 1:])
            change = sum(abs(a - b) for a, b in zip(causes, then)) + abs(none - then_none)
            moved += evidence / total * change
        worth.append([at, float(moved)])
    return {
        **network,
        "causes": [float(p) for p in causes],
        "none": float(none),
        "points": [[round(x, 6) for x in row] for row in points],
        "worth": worth,
    }


def draw(rng, causes, findings):
    scale = [0.99, 0.95, 0.85, 0.6, 0.3, 0.1, 0.02]
    strength = lambda: 0 if rng.random() < 0.5 else rng.choice(scale)
    seen = lambda: rng.choice(["absent", "absent", "unknown", 1, 1, 0.9, 0.3])
    finding = lambda: {
        "seen": seen(),
        "leak": rng.choice([0.0001, 0.002, 0.002, 0.02, 0.3]),
        "strengths": [strength() for _ in range(causes)],
    }
    return {
        "priors": [rng.choice([0.02, 0.05, 0.1, 0.25, 0.001, 0.6]) for _ in range(causes)],
        "findings": [finding() for _ in range(findings)],
    }


def main():
    rng = random.Random(1989)
    for n in range(NETWORKS):
        causes = 1 + n % 8 if n < NETWORKS - 4 else 11
        print(json.dumps(solve(draw(rng, causes, rng.randint(1, 7))), separators=(",", ":")))


if __name__ == "__main__":
    main()

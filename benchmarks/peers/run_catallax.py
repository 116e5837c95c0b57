"""Catallax's preset on CartPole-v1. Prints one line of JSON; the clock starts after the imports.

With `--speed` it is not the preset that runs but a market of networks, of the size and with the
batches that Rejax's PPO has, twice; only the second run is timed.
"""

import argparse
import json
import resource
import time

import jax
import numpy as np
from greedy import greedy_return

import catallax as cx

train = cx.train  # parts load when first named: name them before the clock starts
PARTS = (cx.DeepMarket, cx.Neural, cx.Raw, cx.Learning, cx.worlds)


def timed_networks(seed: int, steps: int) -> tuple[list[cx.Economy], float, int]:
    """Trains networks of 64, 64 in 5 worlds; returns the second call's seconds and steps."""
    market = cx.DeepMarket(
        agents=[cx.Neural(hidden=(64, 64), layer_norm=False, encoder=cx.Raw())],
        learning=cx.Learning(horizon=100, epochs=5, minibatches=5, rate=0.00075, clip_norm=0.5),
    )
    economy = train(market, "CartPole-v1", worlds=5, seed=seed, steps=steps)
    before, start = economy.steps, time.perf_counter()
    economy.train(steps)
    return [economy], time.perf_counter() - start, economy.steps - before


def main() -> None:
    """Trains, and says how long it took and how well the agents play."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--steps", type=int, default=100_000)
    parser.add_argument("--speed", action="store_true")
    given = parser.parse_args()
    if given.speed:
        economies, seconds, steps = timed_networks(given.seed, given.steps)
    else:
        start = time.perf_counter()
        seeds = range(given.seed, given.seed + given.seeds)
        economies = train("CartPole-v1", seed=seeds, steps=given.steps)
        for economy in economies:
            jax.block_until_ready(economy.wealth)
        seconds = time.perf_counter() - start
        steps = economies[0].steps
    scores = [greedy_return(economy.predict, economy.seed) for economy in economies]
    balanced = all(economy.audit().balanced for economy in economies)
    print(
        json.dumps(
            {
                "seconds": seconds,
                "steps": steps,
                "greedy": float(np.min(scores)),
                "balanced": balanced,
                "peak_megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
            }
        )
    )


if __name__ == "__main__":
    main()

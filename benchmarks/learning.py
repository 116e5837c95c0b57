"""Learning: every preset over many seeds, greedy in Gymnasium's own environments.

python -m benchmarks.learning                       # seeds 0 to 9, the table
python -m benchmarks.learning --seeds 10 29         # seeds that nothing was tuned on
python -m benchmarks.learning --worlds CartPole-v1
"""

import argparse
import time

import numpy as np

import catallax as cx
from benchmarks.statistics import bootstrap_interval, interquartile_mean

TARGETS = {
    "CartPole-v1": ("every seed", 475.0),
    "Acrobot-v1": ("mean", -100.0),
    "MountainCar-v0": ("mean", -130.0),
    "FrozenLake-v1": ("mean", 0.70),
    "CliffWalking-v1": ("mean", -17.0),
}


def main() -> None:
    """Trains, evaluates and prints one row a world."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--worlds", nargs="*", default=list(TARGETS))
    parser.add_argument("--seeds", nargs=2, type=int, default=(0, 9), metavar=("FIRST", "LAST"))
    parser.add_argument("--episodes", type=int, default=100)
    given = parser.parse_args()
    seeds = range(given.seeds[0], given.seeds[1] + 1)
    print("| world | steps | target | IQM | 95 % interval | worst | best | seconds |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    for world in given.worlds:
        print(row(world, seeds, given.episodes), flush=True)


def row(world: str, seeds: range, episodes: int) -> str:
    """Returns one row of the table, and raises if the books of a run do not balance."""
    start = time.perf_counter()
    economies = cx.train(world, seed=seeds)
    seconds = time.perf_counter() - start
    for economy in economies:
        if not economy.audit().balanced:
            raise SystemExit(f"{world}, seed {economy.seed}: the books do not balance")
    scores = np.asarray([economy.evaluate(episodes).mean for economy in economies])
    low, high = bootstrap_interval(scores)
    kind, target = TARGETS.get(world, ("mean", float("nan")))
    return (
        f"| {world} | {economies[0].steps:,} | {kind} ≥ {target:g} "
        f"| {interquartile_mean(scores):.3f} | {low:.3f} to {high:.3f} "
        f"| {scores.min():.3f} | {scores.max():.3f} | {seconds:.1f} |"
    )


if __name__ == "__main__":
    main()

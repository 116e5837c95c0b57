"""The wide market beside a central planner who learns (PPO), and one who plays at random.

python -m benchmarks.wide_peers                    # every world, seeds 0 to 9, two at a time
python -m benchmarks.wide_peers --only "supply chain" --seeds 0 2 --parts shocks --jobs 1
python -m benchmarks.wide_peers --tables           # of what was kept, without running anything

Peers act in `catallax.gym`'s environments of the same industries, in a Python of their own
(peers/sb3_wide.txt). Figures of the market are those that `python -m benchmarks.wide` kept. Writes
results/wide_peers.json after every run.
"""

import argparse
import json
import os
import pickle
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.deep import HERE, environment, output
from benchmarks.statistics import bootstrap_interval, interquartile_mean
from benchmarks.wide import RESULTS as MARKETS
from benchmarks.wide import STEPS, WORLDS
from benchmarks.wide_shocks import SHOCKS, before_and_after
from catallax.planner import steady_state

RESULTS = HERE / "results" / "wide_peers.json"
SHOCKED_AT, LONGEST, AFTER = 20_480, 102_400, 6_144
PARTS = {"shocks": (STEPS, SHOCKED_AT), "long": (LONGEST,)}
"""Budgets of PPO. To the middle one shocks are done, and it trains on for `AFTER` steps of each."""

Run = dict[str, Any]


def main() -> None:
    """Runs the peers where asked, keeps what they did, and prints tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs="*", choices=WORLDS, default=list(WORLDS))
    parser.add_argument("--seeds", nargs=2, type=int, default=(0, 9), metavar=("FIRST", "LAST"))
    parser.add_argument("--parts", nargs="*", choices=PARTS, default=list(PARTS))
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--tables", action="store_true")
    given = parser.parse_args()
    kept: dict[str, dict[str, Run]] = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    if not given.tables:
        python, seeds = environment("sb3_wide"), range(given.seeds[0], given.seeds[1] + 1)
        wanted = [(p, w, s) for p in given.parts for w in given.only for s in seeds]
        with ThreadPoolExecutor(given.jobs) as pool:
            runs = pool.map(lambda one: contend(python, *one), wanted)
            for (_, world, seed), run in zip(wanted, runs, strict=True):
                before = kept.setdefault(world, {}).get(str(seed), {})
                trained = {**before.get("trained", {}), **run["trained"]}
                kept[world][str(seed)] = {**before, **run, "trained": trained}
                RESULTS.write_text(json.dumps(kept, indent=1) + "\n")
    markets = json.loads(MARKETS.read_text())
    print(value_table(kept, markets))
    print(shock_table(kept, markets))


def contend(python: str, part: str, world: str, seed: int) -> Run:
    """Runs the peers on one seed of a world."""
    industry = WORLDS[world](seed)
    before, after = before_and_after(industry, seed)
    task = {
        "seed": seed,
        "before": (before, steady_state(before).value),
        "budgets": PARTS[part],
        "shocked_at": SHOCKED_AT,
        "after": AFTER,
        "shocks": {name: (one, steady_state(one).value) for name, one in after.items()},
    }
    with tempfile.NamedTemporaryFile(suffix=".pkl") as file:
        Path(file.name).write_bytes(pickle.dumps(task))
        script = str(HERE / "peers" / "run_sb3_wide.py")
        paths = os.pathsep.join(str(HERE.parent / part) for part in ("src", "."))
        told = output([python, script, file.name], PYTHONPATH=paths, JAX_PLATFORMS="cpu")
    return json.loads(told.strip().splitlines()[-1])


def value_table(kept: dict[str, dict[str, Run]], markets: dict[str, Any]) -> str:
    """Returns shares of the planner's value: the market, PPO by its budget, and chance."""
    lines = [
        "| world | who | steps | while learning | 95 % interval | greedy | 95 % interval |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for world, runs in kept.items():
        market = [marks[0]["share"] for marks in markets["value"]["rows"][world]["market"]]
        lines.append(f"| {world} | market | {STEPS} | {summary(market)} | | |")
        budgets = {int(budget) for run in runs.values() for budget in run["trained"]}
        for budget in sorted(budgets):
            found = [
                r["trained"][str(budget)] for r in runs.values() if str(budget) in r["trained"]
            ]
            learning, greedy = (
                summary([one[key] for one in found]) for key in ("learning", "greedy")
            )
            steps = f"{found[0]['steps']:,} ({len(found)} seeds)"
            lines.append(f"| {world} | PPO | {steps} | {learning} | {greedy} |")
        chance = summary([run["random"] for run in runs.values()])
        lines.append(f"| {world} | at random | | {chance} | | |")
    return "\n".join([*lines, ""])


def summary(shares: list[float]) -> str:
    """Returns the interquartile mean and its interval."""
    low, high = bootstrap_interval(np.asarray(shares))
    return f"{interquartile_mean(np.asarray(shares)):.3f} | {low:.3f} to {high:.3f}"


def shock_table(kept: dict[str, dict[str, Run]], markets: dict[str, Any]) -> str:
    """Returns steps back to 95 % of the new optimum, of the market and of PPO, seed by seed.

    The target is met on a seed if three times the market's steps are at most PPO's, or at most as
    many as PPO was given where it did not get there; where both are there at once, it is.
    """
    lines = [
        "| world | shock | market: median, worst | PPO: there in time | PPO: median of these "
        "| a third or less |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for world, runs in kept.items():
        for shock in SHOCKS:
            rows = markets["shocks"]["rows"][f"{world}, {shock}"]
            ours = {seed: rows[int(seed)][0] for seed in runs}
            theirs = {seed: run["shocks"][shock] for seed, run in runs.items()}
            there = [one["steps"] for one in theirs.values() if one["steps"] is not None]
            # A market that could not go on has no share at the end, and meets no target.
            whole = [seed for seed in runs if rows[int(seed)][1] is not None]
            met = sum(is_third(ours[seed], theirs[seed]) for seed in whole)
            middle = f"{np.median(there):,.0f}" if there else "none"
            known = [steps for steps in ours.values() if steps is not None]
            lines.append(
                f"| {world} | {shock} | {np.median(known):.0f}, {max(known)} "
                f"| {len(there)} of {len(runs)} | {middle} | {met} of {len(runs)} |"
            )
    return "\n".join([*lines, ""])


def is_third(ours: int | None, theirs: Run) -> bool:
    """Returns whether the market needed a third of PPO's steps, or less."""
    limit = theirs["within"] if theirs["steps"] is None else theirs["steps"]
    return ours is not None and 3 * ours <= limit


if __name__ == "__main__":
    main()

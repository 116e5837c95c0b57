"""The wide market against the planner: value, prices, shocks, rules left out, and growth.

python -m benchmarks.wide                          # all parts, seeds 0 to 9
python -m benchmarks.wide --only value --seeds 200 209
python -m benchmarks.wide --only ablation shocks growth
python -m benchmarks.wide --only totals            # goods that look alike
"""

import argparse
import dataclasses
import json
import math
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import jax.numpy as jnp
import numpy as np

import catallax as cx
from benchmarks.statistics import bootstrap_interval, interquartile_mean
from benchmarks.wide_shocks import SHOCKS, before_and_after
from catallax._errors import NotConverged
from catallax._types import exact
from catallax.industries import (
    Industry,
    Producer,
    blends,
    commodity_flow,
    industry_of,
    read_mps,
    supply_chain,
    workshops,
    write_mps,
)

RESULTS = Path(__file__).parent / "results" / "wide.json"
WORLDS: dict[str, Callable[[int], Industry]] = {
    "supply chain": supply_chain,
    "commodity flow": commodity_flow,
    "workshops": lambda seed: industry_of(read_mps(write_mps(workshops(seed)))),
}
STEPS, LONG, LAST, WINDOW = 400, 2000, 100, 10
ENDOWMENT = 1e6
STARTS = {"0": 0.0, "the planner's prices": 1.0, "three times these": 3.0}
SERIES = {
    "goods, 100 agents": [(100, goods) for goods in (2, 8, 32, 128, 256)],
    "agents, 8 goods": [(agents, 8) for agents in (10, 100, 1000, 10_000)],
    "agents, 32 goods": [(agents, 32) for agents in (10, 100, 1000, 10_000)],
}
CAP = 60.0
"""A size of which so many seconds of steps have passed is timed no longer."""
WARM, TIMED, CHUNK = 50, 100, 50
SLOW, QUICK = cx.Expectations(0.2), cx.Expectations(1.0)
ABLATION = {
    "as it is": {},
    "λ = 1": {"expectations": QUICK},
    "ρ = 0": {"inertia": cx.Inertia(0.0)},
    "λ = 1, ρ = 0": {"expectations": QUICK, "inertia": cx.Inertia(0.0)},
    "η = 0": {"patience": cx.Patience(0.0)},
    "η = 0, λ = 1": {"patience": cx.Patience(0.0), "expectations": QUICK},
    "η = 0, ρ = 0": {"patience": cx.Patience(0.0), "inertia": cx.Inertia(0.0)},
    "η = 0, λ = 1, ρ = 0": {
        "patience": cx.Patience(0.0),
        "expectations": QUICK,
        "inertia": cx.Inertia(0.0),
    },
}


def main() -> None:
    """Measures what was asked for, prints tables and keeps the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parts = {
        "value": value,
        "totals": totals,
        "ablation": ablation,
        "shocks": shocks,
        "growth": growth,
        "entry": entry,
    }
    parser.add_argument("--only", nargs="*", choices=parts, default=list(parts))
    parser.add_argument("--seeds", nargs=2, type=int, default=(0, 9), metavar=("FIRST", "LAST"))
    parser.add_argument("--steps", type=int, default=STEPS)
    given = parser.parse_args()
    seeds = range(given.seeds[0], given.seeds[1] + 1)
    kept = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    for name in given.only:
        kept[name] = {"seeds": list(given.seeds), "rows": parts[name](seeds, given.steps)}
        RESULTS.write_text(json.dumps(kept, indent=1) + "\n")


def market_of(industry: Industry, **rules: object) -> cx.WideMarket:
    """Returns the market of an industry, with rules in place of the defaults."""
    market = cx.WideMarket(industry, cx.Rewards(ENDOWMENT), money="none")
    return dataclasses.replace(market, **rules)


def checked(economy: cx.WideEconomy, what: str) -> None:
    """Raises if a tick or a quantum was lost."""
    audit = economy.audit()
    came, made, used = economy.history.quanta.sum(axis=0)
    held = np.sum([list(row.values()) for row in economy.holdings.values()], axis=0)
    lost = came + made - used - held - np.asarray(economy.state.stocks.disposal)
    if not audit.balanced or lost.any():
        raise SystemExit(f"{what}: drift of {audit.drift_ticks} ticks and {lost} quanta")


def price_error(steady: cx.planner.SteadyState, prices: np.ndarray) -> float:
    """Returns the largest distance of prices from those that support the plan, relative."""
    outside = np.maximum(np.maximum(steady.lowest - prices, prices - steady.highest), 0)
    return float(np.max(outside / np.maximum(steady.prices, 0.02 * steady.prices.max())))


def reached(values: np.ndarray, goal: float) -> int | None:
    """Returns the first step after which a mean of ten steps is at least a goal."""
    means = np.convolve(values, np.ones(WINDOW) / WINDOW, "valid")
    found = np.flatnonzero(means >= goal)
    return int(found[0]) if found.size else None


def run(industry: Industry, steps: int, start: float = 0.0, **rules: object) -> dict[str, object]:
    """Runs a market without stocks from a multiple of the planner's prices, and compares them."""
    return scored(industry, (steps,), start, **rules)[0]


def scored(
    industry: Industry, marks: Sequence[int], start: float = 0.0, **rules: object
) -> list[dict[str, object]]:
    """Returns how a market does in the hundred steps before each of some steps."""
    steady = cx.planner.steady_state(industry)
    economy = cx.WideEconomy(market_of(industry, **rules))
    with exact():
        forecasts = jnp.asarray(start * steady.prices)
        economy.state = economy.state._replace(forecasts=forecasts)
    began = time.perf_counter()
    history = economy.run(max(marks))
    seconds = time.perf_counter() - began
    checked(economy, "run")
    scale = np.maximum(steady.prices, 0.02 * steady.prices.max())
    return [
        {
            "steps": mark,
            "share": float(history.values[mark - LAST : mark].mean() / steady.value),
            "price_error": price_error(steady, history.prices[mark - LAST : mark].mean(axis=0)),
            "oscillation": float(np.max(history.prices[mark - LAST : mark].std(axis=0) / scale)),
            "steps_to_99": reached(history.values, 0.99 * steady.value),
            "violation": float(history.violation.max()),
            "seconds": seconds,
        }
        for mark in marks
    ]


def summary(shares: list[float]) -> str:
    """Returns the interquartile mean, its interval, and the worst."""
    low, high = bootstrap_interval(np.asarray(shares))
    return f"{interquartile_mean(np.asarray(shares)):.4f} | {low:.4f} to {high:.4f}"


def value(seeds: range, steps: int) -> dict[str, object]:
    """Value as a share of the planner's, prices against its duals, and what does without them."""
    print(
        "| world | steps | IQM | 95 % interval | worst | 99 % on | prices within 2 % "
        "| median oscillation | frozen prices |"
    )
    print("| --- | --- | --- | --- | --- | --- | --- | --- | --- |")
    rows: dict[str, object] = {}
    for name, make in WORLDS.items():
        marks = (steps, LONG) if steps < LONG else (steps,)
        found = [scored(make(seed), marks) for seed in seeds]
        frozen = [cx.planner.frozen_price_share(make(seed)) for seed in seeds]
        ends = f"{min(frozen):.2f} to {max(frozen):.2f}"
        for mark, rated in zip(marks, zip(*found, strict=True), strict=True):
            print(f"| {name} | {mark} | {line(rated)} | {ends} |", flush=True)
        rows[name] = {"market": found, "frozen": frozen}
    return rows


def line(rated: Sequence[dict[str, object]]) -> str:
    """Returns what a table says of the runs of some seeds."""
    shares = [float(one["share"]) for one in rated]
    good = sum(share >= 0.99 for share in shares)
    right = sum(float(one["price_error"]) <= 0.02 for one in rated)
    swing = np.median([float(one["oscillation"]) for one in rated])
    return (
        f"{summary(shares)} | {min(shares):.4f} | {good} of {len(shares)} "
        f"| {right} of {len(shares)} | {swing:.3f}"
    )


def entry(seeds: range, steps: int) -> dict[str, object]:
    """From nobody in: producers are tried one by one, and loss makers leave."""
    print("| world | IQM | 95 % interval | worst | 99 % on | all in, median step | exits, median |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    rows: dict[str, object] = {}
    for name, make in WORLDS.items():
        found = [tried(make(seed), steps) for seed in seeds]
        shares = [one["share"] for one in found]
        full, exits = (np.median([one[key] for one in found]) for key in ("full", "exits"))
        print(
            f"| {name} | {summary(shares)} | {min(shares):.4f} "
            f"| {sum(share >= 0.99 for share in shares)} of {len(shares)} | {full:.0f} "
            f"| {exits:.0f} |",
            flush=True,
        )
        rows[name] = found
    return rows


def tried(industry: Industry, steps: int) -> dict[str, float]:
    """Returns the share of the planner's value, the first step with all in, and how many left."""
    market = dataclasses.replace(market_of(industry), turnover=cx.Trials())
    economy = cx.WideEconomy(market)
    history = economy.run(steps)
    checked(economy, "entry")
    present = history.present
    share = history.last(LAST).values.mean() / cx.planner.steady_state(industry).value
    all_in = present.all(axis=1)
    full = float(np.argmax(all_in)) if all_in.any() else math.inf
    exits = float((present[1:] < present[:-1]).sum())
    return {"share": float(share), "full": full, "exits": exits}


def totals(seeds: range, steps: int) -> dict[str, object]:
    """Where only totals are seen: as a share of two planners, of whom one sees everything."""
    print("| seed | of full sight | pools, of full sight | of pools | gap of pools | frozen |")
    print("| --- | --- | --- | --- | --- | --- |")
    rows: dict[str, object] = {}
    for seed in seeds:
        one = pooled(blends(seed), steps)
        print(
            "| " + " | ".join([str(seed), *(f"{one[key]:.4f}" for key in KEYS)]) + " |", flush=True
        )
        rows[str(seed)] = one
    for key in KEYS[:3]:
        shares = [one[key] for one in rows.values()]
        print(f"{key}: {summary(shares)}, worst {min(shares):.4f}")
    return rows


KEYS = ("share", "pools", "share_of_pools", "gap", "frozen")


def pooled(industry: Industry, steps: int) -> dict[str, float]:
    """Runs a market that sees totals from nothing, and compares it with two planners."""
    seen = cx.planner.in_full_sight(industry)
    best = cx.planner.steady_state(seen).value
    pools = cx.planner.pooled_state(industry)
    economy = cx.WideEconomy(market_of(industry))
    reached_value = float(economy.run(steps).last(LAST).values.mean())
    checked(economy, "totals")
    return {
        "share": reached_value / best,
        "pools": pools.value / best,
        "share_of_pools": reached_value / pools.value,
        "gap": pools.bound / pools.value - 1,
        "frozen": cx.planner.frozen_price_share(seen),
        "violation": float(economy.history.violation.max()),
    }


def ablation(seeds: range, steps: int) -> dict[str, object]:
    """The supply chain without one rule or two, from bad forecasts, good ones and too high ones."""
    print(
        "| forecasts at first | rules | IQM | 95 % interval | worst | 99 % on "
        "| median price error | oscillation |"
    )
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    rows: dict[str, object] = {}
    for begin, start in STARTS.items():
        for words, rules in ABLATION.items():
            found = [run(supply_chain(seed), steps, start, **rules) for seed in seeds]
            shares = [float(one["share"]) for one in found]
            error, swing = (
                np.median([float(one[key]) for one in found])
                for key in ("price_error", "oscillation")
            )
            good = sum(share >= 0.99 for share in shares)
            print(
                f"| {begin} | {words} | {summary(shares)} | {min(shares):.4f} "
                f"| {good} of {len(found)} | {error:.3f} | {swing:.3f} |",
                flush=True,
            )
            rows[f"{begin}, {words}"] = found
    return rows


def shocks(seeds: range, steps: int) -> dict[str, object]:
    """Steps to 95 % of the new optimum after each shock."""
    print(
        "| world | shock | steps to 95 % (median, worst) | not reached | stopped "
        "| share at the end |"
    )
    print("| --- | --- | --- | --- | --- | --- |")
    rows: dict[str, object] = {}
    for name, make in WORLDS.items():
        for shock in SHOCKS:
            found = [shocked(make(seed), seed, shock, steps) for seed in seeds]
            took = [one[0] for one in found if one[0] is not None]
            ends = [one[1] for one in found if one[1] is not None]
            print(
                f"| {name} | {shock} | {np.median(took):.0f}, {max(took)} "
                f"| {len(found) - len(took)} of {len(found)} | {len(found) - len(ends)} "
                f"| {min(ends):.4f} and more |",
                flush=True,
            )
            rows[f"{name}, {shock}"] = found
    return rows


def shocked(
    industry: Industry, seed: int, shock: str, steps: int
) -> tuple[int | None, float | None]:
    """Returns the steps to 95 % of the new planner's value, and the share at the end.

    A market in which a step could not be cleared has no share at the end, and is counted.
    """
    before, after = before_and_after(industry, seed)
    best = cx.planner.steady_state(after[shock]).value
    economy = cx.WideEconomy(market_of(before))
    stopped = False
    try:
        economy.run(steps)
        economy.change(market_of(after[shock]))
        economy.run(steps)
    except NotConverged as error:
        print(f"<!-- {shock}, seed {seed}, step {economy.steps}: {error} -->", flush=True)
        stopped = True
    checked(economy, shock)
    values = economy.history.values[steps:]
    took = reached(values, 0.95 * best) if values.size >= WINDOW else None
    return took, None if stopped else float(values[-LAST:].mean() / best)


def growth(seeds: range, steps: int) -> dict[str, object]:
    """Time of a warm step against goods and against agents, all included, and the exponents."""
    print("| agents | goods | ms a step | steps/s |")
    print("| --- | --- | --- | --- |")
    seconds: dict[tuple[int, int], float | None] = {}
    exponents = {}
    for name, sizes in SERIES.items():
        for size in sizes:
            if size not in seconds:
                seconds[size] = timed(*size)
                print(f"| {size[0]} | {size[1]} | {_in_words(seconds[size])} |", flush=True)
        exponents[name] = exponent([(n * m, seconds[n, m]) for n, m in sizes])
        print(f"<!-- step time against {name}: exponent {exponents[name]:.2f} -->", flush=True)
    rows = [{"agents": n, "goods": m, "seconds": each} for (n, m), each in seconds.items()]
    return {"rows": rows, "exponents": exponents, "cap": CAP}


def timed(agents: int, goods: int) -> float | None:
    """Returns the seconds of a step after `WARM` others; None if it was cut, or did not clear."""
    economy = cx.WideEconomy(market_of(drawn(agents, goods)))
    began, last = time.perf_counter(), 0.0
    each = []
    for number in range((WARM + TIMED) // CHUNK):
        before = time.perf_counter()
        try:
            economy.run(CHUNK)
        except NotConverged as error:
            print(f"<!-- {agents} agents, {goods} goods: {error} -->", flush=True)
            return None
        last = time.perf_counter()
        if number >= WARM // CHUNK:
            each.append((last - before) / CHUNK)
        if last - began > CAP:
            break
    checked(economy, "growth")
    return float(np.median(each)) if each else None


def exponent(points: list[tuple[int, float | None]]) -> float:
    """Returns the slope of log seconds in log size, by least squares, but for those cut."""
    sizes, seconds = np.array([(size, each) for size, each in points if each is not None]).T
    return float(np.polyfit(np.log(sizes), np.log(seconds), 1)[0])


def _in_words(each: float | None) -> str:
    return "cut | cut" if each is None else f"{1e3 * each:.1f} | {1 / each:.1f}"


def drawn(agents: int, goods: int, seed: int = 0) -> Industry:
    """Draws an industry: half of the goods come in and are scarce, a fifth of the agents want."""
    draw = np.random.default_rng([5, seed, agents, goods])
    names = tuple(f"good {number}" for number in range(goods))
    raw = max(goods // 2, 1)
    wanting = max(agents // 5, 1)
    households = tuple(
        cx.industries.Household(
            f"household {row}",
            tuple(
                cx.industries.Want(
                    names[good], float(draw.uniform(1, 3)), float(draw.uniform(0.5, 2))
                )
                for good in draw.choice(goods, min(goods, 4), replace=False)
            ),
        )
        for row in range(wanting)
    )
    producers = []
    for row in range(agents - wanting):
        taken = draw.choice(raw, min(raw, 3), replace=False)
        made = int(draw.integers(raw, goods)) if goods > raw else 0
        inputs = {names[good]: float(draw.uniform(0.1, 0.5)) for good in taken}
        technique = cx.techniques.LinearActivity(
            inputs, {names[made]: 1.0}, float(draw.uniform(0.5, 2))
        )
        producers.append(Producer(f"producer {row}", technique))
    inflows = tuple(
        cx.industries.Inflow(name, float(agents * draw.uniform(0.02, 0.05))) for name in names[:raw]
    )
    return Industry(names, inflows, tuple(producers), households)


if __name__ == "__main__":
    main()

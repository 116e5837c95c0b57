"""What a sale costs: clearing and settlement alone, many agents, the checks, start-up.

python -m benchmarks.throughput           # one JSON object
"""

import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any
from unittest.mock import patch

import jax
import jax.numpy as jnp
import numpy as np

import catallax as cx
from catallax import _deep
from catallax._clearing import Luck, clear_within_means
from catallax._compiled import segment_program
from catallax._drivers import driver_of
from catallax._ledger import N_SYSTEM, Account, Reason, check_books, empty_ledger, post, post_each
from catallax._settlement import check_sale_prices, check_sales, sale_transfers
from catallax._types import exact
from catallax.worlds._make import make_world

AGENTS = 64
KINDS = 16  # different ticks of bids, which come round again
CHECKS = ("check_sales", "check_sale_prices", "check_books")


def seconds_of(call: Callable[[], Any], repeats: int) -> list[float]:
    """Returns the seconds of repeated calls, after one that does not count."""
    jax.block_until_ready(call())
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        jax.block_until_ready(call())
        seconds.append(time.perf_counter() - start)
    return seconds


def auctions_a_second(worlds: int, ticks: int) -> float:
    """Returns sales a second with every check on: bids in, books out, nothing else."""
    market = cx.DeepMarket(agents=[cx.Tabular()], exploration=cx.NoExploration())
    random = np.random.default_rng(0)

    def run(bids: jax.Array, luck: Luck) -> Any:
        endowment = jnp.full(AGENTS, 2**50, jnp.int64)
        books = empty_ledger(N_SYSTEM + AGENTS)
        books = post_each(books, N_SYSTEM, endowment, Account.NATURE, Reason.ENDOWMENT)
        owner = jnp.full(worlds, Account.ORIGINAL_OWNER, jnp.int32)
        everyone, closing = jnp.ones((AGENTS, worlds), bool), jnp.zeros(worlds, bool)

        def tick(carry: Any, index: jax.Array) -> tuple[Any, None]:
            books, owner = carry
            valuations = jax.lax.dynamic_index_in_dim(bids, index % KINDS, keepdims=False)
            means = jnp.maximum(books.balances[N_SYSTEM:], 0)
            progress = jnp.float32(0)
            rules = (market.auction, market.exploration)
            sale = clear_within_means(*rules, valuations, everyone, means, closing, luck, progress)
            buyer = (N_SYSTEM + sale.buyer).astype(jnp.int32)
            terms = (owner, buyer, sale.price, sale.paid, sale.winner >= 0, market.gamma)
            after = check_sales(books, post(books, sale_transfers(*terms)), *terms)
            after = check_sale_prices(after, sale, valuations, means, None)
            return (check_books(after), buyer), None

        return jax.lax.scan(tick, (books, owner), jnp.arange(ticks))[0][0]

    with exact():
        bids = jnp.asarray(random.integers(1, 10**7, (KINDS, AGENTS, worlds)), jnp.int64)
        luck = Luck(jnp.zeros(worlds, jnp.float32), jnp.ones((2, worlds), jnp.float32))
        program = jax.jit(run)
        faults = int(program(bids, luck).faults)
        if faults:
            raise SystemExit(f"the checks found {faults}")
        best = min(seconds_of(lambda: program(bids, luck), 5))
    return worlds * ticks / best


def crowd(agents: int, worlds: int = 1) -> tuple[float, float]:
    """Returns seconds an auction and bytes an agent of a whole market of rules."""
    market = cx.DeepMarket(agents=[cx.Rule(count=agents)])
    world = make_world("FrozenLake-v1")
    driver = driver_of(market, world, worlds, 0)
    run = driver.first_state(0)
    chunks = max(1, 2**21 // (agents * market.learning.horizon))
    program = segment_program(driver.setting, world, chunks, False)
    with exact():
        wanted = jnp.int64(chunks)
        best = min(seconds_of(lambda: program(run, wanted)[0], 4))
    size = sum(leaf.nbytes for leaf in jax.tree.leaves(run.economy))
    return best / (chunks * market.learning.horizon * worlds), size / agents


def growth() -> dict[str, Any]:
    """Returns the cost from a thousand to a million agents, and its slope in logarithms."""
    sizes = [10**3, 10**4, 10**5, 10**6]
    costs, sizes_in_bytes = zip(*(crowd(n) for n in sizes), strict=True)
    slope = float(np.polyfit(np.log(sizes), np.log(costs), 1)[0])
    steepest = float(np.max(np.diff(np.log(costs)) / np.diff(np.log(sizes))))
    micros = [1e6 * cost for cost in costs]
    return {
        "agents": sizes,
        "microseconds_an_auction": micros,
        "slope": slope,
        "steepest": steepest,
        "bytes_an_agent": list(sizes_in_bytes),
    }


def cost_of_checks(repeats: int = 31) -> dict[str, float]:
    """Returns what the checks add to the preset's training on CartPole, in per cent."""
    world, chosen = make_world("CartPole-v1"), cx.preset("CartPole-v1")
    driver = driver_of(chosen.market, world, chosen.worlds, 0)
    run, fresh = driver.first_state(0), segment_program.__wrapped__
    programs = []
    with exact():
        wanted = jnp.int64(driver.chunks)
        checked = fresh(driver.setting, world, driver.chunks, False)
        programs.append(checked.lower(run, wanted).compile())
        off = {
            "check_sales": lambda before, after, *terms: after,
            "check_sale_prices": lambda ledger, *terms: ledger,
            "check_books": lambda ledger: ledger,
        }
        with patch.multiple(_deep, **off):
            bare = fresh(driver.setting, world, driver.chunks, False)
            programs.append(bare.lower(run, wanted).compile())
        seconds = np.empty((repeats, 2))
        for repeat in range(repeats):
            for which in (0, 1) if repeat % 2 else (1, 0):
                start = time.perf_counter()
                jax.block_until_ready(programs[which](run, wanted))
                seconds[repeat, which] = time.perf_counter() - start
    median = float(np.median(seconds[:, 0] / seconds[:, 1]))
    least = float(seconds[:, 0].min() / seconds[:, 1].min())
    return {"median_percent": 100 * (median - 1), "least_percent": 100 * (least - 1)}


def import_seconds(code: str, repeats: int = 5) -> float:
    """Returns the median seconds of a fresh process that runs a line, less an empty one's."""

    def fresh(line: str) -> float:
        start = time.perf_counter()
        subprocess.run([sys.executable, "-c", line], check=True)
        return time.perf_counter() - start

    fresh(code)
    return float(np.median([fresh(code) - fresh("pass") for _ in range(repeats)]))


def measured() -> dict[str, Any]:
    """Returns every figure of this file."""
    return {
        "auctions_one_world": auctions_a_second(1, 20_000),
        "auctions_many_worlds": {
            str(worlds): auctions_a_second(worlds, 2**19 // worlds) for worlds in (256, 1024, 4096)
        },
        "growth": growth(),
        "checks": cost_of_checks(),
        "import_seconds": import_seconds("import catallax"),
        "import_train_seconds": import_seconds("import catallax; catallax.train"),
        "peak_megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


if __name__ == "__main__":
    print(json.dumps(measured(), indent=2))

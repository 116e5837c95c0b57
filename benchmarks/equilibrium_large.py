"""Streamed equilibria of 10³ to 10⁶ agents: seconds, memory and certificate, a process for each.

python -m benchmarks.equilibrium_large VALUES.npy     # one market: prints one JSON object

Values are in 32 bits and in a file that is mapped into memory. A first call compiles; what counts
is the second. Memory is the most that the process ever had, the pages of the file among it.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

GOODS = 100
AGENTS = (10**3, 10**4, 10**5, 10**6)
LAWS = ("uniform", "lognormal")
THETA = 0.8
"""All money, as a share of what the goods are worth to whoever wants them most."""

SLENDER = (
    *(sys.executable, "-S", "-c"),
    "import subprocess, sys; sys.exit(subprocess.run(sys.argv[1:]).returncode)",
)
"""Starts a process that owes nothing: Linux counts the memory of whoever starts it as its own."""

BLOCK = 10_000
SLOPE, MEGABYTES, TOLERANCE = 1.1, 2000, 1e-6


def main() -> None:
    """Solves the market of a file and prints what it took."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("values", type=Path)
    print(json.dumps(measured(parser.parse_args().values)))


def measured(file: Path) -> dict[str, Any]:
    """Returns how long the market of a file takes, how much memory, and its certificate."""
    import catallax as cx  # here, so that a parent that only reads figures need not load it

    values = np.load(file, mmap_mode="r")
    agents, goods = values.shape
    market = values, np.ones(goods), wealth_of(agents)

    times = [time.perf_counter()]
    for _ in range(2):
        found = cx.equilibrium_streamed(*market, money="budget", tol=TOLERANCE, throw=False)
        times.append(time.perf_counter())
    return {
        "agents": agents,
        "seconds": times[2] - times[1],
        "first_seconds": times[1] - times[0],
        "steps": found.steps,
        "violation": float(found.certificate.violation),
        "bids": int(found.bundles.amounts.size),
        "megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def wealth_of(agents: int) -> np.ndarray:
    """Returns money: lognormal, and in all so much a good."""
    wealth = np.random.default_rng(agents).lognormal(0.0, 0.5, agents)
    return wealth * THETA * GOODS / wealth.sum()


@contextmanager
def written(agents: int, law: str) -> Iterator[Path]:
    """Writes a table of values, a block of agents at a time, and takes it away afterwards."""
    rng = np.random.default_rng([agents, *map(ord, law)])
    draw = {"uniform": lambda shape: rng.uniform(0.01, 1.0, shape)}.get(
        law, lambda shape: rng.lognormal(0.0, 1.0, shape)
    )
    with tempfile.TemporaryDirectory() as folder:
        path, shape = Path(folder) / "values.npy", (agents, GOODS)
        table = np.lib.format.open_memmap(path, "w+", np.float32, shape)
        highest = np.zeros(GOODS)
        for first in range(0, agents, BLOCK):
            block = draw((min(BLOCK, agents - first), GOODS)).astype(np.float32)
            table[first : first + BLOCK] = block
            highest = np.maximum(highest, block.max(axis=0))
        for first in range(0, agents, BLOCK):
            table[first : first + BLOCK] /= np.float32(highest.mean())
        table.flush()
        del table
        yield path


def growth() -> list[dict[str, Any]]:
    """Returns the figures of every size and law, each from a process of its own."""
    figures = []
    for law in LAWS:
        for agents in AGENTS:
            with written(agents, law) as path:
                call = [*SLENDER, sys.executable, "-m", "benchmarks.equilibrium_large", str(path)]
                ran = subprocess.run(call, capture_output=True, text=True, check=True)
            figures.append({"law": law, **json.loads(ran.stdout)})
            print(json.dumps(figures[-1]), file=sys.stderr, flush=True)
    return figures


def slope(figures: list[dict[str, Any]], what: str) -> float:
    """Returns the slope of a line through the logarithms of a figure over those of agents."""
    logs = [(np.log(figure["agents"]), np.log(figure[what])) for figure in figures]
    return float(np.polyfit(*np.transpose(logs), 1)[0])


def rows(figures: list[dict[str, Any]]) -> list[tuple[str, str, str, bool]]:
    """Returns what is printed about growth: what, figure, target, and whether it is met."""
    told = []
    for law in LAWS:
        mine = [figure for figure in figures if figure["law"] == law]
        for figure in mine:
            what = (
                f"streamed {figure['agents']:,}×{GOODS}, {law}: {figure['seconds']:.3g} s, "
                f"{figure['steps']} passes, {figure['bids'] / figure['agents']:.2f} bids an agent "
                f"(the first call {figure['first_seconds']:.3g} s): violation"
            )
            good = figure["violation"] <= TOLERANCE
            told.append((what, f"{figure['violation']:.1e}", f"≤ {TOLERANCE:.0e}", good))
        few, many = mine[0], mine[-1]
        each = (many["megabytes"] - few["megabytes"]) * 2**20 / (many["agents"] - few["agents"])
        what = f"streamed {many['agents']:,}×{GOODS}, {law}, {each:.0f} bytes an agent: most memory"
        good = many["megabytes"] < MEGABYTES
        told.append((what, f"{many['megabytes']:.0f} MB", f"< {MEGABYTES} MB", good))
        for name, key in (("time", "seconds"), ("memory", "megabytes")):
            steep = slope(mine, key)
            what = f"{name}, 10³ to 10⁶ agents, {law}: slope"
            told.append((what, f"{steep:.2f}", f"≤ {SLOPE}", steep <= SLOPE))
    return told


if __name__ == "__main__":
    main()

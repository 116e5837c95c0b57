"""The speed of the deep market, beside that of its peers on the same machine.

python -m benchmarks.deep

Peers run in environments of their own, made in benchmarks/.venvs from benchmarks/peers/*.txt.
Contenders take turns, and what counts is the ratio within one run. All clocks start after the
imports; the time of the whole process, evaluation included, stands beside. It prints a Markdown
table and writes benchmarks/results/deep.json.
"""

import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

HERE = Path(__file__).parent
PEERS, RESULTS = HERE / "peers", HERE / "results" / "deep.json"
SPEED_STEPS = 1_000_000
SOLVED = 475.0
ROUNDS = 3
SEEDS = 10

Row = tuple[str, str, str, bool]


def main() -> None:
    """Measures everything, prints the table and writes the figures."""
    sb3, rejax = environment("sb3"), environment("rejax")
    runs = trainings(sb3, rejax)
    speed = speeds(rejax)
    throughput = json.loads(output([sys.executable, "-m", "benchmarks.throughput"]))
    rows = [*training_rows(runs), *speed_rows(speed), *throughput_rows(throughput)]
    table = markdown(rows)
    about = {"machine": platform.machine(), "cores": os.cpu_count(), "load": os.getloadavg()}
    RESULTS.parent.mkdir(exist_ok=True)
    figures = {
        "about": about,
        "runs": runs,
        "speed": speed,
        "throughput": throughput,
        "table": [dict(zip(("what", "figure", "target", "met"), row, strict=True)) for row in rows],
    }
    RESULTS.write_text(json.dumps(figures, indent=2) + "\n", "utf-8")
    print(details(runs))
    print(table)


def environment(name: str) -> str:
    """Returns the Python of a peer's environment, made where it is not there or out of date."""
    home, wanted = HERE / ".venvs" / name, (PEERS / f"{name}.txt").read_text("utf-8")
    python, stamp = home / "bin" / "python", home / "installed.txt"
    if not (stamp.exists() and stamp.read_text("utf-8") == wanted):
        subprocess.run([sys.executable, "-m", "venv", str(home)], check=True)
        pip = [str(python), "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
        subprocess.run([*pip, "-r", str(PEERS / f"{name}.txt")], check=True)
        stamp.write_text(wanted, "utf-8")
    return str(python)


def output(command: list[str], **variables: str) -> str:
    """Returns what a command prints."""
    done = subprocess.run(
        command, env={**os.environ, **variables}, stdout=subprocess.PIPE, text=True, check=True
    )
    return done.stdout


def contend(python: str, script: str, *arguments: Any, **variables: str) -> dict[str, Any]:
    """Runs one contender and returns its line of JSON, with the seconds of the whole process."""
    start = time.perf_counter()
    command = [python, str(PEERS / script), *map(str, arguments)]
    line = output(command, **variables).strip().splitlines()[-1]
    return {**json.loads(line), "process_seconds": time.perf_counter() - start}


def trainings(sb3: str, rejax: str) -> dict[str, list[dict[str, Any]]]:
    """Trains on CartPole-v1, contenders in turn, a seed a round."""
    names = ("sb3, 1 thread", "sb3, default threads", "rejax", "cold", "warm", "ten seeds")
    runs: dict[str, list[dict[str, Any]]] = {name: [] for name in names}
    ours = (sys.executable, "run_catallax.py")
    for seed in range(ROUNDS):
        chosen = ("--seed", seed)
        runs["sb3, 1 thread"].append(contend(sb3, "run_sb3.py", *chosen, "--threads", 1))
        with tempfile.TemporaryDirectory() as cache:
            keep = {"XDG_CACHE_HOME": cache}  # as users have it: Catallax keeps programs there
            runs["cold"].append(contend(*ours, *chosen, **keep))
            runs["warm"].append(contend(*ours, *chosen, **keep))
        runs["sb3, default threads"].append(contend(sb3, "run_sb3.py", *chosen))
        with tempfile.TemporaryDirectory() as cache:
            keep = {"XDG_CACHE_HOME": cache}
            runs["ten seeds"].append(contend(*ours, "--seeds", SEEDS, **keep))
        with tempfile.TemporaryDirectory() as cache:
            keep = {"JAX_COMPILATION_CACHE_DIR": cache}
            runs["rejax"].append(contend(rejax, "run_rejax.py", *chosen, **keep))
    return runs


def speeds(rejax: str) -> dict[str, list[float]]:
    """Returns steps a second, learning included and compilation not, of both in turn."""
    found: dict[str, list[float]] = {"catallax": [], "rejax": []}
    for seed in range(ROUNDS):
        arguments = ("--speed", "--seed", seed, "--steps", SPEED_STEPS)
        ours = contend(sys.executable, "run_catallax.py", *arguments)
        theirs = contend(rejax, "run_rejax.py", *arguments)
        found["catallax"].append(ours["steps"] / ours["seconds"])
        found["rejax"].append(theirs["steps"] / theirs["seconds"])
    return found


def training_rows(runs: dict[str, list[dict[str, Any]]]) -> list[Row]:
    """Returns ratios to the faster of the two ways to run Stable-Baselines3."""

    def seconds(name: str) -> float:
        return median(run["seconds"] for run in runs[name])

    base = min(seconds("sb3, 1 thread"), seconds("sb3, default threads"))
    rows = []
    for name, factor, target in (("cold", 1, 4), ("warm", 1, 10), ("ten seeds", SEEDS, 20)):
        ratio = factor * base / seconds(name)
        what = f"CartPole-v1, {name}: times faster than Stable-Baselines3"
        rows.append((what, f"{ratio:.1f}", f"≥ {target}", ratio >= target))
    ratio = seconds("rejax") / seconds("cold")
    rows.append(("CartPole-v1, cold: times faster than Rejax", f"{ratio:.2f}", "", True))
    worst = min(run["greedy"] for name in ("cold", "warm", "ten seeds") for run in runs[name])
    books = all(run["balanced"] for name in ("cold", "warm", "ten seeds") for run in runs[name])
    what = "worst greedy return of Catallax's agents"
    rows.append((what, f"{worst:.0f}", f"≥ {SOLVED:.0f}", worst >= SOLVED))
    rows.append(("books balance", "yes" if books else "no", "yes", books))
    return rows


def speed_rows(speed: dict[str, list[float]]) -> list[Row]:
    """Returns the ratio to Rejax's PPO at the same network and batch."""
    ours, theirs = median(speed["catallax"]), median(speed["rejax"])
    what = f"steps/s while learning, {ours:,.0f} to Rejax's {theirs:,.0f}: ratio"
    return [(what, f"{ours / theirs:.2f}", "≥ 1", ours >= theirs)]


def throughput_rows(found: dict[str, Any]) -> list[Row]:
    """Returns the figures of benchmarks/throughput.py."""
    one, growth = found["auctions_one_world"], found["growth"]
    many = [
        (f"auctions/s, 64 agents, {worlds} worlds", f"{rate:,.0f}", "≥ 5,000,000", rate >= 5e6)
        for worlds, rate in found["auctions_many_worlds"].items()
    ]
    sizes = growth["bytes_an_agent"]
    checks, load = found["checks"]["median_percent"], found["import_seconds"]
    even = max(sizes) <= 1.1 * min(sizes)
    spread = f"{min(sizes):.0f} to {max(sizes):.0f}"
    return [
        ("auctions/s, 64 agents, 1 world", f"{one:,.0f}", "≥ 150,000", one >= 150_000),
        *many,
        (
            "cost an auction, 10³ to 10⁶ agents: slope",
            f"{growth['slope']:.2f}",
            "≤ 1.1",
            growth["slope"] <= 1.1,
        ),
        ("bytes an agent, 10³ to 10⁶ agents", spread, "even", even),
        ("cost of the checks in training", f"{checks:.1f} %", "≤ 5 %", checks <= 5),
        ("import catallax", f"{load:.2f} s", "< 1 s", load < 1),
        (
            "import catallax and all that train needs",
            f"{found['import_train_seconds']:.2f} s",
            "",
            True,
        ),
        ("peak memory with a million agents", f"{found['peak_megabytes']:.0f} MB", "", True),
    ]


def details(runs: dict[str, list[dict[str, Any]]]) -> str:
    """Returns the table of the trainings themselves; medians, and the worst return."""
    lines = [
        "| run | steps | seconds | process | worst return |",
        "| --- | --- | --- | --- | --- |",
    ]
    for name, found in runs.items():
        own, whole = (median(run[key] for run in found) for key in ("seconds", "process_seconds"))
        worst = min(run["greedy"] for run in found)
        steps = found[0]["steps"]
        lines.append(f"| {name} | {steps:,} | {own:.2f} | {whole:.2f} | {worst:.0f} |")
    return "\n".join([*lines, ""])


def markdown(rows: list[Row]) -> str:
    """Returns the table of figures and targets."""
    lines = ["| what | figure | target | met |", "| --- | --- | --- | --- |"]
    for what, figure, target, met in rows:
        verdict = ("yes" if met else "**no**") if target else ""
        lines.append(f"| {what} | {figure} | {target} | {verdict} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()

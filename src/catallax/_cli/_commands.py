"""What each command does: from what was typed to what is printed, and an exit code."""

import json
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from catallax._callbacks import Callback
from catallax._cli import _show as show
from catallax._cli import _wide as wide
from catallax._cli._progress import progress_bar
from catallax._cli._signals import Requests, obey_between_segments
from catallax._cli._solve import solve_market
from catallax._economy import Economy
from catallax._errors import InvalidSetting
from catallax._report import world_name, write_report
from catallax._report._facts import final_return
from catallax._tensorboard import TensorBoard
from catallax._train import compilation_cache, load, train
from catallax._train_wide import is_wide
from catallax.wide import WideEconomy
from catallax.worlds._make import make_world

FINE, UNBALANCED = 0, 3
AGENTS_AFTER_TRAINING = 5


def train_run(given: Any, requests: Requests) -> int:
    """Trains a market, or finishes a run, and says what came of it."""
    given.quiet = given.quiet or given.json
    with compilation_cache():
        economy = _resumed(given, requests) if given.resume else _begun(given, requests)
        requests.training = False
        if given.json:
            _print_json(_trained_facts(given, economy))
        elif not given.quiet:
            _show_trained(given, economy)
    return FINE


def _begun(given: Any, requests: Requests) -> Economy | WideEconomy:
    with _callbacks(given, requests) as callbacks:
        if is_wide(given.world):
            return wide.begin(given, callbacks)
        world = make_world(given.world, **dict(given.world_option))
        return train(
            world,
            steps=given.steps,
            worlds=given.worlds,
            seed=given.seed or 0,
            out=given.out,
            overwrite=given.overwrite,
            callbacks=callbacks,
            record_transfers=given.record_transfers,
        )


def _resumed(given: Any, requests: Requests) -> Economy | WideEconomy:
    economy = load(given.out)
    is_one = isinstance(economy, WideEconomy)
    (wide.check_same_run if is_one else _check_same_run)(given, economy)
    if wide.is_complete(economy) if is_one else economy.complete:
        if not given.quiet:
            show.line(f"The run in {given.out} is complete: there is nothing to resume.")
        return economy
    with _callbacks(given, requests) as callbacks:
        if is_one:
            wide.resume(given, economy, callbacks)
        else:
            economy.train(steps=1, resume=True, callbacks=callbacks)
    return economy


def _show_trained(given: Any, economy: Economy | WideEconomy) -> None:
    if isinstance(economy, WideEconomy):
        wide.show_trained(given, economy)
    else:
        show.trained(given.out, economy, economy.inspect()[:AGENTS_AFTER_TRAINING])


def _check_same_run(given: Any, economy: Economy) -> None:
    """Raises where something was typed that the run was not made with."""
    asked: dict[str, tuple[Any, Any]] = {}
    if given.world is not None:
        asked["world"] = (make_world(given.world, **dict(given.world_option)), economy.world)
    if given.seed is not None:
        asked["seed"] = (given.seed, economy.seed)
    if given.worlds is not None:
        asked["worlds"] = (given.worlds, economy.worlds)
    for name, (wanted, had) in asked.items():
        if wanted != had:
            said = (world_name(wanted), world_name(had)) if name == "world" else (wanted, had)
            raise InvalidSetting(
                f"The run in {given.out} has {name} {said[1]}, and {name} {said[0]} was asked for.",
                "Resuming finishes a run as it was begun.",
                f"Leave it out: catallax train --out {given.out} --resume; or train into another "
                "folder.",
            )


@contextmanager
def _callbacks(given: Any, requests: Requests) -> Generator[list[Callback]]:
    """Yields what is called while training: the board, the progress bar, and who stops it."""
    board = [TensorBoard(given.tensorboard)] if given.tensorboard else []
    with progress_bar(given.quiet) as bar:
        yield [*board, *bar, obey_between_segments(requests)]


def _trained_facts(given: Any, economy: Economy | WideEconomy) -> dict[str, Any]:
    if isinstance(economy, WideEconomy):
        return wide.trained_facts(given, economy)
    audit, metrics = economy.audit(), economy.metrics
    return {
        "run": str(given.out),
        "world": world_name(economy.world),
        "seed": economy.seed,
        "worlds": economy.worlds,
        "steps": economy.steps,
        "seconds": round(economy.seconds, 3),
        "episodes": int(metrics["episodes"].sum()) if metrics else 0,
        "return_mean": final_return(metrics),
        "balanced": audit.balanced,
        "drift_ticks": audit.drift_ticks,
        "transfers": audit.transfers,
        "digest": economy.digest,
    }


def evaluate_run(given: Any, requests: Requests) -> int:
    """Plays greedily and says the return."""
    with compilation_cache():
        economy = load(given.run)
        if isinstance(economy, WideEconomy):
            raise wide.no_episodes(given)
        found = economy.evaluate(given.episodes, seed=given.seed)
    facts = {
        "run": str(given.run),
        "world": world_name(economy.world),
        "episodes": len(found.returns),
        "seed": given.seed,
        "return_mean": found.mean,
        "return_std": found.std,
        "return_min": float(found.returns.min()),
        "return_max": float(found.returns.max()),
        "length_mean": float(found.lengths.mean()),
    }
    _print_json(facts) if given.json else show.evaluated(facts)
    return FINE


def inspect_run(given: Any, requests: Requests) -> int:
    """Says who is who."""
    with compilation_cache():
        economy = load(given.run)
        if isinstance(economy, WideEconomy):
            return _inspect_wide(given, economy)
        agents = economy.inspect()
    if not given.json:
        show.agents(agents[: given.top], len(agents), economy)
        return FINE
    _print_json(
        {
            "run": str(given.run),
            "world": world_name(economy.world),
            "steps": economy.steps,
            "living": len(agents),
            "agents": [asdict(agent) for agent in agents[: given.top]],
        }
    )
    return FINE


def _inspect_wide(given: Any, economy: WideEconomy) -> int:
    if given.json:
        _print_json(wide.inspected_facts(given, economy))
    else:
        wide.show_inspected(given, economy)
    return FINE


def audit_run(given: Any, requests: Requests) -> int:
    """Checks the books; an imbalance has an exit code of its own."""
    with compilation_cache():
        economy = load(given.run)
    audit, steps = economy.audit(), economy.steps
    if given.json:
        _print_json({"run": str(given.run), "steps": steps, **asdict(audit)})
    else:
        show.audited(audit)
    return FINE if audit.balanced else UNBALANCED


def report_run(given: Any, requests: Requests) -> int:
    """Writes the page."""
    path = Path(given.out) if given.out else Path(given.run) / "report.html"
    with compilation_cache():
        write_report(load(given.run), path)
    if given.json:
        _print_json({"run": str(given.run), "report": str(path)})
    else:
        show.line(f"The report is in {path}; open it in a browser.")
    return FINE


def _print_json(facts: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(facts) + "\n")


COMMANDS: dict[str, Callable[[Any, Requests], int]] = {
    "train": train_run,
    "evaluate": evaluate_run,
    "inspect": inspect_run,
    "audit": audit_run,
    "report": report_run,
    "solve": solve_market,
}
"""The commands by name."""

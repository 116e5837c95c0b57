"""What the commands do with runs of wide markets."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

from catallax._callbacks import Callback
from catallax._cli import _show_wide as show
from catallax._errors import InvalidSetting
from catallax._report._wide_facts import WideFacts, gather_wide
from catallax._train_wide import begun, refuse, train_wide
from catallax.wide import WideEconomy


def begin(given: Any, callbacks: list[Callback]) -> WideEconomy:
    """Runs a wide market from nothing, as the command line asks."""
    refuse(worlds=given.worlds, record_transfers=given.record_transfers)
    return train_wide(
        given.world,
        given.steps,
        given.seed or 0,
        Path(given.out),
        given.overwrite,
        callbacks,
        dict(given.world_option),
    )


def resume(given: Any, economy: WideEconomy, callbacks: list[Callback]) -> None:
    """Runs what was planned and is still to come."""
    economy.run(economy.planned_ticks[1] - economy.steps, callbacks=callbacks)


def is_complete(economy: WideEconomy) -> bool:
    """Returns whether all that was planned has been run."""
    return economy.steps >= economy.planned_ticks[1]


def check_same_run(given: Any, economy: WideEconomy) -> None:
    """Raises where something was typed that the run was not made with."""
    if given.world is None and given.seed is None:
        return
    world = given.world or economy.title.split(",")[0]
    asked = begun(world, given.seed or 0, dict(given.world_option)).title
    if asked != economy.title:
        raise InvalidSetting(
            f"The run in {given.out} is {economy.title}, and {asked} was asked for.",
            "Resuming finishes a run as it was begun.",
            f"Leave it out: catallax train --out {given.out} --resume; or train into another "
            "folder.",
        )


def trained_facts(given: Any, economy: WideEconomy) -> dict[str, Any]:
    """Returns what `train --json` prints."""
    facts = gather_wide(economy)
    audit = facts.audit
    return {
        "run": str(given.out),
        "world": economy.title,
        "steps": economy.steps,
        "seconds": round(economy.seconds, 3),
        **worth(facts),
        "balanced": audit.balanced,
        "drift_ticks": audit.drift_ticks,
        "drift_quanta": audit.drift_quanta,
        "transfers": audit.transfers,
        "digest": economy.digest,
    }


def worth(facts: WideFacts) -> dict[str, float | None]:
    """Returns the value of late, the planner's, and the share that it is."""
    return {
        "value": facts.value,
        "planner_value": facts.planner_value,
        "value_share": facts.share,
    }


def show_trained(given: Any, economy: WideEconomy) -> None:
    """Prints what `train` does."""
    show.trained(given.out, gather_wide(economy))


def inspected_facts(given: Any, economy: WideEconomy) -> dict[str, Any]:
    """Returns what `inspect --json` prints."""
    facts = gather_wide(economy)
    holders = show.richest(facts.holders)[: given.top]
    goods = economy.market.industry.looks
    prices = economy.history.prices[-1].tolist() if economy.steps else [0.0] * len(goods)
    return {
        "run": str(given.run),
        "world": economy.title,
        "steps": economy.steps,
        **worth(facts),
        "prices": dict(zip(goods, prices, strict=True)),
        "holders": [asdict(holder) for holder in holders],
    }


def show_inspected(given: Any, economy: WideEconomy) -> None:
    """Prints what `inspect` does."""
    show.inspected(gather_wide(economy), given.top)


def no_episodes(given: Any) -> InvalidSetting:
    """Returns the error of who would evaluate a wide market."""
    return InvalidSetting(
        f"The run in {given.run} is of a wide market, which has no episodes to play.",
        "Its value is what its households get while it runs.",
        f"See it with catallax inspect {given.run}, or catallax report {given.run}.",
    )

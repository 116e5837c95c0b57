"""Training a wide market: it has no weights, so to train it is to let it run and settle."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from catallax._callbacks import Callback
from catallax._errors import InvalidSetting
from catallax.industries import Industry, industry_named
from catallax.industries._named import is_industry_name
from catallax.wide import Rewards, WideEconomy, WideMarket

STEPS, ENDOWMENT = 400, 1e6
"""What is run, and what everybody begins with, if nobody says otherwise."""


def is_wide(market: Any) -> bool:
    """Returns whether something is a wide market, an industry or the name of one."""
    return isinstance(market, WideMarket | Industry) or is_industry_name(market)


def wide_market(market: WideMarket | Industry) -> WideMarket:
    """Returns a market as it is, and an industry with the usual rules.

    They are `Rewards`, a million credits for everybody and no limit by money, so that prices are
    those of the wants and not of who happens to be rich.
    """
    if isinstance(market, WideMarket):
        return market
    return WideMarket(market, Rewards(ENDOWMENT), money="none")


def begun(name_or_market: Any, seed: int, options: Mapping[str, Any]) -> WideEconomy:
    """Returns an economy that has not run.

    Args:
        name_or_market: What `is_wide`.
        seed: Of an industry that is drawn; only a name uses it.
        options: Settings of an industry that is given by name.

    Returns:
        The economy, which has the name for a title.
    """
    if not isinstance(name_or_market, str):
        return WideEconomy(wide_market(name_or_market))
    industry = industry_named(name_or_market, seed, **options)
    drawn = "" if name_or_market.lower().endswith(".mps") else f", seed {seed}"
    said = "".join(f", {key}={value!r}" for key, value in options.items())
    return WideEconomy(wide_market(industry), f"{Path(name_or_market).name}{drawn}{said}")


def train_wide(
    name_or_market: Any,
    steps: int | None,
    seed: int,
    out: Path | None,
    overwrite: bool,
    callbacks: Iterable[Callback],
    options: Mapping[str, Any],
) -> WideEconomy:
    """Runs a wide market from nothing, and keeps a directory up to date.

    Args:
        name_or_market: What `is_wide`.
        steps: How many; None for 400.
        seed: Of an industry that is drawn.
        out: A run directory, or None.
        overwrite: Whether a run that is there may be replaced.
        callbacks: As for `WideEconomy.run`.
        options: Settings of an industry that is given by name.

    Returns:
        The economy.
    """
    economy = begun(name_or_market, seed, options)
    if out is not None:
        economy.save(out, overwrite=overwrite)
    economy.run(STEPS if steps is None else steps, callbacks=callbacks)
    return economy


def refuse(**given: Any) -> None:
    """Raises where a setting was given that only deep markets have.

    Raises:
        InvalidSetting: Naming it.
    """
    for name, value in given.items():
        if value:
            raise InvalidSetting(
                f"{name}={value!r} was given with a wide market.",
                "It acts in its own industry, which is one world.",
                f"Leave {name} out.",
            )

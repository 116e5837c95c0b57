"""`train` and `load`: how an economy comes to be."""

import os
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, overload

import jax

from catallax._callbacks import Callback
from catallax._drivers import driver_of, host_worlds
from catallax._economy import Economy
from catallax._errors import InvalidSetting
from catallax._market import DeepMarket
from catallax._presets import PRESETS, Preset, default_preset
from catallax._store import Store, memory_of
from catallax._values import from_plain
from catallax.agents._protocol import Spaces
from catallax.worlds._make import make_world

CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "catallax" / "compiled"


def preset(world: Any) -> Preset:
    """Returns the market that `train` uses for a world when none is given.

    Args:
        world: A name or a world.

    Returns:
        The `Preset`: market, worlds and steps.

    Raises:
        UnknownWorld: If there is no such world.

    Example:
        >>> import catallax as cx
        >>> cx.preset("FrozenLake-v1").market.agents[0].initial
        0.5
    """
    found = make_world(world)
    if type(found) in PRESETS:
        return PRESETS[type(found)]()
    shown = host_worlds(found, getattr(found, "count", 1)) or found
    return default_preset(Spaces(shown.observation_space, shown.action_space))


@overload
def train(market: Any, world: Any = None, *, seed: int = 0, **settings: Any) -> Economy: ...


@overload
def train(market: Any, world: Any = None, *, seed: Sequence[int], **settings: Any) -> list[Economy]: ...


def train(
    market: Any,
    world: Any = None,
    *,
    steps: int | None = None,
    worlds: int | None = None,
    seed: int | Sequence[int] = 0,
    out: str | Path | None = None,
    overwrite: bool = False,
    callbacks: Iterable[Callback] = (),
    record_transfers: bool = False,
) -> Economy | list[Economy]:
    """Trains a market in a world.

    Args:
        market: A `DeepMarket`; or a world, for which the preset market is then used.
        world: A name such as `"CartPole-v1"`, a functional world, or host worlds.
        steps: Steps of worlds, rounded up to whole chunks; None for the preset's.
        worlds: How many worlds run side by side; None for the preset's.
        seed: Of every random stream; several seeds train several economies, two at a time.
        out: A run directory to keep up to date (with several seeds, `out/seed-0` and so on).
        overwrite: Whether a run that is there may be replaced.
        callbacks: What to call at the start, after each segment and at the end.
        record_transfers: Whether the run directory gets every single transfer as well.

    Returns:
        The trained `Economy`; with several seeds a list of them. The same seed gives the same
        books, alone or among others.

    Raises:
        UnknownWorld: If there is no such world.
        UnsupportedSpace: If a species cannot serve it.
        InvalidSetting: If a setting means nothing.
        RunExists: If `out` holds a run and `overwrite` is not set.

    Example:
        >>> import catallax as cx
        >>> economy = cx.train(cx.worlds.Chain(), steps=2_000, seed=0)
        >>> economy.audit().drift_ticks
        0

    Source: paper Algorithm 1.
    """
    if not isinstance(market, DeepMarket):
        market, world = None, market if world is None else world
    found = make_world(world) if world is not None else _missing_world()
    chosen = preset(found)
    market = chosen.market if market is None else market
    steps, worlds = steps or chosen.steps, worlds or getattr(found, "count", chosen.worlds)

    def run(one: int, path: Path | None) -> Economy:
        driver = driver_of(market, found, worlds, one, record_transfers)
        store = path and Store.create(path, memory_of(market, found, worlds, one), overwrite)
        economy = Economy(driver, found, one, store=store)
        return economy.train(steps, callbacks=callbacks)

    with compilation_cache():
        if not isinstance(seed, Iterable):
            return run(int(seed), None if out is None else Path(out))
        seeds = [int(one) for one in seed]
        paths = [None if out is None else Path(out) / f"seed-{one}" for one in seeds]
        with ThreadPoolExecutor(min(len(seeds), os.cpu_count() or 1)) as pool:
            return list(pool.map(run, seeds, paths))


def load(path: str | Path, *, market: DeepMarket | None = None, world: Any = None) -> Economy:
    """Restores an economy from a run directory, to evaluate, inspect, audit or train on.

    Args:
        path: A run directory, from `train(out=...)`, `catallax train --out` or `Economy.save`.
        market: In place of the saved one, where it holds parts that cannot be saved (Python
            functions defined in a script).
        world: In place of the saved one, likewise.

    Returns:
        The `Economy`; it goes on keeping its directory when it is trained.

    Raises:
        RunNotFound: If there is no run.
        CorruptRun: If a file is damaged.
        CannotRestore: If a part cannot be restored and was not given.

    Example:
        >>> import tempfile, catallax as cx
        >>> economy = cx.train(cx.worlds.Bandit(), steps=400, seed=0)
        >>> path = economy.save(tempfile.mkdtemp() + "/run")
        >>> cx.load(path).digest == economy.digest
        True
    """
    store = Store.open(path)
    config = store.directory.config
    market = from_plain(config["market"]) if market is None else market
    found = make_world(from_plain(config["world"]) if world is None else world)
    driver = driver_of(market, found, config["worlds"], config["seed"])
    run = store.restore(driver.first_state(config["seed"]))
    return Economy(
        driver,
        found,
        config["seed"],
        run,
        store.directory.journal(),
        store.directory.metrics(),
        store,
    )


def _missing_world() -> Any:
    raise InvalidSetting(
        "A market was given to train without a world.",
        "It has to act somewhere.",
        "Give a world, such as train(market, 'CartPole-v1').",
    )


@contextmanager
def compilation_cache() -> Iterator[None]:
    """Lets JAX keep compiled programs on disk for the next process, unless the user has chosen.

    The user's own setting, or none, is what holds again afterwards.
    """
    if jax.config.jax_compilation_cache_dir is not None:
        yield
        return
    jax.config.update("jax_compilation_cache_dir", str(CACHE))
    try:
        yield
    finally:
        jax.config.update("jax_compilation_cache_dir", None)

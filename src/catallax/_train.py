"""`train` and `load`: how an economy comes to be."""

import os
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from typing import Any, TypeAlias, overload

import jax

from catallax._callbacks import Callback
from catallax._drivers import driver_of, ready
from catallax._economy import Economy
from catallax._errors import InvalidSetting, TrainingInterrupted
from catallax._market import DeepMarket
from catallax._presets import PRESETS, Preset, default_preset
from catallax._rundir import open_run
from catallax._store import Store, memory_of
from catallax._train_wide import is_wide, refuse, train_wide
from catallax._values import from_plain
from catallax.agents._protocol import Spaces
from catallax.industries import Industry
from catallax.wide import WideEconomy, WideMarket
from catallax.wide._economy import restored
from catallax.worlds._evaluation import GYMNASIUM_IDS
from catallax.worlds._gymnasium import HostSpec
from catallax.worlds._make import make_world
from catallax.worlds._protocol import HostWorld, World

KINDS = {name: kind for kind, name in GYMNASIUM_IDS.items()}
Wide: TypeAlias = WideMarket | Industry
Deep: TypeAlias = DeepMarket | World | HostSpec | HostWorld
WIDE_MARKET = "catallax.wide._market:WideMarket"
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
    kind = KINDS.get(found.id) if isinstance(found, HostSpec) else type(found)
    if kind in PRESETS:
        return PRESETS[kind]()
    shown = ready(found, getattr(found, "count", 1))
    return default_preset(Spaces(shown.observation_space, shown.action_space))


@overload
def train(
    market: Wide,
    world: Any = None,
    *,
    steps: int | None = None,
    worlds: int | None = None,
    seed: int = 0,
    out: str | Path | None = None,
    overwrite: bool = False,
    callbacks: Iterable[Callback] = (),
    record_transfers: bool = False,
    checkpoint_seconds: float = 5.0,
) -> WideEconomy: ...


@overload
def train(
    market: Wide,
    world: Any = None,
    *,
    steps: int | None = None,
    worlds: int | None = None,
    seed: Sequence[int],
    out: str | Path | None = None,
    overwrite: bool = False,
    callbacks: Iterable[Callback] = (),
    record_transfers: bool = False,
    checkpoint_seconds: float = 5.0,
) -> list[WideEconomy]: ...


@overload
def train(
    market: Deep,
    world: Any = None,
    *,
    steps: int | None = None,
    worlds: int | None = None,
    seed: int = 0,
    out: str | Path | None = None,
    overwrite: bool = False,
    callbacks: Iterable[Callback] = (),
    record_transfers: bool = False,
    checkpoint_seconds: float = 5.0,
) -> Economy: ...


@overload
def train(
    market: Deep,
    world: Any = None,
    *,
    steps: int | None = None,
    worlds: int | None = None,
    seed: Sequence[int],
    out: str | Path | None = None,
    overwrite: bool = False,
    callbacks: Iterable[Callback] = (),
    record_transfers: bool = False,
    checkpoint_seconds: float = 5.0,
) -> list[Economy]: ...


@overload
def train(
    market: str,
    world: Any = None,
    *,
    steps: int | None = None,
    worlds: int | None = None,
    seed: int | Sequence[int] = 0,
    out: str | Path | None = None,
    overwrite: bool = False,
    callbacks: Iterable[Callback] = (),
    record_transfers: bool = False,
    checkpoint_seconds: float = 5.0,
) -> Any: ...


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
    checkpoint_seconds: float = 5.0,
) -> Economy | list[Economy] | WideEconomy | list[WideEconomy]:
    """Trains a market in a world, or lets a wide market run in its industry.

    Args:
        market: A `DeepMarket`; or a world, for which the preset market is then used. Or a
            `WideMarket`; or an `Industry`, or the name of one (`"supply-chain"`,
            `"commodity-flow"`, `"workshops"`, `"blends"`, an MPS file), with the usual rules.
        world: A name such as `"CartPole-v1"`, a functional world, or host worlds.
        steps: Steps of worlds, rounded up to whole chunks; None for the preset's.
        worlds: How many worlds run side by side; None for the preset's.
        seed: Of every random stream; several seeds train several economies, two at a time.
        out: A run directory to keep up to date (with several seeds, `out/seed-0` and so on).
        overwrite: Whether a run that is there may be replaced.
        callbacks: What to call at the start, after each segment and at the end.
        record_transfers: Whether the run directory gets every single transfer as well.
        checkpoint_seconds: The least time between two checkpoints; 0 writes one a segment.

    Returns:
        The trained `Economy`, or `WideEconomy`; with several seeds a list of them. The same seed
        gives the same books, alone or among others.

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
        >>> chain = cx.train("supply-chain", steps=3, seed=0)
        >>> chain.title, chain.audit().drift_quanta
        ('supply-chain, seed 0', 0)

    Source: paper Algorithms 1 and 2.
    """
    if is_wide(market):
        refuse(world=world, worlds=worlds, record_transfers=record_transfers)
        return _several_wide(market, steps, seed, out, overwrite, tuple(callbacks))
    if not isinstance(market, DeepMarket):
        market, world = None, market if world is None else world
    found = make_world(world) if world is not None else _missing_world()
    chosen = preset(found)
    rules = chosen.market if market is None else market
    length = chosen.steps if steps is None else steps
    width = getattr(found, "count", chosen.worlds) if worlds is None else worlds

    stop = Event()

    def run(one: int, path: Path | None) -> Economy:
        driver = driver_of(rules, found, width, one, record_transfers)
        memory = memory_of(rules, found, width, one, record_transfers)
        store = None if path is None else Store.create(path, memory, overwrite)
        economy = Economy(driver, found, one, store=store)
        economy.checkpoint_seconds = checkpoint_seconds
        return economy.train(length, callbacks=(*callbacks, StopOn(stop)))

    with compilation_cache():
        if not isinstance(seed, Iterable):
            return run(int(seed), None if out is None else Path(out))
        seeds = [int(one) for one in seed]
        paths = [None if out is None else Path(out) / f"seed-{one}" for one in seeds]
        return in_parallel(run, stop, seeds, paths)


def _several_wide(
    market: Any,
    steps: int | None,
    seed: int | Sequence[int],
    out: str | Path | None,
    overwrite: bool,
    callbacks: tuple[Callback, ...],
) -> WideEconomy | list[WideEconomy]:
    def run(one: int, path: Path | None) -> WideEconomy:
        return train_wide(market, steps, one, path, overwrite, callbacks, {})

    with compilation_cache():
        if not isinstance(seed, Iterable):
            return run(int(seed), None if out is None else Path(out))
        paths = {one: None if out is None else Path(out) / f"seed-{one}" for one in seed}
        return [run(one, path) for one, path in paths.items()]


def in_parallel(
    run: Callable[[int, Path | None], Economy],
    stop: Event,
    seeds: list[int],
    paths: list[Path | None],
) -> list[Economy]:
    """Runs several seeds, one thread a core; each is the same run as alone.

    Compiled programs leave Python's lock while they run, so threads suffice.

    Args:
        run: Trains one seed.
        stop: Tells every run to end with its present segment.
        seeds: Which.
        paths: A run directory for each, or None.

    Returns:
        The economies, in the order of the seeds.

    Raises:
        TrainingInterrupted: If Ctrl-C was pressed; directories keep what was learned.
    """
    with ThreadPoolExecutor(max(1, min(len(seeds), os.cpu_count() or 1))) as pool:
        try:
            return list(pool.map(run, seeds, paths))
        except KeyboardInterrupt:
            stop.set()
            pool.shutdown(cancel_futures=True)
            raise TrainingInterrupted(
                "Training of several seeds was interrupted.",
                "Ctrl-C was pressed.",
                "Each run's directory, if there is one, keeps what it learned.",
            ) from None


class StopOn(Callback):
    """Ends a training when an event is set, which only the main thread hears of."""

    def __init__(self, event: Event) -> None:
        self.event = event

    def on_segment_end(self, economy: Economy) -> bool:
        """Returns whether to go on."""
        return not self.event.is_set()


def load(path: str | Path, *, market: Any = None, world: Any = None) -> Any:
    """Restores an economy from a run directory, to evaluate, inspect, audit or train on.

    Args:
        path: A run directory, from `train(out=...)`, `catallax train --out`, `Economy.save` or
            `WideEconomy.save`.
        market: In place of the saved one, where it holds parts that cannot be saved (Python
            functions defined in a script).
        world: In place of the saved one, likewise.

    Returns:
        The `Economy` or `WideEconomy`; it goes on keeping its directory when it is trained.

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
    directory = open_run(Path(path))
    if _is_wide(directory.config):
        return restored(directory, market)
    store = Store(directory)
    config = directory.config
    given = {"market": market, "world": world}
    saved = {name: config[name] for name in given}
    parts = from_plain(saved, {name: part for name, part in given.items() if part is not None})
    rules, found = parts["market"], make_world(parts["world"])
    driver = driver_of(rules, found, config["worlds"], config["seed"], config["record_transfers"])
    run = store.restore(driver.structure())
    return Economy(
        driver,
        found,
        config["seed"],
        run,
        store.directory.journal(),
        store.directory.metrics(),
        store,
    )


def _is_wide(config: Mapping[str, Any]) -> bool:
    market = config["market"]
    return isinstance(market, dict) and market.get("$value") == WIDE_MARKET


def _missing_world() -> Any:
    raise InvalidSetting(
        "A market was given to train without a world.",
        "It has to act somewhere.",
        "Give a world, such as train(market, 'CartPole-v1').",
    )


@contextmanager
def compilation_cache() -> Generator[None]:
    """Lets JAX keep compiled programs on disk for the next process, unless the user has chosen.

    The user's own settings, or none, are what holds again afterwards.
    """
    ours = {
        "jax_compilation_cache_dir": str(CACHE),
        "jax_persistent_cache_min_compile_time_secs": 0.0,
    }
    before = {name: getattr(jax.config, name) for name in ours}
    if before["jax_compilation_cache_dir"] is not None:
        yield
        return
    for name, value in ours.items():
        jax.config.update(name, value)
    try:
        yield
    finally:
        for name, value in before.items():
            jax.config.update(name, value)

"""The compiled driver: functional worlds, agents and books in one scan."""

from functools import lru_cache, partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float32, Int32, Int64

from catallax._chunk import Flows, Metrics, close_books, end_chunk
from catallax._deep import Decision, collect, trade
from catallax._genesis import genesis
from catallax._keys import stream
from catallax._learning import Record
from catallax._ledger import Account
from catallax._market import Setting
from catallax._state import Draws, EconomyState, draws_of
from catallax._types import Key, PyTree, exact, floats
from catallax._xla import compiler_options
from catallax.agents._actions import bounded
from catallax.worlds._protocol import World

LONG = 3 * 10**8
"""Changes of a single weight in a training call from which `compiler_options` are for long ones."""


class WorldsState(NamedTuple):
    """W functional worlds between two ticks.

    Attributes:
        state: Stacked states.
        age: int32 `[W]`, steps of the present episode.
        closing: bool `[W]`, truncated in the last tick, not yet sold.
        earned: float32 `[W]`, credits of reward in the present episode.
    """

    state: PyTree
    age: Int32[Array, "W"]
    closing: Bool[Array, "W"]
    earned: Float32[Array, "W"]


class RunState(NamedTuple):
    """An economy and its worlds: all that a checkpoint must hold.

    Attributes:
        economy: The market's own state.
        worlds: The driver's: `WorldsState`, or `HostWorldsState` of the host.
    """

    economy: EconomyState
    worlds: Any


class Tally(NamedTuple):
    """What one tick adds to the counts of its chunk."""

    steps: Int64[Array, ""]
    episodes: Int64[Array, ""]
    returns: Float32[Array, ""]
    capped: Int64[Array, ""]


def first_run_state(setting: Setting, world: World, seed: int) -> RunState:
    """Returns an economy at genesis in freshly reset worlds.

    Args:
        setting: The market in its world.
        world: A functional world.
        seed: Of every random stream.

    Returns:
        A `RunState`.
    """
    with exact():
        return _begin(setting, world)(jax.random.key(seed))


def run_structure(setting: Setting, world: World) -> RunState:
    """Returns the shapes and dtypes of a run's state, without compiling anything."""
    with exact():
        return jax.eval_shape(_begin(setting, world), jax.random.key(0))


@lru_cache(maxsize=64)
def _begin(setting: Setting, world: World) -> Any:
    def begin(key: Key) -> RunState:
        with floats():
            keys = jax.random.split(stream(key, "worlds"), setting.worlds)
            worlds = WorldsState(
                state=jax.vmap(world.initial)(keys),
                age=jnp.zeros(setting.worlds, jnp.int32),
                closing=jnp.zeros(setting.worlds, bool),
                earned=jnp.zeros(setting.worlds, jnp.float32),
            )
        return RunState(genesis(setting, key), worlds)

    return jax.jit(begin, compiler_options=compiler_options(level=0))


@lru_cache(maxsize=64)
def segment_program(
    setting: Setting, world: World, chunks: int, record_moves: bool, long: bool = False
) -> Any:
    """Returns the compiled function that runs up to `chunks` chunks.

    It takes a `RunState` and how many chunks to run, and returns the state after with its books
    closed, the metrics and (where asked) every transfer of each chunk, bool `[chunks]` which of
    them ran, and the flows of the segment.

    Args:
        setting: The market in its world.
        world: A functional world.
        chunks: The most it runs; fewer need no new compilation.
        record_moves: Whether to return every transfer.
        long: Whether it will run for so long that faster code is worth a slower compilation.

    Returns:
        A jitted function, to be called in the 64-bit context.
    """

    def segment(run: RunState, wanted: Int64[Array, ""]) -> tuple[RunState, tuple[Any, Flows]]:
        chunk = jax.jit(partial(_chunk, setting, world, record_moves), inline=True)  # traced once
        idle = jax.tree.map(
            lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), jax.eval_shape(chunk, run)[1]
        )

        def body(run: RunState, index: Array) -> tuple[RunState, Any]:
            treasury = run.economy.ledger.balances[Account.TREASURY]
            alive = jnp.any(run.economy.population.alive) | setting.market.entry.revives(treasury)
            fine = run.economy.ledger.faults == 0
            go = (index < wanted) & alive & fine
            run, rows = jax.lax.cond(go, chunk, lambda run: (run, idle), run)
            return run, (rows, go)

        run, rows = jax.lax.scan(body, run, jnp.arange(chunks, dtype=jnp.int64))
        economy, flows = close_books(run.economy)
        return run._replace(economy=economy), (rows, flows)

    return jax.jit(segment, compiler_options=compiler_options(level=1, long=long))


def is_long(setting: Setting, run: RunState) -> bool:
    """Returns whether a plan changes so many weights so often that it takes many seconds."""
    learning = setting.market.learning
    learned = [
        group.genes.learned
        for species, group in zip(setting.species, run.economy.groups, strict=True)
        if species.learns
    ]
    weights = sum(leaf.size for leaf in jax.tree.leaves(learned))
    updates = int(run.economy.plan.ticks) // learning.horizon
    return weights * updates * learning.epochs * learning.minibatches >= LONG


def _chunk(
    setting: Setting, world: World, record_moves: bool, run: RunState
) -> tuple[RunState, tuple[Metrics, Any]]:
    ticks = setting.market.learning.horizon
    economy = run.economy
    key = stream(economy.key, "ticks", economy.tick.astype(jnp.uint32))
    draws = draws_of(setting, key, ticks)
    run, (records, observations, tallies, moves) = jax.lax.scan(
        partial(_tick, setting, world, record_moves), run, draws
    )
    counts = jax.tree.map(lambda column: jnp.sum(column, axis=0), tallies)._asdict()
    economy, metrics = end_chunk(setting, run.economy, records, observations, counts)
    return run._replace(economy=economy), (metrics, moves)


def _tick(
    setting: Setting, world: World, record_moves: bool, run: RunState, draws: Draws
) -> tuple[RunState, tuple[Record, Array, Tally, Any]]:
    worlds: WorldsState = run.worlds
    with floats():
        observation = jax.vmap(world.observe)(worlds.state)
    economy, decision = trade(setting, run.economy, observation, worlds.closing, draws)
    with floats():
        state, reward, terminated = jax.vmap(world.step)(
            worlds.state, bounded(setting.spaces.action, decision.action), draws.world[:, 0]
        )
        reached = jax.vmap(world.observe)(state) if setting.market.consumers else None
    economy, record, more_moves = collect(
        setting, economy, decision, reward.astype(jnp.float32), terminated, reached
    )
    with floats():
        worlds, tally = _turn(world, worlds, state, record, draws.world[:, 1], decision)
    moves = (decision.moves, *more_moves) if record_moves else ()
    return RunState(economy, worlds), (record, observation, tally, moves)


def _turn(
    world: World,
    worlds: WorldsState,
    stepped: PyTree,
    record: Record,
    keys: Key,
    decision: Decision,
) -> tuple[WorldsState, Tally]:
    """Moves the worlds on: resets those that ended, marks those that ran out of time."""
    acted = ~record.closing
    age = worlds.age + acted
    earned = worlds.earned + record.reward
    out_of_time = jnp.zeros_like(worlds.closing)
    if world.time_limit is not None:
        out_of_time = acted & ~record.ended & (age >= world.time_limit)
    done = record.ended
    finished = (done & acted) | out_of_time
    tally = Tally(
        steps=jnp.sum(acted & ~decision.stops, dtype=jnp.int32),
        episodes=jnp.sum(finished, dtype=jnp.int32),
        returns=jnp.sum(jnp.where(finished, earned, 0.0)),
        capped=decision.capped,
    )
    state = jax.lax.cond(
        jnp.any(done),
        lambda: jax.tree.map(
            lambda new, old: jnp.where(done.reshape((-1,) + (1,) * (old.ndim - 1)), new, old),
            jax.vmap(world.initial)(keys),
            stepped,
        ),
        lambda: stepped,
    )
    return WorldsState(
        state=state,
        age=jnp.where(done, 0, age),
        closing=out_of_time,
        earned=jnp.where(done, 0.0, earned),
    ), tally

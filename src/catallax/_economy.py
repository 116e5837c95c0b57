"""An economy: a market at work in its worlds, with its books, its people and its past."""

import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np

from catallax._books import Books
from catallax._callbacks import Callback
from catallax._chunk import close_books
from catallax._compiled import RunState
from catallax._drivers import Compiled, OnHost, Segment
from catallax._errors import InvalidSetting, MarketExtinct, TrainingInterrupted
from catallax._evaluate import Evaluation, decide, evaluate, frozen
from catallax._inspect import AgentRecord, agent_records
from catallax._interrupts import deferred_interrupt
from catallax._journal import Audit, JournalEntry
from catallax._ledger import account_names
from catallax._market import DeepMarket
from catallax._membership import Agent, added, removed, thawed
from catallax._state import EconomyState, Plan
from catallax._store import Store, joined, memory_of
from catallax._types import Columns, exact, ticks_of
from catallax.agents._protocol import Species
from catallax.worlds._evaluation import evaluation_worlds
from catallax.worlds._gymnasium import HostSpec
from catallax.worlds._protocol import HostWorld, World
from catallax.worlds._spaces import decode_actions, encode_observations


class Economy:
    """A market that has been, and can be, trained. Made by `train` and `load`.

    Args:
        driver: Runs the market in its worlds.
        world: What the driver was made from.
        seed: Of every random stream.
        run: The state, None for genesis.
        entries: The journal so far.
        metrics: The metrics so far.
        store: A run directory that is kept up to date, or None.

    Example:
        >>> import catallax as cx
        >>> market = cx.DeepMarket(agents=[cx.Tabular()])
        >>> economy = cx.train(market, cx.worlds.Chain(), steps=2_000, worlds=4, seed=0)
        >>> economy.audit().balanced
        True

    Source: paper Algorithm 1, CAPITALISM.
    """

    def __init__(
        self,
        driver: Compiled | OnHost,
        world: World | HostSpec | HostWorld,
        seed: int,
        run: RunState | None = None,
        entries: Sequence[JournalEntry] = (),
        metrics: Columns | None = None,
        store: Store | None = None,
    ) -> None:
        self._driver, self._world, self._seed, self._store = driver, world, seed, store
        self._run = driver.first_state(seed) if run is None else run
        self._books = Books(list(entries))
        self._metrics: Columns = dict(metrics or {})
        self._seconds = 0.0
        self.checkpoint_seconds = 5.0
        if run is None:
            self._close_books()

    @property
    def market(self) -> DeepMarket:
        """The rules."""
        return self._driver.setting.market

    @property
    def world(self) -> World | HostSpec | HostWorld:
        """The world, as it was given."""
        return self._world

    @property
    def worlds(self) -> int:
        """How many worlds run side by side."""
        return self._driver.setting.worlds

    @property
    def seed(self) -> int:
        """The seed."""
        return self._seed

    @property
    def seconds(self) -> float:
        """Wall-clock seconds spent in `train` by this process."""
        return self._seconds

    @property
    def tick(self) -> int:
        """Ticks since genesis; each is one auction in every world."""
        return int(self._state.tick)

    @property
    def steps(self) -> int:
        """Steps that worlds have taken since genesis."""
        return int(self._metrics["steps"].sum()) if self._metrics else 0

    @property
    def digest(self) -> str:
        """The hash of the whole journal; equal digests mean equal books."""
        return self._books.digest

    @property
    def journal(self) -> tuple[JournalEntry, ...]:
        """The journal's entries, oldest first."""
        return tuple(self._books.entries)

    @property
    def metrics(self) -> Columns:
        """Columns of figures, a row a chunk."""
        return dict(self._metrics)

    @property
    def balances(self) -> dict[str, int]:
        """Ticks in every account, by name; they sum to 0."""
        names = account_names(
            self._driver.setting.n_consumers, np.asarray(self._state.population.ids)
        )
        return dict(zip(names, np.asarray(self._state.ledger.balances).tolist(), strict=True))

    @property
    def wealth(self) -> dict[int, int]:
        """Ticks that each living agent owns, by id."""
        population = self._state.population
        alive = np.asarray(population.alive)
        owned = np.asarray(self._state.ledger.balances)[self._driver.setting.first_agent :]
        return dict(
            zip(np.asarray(population.ids)[alive].tolist(), owned[alive].tolist(), strict=True)
        )

    @property
    def planned_ticks(self) -> tuple[int, int]:
        """The tick at which the present plan began, and the one at which it ends."""
        start, ticks = int(self._state.plan.start), int(self._state.plan.ticks)
        return start, start + ticks

    @property
    def complete(self) -> bool:
        """Whether the plan of the last training call was carried out to its end."""
        return self.tick >= self.planned_ticks[1]

    @property
    def _state(self) -> EconomyState:
        return self._run.economy

    def train(
        self, steps: int, *, callbacks: Iterable[Callback] = (), resume: bool = False
    ) -> "Economy":
        """Trains on; schedules start anew over these steps.

        Args:
            steps: Steps of worlds, rounded up to whole chunks; with `resume` ignored.
            callbacks: What to call at the start, after each segment and at the end.
            resume: Whether to finish the plan of the last call in place of making a new one.

        Returns:
            The economy itself.

        Raises:
            InvalidSetting: If steps is below 1.
            MarketExtinct: If nobody lives and no birth can be paid.
            BadBid: If a bid is not finite (and so for other faults of agents and worlds).
            TrainingInterrupted: If Ctrl-C was pressed; what was learned is kept.
        """
        callbacks = tuple(callbacks)
        if not resume:
            self._plan(steps)
        for callback in callbacks:
            callback.on_training_start(self)
        try:
            self._finish_plan(callbacks)
        except KeyboardInterrupt:
            self._save_progress(force=True)
            raise TrainingInterrupted(
                f"Training was interrupted at tick {self.tick}.",
                "Ctrl-C was pressed.",
                "What was learned up to the last segment is kept; "
                + ("resume with --resume." if self._store else "call train again to go on."),
            ) from None
        finally:
            self._save_progress(force=True)
        for callback in callbacks:
            callback.on_training_end(self)
        return self

    def evaluate(
        self,
        episodes: int = 100,
        *,
        seed: int | None = None,
        world: Any | None = None,
        steps_max: int = 10_000,
    ) -> Evaluation:
        """Plays whole episodes greedily with a frozen copy; caps apply, nothing settles.

        Each episode is played as the only one: an agent that had to ration its wealth over many
        worlds in training may bid all of it here.

        Args:
            episodes: How many.
            seed: Of the episodes; None for one that follows from the economy's, so that several
                seeds are evaluated on different episodes.
            world: Where; None for Gymnasium's own version of the world, or the world itself
                where Gymnasium has none.
            steps_max: The longest episode, in worlds that have no end of their own.

        Returns:
            The `Evaluation`.

        Raises:
            InvalidSetting: If episodes is below 1.
        """
        if episodes < 1:
            raise InvalidSetting(
                f"episodes={episodes} was given.", "A mean needs one.", "Give 1 or more."
            )
        batch = evaluation_worlds(self._world if world is None else world, min(episodes, 100))
        seed = 1_000_000 + self._seed if seed is None else seed
        return evaluate(self._driver.setting, frozen(self._state), batch, episodes, seed, steps_max)

    def predict(self, observations: Any) -> np.ndarray:
        """Returns the greedy action for each of a batch of observations.

        Args:
            observations: A batch in the form of the world's (vectorised) observation space; a
                single observation gives a single action.

        Returns:
            Actions in the form of the world's action space.

        Raises:
            BadObservation: If an observation is not of the space.
        """
        spaces = self._driver.setting.spaces
        batch, single = _as_batch(spaces.observation, observations)
        encoded = encode_observations(spaces.observation, batch)
        action, _ = decide(self._driver.setting, frozen(self._state), encoded)
        actions = decode_actions(spaces.action, action)
        return actions[0] if single else actions

    def inspect(self, episodes: int = 5) -> list[AgentRecord]:
        """Returns what each agent is, does, owns, paid and earned; the richest first.

        Args:
            episodes: Greedy episodes watched to see where each agent wins.

        Returns:
            One `AgentRecord` for each living agent.
        """
        batch = evaluation_worlds(self._world, episodes)
        return agent_records(self._driver.setting, frozen(self._state), self._books.totals, batch)

    def audit(self) -> Audit:
        """Rebuilds every balance from genesis and compares it with the run's own.

        Returns:
            The `Audit`.

        Raises:
            AuditFailed: If the chain of the journal is broken.
        """
        return self._books.audit(self.balances)

    def add(self, newcomer: Species | Agent, *, endowment: float | None = None) -> list[int]:
        """Lets a species, or an agent that was removed, in; nature pays its capital.

        Args:
            newcomer: A species (as many agents as it says) or an `Agent`.
            endowment: Credits each; None for the market's.

        Returns:
            The fresh ids.

        Raises:
            UnsupportedSpace: If the species cannot serve the world.
        """
        setting = self._driver.setting
        ticks = setting.endowment_ticks if endowment is None else ticks_of(endowment)
        with exact():
            setting, state, ids = added(setting, self._state, newcomer, ticks)
        self._driver.setting = setting
        self._run = self._run._replace(economy=state)
        self._close_books()
        return ids

    def remove(self, id_: int) -> Agent:
        """Takes an agent out; its worlds revert, its estate goes to the treasury.

        Args:
            id_: Whom.

        Returns:
            The `Agent`, which can be added again.

        Raises:
            UnknownAgent: If nobody alive has the id.
        """
        with exact():
            state, agent = removed(self._driver.setting, self._state, id_)
        self._run = self._run._replace(economy=state)
        self._close_books()
        return agent

    def freeze(self, id_: int, frozen: bool = True) -> None:
        """Stops an agent from learning and breeding, or lets it go on; it trades all the same.

        Args:
            id_: Whom.
            frozen: False thaws it.

        Raises:
            UnknownAgent: If nobody alive has the id.
        """
        with exact():
            self._run = self._run._replace(economy=thawed(self._state, id_, frozen))

    def save(self, path: str | Path, *, overwrite: bool = False) -> Path:
        """Writes everything to a run directory, from which `load` restores it.

        Args:
            path: The directory, new or empty.
            overwrite: Whether a run that is there may be replaced.

        Returns:
            The path.

        Raises:
            RunExists: If there is a run already.
            CannotWrite: If the disk is full or the place is read-only.
        """
        store = Store.create(path, self._store_config(), overwrite)
        store.keep(list(self.journal), self._metrics, None)
        store.checkpoint(len(self.journal), self._run)
        return Path(path)

    def _store_config(self) -> dict[str, Any]:
        return memory_of(
            self.market, self._world, self.worlds, self._seed, self._driver.record_moves
        )

    def _plan(self, steps: int) -> None:
        if steps < 1:
            raise InvalidSetting(
                f"steps={steps} was given.", "Nothing would happen.", "Give 1 or more."
            )
        horizon = self.market.learning.horizon
        ticks = -(-steps // (horizon * self.worlds)) * horizon
        with exact():
            plan = Plan(self._state.tick, jnp.int64(ticks))
        self._run = self._run._replace(economy=self._state._replace(plan=plan))
        self._save_progress(force=True)

    def _finish_plan(self, callbacks: tuple[Callback, ...]) -> None:
        horizon, end = self.market.learning.horizon, self.planned_ticks[1]
        with deferred_interrupt() as obey:
            while self.tick < end:
                self._require_life()
                started = time.perf_counter()
                self._take(self._driver.segment(self._run, (end - self.tick) // horizon))
                self._seconds += time.perf_counter() - started
                self._save_progress()
                goes_on = [callback.on_segment_end(self) for callback in callbacks]
                obey()
                if any(answer is False for answer in goes_on):
                    return
        self._require_life()

    def _take(self, segment: Segment) -> None:
        self._run = segment.run
        entry = self._books.close(self._driver.setting, segment.flows)
        self._metrics = joined(self._metrics, segment.metrics)
        if self._store is not None:
            self._store.keep([entry], segment.metrics, segment.moves)

    def _close_books(self) -> None:
        """Books what happened between two segments: genesis, arrivals and departures."""
        with exact():
            state, flows = close_books(self._state)
        self._run = self._run._replace(economy=state)
        entry = self._books.close(self._driver.setting, flows)
        if self._store is not None:
            self._store.keep([entry], {}, None)
            self._save_progress(force=True)

    def _save_progress(self, force: bool = False) -> None:
        if self._store is not None:
            self._store.checkpoint_if_due(
                len(self._books.entries), self._run, 0.0 if force else self.checkpoint_seconds
            )

    def _require_life(self) -> None:
        alive, treasury = np.asarray(self._state.population.alive), self.balances["treasury"]
        if not alive.any() and not self.market.entry.revives(treasury):
            raise MarketExtinct(
                f"Nobody lives at tick {self.tick}, and no birth could be paid.",
                "Every agent went bankrupt or left, and the treasury holds "
                f"{treasury / 1e6:.6g} credits.",
                "Give agents more capital, the treasury an opening balance (treasury=...), or use "
                "Refinanced(). The state up to here is kept.",
            )


def _as_batch(space: Any, observations: Any) -> tuple[Any, bool]:
    """Returns observations with a leading axis, and whether there was none."""
    if isinstance(observations, Mapping | tuple):
        return observations, False
    array = np.asarray(observations)
    if space.shape is not None and array.shape == space.shape:
        return array[None], True
    return array, False

"""`WideEconomy`: a wide market that runs, with its books."""

import time
from collections.abc import Iterable
from numbers import Integral
from pathlib import Path
from typing import Any

import jax
import numpy as np

from catallax._callbacks import Callback
from catallax._checkpoint import leaves_of
from catallax._errors import InvalidSetting, TrainingInterrupted
from catallax._interrupts import deferred_interrupt
from catallax._journal import GENESIS, Audit, JournalEntry, audit, make_entry
from catallax._ledger import Account
from catallax._rundir import RunDirectory
from catallax._types import TICKS_PER_CREDIT, Columns, exact
from catallax._values import from_plain, to_plain
from catallax._xla import compiled
from catallax.clearing.equilibrium import Equilibrium, equilibrium
from catallax.clearing.equilibrium._market import Market
from catallax.clearing.equilibrium._solve import measured

from ._bids import Outlook, bidders_of, money_of, valuations_of
from ._cast import cast_of, rows_of
from ._complaints import complain_of
from ._habits import first_habits
from ._history import History, joined
from ._inspect import HolderRecord, holder_records
from ._lessons import first_lessons
from ._market import WideMarket
from ._records import columns_of, goods_rows, history_of
from ._saving import Kept, begin, keep, read, start_of
from ._state import WideState, genesis
from ._step import FLOWS, Cleared, Offer, Pace, Seen, offered, settled
from ._tastes import first_memories, memories_after

TOLERANCE = 1e-6
"""The largest violation that counts as an equilibrium; see `catallax.equilibrium`."""

SEGMENT = 50
"""Steps after which the books are closed, and a run directory is brought up to date."""


class WideEconomy:
    """A wide market that runs, with books and stocks that add up, to the tick and the quantum.

    Args:
        market: The industry and its rules.
        title: What people call it; None for how many there are of what.

    Raises:
        InvalidGood: If an inflow cannot be counted in quanta of its good.

    Example:
        >>> import catallax as cx
        >>> chain = cx.industries.supply_chain(0)
        >>> economy = cx.WideEconomy(cx.WideMarket(chain, cx.Rewards(1e4), money="none"))
        >>> history = economy.run(3)
        >>> economy.audit().balanced, int(economy.balances["nature"] < 0)
        (True, 1)

    Source: paper Algorithm 2.
    """

    def __init__(self, market: WideMarket, title: str | None = None) -> None:
        self.market = market
        self.title = title or _described(market)
        self._rows, self._cast = rows_of(market), cast_of(market)
        self._bidders = bidders_of(market.industry)
        makers, producers = self._bidders.makers, len(market.industry.producers)
        with exact():
            lessons = first_lessons(makers, producers, market.experience.hope)
            habits = first_habits(producers, makers.curved)
        memories = first_memories(self._bidders.tastes.bids)
        self.state: WideState = genesis(market, self._cast, habits, lessons, memories)
        self._journal: list[JournalEntry] = []
        self._histories: list[History] = []
        self._warm: Any = None
        self._warm_saved: Columns | None = None
        self._directory: RunDirectory | None = None
        self._begun, self._planned, self._seconds = 0, 0, 0.0

    @property
    def names(self) -> tuple[str, ...]:
        """Who holds goods, row by row; owners, then households, then producers."""
        return self._rows.names

    @property
    def steps(self) -> int:
        """Steps since genesis."""
        return int(self.state.step)

    @property
    def tick(self) -> int:
        """Steps since genesis: a wide market is one world."""
        return self.steps

    @property
    def worlds(self) -> int:
        """One, its industry."""
        return 1

    @property
    def planned_ticks(self) -> tuple[int, int]:
        """Where the last `run` began, and where it ends, or was to end if it was stopped."""
        return self._begun, self._planned

    @property
    def seconds(self) -> float:
        """How long `run` has taken in this process."""
        return self._seconds

    @property
    def digest(self) -> str:
        """SHA-256 of the journal: equal digests, equal books and stocks at every close."""
        return self._journal[-1].digest if self._journal else GENESIS

    @property
    def metrics(self) -> Columns:
        """The history as columns with names for people, a row a step; `price/labour` for one."""
        if not self._histories:
            return {}
        return {"value": self.history.values} | columns_of(self.market, self.history)

    @property
    def history(self) -> History:
        """All steps so far."""
        if not self._histories:
            raise InvalidSetting(
                "The history of an economy was asked for that has not run.",
                "There is nothing to tell.",
                "Call run(steps) first.",
            )
        return joined(self._histories)

    @property
    def journal(self) -> tuple[JournalEntry, ...]:
        """One entry for every 50 steps or less, hash-chained."""
        return tuple(self._journal)

    @property
    def balances(self) -> dict[str, int]:
        """Ticks by account, the system's first."""
        names = _account_names(self._rows.names)
        return dict(zip(names, np.asarray(self.state.ledger.balances).tolist(), strict=True))

    @property
    def holdings(self) -> dict[str, dict[str, int]]:
        """Quanta by holder and good of the industry, of those too that nobody tells apart."""
        goods = self.market.industry.goods
        table = np.asarray(self.state.stocks.holdings).tolist()
        return {
            name: dict(zip(goods, row, strict=True))
            for name, row in zip(self._rows.names, table, strict=True)
        }

    def audit(self) -> Audit:
        """Compares all balances and holdings with what the journal says, from genesis on."""
        return audit(self._journal, self.balances, self.holdings)

    def inspect(self) -> list[HolderRecord]:
        """Says of every holder what it has, paid, earned, bought and made."""
        history = self.history if self._histories else None
        alive = np.asarray(self.state.alive)
        return holder_records(self.market, self._journal, self.balances, alive, history)

    def save(self, path: str | Path, *, overwrite: bool = False) -> Path:
        """Writes everything to a run directory, which `run` keeps up to date from then on.

        Args:
            path: The directory, new or empty.
            overwrite: Whether a run that is there may be replaced.

        Returns:
            The path; `catallax.load` restores the economy from it.

        Raises:
            RunExists: If there is a run already.
            CannotWrite: If the disk is full or the place is read-only.
        """
        self._directory = begin(Path(path), self.market, self.title, overwrite)
        self._keep(self._journal, self.history if self._histories else None)
        return Path(path)

    def run(self, steps: int, *, callbacks: Iterable[Callback] = ()) -> History:
        """Runs a number of steps.

        Args:
            steps: How many, 1 or more.
            callbacks: What to call at the start, whenever the books are closed, and at the end;
                one that returns False there ends the run.

        Returns:
            What they were like.

        Raises:
            InvalidSetting: If steps is below 1.
            NotConverged: If a step's market could not be cleared.
            NotConcave: If a technique gains from mixtures.
            BadProduction: If a technique made what is no stock of goods.
            BadReward: If a worth or a cost is not finite, or beyond a million credits.
            BadPrice: If a price is beyond a million credits.
            LedgerError: If the books or the stocks do not add up.
            TrainingInterrupted: If Ctrl-C was pressed; the books are closed first.

        In every case the economy stands as after the last step that was complete.
        """
        if not isinstance(steps, Integral) or isinstance(steps, bool) or steps < 1:
            raise InvalidSetting(
                f"steps={steps!r} was given to run.", "It counts steps.", "Give 1 or more."
            )
        self._begun, self._planned = self.steps, self.steps + int(steps)
        earlier, callbacks = len(self._histories), tuple(callbacks)
        self._keep([], None)
        for one in callbacks:
            one.on_training_start(self)
        try:
            self._finish_plan(callbacks)
        except KeyboardInterrupt:
            raise TrainingInterrupted(
                f"The run was interrupted at step {self.steps}.",
                "Ctrl-C was pressed.",
                "All steps up to this one are kept; call run again to go on.",
            ) from None
        finally:
            for one in callbacks:
                one.on_training_end(self)
        return joined(self._histories[earlier:])

    def _finish_plan(self, callbacks: tuple[Callback, ...]) -> None:
        """Runs to the end of the plan, unless somebody stops it where the books are closed."""
        with deferred_interrupt() as obey:
            while (left := self._planned - self.steps) > 0:
                self._segment(min(left, SEGMENT))
                goes_on = [one.on_segment_end(self) for one in callbacks]
                obey()
                if any(answer is False for answer in goes_on):
                    return

    def _segment(self, steps: int) -> None:
        """Runs steps and closes the books, whatever ends them."""
        first, rows, shape = self.state, [], (len(FLOWS), *self.state.stocks.holdings.shape)
        flows = np.zeros(shape, np.int64)
        started = time.perf_counter()
        try:
            for _ in range(steps):
                row, moved = self._once()
                rows.append(row)
                flows += moved
        finally:
            self._seconds += time.perf_counter() - started
            if rows:
                self._close_books(first, rows, flows)

    def change(self, market: WideMarket) -> None:
        """Goes on with another market of the same holders and goods: a shock.

        Techniques, wants, inflows and rules may differ; money, stocks and forecasts stay.

        Args:
            market: Its goods, owners, households and producers have the same names.

        Raises:
            InvalidSetting: If a name differs, the unit or upkeep of a good, or who owns what part.
        """
        same = market.goods == self.market.goods and market.components == self.market.components
        if rows_of(market) != self._rows or not same or market.rights != self.market.rights:
            raise InvalidSetting(
                "The economy was given a market of other holders or goods, or of other rights.",
                "Their accounts and stocks go on, by name.",
                "Keep all names and goods; a capacity of 0 takes a producer out.",
            )
        before, self._bidders = self._bidders.tastes, bidders_of(market.industry)
        self.market, self._cast = market, cast_of(market)
        memories = memories_after(before, self.state.memories, self._bidders.tastes)
        habits = self.state.habits
        scales = np.nan_to_num(np.asarray(habits.scales))
        scales[self._bidders.makers.curved] = np.nan
        with exact():
            new = first_lessons(self._bidders.makers, scales.size, market.experience.hope)
            self.state = self.state._replace(
                habits=habits._replace(scales=jax.numpy.asarray(scales)),
                lessons=self.state.lessons.or_from(new),
                memories=memories,
            )

    def _once(self) -> tuple[dict[str, np.ndarray], np.ndarray]:
        with exact():
            offer: Offer = _offered(self._cast, self.state, self.market.rights)
        supply, means = np.asarray(offer.supply), np.asarray(offer.means)
        found, valuations, wealth = self._cleared(supply, means)
        bundles = np.zeros((len(self.names), supply.size))
        order = self._bidders.order
        bundles[self._rows.owners + order] = found.bundles[: order.size]
        with exact():
            state, told = _settled(
                self._bidders.others,
                self._bidders.tastes,
                self._rows.owners,
                self.market.rights,
                self._cast,
                self._bidders.makers,
                self._bidders.wants,
                offer,
                Cleared(*jax.device_put((found.prices, bundles))),
                self._pace,
            )
        seen: Any = jax.tree.map(np.asarray, told)
        complain_of(int(state.ledger.faults), seen, self.market, self.steps)
        row = self._told(offer, seen, found, valuations, wealth)
        self.state = state
        return row, seen.flows

    @property
    def _pace(self) -> Pace:
        market, experience = self.market, self.market.experience
        inertia, rate = market.inertia, market.expectations.rate
        inert = inertia.memory, inertia.ease, inertia.brake, inertia.least
        patience = market.patience
        patient = patience.ease, patience.brake, patience.least
        return Pace(rate, inert, patient, (experience.memory, experience.hope))

    def _cleared(self, supply: np.ndarray, means: np.ndarray) -> tuple[Equilibrium, Any, Any]:
        market, state = self.market, self.state
        with exact():
            lessons = _per_level(state.lessons)
        own = jax.tree.map(
            np.asarray,
            (state.habits, state.alive, lessons, state.waits.shares, state.memories, state.step),
        )
        outlook = Outlook(np.asarray(state.forecasts), supply, *own)
        valuations = valuations_of(self._bidders, outlook, market)
        wealth = None
        if market.money != "none":
            own = means[self._rows.owners + self._bidders.order] / TICKS_PER_CREDIT
            # What is held back is not bought with anybody's money.
            trust = 2 * float(supply @ outlook.forecasts)
            wealth = np.append(own, [trust] * (valuations.agents - own.size))
        given: dict[str, Any] = {"money": money_of(self._bidders, market), "tol": TOLERANCE}
        if self._warm_saved is not None:
            like = equilibrium(valuations, supply, wealth, **given).warm
            self._warm, self._warm_saved = start_of(like, self._warm_saved), None
        found = equilibrium(valuations, supply, wealth, start=self._warm, **given)
        self._warm = found.warm
        return found, valuations, wealth

    def _told(
        self, offer: Offer, seen: Any, found: Equilibrium, valuations: Any, wealth: Any
    ) -> dict[str, np.ndarray]:
        units = np.asarray(self._cast.units)
        deal, supply = seen.trade, np.asarray(offer.supply)
        order, prices = self._bidders.order, deal.prices
        unsold = deal.returned.sum(axis=0) * units
        bundles = np.minimum(found.bundles, unsold)  # of what is held back, whole quanta
        bundles[: order.size] = deal.bought[self._rows.owners + order] * units
        money = money_of(self._bidders, self.market)
        wealth = np.ones(valuations.agents) if wealth is None else wealth
        settled: Any = valuations, supply, wealth, money
        certificate = measured(Market(*settled), prices, bundles)
        moved = seen.moved
        return {
            "prices": prices,
            "forecasts": np.asarray(self.state.forecasts),
            "supply": supply,
            "sold": deal.sold.sum(axis=0) * units,
            "levels": seen.levels,
            "worths": seen.worths[self._rows.household_rows],
            "costs": seen.costs,
            "profits": seen.gains,
            "present": np.asarray(self.state.alive),
            "violation": np.asarray(certificate.violation),
            "quanta": np.stack([moved.inflow, moved.produced, moved.consumed]),
        }

    def _close_books(
        self, first: WideState, rows: list[dict[str, np.ndarray]], flows: np.ndarray
    ) -> None:
        history = History(**{k: np.stack([r[k] for r in rows]) for k in rows[0]})
        ledger = self.state.ledger
        entry = make_entry(
            self.digest,
            len(self._journal),
            int(first.step),
            self.steps,
            int(ledger.transfers),
            _account_names(self._rows.names),
            np.asarray(ledger.flows),
            goods_rows(self.names, self.market.industry.goods, flows),
        )
        self._histories.append(history)
        self._journal.append(entry)
        with exact():
            emptied = jax.device_put(np.zeros(ledger.flows.shape, np.int64))
        self.state = self.state._replace(ledger=ledger._replace(flows=emptied))
        self._keep([entry], history)

    def _keep(self, entries: list[JournalEntry], history: History | None) -> None:
        if self._directory is not None:
            metrics = {} if history is None else columns_of(self.market, history)
            warm = leaves_of(self._warm) if self._warm_saved is None else self._warm_saved
            now = Kept(self.state, warm, self._planned, to_plain(self.market))
            keep(self._directory, entries, metrics, len(self._journal), now)

    def _come_back(self, directory: RunDirectory, given: WideMarket | None) -> None:
        """Takes the place of the economy that a directory keeps."""
        kept = read(directory, self.state)
        self.change(given or from_plain({"market": kept.market})["market"])
        self.state, self._warm_saved, self._planned = kept.state, kept.warm, kept.planned
        self._journal, self._directory = directory.journal(), directory
        if metrics := directory.metrics():
            self._histories = [history_of(self.market, metrics)]


def restored(directory: RunDirectory, market: WideMarket | None = None) -> WideEconomy:
    """Returns the economy that a run directory keeps; it goes on keeping it.

    Args:
        directory: Of a wide market.
        market: In place of the saved one, where it has parts that cannot be saved.

    Raises:
        CorruptRun: If a file is damaged.
        CannotRestore: If a part of the market was not saved and no market was given.
    """
    saved = market or from_plain({"market": directory.config["market"]})["market"]
    economy = WideEconomy(saved, directory.config["title"])
    economy._come_back(directory, market)
    return economy


def _described(market: WideMarket) -> str:
    one = market.industry
    counts = len(one.goods), len(one.producers), len(one.households)
    return "{} goods, {} producers and {} households".format(*counts)


def _account_names(holders: tuple[str, ...]) -> list[str]:
    return [*(account.name.lower() for account in Account), *holders[1:]]


_offered = compiled(offered, static_argnums=(2,))

_per_level = compiled(lambda lessons: lessons.per_level)


def _by_others(
    others: Any,
    tastes: Any,
    first: int,
    rights: Any,
    cast: Any,
    makers: Any,
    wants: Any,
    offer: Offer,
    cleared: Cleared,
    pace: Pace,
) -> tuple[WideState, Seen]:
    return settled(cast, makers, others, wants, tastes, first, offer, cleared, pace, rights)


_settled = compiled(_by_others, static_argnums=(0, 1, 2, 3))

"""`WideEconomy`: a wide market that runs, with its books."""

from numbers import Integral
from typing import Any

import jax
import numpy as np

from catallax._errors import BadPrice, BadProduction, BadReward, InvalidSetting, LedgerError
from catallax._journal import GENESIS, Audit, JournalEntry, audit, make_entry
from catallax._ledger import Account, Fault, faults_named
from catallax._types import TICKS_PER_CREDIT, exact
from catallax._xla import compiled
from catallax.clearing.equilibrium import Equilibrium, certify, equilibrium

from ._bids import Outlook, bidders_of, valuations_of
from ._cast import cast_of, rows_of
from ._history import History, joined
from ._lessons import first_lessons
from ._market import WideMarket
from ._state import WideState, genesis
from ._step import Cleared, Offer, Pace, Seen, offered, settled

TOLERANCE = 1e-6
"""The largest violation that counts as an equilibrium; see `catallax.equilibrium`."""

KEPT = "Nothing was lost: the economy stands as after its last step."


class WideEconomy:
    """A wide market that runs, with books and stocks that add up, to the tick and the quantum.

    Args:
        market: The industry and its rules.

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

    def __init__(self, market: WideMarket) -> None:
        self.market = market
        self._rows, self._cast = rows_of(market), cast_of(market)
        self._bidders = bidders_of(market.industry)
        scales = np.zeros(len(market.industry.producers))
        scales[self._bidders.makers.curved] = np.nan
        with exact():
            lessons = first_lessons(self._bidders.makers, scales.size, market.experience.hope)
        self.state: WideState = genesis(market, self._cast, scales, lessons)
        self._journal: list[JournalEntry] = []
        self._histories: list[History] = []
        self._warm: Any = None

    @property
    def names(self) -> tuple[str, ...]:
        """Who holds goods, row by row; owners, then households, then producers."""
        return self._rows.names

    @property
    def step(self) -> int:
        """Steps since genesis."""
        return int(self.state.step)

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
        """One entry for every call of `run`, hash-chained."""
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
        """Compares all balances with what the journal says, from genesis on."""
        return audit(self._journal, self.balances)

    def run(self, steps: int) -> History:
        """Runs a number of steps.

        Args:
            steps: How many, 1 or more.

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

        In every case the economy stands as after the last step that was complete.
        """
        if not isinstance(steps, Integral) or isinstance(steps, bool) or steps < 1:
            raise InvalidSetting(
                f"steps={steps!r} was given to run.", "It counts steps.", "Give 1 or more."
            )
        first, rows = self.state, []
        try:
            for _ in range(steps):
                rows.append(self._once())
        finally:
            if rows:
                self._close_books(first, rows)
        return self._histories[-1]

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
        self.market, self._cast = market, cast_of(market)
        self._bidders = bidders_of(market.industry)
        scales = np.nan_to_num(np.asarray(self.state.scales))
        scales[self._bidders.makers.curved] = np.nan
        with exact():
            new = first_lessons(self._bidders.makers, scales.size, market.experience.hope)
            self.state = self.state._replace(
                scales=jax.numpy.asarray(scales), lessons=self.state.lessons.or_from(new)
            )

    def _once(self) -> dict[str, np.ndarray]:
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
                self._rows.owners,
                self.market.rights,
                self._cast,
                self._bidders.makers,
                self._bidders.wants,
                offer,
                Cleared(*map(jax.numpy.asarray, (found.prices, bundles))),
                self._pace,
            )
        seen: Any = jax.tree.map(np.asarray, told)
        self._check(state, seen)
        row = self._told(offer, seen, found, valuations, wealth)
        self.state = state
        return row

    @property
    def _pace(self) -> Pace:
        market, experience = self.market, self.market.experience
        habits = experience.memory, experience.hope
        return Pace(market.expectations.rate, market.inertia.memory, habits)

    def _cleared(self, supply: np.ndarray, means: np.ndarray) -> tuple[Equilibrium, Any, Any]:
        market, state = self.market, self.state
        with exact():
            lessons = state.lessons.per_level
        parts = state.scales, state.brought, state.reached, state.alive, lessons
        outlook = Outlook(np.asarray(state.forecasts), supply, *map(np.asarray, parts))
        valuations = valuations_of(self._bidders, outlook, market)
        wealth = None
        if market.money == "cap":
            own = means[self._rows.owners + self._bidders.order] / TICKS_PER_CREDIT
            # What is held back is not bought with anybody's money.
            trust = 2 * float(supply @ outlook.forecasts)
            wealth = np.append(own, [trust] * (valuations.agents - own.size))
        found = equilibrium(
            valuations, supply, wealth, money=market.money, tol=TOLERANCE, start=self._warm
        )
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
        certificate = certify(valuations, supply, wealth, prices, bundles, money=self.market.money)
        producers, costs = self._rows.producer_rows, seen.costs
        numerator, denominator = self.market.discount.as_integer_ratio()
        gained = deal.earned * numerator // denominator - deal.spent
        moved = seen.moved
        return {
            "prices": prices,
            "forecasts": np.asarray(self.state.forecasts),
            "supply": supply,
            "sold": deal.sold.sum(axis=0) * units,
            "levels": seen.levels,
            "worths": seen.worths[self._rows.household_rows],
            "costs": costs,
            "profits": gained[producers] / TICKS_PER_CREDIT - costs,
            "violation": np.asarray(certificate.violation),
            "quanta": np.stack([moved.inflow, moved.produced, moved.consumed]),
        }

    def _check(self, state: WideState, seen: Any) -> None:
        faults = int(state.ledger.faults)
        if not faults:
            return
        step = self.step
        if faults & Fault.BAD_STOCK:
            producer, good = map(int, np.argwhere(seen.bad)[0])
            amount = float(seen.made[producer, good])
            raise BadProduction(
                f"{self.market.industry.producers[producer].name} made {amount} of "
                f"{self.market.industry.goods[good]} in step {step}.",
                "A stock is a finite number, 0 or more, of at most 2**40 quanta.",
                f"Check its technique with techniques.probe_technique. {KEPT}",
            )
        if faults & Fault.BAD_REWARD:
            raise BadReward(
                f"A worth or a cost was not finite, or beyond a million credits, in step {step}.",
                "It cannot be booked.",
                f"Check wants and costs, or count in larger units. {KEPT}",
            )
        if faults & Fault.BAD_PRICE:
            raise BadPrice(
                f"A price was beyond a million credits in step {step}.",
                "It cannot be paid.",
                f"Give goods a smaller measure, so that 1 of them is worth less. {KEPT}",
            )
        raise LedgerError(
            f"A check of the books failed in step {step}: {', '.join(faults_named(faults))}.",
            "Money and goods must move only by the market's rules.",
            f"This is a bug of the library, please report it. {KEPT}",
        )

    def _close_books(self, first: WideState, rows: list[dict[str, np.ndarray]]) -> None:
        self._histories.append(History(**{k: np.stack([r[k] for r in rows]) for k in rows[0]}))
        ledger = self.state.ledger
        entry = make_entry(
            self._journal[-1].digest if self._journal else GENESIS,
            len(self._journal),
            int(first.step),
            self.step,
            int(ledger.transfers),
            _account_names(self._rows.names),
            np.asarray(ledger.flows),
        )
        self._journal.append(entry)
        with exact():
            emptied = jax.numpy.zeros_like(ledger.flows)
        self.state = self.state._replace(ledger=ledger._replace(flows=emptied))


def _account_names(holders: tuple[str, ...]) -> list[str]:
    return [*(account.name.lower() for account in Account), *holders[1:]]


_offered = compiled(offered, static_argnums=(2,))


def _by_others(
    others: Any,
    first: int,
    rights: Any,
    cast: Any,
    makers: Any,
    wants: Any,
    offer: Offer,
    cleared: Cleared,
    pace: Pace,
) -> tuple[WideState, Seen]:
    return settled(cast, makers, others, wants, first, offer, cleared, pace, rights)


_settled = compiled(_by_others, static_argnums=(0, 1, 2))

"""An industry as a world in which one mind decides everything that a market would decide."""

from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from gymnasium import spaces
from jaxtyping import Array, Float

from catallax._errors import InvalidSetting
from catallax.industries import Industry
from catallax.worlds._checks import require_time_limit

from ._levers import Lever, Tables, tables_of

EPISODE = 400
"""Steps of an episode, where nothing else is said."""


class Outcome(NamedTuple):
    """What came of a decision.

    Attributes:
        granted: float `[k]`, what every lever did, in units of its own: levels, and amounts.
        used: float `[m]`, what was taken of every good; the rest is gone.
        made: float `[m]`, what the next step begins with, besides the inflow.
        value: float scalar, credits: what households got, less what techniques cost.

    Example:
        >>> import catallax as cx
        >>> world = cx.gym.IndustryWorld(cx.industries.supply_chain(0))
        >>> stocks = world.initial(jax.random.key(0))
        >>> float(world.carry_out(stocks, jnp.zeros(world.action_space.shape)).value)
        0.0
    """

    granted: Float[Array, "k"]
    used: Float[Array, "m"]
    made: Float[Array, "m"]
    value: Float[Array, ""]


@dataclass(frozen=True)
class IndustryWorld:
    """An industry under a central planner, who sees all stocks and decides all levels and rations.

    A step is that of the market: what came in and what was made in the last step is divided, and
    what nobody takes is gone. An action has a number in [0, 1] for every lever: the wish is
    `wish = action · min(most, min_g stock_g / takes_g)`, a share of what would be possible if
    nobody else took anything. Where wishes for a good exceed its stock, it is rationed: all who
    want it get the same share of their wish, `stock_g / Σ wishes_g`, and whoever needs several
    goods gets the least of its shares of all of them. A plan that is feasible is carried out as it
    is; no good is ever overspent.

    Observation: float32 `[m]`, stocks. Action: float32 `[k]`, see `levers`. Reward: credits, as
    `History.values` counts them. It begins with one inflow, and never terminates.

    Args:
        industry: Any.
        time_limit: Steps until the driver truncates.

    Raises:
        InvalidSetting: If the time limit is not a positive integer or None.

    Example:
        >>> import catallax as cx
        >>> world = IndustryWorld(cx.industries.supply_chain(0))
        >>> stocks = world.initial(jax.random.key(0))
        >>> plan = jnp.full(world.action_space.shape, 0.5)
        >>> for _ in range(4):
        ...     stocks, reward, _ = world.step(stocks, plan, jax.random.key(0))
        >>> bool(reward > 0)
        True

    Source: paper Definition 2.2; the step is that of Algorithm 2 without prices.
    """

    industry: Industry
    time_limit: int | None = EPISODE

    def __post_init__(self) -> None:
        """Checks the settings."""
        require_time_limit("IndustryWorld", self.time_limit)

    @property
    def levers(self) -> tuple[Lever, ...]:
        """What an action decides, number by number: levels, inputs of curves, rations."""
        return self._tables.levers

    @property
    def observation_space(self) -> spaces.Box:
        """Stocks of the m goods."""
        return spaces.Box(0.0, np.inf, (len(self.industry.goods),), np.float32)

    @property
    def action_space(self) -> spaces.Box:
        """A share for every lever."""
        return spaces.Box(0.0, 1.0, (len(self.levers),), np.float32)

    def initial(self, key: jax.Array) -> jax.Array:
        """Returns the stocks of the first step, float32 `[m]`: what comes in."""
        return jnp.asarray(self._tables.inflow, jnp.float32)

    def observe(self, state: jax.Array) -> jax.Array:
        """Returns the stocks."""
        return state

    def step(
        self, state: jax.Array, action: jax.Array, key: jax.Array
    ) -> tuple[jax.Array, jax.Array, jax.Array]:
        """Returns the stocks of the next step, float32 `[m]`, the value of this one, and False."""
        outcome = self.carry_out(state, action)
        return self.after(outcome), outcome.value, jnp.zeros((), bool)

    def after(self, outcome: Outcome) -> jax.Array:
        """Returns the stocks of the step after an outcome, float `[m]`."""
        return jnp.asarray(self._tables.inflow, outcome.made.dtype) + outcome.made

    def carry_out(self, stocks: jax.Array, action: jax.Array) -> Outcome:
        """Carries out a decision, with what it takes, makes and is worth.

        Args:
            stocks: float `[m]`.
            action: float `[k]`, cut to [0, 1].

        Returns:
            The `Outcome`, in the precision of the stocks.
        """
        tables = _cast(self._tables, stocks.dtype)
        wishes = jnp.clip(action, 0.0, 1.0).astype(stocks.dtype) * _possible(tables, stocks)
        granted = _rationed(tables, stocks, wishes)
        made, cost = granted @ tables.makes, granted @ tables.costs
        for curve in tables.curves:
            bundle = granted[curve.levers]
            made = made.at[curve.makes].add(curve.technique.produce(bundle))
            cost = cost + curve.technique.cost(bundle)
        return Outcome(granted, granted @ tables.takes, made, _worth(tables, granted) - cost)

    def action_for(self, stocks: jax.Array, wishes: Any) -> jax.Array:
        """Returns the action that asks for levels and amounts.

        Args:
            stocks: float `[m]`.
            wishes: `[k]`, in the order of `levers`: levels, and amounts of goods.

        Returns:
            float `[k]` in [0, 1]; what is beyond all stocks becomes 1.

        Raises:
            InvalidSetting: If there is not one wish for every lever.

        Example:
            >>> import catallax as cx
            >>> world = IndustryWorld(cx.industries.supply_chain(0))
            >>> stocks = world.initial(jax.random.key(0))
            >>> wishes = jnp.zeros(len(world.levers)).at[0].set(1.0)
            >>> outcome = world.carry_out(stocks, world.action_for(stocks, wishes))
            >>> outcome.granted[:2].round(4).tolist()
            [1.0, 0.0]
        """
        if np.shape(wishes) != (len(self.levers),):
            raise InvalidSetting(
                f"Wishes of shape {np.shape(wishes)} were given.",
                f"There are {len(self.levers)} levers.",
                "Give one number for each, in the order of levers.",
            )
        possible = _possible(_cast(self._tables, stocks.dtype), stocks)
        shares = jnp.asarray(wishes, stocks.dtype) / jnp.where(possible > 0, possible, 1.0)
        return jnp.clip(shares, 0.0, 1.0)

    @property
    def _tables(self) -> Tables:
        return tables_of(self.industry)


def _cast(tables: Tables, dtype: Any) -> Any:
    """Returns the tables with their numbers in a precision."""
    floats = {
        name: jnp.asarray(table, dtype)
        for name, table in tables._asdict().items()
        if isinstance(table, np.ndarray)
    }
    return tables._replace(**floats)


def _possible(tables: Any, stocks: jax.Array) -> jax.Array:
    """Returns what every lever could do if nobody else took anything, `[k]`."""
    needed = tables.takes > 0
    enough = jnp.where(needed, stocks / jnp.where(needed, tables.takes, 1.0), jnp.inf)
    return jnp.minimum(jnp.min(enough, axis=1), tables.most)


def _rationed(tables: Any, stocks: jax.Array, wishes: jax.Array) -> jax.Array:
    """Returns wishes, cut by the least share that is there for all of any good they need."""
    wanted = wishes @ tables.takes
    share = jnp.where(wanted > stocks, stocks / jnp.where(wanted > 0, wanted, 1.0), 1.0)
    return wishes * jnp.min(jnp.where(tables.takes > 0, share, 1.0), axis=1)


def _worth(tables: Any, granted: jax.Array) -> jax.Array:
    """Returns what households get is worth to them, the dearest wants first."""
    had = jnp.clip(granted[:, None] - tables.begins, 0.0, tables.widths)
    return jnp.sum(tables.slopes * had)

"""Watched play: greedy episodes of a frozen market, with the price of every sale."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from catallax._auctions import NO_BID
from catallax._evaluate import decide
from catallax._host import outside_offers
from catallax._market import Setting
from catallax._quotes import Offers, merged, quote, valuations_of
from catallax._rules import Stop
from catallax._state import EconomyState
from catallax._types import NOBODY, TICKS_PER_CREDIT, exact
from catallax.worlds._protocol import HostWorld

STEPS_WATCHED = 500
FIRST_SEED = 30_000


@dataclass(frozen=True)
class Watched:
    """Sales seen in greedy play, one row a sale, and how the episodes went.

    Attributes:
        buyer: int `[n]`, the slot that bought; `NOBODY` for the original owner at truncation.
        seller: int `[n]`, the slot that sold; `NOBODY` for the original owner.
        price: float `[n]`, credits.
        realised: float `[n]`, credits: reward plus γ times the next price; NaN where the
            watching stopped before it was known, and where the original owner bought.
        returns: float `[episodes]`, of the episodes that were seen to their end.
        lengths: int `[episodes]`, their steps.
        stopped: How many episodes were not.
    """

    buyer: np.ndarray
    seller: np.ndarray
    price: np.ndarray
    realised: np.ndarray
    returns: np.ndarray
    lengths: np.ndarray
    stopped: int


@dataclass
class _Tape:
    """What is written down while watching; one list entry a step, arrays over worlds."""

    winner: list[np.ndarray]
    price: list[np.ndarray]
    reward: list[np.ndarray]
    going: list[np.ndarray]
    closing: list[np.ndarray]
    ended: np.ndarray


@lru_cache(maxsize=16)
def _price_program(setting: Setting) -> Any:
    """Returns the compiled auction `(state, observation, outside) -> winner, price`; caps apply."""

    def priced(
        state: EconomyState, observation: Array, outside: Offers | None
    ) -> tuple[Array, Array]:
        _, offers = quote(setting, state, observation)
        if outside is not None:
            offers = merged(setting, offers, outside)
        valuations, enters, _ = valuations_of(setting, state, offers)
        means = jnp.maximum(state.ledger.balances[setting.first_agent :], 0) - setting.bond_ticks
        bids = jnp.where(enters, jnp.minimum(valuations, means[:, None]), NO_BID)
        luck = jnp.zeros(observation.shape[0], jnp.float32)
        cleared = setting.market.auction.clear(bids, enters, luck)
        return cleared.winner, cleared.price

    return jax.jit(priced)


def prices(
    setting: Setting, state: EconomyState, observation: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Returns who wins each world and at what price, in credits, without exploration.

    Args:
        setting: The market in its world.
        state: A frozen economy.
        observation: `[n]` or `[n, D]`.

    Returns:
        int32 `[n]` slots (`NOBODY` where nobody wins) and float64 `[n]` credits.
    """
    with exact():
        outside = outside_offers(setting, state, observation)
        winner, price = _price_program(setting)(state, observation, outside)
        return np.asarray(winner), np.asarray(price) / TICKS_PER_CREDIT


def watch_sales(setting: Setting, state: EconomyState, worlds: HostWorld) -> Watched:
    """Plays one greedy episode a world, at most 500 steps, and notes every sale.

    Args:
        setting: The market in its world.
        state: A frozen economy.
        worlds: Where.

    Returns:
        What was `Watched`.
    """
    tape = _play(setting, state, worlds)
    winner, price, reward, going, closing = (
        np.stack(column)
        for column in (tape.winner, tape.price, tape.reward, tape.going, tape.closing)
    )
    sold = going & (winner != NOBODY)
    owner = _owners(winner, sold)
    buys = sold | closing
    realised = _realised(price, reward, sold, closing, tape.ended, float(setting.market.gamma))
    return Watched(
        buyer=np.where(closing, NOBODY, winner)[buys],
        seller=owner[buys],
        price=price[buys],
        realised=np.where(closing, np.nan, realised)[buys],
        returns=(reward * going).sum(axis=0)[tape.ended],
        lengths=going.sum(axis=0)[tape.ended],
        stopped=int((~tape.ended).sum()),
    )


def _play(setting: Setting, state: EconomyState, worlds: HostWorld) -> _Tape:
    observation = worlds.reset(list(range(FIRST_SEED, FIRST_SEED + worlds.count)))
    going, closing = np.ones(worlds.count, bool), np.zeros(worlds.count, bool)
    tape = _Tape([], [], [], [], [], np.zeros(worlds.count, bool))
    stops = isinstance(setting.market.nobody, Stop)
    for step in range(STEPS_WATCHED + 1):
        winner, price = prices(setting, state, observation)
        if stops:
            tape.ended = tape.ended | (going & (winner == NOBODY))
            going = going & (winner != NOBODY)
        moving = going & (step < STEPS_WATCHED)
        action, _ = decide(setting, state, observation)
        following, reward, terminated, truncated = worlds.step(action, moving)
        _note(tape, winner, price, np.where(moving, reward, 0.0), moving, closing)
        tape.ended = tape.ended | (moving & (terminated | truncated))
        closing = moving & truncated & ~terminated
        going, observation = moving & ~terminated & ~truncated, following
        if not (going | closing).any():
            break
    return tape


def _note(
    tape: _Tape,
    winner: np.ndarray,
    price: np.ndarray,
    reward: np.ndarray,
    going: np.ndarray,
    closing: np.ndarray,
) -> None:
    tape.winner.append(winner)
    tape.price.append(price)
    tape.reward.append(reward)
    tape.going.append(going)
    tape.closing.append(closing & (winner != NOBODY))


def _owners(winner: np.ndarray, sold: np.ndarray) -> np.ndarray:
    """Returns who owned each world before each step: the last buyer, or the original owner."""
    owner = np.full(winner.shape, NOBODY, winner.dtype)
    for step in range(1, winner.shape[0]):
        owner[step] = np.where(sold[step - 1], winner[step - 1], owner[step - 1])
    return owner


def _realised(
    price: np.ndarray,
    reward: np.ndarray,
    sold: np.ndarray,
    closing: np.ndarray,
    ended: np.ndarray,
    gamma: float,
) -> np.ndarray:
    """Returns what each purchase brought: the rewards until the next sale, and that sale."""
    steps, worlds = price.shape
    revenue, following = np.empty((steps, worlds)), np.where(ended, 0.0, np.nan)
    for step in range(steps - 1, -1, -1):
        revenue[step] = reward[step] + following
        here = sold[step] | closing[step]
        following = np.where(here, gamma * price[step], revenue[step])
    return revenue

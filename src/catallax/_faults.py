"""From the faults that the compiled step found to errors for people."""

from typing import NoReturn

import jax
import numpy as np

from catallax._errors import BadBid, BadObservation, BadReward, CatallaxError, LedgerError
from catallax._ledger import Fault, faults_named
from catallax._market import Setting
from catallax._state import EconomyState

KEPT = "Nothing was lost: the economy stands as after its last completed segment."


def raise_faults(setting: Setting, after: EconomyState) -> None:
    """Raises the error of the gravest fault, if there is any.

    Args:
        setting: The market in its world.
        after: The faulty state, for what it tells; it is then dropped.

    Raises:
        BadObservation: If a world showed NaN or infinity.
        BadBid: If an agent bid NaN, infinity or more than the ledger can hold.
        BadReward: If a world or a consumer paid NaN, infinity or too much.
        LedgerError: If a payment broke a rule or the books do not balance.
    """
    faults = int(after.ledger.faults)
    if not faults:
        return
    tick = int(after.tick)
    if faults & Fault.BAD_OBSERVATION:
        _raise(
            BadObservation,
            f"A world showed an observation that is not finite, by tick {tick}.",
            "Agents cannot value what they cannot see.",
            "Check the world's observe or step.",
        )
    if faults & Fault.BAD_BID:
        _raise(
            BadBid,
            f"{_suspects(setting, after)} made a bid that is not finite or is beyond a million "
            f"credits, by tick {tick}.",
            "A bid is money, and money has no NaN.",
            "Lower the learning rate, set clip_norm, or check the species' bid.",
        )
    if faults & Fault.BAD_REWARD:
        _raise(
            BadReward,
            f"A reward was not finite or beyond a million credits, by tick {tick}.",
            "It cannot be booked.",
            "Check the world's step or the consumer's wants, or rescale the rewards.",
        )
    _raise(
        LedgerError,
        f"A check of the books failed by tick {tick}: {', '.join(faults_named(faults))}.",
        "Money must move only by the market's rules.",
        "If you wrote an auction, exploration or entry rule, run catallax.checks on it; "
        "otherwise this is a bug of the library, please report it.",
    )


def _raise(error: type[CatallaxError], what: str, why: str, remedy: str) -> NoReturn:
    raise error(what, why, f"{remedy} {KEPT}")


def _suspects(setting: Setting, state: EconomyState) -> str:
    """Names the agents whose genes are not finite, else says that somebody did it."""
    ids = np.asarray(state.population.ids)
    named = []
    for offset, size, group in zip(setting.offsets, setting.sizes, state.groups, strict=True):
        bad = np.zeros(size, bool)
        for leaf in jax.tree.leaves(group.genes.learned):
            bad |= ~np.isfinite(np.asarray(leaf)).reshape(size, -1).all(axis=1)
        named += [f"agent/{id_}" for id_ in ids[offset : offset + size][bad]]
    return ", ".join(named[:5]) or "An agent"

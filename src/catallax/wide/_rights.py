"""What a wide market asks of property rights, and of those who act on what they do not see."""

from functools import partial
from typing import Any

import jax
import numpy as np

from catallax._errors import InvalidSetting
from catallax._property import Identity, PropertyRights, ProRata
from catallax.industries import Industry
from catallax.industries._seen import require_told_apart
from catallax.techniques import GradedActivity, LinearActivity, Storage

FIXED = (LinearActivity, Storage, GradedActivity)


def usual_rights(industry: Industry) -> PropertyRights:
    """Returns a share of each of the goods that look alike, which is everything if none do."""
    if industry.alike:
        return ProRata(industry.good_of)
    return Identity(len(industry.goods))


def require_rights(rights: PropertyRights, industry: Industry) -> PropertyRights:
    """Returns rights; raises InvalidSetting unless they are over the goods as they are seen."""
    if not isinstance(rights, PropertyRights):
        raise InvalidSetting(
            f"WideMarket was given rights={rights!r}.",
            "It is a rule for whose the parts of a state are that nobody sees whole.",
            "Give a ProRata, or leave rights out.",
        )
    goods = len(industry.goods)
    if rights.components != goods or not _observe_alike(rights, industry):
        raise InvalidSetting(
            f"WideMarket was given {rights!r}.",
            f"The {goods} goods of the industry are seen as {industry.looks}: of each the number "
            f"is {industry.good_of}.",
            "Let alike of the industry say what is seen, and give rights over that.",
        )
    if rights.begin(jax.device_put(np.zeros((1, goods)))) is not None:
        raise InvalidSetting(
            f"WideMarket was given {rights!r}, which remembers who acquired what when.",
            "Goods come from pools here: the wide market keeps no titles.",
            "Give ProRata.",
        )
    return rights


def require_seen(industry: Industry) -> None:
    """Raises InvalidSetting if somebody would have what it cannot tell from something else."""
    require_told_apart(industry)
    curved = [one for one in industry.producers if not isinstance(one.technique, FIXED)]
    if industry.alike and curved:
        raise InvalidSetting(
            f"{curved[0].name} has a {type(curved[0].technique).__name__}.",
            "Where goods look alike, producers bid by what a level made so far.",
            "Approximate it by several LinearActivity or GradedActivity.",
        )


def _observe_alike(rights: PropertyRights, industry: Industry) -> bool:
    expected = np.eye(len(industry.looks))[list(industry.good_of)]
    found = np.asarray(_observed(rights, np.eye(len(industry.goods))))
    return found.shape == expected.shape and bool((found == expected).all())


@partial(jax.jit, static_argnames="rights")
def _observed(rights: PropertyRights, states: Any) -> Any:
    return rights.observe(states)

"""The ids under which Gymnasium finds industries, once `catallax.gym` was imported."""

from typing import Any

import gymnasium

from catallax.industries import Industry, commodity_flow, industry_of, supply_chain, workshops

from ._env import IndustryEnv
from ._world import EPISODE


def supply_chain_env(seed_of_industry: int = 0, **kwargs: Any) -> IndustryEnv:
    """Makes `supply_chain` of a seed an environment; what else is given goes to it."""
    return IndustryEnv(supply_chain(seed_of_industry, **kwargs))


def commodity_flow_env(seed_of_industry: int = 0, **kwargs: Any) -> IndustryEnv:
    """Makes `commodity_flow` of a seed an environment; what else is given goes to it."""
    return IndustryEnv(commodity_flow(seed_of_industry, **kwargs))


def workshops_env(seed_of_industry: int = 0, **kwargs: Any) -> IndustryEnv:
    """Makes `workshops` of a seed an environment; what else is given goes to `industry_of`."""
    return IndustryEnv(industry_of(workshops(seed_of_industry), **kwargs))


def industry_env(industry: Industry) -> IndustryEnv:
    """Makes any industry an environment."""
    return IndustryEnv(industry)


def _registered() -> tuple[str, ...]:
    """Registers all of them, and returns their ids."""
    makers = {
        "catallax/SupplyChain-v0": supply_chain_env,
        "catallax/CommodityFlow-v0": commodity_flow_env,
        "catallax/Workshops-v0": workshops_env,
        "catallax/Industry-v0": industry_env,
    }
    for name, make in makers.items():
        gymnasium.register(name, entry_point=make, max_episode_steps=EPISODE)
    return tuple(makers)


REGISTERED = _registered()
"""The ids of industries, all of which take `seed_of_industry`, or for the last `industry` itself.

Gymnasium imports a module that stands before a colon, so that one line is enough.

Example:
    >>> import gymnasium
    >>> name = "catallax.gym:catallax/SupplyChain-v0"
    >>> gymnasium.make(name, seed_of_industry=3).action_space.shape
    (17,)
"""

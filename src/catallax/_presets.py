"""Presets: a sensible market for each kind of world. Plain numbers, the same for every seed."""

from collections.abc import Callable
from dataclasses import dataclass

from gymnasium.spaces import Box, Discrete

from catallax._exploration import EpsilonGreedy
from catallax._learning import Learning
from catallax._market import DeepMarket
from catallax.agents._encoders import Fourier, Raw, Tiles
from catallax.agents._linear import Linear, Tabular
from catallax.agents._neural import Neural
from catallax.agents._protocol import Spaces
from catallax.worlds._acrobot import Acrobot
from catallax.worlds._cartpole import CartPole
from catallax.worlds._grids import CliffWalking, FrozenLake
from catallax.worlds._mountain_car import MountainCar


@dataclass(frozen=True)
class Preset:
    """A market, and how long and how widely to train it.

    Args:
        market: The rules.
        worlds: How many worlds run side by side.
        steps: A budget that suffices.

    Example:
        >>> import catallax as cx
        >>> cx.preset("CartPole-v1").worlds
        16
    """

    market: DeepMarket
    worlds: int
    steps: int


def generic(rate: float = 0.3, horizon: int = 16, steps: int = 100_000) -> Preset:
    """A bidder an action, linear in random Fourier features of standardised observations.

    Args:
        rate: The first step size.
        horizon: Ticks between two updates.
        steps: The budget.

    Returns:
        The preset for vectors of numbers and listed actions.
    """
    return Preset(
        DeepMarket(
            agents=[Linear(encoder=Fourier(384, bandwidth=1.4, normalise=True))],
            exploration=EpsilonGreedy(0.1, 0.01, until=0.5),
            learning=Learning(
                horizon=horizon, trace=0.8, rate=rate, epochs=4, minibatches=8, average=0.9
            ),
        ),
        worlds=16,
        steps=steps,
    )


def cartpole() -> Preset:
    """The generic market."""
    return generic()


def acrobot() -> Preset:
    """The generic market with a longer look at each chunk, and more steps."""
    return generic(rate=0.5, horizon=32, steps=300_000)


def mountain_car() -> Preset:
    """A bidder an action on tile coding; bids of 0 are optimistic where every step costs 1."""
    return Preset(
        DeepMarket(
            agents=[Linear(encoder=Tiles(tilings=8, bins=8))],
            exploration=EpsilonGreedy(0.05, 0.0),
            learning=Learning(horizon=32, trace=0.8, rate=0.2, epochs=4, minibatches=8),
        ),
        worlds=16,
        steps=300_000,
    )


def frozen_lake() -> Preset:
    """A table an action; first bids of a half make the unknown worth a try."""
    return Preset(
        DeepMarket(
            agents=[Tabular(initial=0.5)],
            exploration=EpsilonGreedy(0.1, 0.01, until=0.5),
            learning=Learning(horizon=32, trace=0.0, rate=0.05, epochs=4, minibatches=8),
        ),
        worlds=32,
        steps=300_000,
    )


def cliff_walking() -> Preset:
    """A table an action and no trace: λ > 0 would learn to fear the explorers' falls."""
    return Preset(
        DeepMarket(
            agents=[Tabular()],
            exploration=EpsilonGreedy(0.1, 0.01, until=0.5),
            learning=Learning(horizon=32, trace=0.0, rate=0.2, epochs=4, minibatches=8),
            reward_max=100.0,
        ),
        worlds=16,
        steps=100_000,
    )


PRESETS: dict[type, Callable[[], Preset]] = {
    CartPole: cartpole,
    MountainCar: mountain_car,
    Acrobot: acrobot,
    FrozenLake: frozen_lake,
    CliffWalking: cliff_walking,
}


def default_preset(spaces: Spaces) -> Preset:
    """Returns a market for a world that no preset was made for.

    Args:
        spaces: Of the world.

    Returns:
        Tables for Discrete observations, the generic market for others; networks that learn
        their action where actions are a Box.
    """
    if isinstance(spaces.action, Box):
        agents = [Neural(policy=True, count=4, encoder=Raw(normalise=True))]
        learning = Learning(horizon=64, rate=1e-3, epochs=4, minibatches=8, trace=0.9)
    elif isinstance(spaces.observation, Discrete):
        agents = [Tabular()]
        learning = Learning(horizon=32, trace=0.0, rate=0.1, epochs=4, minibatches=8)
    else:
        return generic(steps=500_000)
    exploration = EpsilonGreedy(0.5, 0.02, until=0.5)
    market = DeepMarket(agents=agents, learning=learning, exploration=exploration)
    return Preset(market, worlds=16, steps=500_000)

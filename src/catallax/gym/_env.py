"""An industry as an environment of Gymnasium."""

from typing import Any

import gymnasium
import jax
import numpy as np

from catallax._errors import InvalidSetting
from catallax._types import floats
from catallax._xla import compiled
from catallax.industries import Industry

from ._world import IndustryWorld


class IndustryEnv(gymnasium.Env[np.ndarray, np.ndarray]):
    """`IndustryWorld` as an environment of Gymnasium, for agents of other libraries.

    It never ends; `gymnasium.make` truncates it after so many steps as were registered. Nothing in
    it is random. `info` of a step has what was `granted`, float32 `[k]`: levels and amounts.

    Args:
        industry: Any.

    Example:
        >>> import catallax as cx
        >>> env = IndustryEnv(cx.industries.supply_chain(0))
        >>> stocks, _ = env.reset(seed=0)
        >>> _, reward, terminated, truncated, _ = env.step(env.action_space.sample())
        >>> reward >= 0.0, terminated, truncated
        (True, False, False)

    Source:
        Towers et al. (2024), Gymnasium: a standard interface for reinforcement learning
        environments, arXiv:2407.17032.
    """

    def __init__(self, industry: Industry) -> None:
        """Compiles nothing yet; the first step does."""
        self.world = IndustryWorld(industry)
        self.observation_space = self.world.observation_space
        self.action_space = self.world.action_space
        self._advance = compiled(self._once)
        self._stocks: Any = None

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[np.ndarray, dict[str, Any]]:
        """Begins with one inflow, and nothing made.

        Args:
            seed: Of `np_random`, which nothing here uses.
            options: None are known.

        Returns:
            Stocks, float32 `[m]`, and an empty dictionary.
        """
        super().reset(seed=seed)
        with floats():
            self._stocks = np.asarray(self.world.initial(jax.random.key(0)))
        return self._stocks.copy(), {}

    def step(self, action: np.ndarray) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        """Carries out a decision.

        Args:
            action: float `[k]` in [0, 1], see `IndustryWorld.levers`.

        Returns:
            Stocks of the next step, float32 `[m]`; the value of this one; False twice; and `info`.

        Raises:
            InvalidSetting: If it was not reset, or the action is not k finite numbers.
        """
        given = np.asarray(action, np.float32)
        self._require(given)
        with floats():
            stocks, outcome = self._advance(self._stocks, given)
            self._stocks = np.asarray(stocks)
        granted = np.asarray(outcome.granted)
        return self._stocks.copy(), float(outcome.value), False, False, {"granted": granted}

    def _once(self, stocks: jax.Array, action: jax.Array) -> Any:
        outcome = self.world.carry_out(stocks, action)
        return self.world.after(outcome), outcome

    def _require(self, action: np.ndarray) -> None:
        if self._stocks is None:
            raise InvalidSetting(
                "An industry was asked to step.", "Its episode has not begun.", "Reset it first."
            )
        if action.shape != self.action_space.shape or not np.isfinite(action).all():
            raise InvalidSetting(
                f"The action {action.tolist()} was given.",
                f"It is {self.action_space.shape} finite numbers, one for every lever.",
                "Give a member of action_space.",
            )

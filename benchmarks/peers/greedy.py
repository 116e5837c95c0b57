"""A hundred greedy episodes in Gymnasium's CartPole-v1, the same measure for every agent.

Needs Gymnasium and NumPy alone, which every environment here has.
"""

from collections.abc import Callable

import gymnasium
import numpy as np

EPISODES = 100


def greedy_return(decide: Callable[[np.ndarray], np.ndarray], seed: int) -> float:
    """Returns the mean return of `decide`, from observations `[100, 4]` to actions `[100]`."""
    worlds = [gymnasium.make("CartPole-v1") for _ in range(EPISODES)]
    first = 1_000_000 + 1_000 * seed
    seen = np.stack([world.reset(seed=first + i)[0] for i, world in enumerate(worlds)])
    returns, going = np.zeros(EPISODES), np.ones(EPISODES, bool)
    while going.any():
        actions = np.asarray(decide(seen))
        for i in np.flatnonzero(going):
            seen[i], reward, terminated, truncated, _ = worlds[i].step(int(actions[i]))
            returns[i] += float(reward)
            going[i] = not (terminated or truncated)
    return float(returns.mean())

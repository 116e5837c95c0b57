"""Stable-Baselines3's PPO as the central planner of an industry, and a planner who plays at random.

python run_sb3_wide.py TASK.pkl    # a task as benchmarks/wide_peers.py writes it

PPO has its defaults (MlpPolicy, 2048 steps to an update, 64 to a batch, 10 epochs) with the two
wrappers that its documentation advises for continuous control: actions are rescaled to [-1, 1], and
observations and rewards are normalised by running means. Where a budget is shorter than twice its
2048 steps, an update comes after an eighth of the budget, and a batch is that long, at most 64. One
Torch thread. Prints one line of JSON.
"""

import argparse
import io
import json
import pickle
import time
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import torch
from gymnasium.wrappers import RescaleAction
from stable_baselines3 import PPO
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.vec_env import DummyVecEnv, VecNormalize

ID = "catallax.gym:catallax/Industry-v0"
EPISODE, LAST, GOAL = 400, 100, 0.95


class Told(BaseCallback):
    """Keeps the value of every step while learning."""

    def __init__(self) -> None:
        super().__init__()
        self.values: list[float] = []

    def _on_step(self) -> bool:
        self.values.append(float(self.training_env.get_original_reward()[0]))
        return True


def main() -> None:
    """Does the parts of a task: chance, budgets one by one, and shocks."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("task", type=Path)
    torch.set_num_threads(1)
    task = pickle.loads(parser.parse_args().task.read_bytes())
    began, seed = time.perf_counter(), task["seed"]
    industry, best = task["before"]
    found: dict[str, Any] = {"random": at_random(industry, seed) / best, "trained": {}}
    for budget in task["budgets"]:
        agent, told = trained(industry, seed, budget)
        found["trained"][budget] = shares(agent, told, best)
        if budget == task["shocked_at"]:
            kept = saved(agent)
            found["shocks"] = {
                name: recovered(kept, *changed, seed, task["after"])
                for name, changed in task["shocks"].items()
            }
    print(json.dumps({**found, "seconds": time.perf_counter() - began}))


def made(industry: Any) -> VecNormalize:
    """Returns an industry as PPO is given it."""

    def make() -> gymnasium.Env:
        least, most = np.float32(-1.0), np.float32(1.0)
        return RescaleAction(gymnasium.make(ID, industry=industry), least, most)

    return VecNormalize(DummyVecEnv([make]))


def trained(industry: Any, seed: int, budget: int) -> tuple[PPO, Told]:
    """Returns an agent trained for about a budget of steps."""
    brief = budget < 2 * 2048
    apart = {"n_steps": budget // 8, "batch_size": min(budget // 8, 64)} if brief else {}
    agent, told = PPO("MlpPolicy", made(industry), seed=seed, device="cpu", **apart), Told()
    agent.learn(budget, told)
    return agent, told


def shares(agent: PPO, told: Told, best: float) -> dict[str, float]:
    """Returns what it reaches while learning, and greedily afterwards, as shares of the best."""
    return {
        "steps": agent.num_timesteps,
        "learning": float(np.mean(told.values[-LAST:])) / best,
        "greedy": greedy(agent) / best,
    }


def greedy(agent: PPO) -> float:
    """Returns the mean value of the last 100 of 400 steps without exploration, from nothing."""
    normal = agent.get_vec_normalize_env()
    env = normal.venv.envs[0]
    seen, values = env.reset()[0], []
    for _ in range(EPISODE):
        action, _ = agent.predict(normal.normalize_obs(seen), deterministic=True)
        seen, value, *_ = env.step(action)
        values.append(value)
    return float(np.mean(values[-LAST:]))


def at_random(industry: Any, seed: int) -> float:
    """Returns the mean value of the last 100 of 400 steps of uniform actions."""
    env = gymnasium.make(ID, industry=industry)
    env.reset(seed=seed)
    env.action_space.seed(seed)
    values = [env.step(env.action_space.sample())[1] for _ in range(EPISODE)]
    return float(np.mean(values[-LAST:]))


def saved(agent: PPO) -> tuple[bytes, bytes]:
    """Returns an agent and its normalisation, to be loaded into another industry."""
    held = io.BytesIO()
    agent.save(held)
    normal = agent.get_vec_normalize_env()
    return held.getvalue(), pickle.dumps((normal.obs_rms, normal.ret_rms))


def recovered(
    kept: tuple[bytes, bytes], industry: Any, best: float, seed: int, steps: int
) -> dict[str, Any]:
    """Trains on after a shock, and returns after how many steps 95 % of the new best is reached.

    Whichever comes first counts: a mean of ten steps while learning, or, after any update, the
    greedy policy.
    """
    env = made(industry)
    env.obs_rms, env.ret_rms = pickle.loads(kept[1])
    agent, told = PPO.load(io.BytesIO(kept[0]), env, device="cpu", seed=seed), Told()
    at_once = greedy(agent) / best
    curve, reached = [(0, at_once)], 0 if at_once >= GOAL else None
    while reached is None and len(told.values) < steps:
        agent.learn(agent.n_steps, told, reset_num_timesteps=False)
        curve.append((len(told.values), greedy(agent) / best))
        means = np.convolve(told.values, np.ones(10) / 10, "valid") / best
        while_learning = np.flatnonzero(means >= GOAL)
        if while_learning.size:
            reached = int(while_learning[0])
        elif curve[-1][1] >= GOAL:
            reached = curve[-1][0]
    return {"steps": reached, "within": len(told.values), "curve": curve}


if __name__ == "__main__":
    main()

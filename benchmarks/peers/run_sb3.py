"""Stable-Baselines3's PPO on CartPole-v1 with the settings of RL Baselines3 Zoo.

Prints one line of JSON; the clock starts after the imports. `--threads 0` leaves Torch's default.
"""

import argparse
import json
import time

import torch
from greedy import greedy_return
from stable_baselines3 import PPO
from stable_baselines3.common.env_util import make_vec_env

STEPS = 100_000


def linear(first: float):
    """Returns the Zoo's `lin_` schedule: from `first` to 0 over the training."""
    return lambda left: left * first


def main() -> None:
    """Trains one agent, and says how long it took and how well it plays."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=0)
    given = parser.parse_args()
    if given.threads:
        torch.set_num_threads(given.threads)
    start = time.perf_counter()
    agent = PPO(
        "MlpPolicy",
        make_vec_env("CartPole-v1", n_envs=8, seed=given.seed),
        n_steps=32,
        batch_size=256,
        n_epochs=20,
        gamma=0.98,
        gae_lambda=0.8,
        ent_coef=0.0,
        learning_rate=linear(0.001),
        clip_range=linear(0.2),
        seed=given.seed,
        device="cpu",
    )
    agent.learn(STEPS)
    seconds = time.perf_counter() - start
    score = greedy_return(lambda seen: agent.predict(seen, deterministic=True)[0], given.seed)
    print(json.dumps({"seconds": seconds, "steps": agent.num_timesteps, "greedy": score}))


if __name__ == "__main__":
    main()

"""Rejax's PPO on CartPole-v1 with the settings that it ships, without its own evaluations.

Prints one line of JSON; the clock starts after the imports. With `--speed` the same program runs
twice and only the second run is timed: steps a second, learning included, compilation not.
"""

import argparse
import json
import time

import jax
import jax.numpy as jnp
import numpy as np
from greedy import greedy_return
from rejax import PPO

SETTINGS = {
    "env": "CartPole-v1",
    "agent_kwargs": {"activation": "tanh"},
    "num_envs": 5,
    "num_steps": 100,
    "num_epochs": 5,
    "num_minibatches": 5,
    "learning_rate": 0.00075,
    "max_grad_norm": 0.5,
    "gamma": 0.99,
    "gae_lambda": 0.95,
    "clip_eps": 0.2,
    "ent_coef": 0.01,
    "vf_coef": 0.5,
}


def main() -> None:
    """Trains one agent, and says how long it took and how well it plays."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--steps", type=int, default=100_000)
    parser.add_argument("--speed", action="store_true")
    parser.add_argument("--settings", type=json.loads, default={})
    given = parser.parse_args()
    start = time.perf_counter()
    settings = {**SETTINGS, **given.settings}
    batch = settings["num_envs"] * settings["num_steps"]
    steps = given.steps // batch * batch
    quiet = {"total_timesteps": steps, "eval_freq": steps, "skip_initial_evaluation": True}
    algorithm = PPO.create(**settings, **quiet)
    algorithm = algorithm.replace(eval_callback=lambda algorithm, state, key: ())
    train = jax.jit(algorithm.train)
    state, _ = jax.block_until_ready(train(jax.random.key(given.seed)))
    seconds = time.perf_counter() - start
    if given.speed:
        start = time.perf_counter()
        state, _ = jax.block_until_ready(train(jax.random.key(given.seed + 1)))
        seconds = time.perf_counter() - start

    @jax.jit
    def decide(seen: jax.Array) -> jax.Array:
        method = algorithm.actor._action_dist
        return algorithm.actor.apply(state.actor_ts.params, seen, method=method).mode()

    score = greedy_return(lambda seen: np.asarray(decide(jnp.asarray(seen))), given.seed)
    print(json.dumps({"seconds": seconds, "steps": int(state.global_step), "greedy": score}))


if __name__ == "__main__":
    main()

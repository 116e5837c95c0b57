"""The environment of Gymnasium: its checker's verdict, the world's own numbers, and refusals."""

import gymnasium
import jax
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

from catallax._errors import InvalidSetting
from catallax.gym import IndustryEnv, IndustryWorld
from catallax.industries import supply_chain
from catallax.worlds import GymnasiumWorlds
from test_gym_levers import BAKERY


# Stocks have no highest number: what a technique without a capacity makes has none.
@pytest.mark.filterwarnings("ignore:.*maximum value is infinity.*:UserWarning")
@pytest.mark.parametrize("industry", [supply_chain(0), BAKERY], ids=["chain", "bakery"])
def test_the_checker_of_gymnasium_passes(industry):
    check_env(IndustryEnv(industry), skip_render_check=True)


def test_it_steps_as_the_world_does():
    env, world = IndustryEnv(BAKERY), IndustryWorld(BAKERY)
    key, draw = jax.random.key(0), np.random.default_rng(0)
    seen, info = env.reset(seed=3)
    stocks = world.initial(key)
    assert (seen.tolist(), info) == (stocks.tolist(), {})
    for _ in range(5):
        action = draw.uniform(0, 1, env.action_space.shape).astype(np.float32)
        outcome = world.carry_out(stocks, action)
        stocks, reward, _ = world.step(stocks, action, key)
        seen, value, terminated, truncated, info = env.step(action)
        np.testing.assert_allclose(seen, stocks, rtol=1e-6)
        np.testing.assert_allclose(info["granted"], outcome.granted, rtol=1e-6)
        assert value == pytest.approx(float(reward), rel=1e-6)
        assert (terminated, truncated) == (False, False)


def test_reset_begins_anew():
    env = IndustryEnv(BAKERY)
    first, _ = env.reset()
    env.step(np.ones(7))
    assert env.reset()[0].tolist() == first.tolist()


def test_what_it_showed_is_not_what_it_holds():
    env = IndustryEnv(BAKERY)
    seen, _ = env.reset()
    seen[:] = 0
    seen, _, _, _, info = env.step(np.ones(7))
    assert info["granted"].any()
    seen[:] = 0
    assert env.step(np.ones(7))[4]["granted"].any()


@pytest.mark.parametrize(
    "action", [np.ones(6), np.full(7, np.nan), np.full(7, np.inf)], ids=["short", "nan", "inf"]
)
def test_an_impossible_action_is_refused(action):
    env = IndustryEnv(BAKERY)
    env.reset()
    with pytest.raises(InvalidSetting, match="finite numbers"):
        env.step(action)


def test_a_step_before_the_first_reset_is_refused():
    with pytest.raises(InvalidSetting, match="has not begun"):
        IndustryEnv(BAKERY).step(np.ones(7))


def test_it_is_a_gymnasium_environment_of_the_library_too():
    worlds = GymnasiumWorlds(lambda: IndustryEnv(BAKERY), 2)
    assert isinstance(worlds._envs[0], gymnasium.Env)
    assert worlds.reset([1, 2]).shape == (2, 4)

import jax
import numpy as np

import catallax as cx
from catallax._drivers import driver_of
from catallax._state import draws_of, progress_of
from catallax._types import exact
from small_markets import MARKET


def small(worlds=3):
    return driver_of(MARKET, cx.worlds.Chain(), worlds, seed=0)


def test_draws_are_those_of_the_key():
    setting = small().setting
    with exact():
        first = draws_of(setting, jax.random.key(1), ticks=5)
        again = draws_of(setting, jax.random.key(1), ticks=5)
        other = draws_of(setting, jax.random.key(2), ticks=5)
    assert np.array_equal(first.luck.explore, again.luck.explore)
    assert not np.array_equal(first.luck.explore, other.luck.explore)
    assert first.luck.explore.shape == (5, 2, 3)
    assert first.action.shape == (5, 3, 1)
    assert first.world.shape == (5, 3, 2)


def test_no_two_draws_of_a_tick_are_the_same_numbers():
    with exact():
        draws = draws_of(small().setting, jax.random.key(1), ticks=50)
    columns = [draws.luck.ties, draws.luck.explore[:, 0], draws.luck.explore[:, 1]]
    columns.append(draws.action[:, :, 0])
    flat = np.stack([np.asarray(column).reshape(-1) for column in columns])
    assert np.abs(np.corrcoef(flat) - np.eye(4)).max() < 0.3


def test_progress_runs_from_0_to_1_over_a_plan():
    economy = small().first_state(0).economy
    with exact():
        plan = economy.plan._replace(start=economy.tick + 10, ticks=economy.tick + 40)
        seen = [
            float(progress_of(economy._replace(tick=economy.tick + tick, plan=plan)))
            for tick in (0, 10, 30, 50, 90)
        ]
    assert seen == [0.0, 0.0, 0.5, 1.0, 1.0]

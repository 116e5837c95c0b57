import jax
import jax.numpy as jnp
import numpy as np

import catallax as cx
from catallax._acting import actions_of
from catallax._drivers import driver_of
from catallax._quotes import quote
from catallax._state import draws_of
from catallax._types import exact


def actions(market, actors):
    """The actions in as many worlds as there are actors, each the slot that acts or -1."""
    driver = driver_of(market, cx.worlds.Bandit(), len(actors), seed=0)
    setting, state = driver.setting, driver.first_state(0).economy
    with exact():
        senses, offers = quote(setting, state, jnp.zeros(len(actors), jnp.int32))
        draws = draws_of(setting, jax.random.key(0), ticks=1)
        now = jax.tree.map(lambda column: column[0], draws)
        found = actions_of(setting, state, senses, offers, jnp.asarray(actors, jnp.int32), now)
    return np.asarray(found).tolist()


def test_each_world_gets_the_action_of_its_own_actor():
    market = cx.DeepMarket(agents=[cx.Tabular(), cx.Constant(action=2)])
    assert actions(market, [3, 0, 4, 1]) == [3, 0, 2, 1]


def test_without_an_actor_the_default_action_is_taken():
    market = cx.DeepMarket(agents=[cx.Tabular()], nobody=cx.DefaultAction(3))
    assert actions(market, [-1, 1]) == [3, 1]


def test_without_an_actor_a_random_action_is_drawn_from_all():
    market = cx.DeepMarket(agents=[cx.Tabular()], nobody=cx.RandomAction())
    assert set(actions(market, [-1] * 200)) == {0, 1, 2, 3}


def test_only_the_winner_of_a_policy_draws():
    market = cx.DeepMarket(agents=[cx.Neural(policy=True, count=2, encoder=cx.Raw())])
    assert set(actions(market, [0, 1, 0, 1] * 20)) <= {0, 1, 2, 3}

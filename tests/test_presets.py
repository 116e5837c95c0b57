import numpy as np
import pytest

import catallax as cx
from catallax._presets import PRESETS, generic


@pytest.mark.parametrize("make", PRESETS.values())
def test_presets_are_plain_values_that_fit_their_chunks(make):
    preset = make()
    learning = preset.market.learning
    assert (learning.horizon * preset.worlds) % learning.minibatches == 0
    assert preset == make()
    assert hash(preset) == hash(make())


def test_the_generic_market_serves_any_vector_of_numbers():
    economy = cx.train(generic(steps=600).market, "Acrobot-v1", steps=600, worlds=2)
    assert economy.audit().balanced
    assert np.isfinite(economy.metrics["profit_rms"]).all()


def test_cartpole_is_learned_within_its_budget():
    economy = cx.train("CartPole-v1", seed=1)
    assert economy.evaluate(20).mean >= 475
    assert economy.audit().drift_ticks == 0


def test_agents_that_learn_box_actions_have_a_preset():
    economy = cx.train("Pendulum-v1", steps=2_000, worlds=2)
    assert economy.audit().balanced
    assert economy.predict(np.zeros((3, 3), np.float32)).shape == (3, 1)

"""The network, against its formula in NumPy."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from catallax.agents._mlp import forward, mlp, standardised


def by_hand(layers, senses, layer_norm):
    signal = np.asarray(senses, np.float64)
    for depth, layer in enumerate(layers):
        signal = signal @ np.asarray(layer["weights"], np.float64) + np.asarray(layer["bias"])
        if depth == len(layers) - 1:
            return signal
        if layer_norm:
            signal = (signal - signal.mean()) / np.sqrt(signal.var() + 1e-5)
        signal = np.maximum(signal, 0)


@pytest.mark.parametrize("layer_norm", [False, True])
@pytest.mark.parametrize(
    "sizes", [(3, 1), (3, 5, 2), (3, 4, 6, 2)], ids=lambda value: type(value).__name__
)
def test_the_network_is_its_formula(sizes, layer_norm):
    layers = mlp(jax.random.key(1), sizes, 0.25)
    senses = np.array([0.5, -2.0, 3.0], np.float32)
    found = forward(layers, jnp.asarray(senses), layer_norm)
    assert found.dtype == jnp.float32
    np.testing.assert_allclose(found, by_hand(layers, senses, layer_norm), rtol=1e-4, atol=1e-5)


def test_hidden_layers_start_he_normal_and_the_last_one_small():
    layers = mlp(jax.random.key(1), (100, 300, 400), 0.25)
    deviations = [float(jnp.std(layer["weights"])) for layer in layers]
    assert deviations == pytest.approx([np.sqrt(2 / 100), 0.1 / np.sqrt(300)], rel=0.02)
    assert layers[0]["bias"].tolist() == [0.0] * 300
    assert set(layers[1]["bias"].tolist()) == {0.25}


def test_layers_are_drawn_apart():
    one, two = mlp(jax.random.key(1), (3, 3, 3, 3), 0.0)[:2]
    assert not np.allclose(one["weights"], two["weights"])


def test_a_standardised_layer_has_mean_0_and_deviation_1():
    signal = standardised(jnp.asarray([1.0, 2.0, 6.0], jnp.float32))
    assert float(signal.mean()) == pytest.approx(0, abs=1e-6)
    assert float(signal.std()) == pytest.approx(1, abs=1e-4)
    assert standardised(jnp.full(4, 3.0)).tolist() == [0.0] * 4

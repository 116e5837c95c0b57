"""The network, against NumPy."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from catallax.agents._mlp import forward, mlp, standardised

KEY = jax.random.key(4)


def forward_by_hand(layers, senses, layer_norm):
    signal = np.asarray(senses, np.float64)
    for layer in layers[:-1]:
        signal = signal @ np.float64(layer["weights"]) + np.float64(layer["bias"])
        if layer_norm:
            signal = (signal - signal.mean()) / np.sqrt(signal.var() + 1e-5)
        signal = np.maximum(signal, 0)
    return signal @ np.float64(layers[-1]["weights"]) + np.float64(layers[-1]["bias"])


def test_a_normalised_layer_has_mean_zero_and_deviation_one(strict_jax):
    signal = np.random.default_rng(0).normal(7, 3, 50).astype(np.float32)
    found = np.asarray(standardised(jnp.asarray(signal)))
    assert abs(found.mean()) < 1e-5
    assert found.std() == pytest.approx(1, abs=1e-4)
    np.testing.assert_allclose(found, (signal - signal.mean()) / signal.std(), atol=1e-4)
    assert standardised(jnp.full(4, 3.0)).tolist() == [0] * 4


@pytest.mark.parametrize("layer_norm", [True, False])
@pytest.mark.parametrize("sizes", [(3, 2), (3, 5, 2), (3, 5, 4, 1)], ids=str)
def test_forward_is_what_numpy_says(sizes, layer_norm, strict_jax):
    layers = mlp(KEY, sizes, 0.7)
    shifted = [{**layer, "bias": layer["bias"] + 0.1} for layer in layers]
    senses = np.float32([0.5, -2, 1])
    found = forward(shifted, jnp.asarray(senses), layer_norm)
    assert found.shape == sizes[-1:]
    np.testing.assert_allclose(found, forward_by_hand(shifted, senses, layer_norm), atol=1e-5)


def test_hidden_layers_are_he_normal_and_the_last_is_small():
    layers = mlp(KEY, (100, 200, 50), 2.5)
    assert [layer["weights"].shape for layer in layers] == [(100, 200), (200, 50)]
    assert np.std(layers[0]["weights"]) == pytest.approx(np.sqrt(2 / 100), rel=0.03)
    assert np.std(layers[1]["weights"]) == pytest.approx(0.1 / np.sqrt(200), rel=0.03)
    assert set(layers[0]["bias"].tolist()) == {0}
    assert set(layers[1]["bias"].tolist()) == {2.5}
    assert all(leaf.dtype == jnp.float32 for leaf in jax.tree.leaves(layers))


def test_layers_are_drawn_apart():
    one, other = mlp(KEY, (4, 4, 4), 0.0)
    ratio = np.asarray(one["weights"]) / np.asarray(other["weights"])
    assert ratio.std() > 0.1

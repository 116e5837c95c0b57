"""A multilayer perceptron as a pair of functions over a list of layers."""

from itertools import pairwise

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float32

from catallax._types import Key, PyTree


def mlp(key: Key, sizes: tuple[int, ...], bias: float) -> PyTree:
    """Draws the weights of a network: He-normal hidden layers, a small last one.

    Args:
        key: Consumed.
        sizes: Units of every layer, input and output included.
        bias: The first output.

    Returns:
        A list of layers, each with `weights` `[in, out]` and `bias` `[out]`.
    """
    layers = []
    keys = jax.random.split(key, len(sizes) - 1)
    for depth, (inputs, outputs) in enumerate(pairwise(sizes)):
        last = depth == len(sizes) - 2
        scale = np.float32((0.1 if last else np.sqrt(2)) / np.sqrt(inputs))
        weights = scale * jax.random.normal(keys[depth], (inputs, outputs), jnp.float32)
        layers.append(
            {"weights": weights, "bias": jnp.full(outputs, bias if last else 0.0, jnp.float32)}
        )
    return layers


def forward(layers: PyTree, senses: Float32[Array, "D"], layer_norm: bool) -> Array:
    """Returns the output of a network for one input.

    Args:
        layers: From `mlp`.
        senses: float32 `[D]`.
        layer_norm: Whether hidden layers are normalised before the ReLU.

    Returns:
        float32 `[outputs]`.
    """
    signal = senses
    for layer in layers[:-1]:
        signal = signal @ layer["weights"] + layer["bias"]
        signal = jax.nn.relu(standardised(signal) if layer_norm else signal)
    return signal @ layers[-1]["weights"] + layers[-1]["bias"]


def standardised(signal: Float32[Array, "D"]) -> Float32[Array, "D"]:
    """Returns a layer with mean 0 and deviation 1 (Ba, Kiros and Hinton, 2016)."""
    centred = signal - jnp.mean(signal)
    return centred * jax.lax.rsqrt(jnp.mean(centred**2) + 1e-5)

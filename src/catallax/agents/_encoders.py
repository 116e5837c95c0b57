"""Encoders: what an agent perceives of an observation. Shared by the agents of a species."""

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, NamedTuple

import gymnasium
import jax
import jax.numpy as jnp
import numpy as np
from gymnasium.spaces import Box, Discrete, MultiBinary
from jaxtyping import Array, Float32

from catallax._errors import InvalidSetting, UnsupportedSpace
from catallax._types import Key, PyTree
from catallax.worlds._spaces import observation_size


@dataclass(frozen=True)
class Encoder(ABC):
    """A map from observations to senses. Its state is saved with the agents.

    Example:
        >>> import catallax as cx
        >>> isinstance(cx.Fourier(features=8), cx.agents.Encoder)
        True
    """

    @abstractmethod
    def init(self, key: Key, space: gymnasium.Space) -> PyTree:
        """Returns the state: projections, bounds, running statistics."""

    @abstractmethod
    def encode(self, state: PyTree, observation: Array) -> Array:
        """Returns the senses of one observation."""

    @abstractmethod
    def size(self, space: gymnasium.Space) -> int:
        """Returns the number of weights that `dot` needs."""

    def dot(self, weights: Float32[Array, "size"], senses: Array) -> Float32[Array, ""]:
        """Returns the inner product of weights and senses."""
        return weights @ senses

    def update(self, state: PyTree, observations: Array) -> PyTree:
        """Returns the state after a chunk of observations `[T, W, ...]`."""
        return state

    def supports(self, space: gymnasium.Space) -> None:
        """Raises UnsupportedSpace where the encoder cannot read the space."""
        observation_size(space)


class Statistics(NamedTuple):
    """A running mean and variance.

    Attributes:
        seen: float32 scalar, how many observations.
        mean: float32 `[D]`.
        variance: float32 `[D]`.
    """

    seen: Float32[Array, ""]
    mean: Float32[Array, "D"]
    variance: Float32[Array, "D"]


def as_vector(space_size: int, observation: Array) -> Float32[Array, "D"]:
    """Returns an observation as a vector: an index becomes one-hot."""
    if jnp.ndim(observation) == 0:
        return jax.nn.one_hot(observation, space_size, dtype=jnp.float32)
    return observation


def no_statistics(size: int) -> Statistics:
    """Returns statistics that leave observations as they are."""
    return Statistics(
        jnp.zeros((), jnp.float32), jnp.zeros(size, jnp.float32), jnp.ones(size, jnp.float32)
    )


def standardise(statistics: Statistics, vector: Float32[Array, "D"]) -> Float32[Array, "D"]:
    """Returns `(x − mean) / std`, within ±5."""
    centred = (vector - statistics.mean) * jax.lax.rsqrt(statistics.variance + 1e-8)
    return jnp.clip(centred, -5.0, 5.0)


def absorb_all(statistics: Statistics, observations: Array) -> Statistics:
    """Returns statistics merged with those of a chunk of observations `[T, W, ...]`."""
    flat = observations.reshape((-1, *observations.shape[2:]))
    return absorb(statistics, jax.vmap(lambda one: as_vector(statistics.mean.size, one))(flat))


def absorb(statistics: Statistics, rows: Float32[Array, "n D"]) -> Statistics:
    """Returns statistics merged with those of a batch (Chan, Golub and LeVeque, 1979)."""
    count = jnp.float32(rows.shape[0])
    mean, variance = jnp.mean(rows, axis=0), jnp.var(rows, axis=0)
    total = statistics.seen + count
    delta = mean - statistics.mean
    squares = statistics.variance * statistics.seen + variance * count
    squares += delta**2 * statistics.seen * count / total
    return Statistics(total, statistics.mean + delta * count / total, squares / total)


@dataclass(frozen=True)
class Raw(Encoder):
    """The observation itself, as a vector; an index becomes one-hot.

    Args:
        normalise: Whether to subtract a running mean and divide by a running deviation.

    Example:
        >>> import catallax as cx
        >>> cx.Raw(normalise=True).normalise
        True
    """

    normalise: bool = False

    def init(self, key: Key, space: gymnasium.Space) -> PyTree:
        """Returns empty statistics."""
        return no_statistics(observation_size(space))

    def encode(self, state: Statistics, observation: Array) -> Array:
        """Returns the vector, standardised where asked."""
        vector = as_vector(state.mean.shape[0], observation)
        return standardise(state, vector) if self.normalise else vector

    def size(self, space: gymnasium.Space) -> int:
        """Returns the length of the vector."""
        return observation_size(space)

    def update(self, state: Statistics, observations: Array) -> PyTree:
        """Returns the statistics after a chunk."""
        return absorb_all(state, observations) if self.normalise else state


@dataclass(frozen=True)
class Fourier(Encoder):
    """Random Fourier features: cosines of random projections, which span smooth functions.

    `φ(ω) = √(2/n)·cos(F·ω̃ + phase)` with Gaussian `F` of deviation `1/bandwidth` and `ω̃` the
    observation in its own scale: by running statistics, by given scales, or by the space's range.

    Args:
        features: How many, n.
        bandwidth: The length, in scaled observations, over which a function may change.
        scales: A divisor for each dimension; None takes half the range of a bounded
            dimension and 1 for others.
        normalise: Whether a running mean and deviation give the scale in place of `scales`.

    Raises:
        InvalidSetting: If features or bandwidth is not positive.

    Example:
        >>> import catallax as cx
        >>> cx.Fourier(features=64).features
        64

    Source: Rahimi and Recht, "Random features for large-scale kernel machines" (2007).
    """

    features: int = 256
    bandwidth: float = 1.0
    scales: tuple[float, ...] | None = None
    normalise: bool = False

    def __post_init__(self) -> None:
        if self.features < 1 or not self.bandwidth > 0:
            raise InvalidSetting(
                f"Fourier was given features={self.features}, bandwidth={self.bandwidth}.",
                "There must be a feature, and frequencies are divided by the bandwidth.",
                "Give positive numbers.",
            )

    def init(self, key: Key, space: gymnasium.Space) -> PyTree:
        """Returns the projection `[D, n]` and the phases `[n]`."""
        frequencies, phases = jax.random.split(key)
        centre, half = centre_and_half(space, self.scales)
        if self.normalise:
            centre, half = np.zeros_like(centre), np.ones_like(half)
        draws = jax.random.normal(frequencies, (len(centre), self.features), jnp.float32)
        projection = draws / (self.bandwidth * half[:, None])
        angle = jax.random.uniform(phases, (self.features,), jnp.float32, 0, 2 * np.pi)
        statistics = no_statistics(len(centre))
        return {
            "projection": projection,
            "phase": angle - centre @ projection,
            "statistics": statistics,
        }

    def encode(self, state: PyTree, observation: Array) -> Array:
        """Returns float32 `[n]`."""
        vector = as_vector(state["projection"].shape[0], observation)
        if self.normalise:
            vector = standardise(state["statistics"], vector)
        angles = vector @ state["projection"] + state["phase"]
        return cosine(angles) * np.float32(np.sqrt(2 / self.features))

    def update(self, state: PyTree, observations: Array) -> PyTree:
        """Returns the state with the statistics after a chunk."""
        if not self.normalise:
            return state
        return {**state, "statistics": absorb_all(state["statistics"], observations)}

    def size(self, space: gymnasium.Space) -> int:
        """Returns the number of features."""
        return self.features


@dataclass(frozen=True)
class Tiles(Encoder):
    """Tile coding: overlapping grids, each shifted, so that near observations share tiles.

    The senses are the indices of the tiles, one a tiling, so a bid costs `tilings` additions
    whatever the size of the grids.

    Args:
        tilings: How many grids.
        bins: Tiles a dimension in each grid.
        bounds: (low, high) a dimension; None takes them from a bounded space.

    Raises:
        InvalidSetting: If tilings or bins is below 1.

    Example:
        >>> import catallax as cx
        >>> cx.Tiles(tilings=8, bins=8).bins
        8

    Source: Sutton and Barto, "Reinforcement Learning" (2018), section 9.5.4.
    """

    tilings: int = 8
    bins: int = 8
    bounds: tuple[tuple[float, float], ...] | None = None

    def __post_init__(self) -> None:
        if self.tilings < 1 or self.bins < 1:
            raise InvalidSetting(
                f"Tiles was given tilings={self.tilings}, bins={self.bins}.",
                "There must be a grid and it must have a tile.",
                "Give whole numbers of 1 or more.",
            )

    def init(self, key: Key, space: gymnasium.Space) -> PyTree:
        """Returns the low corner, the scale of a tile and the shift of each tiling."""
        low, high = self._corners(space)
        odd = 2 * np.arange(len(low)) + 1
        shifts = (np.arange(self.tilings)[:, None] * odd / self.tilings) % 1.0
        return {
            "low": jnp.asarray(low, jnp.float32),
            "tiles_per_unit": jnp.asarray(self.bins / (high - low), jnp.float32),
            "shift": jnp.asarray(shifts, jnp.float32),
        }

    def encode(self, state: PyTree, observation: Array) -> Array:
        """Returns int32 `[tilings]`."""
        dimensions = state["low"].shape[0]
        place = (observation - state["low"]) * state["tiles_per_unit"]
        cell = jnp.floor(place + state["shift"]).astype(jnp.int32)
        cell = jnp.clip(cell, 0, self.bins)
        strides = np.asarray([(self.bins + 1) ** d for d in range(dimensions)], np.int32)
        first = np.arange(self.tilings, dtype=np.int32) * (self.bins + 1) ** dimensions
        return jnp.sum(cell * strides, axis=-1, dtype=jnp.int32) + first

    def size(self, space: gymnasium.Space) -> int:
        """Returns the number of tiles in all grids."""
        return self.tilings * (self.bins + 1) ** observation_size(space)

    def dot(self, weights: Float32[Array, "size"], senses: Array) -> Float32[Array, ""]:
        """Returns the sum of the weights of the active tiles, over √tilings (unit senses)."""
        return jnp.sum(weights[senses]) * np.float32(self.tilings**-0.5)

    def supports(self, space: gymnasium.Space) -> None:
        """Raises UnsupportedSpace where a dimension has no bounds, or the grid no end."""
        self._corners(space)
        if self.size(space) > 2**24:
            raise UnsupportedSpace(
                f"Tiles would need {self.size(space)} weights for {space}.",
                "A grid grows with the power of the number of dimensions.",
                "Use Fourier() for observations of many dimensions.",
            )

    def _corners(self, space: gymnasium.Space) -> tuple[np.ndarray, np.ndarray]:
        if self.bounds is not None:
            low, high = np.asarray(self.bounds, np.float64).reshape(-1, 2).T
        elif isinstance(space, Box):
            low, high = space.low.reshape(-1), space.high.reshape(-1)
        else:
            low = high = np.zeros(1)
        vector = not isinstance(space, Discrete) and len(low) == observation_size(space)
        fits = vector and np.all(low < high)
        if not fits or not np.all(np.abs([low, high]) < 1e6):
            raise UnsupportedSpace(
                f"Tiles cannot lay a grid over {space}.",
                "Every dimension needs a finite lower and upper bound.",
                "Give bounds=((low, high), ...), one pair a dimension, or use Fourier().",
            )
        return low.astype(np.float64), high.astype(np.float64)


@dataclass(frozen=True)
class Index(Encoder):
    """The index of a Discrete observation, for tables.

    Example:
        >>> import catallax as cx
        >>> cx.Index()
        Index()
    """

    def init(self, key: Key, space: gymnasium.Space) -> PyTree:
        """Returns nothing: an index needs no state."""
        return {}

    def encode(self, state: PyTree, observation: Array) -> Array:
        """Returns the index."""
        return observation

    def size(self, space: gymnasium.Space) -> int:
        """Returns the number of observations."""
        return int(observation_size(space))

    def dot(self, weights: Float32[Array, "size"], senses: Array) -> Float32[Array, ""]:
        """Returns the entry of the table."""
        return weights[senses]

    def supports(self, space: gymnasium.Space) -> None:
        """Raises UnsupportedSpace unless the space is Discrete."""
        if not isinstance(space, Discrete):
            raise UnsupportedSpace(
                f"A table cannot hold the observations of {space}.",
                "It has one entry for each of finitely many observations.",
                "Use Linear(encoder=Fourier()) or Tiles(), or a world with Discrete observations.",
            )


WORD_BITS = 32


@dataclass(frozen=True)
class Bits(Encoder):
    """The bits of a MultiBinary or Discrete observation, packed in words for ternary rules.

    Example:
        >>> import catallax as cx
        >>> from gymnasium.spaces import MultiBinary
        >>> cx.Bits().size(MultiBinary(40))
        40
    """

    def init(self, key: Key, space: gymnasium.Space) -> PyTree:
        """Returns nothing."""
        return {}

    def encode(self, state: PyTree, observation: Array) -> Array:
        """Returns uint32 `[words]`."""
        if jnp.ndim(observation) == 0:
            return observation.astype(jnp.uint32)[None]
        return pack_bits(observation > 0.5)

    def size(self, space: gymnasium.Space) -> int:
        """Returns the number of bits."""
        if isinstance(space, Discrete):
            return max(1, int(space.n - 1).bit_length())
        return observation_size(space)

    def dot(self, weights: Float32[Array, "size"], senses: Array) -> Float32[Array, ""]:
        """Returns the sum of the weights of the bits that are 1."""
        places = jnp.arange(WORD_BITS, dtype=jnp.uint32)
        bits = (senses[:, None] >> places) & jnp.uint32(1)
        return weights @ bits.reshape(-1)[: weights.shape[0]].astype(jnp.float32)

    def supports(self, space: gymnasium.Space) -> None:
        """Raises UnsupportedSpace unless the space is of bits."""
        if not isinstance(space, Discrete | MultiBinary):
            raise UnsupportedSpace(
                f"Ternary conditions cannot read {space}.",
                "They match bits.",
                "Use a MultiBinary or Discrete observation space, or wrap the world.",
            )


def pack_bits(bits: Array) -> Array:
    """Packs bool `[n]` into uint32 `[⌈n/32⌉]`, bit 0 lowest."""
    words = -(-bits.shape[0] // WORD_BITS)
    padded = jnp.zeros(words * WORD_BITS, jnp.uint32).at[: bits.shape[0]].set(bits)
    weights = jnp.left_shift(jnp.uint32(1), jnp.arange(WORD_BITS, dtype=jnp.uint32))
    return jnp.sum(padded.reshape(words, WORD_BITS) * weights, axis=1, dtype=jnp.uint32)


TAYLOR = [(-1) ** n * (2 * math.pi) ** (2 * n + 1) / math.factorial(2 * n + 1) for n in range(6)]
"""Of sin(2πx) in odd powers; what is left out is below 1e-7 where |x| is at most a quarter."""


def cosine(angles: Float32[Array, "..."]) -> Float32[Array, "..."]:
    """Returns the cosine as a polynomial, which vectorises where `jnp.cos` calls a function.

    Args:
        angles: Radians; their own rounding errors outweigh those made here.

    Returns:
        Numbers in [-1, 1], to 1e-6 near the origin.

    Example:
        >>> round(float(cosine(jnp.float32(2.0))), 5)
        -0.41615
    """
    turns = angles * np.float32(0.5 / np.pi)
    from_quarter = 0.25 - jnp.abs(turns - jnp.round(turns))
    square, total = from_quarter * from_quarter, np.float32(0)
    for coefficient in reversed(TAYLOR):
        total = total * square + np.float32(coefficient)
    return total * from_quarter


def centre_and_half(
    space: gymnasium.Space, scales: tuple[float, ...] | None
) -> tuple[np.ndarray, np.ndarray]:
    """Returns the centre and the half-range of every dimension; (0, 1) where it is unbounded."""
    size = observation_size(space)
    centre, half = np.zeros(size, np.float32), np.ones(size, np.float32)
    if isinstance(space, Box):
        low = space.low.reshape(-1).astype(np.float64)
        high = space.high.reshape(-1).astype(np.float64)
        bounded = (np.abs(low) < 1e6) & (np.abs(high) < 1e6) & (low < high)
        with np.errstate(over="ignore", invalid="ignore"):
            centre = np.where(bounded, (low + high) / 2, 0).astype(np.float32)
            half = np.where(bounded, (high - low) / 2, 1).astype(np.float32)
    if scales is None:
        return centre, half
    if len(scales) != size or not min(scales) > 0:
        raise InvalidSetting(
            f"scales has {len(scales)} entries for an observation of size {size}.",
            "Every dimension is divided by its own positive scale.",
            "Give one positive number a dimension.",
        )
    return centre, np.asarray(scales, np.float32)


def encoder_state(encoder: Encoder, key: Key, space: gymnasium.Space) -> Any:
    """Checks the space and returns the encoder's first state."""
    encoder.supports(space)
    return encoder.init(key, space)

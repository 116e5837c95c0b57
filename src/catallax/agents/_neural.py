"""Agents with a neural network: for the bid, and where asked for the action too."""

from dataclasses import dataclass
from typing import Any, ClassVar

import gymnasium
import jax
import jax.numpy as jnp
import numpy as np
from gymnasium.spaces import Box, Discrete, MultiDiscrete
from jaxtyping import Array, Float32

from catallax._errors import InvalidSetting, UnsupportedSpace
from catallax._types import Key, PyTree
from catallax.agents._actions import blank_action, box_bounds, nth_action
from catallax.agents._encoders import Encoder, Raw
from catallax.agents._mlp import forward, mlp
from catallax.agents._protocol import Genes, Spaces, Species, Trade


@dataclass(frozen=True, kw_only=True)
class Neural(Species):
    """Bids with a multilayer perceptron; with `policy=True` it learns its action as well.

    Without a policy there is one agent an action. With one, an agent draws its action from a
    categorical (Discrete, MultiDiscrete) or a normal distribution (Box) and is moved along
    `∇ log π · profit`, clipped: the profit of a trade is the advantage.

    Args:
        hidden: Units of each hidden layer.
        layer_norm: Whether hidden layers are normalised.
        initial: Credits, the bid before anything is learned.
        policy: Whether the action is learned; needed for Box, and then `count` too.
        entropy: Weight of the entropy bonus of a policy.
        deviation: The first standard deviation of a Box action, in half-ranges of the space.
        clip: How far the probability of an action may move in one chunk.
        encoder: What the network sees.
        count: Agents at genesis; None for one an action.
        capacity: Slots; None for as many as `count`.

    Raises:
        InvalidSetting: If a size is not positive.
        UnsupportedSpace: If the space cannot be served, when the market meets the world.

    Example:
        >>> import catallax as cx
        >>> cx.Neural(hidden=(32,), policy=True, count=4).hidden
        (32,)

    Source: paper section 4; Schulman et al., "Proximal policy optimization" (2017) for the clip.
    """

    learns: ClassVar[bool] = True
    mutates: ClassVar[bool] = True

    hidden: tuple[int, ...] = (64, 64)
    layer_norm: bool = True
    initial: float = 0.0
    policy: bool = False
    entropy: float = 0.0
    deviation: float = 0.5
    clip: float = 0.2
    encoder: Encoder = Raw(normalise=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        if min(self.hidden, default=1) < 1 or not self.deviation > 0 or not self.clip > 0:
            raise InvalidSetting(
                f"Neural was given hidden={self.hidden}, deviation={self.deviation}, "
                f"clip={self.clip}.",
                "Layers have units, and a policy has a width and a stride.",
                "Give positive numbers.",
            )

    def init(self, key: Key, spaces: Spaces, index: Any) -> Genes:
        """Returns the networks, and the action where it is not learned."""
        for_bid, for_action = jax.random.split(key)
        size = self.encoder.size(spaces.observation)
        learned = {"bid": mlp(for_bid, (size, *self.hidden, 1), self.initial)}
        if not self.policy:
            return Genes(learned, {"action": nth_action(spaces.action, index)})
        outputs = policy_outputs(spaces.action)
        learned["policy"] = mlp(for_action, (size, *self.hidden, outputs), 0.0)
        return Genes({**learned, **self._width(spaces.action)}, policy_constants(spaces.action))

    def bid(self, genes: Genes, senses: PyTree) -> Float32[Array, ""]:
        """Returns the network's output."""
        return forward(genes.learned["bid"], senses, self.layer_norm)[0]

    def act(self, genes: Genes, senses: PyTree, key: Key) -> Array:
        """Returns the agent's one action, or a draw from its policy."""
        if not self.policy:
            return genes.fixed["action"]
        output = forward(genes.learned["policy"], senses, self.layer_norm)
        if "low" in genes.fixed:
            noise = jax.random.normal(key, output.shape, jnp.float32)
            return output + jnp.exp(genes.learned["log_deviation"]) * noise
        drawn = jax.random.categorical(key, split_logits(genes, output)).astype(jnp.int32)
        return drawn[0] if genes.fixed["scalar"].shape[0] else drawn

    def act_greedily(self, genes: Genes, senses: PyTree) -> Array:
        """Returns the agent's one action, or the likeliest of its policy."""
        if not self.policy:
            return genes.fixed["action"]
        output = forward(genes.learned["policy"], senses, self.layer_norm)
        if "low" in genes.fixed:
            return output
        likeliest = jnp.argmax(split_logits(genes, output), axis=-1).astype(jnp.int32)
        return likeliest[0] if genes.fixed["scalar"].shape[0] else likeliest

    def loss(self, genes: Genes, before: Genes, trade: Trade) -> Float32[Array, ""]:
        """Returns the error of the bid, and with a policy the clipped surrogate of its profit."""
        error = super().loss(genes, before, trade)
        if not self.policy:
            return error
        profit = jax.lax.stop_gradient(trade.revenue - self.bid(before, trade.senses))
        old = jax.lax.stop_gradient(self.log_density(before, trade))
        ratio = jnp.exp(jnp.clip(self.log_density(genes, trade) - old, -20, 20))
        clipped = jnp.clip(ratio, 1 - self.clip, 1 + self.clip)
        gain = jnp.minimum(ratio * profit, clipped * profit)
        return error - gain - self.entropy * self.entropy_of(genes, trade)

    def log_density(self, genes: Genes, trade: Trade) -> Float32[Array, ""]:
        """Returns the log density of the trade's action."""
        output = forward(genes.learned["policy"], trade.senses, self.layer_norm)
        if "low" in genes.fixed:
            log_deviation = genes.learned["log_deviation"]
            scaled = (trade.action - output) / jnp.exp(log_deviation)
            return jnp.sum(-0.5 * scaled**2 - log_deviation)
        rows = jax.nn.log_softmax(split_logits(genes, output), axis=-1)
        return jnp.sum(jnp.take_along_axis(rows, jnp.atleast_1d(trade.action)[:, None], axis=1))

    def entropy_of(self, genes: Genes, trade: Trade) -> Float32[Array, ""]:
        """Returns the entropy of the policy, up to a constant for Box actions."""
        if "low" in genes.fixed:
            return jnp.sum(genes.learned["log_deviation"])
        output = forward(genes.learned["policy"], trade.senses, self.layer_norm)
        rows = jax.nn.log_softmax(split_logits(genes, output), axis=-1)
        return -jnp.sum(jnp.exp(rows) * jnp.where(rows > -1e8, rows, 0))

    def mutate(self, key: Key, genes: Genes) -> Genes:
        """Returns a child with every weight jittered by 2 %, and the parent's action."""
        leaves, tree = jax.tree.flatten(genes.learned)
        keys = jax.random.split(key, len(leaves))
        jittered = [
            leaf * (1 + 0.02 * jax.random.normal(one, leaf.shape, jnp.float32))
            for leaf, one in zip(leaves, keys, strict=True)
        ]
        return Genes(jax.tree.unflatten(tree, jittered), genes.fixed)

    def supports(self, spaces: Spaces) -> None:
        """Raises where the world's spaces cannot be served."""
        super().supports(spaces)
        blank_action(spaces.action)
        if not self.policy:
            nth_action(spaces.action, 0)
        elif self.count is None:
            raise InvalidSetting(
                "Neural(policy=True) was given no count.",
                "Agents that learn their action are not one for each action.",
                "Say how many there are, such as count=4.",
            )

    def _width(self, space: gymnasium.Space) -> dict[str, Array]:
        if not isinstance(space, Box):
            return {}
        low, high = box_bounds(space)
        with np.errstate(over="ignore"):
            half = (high - low) / 2
        half = np.where(np.isfinite(half) & (half > 0), half, 1.0)
        return {"log_deviation": jnp.log(jnp.asarray(self.deviation * half, jnp.float32))}


def policy_outputs(space: gymnasium.Space) -> int:
    """Returns how many outputs a policy needs for a space."""
    if isinstance(space, MultiDiscrete):
        nvec = np.asarray(space.nvec).reshape(-1)
        return int(nvec.size * nvec.max())
    return int(space.n) if isinstance(space, Discrete) else blank_action(space).size


def policy_constants(space: gymnasium.Space) -> dict[str, Array]:
    """Returns what a policy must know of its space: bounds, or which logits exist."""
    if isinstance(space, Box):
        return {"low": jnp.asarray(space.low.reshape(-1), jnp.float32)}
    if not isinstance(space, Discrete | MultiDiscrete):
        raise UnsupportedSpace(
            f"No policy is known for {space}.",
            "Actions are Discrete, MultiDiscrete or Box.",
            "Wrap the world so that its action space is one of these.",
        )
    scalar = isinstance(space, Discrete)
    nvec = np.asarray([space.n] if scalar else space.nvec).reshape(-1)
    exists = np.arange(nvec.max()) < nvec[:, None]
    return {"exists": jnp.asarray(exists), "scalar": jnp.zeros(int(scalar), jnp.float32)}


def split_logits(genes: Genes, output: Float32[Array, "k"]) -> Float32[Array, "parts options"]:
    """Returns logits a part of the action, -1e9 where an option does not exist."""
    exists = genes.fixed["exists"]
    return jnp.where(exists, output.reshape(exists.shape), -1e9)

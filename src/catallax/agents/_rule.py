"""Ternary rules: the agents of classifier systems."""

from dataclasses import dataclass, field
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float32

from catallax._errors import InvalidSetting
from catallax._types import Key, PyTree
from catallax.agents._actions import action_count, action_options, nth_action
from catallax.agents._encoders import Bits, Encoder, pack_bits
from catallax.agents._protocol import Genes, Spaces, Species


@dataclass(frozen=True, kw_only=True)
class Rule(Species):
    """If the observation matches a pattern of 0, 1 and # (either), offer a bid to take an action.

    A rule whose condition does not match abstains. Matching is one comparison of packed words,
    so a million rules fit one market.

    Args:
        generality: The probability of # at each place of a random condition.
        offer_max: Credits; first bids are drawn evenly from [0, offer_max].
        mutation: The probability that a place of a child's condition is redrawn; its action is
            redrawn with the same probability and its bid jittered by a tenth of `offer_max`.
        count: Agents at genesis.
        capacity: Slots; None for as many as `count`.

    Raises:
        InvalidSetting: If a probability is outside [0, 1].
        UnsupportedSpace: If observations are not bits, when the market meets the world.

    Example:
        >>> import catallax as cx
        >>> cx.Rule(count=100, capacity=400, offer_max=1.0).generality
        0.5

    Source: Holland, "Properties of the bucket brigade" (1985); Baum (1996).
    """

    mutates: ClassVar[bool] = True

    generality: float = 0.5
    offer_max: float = 1.0
    mutation: float = 0.1
    count: int | None = field(default=100)
    encoder: Encoder = Bits()

    def __post_init__(self) -> None:
        super().__post_init__()
        if not (0 <= self.generality <= 1 and 0 <= self.mutation <= 1):
            raise InvalidSetting(
                f"Rule was given generality={self.generality}, mutation={self.mutation}.",
                "They are probabilities.",
                "Give numbers in [0, 1].",
            )

    def init(self, key: Key, spaces: Spaces, index: Any) -> Genes:
        """Returns a random condition, action and bid."""
        keys = jax.random.split(key, 4)
        bits = self.encoder.size(spaces.observation)
        cares = jax.random.uniform(keys[0], (bits,), jnp.float32) >= self.generality
        wanted = jax.random.bernoulli(keys[1], 0.5, (bits,)) & cares
        action = jax.random.randint(keys[2], (), 0, action_count(spaces.action), jnp.int32)
        return rule(
            cares,
            wanted,
            nth_action(spaces.action, action),
            self.offer_max * jax.random.uniform(keys[3], (), jnp.float32),
            action_options(spaces.action),
        )

    def bid(self, genes: Genes, senses: PyTree) -> Float32[Array, ""]:
        """Returns the rule's bid."""
        return genes.learned["offer"]

    def act(self, genes: Genes, senses: PyTree, key: Key) -> Array:
        """Returns the rule's action."""
        return genes.fixed["action"]

    def enters(self, genes: Genes, senses: PyTree) -> Bool[Array, ""]:
        """Returns whether the condition matches."""
        return jnp.all((senses ^ genes.fixed["wanted"]) & genes.fixed["cares"] == 0)

    def mutate(self, key: Key, genes: Genes) -> Genes:
        """Returns a child: some places, perhaps the action, redrawn; the bid jittered."""
        keys = jax.random.split(key, 6)
        cares, wanted = genes.fixed["cares"], genes.fixed["wanted"]
        words = cares.shape
        redraw = _random_words(keys[0], words, self.mutation)
        cares = jnp.where(redraw > 0, cares ^ redraw, cares) & genes.fixed["places"]
        flip = _random_words(keys[1], words, self.mutation)
        new, coin = cares & ~genes.fixed["cares"], _random_words(keys[5], words, 0.5)
        wanted = (((wanted ^ flip) & ~new) | (coin & new)) & cares
        jitter = 0.1 * self.offer_max * jax.random.normal(keys[2], (), jnp.float32)
        drawn = jax.random.uniform(keys[4], genes.fixed["action"].shape, jnp.float32)
        options = genes.fixed["options"]
        fresh = jnp.minimum((drawn * options).astype(jnp.int32), options - 1)
        changes = jax.random.uniform(keys[3], (), jnp.float32) < self.mutation
        action = jnp.where(changes, fresh, genes.fixed["action"])
        fixed = {**genes.fixed, "cares": cares, "wanted": wanted, "action": action}
        return Genes({"offer": jnp.maximum(genes.learned["offer"] + jitter, 0)}, fixed)

    def supports(self, spaces: Spaces) -> None:
        """Raises where the world's spaces cannot be served."""
        super().supports(spaces)
        action_count(spaces.action)


def rule(cares: Array, wanted: Array, action: Array, offer: Array, options: Array) -> Genes:
    """Builds the genes of a rule.

    Args:
        cares: bool `[bits]`, False at #.
        wanted: bool `[bits]`, what the bit must be where the rule cares.
        action: The action.
        offer: float32 scalar, credits.
        options: int32, of the action's shape: how many values each part can take.

    Returns:
        `Genes`.
    """
    places = pack_bits(jnp.ones(cares.shape, bool))
    fixed = {
        "cares": pack_bits(cares),
        "wanted": pack_bits(wanted & cares),
        "places": places,
        "action": action,
        "options": options,
    }
    return Genes({"offer": jnp.asarray(offer, jnp.float32)}, fixed)


def _random_words(key: Key, shape: tuple[int, ...], rate: float) -> Array:
    """Returns uint32 words whose bits are 1 with probability `rate`."""
    drawn = jax.random.uniform(key, (*shape, 32), jnp.float32) < rate
    weights = jnp.left_shift(jnp.uint32(1), jnp.arange(32, dtype=jnp.uint32))
    return jnp.sum(drawn * weights, axis=-1, dtype=jnp.uint32)

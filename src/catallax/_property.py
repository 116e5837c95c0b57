"""Property rights: which part of a state, that nobody sees whole, an owner may act on."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias, runtime_checkable

import jax
import jax.numpy as jnp

from catallax._errors import InvalidSetting
from catallax._shares import shares_of

Lots: TypeAlias = Any
"""What a kind of rights remembers of who acquired what when; None if nothing."""


@runtime_checkable
class PropertyRights(Protocol):
    """A rule from a state and the bundles that are owned to the part that each owner acts on.

    A state is a vector of C components, of which M goods are observed. Quantities are int64
    (quanta, shared out exactly, in a 64-bit context) or float32 (to rounding). Rights are a
    frozen, hashable value; `catallax.checks.check_property_rights` tests their laws.

    Example:
        >>> isinstance(Identity(3), PropertyRights)
        True

    Source: paper definition 2.2, the "exercised property right" `s_x(ω)` and the joint action `ξ`.
    """

    @property
    def components(self) -> int:
        """C, the number of components of a state."""
        ...

    @property
    def goods(self) -> int:
        """M, the number of goods that are observed."""
        ...

    def observe(self, states: jax.Array) -> jax.Array:
        """Returns what is seen, [..., M], of states [..., C]; it adds up as states do."""
        ...

    def begin(self, parts: jax.Array) -> Lots:
        """Returns the lots of owners who have just acquired their parts, [agents, C]."""
        ...

    def private(self, state: jax.Array, bundles: jax.Array, lots: Lots) -> jax.Array:
        """Returns the part of the state, [agents, C], that each owner of a bundle acts on.

        The bundles, [agents, M], sum to what is observed of the state; what nobody took is a bundle
        of its own. The lots are those of the owners before the trade.
        """
        ...

    def join(self, parts: jax.Array) -> jax.Array:
        """Returns the state, [C], that parts [agents, C] make up once all have acted: `ξ`."""
        ...


class Additive:
    """Rights whose owners act side by side: the joint action is the sum of the parts."""

    def begin(self, parts: jax.Array) -> Lots:
        """Remembers nothing."""
        return None

    def join(self, parts: jax.Array) -> jax.Array:
        """Returns the sum of the parts."""
        return jnp.sum(parts, axis=0, dtype=parts.dtype)


@dataclass(frozen=True)
class Identity(Additive):
    """Everything is seen: who owns a bundle acts on exactly that.

    Args:
        components: Components of the state, each of them a good.

    Raises:
        InvalidSetting: If there is none.

    Example:
        >>> import jax.numpy as jnp
        >>> rights = Identity(2)
        >>> rights.private(jnp.array([3.0, 1.0]), jnp.array([[2.0, 1.0], [1.0, 0.0]]), None)
        Array([[2., 1.],
               [1., 0.]], dtype=float32)

    Source: paper section 2.2, "when the setup is an MDP, Ω = S and ω(s) = s".
    """

    components: int

    def __post_init__(self) -> None:
        """Checks the number."""
        if not isinstance(self.components, int) or self.components < 1:
            raise InvalidSetting(
                f"Identity was given components={self.components!r}.",
                "A state has a whole number of components.",
                "Give 1 or more.",
            )

    @property
    def goods(self) -> int:
        """As many as components."""
        return self.components

    def observe(self, states: jax.Array) -> jax.Array:
        """Returns the states themselves."""
        return states

    def private(self, state: jax.Array, bundles: jax.Array, lots: Lots) -> jax.Array:
        """Returns the bundles themselves."""
        return bundles


class Sorted(Additive):
    """Rights over components each of which is observed in exactly one good."""

    good_of: tuple[int, ...]

    @property
    def components(self) -> int:
        """As many as are sorted."""
        return len(self.good_of)

    @property
    def goods(self) -> int:
        """One more than the largest number of a good."""
        return max(self.good_of) + 1

    def observe(self, states: jax.Array) -> jax.Array:
        """Returns the total of the components of each good."""
        seen = jnp.zeros((*states.shape[:-1], self.goods), states.dtype)
        return seen.at[..., jnp.asarray(self.good_of)].add(states)

    def _require_sorted(self) -> None:
        good_of = tuple(self.good_of)
        object.__setattr__(self, "good_of", good_of)
        whole = all(type(good) is int for good in good_of)
        if not good_of or not whole or set(good_of) != set(range(max(good_of) + 1)):
            raise InvalidSetting(
                f"{type(self).__name__} was given good_of={good_of}.",
                "It names the good of every component, and goods are counted from 0 without gaps.",
                "Give a tuple of whole numbers, such as (0, 0, 1).",
            )


@dataclass(frozen=True)
class ProRata(Sorted):
    """Only totals are seen: who owns a share of a good acts on that share of all that is in it.

    Whole quantities stay whole: the components of a good are shared out one after the other, each
    by largest remainder among the claims that are left, so that every claim is met exactly and no
    share is off by more than the roundings before it.

    Args:
        good_of: For each component of the state, the good in which it is observed.

    Raises:
        InvalidSetting: If a good is named by no component, or there is no component.

    Example:
        >>> import jax.numpy as jnp
        >>> rights = ProRata((0, 0, 1))  # good and bad ore look the same
        >>> rights.private(jnp.array([6.0, 2.0, 1.0]), jnp.array([[6.0, 0.0], [2.0, 1.0]]), None)
        Array([[4.5, 1.5, 0. ],
               [1.5, 0.5, 1. ]], dtype=float32)

    Source: paper section 2.2, "Property rights in POMDPs".
    """

    good_of: tuple[int, ...]

    def __post_init__(self) -> None:
        """Checks the map."""
        self._require_sorted()

    def private(self, state: jax.Array, bundles: jax.Array, lots: Lots) -> jax.Array:
        """Returns every owner's share of every component."""
        good_of = jnp.asarray(self.good_of)
        if jnp.issubdtype(bundles.dtype, jnp.integer):
            # One component after the other, each among the claims that are left.
            return jax.lax.scan(_share_out, bundles, (state, good_of))[1].T
        seen = self.observe(state)
        share = bundles / jnp.where(seen > 0, seen, 1)
        return share[:, good_of] * state


def _share_out(claims: jax.Array, given: tuple[jax.Array, jax.Array]) -> Any:
    """Shares out one component; returns the claims [agents, M] that are left, and the shares."""
    amount, good = given
    got = shares_of(amount[None], claims[:, good][:, None])[:, 0]
    return claims.at[:, good].add(-got), got


@dataclass(frozen=True)
class TitledLots(Sorted):
    """Things have titles: an owner parts first with what it has had longest.

    What is sold goes to the buyers in order: the lots of the first seller, oldest first, to the
    first buyer, and so on. It costs memory and time with the square of the number of agents.

    Args:
        good_of: For each component of the state, the good in which it is observed.
        ages: How many lots of an owner are told apart, 2 or more; the oldest ones are one.

    Raises:
        InvalidSetting: If a good is named by no component, or there are fewer than 2 ages.

    Example:
        >>> import jax.numpy as jnp
        >>> rights = TitledLots((0, 0), ages=2)  # two kinds of grain that look the same
        >>> lots = jnp.array([[[3.0, 0.0], [0.0, 2.0]], [[0.0, 0.0], [0.0, 0.0]]])
        >>> rights.private(jnp.array([3.0, 2.0]), jnp.array([[1.0], [4.0]]), lots)
        Array([[0., 1.],
               [3., 1.]], dtype=float32)

    Source: paper section 2.2, "Property rights in POMDPs"; first in, first out as in accounting for
    inventories (IAS 2, paragraph 25).
    """

    good_of: tuple[int, ...]
    ages: int = 4

    def __post_init__(self) -> None:
        """Checks the map and the ages."""
        self._require_sorted()
        if type(self.ages) is not int or self.ages < 2:
            raise InvalidSetting(
                f"TitledLots was given ages={self.ages!r}.",
                "What was just bought is a lot of its own.",
                "Give 2 or more.",
            )

    def begin(self, parts: jax.Array) -> Lots:
        """Returns lots [agents, ages, C], oldest first, in which everything is new."""
        old = jnp.zeros((parts.shape[0], self.ages - 1, parts.shape[1]), parts.dtype)
        return jnp.concatenate([old, parts[:, None]], axis=1)

    def private(self, state: jax.Array, bundles: jax.Array, lots: Lots) -> jax.Array:
        """Returns what everybody holds once the lots have changed hands."""
        return jnp.sum(self.trade(lots, bundles), axis=1, dtype=lots.dtype)

    def trade(self, lots: jax.Array, bundles: jax.Array) -> jax.Array:
        """Returns the lots [agents, ages, C] after owners trade until they hold the bundles."""
        agents, ages, components = lots.shape
        held = jnp.sum(self.observe(lots), axis=1, dtype=lots.dtype)
        zero = jnp.zeros((), lots.dtype)
        sells, buys = jnp.maximum(held - bundles, zero), jnp.maximum(bundles - held, zero)
        good = jnp.tile(jnp.asarray(self.good_of), ages)  # of each chunk, an age of a component
        chunks = lots.reshape(agents, ages * components)
        taken = jnp.clip(sells[:, good] - self._ahead(chunks), zero, chunks)
        # Chunks lie end to end on a line, one for each good, and so do the buyers' orders.
        pool = taken.reshape(1, agents * ages * components)
        start, every = self._ahead(pool)[0], jnp.tile(good, agents)
        order = (jnp.cumsum(buys, axis=0, dtype=lots.dtype) - buys)[:, every]
        end = jnp.minimum(order + buys[:, every], start + pool[0])
        overlap = jnp.maximum(end - jnp.maximum(order, start), zero)
        bought = overlap.reshape(agents, agents * ages, components).sum(axis=1, dtype=lots.dtype)
        kept = (chunks - taken).reshape(lots.shape)
        oldest = kept[:, :1] + kept[:, 1:2]
        return jnp.concatenate([oldest, kept[:, 2:], bought[:, None]], axis=1)

    def _ahead(self, chunks: jax.Array) -> jax.Array:
        """Returns how much of the same good lies before each chunk of a row, [rows, chunks]."""
        good = jnp.tile(jnp.asarray(self.good_of), chunks.shape[1] // self.components)
        is_in = good[:, None] == jnp.arange(self.goods)
        by_good = jnp.where(is_in, chunks[..., None], jnp.zeros((), chunks.dtype))
        upto = jnp.cumsum(by_good, axis=1, dtype=chunks.dtype) - by_good
        return jnp.sum(jnp.where(is_in, upto, jnp.zeros((), chunks.dtype)), -1, dtype=chunks.dtype)


def act_on_property(
    rights: PropertyRights,
    state: jax.Array,
    bundles: jax.Array,
    lots: Lots,
    act: Callable[[jax.Array], jax.Array],
) -> jax.Array:
    """Returns the state after everybody has acted on its own, and on nothing else.

    Args:
        rights: Which part of the state is whose.
        state: [C].
        bundles: What everybody owns, [agents, M].
        lots: From `begin`, or what later trades made of it.
        act: From the parts, [agents, C], to what becomes of each.

    Returns:
        The next state, [C].

    Example:
        >>> import jax.numpy as jnp
        >>> state, bundles = jnp.array([3.0, 1.0]), jnp.array([[2.0, 1.0], [1.0, 0.0]])
        >>> act_on_property(Identity(2), state, bundles, None, lambda parts: 2 * parts)
        Array([6., 2.], dtype=float32)

    Source: paper definition 2.2, `ξ`, and algorithm 2, "s ← Σ s'[α]".
    """
    return rights.join(act(rights.private(state, bundles, lots)))

"""The contract of tastes, tested on random bundles and sights."""

from collections.abc import Mapping
from functools import cached_property
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from catallax._types import exact
from catallax.checks._clauses import (
    Clause,
    Finding,
    OnFail,
    clause,
    demand,
    demand_members,
    demand_value,
    hold_to,
)
from catallax.industries import Sight, Taste

CONTRACT: list[Clause] = []
MEMBERS = ("goods", "first", "valuation", "learned")
CASES, SIGHTS, CLOSE = 12, 4, 1e-9
STRANGER = "what it does not know"


class Tasting:
    """A taste, and random bundles of its goods and of one more, the first."""

    def __init__(self, taste: Any) -> None:
        self.taste = taste

    @cached_property
    def goods(self) -> tuple[str, ...]:
        """A good that is not its own, and its goods."""
        return (STRANGER, *self.taste.goods)

    @cached_property
    def sights(self) -> list[Sight]:
        """What may be seen; at first nothing is there."""
        draw, count = np.random.default_rng(5), len(self.taste.goods)
        seen: Any = [
            (step * 1.0, *(draw.exponential(size=(2, count)) * (step > 0)))
            for step in range(SIGHTS)
        ]
        with exact():
            return [Sight(*map(jnp.asarray, one)) for one in seen]

    @cached_property
    def bundles(self) -> np.ndarray:
        """float64 `[cases, 1 + k]`: nothing, then some of everything, or of most goods."""
        draw = np.random.default_rng(6)
        some = draw.exponential(size=(CASES, len(self.goods)))
        some *= (draw.random(some.shape) < 0.8) * 10.0 ** draw.integers(-2, 3, (CASES, 1))
        some[0] = 0.0
        return some

    def first(self) -> Any:
        """The first memory."""
        with exact():
            return self.taste.first()

    def values(self, sight: Sight, memory: Any = None) -> Any:
        """Its valuation at a sight, by default with the first memory."""
        with exact():
            remembers = self.taste.first() if memory is None else memory
            return self.taste.valuation(self.goods, remembers, sight)

    def worths(self, bundles: np.ndarray, sight: Sight) -> np.ndarray:
        """What bundles `[cases, 1 + k]` are worth."""
        with exact():
            values = self.values(sight)
            return np.asarray(jax.vmap(lambda one: values.worth(one[None])[0])(bundles))

    def after(self, compiled: bool = False) -> list[Any]:
        """What it remembers after bundles turned out to be worth 1 credit more than nothing."""
        learn = jax.jit(self.taste.learned) if compiled else self.taste.learned
        memories = [self.first()]
        with exact():
            for sight, bundle in zip(self.sights, self.bundles[:, 1:], strict=False):
                memories.append(learn(memories[-1], sight, jnp.asarray(bundle), jnp.asarray(1.0)))
        return memories


def check_taste(
    taste: Taste,
    *,
    on_fail: OnFail = "raise",
    expected_failures: Mapping[str, str] | None = None,
) -> list[Finding]:
    """Checks that a taste of yours keeps the contract of `Taste`.

    It is tried on 12 bundles, the empty one first, and 4 sights. That a value is concave and
    never falls is not refuted by them, which is less than a proof.

    Args:
        taste: The taste.
        on_fail: `"raise"` at the first broken clause, or `"report"` all findings.
        expected_failures: Reasons by the names of clauses that it breaks on purpose; one that
            passes all the same is reported too.

    Returns:
        One `Finding` a clause.

    Raises:
        CheckFailed: If a clause is broken.
        InvalidSetting: If a clause that is not there is expected to fail.

    Example:
        >>> import catallax as cx
        >>> findings = check_taste(cx.tastes.CES({"bread": 1.0, "beer": 2.0}, substitution=0.5))
        >>> findings[4].clause
        'nothing is worth nothing'

    Source: paper Definition 2.2, and its condition for an equilibrium that values are concave.
    """
    name = f"The taste {type(taste).__name__}"
    return hold_to(name, CONTRACT, Tasting(taste), on_fail, expected_failures)


@clause(
    CONTRACT,
    "follows the protocol",
    "A market asks for each of these.",
    f"Give it {', '.join(MEMBERS)}, as Taste describes them.",
)
def follows_protocol(tasting: Tasting) -> None:
    """All members are there."""
    demand_members(tasting.taste, MEMBERS)


@clause(
    CONTRACT,
    "is a frozen value",
    "A market is compiled for its tastes, which are a key.",
    "Make it a frozen dataclass of hashable fields; pass named functions.",
)
def is_value(tasting: Tasting) -> None:
    """Hashable and frozen."""
    demand_value(tasting.taste)


@clause(
    CONTRACT,
    "names each good once",
    "A bundle has one place for each.",
    "Return a tuple of different names, at least one.",
)
def names_goods(tasting: Tasting) -> None:
    """Different names."""
    goods = tasting.taste.goods
    demand(isinstance(goods, tuple) and goods, f"its goods are {goods!r}")
    demand(len(set(goods)) == len(goods), f"its goods are {goods}")


@clause(
    CONTRACT,
    "values the goods of the market for one agent",
    "Households of one family are put into one table, step after step.",
    "Return valuations of 1 agent and all goods given, of the same family at every sight.",
)
def values_all_goods(tasting: Tasting) -> None:
    """Shape and family."""
    each = [tasting.values(sight) for sight in tasting.sights]
    shape = (each[0].agents, each[0].goods)
    demand(shape == (1, len(tasting.goods)), f"it values {shape[1]} goods for {shape[0]} agents")
    kinds = {jax.tree.structure(one) for one in each}
    demand(len(kinds) == 1, f"what it sees changes its family: {kinds}")


@clause(
    CONTRACT,
    "nothing is worth nothing",
    "Who buys nothing would be paid, or would pay.",
    "Subtract what an empty bundle is worth.",
)
def nothing_is_worthless(tasting: Tasting) -> None:
    """v(0) = 0."""
    for sight in tasting.sights:
        (worth,) = tasting.worths(np.zeros((1, len(tasting.goods))), sight)
        demand(worth == 0, f"an empty bundle is worth {worth}")


@clause(
    CONTRACT,
    "looks at its own goods only",
    "Its sight has no others.",
    "Value the goods that it names, at their places among the goods given.",
)
def looks_at_its_own(tasting: Tasting) -> None:
    """The stranger is worth nothing."""
    with_it, sight = tasting.bundles.copy(), tasting.sights[-1]
    with_it[:, 0] += 7.0
    same = np.array_equal(tasting.worths(with_it, sight), tasting.worths(tasting.bundles, sight))
    demand(same, "a good that it does not name changes what bundles are worth")


@clause(
    CONTRACT,
    "more is never worth less",
    "Whoever has too much may leave it.",
    "Return what the best part of the bundle is worth.",
)
def never_falls(tasting: Tasting) -> None:
    """v(x) ≤ v(x + y)."""
    less, more = tasting.bundles[1:], tasting.bundles[1:] + tasting.bundles[:-1]
    for sight in tasting.sights:
        low, high = tasting.worths(less, sight), tasting.worths(more, sight)
        demand(np.isfinite(high).all(), f"a bundle is worth {high[~np.isfinite(high)][:1]}")
        falls = low - high > CLOSE * np.abs(high)
        demand(not falls.any(), f"{less[falls][:1]} is worth more than {more[falls][:1]}")


@clause(
    CONTRACT,
    "is concave",
    "Where mixtures are worth more than what is mixed no prices may clear the market.",
    "Let every further unit be worth at most as much as the one before.",
)
def is_concave(tasting: Tasting) -> None:
    """v((x + y)/2) ≥ (v(x) + v(y))/2."""
    one, other = tasting.bundles[1:], tasting.bundles[:-1]
    for sight in tasting.sights:
        ends = (tasting.worths(one, sight) + tasting.worths(other, sight)) / 2
        middle = tasting.worths((one + other) / 2, sight)
        dents = ends - middle > CLOSE * np.abs(ends)
        demand(
            not dents.any(), f"between {one[dents][:1]} and {other[dents][:1]} it gains by mixing"
        )


@clause(
    CONTRACT,
    "keeps its word about scale",
    "With a budget a market is cleared by it.",
    "Return valuations that say homogeneous where twice the bundle is worth twice as much.",
)
def keeps_scale(tasting: Tasting) -> str | None:
    """v(2x) = 2 v(x), if it says so."""
    sight = tasting.sights[-1]
    if not tasting.values(sight).homogeneous:
        return "its values are not said to be homogeneous"
    once, twice = (tasting.worths(k * tasting.bundles, sight) for k in (1.0, 2.0))
    demand(np.allclose(twice, 2 * once, rtol=CLOSE), f"twice {once} is {twice}")
    return None


@clause(
    CONTRACT,
    "remembers in one form",
    "A step is compiled for the shape of what is remembered.",
    "Return a memory of the same arrays, in the same shapes, finite and float64.",
)
def remembers_alike(tasting: Tasting) -> None:
    """The shapes of memories."""
    before, *after = tasting.after()
    for memory in after:
        demand(_forms(memory) == _forms(before), f"{_forms(before)} became {_forms(memory)}")
        finite = all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(memory))
        demand(finite, f"it remembers {memory}")


def _forms(memory: Any) -> Any:
    leaves, kind = jax.tree.flatten(memory)
    return kind, [(np.shape(leaf), str(jnp.asarray(leaf).dtype)) for leaf in leaves]


@clause(
    CONTRACT,
    "is the same when compiled",
    "A step of the market is one compiled program.",
    "Use JAX functions only, branch on no value, and keep nothing between two calls.",
)
def compiles(tasting: Tasting) -> None:
    """The same memories and worths under `jax.jit`."""
    for plain, traced in zip(tasting.after(), tasting.after(compiled=True), strict=True):
        pairs = zip(jax.tree.leaves(plain), jax.tree.leaves(traced), strict=True)
        same = all(np.allclose(one, other, rtol=1e-6) for one, other in pairs)
        demand(same, f"compiled, it remembers {traced}, not {plain}")
    sight = tasting.sights[-1]
    with exact():
        worth = jax.jit(lambda seen, one: tasting.values(seen).worth(one)[0])
        traced = jax.vmap(lambda one: worth(sight, one[None]))(tasting.bundles)
    plain = tasting.worths(tasting.bundles, sight)
    demand(np.allclose(traced, plain, rtol=1e-6), f"compiled, bundles are worth {traced}")

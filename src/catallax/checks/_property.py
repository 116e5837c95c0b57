"""The laws of property rights, tested on random states, bundles and lots."""

from collections.abc import Mapping
from functools import cached_property
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from catallax._property import PropertyRights
from catallax._types import exact, floats
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

CONTRACT: list[Clause] = []
MEMBERS = ("components", "goods", "observe", "begin", "private", "join")
CASES, AGENTS, MOST = 12, 4, 1000


class Case(NamedTuple):
    """A state, the bundles that are owned of it, and the lots of those who owned it before."""

    state: np.ndarray
    bundles: np.ndarray
    before: np.ndarray


class Holding:
    """Property rights, and random states with owners.

    Args:
        rights: The rights; nothing of them is touched before a clause asks.
        whole: Whether quantities are int64 or float32.
    """

    def __init__(self, rights: Any, whole: bool) -> None:
        self.rights = rights
        self.whole = whole
        self.dtype = np.int64 if whole else np.float32

    def context(self) -> Any:
        """The precision in which it is tried."""
        return exact() if self.whole else floats()

    @cached_property
    def cases(self) -> list[Case]:
        """Random cases; in the first nothing is there, in the second one agent owns everything."""
        draw = np.random.default_rng(3)
        return [self._case(draw, number) for number in range(CASES)]

    def _case(self, draw: np.random.Generator, number: int) -> Case:
        count = int(self.rights.components)
        state = draw.integers(0, MOST, count) * (draw.random(count) < 0.8) * (number > 0)
        before = split(draw, state, AGENTS)
        with self.context():
            seen = np.asarray(self.rights.observe(jnp.asarray(state.astype(self.dtype))))
        bundles = split(draw, seen.astype(np.int64), AGENTS)
        if number == 1:
            bundles = np.zeros_like(bundles)
            bundles[2] = seen
        return Case(*(part.astype(self.dtype) for part in (state, bundles, before)))

    def observe(self, states: np.ndarray) -> np.ndarray:
        """Asks what is seen."""
        with self.context():
            return np.asarray(self.rights.observe(jnp.asarray(states)))

    def join(self, parts: np.ndarray) -> np.ndarray:
        """Asks for the joint state."""
        with self.context():
            return np.asarray(self.rights.join(jnp.asarray(parts)))

    def private(self, case: Case, compiled: bool = False) -> np.ndarray:
        """Asks for the parts."""
        ask = jax.jit(self.rights.private) if compiled else self.rights.private
        with self.context():
            lots = self.rights.begin(jnp.asarray(case.before))
            return np.asarray(ask(jnp.asarray(case.state), jnp.asarray(case.bundles), lots))

    @cached_property
    def parts(self) -> list[np.ndarray]:
        """The parts of every case."""
        return [self.private(case) for case in self.cases]

    def demand_same(self, found: np.ndarray, wanted: np.ndarray, what: str) -> None:
        """Breaks the clause unless arrays agree: exactly, or to the rounding of floats."""
        same = np.array_equal(found, wanted)
        if not self.whole and found.shape == wanted.shape:
            same = np.allclose(found, wanted, rtol=1e-5, atol=1e-5 * MOST)
        demand(same, f"{what}: {found.tolist()}, not {wanted.tolist()}")


def split(draw: np.random.Generator, total: np.ndarray, agents: int) -> np.ndarray:
    """Splits whole totals [k] at random among agents: int64 [agents, k]."""
    cuts = draw.integers(0, total + 1, (agents - 1, len(total)))
    ends = np.vstack([np.zeros_like(total), np.sort(cuts, axis=0), total])
    return np.diff(ends, axis=0)


def check_property_rights(
    rights: PropertyRights,
    *,
    whole: bool = True,
    on_fail: OnFail = "raise",
    expected_failures: Mapping[str, str] | None = None,
) -> list[Finding]:
    """Checks that property rights of yours keep the laws of `PropertyRights`.

    It tries them on 12 random states with 4 owners, among them an empty one, and one where a single
    agent owns everything.

    Args:
        rights: The rights.
        whole: Whether quantities are whole (int64), where the laws hold exactly, or float32, where
            they hold to rounding.
        on_fail: `"raise"` at the first broken clause, or `"report"` all findings.
        expected_failures: Reasons by the names of clauses that they break on purpose; one that
            passes all the same is reported too.

    Returns:
        One `Finding` a clause.

    Raises:
        CheckFailed: If a clause is broken.
        InvalidSetting: If a clause that is not there is expected to fail.

    Example:
        >>> from catallax._property import ProRata
        >>> findings = check_property_rights(ProRata((0, 0, 1)))
        >>> findings[3].clause
        'the parts sum to the state'

    Source: paper definition 2.2.
    """
    name = f"The property rights {type(rights).__name__}"
    return hold_to(name, CONTRACT, Holding(rights, whole), on_fail, expected_failures)


@clause(
    CONTRACT,
    "follows the protocol",
    "A market asks for each of these.",
    f"Give it {', '.join(MEMBERS)}, as PropertyRights describes them.",
)
def follows_protocol(holding: Holding) -> None:
    """All members are there."""
    demand_members(holding.rights, MEMBERS)


@clause(
    CONTRACT,
    "is a frozen value",
    "A market is compiled for its rights, which are a key.",
    "Make it a frozen dataclass of hashable fields.",
)
def is_value(holding: Holding) -> None:
    """Hashable and frozen."""
    demand_value(holding.rights)


@clause(
    CONTRACT,
    "gives everybody a part",
    "The next state is computed from one part for each owner.",
    "Return [agents, components], in the dtype of the state.",
)
def gives_parts(holding: Holding) -> None:
    """Shapes and dtype."""
    for case in holding.cases:
        seen = holding.observe(case.state).shape
        demand(seen == (holding.rights.goods,), f"it shows a state as an array of shape {seen}")
    wanted = ((AGENTS, holding.rights.components), np.dtype(holding.dtype))
    for part in holding.parts:
        found = (part.shape, part.dtype)
        demand(found == wanted, f"its parts are {found[1]} {found[0]}, not {wanted[1]} {wanted[0]}")


@clause(
    CONTRACT,
    "the parts sum to the state",
    "What is in no part would be lost, and what is in two acted on twice.",
    "Divide every component among the owners, to the last quantum.",
)
def parts_sum(holding: Holding) -> None:
    """Σ s[α] = s."""
    for case, part in zip(holding.cases, holding.parts, strict=True):
        holding.demand_same(part.sum(axis=0), case.state, "the parts sum to")


@clause(
    CONTRACT,
    "no part is negative",
    "Nobody owes the world a thing that is not there.",
    "Take from nobody more of a component than it holds.",
)
def parts_are_not_negative(holding: Holding) -> None:
    """s[α] ≥ 0."""
    for part in holding.parts:
        demand((part >= 0).all(), f"somebody acts on {part.min()} of a component")


@clause(
    CONTRACT,
    "each is observed as exactly what it owns",
    "An owner paid for the bundle it sees.",
    "Give each a part of which `observe` shows its bundle: ω(s_x(ω)) = ω.",
)
def observed_as_owned(holding: Holding) -> None:
    """ω(s[α]) = ω[α]."""
    for case, part in zip(holding.cases, holding.parts, strict=True):
        holding.demand_same(holding.observe(part), case.bundles, "the parts are observed as")


@clause(
    CONTRACT,
    "what is observed adds up",
    "Bundles are bought and joined; so must be what is behind them.",
    "Make `observe` a sum over components.",
)
def observation_adds_up(holding: Holding) -> None:
    """ω(s + s') = ω(s) + ω(s')."""
    for one, other in zip(holding.cases, holding.cases[1:], strict=False):
        both = holding.observe(one.state + other.state)
        apart = holding.observe(one.state) + holding.observe(other.state)
        holding.demand_same(both, apart, "two states together are observed as")


@clause(
    CONTRACT,
    "the joint action is the sum of the parts",
    "The state after a step is what everybody made of its own.",
    "Return the sum of the parts, in their dtype.",
)
def joins_by_sum(holding: Holding) -> None:
    """ξ(x₁, …, xₙ) = Σ xᵢ."""
    for case in holding.cases:
        made = case.before * 2 + 1  # whatever owners make of their parts
        holding.demand_same(holding.join(made), made.sum(axis=0), "the parts are joined to")


@clause(
    CONTRACT,
    "the joint action is associative",
    "It does not matter who acts together with whom first.",
    "Return the sum of the parts.",
)
def joins_in_any_order(holding: Holding) -> None:
    """ξ(ξ(a, b), c) = ξ(a, ξ(b, c))."""
    for case in holding.cases[1:]:
        a, b, c, _ = case.before + np.arange(AGENTS, dtype=holding.dtype)[:, None]
        first = holding.join(np.stack([holding.join(np.stack([a, b])), c]))
        last = holding.join(np.stack([a, holding.join(np.stack([b, c]))]))
        holding.demand_same(first, last, "those on the left joined first, it is")


@clause(
    CONTRACT,
    "is the same when compiled",
    "A step of the market is one compiled program.",
    "Use JAX functions only, branch on no value, and keep nothing between two calls.",
)
def compiles(holding: Holding) -> None:
    """The same parts under `jax.jit`."""
    for case, part in zip(holding.cases[:3], holding.parts, strict=False):
        holding.demand_same(holding.private(case, compiled=True), part, "compiled, the parts are")

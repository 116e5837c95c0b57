"""The checker of property rights: the library's pass, and each clause finds its culprit."""

from dataclasses import dataclass

import jax.numpy as jnp
import pytest

from catallax import checks
from catallax._errors import CheckFailed
from catallax._property import Identity, ProRata, TitledLots
from catallax.checks import check_property_rights

GOOD_OF = (0, 1, 0, 0, 1)


def broken(findings):
    return {finding.clause for finding in findings if not finding.passed}


@pytest.mark.parametrize("whole", [True, False])
@pytest.mark.parametrize(
    "rights",
    [
        Identity(1),
        Identity(4),
        ProRata((0,)),
        ProRata(GOOD_OF),
        TitledLots(GOOD_OF),
        TitledLots((0, 1), ages=2),
    ],
)
def test_the_rights_of_the_library_are_lawful(rights, whole):
    assert all(finding.passed for finding in check_property_rights(rights, whole=whole))


@dataclass(frozen=True)
class Wrong(ProRata):
    """Lawful; the others spoil it."""

    good_of: tuple[int, ...] = GOOD_OF


@dataclass(frozen=True)
class LosesTheLast(Wrong):
    def private(self, state, bundles, lots):
        return super().private(state, bundles, lots).at[-1].set(0)


@dataclass(frozen=True)
class Owes(Wrong):
    """One owner has more of one kind and less than nothing of another, its neighbour reversed."""

    def private(self, state, bundles, lots):
        parts = super().private(state, bundles, lots)
        return parts.at[0, 0].add(5000).at[0, 2].add(-5000).at[1, 0].add(-5000).at[1, 2].add(5000)


@dataclass(frozen=True)
class GivesAllToTheFirst(Wrong):
    def private(self, state, bundles, lots):
        return jnp.zeros((len(bundles), len(state)), state.dtype).at[0].set(state)


@dataclass(frozen=True)
class SeesTheLargest(Wrong):
    """A nonlinear eye: of each good only the largest component is seen."""

    def observe(self, states):
        one, two = states[..., jnp.array([0, 2, 3])], states[..., jnp.array([1, 4])]
        return jnp.stack([one.max(axis=-1), two.max(axis=-1)], axis=-1)


@dataclass(frozen=True)
class JoinsByTheLargest(Wrong):
    """Associative, and no sum."""

    def join(self, parts):
        return parts.max(axis=0)


@dataclass(frozen=True)
class JoinsByTheMiddle(Wrong):
    """Neither a sum nor associative."""

    def join(self, parts):
        return parts.sum(axis=0) // len(parts)


@dataclass(frozen=True)
class Narrow(Wrong):
    def private(self, state, bundles, lots):
        return super().private(state, bundles, lots).astype(jnp.float32)


@dataclass(frozen=True)
class ShowsOneMore(Wrong):
    def observe(self, states):
        seen = super().observe(states)
        return jnp.concatenate([seen, jnp.zeros_like(seen[..., :1])], axis=-1)


@dataclass(frozen=True)
class Branches(Wrong):
    def private(self, state, bundles, lots):
        return super().private(state, bundles, lots) if state.sum() >= 0 else bundles


class Loose(Identity):
    __hash__ = None

    def __init__(self):
        object.__setattr__(self, "components", 3)


@dataclass(frozen=True)
class Empty:
    components: int = 2


CULPRITS = [
    (Empty(), "follows the protocol"),
    (Loose(), "is a frozen value"),
    (Narrow(), "gives everybody a part"),
    (ShowsOneMore(), "gives everybody a part"),
    (LosesTheLast(), "the parts sum to the state"),
    (Owes(), "no part is negative"),
    (GivesAllToTheFirst(), "each is observed as exactly what it owns"),
    (SeesTheLargest(), "what is observed adds up"),
    (JoinsByTheLargest(), "the joint action is the sum of the parts"),
    (JoinsByTheMiddle(), "the joint action is associative"),
    (Branches(), "is the same when compiled"),
]


@pytest.mark.parametrize(("rights", "clause"), CULPRITS, ids=lambda part: type(part).__name__)
def test_each_clause_finds_its_culprit(rights, clause):
    assert clause in broken(check_property_rights(rights, on_fail="report"))


@pytest.mark.parametrize(
    ("rights", "clauses"),
    [
        (Owes(), {"no part is negative"}),
        (GivesAllToTheFirst(), {"each is observed as exactly what it owns"}),
        (JoinsByTheLargest(), {"the joint action is the sum of the parts"}),
        (Branches(), {"is the same when compiled"}),
        (ShowsOneMore(), {"gives everybody a part"}),
    ],
    ids=lambda part: type(part).__name__,
)
def test_a_single_fault_breaks_a_single_clause(rights, clauses):
    assert broken(check_property_rights(rights, on_fail="report")) == clauses


def test_every_clause_has_a_culprit_and_lawful_rights_have_none():
    clauses = {finding.clause for finding in check_property_rights(Wrong())}
    assert clauses == {clause for _, clause in CULPRITS}


def test_a_broken_law_is_told_with_what_to_do():
    with pytest.raises(CheckFailed, match=r"The property rights LosesTheLast breaks .* sum to"):
        check_property_rights(LosesTheLast())
    expected = {
        "the parts sum to the state": "a tax in kind",
        "each is observed as exactly what it owns": "the same",
    }
    findings = checks.check_property_rights(LosesTheLast(), expected_failures=expected)
    assert all(finding.fine for finding in findings)

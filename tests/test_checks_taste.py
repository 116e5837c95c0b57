"""The checker of tastes: the library's pass, and each clause finds its culprit."""

from dataclasses import dataclass, field

import jax.numpy as jnp
import numpy as np
import pytest

from catallax import checks, tastes
from catallax._errors import CheckFailed
from catallax.checks import check_taste
from catallax.clearing.equilibrium import valuations


def per_unit(parameters, sight, bundle):
    return jnp.sum(parameters * bundle)


def roots(sight, bundle):
    return jnp.sum(jnp.sqrt(1.0 + sight.offered * bundle) - 1.0)


@pytest.mark.parametrize(
    "taste",
    [
        tastes.CES({"bread": 1.0, "beer": 2.0}, 0.5),
        tastes.CES({"bread": 1.0, "beer": 2.0}, 3.0),
        tastes.CobbDouglas({"bread": 0.5, "beer": 0.5}),
        tastes.FunctionTaste(("bread", "beer"), roots),
        tastes.LearnedTaste(("bread", "beer"), per_unit, (1.0, 2.0)),
    ],
)
def test_the_tastes_of_the_library_keep_the_contract(taste):
    assert all(finding.passed for finding in check_taste(taste))


@dataclass(frozen=True)
class Plain:
    """Lawful; the others spoil it."""

    goods: tuple[str, ...] = ("bread", "beer")

    def first(self):
        return jnp.zeros(2)

    def valuation(self, goods, memory, sight):
        row = np.zeros((1, len(goods)))
        row[0, [goods.index(good) for good in self.goods]] = 1.0
        return self.family(row, sight)

    def family(self, row, sight):
        return valuations.Linear(row)

    def learned(self, memory, sight, bundle, worth):
        return memory + bundle


@dataclass(frozen=True)
class Mutable(Plain):
    notes: list = field(default_factory=list)


@dataclass(frozen=True)
class Twice(Plain):
    goods: tuple[str, ...] = ("bread", "bread")


@dataclass(frozen=True)
class ForTwo(Plain):
    def family(self, row, sight):
        return valuations.Linear(np.concatenate([row, row]))


@dataclass(frozen=True)
class Moody(Plain):
    def family(self, row, sight):
        return valuations.Linear(row) if sight.step > 0 else valuations.Logarithmic(row, 1.0)


def offset(row, bundle):
    return 1.0 + row @ bundle


def satiated(row, bundle):
    return row @ bundle - jnp.sum((row * bundle) ** 2)


def squared(row, bundle):
    return (row @ bundle) ** 2


@dataclass(frozen=True)
class Gift(Plain):
    def family(self, row, sight):
        return valuations.Concave(offset, row, row.shape[1])


@dataclass(frozen=True)
class Sick(Plain):
    def family(self, row, sight):
        return valuations.Concave(satiated, row, row.shape[1])


@dataclass(frozen=True)
class Mixer(Plain):
    def family(self, row, sight):
        return valuations.Concave(squared, row, row.shape[1])


@dataclass(frozen=True)
class Curious(Plain):
    def family(self, row, sight):
        return valuations.Linear(np.ones_like(row))


class Boastful(valuations.Logarithmic):
    homogeneous = True


@dataclass(frozen=True)
class Scales(Plain):
    def family(self, row, sight):
        return Boastful(row, 1.0)


@dataclass(frozen=True)
class Hoarder(Plain):
    def learned(self, memory, sight, bundle, worth):
        return jnp.append(memory, worth)


@dataclass(frozen=True)
class Branches(Plain):
    def learned(self, memory, sight, bundle, worth):
        return memory + bundle if bundle[0] > 0 else memory


CULPRITS = {
    "follows the protocol": object(),
    "is a frozen value": Mutable(),
    "names each good once": Twice(),
    "values the goods of the market for one agent": ForTwo(),
    "nothing is worth nothing": Gift(),
    "looks at its own goods only": Curious(),
    "more is never worth less": Sick(),
    "is concave": Mixer(),
    "keeps its word about scale": Scales(),
    "remembers in one form": Hoarder(),
    "is the same when compiled": Branches(),
}


def test_a_lawful_taste_of_ones_own_passes():
    assert all(finding.passed for finding in check_taste(Plain()))


def test_every_clause_has_a_culprit():
    assert list(CULPRITS) == [finding.clause for finding in check_taste(Plain())]


@pytest.mark.parametrize("clause", CULPRITS)
def test_each_clause_finds_its_culprit(clause):
    findings = check_taste(CULPRITS[clause], on_fail="report")
    assert clause in {finding.clause for finding in findings if not finding.passed}


def test_a_family_that_changes_is_found():
    with pytest.raises(CheckFailed, match="what it sees changes its family"):
        check_taste(Moody())


def test_it_is_shipped():
    assert checks.check_taste is check_taste

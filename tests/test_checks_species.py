"""The checker of species: the library's pass, and each clause finds its culprit."""

import itertools
from dataclasses import dataclass, field
from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from gymnasium.spaces import Box, Discrete, MultiDiscrete

import catallax as cx
from catallax._errors import CheckFailed, UnsupportedSpace
from catallax.checks import check_species

COUNT = itertools.count()


def broken(findings):
    return {finding.clause for finding in findings if not finding.passed}


@pytest.mark.parametrize(
    ("species", "spaces"),
    [
        (cx.Constant(action=1, offer=0.5), (None, None)),
        (cx.Tabular(), (None, None)),
        (cx.Linear(encoder=cx.Tiles(tilings=4), spread=0.1), (None, None)),
        (cx.Linear(encoder=cx.Fourier(features=16, normalise=True)), (None, MultiDiscrete([2, 3]))),
        (cx.Rule(), (None, None)),
        (cx.Neural(hidden=(4,)), (Box(-np.inf, np.inf, (2,)), None)),
        (cx.Neural(hidden=(4,), policy=True, count=3), (None, None)),
        (cx.Neural(hidden=(4,), policy=True, count=3), (None, Box(-2.0, 2.0, (2,)))),
        (cx.Program(function=lambda seen: (0, 1.0)), (None, None)),
        (cx.Program(function=lambda seen: (1, None if seen else 2.0)), (Discrete(4), None)),
    ],
    ids=lambda part: type(part).__name__,
)
def test_the_species_of_the_library_pass(species, spaces):
    assert all(finding.passed for finding in check_species(species, *spaces))


@dataclass(frozen=True, kw_only=True)
class Plain(cx.Species):
    """A species without faults, for the others to spoil."""

    learns: ClassVar[bool] = True
    mutates: ClassVar[bool] = True
    encoder: cx.Index = cx.Index()

    def init(self, key, spaces, index):
        action = cx.agents.nth_action(spaces.action, index)
        return cx.Genes({"offer": jax.random.uniform(key, (), jnp.float32)}, {"action": action})

    def bid(self, genes, senses):
        return genes.learned["offer"]

    def act(self, genes, senses, key):
        return genes.fixed["action"]

    def mutate(self, key, genes):
        return cx.Genes({"offer": genes.learned["offer"] + jnp.float32(0.1)}, genes.fixed)


@dataclass(frozen=True)
class GrowingEncoder(cx.Index):
    def init(self, key, space):
        return jnp.zeros(1, jnp.float32)

    def update(self, state, observations):
        return jnp.concatenate([state, state])


@dataclass(frozen=True)
class BlindEncoder(cx.Index):
    def encode(self, state, observation):
        return jnp.where(observation == 3, jnp.nan, observation.astype(jnp.float32))


@dataclass(frozen=True, kw_only=True)
class Growing(Plain):
    encoder: cx.Index = GrowingEncoder()


@dataclass(frozen=True, kw_only=True)
class Blind(Plain):
    encoder: cx.Index = BlindEncoder()


@dataclass(frozen=True, kw_only=True)
class NanOnce(Plain):
    def bid(self, genes, senses):
        return jnp.where(senses == 4, jnp.nan, genes.learned["offer"])


@dataclass(frozen=True, kw_only=True)
class VectorBid(Plain):
    def bid(self, genes, senses):
        return genes.learned["offer"][None]


@dataclass(frozen=True, kw_only=True)
class Moody(Plain):
    def bid(self, genes, senses):
        return genes.learned["offer"] + jnp.float32(next(COUNT))


@dataclass(frozen=True, kw_only=True)
class Crowd(Plain):
    """Bids otherwise in a batch: `custom_batching` sees the others."""

    def bid(self, genes, senses):
        @jax.custom_batching.custom_vmap
        def bid(offer):
            return offer

        @bid.def_vmap
        def _(size, batched, offer):
            return offer + jnp.float32(size), batched[0]

        return bid(genes.learned["offer"])


@dataclass(frozen=True, kw_only=True)
class IntegerEnters(Plain):
    def enters(self, genes, senses):
        return jnp.int32(1)


@dataclass(frozen=True, kw_only=True)
class OffTheMap(Plain):
    def act(self, genes, senses, key):
        return genes.fixed["action"] + jnp.where(senses == 2, 5, 0).astype(jnp.int32)


@dataclass(frozen=True, kw_only=True)
class Dicing(Plain):
    def act_greedily(self, genes, senses):
        return jnp.int32(next(COUNT) % 2)


@dataclass(frozen=True, kw_only=True)
class Shapeless(Plain):
    def init(self, key, spaces, index):
        genes = super().init(key, spaces, index)
        number = int(index) if isinstance(index, int) else 0
        return genes._replace(fixed={**genes.fixed, "tail": jnp.zeros(number, jnp.float32)})


@dataclass(frozen=True, kw_only=True)
class Random(Plain):
    def init(self, key, spaces, index):
        genes = super().init(key, spaces, index)
        return genes._replace(learned={"offer": jnp.float32(next(COUNT))})


@dataclass(frozen=True, kw_only=True)
class WholeNumbers(Plain):
    def init(self, key, spaces, index):
        genes = super().init(key, spaces, index)
        return genes._replace(learned={**genes.learned, "age": jnp.int32(0)})


@dataclass(frozen=True, kw_only=True)
class Numpy64(Plain):
    def init(self, key, spaces, index):
        genes = super().init(key, spaces, index)
        return genes._replace(fixed={**genes.fixed, "wide": np.zeros(2)})


@dataclass(frozen=True, kw_only=True)
class Clones(Plain):
    def mutate(self, key, genes):
        return genes


@dataclass(frozen=True, kw_only=True)
class LateMonsters(Plain):
    def mutate(self, key, genes):
        offer = genes.learned["offer"] + jnp.float32(0.1)
        return genes._replace(learned={"offer": jnp.where(offer > 3, jnp.inf, offer)})


@dataclass(frozen=True, kw_only=True)
class LogLoss(Plain):
    def loss(self, genes, before, trade):
        return jnp.log(trade.revenue) * self.bid(genes, trade.senses)


@dataclass(frozen=True, kw_only=True)
class Uphill(Plain):
    def loss(self, genes, before, trade):
        bid = self.bid(genes, trade.senses)
        return 0.5 * (2 * jax.lax.stop_gradient(bid) - bid - trade.revenue) ** 2


@dataclass(frozen=True, kw_only=True)
class RefusesAll(Plain):
    def supports(self, spaces):
        raise UnsupportedSpace("It has a fright.", "It is shy.", "Be gentle.")


@dataclass(frozen=True, kw_only=True)
class RaisesElsewhere(Plain):
    def supports(self, spaces):
        if not isinstance(spaces.observation, Discrete):
            raise ValueError("no")


@dataclass(frozen=True, kw_only=True)
class TakesAnything(Plain):
    def supports(self, spaces):
        return None


@dataclass(frozen=True, kw_only=True)
class Doubling(Plain):
    size: float = 1.0

    def __post_init__(self):
        object.__setattr__(self, "size", 2 * self.size)


@dataclass(frozen=True, kw_only=True)
class Unhashable(Plain):
    table: list = field(default_factory=list)


def contrary(seen, calls=iter(range(10**6))):
    return 0, float(next(calls))


CULPRITS = [
    (Unhashable(), "is a frozen value"),
    (RefusesAll(), "serves the spaces"),
    (RaisesElsewhere(), "refuses spaces that it cannot serve"),
    (TakesAnything(), "refuses spaces that it cannot serve"),
    (Doubling(), "can be saved"),
    (Blind(), "senses have one form"),
    (Growing(), "the encoder keeps its form"),
    (Shapeless(), "genes have one form"),
    (Random(), "the same key gives the same genes"),
    (Numpy64(), "genes are 32 bits wide"),
    (NanOnce(), "a bid is a finite float32 scalar"),
    (VectorBid(), "a bid is a finite float32 scalar"),
    (Moody(), "a bid depends on genes and senses only"),
    (Crowd(), "agents bid in a batch as alone"),
    (IntegerEnters(), "enters is a bool"),
    (OffTheMap(), "actions are of the space"),
    (Dicing(), "acts greedily without chance"),
    (WholeNumbers(), "what is learned is float32"),
    (Clones(), "children are like their parents, and not the same"),
    (LateMonsters(), "children are like their parents, and not the same"),
    (LogLoss(), "its loss is finite and has a gradient"),
    (Uphill(), "a step down the gradient lowers the loss"),
    (cx.Program(function=lambda seen: (9, 1.0)), "offers are in form"),
    (cx.Program(function=lambda seen: (0, float(np.log(seen[0] + 1)))), "offers are in form"),
    (cx.Program(function=contrary), "offers depend on the observation only"),
]


@pytest.mark.filterwarnings("ignore:divide by zero:RuntimeWarning")
@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")
@pytest.mark.parametrize(("species", "clause"), CULPRITS, ids=lambda part: str(part)[:30])
def test_each_clause_finds_its_culprit(species, clause):
    assert clause in broken(check_species(species, on_fail="report"))


def test_every_clause_of_species_has_a_culprit_and_a_plain_species_has_none():
    findings = check_species(Plain()) + check_species(cx.Program(function=lambda seen: (0, 1.0)))
    assert {finding.clause for finding in findings} == {clause for _, clause in CULPRITS}


def test_the_failure_names_the_observation():
    with pytest.raises(CheckFailed, match=r"NanOnce .* bids nan on observation 4, 4"):
        check_species(NanOnce())


def test_expected_failures_of_species_do_not_raise():
    clauses = {
        "a bid is a finite float32 scalar",
        "its loss is finite and has a gradient",
        "a step down the gradient lowers the loss",
    }
    reasons = dict.fromkeys(clauses, "room 4 is locked")
    assert broken(check_species(NanOnce(), expected_failures=reasons)) == clauses


def test_what_a_species_does_not_do_is_a_remark():
    details = {finding.detail for finding in check_species(cx.Constant())}
    assert {"it does not learn", "it does not mutate"} <= details

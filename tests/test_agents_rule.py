"""Ternary rules against a matcher of strings of 0, 1 and #."""

from fractions import Fraction

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from gymnasium.spaces import Box, Discrete, MultiBinary, MultiDiscrete
from hypothesis import given
from hypothesis import strategies as st

import catallax as cx
from catallax._errors import InvalidSetting, UnsupportedSpace
from catallax.agents._rule import rule

KEY = jax.random.key(0)
WIDE = cx.Spaces(MultiBinary(70), MultiDiscrete([2, 5]))


def matches(pattern, bits):
    return all(want in ("#", bit) for want, bit in zip(pattern, bits, strict=True))


def rule_of(pattern, action=0, offer=1.0):
    cares = jnp.asarray([want != "#" for want in pattern])
    wanted = jnp.asarray([want == "1" for want in pattern])
    return rule(cares, wanted, jnp.int32(action), jnp.float32(offer), jnp.int32(2))


def pattern_of(genes, size):
    def bits(name):
        words = np.asarray(genes.fixed[name]).tolist()
        number = sum(word << (32 * index) for index, word in enumerate(words))
        assert number < 2**size, f"{name} has a bit outside its {size} places"
        return [number >> place & 1 for place in range(size)]

    pairs = zip(bits("cares"), bits("wanted"), strict=True)
    return "".join("01"[want] if care else "#" for care, want in pairs)


ENTERS = jax.jit(lambda genes, bits: cx.Rule().enters(genes, cx.Bits().encode({}, bits)))


@given(
    st.sampled_from([1, 31, 32, 33, 70]).flatmap(
        lambda size: st.tuples(
            st.text("01#", min_size=size, max_size=size),
            st.text("01", min_size=size, max_size=size),
            st.integers(0, size),
        )
    )
)
def test_a_rule_bids_where_its_pattern_matches(case):
    pattern, other, flipped = case
    fitting = [bit if want == "#" else want for want, bit in zip(pattern, other, strict=True)]
    if flipped < len(fitting):
        fitting[flipped] = "10"[int(fitting[flipped])]
    genes = rule_of(pattern)
    for bits in (other, "".join(fitting)):
        seen = jnp.asarray([float(bit) for bit in bits], jnp.float32)
        assert bool(ENTERS(genes, seen)) == matches(pattern, bits)


def test_an_index_is_matched_by_its_binary_digits_lowest_first():
    genes = rule_of("#1#")
    entered = [bool(cx.Rule().enters(genes, cx.Bits().encode({}, jnp.int32(n)))) for n in range(8)]
    assert entered == [matches("#1#", f"{n:03b}"[::-1]) for n in range(8)]


def test_it_bids_its_offer_and_does_its_action():
    genes, species = rule_of("01", action=1, offer=0.75), cx.Rule()
    assert float(species.bid(genes, None)) == 0.75
    assert int(species.act(genes, None, KEY)) == int(species.act_greedily(genes, None)) == 1


def born(species, count, spaces=WIDE):
    keys = jax.random.split(KEY, count)
    return jax.vmap(lambda key: species.init(key, spaces, 0))(keys)


def test_first_rules_are_as_general_as_asked_and_bid_evenly():
    genes = born(cx.Rule(generality=0.25, offer_max=4.0), 1000)
    one = [jax.tree.map(lambda leaf, n=n: np.asarray(leaf)[n], genes) for n in range(1000)]
    text = "".join(pattern_of(single, 70) for single in one)
    shares = [text.count(letter) / len(text) for letter in "#01"]
    assert shares == pytest.approx([0.25, 0.375, 0.375], abs=0.01)
    offers = np.asarray(genes.learned["offer"])
    assert 0 <= offers.min() and offers.max() <= 4
    assert np.quantile(offers, [0.25, 0.5, 0.75]) == pytest.approx([1, 2, 3], abs=0.3)
    actions = np.asarray(genes.fixed["action"])
    assert {tuple(action) for action in actions.tolist()} == {
        (one, two) for one in range(2) for two in range(5)
    }


@pytest.mark.parametrize(("generality", "letters"), [(1.0, {"#"}), (0.0, {"0", "1"})])
def test_generality_has_ends(generality, letters):
    genes = cx.Rule(generality=generality).init(KEY, WIDE, 0)
    assert set(pattern_of(genes, 70)) == letters


def children(species, parent, count):
    keys = jax.random.split(jax.random.key(5), count)
    stacked = jax.vmap(species.mutate, (0, None))(keys, parent)
    return [jax.tree.map(lambda leaf, n=n: np.asarray(leaf)[n], stacked) for n in range(count)]


def test_children_stay_within_their_places_and_actions():
    species = cx.Rule(mutation=1.0)
    line = cx.Rule(mutation=0.5).init(KEY, WIDE, 0)
    mutate = jax.jit(species.mutate)
    for generation in range(30):
        line = mutate(jax.random.key(generation), line)
        pattern_of(line, 70)
        action = line.fixed["action"].tolist()
        assert 0 <= action[0] < 2 and 0 <= action[1] < 5
        assert float(line.learned["offer"]) >= 0


def test_a_child_without_mutation_keeps_condition_and_action():
    parent = cx.Rule().init(KEY, WIDE, 0)
    for child in children(cx.Rule(mutation=0.0), parent, 20):
        assert pattern_of(child, 70) == pattern_of(parent, 70)
        assert child.fixed["action"].tolist() == parent.fixed["action"].tolist()


def test_a_tenth_of_the_places_change_and_those_newly_cared_for_want_either():
    parent = cx.Rule(generality=0.5).init(KEY, WIDE, 0)
    before = pattern_of(parent, 70)
    pairs = [
        (old, new)
        for child in children(cx.Rule(mutation=0.1), parent, 400)
        for old, new in zip(before, pattern_of(child, 70), strict=True)
    ]
    from_either = [new for old, new in pairs if old == "#"]
    from_care = [(old, new) for old, new in pairs if old != "#"]
    cared = [new for new in from_either if new != "#"]
    assert len(cared) / len(from_either) == pytest.approx(0.1, abs=0.02)
    assert cared.count("1") / len(cared) == pytest.approx(0.5, abs=0.05)
    dropped = sum(new == "#" for _, new in from_care) / len(from_care)
    assert dropped == pytest.approx(0.1, abs=0.02)


def test_a_childs_action_is_redrawn_as_often_as_a_place():
    parent = cx.Rule().init(KEY, WIDE, 0)
    before = parent.fixed["action"].tolist()
    family = children(cx.Rule(mutation=0.5), parent, 400)
    moved = np.mean([child.fixed["action"].tolist() != before for child in family])
    assert moved == pytest.approx(0.5 * 9 / 10, abs=0.08)


@pytest.mark.parametrize("stake", [Fraction(0), Fraction(-1, 3), Fraction(4, 3)], ids=str)
def test_a_stake_is_a_share(stake):
    with pytest.raises(InvalidSetting, match="Rule was given stake="):
        cx.Rule(stake=stake)
    assert cx.Rule(stake=Fraction(1)).stake == 1


def test_a_childs_bid_is_jittered_by_a_tenth_of_the_largest():
    parent = rule_of("01", offer=5.0)
    offers = [
        float(child.learned["offer"]) for child in children(cx.Rule(offer_max=10), parent, 400)
    ]
    assert np.mean(offers) == pytest.approx(5.0, abs=0.2)
    assert np.std(offers) == pytest.approx(1.0, abs=0.15)


@pytest.mark.parametrize(
    "wrong", [{"generality": -0.1}, {"generality": 1.1}, {"mutation": 2.0}, {"mutation": -1.0}]
)
def test_probabilities_are_checked(wrong):
    with pytest.raises(InvalidSetting, match="Rule was given"):
        cx.Rule(**wrong)


@pytest.mark.parametrize(
    ("seen", "acts"),
    [
        (Box(-1.0, 1.0, (3,)), Discrete(2)),
        (MultiBinary(3), Box(-1.0, 1.0, (1,))),
        (MultiBinary(3), MultiDiscrete([2] * 11)),
    ],
    ids=lambda value: type(value).__name__,
)
def test_unsupported_spaces_are_told(seen, acts):
    with pytest.raises(UnsupportedSpace):
        cx.Rule().supports(cx.Spaces(seen, acts))

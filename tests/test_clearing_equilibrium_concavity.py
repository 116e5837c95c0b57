"""Unknown functions are probed: bends are found wherever they hide, and nothing else is refused."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from catallax._errors import InvalidMarket, NotConcave
from catallax.clearing.equilibrium import valuations as cv
from catallax.clearing.equilibrium._border import market_of
from catallax.clearing.equilibrium._certificate import certify
from catallax.clearing.equilibrium._concavity import PAIRS, SLACK, drawn, probe

SUPPLY = np.array([1.0, 30.0, 0.0])
EACH = np.array([1.0, 2.0])

CONCAVE = {
    "linear": lambda a, x: a * jnp.sum(x),
    "root": lambda a, x: a * jnp.sum(jnp.sqrt(x)),
    "satiated": lambda a, x: a * (10 * x[0] - x[0] ** 2) + x[1],
    "least": lambda a, x: a * jnp.min(x),
    "nothing": lambda a, x: 0 * a * x[0],
    "product": lambda a, x: a * jnp.prod(jnp.where(x > 0, x, 0.0)) ** (1 / 3),
}
BENT = {
    "square": lambda a, x: a * jnp.sum(x**2),
    "increasing returns": lambda a, x: a * jnp.prod(x) ** 0.5,
    "one good": lambda a, x: 100 * a * jnp.sqrt(x[1]) + 1e-3 * x[0] ** 2,
    "a wave": lambda a, x: a * x[0] + 0.01 * jnp.sin(9 * x[0]),
    "the best of two": lambda a, x: a * jnp.maximum(x[0], x[1]),
    "a threshold": lambda a, x: a * jnp.maximum(x[0] - 1.5, 0.0),
    "the last agent": lambda a, x: jnp.sum(jnp.where(a > 1, x**1.1, x)),
}


@pytest.mark.parametrize("name", CONCAVE)
def test_what_is_concave_passes(name):
    probe(cv.Concave(CONCAVE[name], EACH, 3), SUPPLY)


@pytest.mark.parametrize("name", BENT)
def test_what_is_not_is_refused_by_its_agent_and_three_numbers(name):
    family = cv.Concave(BENT[name], EACH, 3)
    with pytest.raises(NotConcave, match=r"^Agent \d+ values two bundles at .* half-way") as error:
        probe(family, SUPPLY, first=10)
    words = error.value.what.replace(",", "").rstrip(".").split()
    numbers = [float(word) for word in words if word[0].isdigit() or word[0] == "-"]
    agent, left, right, middle = numbers
    assert agent in ({11} if name == "the last agent" else {10, 11})
    assert (left + right) / 2 > middle + SLACK * middle


def test_nothing_is_worth_0_where_money_is_counted_against_it():
    family = cv.Concave(lambda a, x: a + jnp.sum(jnp.sqrt(x)), EACH, 3)
    with pytest.raises(NotConcave, match=r"^Agent 0 values nothing at 1.0"):
        probe(family, SUPPLY)
    probe(family, SUPPLY, from_nothing=False)


@pytest.mark.parametrize(
    ("function", "says"),
    [
        (lambda a, x: a * jnp.log(x[0] - 1.0), "agent 0 a worth of nan"),
        (lambda a, x: a / (x[0] * 0.0), "agent 0 a worth of inf"),
        (lambda a, x: jnp.where(a > 1, jnp.inf, x[0]), "agent 1 a worth of inf"),
        (lambda a, x: a * jnp.where(x[0] < 0, jnp.sqrt(x[0] - 9), x[0]), "a slope of nan"),
    ],
)
def test_what_is_no_number_is_named(function, says):
    with pytest.raises(InvalidMarket, match=says):
        probe(cv.Concave(function, EACH, 3), SUPPLY, from_nothing=False)


def test_bundles_are_the_same_every_time_and_of_every_kind():
    left, right, middle = drawn(SUPPLY + 1)
    assert np.array_equal(np.stack([left, right, middle]), drawn(SUPPLY + 1))
    assert middle == pytest.approx((left + right) / 2)
    assert np.all((left > 0) & (left <= 2 * (SUPPLY + 1)) & (right <= 2 * (SUPPLY + 1)))
    alone, ray = slice(PAIRS // 3, 2 * PAIRS // 3), slice(2 * PAIRS // 3, None)
    assert np.all(np.sum(left[alone] != right[alone], axis=1) == 1)
    ratio = right[ray] / left[ray]
    assert ratio == pytest.approx(np.broadcast_to(ratio[:, :1], ratio.shape))


def test_an_object_with_the_methods_of_valuations_is_probed_too():
    class Squares:
        homogeneous, agents, goods = False, 1, 2

        def worth(self, bundles):
            return jnp.sum(bundles**2, axis=1)

    jax.tree_util.register_static(Squares)
    with pytest.raises(NotConcave, match=r"^Agent 1 values two bundles"):
        market_of(cv.Mixed((cv.Linear([[1.0, 1]]), Squares())), [1.0, 1], None, "none")


def test_what_passes_is_not_refuted_and_the_certificate_says_so():
    family = cv.Concave(CONCAVE["linear"], EACH[:1], 1)
    found = certify(family, [1.0], None, [1.0], [[1.0]], money="none")
    assert found.local
    assert not certify(cv.Linear([[1.0]]), [1.0], None, [1.0], [[1.0]], money="none").local

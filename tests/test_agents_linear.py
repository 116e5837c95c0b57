"""Linear and tabular bids: the formula, the first bids, children, and one agent an action."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from gymnasium import spaces

from catallax._errors import InvalidSetting, UnsupportedSpace
from catallax.agents import Fourier, Genes, Linear, Raw, Spaces, Tabular, Tiles, Trade

KEY = jax.random.key(1)
LINE = Spaces(spaces.Box(-1, 1, (2,)), spaces.Discrete(3))
CHAIN = Spaces(spaces.Discrete(5), spaces.MultiDiscrete([2, 3]))


def born(species, where=LINE, index=0, key=KEY):
    return species.init(key, where, jnp.int32(index))


def test_a_linear_bid_is_weights_times_features_plus_initial(strict_jax):
    species = Linear(encoder=Raw(), initial=0.25)
    genes = Genes({"weights": jnp.float32([2, -3])}, born(species).fixed)
    bid = species.bid(genes, jnp.float32([0.5, 1]))
    assert (float(bid), bid.dtype, bid.shape) == (1 - 3 + 0.25, jnp.float32, ())


@pytest.mark.parametrize("encoder", [Raw(), Fourier(features=8), Tiles(tilings=2, bins=2)], ids=str)
def test_first_bids_are_the_initial_ones_everywhere(encoder):
    species = Linear(encoder=encoder, initial=1.5)
    genes = born(species)
    assert genes.learned["weights"].shape == (encoder.size(LINE.observation),)
    state = encoder.init(KEY, LINE.observation)
    for place in ([0, 0], [0.7, -0.9]):
        assert float(species.bid(genes, encoder.encode(state, jnp.float32(place)))) == 1.5


def test_tiles_bid_the_sum_of_their_weights():
    species = Linear(encoder=Tiles(tilings=4, bins=2), initial=1.0)
    genes = born(species)
    weights = jnp.arange(36, dtype=jnp.float32)
    senses = jnp.int32([0, 10, 20, 30])
    assert float(species.bid(Genes({"weights": weights}, genes.fixed), senses)) == 31


def test_a_tabular_bid_is_an_entry_which_starts_as_initial(strict_jax):
    species = Tabular(initial=2.0)
    genes = born(species, CHAIN)
    assert genes.learned["weights"].tolist() == [2] * 5
    table = Genes({"weights": jnp.float32([5, 6, 7, 8, 9])}, genes.fixed)
    assert [float(species.bid(table, jnp.int32(n))) for n in range(5)] == [5, 6, 7, 8, 9]


@pytest.mark.parametrize(
    "species, where, centre",
    [
        (Linear(encoder=Fourier(features=4000), initial=3.0, spread=0.5), LINE, 0),
        (
            Tabular(initial=3.0, spread=0.5),
            Spaces(spaces.Discrete(4000), spaces.Discrete(2)),
            3,
        ),
    ],
    ids=["linear", "tabular"],
)
def test_spread_is_the_deviation_of_first_weights(species, where, centre):
    weights = np.asarray(born(species, where).learned["weights"])
    assert weights.dtype == np.float32
    assert weights.std() == pytest.approx(0.5, rel=0.05)
    assert weights.mean() == pytest.approx(centre, abs=0.05)
    again = born(species, where, key=jax.random.key(2)).learned["weights"]
    assert not np.array_equal(weights, again)


@pytest.mark.parametrize("species, where", [(Linear(encoder=Raw()), LINE), (Tabular(), CHAIN)])
def test_one_agent_an_action_and_then_round(species, where):
    species.supports(where)
    count = species.founders(where)
    assert count == species.slots(where) == (3 if where is LINE else 6)
    acts = [species.act(born(species, where, n), (), KEY).tolist() for n in range(count + 1)]
    assert acts[-1] == acts[0]
    assert len({str(act) for act in acts}) == count
    assert species.act_greedily(born(species, where, 1), ()).tolist() == acts[1]


@pytest.mark.parametrize("spread, step", [(0.0, 0.05), (0.5, 0.5)])
def test_a_child_does_the_same_and_bids_a_little_else(spread, step):
    species = Linear(encoder=Fourier(features=2000), spread=spread, initial=1.0)
    parent = born(species, index=2)
    child = species.mutate(jax.random.key(9), parent)
    assert jax.tree.structure(child) == jax.tree.structure(parent)
    assert (int(child.fixed["action"]), float(child.fixed["initial"])) == (2, 1)
    change = np.asarray(child.learned["weights"] - parent.learned["weights"])
    assert change.std() == pytest.approx(step, rel=0.1)
    assert abs(change.mean()) < step / 10


def test_the_gradient_is_the_error_times_the_features():
    species = Linear(encoder=Raw(), initial=0.5)
    genes, senses = born(species), jnp.float32([0.5, -2])
    trade = Trade(senses, jnp.int32(0), jnp.float32(3), jnp.float32(1))
    slope = jax.grad(lambda learned: species.loss(Genes(learned, genes.fixed), genes, trade))
    np.testing.assert_allclose(slope(genes.learned)["weights"], [(0.5 - 3) * 0.5, -2 * (0.5 - 3)])


def test_what_learns_and_what_mutates():
    assert Linear.learns and Linear.mutates and not Linear.on_host


@pytest.mark.parametrize(
    "species, where, words",
    [
        (Linear(), Spaces(spaces.Box(0, 1, (2,)), spaces.Box(0, 1, (2,))), "an agent each"),
        (Linear(), Spaces(spaces.Text(3), spaces.Discrete(2)), "no array of numbers"),
        (Linear(encoder=Tiles()), CHAIN, "cannot lay a grid"),
        (Tabular(), LINE, "A table cannot hold"),
        (Tabular(), Spaces(spaces.Discrete(2), spaces.MultiBinary(2)), "an agent each"),
    ],
    ids=["actions", "text", "grid", "table", "binary"],
)
def test_what_cannot_be_served_is_refused(species, where, words):
    with pytest.raises(UnsupportedSpace, match=words):
        species.supports(where)


@pytest.mark.parametrize("kind", [Linear, Tabular])
def test_impossible_numbers_are_refused_by_name(kind):
    for wrong in ({"count": -1}, {"count": 4, "capacity": 3}, {"capacity": 0}):
        with pytest.raises(InvalidSetting, match=f"{kind.__name__} was given count="):
            kind(**wrong)
    assert kind(count=0, capacity=4).founders(LINE) == 0

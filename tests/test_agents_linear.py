"""Linear bids, and tables."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from gymnasium.spaces import Box, Discrete, MultiDiscrete

import catallax as cx
from catallax._errors import UnsupportedSpace

PLANE, CELLS = Box(-1.0, 1.0, (2,)), Discrete(4)
KEY = jax.random.key(0)


def test_a_linear_bid_is_weights_times_senses_plus_the_first_bid():
    species = cx.Linear(encoder=cx.Raw(), initial=0.5)
    genes = species.init(KEY, cx.Spaces(PLANE, Discrete(2)), 0)
    genes = genes._replace(learned={"weights": jnp.asarray([2.0, -1.0], jnp.float32)})
    assert float(species.bid(genes, jnp.asarray([3.0, 4.0]))) == 2 * 3 - 4 + 0.5


@pytest.mark.parametrize(
    "encoder",
    [cx.Raw(), cx.Fourier(features=8), cx.Tiles()],
    ids=lambda value: type(value).__name__,
)
def test_the_first_bid_is_the_initial_one_everywhere(encoder):
    species = cx.Linear(encoder=encoder, initial=1.5)
    genes = species.init(KEY, cx.Spaces(PLANE, Discrete(3)), 1)
    state = encoder.init(KEY, PLANE)
    for seen in ([0.0, 0.0], [1.0, -1.0]):
        assert float(species.bid(genes, encoder.encode(state, jnp.asarray(seen)))) == 1.5


def test_the_first_entry_of_a_table_is_the_initial_one_everywhere():
    species = cx.Tabular(initial=0.25)
    genes = species.init(KEY, cx.Spaces(CELLS, Discrete(3)), 1)
    assert [float(species.bid(genes, jnp.int32(cell))) for cell in range(4)] == [0.25] * 4


def test_a_table_bids_its_entry():
    genes = cx.Genes({"weights": jnp.asarray([1.0, 2.0, 3.0, 4.0])}, {})
    assert float(cx.Tabular().bid(genes, jnp.int32(2))) == 3.0


@pytest.mark.parametrize(
    "species", [cx.Linear(encoder=cx.Raw()), cx.Tabular()], ids=lambda value: type(value).__name__
)
def test_each_agent_has_an_action_of_its_own(species):
    seen = CELLS if isinstance(species, cx.Tabular) else PLANE
    spaces = cx.Spaces(seen, MultiDiscrete([2, 3]))
    assert species.founders(spaces) == 6
    actions = []
    for index in range(7):
        genes = species.init(KEY, spaces, index)
        actions.append(species.act(genes, None, KEY).tolist())
        assert species.act_greedily(genes, None).tolist() == actions[-1]
    assert actions == [[0, 0], [0, 1], [0, 2], [1, 0], [1, 1], [1, 2], [0, 0]]


@pytest.mark.parametrize(
    "species", [cx.Linear(encoder=cx.Raw()), cx.Tabular()], ids=lambda value: type(value).__name__
)
def test_the_gradient_of_the_loss_moves_only_what_was_seen(species):
    seen = CELLS if isinstance(species, cx.Tabular) else PLANE
    genes = species.init(KEY, cx.Spaces(seen, Discrete(2)), 0)
    senses = jnp.int32(2) if isinstance(species, cx.Tabular) else jnp.asarray([0.0, 3.0])
    trade = cx.Trade(senses, jnp.int32(0), jnp.float32(1), jnp.float32(0))
    slope = jax.grad(lambda learned: species.loss(genes._replace(learned=learned), genes, trade))
    expected = [0, 0, -1, 0] if isinstance(species, cx.Tabular) else [0, -3]
    assert slope(genes.learned)["weights"].tolist() == expected


def test_spread_draws_first_weights_and_mutation_steps_by_it():
    spaces = cx.Spaces(Discrete(4000), Discrete(2))
    for spread, step in ((0.5, 0.5), (0.0, 0.05)):
        species = cx.Tabular(spread=spread, initial=2.0)
        genes = species.init(KEY, spaces, 0)
        weights = np.asarray(genes.learned["weights"])
        assert weights.std() == pytest.approx(spread, rel=0.05)
        assert weights.mean() == pytest.approx(2.0, abs=0.05)
        child = species.mutate(jax.random.key(9), genes)
        moved = np.asarray(child.learned["weights"]) - weights
        assert moved.std() == pytest.approx(step, rel=0.05)
        assert child.fixed is genes.fixed


@pytest.mark.parametrize(
    ("species", "spaces"),
    [
        (cx.Tabular(), (PLANE, Discrete(2))),
        (cx.Linear(), (PLANE, Box(-1.0, 1.0, (1,)))),
        (cx.Linear(encoder=cx.Tiles()), (Discrete(4), Discrete(2))),
        (cx.Tabular(), (CELLS, MultiDiscrete([2] * 11))),
    ],
    ids=lambda value: type(value).__name__,
)
def test_unsupported_spaces_are_told(species, spaces):
    with pytest.raises(UnsupportedSpace):
        species.supports(cx.Spaces(*spaces))


def test_any_encoder_serves_a_linear_species_where_it_can_read():
    for encoder in (cx.Index(), cx.Bits(), cx.Raw()):
        species = cx.Linear(encoder=encoder, initial=1.0)
        spaces = cx.Spaces(CELLS, Discrete(2))
        species.supports(spaces)
        senses = encoder.encode(encoder.init(KEY, CELLS), jnp.int32(3))
        assert float(species.bid(species.init(KEY, spaces, 0), senses)) == 1.0

"""Networks that bid, and policies: distributions, gradients and limits by hand."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from gymnasium.spaces import Box, Dict, Discrete, MultiBinary, MultiDiscrete, Text
from jax.flatten_util import ravel_pytree

import catallax as cx
from catallax._errors import InvalidSetting, UnsupportedSpace
from catallax.agents._mlp import forward
from catallax.agents._neural import policy_outputs, split_logits

KEY = jax.random.key(0)
SEEN = Box(-1.0, 1.0, (2,))
ARMS = Box(np.array([-2.0, 0.0], np.float32), np.array([2.0, 1.0], np.float32))
SENSES = jnp.asarray([0.5, -1.0], jnp.float32)
ACTIONS = [Discrete(3), MultiDiscrete([2, 3]), ARMS]


def policy(space, **settings):
    """A linear policy, so that its output can be set by hand."""
    species = cx.Neural(hidden=(), policy=True, count=2, **settings)
    return species, species.init(KEY, cx.Spaces(SEEN, space), 0)


def with_output(genes, output):
    """Genes whose policy gives the same output everywhere."""
    (layer,) = genes.learned["policy"]
    fixed = {
        "weights": jnp.zeros_like(layer["weights"]),
        "bias": jnp.asarray(output, jnp.float32),
    }
    return genes._replace(learned={**genes.learned, "policy": [fixed]})


def trade_of(action, profit, bid):
    dtype = jnp.float32 if isinstance(action, list) and isinstance(action[0], float) else jnp.int32
    return cx.Trade(SENSES, jnp.asarray(action, dtype), jnp.float32(bid + profit), jnp.float32(bid))


# --- bids


def test_the_bid_is_the_networks_output():
    species = cx.Neural(hidden=(5,), initial=0.75)
    genes = species.init(KEY, cx.Spaces(SEEN, Discrete(3)), 1)
    expected = forward(genes.learned["bid"], SENSES, True)[0]
    assert float(species.bid(genes, SENSES)) == float(expected)
    assert float(species.bid(genes, jnp.zeros(2))) == pytest.approx(0.75, abs=0.3)


def test_without_a_policy_each_agent_has_an_action():
    species = cx.Neural(hidden=(3,))
    spaces = cx.Spaces(SEEN, MultiDiscrete([2, 2]))
    found = [species.init(KEY, spaces, n).fixed["action"].tolist() for n in range(5)]
    assert found == [[0, 0], [0, 1], [1, 0], [1, 1], [0, 0]]
    assert species.founders(spaces) == 4
    genes = species.init(KEY, spaces, 2)
    assert species.act(genes, SENSES, KEY).tolist() == [1, 0]
    assert species.act_greedily(genes, SENSES).tolist() == [1, 0]


# --- policies


def test_a_categorical_policy_draws_its_softmax():
    species, genes = policy(Discrete(3))
    genes = with_output(genes, np.log([0.2, 0.7, 0.1]))
    keys = jax.random.split(jax.random.key(2), 20_000)
    drawn = jax.vmap(species.act, (None, None, 0))(genes, SENSES, keys)
    assert drawn.dtype == jnp.int32 and drawn.shape == (20_000,)
    assert np.bincount(drawn) / 20_000 == pytest.approx([0.2, 0.7, 0.1], abs=0.015)
    assert int(species.act_greedily(genes, SENSES)) == 1


def test_a_joint_policy_draws_each_part_and_never_what_does_not_exist():
    species, genes = policy(MultiDiscrete([2, 3]))
    genes = with_output(genes, [0.0, np.log(3), 99.0, 0.0, 0.0, np.log(2)])
    assert split_logits(genes, jnp.zeros(6)).tolist() == [[0, 0, -1e9], [0, 0, 0]]
    keys = jax.random.split(jax.random.key(2), 20_000)
    drawn = np.asarray(jax.vmap(species.act, (None, None, 0))(genes, SENSES, keys))
    assert np.bincount(drawn[:, 0]) / 20_000 == pytest.approx([0.25, 0.75], abs=0.015)
    assert np.bincount(drawn[:, 1]) / 20_000 == pytest.approx([0.25, 0.25, 0.5], abs=0.015)
    assert species.act_greedily(genes, SENSES).tolist() == [1, 2]


def test_a_normal_policy_has_its_mean_and_its_width_in_half_ranges():
    species, genes = policy(ARMS, deviation=0.25)
    genes = with_output(genes, [1.0, -3.0])
    keys = jax.random.split(jax.random.key(2), 20_000)
    drawn = np.asarray(jax.vmap(species.act, (None, None, 0))(genes, SENSES, keys))
    assert drawn.mean(axis=0) == pytest.approx([1.0, -3.0], abs=0.02)
    assert drawn.std(axis=0) == pytest.approx([0.25 * 2, 0.25 * 0.5], rel=0.03)
    assert species.act_greedily(genes, SENSES).tolist() == [1.0, -3.0]


def test_an_endless_box_has_a_width_of_its_own():
    _, genes = policy(Box(-np.inf, np.inf, (1,)), deviation=0.5)
    assert np.exp(genes.learned["log_deviation"]).tolist() == pytest.approx([0.5])


def test_the_width_of_a_box_of_small_integers_does_not_overflow():
    _, genes = policy(Box(-100, 100, (1,), np.int8), deviation=0.5)
    assert np.exp(genes.learned["log_deviation"]).tolist() == pytest.approx([50.0])


@pytest.mark.parametrize(
    ("space", "outputs"),
    [(Discrete(3), 3), (MultiDiscrete([2, 5]), 10), (ARMS, 2)],
    ids=lambda value: type(value).__name__,
)
def test_a_policy_has_as_many_outputs_as_its_space_needs(space, outputs):
    assert policy_outputs(space) == outputs


def test_log_densities_differ_as_those_of_the_distributions():
    species, genes = policy(Discrete(3))
    genes = with_output(genes, np.log([0.2, 0.7, 0.1]))
    found = [float(species.log_density(genes, trade_of(n, 0, 0))) for n in range(3)]
    assert np.exp(found) == pytest.approx([0.2, 0.7, 0.1])
    species, genes = policy(ARMS, deviation=0.5)
    genes = with_output(genes, [1.0, 0.5])
    near, far = (
        float(species.log_density(genes, trade_of(action, 0, 0)))
        for action in ([1.0, 0.5], [1.5, 0.75])
    )
    # Widths are 1 and 0.25: half a deviation and a whole one.
    assert near - far == pytest.approx(0.5 * (0.5**2 + 1.0**2))


@pytest.mark.parametrize("action", [[0, 3, 0], [1, 0, 0], [1, 2, 0]], ids=str)
def test_the_log_density_of_a_joint_action_adds_up_over_parts_of_unequal_size(action):
    nvec = [2, 4, 1]
    species, genes = policy(MultiDiscrete(nvec))
    output = np.random.default_rng(1).normal(0, 2, (3, 4))
    parts = [np.exp(row[:n]) / np.exp(row[:n]).sum() for row, n in zip(output, nvec, strict=True)]
    expected = sum(np.log(part[one]) for part, one in zip(parts, action, strict=True))
    found = species.log_density(with_output(genes, output.ravel()), trade_of(action, 0, 0))
    assert float(found) == pytest.approx(expected, abs=1e-4)


def test_entropy_is_that_of_what_exists():
    species, genes = policy(MultiDiscrete([2, 3]))
    uniform = with_output(genes, np.zeros(6))
    found = float(species.entropy_of(uniform, trade_of([0, 0], 0, 0)))
    assert found == pytest.approx(np.log(2) + np.log(3))
    sure = with_output(genes, [0, 99, 0, 0, 0, 99])
    assert float(species.entropy_of(sure, trade_of([0, 0], 0, 0))) == pytest.approx(0, abs=1e-6)


# --- gradients


@pytest.mark.parametrize("profit", [2.0, -3.0])
def test_the_gradient_of_a_policy_is_profit_times_score(profit):
    """By hand: the surrogate moves the logits by −profit·(1[action] − π)."""
    species, genes = policy(Discrete(3))
    probabilities = np.array([0.2, 0.7, 0.1])
    genes = with_output(genes, np.log(probabilities))
    bid = float(species.bid(genes, SENSES))
    slope = jax.grad(
        lambda learned: species.loss(
            genes._replace(learned=learned), genes, trade_of(1, profit, bid)
        )
    )(genes.learned)
    score = np.eye(3)[1] - probabilities
    np.testing.assert_allclose(slope["policy"][0]["bias"], -profit * score, atol=1e-4)
    outer = -profit * np.outer(np.asarray(SENSES), score)
    np.testing.assert_allclose(slope["policy"][0]["weights"], outer, atol=1e-4)
    np.testing.assert_allclose(slope["bid"][0]["bias"], [-profit], atol=1e-4)


def test_the_gradient_of_a_normal_policy_is_profit_times_score():
    species, genes = policy(ARMS, deviation=0.5)
    genes = with_output(genes, [0.0, 0.5])
    bid = float(species.bid(genes, SENSES))
    trade = trade_of([2.0, 0.25], 3.0, bid)
    slope = jax.grad(lambda learned: species.loss(genes._replace(learned=learned), genes, trade))
    found, width = slope(genes.learned), np.array([1.0, 0.25])
    gap = np.array([2.0, -0.25])
    np.testing.assert_allclose(found["policy"][0]["bias"], -3.0 * gap / width**2, atol=1e-3)
    expected = -3.0 * ((gap / width) ** 2 - 1)
    np.testing.assert_allclose(found["log_deviation"], expected, atol=1e-3)


@pytest.mark.parametrize("space", ACTIONS, ids=lambda value: type(value).__name__)
def test_the_gradient_is_that_of_finite_differences_in_64_bits(space):
    species = cx.Neural(hidden=(3,), policy=True, count=1, entropy=0.1)
    genes = species.init(KEY, cx.Spaces(SEEN, space), 0)
    action = species.act(genes, SENSES, jax.random.key(4))
    with jax.enable_x64(True):
        wide = jax.tree.map(
            lambda leaf: leaf.astype(jnp.float64) if leaf.dtype == jnp.float32 else leaf, genes
        )
        trade = cx.Trade(SENSES.astype(jnp.float64), action, jnp.float64(2), jnp.float64(0))
        flat, rebuild = ravel_pytree(wide.learned)
        loss = jax.jit(lambda x: species.loss(wide._replace(learned=rebuild(x)), wide, trade))
        # Away from the genes of the trade, but within the clip, the ratio is not 1.
        start = flat + 0.003 * np.cos(np.arange(flat.size))
        slope, step = jax.grad(loss)(start), 1e-6
        for place in range(0, flat.size, max(1, flat.size // 12)):
            ahead, behind = (float(loss(start.at[place].add(s))) for s in (step, -step))
            assert float(slope[place]) == pytest.approx((ahead - behind) / (2 * step), abs=1e-6)


@pytest.mark.parametrize("action", [0, 1])
@pytest.mark.parametrize("profit", [1.0, -1.0])
def test_a_policy_that_moved_beyond_the_clip_is_pushed_no_further(action, profit):
    """Action 0 is 1.4 times as likely as before, action 1 is 0.6 times: both beyond 0.2."""
    moves = (profit > 0) == (action == 1)
    species, before = policy(Discrete(2), clip=0.2)
    before = with_output(before, np.log([0.5, 0.5]))
    after = with_output(before, np.log([0.7, 0.3]))
    trade = trade_of(action, profit, float(species.bid(before, SENSES)))
    slope = jax.grad(lambda learned: species.loss(before._replace(learned=learned), before, trade))
    assert np.any(np.asarray(slope(after.learned)["policy"][0]["bias"])) == moves


def test_an_entropy_bonus_pulls_towards_chance():
    species, genes = policy(Discrete(2), entropy=0.5)
    genes = with_output(genes, np.log([0.9, 0.1]))
    trade = trade_of(0, 0.0, float(species.bid(genes, SENSES)))
    slope = jax.grad(lambda learned: species.loss(genes._replace(learned=learned), genes, trade))
    first, second = slope(genes.learned)["policy"][0]["bias"].tolist()
    assert first > 0 > second


# --- children, spaces and settings


@pytest.mark.parametrize("space", ACTIONS, ids=lambda value: type(value).__name__)
def test_children_differ_by_two_percent_and_keep_what_is_fixed(space):
    species = cx.Neural(hidden=(50,), policy=True, count=1)
    genes = species.init(KEY, cx.Spaces(SEEN, space), 0)
    child = species.mutate(jax.random.key(3), genes)
    old, new = (np.asarray(one.learned["bid"][0]["weights"]) for one in (genes, child))
    assert (new / old - 1).std() == pytest.approx(0.02, rel=0.3)
    assert child.fixed is genes.fixed
    assert jax.tree.structure(child) == jax.tree.structure(genes)


@pytest.mark.parametrize(
    ("seen", "acts"),
    [(Text(3), Discrete(2)), (Dict({"a": Text(3)}), ARMS), (SEEN, Text(3)), (SEEN, MultiBinary(2))],
    ids=lambda value: type(value).__name__,
)
def test_unsupported_spaces_are_told(seen, acts):
    with pytest.raises(UnsupportedSpace):
        cx.Neural(policy=True, count=1).supports(cx.Spaces(seen, acts))


def test_a_box_needs_a_policy_and_a_policy_a_count():
    spaces = cx.Spaces(SEEN, ARMS)
    with pytest.raises(UnsupportedSpace, match="agent each"):
        cx.Neural(count=3).supports(spaces)
    with pytest.raises(InvalidSetting, match="no count"):
        cx.Neural(policy=True).supports(spaces)
    cx.Neural(policy=True, count=3).supports(spaces)


@pytest.mark.parametrize(
    "wrong",
    [{"hidden": (4, 0)}, {"deviation": 0.0}, {"clip": 0.0}],
    ids=lambda value: type(value).__name__,
)
def test_settings_are_checked(wrong):
    with pytest.raises(InvalidSetting, match="Neural was given"):
        cx.Neural(**wrong)

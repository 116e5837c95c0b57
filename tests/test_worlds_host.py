"""Batches of worlds on the host: Gymnasium's, and compiled ones behind the same protocol."""

import gymnasium
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from gymnasium import spaces

from catallax._errors import (
    BadObservation,
    BadReward,
    InvalidSetting,
    UnknownWorld,
    UnsupportedSpace,
    WorldFailed,
)
from catallax.worlds import (
    CartPole,
    Chain,
    Corridor,
    FrozenLake,
    FunctionalOnHost,
    GymnasiumWorlds,
    HostSpec,
    HostWorld,
    MountainCarContinuous,
    RememberOnHost,
)


class Scripted(gymnasium.Env):
    """Gives what it is told to give; `fault` says where it goes wrong."""

    action_space = spaces.Discrete(2, start=5)
    observation_space = spaces.Dict({"a": spaces.Discrete(3), "b": spaces.Box(0, 1, (2,))})

    def __init__(self, fault=""):
        self.fault = fault
        self.actions = []
        if fault == "make":
            raise RuntimeError("no display")
        if fault == "space":
            self.observation_space = spaces.Text(3)
        if fault == "actions":
            self.action_space = spaces.MultiBinary(3)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        if self.fault == "reset":
            raise RuntimeError("cannot begin")
        return {"a": 1, "b": np.zeros(2, np.float32)}, {}

    def step(self, action):
        self.actions.append(action)
        if self.fault == "step":
            raise RuntimeError("motor burnt")
        seen = {"a": 2, "b": np.array([0.5, 1.0], np.float32)}
        if self.fault == "observation":
            seen["b"][1] = np.nan
        if self.fault == "symbol":
            seen["a"] = 3
        if self.fault == "missing":
            del seen["b"]
        reward = np.inf if self.fault == "reward" else 1.5
        return seen, reward, self.fault == "ends", self.fault == "late", {}


def faulty(fault):
    """A factory whose second environment has the fault."""
    made = []

    def factory():
        made.append(0)
        return Scripted(fault if len(made) == 2 else "")

    return factory


def test_a_batch_is_so_many_separate_environments():
    worlds = GymnasiumWorlds("CartPole-v1", 3)
    alone = [gymnasium.make("CartPole-v1") for _ in range(3)]
    seen = worlds.reset([5, 6, 7])
    for row, env, seed in zip(seen, alone, [5, 6, 7], strict=True):
        np.testing.assert_array_equal(row, env.reset(seed=seed)[0])
    for tick in range(8):
        actions = np.array([tick % 2, 1, 0])
        seen, rewards, terminated, truncated = worlds.step(actions)
        for world, env in enumerate(alone):
            right = env.step(actions[world])
            np.testing.assert_array_equal(seen[world], right[0])
            assert (rewards[world], terminated[world], truncated[world]) == right[1:4]
    assert (seen.dtype, rewards.dtype, terminated.dtype) == (np.float32, np.float64, np.bool_)
    assert isinstance(worlds, HostWorld)
    worlds.close()


def test_only_the_worlds_of_the_mask_move():
    worlds = GymnasiumWorlds("CartPole-v1", 2)
    before = worlds.reset([1, 2])
    seen, rewards, _, _ = worlds.step(np.array([0, 0]), np.array([True, False]))
    assert (seen[0] != before[0]).any()
    np.testing.assert_array_equal(seen[1], before[1])
    assert rewards.tolist() == [1.0, 0.0]
    again = worlds.reset([9, 2], np.array([False, True]))
    np.testing.assert_array_equal(again, [seen[0], before[1]])
    again[:] = 7.0  # what is given out is a copy
    assert (worlds.reset([0, 0], np.zeros(2, bool)) != 7.0).all()


def test_dict_observations_and_shifted_actions():
    worlds = GymnasiumWorlds(Scripted, 2)
    np.testing.assert_array_equal(worlds.reset([0, 0])[0], [0, 1, 0, 0, 0])
    seen, rewards, _, _ = worlds.step(np.array([0, 1]))
    np.testing.assert_array_equal(seen[1], [0, 0, 1, 0.5, 1])
    assert rewards.tolist() == [1.5, 1.5]
    assert [env.unwrapped.actions for env in worlds._envs] == [[5], [6]]
    assert worlds.time_limit is None


def test_discrete_and_box_worlds_of_gymnasium():
    lake = GymnasiumWorlds("FrozenLake-v1", 2, is_slippery=False)
    assert lake.reset([0, 0]).tolist() == [0, 0]
    assert lake.step(np.array([1, 2]))[0].tolist() == [4, 1]
    pendulum = GymnasiumWorlds("Pendulum-v1", 1)
    pendulum.reset([0])
    seen, _, _, _ = pendulum.step(np.array([[99.0]]))  # clipped to 2
    other = GymnasiumWorlds("Pendulum-v1", 1)
    other.reset([0])
    np.testing.assert_array_equal(seen, other.step(np.array([[2.0]]))[0])


def test_the_time_limit_of_the_environment_truncates():
    worlds = GymnasiumWorlds("MountainCar-v0", 1, max_episode_steps=2)
    worlds.reset([0])
    assert worlds.time_limit == 2
    endings = [worlds.step(np.array([0]))[3].tolist() for _ in range(2)]
    assert endings == [[False], [True]]
    with pytest.raises(WorldFailed, match="episode is over"):
        worlds.step(np.array([0]))


@pytest.mark.parametrize("fault", ["ends", "late"])
def test_a_world_that_ended_waits_for_its_reset(fault):
    worlds = GymnasiumWorlds(faulty(fault), 2)
    with pytest.raises(WorldFailed, match=r"World 0 .* was asked to step.*has not begun"):
        worlds.step(np.zeros(2, int))
    worlds.reset([0, 0])
    _, _, terminated, truncated = worlds.step(np.zeros(2, int))
    assert (terminated | truncated).tolist() == [False, True]
    worlds.step(np.zeros(2, int), np.array([True, False]))
    with pytest.raises(WorldFailed, match="World 1 of factory"):
        worlds.step(np.zeros(2, int))
    worlds.reset([0, 0], np.array([False, True]))
    worlds.step(np.zeros(2, int))


@pytest.mark.parametrize(
    ("fault", "error", "said"),
    [
        ("make", WorldFailed, "World 1 of factory failed to make.*RuntimeError: no display"),
        ("reset", WorldFailed, "World 1 of factory failed to reset.*cannot begin"),
        ("step", WorldFailed, "World 1 of factory failed to step.*motor burnt"),
        ("missing", WorldFailed, "World 1 of factory failed to observe.*KeyError"),
        ("observation", BadObservation, r"World 1 of factory observed nan at entry \[4\]"),
        ("symbol", BadObservation, "World 1 of factory.*no such symbol"),
        ("reward", BadReward, "World 1 of factory paid a reward of inf"),
    ],
)
def test_faults_name_the_world_and_the_value(fault, error, said):
    def run():
        worlds = GymnasiumWorlds(faulty(fault), 2)
        worlds.reset([0, 0])
        worlds.step(np.zeros(2, int))

    with pytest.raises(error, match=said):
        run()


def test_worlds_that_cannot_be_used_are_refused_at_once():
    for fault in ("space", "actions"):
        with pytest.raises(UnsupportedSpace):
            GymnasiumWorlds(Scripted, 1, fault=fault)
    with pytest.raises(UnknownWorld, match="Nonsense-v1"):
        GymnasiumWorlds("Nonsense-v1", 1)
    with pytest.raises(WorldFailed, match="unexpected keyword"):
        GymnasiumWorlds("CartPole-v1", 1, wheels=3)
    for count in (0, True, 1.0):
        with pytest.raises(InvalidSetting, match="count"):
            GymnasiumWorlds("CartPole-v1", count)


def test_there_is_one_action_and_one_seed_for_each_world():
    for worlds in (GymnasiumWorlds("CartPole-v1", 2), FunctionalOnHost(CartPole(), 2)):
        with pytest.raises(InvalidSetting, match="2 worlds"):
            worlds.reset([1])
        worlds.reset([1, 2])
        with pytest.raises(InvalidSetting, match="2 worlds"):
            worlds.step(np.zeros(3, int))
        for mask in (np.ones(1, bool), np.ones(3, bool)):
            with pytest.raises(InvalidSetting, match="mask"):
                worlds.step(np.zeros(2, int), mask)
            with pytest.raises(InvalidSetting, match="mask"):
                worlds.reset([1, 2], mask)


def test_a_recipe_makes_batches():
    spec = HostSpec("FrozenLake-v1", (("desc", ["SG"]), ("is_slippery", False)))
    assert hash(spec) == hash(HostSpec("FrozenLake-v1", spec.kwargs))
    worlds = spec.make(2)
    worlds.reset([0, 0])
    assert worlds.step(np.array([2, 0]))[2].tolist() == [True, False]
    assert isinstance(HostSpec("Taxi-v4", symbols=2).make(1), RememberOnHost)
    with pytest.raises(InvalidSetting, match="symbols"):
        HostSpec("Taxi-v4", symbols=0)


@pytest.mark.parametrize("world", [CartPole(), FrozenLake(), MountainCarContinuous()])
@pytest.mark.parametrize("x64", [False, True])
def test_a_compiled_world_gives_the_same_run_on_the_host(world, x64):
    ticks, count = 12, 3
    actions = [np.ones(count, np.int32)] * ticks
    if isinstance(world, MountainCarContinuous):
        actions = [np.ones((count, 1), np.float32)] * ticks
    begin = jax.random.split(jax.random.key(1), count)
    keys = [jax.random.split(jax.random.key(10 + tick), count) for tick in range(ticks)]

    def tick(state, given):
        after, reward, ended = jax.vmap(world.step)(state, *given)
        return after, (jax.vmap(world.observe)(after), reward, ended)

    given = jnp.asarray(np.stack(actions)), jnp.stack(keys)
    _, right = jax.jit(lambda k, g: jax.lax.scan(tick, jax.vmap(world.initial)(k), g))(begin, given)
    with jax.enable_x64(x64):
        worlds = FunctionalOnHost(world, count)
        worlds.reset_with_keys(begin)
        found = [worlds.step_with_keys(*pair) for pair in zip(actions, keys, strict=True)]
    for number in range(3):
        mine = np.stack([result[number] for result in found])
        np.testing.assert_allclose(mine, right[number], rtol=1e-6, atol=1e-7)


def test_seeds_decide_the_run_of_a_functional_world_on_the_host():
    worlds = FunctionalOnHost(FrozenLake(), 2)

    def run(first):
        seen = [worlds.reset([first, 2**63])]
        seen += [worlds.step(np.array([1, 2]))[0] for _ in range(6)]
        return np.stack(seen).tolist()

    assert run(1) == run(1)
    assert len({str(run(first)) for first in range(6)}) > 1
    poles = FunctionalOnHost(CartPole(), 4)
    firsts = poles.reset([1, 2**32 + 1, 1, 2**40])
    np.testing.assert_array_equal(firsts[0], firsts[2])
    assert len(np.unique(firsts, axis=0)) == 3


def test_masks_and_time_limits_of_functional_worlds_on_the_host():
    worlds = FunctionalOnHost(Chain(time_limit=2), 2)
    worlds.reset([0, 0])
    right, first = np.array([1, 1]), np.array([True, False])
    seen, _, _, truncated = worlds.step(right, first)
    assert (seen.tolist(), truncated.tolist()) == ([1, 0], [False, False])
    seen, _, _, truncated = worlds.step(right)
    assert (seen.tolist(), truncated.tolist()) == ([2, 1], [True, False])
    assert worlds.reset([0, 0], first).tolist() == [0, 1]
    _, _, _, truncated = worlds.step(right)
    assert truncated.tolist() == [False, True]
    endless = FunctionalOnHost(Corridor(), 1)
    endless.reset([0])
    assert endless.time_limit is None
    assert not endless.step(np.array([0]))[3].any()


def test_a_functional_world_that_breaks_is_named():
    class Broken(Chain):
        def observe(self, state):
            return jnp.where(state > 0, jnp.float32(jnp.nan), jnp.float32(0.0))

    worlds = FunctionalOnHost(Broken(), 2)
    worlds.reset([0, 0])
    with pytest.raises(BadObservation, match="World 1 of Broken"):
        worlds.step(np.array([0, 1]))
    paid = FunctionalOnHost(Chain(length=2, reward=1e38), 2)
    paid.reset([0, 0])
    assert paid.step(np.array([0, 1]))[1][1] == pytest.approx(1e38)

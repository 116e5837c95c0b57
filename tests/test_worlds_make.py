"""Names lead to the worlds that they mean."""

import gymnasium
import numpy as np
import pytest

from catallax._errors import InvalidSetting, UnknownWorld
from catallax.worlds import (
    Acrobot,
    CartPole,
    CliffWalking,
    FrozenLake,
    GymnasiumWorlds,
    Gymnax,
    HostSpec,
    MountainCar,
    MountainCarContinuous,
    Pendulum,
    make_world,
)


@pytest.mark.parametrize(
    ("name", "world"),
    [
        ("CartPole-v1", CartPole()),
        ("Acrobot-v1", Acrobot()),
        ("MountainCar-v0", MountainCar()),
        ("MountainCarContinuous-v0", MountainCarContinuous()),
        ("Pendulum-v1", Pendulum()),
        ("FrozenLake-v1", FrozenLake("4x4")),
        ("FrozenLake8x8-v1", FrozenLake("8x8")),
        ("CliffWalking-v1", CliffWalking()),
        ("CliffWalkingSlippery-v1", CliffWalking(is_slippery=True)),
    ],
)
def test_ids_of_gymnasium_that_we_have_in_jax(name, world):
    assert make_world(name) == world
    assert name in gymnasium.registry
    assert make_world(f"gymnasium:{name}") == HostSpec(name)


def test_settings_go_with_the_name():
    assert make_world("Pendulum-v1", g=9.81) == Pendulum(g=9.81)
    assert make_world("FrozenLake8x8-v1", is_slippery=False) == FrozenLake("8x8", False)
    spec = make_world("gymnasium:FrozenLake-v1", map_name="8x8", is_slippery=False)
    assert spec == HostSpec("FrozenLake-v1", (("is_slippery", False), ("map_name", "8x8")))
    assert make_world("gymnax:CartPole-v1", gravity=3.0) == Gymnax(
        "CartPole-v1", (("gravity", 3.0),)
    )


def test_other_ids_of_gymnasium_run_on_the_host():
    spec = make_world("Taxi-v4")
    worlds = spec.make(2)
    assert isinstance(worlds, GymnasiumWorlds)
    assert worlds.reset([0, 1]).dtype == np.int32
    assert worlds.time_limit == 200


def test_a_world_is_returned_as_it_is():
    for world in (CartPole(), HostSpec("Taxi-v4"), GymnasiumWorlds("CartPole-v1", 1)):
        assert make_world(world) is world


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("CartPool-v1", "CartPole-v1"),
        ("cartpole-v1", "CartPole-v1"),
        ("CartPole", "CartPole-v1"),
        ("gymnasium:Taxy-v4", "Taxi-v4"),
        ("gymnax:CartPole-v2", "gymnax:CartPole-v1"),
        ("FrozenLake-v0", "FrozenLake-v1"),
        ("no_such_module:World-v0", ""),
        ("", "Import the package"),
    ],
)
def test_an_unknown_name_gets_a_hint(name, hint):
    with pytest.raises(UnknownWorld, match=f"{name}.*{hint}"):
        make_world(name)


def test_settings_that_mean_nothing_are_refused():
    with pytest.raises(InvalidSetting, match=r"'render_mode'.*gymnasium:CartPole-v1"):
        make_world("CartPole-v1", render_mode="human")
    with pytest.raises(InvalidSetting, match="finished world"):
        make_world(CartPole(), time_limit=3)
    with pytest.raises(InvalidSetting, match="neither a name nor a world"):
        make_world(3)
    with pytest.raises(InvalidSetting, match="neither a name nor a world"):
        make_world(gymnasium.make("CartPole-v1"))

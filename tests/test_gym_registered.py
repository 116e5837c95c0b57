"""Ids: found by Gymnasium, each making its own industry, and not before they are asked for."""

import subprocess
import sys

import gymnasium
import pytest

from catallax.gym import REGISTERED
from catallax.industries import commodity_flow, industry_of, supply_chain, workshops
from catallax.worlds import HostSpec, make_world
from test_gym_levers import BAKERY


@pytest.mark.parametrize(
    ("name", "settings", "industry"),
    [
        ("SupplyChain", {"seed_of_industry": 3}, supply_chain(3)),
        ("SupplyChain", {"seed_of_industry": 3, "discount": 0.9}, supply_chain(3, 0.9)),
        ("CommodityFlow", {"seed_of_industry": 2, "nodes": 4}, commodity_flow(2, 4)),
        ("Workshops", {"seed_of_industry": 1}, industry_of(workshops(1))),
        ("Workshops", {}, industry_of(workshops(0))),
        ("Industry", {"industry": BAKERY}, BAKERY),
    ],
)
def test_an_id_makes_its_industry(name, settings, industry):
    env = gymnasium.make(f"catallax/{name}-v0", **settings)
    assert env.unwrapped.world.industry == industry


def test_all_that_are_said_to_be_registered_are():
    assert [name for name in gymnasium.registry if name.startswith("catallax/")] == [*REGISTERED]


def test_an_episode_is_truncated_after_400_steps_or_what_is_said():
    assert gymnasium.spec("catallax/SupplyChain-v0").max_episode_steps == 400
    env = gymnasium.make("catallax/Industry-v0", max_episode_steps=2, industry=BAKERY)
    env.reset(seed=0)
    ends = [env.step(env.action_space.sample())[2:4] for _ in range(2)]
    assert ends == [(False, False), (False, True)]


def test_one_line_is_enough_in_a_new_process_and_catallax_alone_registers_nothing():
    script = (
        "import sys, catallax\n"
        "assert 'gymnasium' not in sys.modules\n"
        "import gymnasium\n"
        "assert not [name for name in gymnasium.registry if name.startswith('catallax')]\n"
        "env = gymnasium.make('catallax.gym:catallax/SupplyChain-v0', seed_of_industry=1)\n"
        "sys.exit(0 if env.observation_space.shape == (9,) else 1)\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True)


def test_the_library_makes_them_by_name():
    spec = make_world("catallax/SupplyChain-v0", seed_of_industry=2)
    assert isinstance(spec, HostSpec)
    assert spec.make(2).reset([0, 1]).shape == (2, 9)

"""Values to JSON and back: everything that the library is made of, and refusals that say what."""

import json
import math
from dataclasses import dataclass, field
from fractions import Fraction
from types import ModuleType

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from catallax import worlds
from catallax._auctions import FirstPrice, KthPrice, Vickrey
from catallax._errors import CannotRestore, InvalidSetting
from catallax._exploration import Boltzmann, EpsilonGreedy, NoExploration
from catallax._learning import Learning
from catallax._life import Enumerate, Exit, Mutate, NoEntry
from catallax._market import DeepMarket
from catallax._rules import (
    Consumer,
    DefaultAction,
    Hard,
    RandomAction,
    Refinanced,
    Rent,
    Stop,
    world_reward,
)
from catallax._values import from_plain, to_plain
from catallax.agents import (
    Bits,
    Constant,
    Fourier,
    Index,
    Linear,
    Neural,
    Program,
    Raw,
    Rule,
    Tabular,
    Tiles,
)


@dataclass(frozen=True)
class Pair:
    """A value outside the library; `derived` is not given but follows."""

    left: object
    right: object = None
    derived: int = field(default=3, init=False)


@dataclass
class Live:
    """Not frozen: no value."""

    left: int = 0


def a_policy(observation):
    return 0, 1.0


@jax.jit
def a_compiled_want(observation, reward):
    return reward * 2


SPECIES = [
    Constant(action=1, offer=0.5),
    Linear(encoder=Fourier(features=8, scales=(1.0, 2.5)), spread=0.1, count=4, capacity=8),
    Tabular(initial=1.5),
    Neural(hidden=(8, 4), encoder=Raw(normalise=True)),
    Program(function=a_policy),
    Rule(encoder=Bits(), stake=Fraction(1, 10)),
    Linear(encoder=Tiles(tilings=2, bounds=((-1.0, 1.0), (0.0, 2.0)))),
]
RULES = [
    Hard(),
    Hard(endowment=3.5),
    Refinanced(endowment=9.0, floor=1.0),
    Rent(0.001),
    Stop(),
    DefaultAction((0.5, -0.5)),
    RandomAction(),
    Consumer(),
    Consumer(wants=a_compiled_want, budget=3.0),
    NoExploration(),
    EpsilonGreedy(1.0, 0.05, 0.5),
    Boltzmann(0.3),
    Learning(horizon=4, clip_norm=0.5, optimizer="sgd"),
    Enumerate(births_per_chunk=2),
    Mutate(),
    NoEntry(),
    Exit(idle=10, prune=1),
    Index(),
]
AUCTIONS = [FirstPrice(), Vickrey(seats=1, ties="random"), KthPrice(k=4, seats=2, reserve=-0.25)]
WORLDS = [
    worlds.Acrobot(),
    worlds.CartPole(time_limit=None),
    worlds.MountainCar(),
    worlds.MountainCarContinuous(),
    worlds.Pendulum(),
    worlds.FrozenLake(is_slippery=False),
    worlds.CliffWalking(),
    worlds.Bandit(rewards=(0.0, 1.0)),
    worlds.Chain(length=6),
    worlds.Corridor(),
    worlds.Remember(worlds.FrozenLake(), symbols=2),
    worlds.HostSpec("CartPole-v1", (("render_mode", None),)),
    worlds.Tabular(
        probabilities=(((1.0, 0.0),), ((0.0, 1.0),)),
        rewards=((1.0,), (0.0,)),
        terminal=(False, True),
    ),
]
MARKET = DeepMarket(
    agents=SPECIES,
    auction=KthPrice(k=3, reserve=0.0),
    discount=0.95,
    exploration=Boltzmann(0.5),
    capital=Hard(endowment=2.0),
    consumers=[Consumer(), Consumer(wants=world_reward, stipend=0.5)],
)


def through_json(value, **supplied):
    return from_plain(json.loads(json.dumps(to_plain(value), allow_nan=False)), supplied)


def all_dataclasses(module: ModuleType):
    return {v for v in vars(module).values() if hasattr(v, "__dataclass_fields__")}


# --- round trips

scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text()
    | st.fractions()
)
keys = st.text() | st.integers() | st.sampled_from(["$tuple", "$value", "$unsaved", "fields"])
anything = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(keys, inner, max_size=3)
        | st.builds(Pair, inner, inner)
    ),
    max_leaves=8,
)


def same(left, right):
    """Equal, and of the same type all the way down: 1 is not 1.0, a list is not a tuple."""
    if type(left) is not type(right):
        return False
    if isinstance(left, list | tuple):
        return len(left) == len(right) and all(map(same, left, right))
    if isinstance(left, dict):
        return left.keys() == right.keys() and all(same(left[k], right[k]) for k in left)
    return left == right


@given(anything)
def test_what_is_written_is_read_with_its_types(value):
    assert same(through_json(value), value)


@pytest.mark.parametrize(
    "value", [*SPECIES, *RULES, *AUCTIONS, *WORLDS, MARKET], ids=lambda value: type(value).__name__
)
def test_every_part_of_the_library_comes_back(value):
    back = through_json(value)
    assert type(back) is type(value) and back == value


def test_no_world_of_the_library_was_forgotten():
    left_out = {worlds.Gymnax, worlds.Functional}  # they hold somebody else's environment
    assert all_dataclasses(worlds) - left_out == {type(world) for world in WORLDS}


@given(
    st.builds(
        KthPrice,
        k=st.integers(1, 9),
        seats=st.integers(1, 3),
        reserve=st.none() | st.floats(-1e5, 1e5),
        ties=st.sampled_from(["first", "random"]),
    )
    | st.builds(Rent, st.floats(0.001, 0.999))
    | st.builds(EpsilonGreedy, st.floats(0, 1), st.floats(0, 1), st.floats(0.01, 1))
    | st.builds(Learning, horizon=st.integers(1, 99), rate=st.floats(0, 9), trace=st.floats(0, 1))
)
def test_rules_come_back_to_the_last_bit(rule):
    assert through_json(rule) == rule


def test_floats_that_json_does_not_know():
    assert through_json((math.inf, -math.inf)) == (math.inf, -math.inf)
    assert math.isnan(through_json(math.nan))


def test_numbers_of_numpy_become_numbers():
    assert same(
        through_json([np.int64(2**62), np.float32(0.5), np.bool_(True)]), [2**62, 0.5, True]
    )


def test_fields_that_are_not_given_are_not_saved():
    assert to_plain(Pair(1))["fields"] == {"left": 1, "right": None}


def test_functions_are_found_again():
    assert through_json(a_policy) is a_policy
    assert through_json(a_compiled_want) is a_compiled_want


# --- what is not saved


def closure():
    def inner(observation):
        return 0, 1.0

    return inner


@pytest.mark.parametrize(
    ("part", "label"),
    [
        (lambda observation: (0, 1.0), "<lambda>"),
        (closure(), "inner"),
        (Live(), "Live"),
        (jnp.zeros(2), "ArrayImpl"),
        (len, "len"),
        (object(), "object"),
        ({1, 2}, "set"),
        (b"bytes", "bytes"),
        (Pair, "Pair"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_cannot_be_found_by_a_path_must_be_given_again(part, label):
    config = {"market": Pair((1, Pair(part))), "world": "CartPole-v1"}
    plain = json.loads(json.dumps(to_plain(config)))
    with pytest.raises(CannotRestore) as caught:
        from_plain(plain)
    said = str(caught.value)
    assert "market.left[1].left" in said and f"'{label}'" in said
    assert "catallax.load(path, market=...)" in said
    assert from_plain(plain, {"market": 5}) == {"market": 5, "world": "CartPole-v1"}
    assert from_plain(plain, {"market.left[1].left": 5})["market"] == Pair((1, Pair(5)))


def test_a_function_that_was_replaced_is_not_taken_for_another(monkeypatch):
    old = a_policy
    monkeypatch.setitem(globals(), "a_policy", lambda observation: (1, 1.0))
    assert to_plain(old) == {"$unsaved": "a_policy"}


@pytest.mark.parametrize(
    "plain",
    [
        {"$value": "os:system", "fields": {}},
        {"$value": "builtins:dict", "fields": {}},
        {"$value": "subprocess:Popen", "fields": {"args": "true"}},
        {"$value": f"{__name__}:Live", "fields": {}},
        {"$value": f"{__name__}:Gone", "fields": {}},
        {"$value": "no_such_module:Gone", "fields": {}},
        {"$value": "nothing", "fields": {}},
        {"$value": "", "fields": {}},
        {"$function": "os:system"},
        {"$function": "builtins:eval"},
        {"$function": f"{__name__}:Pair"},
        {"$function": "no_such_module:f"},
        {"$value": f"{__name__}:Pair", "fields": {"left": 1, "top": 2}},
    ],
    ids=lambda value: type(value).__name__,
)
def test_paths_that_lead_elsewhere_are_refused(plain):
    with pytest.raises(CannotRestore, match=r"world\.kind .* cannot be restored"):
        from_plain({"world": {"kind": plain}})


def test_a_setting_that_means_nothing_any_more_says_so_itself():
    with pytest.raises(InvalidSetting, match="rent rate=2"):
        from_plain({"$value": "catallax._rules:Rent", "fields": {"rate": 2}})

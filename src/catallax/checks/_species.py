"""The contract of a species of agents: what it is, its genes, its bids and its actions."""

import json
from collections.abc import Mapping
from typing import Any

import gymnasium
import jax
import jax.numpy as jnp
import numpy as np
from gymnasium.spaces import Text

from catallax._errors import CatallaxError, InvalidSetting, UnsupportedSpace
from catallax._types import TICKS_MAX, TICKS_PER_CREDIT
from catallax._values import UNSAVED, from_plain, to_plain
from catallax.agents._actions import as_action, blank_action, bounded
from catallax.agents._protocol import Spaces, Species
from catallax.checks._bids import BIDS
from catallax.checks._clauses import Clause, Finding, OnFail, clause, demand, demand_value, hold_to
from catallax.checks._growth import GROWTH
from catallax.checks._sample import (
    CANDIDATES,
    Sample,
    sample_observations,
)

CONTRACT: list[Clause] = []


def check_species(
    species: Species,
    observation_space: gymnasium.Space[Any] | None = None,
    action_space: gymnasium.Space[Any] | None = None,
    *,
    on_fail: OnFail = "raise",
    expected_failures: Mapping[str, str] | None = None,
) -> list[Finding]:
    """Checks that a species of yours keeps the contract of `catallax.Species`.

    It makes a few agents, shows them 128 observations, extreme ones among them, and looks at what
    they bid, do, learn and pass on.

    Args:
        species: The species.
        observation_space: Of the world to check it in; None for the first of a list that it
            supports.
        action_space: Likewise.
        on_fail: `"raise"` at the first broken clause, or `"report"` all findings.
        expected_failures: Reasons by the names of clauses that it breaks on purpose; one that
            passes all the same is reported too.

    Returns:
        One `Finding` a clause.

    Raises:
        CheckFailed: If a clause is broken.
        InvalidSetting: If a clause that is not there is expected to fail.

    Example:
        >>> import catallax as cx
        >>> findings = cx.checks.check_species(cx.Constant(action=1))
        >>> all(finding.passed for finding in findings)
        True
    """
    sample = Sample(species, _spaces_for(species, observation_space, action_space))
    name = f"The species {type(species).__name__}"
    return hold_to(name, CONTRACT + BIDS + GROWTH, sample, on_fail, expected_failures)


def _spaces_for(species: Any, observation: Any, action: Any) -> Spaces:
    """Returns the spaces given; the first that the species supports stand in for None."""
    choices = [Spaces(observation or one, action or other) for one, other in CANDIDATES]
    return next((spaces for spaces in choices if _accepts(species, spaces)), choices[0])


def _accepts(species: Any, spaces: Spaces) -> bool:
    try:
        species.supports(spaces)
    except Exception:
        # Whatever it raises, it does not accept; the clauses say whether it raised the right thing.
        return False
    return True


# --- what it is


@clause(
    CONTRACT,
    "is a frozen value",
    "A market is compiled for its species, which are keys.",
    "Subclass Species as a frozen dataclass of hashable fields.",
)
def is_value(sample: Sample) -> None:
    """A frozen, hashable dataclass, equal to a copy."""
    demand(isinstance(sample.species, Species), "it is not a catallax.Species")
    demand_value(sample.species)


@clause(
    CONTRACT,
    "refuses spaces that it cannot serve",
    "A market asks before it begins.",
    "Write `supports`: call super().supports(spaces), then raise UnsupportedSpace for the rest.",
)
def refuses_spaces(sample: Sample) -> None:
    """UnsupportedSpace for texts; what it lets in, it serves."""
    sample.species.supports(sample.spaces)
    for spaces in (
        Spaces(Text(3), sample.spaces.action),
        Spaces(sample.spaces.observation, Text(3)),
    ):
        refused = _refusal(sample.species, spaces)
        demand(
            isinstance(refused, UnsupportedSpace),
            f"on observations {spaces.observation} and actions {spaces.action} supports raised "
            f"{refused!r}, not UnsupportedSpace",
        )
    for spaces in (Spaces(*pair) for pair in CANDIDATES):
        refused = _refusal(sample.species, spaces)
        known = refused is None or isinstance(refused, UnsupportedSpace | InvalidSetting)
        demand(known, f"on {spaces} supports raised {refused!r}, not UnsupportedSpace")
        if refused is None:
            _demand_service(sample.species, spaces)


def _refusal(species: Any, spaces: Spaces) -> Exception | None:
    try:
        species.supports(spaces)
    except Exception as error:
        # To be judged by its kind, which the clause does.
        return error
    return None


def _demand_service(species: Any, spaces: Spaces) -> None:
    key, index = jax.random.key(0), jnp.int32(0)
    observation = jnp.asarray(sample_observations(spaces.observation, 1)[0])

    def one() -> Any:
        genes = species.init(key, spaces, index)
        senses = species.encoder.encode(species.encoder.init(key, spaces.observation), observation)
        return species.bid(genes, senses), species.act(genes, senses, key)

    try:
        _, action = jax.eval_shape(one)
        blank = blank_action(spaces.action)
        fits = species.on_host or action.shape == blank.shape
    except Exception as error:
        demand(
            False, f"supports lets {spaces} in, and then it raised {type(error).__name__}: {error}"
        )
    else:
        demand(
            fits, f"supports lets {spaces} in, and then it does an action of shape {action.shape}"
        )


@clause(
    CONTRACT,
    "can be saved",
    "A run directory must restore its market.",
    "Define the class in a module, and keep plain values and functions of modules in its fields.",
)
def can_be_saved(sample: Sample) -> str | None:
    """Through JSON and back it is equal, unless it holds functions."""
    plain = json.loads(json.dumps(to_plain(sample.species)))
    demand(UNSAVED not in plain, "its class has no import path (is it defined in a function?)")
    if UNSAVED in json.dumps(plain):
        held = any(callable(value) for value in vars(sample.species).values())
        demand(held, f"a field of it cannot be saved: {plain}")
        return "it holds a function, which must be given again to catallax.load"
    demand(from_plain(plain) == sample.species, "what comes back does not equal it")
    return None


@clause(
    CONTRACT,
    "actions are of the space",
    "The world would refuse them, or take them for others.",
    "Return int32 for Discrete, int32 [k] for MultiDiscrete, float32 [k] for Box.",
)
def actions_fit(sample: Sample) -> None:
    """Shape, dtype and bounds, after `bounded`; for Python agents, what their functions offer."""
    if sample.species.on_host:
        _demand_offers(sample)
        return
    space, blank = sample.spaces.action, blank_action(sample.spaces.action)
    keys = jax.random.split(jax.random.key(5), len(sample.observations))
    for actions in (sample.acts(keys), sample.greedy_acts):
        found = (actions.dtype, actions.shape[2:])
        demand(found == (blank.dtype, blank.shape), f"an action is {found[0]} {found[1]}")
        for action in np.asarray(bounded(space, actions)).reshape(-1, *blank.shape):
            _demand_inside(space, action)


def _demand_offers(sample: Sample) -> None:
    offers: Any = sample.species
    actions, bids, enters = offers.offers(sample.spaces, sample.observations)
    blank, count = blank_action(sample.spaces.action), len(sample.observations)
    demand(actions.shape == (count, *blank.shape), f"actions have shape {actions.shape}")
    form_of_bids = (bids.dtype, bids.shape, enters.dtype, enters.shape)
    wanted = (np.float32, (count,), np.bool_, (count,))
    demand(form_of_bids == wanted, f"bids and entries are {form_of_bids}")
    fine = ~enters | (np.abs(bids) * TICKS_PER_CREDIT <= TICKS_MAX)
    demand(fine.all(), f"a bid is {bids[np.argmin(fine)]} credits")
    for action in actions:
        _demand_inside(sample.spaces.action, action)


def _demand_inside(space: gymnasium.Space[Any], action: np.ndarray) -> None:
    try:
        as_action(space, action)
    except CatallaxError as error:
        demand(False, error.what)


@clause(
    CONTRACT,
    "acts greedily without chance",
    "Evaluations must repeat.",
    "Draw nothing in act_greedily.",
)
def greedy_is_deterministic(sample: Sample) -> None:
    """Asked 120 times, it does the same."""
    if sample.species.on_host:
        return
    genes, senses = sample.one(0), sample.sense(0)
    first = np.asarray(sample.species.act_greedily(genes, senses))
    for count in range(120):
        again = np.asarray(sample.species.act_greedily(genes, senses))
        demand(np.array_equal(first, again), f"the {count + 2}th time it does {again}, not {first}")

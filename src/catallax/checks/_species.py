"""The contract of a species of agents: what it is, where it serves and what it perceives."""

import json
from collections.abc import Mapping
from typing import Any

import gymnasium
import jax
import jax.numpy as jnp
import numpy as np
from gymnasium.spaces import Text

from catallax._errors import InvalidSetting, UnsupportedSpace
from catallax._types import floats
from catallax._values import UNSAVED, from_plain, to_plain
from catallax.agents._actions import blank_action
from catallax.agents._protocol import Spaces, Species
from catallax.checks._clauses import Clause, Finding, OnFail, clause, demand, demand_value, hold_to
from catallax.checks._draws import form, sample_observations
from catallax.checks._growth import GENES, GROWTH
from catallax.checks._offers import HOST_OFFERS, OFFERS
from catallax.checks._sample import CANDIDATES, Sample

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

    It makes a few agents, shows them 256 observations, extreme ones among them, and looks at what
    they bid, do, learn and pass on; of a species on the host, at what it offers.

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
    rest = HOST_OFFERS if getattr(species, "on_host", False) else OFFERS + GROWTH
    with floats():
        return hold_to(name, CONTRACT + GENES + rest, sample, on_fail, expected_failures)


def _spaces_for(species: Any, observation: Any, action: Any) -> Spaces:
    """Returns the spaces given; the first that the species supports stand in for None."""
    choices = [
        Spaces(one if observation is None else observation, other if action is None else action)
        for one, other in CANDIDATES
    ]
    return next((one for one in choices if _refusal(species, one) is None), choices[0])


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
    "serves the spaces",
    "A market asks before it begins.",
    "Give check_species the observation_space and action_space of a world that it can serve.",
)
def serves(sample: Sample) -> None:
    """`supports` raises nothing, and there are slots for the founders."""
    refused = _refusal(sample.species, sample.spaces)
    demand(refused is None, f"on {sample.spaces} it raised {type(refused).__name__}: {refused}")
    counts = sample.species.founders(sample.spaces), sample.species.slots(sample.spaces)
    whole = all(isinstance(count, int | np.integer) for count in counts)
    demand(whole and 0 <= counts[0] <= counts[1], f"founders and slots are {counts}")


@clause(
    CONTRACT,
    "refuses spaces that it cannot serve",
    "A market asks before it begins.",
    "Write `supports`: call super().supports(spaces), then raise UnsupportedSpace for the rest.",
)
def refuses_spaces(sample: Sample) -> None:
    """UnsupportedSpace for texts; elsewhere it refuses in words for people, or serves."""
    texts = Spaces(Text(3), sample.spaces.action)
    refused = _refusal(sample.species, texts)
    words = f"on {texts} supports raised {refused!r}, not UnsupportedSpace"
    demand(isinstance(refused, UnsupportedSpace), words)
    for spaces in (Spaces(*pair) for pair in CANDIDATES):
        refused = _refusal(sample.species, spaces) or _failure_to_serve(sample.species, spaces)
        known = refused is None or isinstance(refused, UnsupportedSpace | InvalidSetting)
        demand(known, f"on {spaces} it raised {type(refused).__name__}: {refused}")


def _refusal(species: Any, spaces: Spaces) -> Exception | None:
    """Returns what `supports` raised, to be judged by its kind."""
    try:
        species.supports(spaces)
    except Exception as error:
        return error
    return None


def _failure_to_serve(species: Any, spaces: Spaces) -> Exception | None:
    """Returns what a first bid and action raised; a host's functions are not asked."""
    if species.on_host:
        return None
    key, blank = jax.random.key(0), blank_action(spaces.action)
    observation = jnp.asarray(sample_observations(spaces.observation, 1)[0])

    def one() -> Any:
        genes = species.init(key, spaces, jnp.int32(0))
        senses = species.encoder.encode(species.encoder.init(key, spaces.observation), observation)
        return species.bid(genes, senses), species.act(genes, senses, key)

    try:
        action = jax.eval_shape(one)[1]
    except Exception as error:
        return error
    fits = action.shape == blank.shape
    return None if fits else ValueError(f"supports lets it in, and it does {action.shape}")


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
        return "it holds a function, which must be given to catallax.load again"
    demand(from_plain(plain) == sample.species, "what comes back does not equal it")
    return None


# --- what it perceives


@clause(
    CONTRACT,
    "senses have one form",
    "Senses of many observations are stacked.",
    "Let encode return arrays whose shape and dtype do not depend on the observation.",
)
def senses_have_one_form(sample: Sample) -> None:
    """The same shape one by one as stacked, and finite."""
    encoder, state = sample.species.encoder, sample.encoder_state
    wanted = form(jax.tree.map(lambda leaf: leaf[0], sample.senses))
    for observation in sample.observations[:3]:
        found = form(encoder.encode(state, jnp.asarray(observation)))
        demand(found == wanted, f"senses are {found} after {wanted}")
    for leaf in jax.tree.leaves(sample.senses):
        demand(np.isfinite(np.asarray(leaf, np.float64)).all(), "a sense is not finite")


@clause(
    CONTRACT,
    "the encoder keeps its form",
    "A compiled loop carries its state.",
    "Let update return a state of the same structure, shapes and dtypes, and finite.",
)
def encoder_keeps_its_form(sample: Sample) -> None:
    """After 20 chunks the state is as it was, and senses are finite."""
    encoder, state = sample.species.encoder, sample.encoder_state
    chunk, wanted = jnp.asarray(sample.observations)[:, None], form(state)
    update = jax.jit(encoder.update)
    for count in range(20):
        state = update(state, chunk)
        demand(form(state) == wanted, f"after {count + 1} chunks {wanted} became {form(state)}")
    for observation in sample.observations[:3]:
        senses = encoder.encode(state, jnp.asarray(observation))
        for leaf in jax.tree.leaves(senses):
            finite = np.isfinite(np.asarray(leaf, np.float64)).all()
            demand(finite, "after 20 chunks a sense is not finite")

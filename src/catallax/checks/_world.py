"""The contract of worlds; that of compiled ones is here, that of batches in `_host_world`."""

import re
from collections.abc import Mapping

import jax
import numpy as np
from gymnasium.spaces import Discrete

from catallax._types import TICKS_MAX, TICKS_PER_CREDIT, floats
from catallax.checks._clauses import (
    Clause,
    Finding,
    OnFail,
    clause,
    demand,
    demand_members,
    demand_value,
    hold_to,
)
from catallax.checks._draws import form
from catallax.checks._host_world import HOST_CONTRACT, Stage
from catallax.checks._trial import TICKS, WORLDS, Trial, demand_everywhere, demand_same_play
from catallax.worlds._gymnasium import HostSpec
from catallax.worlds._make import make_world
from catallax.worlds._protocol import HostWorld, World
from catallax.worlds._spaces import (
    observation_size,
    require_action_space,
    require_observation_space,
)

WIDE_TICKS = 24
CONTRACT: list[Clause] = []
MEMBERS = ("observation_space", "action_space", "time_limit", "initial", "observe", "step")


def check_world(
    world: World | HostWorld | HostSpec | str,
    *,
    on_fail: OnFail = "raise",
    expected_failures: Mapping[str, str] | None = None,
) -> list[Finding]:
    """Checks that a world of yours keeps the contract of `World` or `HostWorld`.

    A compiled world is played for 320 steps in 8 copies with random actions; a batch on the host
    likewise, in as many copies as it has. A batch is used up by it: reset it afterwards.

    Args:
        world: A compiled world, a batch of worlds on the host, a recipe for one, or a name that
            `catallax.train` takes.
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
        >>> findings = cx.checks.check_world(cx.worlds.Chain())
        >>> findings[0].clause
        'follows the protocol'
    """
    found = make_world(world) if isinstance(world, str) else world
    if isinstance(found, HostSpec):
        found = found.make(3)
    name = f"The world {type(found).__name__}"
    if hasattr(found, "reset"):
        return hold_to(name, HOST_CONTRACT, Stage(found), on_fail, expected_failures)
    with floats():
        return hold_to(name, CONTRACT, Trial(found), on_fail, expected_failures)


@clause(
    CONTRACT,
    "follows the protocol",
    "A market calls these by name.",
    "Give it what catallax.worlds.World lists.",
)
def follows_protocol(trial: Trial) -> None:
    """It has every member."""
    demand_members(trial.world, MEMBERS)


@clause(
    CONTRACT,
    "is a frozen value",
    "A market is compiled for its world, which is a key.",
    "Make it a frozen dataclass of hashable fields.",
)
def is_value(trial: Trial) -> None:
    """Hashable, and equal to a copy."""
    demand_value(trial.world)


@clause(
    CONTRACT,
    "has spaces that agents can use",
    "Agents see and give arrays of fixed size.",
    "Use Box, Discrete, MultiDiscrete, MultiBinary, or a Dict or Tuple of them to observe, and "
    "Discrete, MultiDiscrete or Box to act.",
)
def has_spaces(trial: Trial) -> None:
    """Both are supported."""
    require_observation_space(trial.world.observation_space)
    require_action_space(trial.world.action_space)


@clause(
    CONTRACT,
    "has a time limit in ticks, or None",
    "The driver counts ticks against it.",
    "Give a positive int or None.",
)
def has_time_limit(trial: Trial) -> None:
    """Positive whole number, or None."""
    limit = trial.world.time_limit
    demand(limit is None or (type(limit) is int and limit >= 1), f"it is {limit!r}")


@clause(
    CONTRACT,
    "keeps its dtypes",
    "A compiled loop carries a state of one form.",
    "Cast every leaf of the state explicitly, in initial and in step, to float32, int32 or bool.",
)
def keeps_dtypes(trial: Trial) -> None:
    """Step returns a state like the one it was given, in 32 bits, also in a 64-bit context."""
    forms = []
    for wide in (False, True):
        with jax.enable_x64(wide):
            first, after = (form(state) for state in Trial(trial.world).shapes())
        demand(first == after, f"a state {first} became {after}")
        forms.append(first)
    demand(forms[0] == forms[1], f"with 64-bit numbers allowed {forms[0]} becomes {forms[1]}")
    demand("64[" not in forms[0], f"the state {forms[0]} holds 64-bit numbers")


@clause(
    CONTRACT,
    "shows observations of its space",
    "Agents are built for that form.",
    "Return an int32 scalar from 0 for Discrete, else float32 [D].",
)
def shows_its_space(trial: Trial) -> None:
    """Form, finiteness and range, over the whole play."""
    space = trial.world.observation_space
    for seen in (trial.seen.before, trial.seen.after):
        if isinstance(space, Discrete):
            demand(seen.dtype == np.int32 and seen.ndim == 2, f"it is {seen.dtype}, not int32")
            inside = (seen >= 0) & (seen < int(space.n))
            demand_everywhere(inside, seen, f"which is not of {space}")
        else:
            form = (seen.dtype.name, seen.shape[2:])
            wanted = ("float32", (observation_size(space),))
            demand(form == wanted, f"an observation is {form}, not {wanted}")


@clause(
    CONTRACT,
    "shows finite observations",
    "Agents cannot value what they cannot see.",
    "Bound the state, or end the episode before it grows beyond all bounds.",
)
def shows_finite(trial: Trial) -> None:
    """No NaN and no infinity, over the whole play."""
    for seen in (trial.seen.before, trial.seen.after):
        demand_everywhere(np.isfinite(seen), seen, "which is not finite")


@clause(
    CONTRACT,
    "pays finite float32 rewards",
    "Rewards are booked.",
    "Return a float32 scalar of at most a million credits.",
)
def pays_finite(trial: Trial) -> None:
    """Form, finiteness and range."""
    reward = trial.seen.reward
    form = (reward.dtype.name, reward.shape)
    demand(form == ("float32", (TICKS, WORLDS)), f"a reward is {form[0]} {list(form[1][2:])}")
    fine = np.abs(reward) * TICKS_PER_CREDIT <= TICKS_MAX
    demand_everywhere(fine, reward, "which cannot be booked")


@clause(
    CONTRACT,
    "tells the end by a bool",
    "Whoever owns an ended world is paid no more.",
    "Return a bool scalar: whether the episode terminated.",
)
def tells_the_end(trial: Trial) -> None:
    """Form of the third answer."""
    ended = trial.seen.ended
    right = ended.dtype == np.bool_ and ended.shape == (TICKS, WORLDS)
    demand(right, f"it is {ended.dtype} {list(ended.shape[2:])}")


@clause(
    CONTRACT,
    "is the same given the same key",
    "A run could not be repeated or resumed.",
    "Draw from the key alone; keep nothing outside the state.",
)
def is_deterministic(trial: Trial) -> None:
    """Traced again it is the same program, and run again it shows the same."""
    programs = []
    for _ in range(2):
        traced = jax.make_jaxpr(Trial(trial.world).play)(trial.keys, trial.actions)
        consts = [np.asarray(const).tolist() for const in traced.consts]
        programs.append((re.sub(r"0x[0-9a-f]+", "", str(traced)), str(consts)))
    demand(programs[0] == programs[1], "traced a second time, it is another program")
    demand_same_play(trial.seen, trial.program(trial.keys, trial.actions), "run a second time")


@clause(
    CONTRACT,
    "is the same where 64-bit numbers are allowed",
    "Markets compute money in them.",
    "Give every array, draw and cast a dtype of its own.",
)
def is_same_in_wide_context(trial: Trial) -> None:
    """The first ticks in an x64 context."""
    part = jax.tree.map(lambda column: column[:WIDE_TICKS], trial.seen)
    keys = np.concatenate([trial.keys[:WIDE_TICKS], trial.keys[-1:]])
    with jax.enable_x64(True):
        wide = jax.jit(trial.play)(keys, trial.actions[:WIDE_TICKS])
    demand(form(part) == form(wide), f"{form(part)} becomes {form(wide)}")
    demand_same_play(part, wide, "in an x64 context")

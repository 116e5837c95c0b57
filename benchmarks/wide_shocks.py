"""What happens to an industry of the wide market, all of a sudden."""

import dataclasses

import numpy as np

from catallax.industries import Industry, Producer
from catallax.planner import SteadyState, steady_state
from catallax.techniques import LinearActivity

ENTRANT = "entrant"
SHOCKS = ("the busiest technique is lost", "tastes change", "a better producer enters")


def before_and_after(industry: Industry, seed: int) -> tuple[Industry, dict[str, Industry]]:
    """Returns an industry whose entrant has no capacity yet, and what each shock makes of it.

    Args:
        industry: Of techniques in fixed proportions.
        seed: Of what the shocks draw.
    """
    steady = steady_state(industry)
    before = with_entrant(industry, steady, seed, may_run=False)
    lost = without_largest(before, steady.levels)
    entered = with_entrant(industry, steady, seed, may_run=True)
    changed = (lost, other_tastes(before, seed), entered)
    return before, dict(zip(SHOCKS, changed, strict=True))


def without_largest(industry: Industry, levels: np.ndarray) -> Industry:
    """Takes out the technique that runs at the highest level."""
    gone = int(np.argmax(levels))
    producers = list(industry.producers)
    lost = dataclasses.replace(producers[gone].technique, capacity=0.0)
    producers[gone] = Producer(producers[gone].name, lost)
    return dataclasses.replace(industry, producers=tuple(producers))


def other_tastes(industry: Industry, seed: int) -> Industry:
    """Multiplies what every want is worth by a number from 0.5 to 1.5."""
    draw = np.random.default_rng([7, seed])
    households = tuple(
        dataclasses.replace(
            one,
            wants=tuple(
                dataclasses.replace(want, worth=want.worth * float(draw.uniform(0.5, 1.5)))
                for want in one.wants
            ),
        )
        for one in industry.households
    )
    return dataclasses.replace(industry, households=households)


def with_entrant(industry: Industry, steady: SteadyState, seed: int, *, may_run: bool) -> Industry:
    """Adds a producer who does what is done at the greatest expense, for 0.4 to 0.6 of it.

    Of what comes in from outside (labour, room on a road, resources) it takes that share, and as
    much of costs; of what others make it takes what they take. It has room for twice what the one
    that it improves on does in the planner's plan.

    Args:
        industry: Of techniques in fixed proportions.
        steady: The planner's, of the industry without it.
        seed: Of the share.
        may_run: Whether it has its capacity yet; without it has 0.
    """
    share = float(np.random.default_rng([8, seed]).uniform(0.4, 0.6))
    outside = {
        good for good, amount in zip(industry.goods, industry.coming_in, strict=True) if amount > 0
    }
    saved = [
        level * _expense(industry, steady, one.technique, outside)
        for level, one in zip(steady.levels, industry.producers, strict=True)
    ]
    best = int(np.argmax(saved))
    old = industry.producers[best].technique
    inputs = {good: n * (share if good in outside else 1.0) for good, n in old.inputs}
    room = 2.0 * float(steady.levels[best]) if may_run else 0.0
    better = LinearActivity(inputs, old.outputs, room, old.unit_cost * share)
    return dataclasses.replace(industry, producers=(*industry.producers, Producer(ENTRANT, better)))


def _expense(industry: Industry, steady: SteadyState, technique: LinearActivity, outside: set):
    """Returns what a unit of level spends on what comes in from outside, and costs."""
    price = dict(zip(industry.goods, steady.prices, strict=True))
    bought = sum(amount * price[good] for good, amount in technique.inputs if good in outside)
    return bought + technique.unit_cost

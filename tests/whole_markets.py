"""Small markets for whole goods, each twice: as the library's wishes and written out by bundles."""

from typing import Any, NamedTuple

from hypothesis import strategies as st

from catallax.clearing.indivisible import wishes
from oracles import whole_goods as oracle


class Twice(NamedTuple):
    """One market in both forms."""

    wishes: Any
    supply: list[int]
    agents: list[oracle.Agent]
    wealth: list[int] | None = None

    @property
    def money(self) -> str:
        """The rule that goes with the wealth."""
        return "none" if self.wealth is None else "cap"


def lists(shape, numbers):
    """Nested lists of a shape."""
    if not shape:
        return numbers
    return st.lists(lists(shape[1:], numbers), min_size=shape[0], max_size=shape[0])


def falling(values):
    """The same numbers, none larger than the one before, innermost."""
    if isinstance(values[0], list):
        return [falling(each) for each in values]
    return sorted(values, reverse=True)


def no_less(values):
    """A table in which more goods are worth no less."""
    values = [0, *values[1:]]
    for goods in range(1, len(values)):
        parts = [goods & ~(1 << j) for j in range(goods.bit_length()) if goods >> j & 1]
        values[goods] = max([values[goods], *(values[part] for part in parts)])
    return values


@st.composite
def families(draw, kind, agents, goods, top):
    """Wishes of one family, and every agent's worth as a plain function."""
    numbers = st.integers(0, top)
    if kind == "unit":
        values = draw(lists((agents, goods), numbers))
        return wishes.UnitDemand(values), [oracle.unit_demand(own) for own in values]
    if kind == "additive":
        values = draw(lists((agents, goods), numbers))
        return wishes.Additive(values), [oracle.additive(own) for own in values]
    if kind == "diminishing":
        values = falling(draw(lists((agents, goods, 2), numbers)))
        return wishes.Diminishing(values), [oracle.diminishing(own) for own in values]
    if kind == "slots":
        values = draw(lists((agents, 2, goods), numbers))
        return wishes.Slots(values), [oracle.slots(own) for own in values]
    values = [no_less(own) for own in draw(lists((agents, 2**goods), numbers))]
    return wishes.Table(values), [oracle.table(own) for own in values]


KINDS = ("unit", "additive", "diminishing", "slots", "table")


@st.composite
def markets(draw, kinds=KINDS, capped=False, most_agents=3, most_goods=3, top=6, units=(0, 2)):
    """A market of one family, or of two if there are kinds to choose from."""
    agents = draw(st.integers(1, most_agents))
    goods = draw(st.integers(1, most_goods))
    supply = draw(lists((goods,), st.integers(*units)))
    chosen = st.sampled_from(kinds)
    wanted, worths = draw(families(draw(chosen), agents, goods, top))
    if len(kinds) > 1 and draw(st.booleans()):
        others, more = draw(families(draw(chosen), 1, goods, top))
        wanted, worths = wishes.Mixed((wanted, others)), worths + more
    wealth = draw(lists((len(worths),), st.integers(0, top + 2))) if capped else None
    if wealth is not None:
        worths = [oracle.capped(own, limit) for own, limit in zip(worths, wealth, strict=True)]
    return Twice(wanted, supply, [oracle.listed(own, supply) for own in worths], wealth)

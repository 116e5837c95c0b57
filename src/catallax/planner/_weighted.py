"""An industry in which some count for more than others, as budgets make them."""

import math
from collections.abc import Mapping
from dataclasses import replace

from catallax._errors import InvalidSetting
from catallax.industries import Industry
from catallax.industries._household import require_listed
from catallax.techniques._amounts import require_between


def weighted(industry: Industry, weights: Mapping[str, float]) -> Industry:
    """Returns an industry whose households' wants are worth so many times as much.

    Where a budget `p·x ≤ w` binds, a household buys as if its worth counted `1/β`, with β what
    another credit would bring it, `v(x)/(p·x)` where twice the bundle is worth twice as much. A
    market with budgets is compared with the planner of the industry weighted so, not with one to
    whom every credit of worth is the same.

    Args:
        industry: Whose households have lists of wants.
        weights: Above 0, by the names of households; the others count 1.

    Returns:
        The industry, for `steady_state` and the rest of the planner.

    Raises:
        InvalidSetting: If a name is no household's, a weight is not positive and finite, or a
            household has a taste.

    Example:
        >>> import catallax as cx
        >>> from catallax.industries import Household, Want
        >>> chain = cx.industries.supply_chain(0)
        >>> name = chain.households[0].name
        >>> half = cx.planner.weighted(chain, {name: 0.5})
        >>> half.wants[0].worth / chain.wants[0].worth
        0.5

    Source: Negishi (1960), Welfare economics and existence of an equilibrium for a competitive
    economy.
    """
    require_listed(industry.households, "The planner")
    names = [one.name for one in industry.households]
    for name, weight in weights.items():
        if name not in names:
            raise InvalidSetting(
                f"weighted was given a weight of {name!r}.",
                f"The households are {', '.join(names)}.",
                "Name a household.",
            )
        require_between("weighted", f"weights[{name!r}]", weight, 0.0, math.inf, open_low=True)
    households = tuple(
        replace(
            one,
            wants=tuple(replace(w, worth=w.worth * weights.get(one.name, 1.0)) for w in one.listed),
        )
        for one in industry.households
    )
    return replace(industry, households=households)

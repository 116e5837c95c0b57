"""Goods that must get from where they are to where they are wanted, on roads they share."""

import numpy as np

from catallax._errors import InvalidSetting
from catallax._goods import Inflow
from catallax.techniques import LinearActivity

from ._household import Household, Want
from ._industry import Industry, Producer


def commodity_flow(
    seed: int, nodes: int = 6, commodities: int = 3, discount: float = 0.98
) -> Industry:
    """Draws a multi-commodity flow: a ring of nodes with short cuts, and roads with little room.

    What stands at a node is a good, `"b@3"`, and so is the room on a road, `"room 3→4"`, which
    comes in anew every step and belongs to the road. For every road and commodity there is a
    carrier that takes a unit of room with every unit it moves, for a fee. Demand is worth more than
    any way to meet it costs, so that the best plan is a flow of least cost; where roads are full,
    some of it goes the long way or not at all. To move takes a step.

    Args:
        seed: Of all that is drawn.
        nodes: Nodes of the ring, 3 or more.
        commodities: Kinds of goods, each with a source and a sink.
        discount: γ of the industry.

    Returns:
        The industry.

    Raises:
        InvalidSetting: If there are fewer than 3 nodes or no commodity, or more than 26.

    Example:
        >>> flow = commodity_flow(0, nodes=4, commodities=2)
        >>> flow.goods[:5], flow.producers[0].name
        (('a@0', 'a@1', 'a@2', 'a@3', 'b@0'), 'a on 0→1')

    Source: Ahuja, Magnanti and Orlin (1993), Network flows, chapter 17.
    """
    if nodes < 3 or not 1 <= commodities <= 26:
        raise InvalidSetting(
            f"commodity_flow was given nodes={nodes} and commodities={commodities}.",
            "A ring has 3 nodes or more, and commodities are named by the letters a to z.",
            "Give nodes=3 or more and between 1 and 26 commodities.",
        )
    draw = np.random.default_rng([5, seed])
    names = [chr(ord("a") + number) for number in range(commodities)]
    roads = _roads(draw, nodes)
    room = {road: f"room {road[0]}→{road[1]}" for road in roads}
    inflows, households = [], []
    for name in names:
        source, sink = (int(node) for node in draw.choice(nodes, 2, replace=False))
        amount = float(draw.uniform(3.0, 6.0))
        inflows.append(Inflow(f"{name}@{source}", amount, f"shipper of {name}"))
        want = Want(f"{name}@{sink}", float(draw.uniform(8.0, 12.0)), amount)
        households.append(Household(f"receiver of {name}", (want,)))
    for road in roads:
        inflows.append(Inflow(room[road], float(draw.uniform(2.0, 5.0)), f"road {_of(road)}"))
    return Industry(
        goods=(*(f"{name}@{node}" for name in names for node in range(nodes)), *room.values()),
        inflows=tuple(inflows),
        producers=tuple(
            Producer(f"{name} on {_of(road)}", _carrier(draw, name, road, room[road]))
            for name in names
            for road in roads
        ),
        households=tuple(households),
        discount=discount,
    )


def _roads(draw: np.random.Generator, nodes: int) -> list[tuple[int, int]]:
    """A ring in both directions, and as many short cuts as there are nodes, where they fit."""
    ring = [(node, (node + way) % nodes) for node in range(nodes) for way in (1, -1)]
    cuts = [(int(one), int(other)) for one, other in draw.integers(0, nodes, (nodes, 2))]
    return list(dict.fromkeys([*ring, *((one, other) for one, other in cuts if one != other)]))


def _carrier(
    draw: np.random.Generator, name: str, road: tuple[int, int], room: str
) -> LinearActivity:
    there, here = f"{name}@{road[1]}", f"{name}@{road[0]}"
    fee = float(draw.uniform(0.1, 1.0))
    return LinearActivity({here: 1.0, room: 1.0}, {there: 1.0}, unit_cost=fee)


def _of(road: tuple[int, int]) -> str:
    return f"{road[0]}→{road[1]}"

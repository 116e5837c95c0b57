"""A small industry in which ores look alike, and tools do, for tests of what only totals tell."""

from catallax.industries import Household, Industry, Inflow, Producer, Want
from catallax.techniques import GradedActivity, LinearActivity
from catallax.wide import Rewards, WideEconomy, WideMarket

GOODS = ("labour", "rich ore", "poor ore", "iron", "sound tools", "weak tools", "ploughs")
ORE, TOOLS = GOODS[1:3], GOODS[4:6]
ALIKE = {"ore": ORE, "tools": TOOLS}
LOOK_OF = [0, 1, 1, 2, 3, 3, 4]
SMELT = GradedActivity(
    {ORE: 2.0, "labour": 1.0}, {"rich ore": {"iron": 1.0}, "poor ore": {"iron": 0.25}}, 4.0
)
FORGE = LinearActivity(
    {"iron": 1.0, "labour": 0.5}, {"sound tools": 0.75, "weak tools": 0.25}, 3.0, 0.125
)
KEEP = GradedActivity(
    {TOOLS: 1.0}, {"sound tools": {"sound tools": 1.0}, "weak tools": {"weak tools": 0.5}}, 2.0, 0.5
)
FIT = GradedActivity(
    {TOOLS: 1.0}, {"sound tools": {"ploughs": 1.0}, "weak tools": {"ploughs": 0.5}}, 5.0, 0.25
)
PRODUCERS = (
    Producer("smelt", SMELT),
    Producer("forge", FORGE),
    Producer("keep", KEEP),
    Producer("fit", FIT),
)
HOUSEHOLDS = (
    Household("farmer", (Want("ploughs", 4.0, 3.0),)),
    Household("hermit", (Want("labour", 0.5, 2.0),)),
)
INFLOWS = (
    Inflow("labour", 6.0, "workers"),
    Inflow("rich ore", 3.0, "old mine"),
    Inflow("poor ore", 2.0, "new mine"),
)


def plough(producers=PRODUCERS, households=HOUSEHOLDS, inflows=INFLOWS, alike=ALIKE, discount=0.9):
    """Ore is smelted, iron forged, and tools are fitted to ploughs."""
    return Industry(GOODS, inflows, producers, households, discount, alike)


def market(industry=None, **rules):
    """Its market; nature pays."""
    return WideMarket(industry or plough(), Rewards(1e3), "none", **rules)


def economy(*given, **rules):
    """One that runs, of the same arguments."""
    return WideEconomy(market(*given, **rules))

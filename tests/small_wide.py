"""Small industries of a wide market, for tests of what they do."""

from catallax.industries import Household, Industry, Inflow, Producer, Want
from catallax.techniques import LinearActivity, Storage
from catallax.wide import Rewards, Stipends, WideEconomy, WideMarket

GOODS = ("labour", "cedar", "slats")
SAW = LinearActivity({"cedar": 2.0, "labour": 1.0}, {"slats": 4.0}, 3.0, 0.1)
BARN = Storage("slats", 5.0, 0.01)
STIPENDS = Stipends({"a": 40.0, "b": 30.0}, treasury=1e3, endowment=1e3)
WANTS = ((Want("slats", 2.0, 3.0),), (Want("slats", 1.5, 9.0),))
INFLOWS = (Inflow("labour", 2.0, "worker"), Inflow("cedar", 5.0))


def mill(first=SAW, second=BARN, wants=WANTS, inflows=INFLOWS, names=("mill", "a"), discount=0.9):
    """Two who make slats and keep them, and two who want them."""
    return Industry(
        GOODS,
        inflows,
        (Producer(names[0], first), Producer("barn", second)),
        (Household(names[1], wants[0]), Household("b", wants[1])),
        discount,
    )


def market(industry=None, closure=None, money="none", **rules):
    """Its market; nature pays, unless something else is said."""
    return WideMarket(industry or mill(), closure or Rewards(1e3), money, **rules)


def economy(*given, **rules):
    """One that runs, of the same arguments."""
    return WideEconomy(market(*given, **rules))

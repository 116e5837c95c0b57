"""One step of a wide market around its clearing, written a second time: integers and fractions.

Nothing here knows of the library. Holders are rows: owners of what comes in (the original owner is
row 0), households, producers. Columns are components, or goods, which are seen: totals of what
looks alike. Money is in ticks, goods are in quanta.
"""

from dataclasses import dataclass, field
from fractions import Fraction
from math import floor

from oracles.goods import TICKS, columns, cost, kept, rounded, shares, traded


@dataclass
class Kind:
    """A good: a quantum's size, the share lost in a step, credits to keep 1 of it."""

    unit: Fraction
    lost: Fraction
    carrying: Fraction
    perishable: bool


@dataclass
class Recipe:
    """Fixed proportions: what a level takes and makes, by column; the most levels, if any.

    It takes goods and makes components; of inputs that have grades it makes what is said by grade.
    """

    takes: dict
    makes: dict
    most: Fraction | None
    unit_cost: Fraction
    by_grade: dict = field(default_factory=dict)

    def level(self, bundle):
        """How much of it a bundle is enough for."""
        enough = [bundle[j] / amount for j, amount in self.takes.items()]
        return min(enough if self.most is None else [*enough, self.most])


@dataclass
class Rules:
    """All that does not change; wants are lists of (worth, most or None) by household and good.

    Kinds are those of components; `look_of` says as which good each is seen, None as itself.
    """

    owners: int
    kinds: list
    arrivals: list
    wants: list
    recipes: list
    gamma: Fraction
    stipends: list | None
    look_of: list | None = None

    @property
    def looks(self):
        """As which good every component is seen."""
        return self.look_of or list(range(len(self.kinds)))

    @property
    def units(self):
        """What a quantum of each good is."""
        first = dict(zip(reversed(self.looks), reversed(self.kinds), strict=True))
        return [first[look].unit for look in range(len(first))]

    def seen(self, row):
        """Totals of what looks alike."""
        goods = range(max(self.looks) + 1)
        pairs = list(zip(self.looks, row, strict=True))
        return [sum(q for look, q in pairs if look == good) for good in goods]

    @property
    def households(self):
        """Their rows."""
        return range(self.owners, self.owners + len(self.wants))

    @property
    def producers(self):
        """Their rows."""
        return range(self.households.stop, self.households.stop + len(self.recipes))


@dataclass
class Then:
    """A state; `money` is the holders', `system` that of the accounts of the market."""

    holdings: list
    carry: list
    disposal: list
    money: list
    system: dict
    alive: list


def settle(rules, before, prices, bundles):
    """Returns the state after a step, what moved (in, made, used up), and the levels."""
    after = Then(
        [list(row) for row in before.holdings],
        [list(row) for row in before.carry],
        list(before.disposal),
        list(before.money),
        dict(before.system),
        list(before.alive),
    )
    width = len(rules.kinds)
    bring_in(rules, after)
    bought, back, earned = buy(rules, after, prices, bundles)
    parts = divide(rules, after.holdings, bought + back)
    used, left = parts[: len(bought)], parts[len(bought) :]
    discount(rules, after, earned)
    keep(rules, after, left)
    levels, made = make(rules, after, bought, used)
    reward(rules, after, bought, levels)
    if rules.stipends is not None:
        share_out(rules, after, earned)
    bury(rules, after)
    moved = [[sum(c) for c in columns(table, width)] for table in (rules.arrivals, made, used)]
    return after, moved, levels


def pay(now, payer, payee, ticks):
    """Moves money; a payer is a row or the name of an account."""
    for who, amount in ((payer, -ticks), (payee, ticks)):
        place = now.system if isinstance(who, str) else now.money
        place[who] += amount


def bring_in(rules, now):
    """What comes in belongs to its owners."""
    for row, came in zip(now.holdings, rules.arrivals, strict=True):
        row[:] = [held + more for held, more in zip(row, came, strict=True)]


def buy(rules, now, prices, bundles):
    """Everybody offers all it has; who has how much money before can spend that."""
    units = rules.units
    wants = [[want / unit for want, unit in zip(row, units, strict=True)] for row in bundles]
    price = [p * unit * TICKS for p, unit in zip(prices, units, strict=True)]
    offered = [rules.seen(row) for row in now.holdings]
    supply = [sum(column) for column in columns(offered, len(units))]
    bought = rounded(wants, supply, price, [max(money, 0) for money in now.money])
    payments, receipts, _, back = traded(offered, bought, price)
    for row, (pays, gets) in enumerate(zip(payments, receipts, strict=True)):
        pay(now, row, "clearing", sum(pays))
        pay(now, "clearing", row, sum(gets))
    return bought, back, [sum(gets) for gets in receipts]


def divide(rules, holdings, claims):
    """Whose are the components: one after the other, by largest remainder of the claims left."""
    left = [list(row) for row in claims]
    parts = [[0] * len(rules.kinds) for _ in claims]
    for c, look in enumerate(rules.looks):
        got = shares(sum(row[c] for row in holdings), [row[look] for row in left])
        for row, part, quanta in zip(left, parts, got, strict=True):
            row[look] -= quanta
            part[c] = quanta
    return parts


def discount(rules, now, earned):
    """Who sells what it made a step ago loses what a credit is worth less by then."""
    for row in rules.producers:
        pay(now, row, "discount", earned[row] - floor(earned[row] * rules.gamma))


def keep(rules, now, back):
    """What was bought is used up; of what came back some perishes, some is lost, some costs."""
    for row, returned in enumerate(back):
        for j, kind in enumerate(rules.kinds):
            rest, gone = (0, returned[j]) if kind.perishable else kept(returned[j], kind.lost)
            now.holdings[row][j] = rest
            now.disposal[j] += gone
            pay(now, row, "treasury", cost(rest, kind.carrying * kind.unit * TICKS))


def make(rules, now, bought, used):
    """Producers make what their level makes of their parts, in whole quanta; rests are carried."""
    levels, made = [], [[0] * len(rules.kinds) for _ in now.holdings]
    for row, recipe in zip(rules.producers, rules.recipes, strict=True):
        bundle = [q * unit for q, unit in zip(bought[row], rules.units, strict=True)]
        levels.append(recipe.level(bundle))
        for j, amount in makes_of(rules, recipe, bought[row], used[row]).items():
            whole = levels[-1] * amount / rules.kinds[j].unit + now.carry[row][j]
            made[row][j] = floor(whole)
            now.carry[row][j] = whole - floor(whole)
            now.holdings[row][j] += floor(whole)
    return levels, made


def makes_of(rules, recipe, bought, used):
    """What a level makes: of every grade in proportion to its share of what looks like it."""
    makes = dict(recipe.makes)
    for c, outputs in recipe.by_grade.items():
        share = Fraction(used[c], max(bought[rules.looks[c]], 1))
        for j, amount in outputs.items():
            makes[j] = makes.get(j, 0) + share * amount
    return makes


def worth(wants, amounts):
    """What amounts are worth to a household: the dearest want of a good is met first."""
    total = Fraction(0)
    for listed, amount in zip(wants, amounts, strict=True):
        for credits, most in sorted(listed, key=lambda want: -want[0]):
            met = amount if most is None else min(amount, most)
            total, amount = total + credits * met, amount - met
    return total


def reward(rules, now, bought, levels):
    """Nature pays for what households use up, if it does at all, and takes what levels cost."""
    for row, wants in zip(rules.households, rules.wants, strict=True):
        if rules.stipends is None:
            amounts = [q * unit for q, unit in zip(bought[row], rules.units, strict=True)]
            pay(now, "nature", row, floor(worth(wants, amounts) * TICKS))
    for row, recipe, level in zip(rules.producers, rules.recipes, levels, strict=True):
        pay(now, "nature", row, floor(-level * recipe.unit_cost * TICKS))


def share_out(rules, now, earned):
    """What resources earned goes to the treasury; it pays stipends, as far as it can."""
    for row in range(rules.owners):
        pay(now, row, "treasury", earned[row])
    payable = min(sum(rules.stipends), max(now.system["treasury"], 0))
    for row, ticks in zip(rules.households, shares(payable, rules.stipends), strict=True):
        pay(now, "treasury", row, ticks)


def bury(rules, now):
    """Producers in debt die: losses pays, their goods revert, what they carried never was."""
    for number, row in enumerate(rules.producers):
        if now.money[row] < 0:
            pay(now, "losses", row, -now.money[row])
            now.alive[number] = False
            now.holdings[0] = [
                a + b for a, b in zip(now.holdings[0], now.holdings[row], strict=True)
            ]
            now.holdings[row] = [0] * len(rules.kinds)
            now.carry[row] = [Fraction(0)] * len(rules.kinds)

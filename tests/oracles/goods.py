"""What the design says of goods, written a second time: integers, fractions, lists and loops.

Nothing here knows of the library. Tables are lists of rows, one a holder; a good is a column.
"""

from fractions import Fraction
from math import floor, frexp

TICKS = 10**6
NO_PRICE = 2**40  # ticks for 1 of a good; above it there is no price


def columns(rows, goods):
    """Turns a table on its side."""
    return [[row[j] for row in rows] for j in range(goods)]


def shares(total, weights):
    """Largest remainders: everybody's proportion rounded down, the rest to who lost most."""
    whole = sum(weights)
    if whole == 0:
        return [0] * len(weights)
    exactly = [Fraction(total) * weight / whole for weight in weights]
    got = [floor(share) for share in exactly]
    lost = sorted(range(len(weights)), key=lambda i: (got[i] - exactly[i], i))
    for i in lost[: total - sum(got)]:
        got[i] += 1
    return got


def whole_weights(weights):
    """Weights as multiples of the largest one's power of two over 2**40, rounded down."""
    top = max(weights, default=0)
    if top == 0:
        return [0] * len(weights)
    step = Fraction(2) ** (frexp(top)[1] - 40)
    return [floor(Fraction(weight) / step) for weight in weights]


def kept(holding, rate):
    """What is left of a stock after a step, and what is lost."""
    rest = floor(holding * (1 - rate))
    return rest, holding - rest


def cost(quanta, price):
    """What quanta cost in ticks, at a price in ticks a quantum: one product, rounded down."""
    return floor(price * quanta)


def rounded(wants, supply, price, means):
    """Rounds bundles that fit whole: what is left of what was wanted goes to who lost most."""
    got = [[floor(want) for want in row] for row in wants]
    spent = [sum(map(cost, row, price)) for row in got]
    for j in sorted(range(len(supply)), key=lambda j: (-price[j], j)):
        lost = [floor((row[j] - floor(row[j])) * 2**40) for row in wants]
        left = floor(Fraction(sum(lost), 2**40) + Fraction(1, 2)) if price[j] else len(wants)
        left = min(left, supply[j] - sum(row[j] for row in got))
        for i in sorted(range(len(wants)), key=lambda i: (-lost[i], i)):
            more = cost(got[i][j] + 1, price[j]) - cost(got[i][j], price[j])
            if left > 0 and lost[i] > 0 and spent[i] + more <= means[i]:
                got[i][j] += 1
                spent[i] += more
                left -= 1
    return got


def traded(offered, bought, price):
    """Who pays and gets what for which quanta, given what everybody gets.

    Returns:
        Payments, receipts, what is sold and what comes back, one row a holder.
    """
    goods = len(price)
    payments = [[cost(q, p) for q, p in zip(row, price, strict=True)] for row in bought]
    back, receipts = [], []
    for offers, buys, pays in zip(
        *(columns(table, goods) for table in (offered, bought, payments)), strict=True
    ):
        back.append(shares(sum(offers) - sum(buys), offers))
        receipts.append(shares(sum(pays), [o - b for o, b in zip(offers, back[-1], strict=True)]))
    back, receipts = columns(back, len(offered)), columns(receipts, len(offered))
    sold = [[o - b for o, b in zip(*rows, strict=True)] for rows in zip(offered, back, strict=True)]
    return payments, receipts, sold, back


class Store:
    """One holder's stock of one good, and the part of a quantum that it carries."""

    def __init__(self):
        self.held, self.carried = 0, Fraction(0)

    def make(self, outcome):
        """Replaces the stock by an outcome; returns what was made and what was used up."""
        before, whole = self.held, Fraction(outcome) + self.carried
        self.held, self.carried = floor(whole), whole - floor(whole)
        return max(self.held - before, 0), max(before - self.held, 0)

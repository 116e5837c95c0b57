"""Small market equilibria by SciPy, from textbook formulas alone.

A market is solved as the convex programme in quantities whose multipliers are its prices. Prices
are checked without any multipliers: the most that goods can bring is concave in how many there are,
so the price of a good lies between what a little more of it adds and what a little less takes away.
"""

import numpy as np
from scipy.optimize import linprog, minimize

SOFT = 1e-9
"""Quantities stay above this, where powers and logarithms have slopes."""


class Agents:
    """Agents of one kind: how many numbers describe their choice, and what it means.

    `make(z)` gives bundles `[n, m]` and worths `[n]`; `slacks(z)` must end at 0 or more.
    """

    def __init__(self, kind, fields, goods):
        self.kind, self.fields, self.goods = kind, fields, goods
        self.n = len(next(iter(fields.values())))
        self.size = self.n if kind in ("leontief", "bounded") else self.n * goods
        if kind == "pieces":
            self.size = fields["slopes"].size

    def make(self, z):
        if self.kind == "leontief":  # amounts of the recipe
            return z[:, None] * self.fields["needs"], z
        if self.kind == "bounded":  # levels
            curve = self.fields["slopes"] * z - self.fields["curvatures"] * z**2 / 2
            return z[:, None] * self.fields["needs"], curve
        if self.kind == "pieces":
            parts = z.reshape(self.n, self.goods, -1)
            return parts.sum(axis=2), (self.fields["slopes"] * parts).sum(axis=(1, 2))
        x = z.reshape(self.n, self.goods)
        return x, WORTH[self.kind](x, **self.fields)

    def highest(self, supply):
        if self.kind == "pieces":
            return self.fields["widths"].ravel()
        if self.kind in ("leontief", "bounded"):
            most = np.min(supply / self.fields["needs"], axis=1)
            return np.minimum(most, self.fields.get("bounds", np.inf))
        return np.tile(supply, self.n)


def power(x, weights, rho, scale):
    return scale * (weights * x ** rho[:, None]).sum(axis=1) ** (1 / rho)


WORTH = {
    "linear": lambda x, values: (values * x).sum(axis=1),
    "ces": power,
    "complements": power,
    "cobb": lambda x, shares, scale: scale * np.prod(x**shares, axis=1),
    "quadratic": lambda x, slopes, curvatures: (slopes * x - curvatures * x**2 / 2).sum(axis=1),
    "log": lambda x, scales, offsets: (scales * np.log(1 + x / offsets)).sum(axis=1),
    "coupled": lambda x, slopes, curvatures: (
        (slopes * x).sum(axis=1) - 0.5 * np.einsum("ij,ijk,ik->i", x, curvatures, x)
    ),
    "root": lambda x, values: np.sqrt(1 + (values * x).sum(axis=1)) - 1,
}


def gain(money, worth, wealth):
    """What the programme of a rule for money adds up; under a cap, of worths already capped."""
    if money in ("none", "cap"):
        return worth.sum()
    if money == "fisher":
        return (wealth * np.log(worth)).sum()
    # w log(v + δ) − δ at its best δ: w is spent in all, or v is below it and δ makes up for that
    rich = worth.real < wealth
    spent = wealth * np.log(np.where(rich, wealth, worth))
    return np.where(rich, spent - wealth + worth, spent).sum()


def most(families, supply, wealth, money, start=None):
    """The most that a market can bring, and the choice that does it, by SLSQP.

    `money` is one rule, or one for each family.

    Slopes are complex steps in proportion to quantities: a plain difference near 0, longer than the
    quantity itself, makes agents with complements look content with nothing.
    """
    groups = [Agents(kind, fields, len(supply)) for kind, fields in families]
    n = sum(group.n for group in groups)
    ends = np.cumsum([group.size for group in groups])
    rules = (money,) * len(groups) if isinstance(money, str) else money
    capped = np.repeat([rule == "cap" for rule in rules], [group.n for group in groups])
    places = np.split(np.arange(n), np.cumsum([group.n for group in groups])[:-1])

    def parts(z):
        made = [
            g.make(piece) for g, piece in zip(groups, np.split(z, ends)[: len(groups)], strict=True)
        ]
        return np.concatenate([x for x, _ in made]), np.concatenate([v for _, v in made])

    def loss(z):
        worth = parts(z)[1]
        worth[capped] = z[ends[-1] :]
        each = zip(rules, places, strict=True)
        return -sum(gain(rule, worth[mine], wealth[mine]) for rule, mine in each)

    def slacks(z):
        x, worth = parts(z)
        left = (supply - x.sum(axis=0)) / supply
        return np.concatenate([left, worth[capped] - z[ends[-1] :]])

    highest = np.concatenate([group.highest(supply) for group in groups])
    if start is None:
        start = highest / (2 * n)
        start = np.concatenate([start, (np.minimum(parts(start)[1], wealth) / 2)[capped]])
    top = np.concatenate([highest, wealth[capped]])
    found = minimize(
        loss,
        start,
        jac="cs",
        bounds=[(SOFT, high) for high in top],
        constraints={"type": "ineq", "fun": slacks},
        method="SLSQP",
        options={"ftol": 1e-13, "maxiter": 300, "finite_diff_rel_step": 1e-8},
    )
    return -found.fun, found.x


def brackets(families, supply, wealth, money, share=1e-3):
    """The most a market can bring, and the lowest and highest price that each good can have."""
    best, choice = most(families, supply, wealth, money)
    low, high = np.zeros(len(supply)), np.zeros(len(supply))
    for j in range(len(supply)):
        little = share * supply[j] * np.eye(len(supply))[j]
        more, _ = most(families, supply + little, wealth, money, choice)
        less, _ = most(families, supply - little, wealth, money, choice * (1 - 2 * share))
        low[j], high[j] = (more - best) / little[j], (best - less) / little[j]
    return best, low, high


def linear_programme(values, supply, wealth=None):
    """The most that linear agents can get, each at most its wealth, and a price of each good."""
    n, m = values.shape
    given = np.tile(np.eye(m), n)
    worths = np.zeros((n, n * m))
    for i in range(n):
        worths[i, i * m : (i + 1) * m] = values[i]
    # the worth that counts is a variable of its own
    matrix = np.block([[given, np.zeros((m, n))], [-worths, np.eye(n)]])
    limit = [(0, None)] * (n * m) + [(0, w) for w in ([None] * n if wealth is None else wealth)]
    cost = np.concatenate([np.zeros(n * m), -np.ones(n)])
    found = linprog(cost, A_ub=matrix, b_ub=np.concatenate([supply, np.zeros(n)]), bounds=limit)
    return -found.fun, -found.ineqlin.marginals[:m]


def proportional_response(values, supply, wealth, rounds=20_000):
    """Prices of linear agents with budgets: bids follow last round's worth, unspent money too."""
    m = values.shape[1]
    worth = values * supply
    bids, kept = np.tile(wealth[:, None] / (m + 1), (1, m)), wealth / (m + 1)
    for _ in range(rounds):
        prices = bids.sum(axis=0)
        gains = worth * bids / prices
        total = gains.sum(axis=1) + kept
        bids, kept = wealth[:, None] * gains / total[:, None], wealth * kept / total
    return bids.sum(axis=0) / supply

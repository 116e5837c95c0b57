"""What a certificate says of linear markets, written a second time: lists, loops and sums."""

from math import inf, log


def plain(values, supply, wealth, prices, bundles, money):
    """`money` is one rule, or one for each agent."""
    n, m = len(values), len(supply)
    rules = [money] * n if isinstance(money, str) else list(money)
    worth = [sum(values[i][j] * bundles[i][j] for j in range(m)) for i in range(n)]
    pays = [sum(prices[j] * bundles[i][j] for j in range(m)) for i in range(n)]
    cost = [min(prices[j] / values[i][j] for j in range(m)) for i in range(n)]
    purse = [inf if rule == "none" else w for rule, w in zip(rules, wealth, strict=True)]
    stakes = [
        w if rule == "fisher" else min(w, v) for rule, w, v in zip(rules, purse, worth, strict=True)
    ]
    mean = sum(stakes) / n
    own = [
        w if rule == "fisher" else min(w, max(v, mean))
        for rule, w, v in zip(rules, purse, worth, strict=True)
    ]
    regret, gap = [], 0.0
    for i, (w, rule) in enumerate(zip(wealth, rules, strict=True)):
        if rule == "none":
            best = sum(max(values[i][j] - prices[j], 0) * 2 * supply[j] for j in range(m))
            utility, scale = worth[i] - pays[i], own[i]
        elif rule == "cap":
            best, scale = w * max(0, 1 - cost[i]), own[i]
            utility = min(worth[i], w) - pays[i]
        elif rule == "budget":
            best = w * max(0, 1 / cost[i] - 1)
            utility, scale = worth[i] - pays[i], own[i] + best
            delta, beta = max(w - worth[i], 0), min(1, cost[i])
            gap += w * log(w / beta) - w - (w * log(worth[i] + delta) - delta)
        else:
            best = w / cost[i]
            utility, scale = worth[i], best
            gap += w * log(w / cost[i]) - w - w * log(worth[i])
        if rule in ("none", "cap"):
            gap += best - utility - pays[i]
        regret.append(max(best - utility, 0) / scale)
    given_out = [sum(bundles[i][j] for i in range(n)) for j in range(m)]
    left = [supply[j] - given_out[j] for j in range(m)]
    value = sum(prices[j] * supply[j] for j in range(m))
    sold = [
        min(v, w) if rule == "cap" else v for rule, v, w in zip(rules, worth, wealth, strict=True)
    ]
    return {
        "leftover": left,
        "unallocated": sum(p * max(x, 0) for p, x in zip(prices, left, strict=True))
        / max(value, sum(stakes)),
        "shortage": max(max(-x, 0) / g for x, g in zip(left, given_out, strict=True)),
        "overspent": [
            max(p - w, 0) / w if rule != "none" else 0
            for rule, p, w in zip(rules, pays, wealth, strict=True)
        ],
        "irrational": [
            max(p - v, 0) / s if rule != "fisher" else 0
            for rule, p, v, s in zip(rules, pays, sold, own, strict=True)
        ],
        "regret": regret,
        "regret_mean": sum(r * s for r, s in zip(regret, own, strict=True)) / sum(stakes),
        "gap": (gap + value) / sum(stakes),
    }

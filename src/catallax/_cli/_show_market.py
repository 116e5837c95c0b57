"""What people see of an equilibrium: prices, the certificate in words, bundles."""

from typing import TYPE_CHECKING, Any

import numpy as np
from rich.markup import escape
from rich.text import Text

from catallax._cli._show import console, line, table
from catallax._types import exact

if TYPE_CHECKING:
    from catallax._cli._market_files import MarketFile
    from catallax.clearing.equilibrium import Equilibrium

COLUMNS, LEAST = 8, 1e-6
MONEY = {
    "none": "without budgets",
    "cap": "worth capped by wealth",
    "budget": "with budgets",
    "fisher": "all money spent",
}
VERDICTS = {
    "CERTIFIED": ("certified", "bold green"),
    "NOT_CONVERGED": ("NOT CONVERGED", "bold red"),
    "NO_EQUILIBRIUM": ("NO EQUILIBRIUM", "bold red"),
    "UNKNOWN": ("UNKNOWN", "bold red"),
}


def solved(given: Any, market: "MarketFile", found: "Equilibrium", seconds: float) -> None:
    """Prints what was found."""
    line(
        Text.assemble(
            (str(given.market), "bold"),
            f", {MONEY[market.money]}: {len(market.agents):,} agents, {len(market.goods):,} goods",
            "; ",
            VERDICTS[found.result.name],
            f" in {int(found.steps):,} steps of {found.method}, {seconds:.1f} s",
        )
    )
    line("")
    _prices(given.top, market, found)
    if found.all_caps_met:
        line("Every cap can be met at once, so nothing needs a price.")
    _certificate(given.tol, market, found)
    _bundles(given.top, market, found)


def amount(number: float, least: float = 0.0) -> str:
    """Writes a quantity or a price in four digits, and 0 for what is not worth mentioning.

    Example:
        >>> amount(1234.5), amount(0.66666), amount(1e-9, least=1e-6), amount(float("inf"))
        ('1,234', '0.6667', '0', 'inf')
    """
    if abs(number) <= least:
        return "0"
    if abs(number) >= 1000 or not np.isfinite(number):
        return f"{number:,.0f}"
    return f"{number:.4g}"


def at_stake(market: "MarketFile", found: "Equilibrium") -> float:
    """Returns the money or worth in a market, of which a price or a payment is much or little."""
    worth = worths(market, found)
    if market.money == "none" or market.wealth is None:
        return float(worth.sum())
    stakes = market.wealth if market.money == "fisher" else np.minimum(worth, market.wealth)
    return float(stakes.sum())


def worths(market: "MarketFile", found: "Equilibrium") -> np.ndarray:
    """Returns `[agents]`, what each bundle is worth."""
    with exact():
        return np.asarray(market.valuations.worth(found.bundles))


def shown_prices(market: "MarketFile", found: "Equilibrium") -> np.ndarray:
    """Returns `[goods]`, prices with 0 for those at which a whole supply costs next to nothing."""
    free = found.prices * market.supply < LEAST * at_stake(market, found)
    return np.where(free & (market.supply > 0), 0.0, found.prices)


def _prices(top: int, market: "MarketFile", found: "Equilibrium") -> None:
    goods = dearest(market, found, top)
    title = "Prices"
    if len(goods) < len(market.goods):
        title += f" (the {len(goods)} goods of most value, of {len(market.goods):,})"
    heads = ("good", "t"), ("supply", "n"), ("price", "n"), ("value", "n"), ("left over", "n")
    rows = table(*heads, title=title)
    prices = shown_prices(market, found)
    for good in goods.tolist():
        supply, price = float(market.supply[good]), float(prices[good])
        left = float(found.certificate.leftover[good])
        nothing = bool(found.no_supply[good])
        rows.add_row(
            Text(market.goods[good]),
            *(amount(supply), amount(price), amount(supply * price)),
            "none supplied" if nothing else amount(left, LEAST * supply),
        )
    console().print(rows)


def dearest(market: "MarketFile", found: "Equilibrium", top: int) -> np.ndarray:
    """Returns the numbers of the goods of most value, in the order of the file."""
    value = np.nan_to_num(found.prices * market.supply)
    return np.sort(np.argsort(-value, kind="stable")[:top])


def ranked(market: "MarketFile", found: "Equilibrium") -> np.ndarray:
    """Returns the numbers of the agents: who pays most first, and then who has most of worth."""
    pays = found.bundles @ shown_prices(market, found)
    return np.lexsort((-worths(market, found), -pays))


def _certificate(tol: float, market: "MarketFile", found: "Equilibrium") -> None:
    seen = found.certificate
    worst = float(seen.violation)
    verdict = f"within the tolerance of {tol:.0e}" if worst <= tol else f"beyond {tol:.0e}"
    line(f"Certificate: the largest violation is {worst:.1e}, {verdict}")
    rows = table(("share", "n"), ("of what is missed", "t"), ("worst agent", "t"))
    for number, words, who in _conditions(market, found):
        rows.add_row("-" if np.isnan(number) else f"{max(number, 0.0):.1e}", words, Text(who))
    console().print(rows)
    if seen.local:
        line("The best bundles are bounds by gradients: they hold if every valuation is concave.")


def _conditions(market: "MarketFile", found: "Equilibrium") -> list[tuple[float, str, str]]:
    seen = found.certificate

    def of_agents(words: str, shares: Any) -> tuple[float, str, str]:
        worst = int(np.argmax(shares))
        most = float(shares[worst])
        return most, words, market.agents[worst] if most > 0 else ""

    rows = [
        (float(seen.unallocated), "value of goods left over, of the value of all", ""),
        (float(seen.shortage), "given out beyond the supply of a good", ""),
    ]
    if market.money != "none":
        rows.append(of_agents("paid beyond wealth", seen.overspent))
    if market.money != "fisher":
        rows.append(of_agents("paid beyond worth", seen.irrational))
    rows.append(of_agents("missed of the best bundle at these prices", seen.regret))
    rows.append((float(seen.regret_mean), "the same, the mean over all money", ""))
    rows.append((float(seen.gap), "duality gap", ""))
    return rows


def _bundles(top: int, market: "MarketFile", found: "Equilibrium") -> None:
    pays = found.bundles @ found.prices
    worth = worths(market, found)
    agents = ranked(market, found)[:top]
    goods = dearest(market, found, min(top, COLUMNS))
    title = "Bundles"
    if len(agents) < len(pays):
        title += f" (the {len(agents)} agents who pay most, of {len(pays):,})"
    if len(goods) < len(market.goods):
        title += f" (the {len(goods)} goods of most value, of {len(market.goods):,})"
    wealth = [] if market.wealth is None else [("wealth", "n")]
    names = [(escape(market.goods[good]), "n") for good in goods]
    rows = table(("agent", "t"), *wealth, ("pays", "n"), ("worth", "n"), *names, title=title)
    little = LEAST * at_stake(market, found) / len(pays)
    for one in agents.tolist():
        rows.add_row(
            Text(market.agents[one]),
            *([] if market.wealth is None else [amount(float(market.wealth[one]))]),
            *(amount(float(pays[one]), little), amount(float(worth[one]), little)),
            *(
                amount(float(found.bundles[one, good]), LEAST * float(market.supply[good]))
                for good in goods
            ),
        )
    console().print(rows)

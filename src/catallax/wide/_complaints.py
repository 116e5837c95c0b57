"""What is said when a step found a fault: which rule was broken, by whom, and what to do."""

from typing import Any

import numpy as np

from catallax._errors import BadPrice, BadProduction, BadReward, LedgerError
from catallax._ledger import Fault, faults_named

from ._market import WideMarket

KEPT = "Nothing was lost: the economy stands as after its last step."


def complain_of(faults: int, seen: Any, market: WideMarket, step: int) -> None:
    """Raises if a step found a fault.

    Args:
        faults: Bits of `Fault`.
        seen: What the step was like, on the host.
        market: The market.
        step: Its number.

    Raises:
        BadProduction: If a technique made what is no stock.
        BadReward: If a worth or a cost cannot be booked.
        BadPrice: If a price cannot be paid.
        LedgerError: If the books or the stocks do not add up.
    """
    if not faults:
        return
    if faults & Fault.BAD_STOCK:
        producer, good = map(int, np.argwhere(seen.bad)[0])
        amount = float(seen.made[producer, good])
        raise BadProduction(
            f"{market.industry.producers[producer].name} made {amount} of "
            f"{market.industry.goods[good]} in step {step}.",
            "A stock is a finite number, 0 or more, of at most 2**40 quanta.",
            f"Check its technique with techniques.probe_technique. {KEPT}",
        )
    if faults & Fault.BAD_REWARD:
        raise BadReward(
            f"A worth or a cost was not finite, or beyond a million credits, in step {step}.",
            "It cannot be booked.",
            f"Check wants and costs, or count in larger units. {KEPT}",
        )
    if faults & Fault.BAD_PRICE:
        raise BadPrice(
            f"A price was beyond a million credits in step {step}.",
            "It cannot be paid.",
            f"Give goods a smaller measure, so that 1 of them is worth less. {KEPT}",
        )
    raise LedgerError(
        f"A check of the books failed in step {step}: {', '.join(faults_named(faults))}.",
        "Money and goods must move only by the market's rules.",
        f"This is a bug of the library, please report it. {KEPT}",
    )

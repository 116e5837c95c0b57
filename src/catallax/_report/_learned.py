"""What a market learned: its returns, and whether its prices were right."""

import numpy as np

from catallax._report._charts import WIDE, Series, line_chart, number, scatter_chart
from catallax._report._facts import Facts, learning_curve
from catallax._report._html import figure, paragraph, section
from catallax._types import NOBODY

POINTS_SHOWN = 1_200
COLOURS = 6
SMALL = 460


def learned(facts: Facts) -> str:
    """Writes the learning curve and the error of prices over time."""
    steps, mean, smooth = learning_curve(facts.metrics)
    if len(steps) == 0:
        nothing = paragraph("No episode has ended yet, so there is no return to show.")
        return section("learned", "What it learned", nothing)
    curve = figure(
        _curve(steps, mean, smooth),
        "Each point of the thin line is the mean over the episodes that ended within one chunk of "
        "training (the market still explores there); the thick line is the mean over a "
        "twentieth of the run.",
        [("mean return of a chunk", "faint"), ("smoothed", "s0")],
    )
    first, last = number(float(mean[: max(1, len(mean) // 20)].mean())), number(float(smooth[-1]))
    lead = paragraph(
        f"The return of an episode went from about <b>{first}</b> to <b>{last}</b> over "
        f"{int(facts.metrics['episodes'].sum()):,} episodes."
    )
    return section("learned", "What it learned", lead, curve, _errors(facts))


def _curve(steps: np.ndarray, mean: np.ndarray, smooth: np.ndarray) -> str:
    lines = [Series("chunk", steps, mean, "faint"), Series("smoothed", steps, smooth, "s0")]
    said = (
        f"Learning curve: mean episode return from {number(float(mean[0]))} at the start to "
        f"{number(float(smooth[-1]))} after {int(steps[-1]):,} steps"
    )
    return line_chart(lines, said, ("steps of worlds", "return of an episode"), (WIDE, 320))


def _errors(facts: Facts) -> str:
    """Writes prices, and how far revenue was from them on average, over time."""
    price = facts.metrics["price_sum"] / np.maximum(facts.metrics["sales"], 1)
    drawings = (
        _small(facts, price, "s1", "<b>Mean price</b> of a world: what its owner expects to earn."),
        _small(
            facts,
            facts.metrics["profit_rms"],
            "s3",
            "<b>Profit</b> of a purchase, root mean square: how far prices are from coming true. "
            "Learners learn from it.",
        ),
    )
    return f'<h3>Prices and profits</h3><div class="few">{"".join(drawings)}</div>'


def _small(facts: Facts, values: np.ndarray, style: str, caption: str) -> str:
    values = values.astype(float)
    name = caption.partition("</b>")[0].removeprefix("<b>")
    said = f"{name} over time: {number(float(values[-1]))} credits at the end"
    lines = [Series(name, facts.steps, values, style)]
    return figure(line_chart(lines, said, ("steps", "credits"), (SMALL, 220)), caption)


def realised(facts: Facts) -> str:
    """Writes prices paid against what the purchases brought, in watched play."""
    seen = facts.watched
    known = np.flatnonzero(np.isfinite(seen.realised) & (seen.buyer != NOBODY))
    if len(known) == 0:
        nothing = paragraph("No sale was seen in watched play, so there is nothing to compare.")
        return section("prices", "Were prices right?", nothing)
    price, value, buyer = seen.price[known], seen.realised[known], seen.buyer[known]
    profit = value - price
    lead = paragraph(
        f"Over {len(known):,} sales in greedy play, buyers paid <b>{number(float(price.mean()))}"
        f"</b> credits on average and got back <b>{number(float(value.mean()))}</b>: a profit of "
        f"{number(float(profit.mean()))} a sale, {number(float(np.sqrt((profit**2).mean())))} in "
        "root mean square."
    )
    return section("prices", "Were prices right?", lead, _scatter(facts, price, value, buyer))


def _scatter(facts: Facts, price: np.ndarray, value: np.ndarray, buyer: np.ndarray) -> str:
    slots, counts = np.unique(buyer, return_counts=True)
    busiest = slots[np.argsort(-counts, kind="stable")][: COLOURS - 1].tolist()
    colour = {slot: index for index, slot in enumerate(busiest)}
    kept = np.unique(np.linspace(0, len(price) - 1, min(len(price), POINTS_SHOWN)).astype(int))
    kinds = [colour.get(slot, COLOURS - 1) for slot in buyer[kept].tolist()]
    legend = [(facts.names.get(slot, f"slot {slot}"), f"p{n}") for slot, n in colour.items()]
    legend += [("others", f"p{COLOURS - 1}")] * (len(slots) > len(busiest))
    said = f"Scatter of {len(kept)} sales: price paid against value realised"
    drawing = scatter_chart(
        price[kept], value[kept], kinds, said, ("price paid, credits", "value realised, credits")
    )
    return figure(drawing, _caption(facts, len(kept), len(price)), legend)


def _caption(facts: Facts, shown: int, known: int) -> str:
    part = f"{shown:,} of {known:,} sales are drawn. " if shown < known else ""
    gamma = number(float(facts.economy.market.gamma))
    return (
        "Each point is a sale; on the dashed line a buyer gets back exactly what it paid, above it "
        f"it gains. Value realised is the reward plus {gamma} times the next price. {part}These "
        "prices are those of a frozen copy of the market in its evaluation world, without "
        "exploration: nothing here was settled, and it is not in the books."
    )

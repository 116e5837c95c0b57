"""What the words on the page of a wide market mean."""

REASONS_OF_GOODS = {
    "arrived": "came in from outside, to its owner",
    "made": "came of techniques",
    "bought": "changed hands, seen from the buyers",
    "sold": "the same, seen from the sellers",
    "used": "was used up, by households and by techniques",
    "spoiled": "nobody took it and it did not keep",
    "reverted": "was left by the bankrupt, to the original owner",
}
"""Why stocks change, in a few words."""

WIDE_REASONS = {
    "purchase": "buying goods",
    "resale": "what sellers of goods got",
    "discount": "what producers did not keep of it",
    "reward": "paid by nature for what was used up, less what levels cost",
    "endowment": "capital at the start",
    "estate": "left by the bankrupt",
    "loss": "debts of the bankrupt",
}
"""Why money moves in a wide market, where the words for a deep one do not fit."""

WIDE_ACCOUNTS = {
    "original_owner": "owns what comes in for nobody else, and what the bankrupt leave",
    "treasury": "takes what resources earn and carrying costs, pays stipends",
}
"""What the system's accounts are for in a wide market, where that is something else."""

GLOSSARY = (
    ("good", "Something that is counted, owned, bought and sold."),
    ("step", "Goods come in, are sold at clearing prices, and are used up or made into others."),
    ("owner", "Who is given what comes in from outside, and sells it."),
    ("producer", "Buys goods, and makes of them what it sells in the next step."),
    ("household", "Buys goods for their own sake; what they are worth to it is the value."),
    (
        "price",
        "At which everybody gets a best bundle and the market clears, as its certificate says.",
    ),
    (
        "level",
        "How much of its technique a producer runs: a level of 2 takes and makes twice as much.",
    ),
    ("profit", "What a producer earns a step, less what it spent and what its levels cost."),
    (
        "discount",
        "What sellers do not keep of what they made a step earlier: what comes later is worth "
        "less.",
    ),
    (
        "planner",
        "One mind that knows all techniques and wants, and does the best that repeats itself for "
        "ever; it shares no code with the market.",
    ),
    ("credit, tick", "A credit is a unit of value; it is a million ticks, which are counted."),
    ("quantum", "The smallest amount of a good; stocks are whole numbers of quanta."),
    (
        "balanced",
        "The journal was replayed from the first step, and every balance and every stock came out "
        "as the run has it.",
    ),
    ("digest", "A hash of the whole journal: equal digests, equal books and stocks."),
)
"""Terms, and what they mean, in HTML."""

"""What the words on the page mean."""

GLOSSARY = (
    ("world", "What the market acts in: it shows an observation, takes an action, gives a reward."),
    ("step", "One move of one world. Several worlds run side by side and share one set of books."),
    (
        "agent",
        "Proposes an action and a bid for what it sees. Agents of one <em>species</em> share "
        "their code and differ in their parameters.",
    ),
    ("bid, price", "What an agent offers for the right to act; what the winner pays the owner."),
    (
        "owner",
        "Who holds a world now: the last buyer. It collects the reward and sells the world at "
        "the next step. The <em>original owner</em> holds it when an episode begins and buys it "
        "back when one is cut off by the time limit.",
    ),
    ("wealth", "What is in an agent's account. An agent cannot bid more than it has."),
    ("capital", "What an agent was given and did not earn: endowment, allowances, refinancing."),
    ("resold", "What an agent got for worlds it sold, after the discount."),
    (
        "discount",
        "The share of each resale that the seller does not keep: it makes later rewards "
        "worth less.",
    ),
    ("treasury", "Takes rents and the estates of the bankrupt; pays allowances to the newborn."),
    (
        "profit",
        "What a purchase brought (its reward plus the resale) less its price. For a "
        "learner it is the temporal-difference error.",
    ),
    (
        "credit, tick",
        "A credit is one unit of reward; it is a million ticks. The books count whole "
        "ticks, so nothing is ever rounded away.",
    ),
    (
        "balanced",
        "The journal was replayed from genesis, every balance came out as the run has it, "
        "and all balances sum to 0. <em>Drift</em> is by how much they do not.",
    ),
    (
        "digest",
        "A hash of the whole journal. Two runs with one digest have the same books, to the "
        "last tick.",
    ),
    ("greedy play", "The market with exploration off and nothing settled or learned."),
)
"""Terms, and what they mean, in HTML."""

REASONS = {
    "purchase": "buying a world from its owner",
    "resale": "what sellers kept of those prices",
    "discount": "what sellers did not keep",
    "reward": "paid by nature or consumers to owners",
    "rent": "paid by owners to the treasury",
    "allowance": "paid by the treasury to the newborn",
    "endowment": "capital at the start",
    "exploration": "what exploring buyers did not pay themselves",
    "refinance": "topping up agents below the floor",
    "estate": "left by the bankrupt and the departed",
    "loss": "debts of the bankrupt",
    "compute": "paid for computing",
    "rounding": "fractions of a tick",
    "stipend": "paid by the treasury to households",
    "income": "what resources earned, handed to the treasury",
    "carrying": "paid to the treasury for keeping goods",
}
"""Why money moves, in a few words."""

ACCOUNTS = {
    "original_owner": "owns every world at the start of an episode",
    "nature": "pays the rewards and the first capital",
    "discount": "holds what sellers did not keep",
    "losses": "tops up agents and pays the debts of the bankrupt",
    "exploration": "pays what explorers do not",
    "treasury": "takes rents and estates, pays allowances",
    "compute": "is paid for computing",
    "rounding": "takes fractions of a tick",
    "clearing": "is empty between two sales",
}
"""What the system's accounts are for, in a few words."""

"""A small market that learns the Chain, for tests of what is around it."""

import catallax as cx

MARKET = cx.DeepMarket(
    agents=[cx.Tabular(initial=0.8)],
    exploration=cx.EpsilonGreedy(0.3, 0.1),
    learning=cx.Learning(rate=0.1, epochs=2),
)


def trained(market=MARKET, world=None, steps=1_000, **settings):
    return cx.train(market, world or cx.worlds.Chain(), steps=steps, worlds=4, **settings)

"""Non-rival goods: their plans against programmes by hand, their prices against `jax.grad`."""

import json
from dataclasses import replace
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.optimize import linprog

import catallax as cx
import small_wide
from catallax._errors import InvalidSetting
from catallax._values import from_plain, to_plain
from catallax.checks import check_taste
from catallax.industries import (
    Household,
    Industry,
    Inflow,
    Producer,
    Sight,
    Want,
    non_rival,
    summed_prices,
)
from catallax.planner import steady_state
from catallax.tastes import CobbDouglas
from catallax.techniques import (
    CESTechnique,
    CobbDouglasTechnique,
    GradedActivity,
    JaxTechnique,
    LinearActivity,
    Storage,
    marginal_bids,
    probe_technique,
)

IDEAS = ("idea",)
INVENT = LinearActivity({"labour": 1.0}, {"idea": 1.0}, 4.0, 0.1)
WEAVE = LinearActivity({"idea": 1.0}, {"cloth": 2.0}, 3.0, 0.1)
WORLD = Industry(
    goods=("labour", "idea", "cloth"),
    inflows=(Inflow("labour", 3.0, "worker"),),
    producers=(Producer("inventor", INVENT), Producer("weaver", WEAVE)),
    households=(
        Household("alice", (Want("idea", 2.0, 1.0), Want("idea", 0.5, 4.0))),
        Household("bob", (Want("idea", 0.6),)),
        Household("carol", (Want("cloth", 0.7, 5.0),)),
        Household("hermit", (Want("labour", 1.5, 2.0),)),
    ),
    discount=0.9,
)
COPIES = ("labour", "idea for alice", "idea for bob", "idea for weaver", "cloth")


def two_inks(x):
    return jnp.stack([jnp.log1p(x[0] * x[1]), jnp.sqrt(1.0 + x[1]) - 1.0])


# --- what stands in place of a good


def test_each_reader_has_a_copy_and_makers_make_all_of_them():
    shared = non_rival(WORLD, IDEAS)
    assert shared.goods == COPIES
    assert shared.inflows == WORLD.inflows
    invent, weave = (one.technique for one in shared.producers)
    assert invent == replace(INVENT, outputs=dict.fromkeys(COPIES[1:4], 1.0))
    assert weave == replace(WEAVE, inputs={"idea for weaver": 1.0})
    assert [want.good for want in shared.wants] == [COPIES[1]] * 2 + [COPIES[2], "cloth", "labour"]
    assert shared.households[2:] == WORLD.households[2:]


def test_an_inflow_brings_all_copies_to_its_owner_and_what_nobody_reads_stays():
    given = replace(WORLD, goods=(*WORLD.goods, "noise"))
    given = replace(given, inflows=(Inflow("idea", 2.0, "muse"), Inflow("noise", 1.0)))
    shared = non_rival(given, ("noise", "idea"))
    assert shared.goods == (*COPIES, "noise")
    copies = tuple(Inflow(name, 2.0, "muse") for name in COPIES[1:4])
    assert shared.inflows == (*copies, Inflow("noise", 1.0))
    assert non_rival(given, ()) == given


def technique_of(technique):
    """What becomes of a technique that two others read what it makes of."""
    goods = ("labour", "idea", "cloth", "ink")
    wants = (Want("idea", 1.0), Want("ink", 1.0))
    readers = Household("a", wants), Household("b", wants)
    given = Industry(goods, (), (Producer("maker", technique),), readers, 0.9)
    return non_rival(given, ("idea", "ink")).producers[0].technique


def test_what_is_given_by_amounts_stays_what_it_is():
    made = {"idea for a": 2.0, "idea for b": 2.0, "cloth": 1.0}
    for kind in (LinearActivity, CobbDouglasTechnique, CESTechnique):
        given = kind({"labour": 0.5, "ink": 0.25}, {"idea": 2.0, "cloth": 1.0}, capacity=3.0)
        found = technique_of(given)
        inputs = {"labour": 0.5, "ink for maker": 0.25}
        assert found == replace(given, inputs=inputs, outputs=made)
        assert type(found) is kind


def test_storage_reads_its_own_copy_and_keeps_all_of_them():
    every = {"idea for a": 0.8, "idea for b": 0.8, "idea for maker": 0.8}
    found = technique_of(Storage("idea", 3.0, 0.1, 0.8))
    assert found == LinearActivity({"idea for maker": 1.0}, every, 3.0, 0.1)
    assert technique_of(Storage("cloth", 3.0)) == Storage("cloth", 3.0)
    shelf = (Producer("shelf", Storage("idea", 3.0)),)
    alone = replace(WORLD, producers=shelf, households=WORLD.households[2:])
    kept = non_rival(alone, IDEAS).producers[0].technique
    assert kept == Storage("idea for shelf", 3.0)


def test_any_other_technique_is_given_its_copies_and_repeats_what_it_makes():
    mix = JaxTechnique(("ink", "labour"), ("ink", "cloth"), two_inks)
    found = technique_of(mix)
    assert found.needs == ("ink for maker", "labour")
    assert found.makes == ("ink for a", "ink for b", "ink for maker", "cloth")
    assert found == technique_of(mix)
    assert found in {found}
    assert found.capacity == mix.capacity
    assert found.unit_cost == float(found.cost(jnp.ones(2))) == 0.0
    bundle, prices = jnp.array([2.0, 3.0]), jnp.array([1.0, 0.5, 0.25, 2.0])
    once = mix.produce(bundle)
    np.testing.assert_array_equal(found.produce(bundle), once[jnp.array([0, 0, 0, 1])])
    whole = marginal_bids(mix, bundle, jnp.array([1.75, 2.0]))
    np.testing.assert_allclose(marginal_bids(found, bundle, prices), whole, rtol=1e-6)
    probe_technique(found)


# --- plans, against programmes by hand


def drawn(seed):
    """An industry at a discount of 1 in which ideas come in, are made, kept, had and worked up."""
    draw = np.random.default_rng(seed)

    def some():
        return float(draw.uniform(0.5, 1.5))

    def made(inputs, outputs):
        return LinearActivity(inputs, outputs, 3 * some(), 0.1 * some())

    def wanting(name, good):
        wants = Want(good, some(), 2 * some()), Want(good, 0.3 * some(), 9.0)
        return Household(name, wants)

    producers = {
        "inventor": made({"labour": some()}, {"idea": some()}),
        "tinker": made({"cloth": some(), "idea": 0.3 * some()}, {"idea": some()}),
        "weaver": made({"idea": some(), "labour": some()}, {"cloth": 3 * some()}),
        "shelf": Storage("idea", some(), 0.1 * some(), 0.7),
    }
    return Industry(
        WORLD.goods,
        (Inflow("labour", 3 * some()), Inflow("idea", 0.3 * some())),
        tuple(Producer(name, technique) for name, technique in producers.items()),
        (wanting("alice", "idea"), wanting("bob", "idea"), wanting("carol", "cloth")),
        1.0,
    )


def by_hand(industry, shared, inflow):
    """The best value of a step for ever: a row for each rival good and each reader of another."""
    makers, wants = [one.technique for one in industry.producers], industry.wants
    eaters = [one.name for one in industry.households for _ in one.wants]
    rows, limits = [], []
    for good, comes in zip(industry.goods, inflow, strict=True):
        takes = [dict(one.amounts_needed).get(good, 0.0) for one in makers]
        takes += [float(want.good == good) for want in wants]
        brings = [dict(one.amounts_made).get(good, 0.0) for one in makers] + [0.0] * len(wants)
        who = np.array([one.name for one in industry.producers] + eaters)
        for reader in set(who) if good in shared else {None}:
            mine = np.where(who == reader, takes, 0.0) if reader else np.array(takes)
            rows.append(mine - brings)
            limits.append(comes)
    gains = [-one.unit_cost for one in makers] + [want.worth for want in wants]
    bounds = [(0, one.capacity) for one in makers] + [(0, want.most) for want in wants]
    return -linprog(-np.array(gains), np.array(rows), limits, bounds=bounds).fun


@pytest.mark.parametrize("seed", range(6))
def test_the_planner_finds_the_best_plan_and_sums_are_its_slopes(seed):
    industry = drawn(seed)
    plan, inflow = steady_state(non_rival(industry, IDEAS)), np.array(industry.coming_in)
    value = by_hand(industry, IDEAS, inflow)
    assert plan.value == pytest.approx(value, rel=1e-7)
    assert plan.value > 1.05 * steady_state(industry).value
    prices, step = summed_prices(industry, IDEAS, plan.prices), 1e-5
    for price, unit in zip(prices, np.eye(3) * step, strict=True):
        up, down = (by_hand(industry, IDEAS, inflow + sign * unit) for sign in (1, -1))
        if unit[2]:
            down = 2 * value - up  # none comes in: only a slope upwards
        assert (up - value) / step == pytest.approx(price, abs=1e-5)
        assert (value - down) / step == pytest.approx(price, abs=1e-5)
    assert np.count_nonzero(plan.prices[1:-1] > 1e-6) > 1


def test_with_one_reader_a_good_is_what_it_was():
    mill = replace(WORLD, households=WORLD.households[2:])
    one, other = steady_state(mill), steady_state(non_rival(mill, mill.goods[1:]))
    assert one.value == other.value
    for name in ("levels", "eaten", "stocks", "prices", "lowest", "highest", "rents"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))


def test_prices_of_many_steps_are_summed_step_by_step():
    prices = np.arange(10.0, dtype=np.float32).reshape(2, 5)
    prices[1, 4] = np.inf
    summed = summed_prices(WORLD, IDEAS, prices)
    np.testing.assert_array_equal(summed, [[0, 6, 4], [5, 21, np.inf]])
    assert summed.dtype == np.float32
    with pytest.raises(InvalidSetting, match=r"shape \(3,\)"):
        summed_prices(WORLD, IDEAS, np.ones(3))


# --- prices by back-propagation


def network(seed, goods=6, techniques=7):
    """A random acyclic industry of smooth techniques; earlier goods make later ones."""
    draw = np.random.default_rng(seed)
    names = [f"g{number}" for number in range(goods)]
    found = []
    for _ in range(techniques):
        last = int(draw.integers(2, goods))
        needs = sorted(draw.choice(last, 2, replace=False).tolist())
        shares = {names[need]: float(draw.uniform(0.2, 0.5)) for need in needs}
        makes = names[int(draw.integers(last, goods))]
        kind = draw.integers(3)
        if kind == 0:
            made = CobbDouglasTechnique(shares, {makes: 0.8})
        elif kind == 1:
            made = CESTechnique(shares, {makes: 0.7}, float(draw.uniform(0.3, 0.9)))
        else:
            made = JaxTechnique(tuple(shares), (makes,), one_ink)
        found.append((needs[-1], made))
    found.sort(key=lambda pair: pair[0])
    producers = tuple(Producer(f"t{n}", made) for n, (_, made) in enumerate(found))
    wants = [tuple(Want(name, float(draw.uniform(0.5, 2))) for name in names) for _ in "ab"]
    households = tuple(Household(f"h{n}", some) for n, some in enumerate(wants))
    return Industry(tuple(names), (), producers, households, 0.9)


def one_ink(x):
    return two_inks(x).sum(keepdims=True)


def at(goods, some):
    return np.array([goods.index(good) for good in some])


def value_of(industry, inflow):
    """What households get of one example if everybody reads all there is of everything."""
    stocks = inflow
    for one in industry.producers:
        made = one.technique.produce(stocks[at(industry.goods, one.technique.needs)])
        stocks = stocks.at[at(industry.goods, one.technique.makes)].add(made)
    return sum(want.worth * stocks[industry.goods.index(want.good)] for want in industry.wants)


def composed(industry, inflows, share, mixed):
    """Prices of copies, [examples, m'], of readers' bids alone, each for its own copy.

    Heard is a share of the price of each copy, that of the example or (mixed) the mean of all.
    """
    shared = non_rival(industry, industry.goods)
    places = [at(shared.goods, one.technique.needs) for one in shared.producers]
    made = [at(shared.goods, one.technique.makes) for one in shared.producers]
    stocks = inflows[:, at(industry.goods, originals(shared))]
    for one, mine, theirs in zip(shared.producers, places, made, strict=True):
        stocks = stocks.at[:, theirs].add(jax.vmap(one.technique.produce)(stocks[:, mine]))
    prices = jnp.zeros_like(stocks)
    for want in shared.wants:
        prices = prices.at[:, shared.goods.index(want.good)].set(want.worth)

    def heard(prices):
        return share * ((1 - mixed) * prices + mixed * prices.mean(axis=0))

    for one, mine, theirs in list(zip(shared.producers, places, made, strict=True))[::-1]:
        bid = jax.vmap(partial(marginal_bids, one.technique))
        prices = prices.at[:, mine].set(bid(stocks[:, mine], heard(prices)[:, theirs]))
    return heard(prices)


def originals(shared):
    """Of what each good of a `network` is a copy."""
    return [name.split()[0] for name in shared.goods]


@pytest.mark.parametrize("seed", range(3))
def test_bids_of_readers_summed_example_by_example_are_the_gradient(seed):
    industry = network(seed)
    draw = np.random.default_rng([1, seed])
    inflows = jnp.asarray(draw.uniform(0.5, 2.0, (5, 6)).astype(np.float32))
    of = np.array(originals(non_rival(industry, industry.goods)))
    full = jnp.ones(of.size)
    mean = jnp.asarray([1 / (of == good).sum() for good in of], jnp.float32)
    slopes = jax.jit(jax.vmap(jax.grad(partial(value_of, industry))))(inflows)
    priced = jax.jit(partial(composed, industry))

    def summed(share, mixed):
        return summed_prices(industry, industry.goods, priced(inflows, share, mixed))

    assert np.unique(of).size == 6
    assert of.size > 12
    np.testing.assert_allclose(summed(full, 0.0), slopes, rtol=1e-6)
    assert np.abs(summed(full, 1.0) / slopes - 1).max() > 0.1
    assert np.abs(summed(mean, 0.0) / slopes - 1).max() > 0.5


# --- a market


# Two producers, two households with a want each and two owners, as in `small_wide.mill`: markets of
# one shape share their compiled programs.
ROBOT = LinearActivity({"idea": 1.0}, {"labour": 0.5}, 9.0, 0.05)
SMALL = Industry(
    goods=("labour", "idea"),
    inflows=(Inflow("labour", 3.0, "worker"),),
    producers=(Producer("inventor", INVENT), Producer("robot", ROBOT)),
    households=(
        Household("alice", (Want("idea", 2.0, 9.0),)),
        Household("bob", (Want("labour", 0.6, 9.0),)),
    ),
    discount=0.9,
)


@pytest.fixture(scope="module")
def run():
    economy = small_wide.economy(non_rival(SMALL, IDEAS))
    economy.run(60)
    return economy


def test_a_market_comes_to_the_best_plan_and_its_prices(run):
    late, best = run.history.last(20), steady_state(run.market.industry)
    assert late.values.mean() > 0.99 * best.value
    assert best.value > 1.2 * steady_state(SMALL).value
    np.testing.assert_allclose(best.prices, [0.6, 2.0, 0.22], rtol=1e-9)
    np.testing.assert_allclose(late.prices[-1], best.prices, atol=1e-3)
    assert summed_prices(SMALL, IDEAS, late.prices)[-1, 1] == pytest.approx(2.22, abs=1e-3)
    assert run.history.violation.max() < 1e-5


def test_the_books_add_up_and_the_maker_earns_what_all_readers_pay(run):
    audit = run.audit()
    assert audit.balanced
    assert audit.drift_ticks == audit.drift_quanta == 0
    came, made, used = run.history.quanta.sum(axis=0)
    held = [sum(row[good] for row in run.holdings.values()) for good in run.market.industry.goods]
    gone = np.asarray(run.state.stocks.disposal)
    np.testing.assert_array_equal(held + gone, came + made - used)
    assert made[1] == made[2] > 0
    who = {one.name: one for one in run.inspect()}
    paid = [who[name].spent_ticks for name in ("alice", "robot")]
    rows = [row for entry in run.journal for row in entry.rows]
    got = sum(ticks for name, why, ticks in rows if (name, why) == ("inventor", "resale"))
    assert min(paid) > 0.05 * sum(paid)
    assert got == sum(paid)
    assert who["inventor"].earned_ticks == pytest.approx(0.9 * got, rel=1e-6)


def test_a_market_is_saved_and_comes_back(run, tmp_path):
    back = cx.load(run.save(tmp_path / "ideas"))
    assert back.market == run.market
    assert back.digest == run.digest
    mix = JaxTechnique(("idea", "labour"), ("idea", "cloth"), two_inks)
    curved = non_rival(replace(WORLD, producers=(Producer("mixer", mix),)), IDEAS)
    assert from_plain(json.loads(json.dumps(to_plain(curved)))) == curved


# --- refusals


ORE = ("rich", "poor")
SMELT = GradedActivity({ORE: 1.0, "coal": 1.0}, {"rich": {"iron": 1.0}}, 2.0)
PIT = Industry(
    (*ORE, "coal", "iron", "salt", "pepper"),
    (),
    (Producer("smith", SMELT),),
    (Household("h", (Want("iron", 1.0),)),),
    alike={"ore": ORE, "spice": ("salt", "pepper")},
)


@pytest.mark.parametrize(
    ("industry", "goods", "said"),
    [
        (WORLD, ("idea", "fame"), "does not know 'fame'"),
        (WORLD, ("idea", "idea"), "'idea' twice"),
        (PIT, ("salt",), "'salt', which looks like another"),
        (PIT, ("ore",), "does not know 'ore'"),
        (PIT, ("coal",), "'coal', which smith takes or makes by grades"),
        (PIT, ("iron",), "'iron', which smith takes or makes"),
        (replace(WORLD, goods=(*WORLD.goods, "idea for bob")), IDEAS, "the name 'idea for bob'"),
        (replace(WORLD, producers=(Producer("bob", WEAVE),)), IDEAS, "the name 'idea for bob'"),
    ],
)
def test_what_cannot_be_non_rival_is_refused(industry, goods, said):
    with pytest.raises(InvalidSetting, match=said):
        non_rival(industry, goods)


def test_a_taste_is_one_for_its_readers_copies():
    taste = CobbDouglas({"labour": 0.5, "design": 0.5}, scale=2.0)
    own = LinearActivity({"labour": 1.0}, {"design": 1.0})
    readers = (Household("alice", taste), Household("bob", (), beliefs=taste))
    workshop = Industry(
        ("labour", "design"), (Inflow("labour", 1.0),), (Producer("inventor", own),), readers
    )
    alice, bob = non_rival(workshop, ("design",)).households
    assert alice.goods == ("labour", "design for alice")
    assert (bob.goods, bob.listed) == (("labour", "design for bob"), ())
    goods = ("labour", "design for alice", "design for bob")
    sight = Sight(np.zeros(()), np.zeros(2), np.zeros(2))
    values = bob.beliefs.valuation(goods, bob.beliefs.first(), sight)
    assert values.shares.tolist() == [[0.5, 0.0, 0.5]]
    assert all(finding.passed for finding in check_taste(alice.wants))

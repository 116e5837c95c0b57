"""The page about a wide market, and its picture of flows."""

import re
import xml.etree.ElementTree as ElementTree
from dataclasses import replace

import pytest

from catallax._report import write_report
from catallax._report._money import credits
from catallax._report._page import wide_page_of
from catallax._report._sankey import LINKS_MAX, Link, Node, layers, ordered, sankey
from catallax._report._wide_facts import gather_wide, recent_flows
from catallax._report._wide_page import flows_of
from small_blends import economy as blended
from small_wide import STIPENDS, economy, mill
from test_report import Page

SECTIONS = ("value", "prices", "flows", "agents", "books", "stocks", "rules", "words")
NODES = [Node(name, "p0") for name in "abcdef"]


@pytest.fixture(scope="module")
def ran():
    run = economy(mill(), STIPENDS, "cap")
    run.run(12)
    return run


@pytest.fixture(scope="module")
def facts(ran):
    return gather_wide(ran)


@pytest.fixture(scope="module")
def text(facts):
    return wide_page_of(facts)


def test_the_page_is_whole_and_needs_nothing_else(text):
    page = Page(text)
    assert page.open == [] and set(SECTIONS) <= page.ids
    assert all(link.startswith(("#", "data:")) for link in page.links)
    assert not re.search(r"https?://|<script|@import|url\(|\bnan\b", text)
    drawings = [attrs for tag, attrs in page.tags if tag == "svg"]
    assert all(len(a["aria-label"]) > 10 and a["role"] == "img" for a in drawings)


def test_the_page_tells_the_facts_of_the_run(text, ran, facts):
    assert ran.digest in text and ran.title in text and "not a tick or a quantum lost" in text
    for holder in facts.holders:
        assert holder.name in text and credits(holder.spent_ticks) in text
    assert f"{100 * facts.share:.2f} %" in text
    assert "stipend" in text and "Stipends(" in text


def test_an_imbalance_is_not_hidden(facts):
    lost = replace(facts.audit, balanced=False, drift_quanta=7)
    assert "not balanced: off by 7 quanta" in wide_page_of(replace(facts, audit=lost))
    lost = replace(facts.audit, balanced=False, drift_ticks=5)
    assert "not balanced: off by 5 ticks" in wide_page_of(replace(facts, audit=lost))


def test_a_page_of_a_run_that_has_not_begun(tmp_path):
    path = write_report(economy(), tmp_path / "new" / "page.html")
    page = Page(path.read_text("utf-8"))
    assert page.open == [] and "value" not in page.ids and "agents" in page.ids


def test_without_the_planner_the_page_says_so(facts):
    text = wide_page_of(replace(facts, planner=None))
    assert "has no answer here" in text and Page(text).open == []
    assert "the market&#x27;s</span>" in text and "the planner&#x27;s</span>" not in text


def test_names_are_escaped():
    run = economy(mill(names=("m<b>ill", "a&b")))
    run.run(1)
    text = wide_page_of(gather_wide(run))
    assert "m&lt;b&gt;ill" in text and "m<b>" not in text and Page(text).open == []


def test_flows_are_what_was_bought_and_made_at_recent_prices(ran, facts):
    nodes, links = flows_of(facts)
    names = [node.name for node in nodes]
    drawn = {(names[a], names[b]): amount for a, b, amount in links}
    flows, prices = recent_flows(ran), ran.history.prices.mean(axis=0)
    for (who, what), amount in {("mill", "slats"): "made", ("a", "slats"): "bought"}.items():
        ends = (who, what) if amount == "made" else (what, who)
        worth = flows[who, amount][what] * prices[2]
        assert drawn[ends] == pytest.approx(worth)
    units = ran.market.goods[2].unit
    made = ran.audit().goods["slats"]["made"] * units / ran.steps
    assert sum(
        flows.get((who, "made"), {}).get("slats", 0.0) for who in ("mill", "barn")
    ) == pytest.approx(made)


# --- the picture


def test_every_link_leads_to_a_later_column_unless_it_closes_a_circle():
    links = [Link(0, 1, 1.0), Link(1, 2, 1.0), Link(0, 2, 5.0), Link(2, 3, 1.0), Link(3, 1, 0.5)]
    links += [Link(2, 2, 9.0)]
    column = layers(links)
    assert [column[node] for node in range(4)] == [0, 1, 2, 3]


def test_a_circle_that_nothing_enters_is_drawn_too():
    column = layers([Link(0, 1, 1.0), Link(1, 0, 1.0)])
    assert sorted(column.values()) == [0, 1]


def test_neighbours_stand_opposite():
    links = [Link(0, 3, 1.0), Link(1, 2, 1.0)]
    columns = ordered(layers(links), links)
    crossing = (columns[0].index(0) - columns[0].index(1)) * (
        columns[1].index(3) - columns[1].index(2)
    )
    assert crossing > 0


def test_bands_fill_their_nodes_and_lie_within_the_drawing():
    links = [Link(0, 2, 3.0), Link(1, 2, 1.0), Link(2, 3, 2.5), Link(2, 4, 1.5)]
    root = ElementTree.fromstring(sankey(NODES, links, "some flows", "t"))
    _, _, width, height = map(float, root.attrib["viewBox"].split())
    boxes = [one.attrib for one in root.findall("rect")]
    assert len(boxes) == 5
    for box in boxes:
        assert 0 <= float(box["x"]) and float(box["x"]) + float(box["width"]) <= width
        assert 0 <= float(box["y"]) and float(box["y"]) + float(box["height"]) <= height
    thick = [float(one.attrib["stroke-width"]) for one in root.findall("path")]
    assert sorted(thick)[-1] / sorted(thick)[0] == pytest.approx(3.0, rel=0.02)
    tallest = max(float(box["height"]) for box in boxes)
    widest, _, _, narrowest = sorted(thick, reverse=True)  # the two that enter the middle
    assert tallest == pytest.approx(widest + narrowest, abs=0.2)


def test_only_the_largest_flows_are_drawn_when_there_are_many():
    nodes = [Node(str(n), "p0") for n in range(300)]
    links = [Link(n, n + 1, 1.0 + n) for n in range(0, 298, 2)]
    assert sankey(nodes, links, "many flows", "t").count("<path") == LINKS_MAX


def test_what_goes_round_is_drawn():
    links = [Link(0, 1, 2.0), Link(1, 0, 1.0), Link(1, 2, 1.0)]
    assert sankey(NODES, links, "a circle", "t").count("<path") == 3


def test_what_looks_alike_is_one_good_in_the_picture():
    run = blended()
    run.run(2)
    facts = gather_wide(run)
    nodes, links = flows_of(facts)
    looks = run.market.industry.looks
    assert [node.name for node in nodes[: len(looks)]] == list(looks)
    assert all(max(link[:2]) < len(nodes) for link in links)
    text = wide_page_of(facts)
    assert Page(text).open == [] and "nan" not in text

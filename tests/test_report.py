import contextlib
import html.parser
import json
import os
import re
import signal
import subprocess
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

import catallax as cx
from catallax._errors import CannotWrite
from catallax._evaluate import evaluate, frozen
from catallax._report import world_name, write_report
from catallax._report._charts import Series, line_chart, nice_ticks, number, scatter_chart
from catallax._report._facts import final_return, gather, learning_curve, trade_matrix
from catallax._report._money import credits
from catallax._report._page import page_of
from catallax._report._watch import _owners, _realised, watch_sales
from catallax._types import NOBODY
from catallax.worlds._evaluation import evaluation_worlds
from catallax.worlds._gymnasium import HostSpec

SECTIONS = ("learned", "wealth", "agents", "prices", "trades", "books", "rules", "words")


@pytest.fixture(scope="module")
def economy():
    return cx.train("FrozenLake-v1", steps=20_000, seed=0)


@pytest.fixture(scope="module")
def facts(economy):
    return gather(economy)


@pytest.fixture(scope="module")
def path(economy, tmp_path_factory):
    return write_report(economy, tmp_path_factory.mktemp("report") / "new" / "report.html")


EMPTY = {"meta", "link", "line", "circle", "rect", "polyline"}


class Page(html.parser.HTMLParser):
    """What a page holds, and whether every element is closed where it should be."""

    def __init__(self, text):
        super().__init__()
        self.open, self.tags, self.ids, self.links = [], [], set(), []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self.ids.add(dict(attrs).get("id"))
        self.links += [v for k, v in attrs if k in ("href", "src", "xlink:href")]
        if tag not in EMPTY:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_the_page_is_whole_and_needs_nothing_else(path):
    text = path.read_text("utf-8")
    page = Page(text)
    assert page.open == [] and set(SECTIONS) <= page.ids
    assert all(link.startswith(("#", "data:")) for link in page.links)
    assert not re.search(r"https?://|<script|@import|url\(|\bnan\b", text)
    assert len(text) < 1_500_000


def test_every_drawing_says_what_it_shows(path):
    page = Page(path.read_text("utf-8"))
    drawings = [attrs for tag, attrs in page.tags if tag == "svg"]
    assert len(drawings) >= 7
    assert all(len(a["aria-label"]) > 10 and a["role"] == "img" for a in drawings)
    assert sum(tag == "figcaption" for tag, _ in page.tags) >= len(drawings)


def test_the_page_tells_the_facts_of_the_run(path, economy):
    text = path.read_text("utf-8")
    assert economy.digest in text and "FrozenLake-v1" in text
    assert f"{economy.steps:,}" in text and f"{economy.audit().transfers:,} transfers" in text
    for agent in economy.inspect():
        assert credits(agent.wealth_ticks) in text and credits(agent.paid_ticks) in text
    for reason, total in economy.audit().totals.items():
        assert reason in text and credits(total["turnover"]) in text
    assert "Vickrey(" in text and "Tabular(" in text


def test_the_same_run_gives_the_same_page(path, economy, tmp_path):
    again = write_report(economy, tmp_path / "again.html")
    assert again.read_bytes() == path.read_bytes()


def test_a_page_of_a_run_that_has_not_begun(tmp_path):
    class StopAtOnce(cx.Callback):
        def on_training_start(self, economy):
            self.path = write_report(economy, tmp_path / "report.html")

    callback = StopAtOnce()
    cx.train(cx.worlds.Chain(), steps=100, seed=0, callbacks=[callback])
    assert "No episode has ended yet" in callback.path.read_text("utf-8")


def test_a_place_where_nothing_can_be_written_is_said(economy, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(CannotWrite, match="could not be written"):
        write_report(economy, tmp_path / "file" / "report.html")


def test_names_from_a_run_are_escaped(facts):
    agents = [replace(facts.agents[0], does="<s>&", species="<u>")]
    text = page_of(replace(facts, world="<script>", agents=agents, names={0: "<i>"}))
    assert "&lt;script&gt;" in text and "&lt;s&gt;&amp;" in text and "&lt;i&gt;" in text
    assert not re.search("<script>|<s>|<u>|<i>", text)


# --- watched play


def test_watched_play_is_what_evaluation_plays(economy):
    setting, state = economy._driver.setting, frozen(economy._state)
    batch = evaluation_worlds(economy.world, 4)
    watched = watch_sales(setting, state, batch)
    assert len(watched.returns) + watched.stopped == 4
    played = evaluate(setting, state, evaluation_worlds(economy.world, 4), 4, 0, 10_000)
    assert watched.returns.shape == played.returns.shape
    assert (watched.seller == NOBODY).sum() >= 4, "the original owner sells each first world"
    assert watched.lengths.sum() <= len(watched.price)


def test_owners_follow_sales():
    winner = np.asarray([[0], [1], [NOBODY], [0]])
    sold = np.asarray([[True], [True], [False], [True]])
    assert _owners(winner, sold)[:, 0].tolist() == [NOBODY, 0, 1, 1]


def test_realised_is_the_reward_and_the_next_sale():
    column = np.asarray
    price, reward = column([[5.0], [4.0], [3.0]]), column([[1.0], [1.0], [2.0]])
    sold, none = np.ones((3, 1), bool), np.zeros((3, 1), bool)
    ended = _realised(price, reward, sold, none, column([True]), 0.5)
    assert ended[:, 0].tolist() == [1 + 0.5 * 4, 1 + 0.5 * 3, 2]
    cut = _realised(price, reward, sold, none, column([False]), 0.5)
    assert cut[:2, 0].tolist() == [3, 2.5] and np.isnan(cut[2, 0])
    closing = column([[False], [False], [True]])
    sale = _realised(price, column([[1.0], [1.0], [0.0]]), ~closing, closing, column([True]), 0.5)
    assert sale[:2, 0].tolist() == [3, 2.5], "the original owner buys at the end"
    held = column([[True], [False], [True]])
    assert _realised(price, reward, held, none, column([True]), 0.5)[0, 0] == 1 + 1 + 0.5 * 3


def test_the_matrix_counts_every_sale_once(facts):
    names, counts, value = trade_matrix(facts)
    assert counts.sum() == len(facts.watched.price)
    assert value.sum() == pytest.approx(facts.watched.price.sum())
    assert names[-1] == "original owner" and counts[-1, -1] == 0


def test_many_traders_are_put_together():
    sold = SimpleNamespace(
        buyer=np.repeat(np.arange(12), 2), seller=np.full(24, NOBODY), price=np.ones(24)
    )
    names, counts, _ = trade_matrix(SimpleNamespace(watched=sold, names={}))
    assert names[-2:] == ["others", "original owner"] and len(names) == 12
    assert counts[:, -1].tolist() == [2] * 10 + [4, 0]


# --- figures


def test_the_smooth_curve_weighs_episodes():
    metrics = {
        "steps": np.full(40, 10),
        "episodes": np.r_[0, np.full(39, 1)],
        "returns": np.r_[0.0, np.arange(39.0)],
    }
    steps, mean, smooth = learning_curve(metrics)
    assert steps[0] == 20 and len(steps) == 39
    assert mean.tolist() == list(range(39)) and smooth[0] == 0 and smooth[5] == 5
    assert all(len(column) == 0 for column in learning_curve({}))


def test_final_return_is_of_the_last_tenth():
    metrics = {"episodes": np.asarray([90, 10, 0]), "returns": np.asarray([90.0, 50.0, 0.0])}
    assert final_return(metrics) == 5.0
    assert final_return({"episodes": np.zeros(3), "returns": np.zeros(3)}) is None
    assert final_return({}) is None


@pytest.mark.parametrize(
    ("low", "high"), [(0, 1), (-3, 500), (2, 2), (0, 0), (-1e-4, 1e-4), (1, 1e9)]
)
def test_ticks_cover_the_range_and_are_few(low, high):
    ticks = nice_ticks(low, high)
    assert ticks[0] <= low and ticks[-1] >= high and 2 <= len(ticks) <= 9
    assert np.ptp(np.diff(ticks)) < 1e-9 * max(1, abs(high))


def test_a_higher_value_is_drawn_higher():
    x, y = np.asarray([1.0, 2.0]), np.asarray([3.0, 7.0])
    drawing = line_chart([Series("a", x, y, "s0")], "a line", ("x", "y"), (640, 300))
    (first, second) = re.search(r'points="([^"]+)"', drawing)[1].split()
    assert float(second.split(",")[0]) > float(first.split(",")[0])
    assert float(second.split(",")[1]) < float(first.split(",")[1])
    dots = scatter_chart(x, y, [0, 1], "dots", ("x", "y"))
    assert dots.count("<circle") == 2 and 'class="diagonal"' in dots


def test_numbers_are_for_people():
    assert [number(v) for v in (0, 12.5, 2000.4, -0.00001)] == ["0", "12.5", "2,000", "-1.0e-05"]
    assert credits(-1_500_000) == "−1.50"


def test_worlds_have_names():
    assert world_name(cx.worlds.CartPole()) == "CartPole-v1"
    assert (
        world_name(cx.worlds.FrozenLake(is_slippery=False)) == "FrozenLake-v1 (is_slippery=False)"
    )
    assert world_name(HostSpec("Taxi-v3")) == "Taxi-v3"
    assert world_name(HostSpec("X-v0", (("a", 1),))) == "X-v0 (a=1)"


# --- in a browser


def visit(call, folder, seconds=90):
    """The exit code and output of a browser, or None if it did not end; none of it is left running.

    Output goes to files: a browser's helpers outlive it, and would hold a pipe open for ever.
    """
    folder.mkdir()
    with (folder / "out").open("w") as out, (folder / "err").open("w") as err:
        browser = subprocess.Popen(call, stdout=out, stderr=err, start_new_session=True)
        try:
            code = browser.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            return None
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(browser.pid, signal.SIGKILL)
            browser.wait()
    return code, (folder / "out").read_text("utf-8"), (folder / "err").read_text("utf-8")


def browse(chromium, folder, *words):
    """What Chromium shows and says when it has opened a page without a network."""
    call = [
        chromium, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run",
        "--disable-background-networking", "--disable-component-update", "--disable-sync",
        "--disable-quic", "--disable-breakpad", "--disable-dev-shm-usage",
        "--enable-logging=stderr",
    ]  # fmt: skip
    for attempt in range(3):
        profile = f"--user-data-dir={folder / f'user-{attempt}'}"
        if (seen := visit([*call, profile, *words], folder / f"visit-{attempt}")) is not None:
            code, shown, complaints = seen
            assert code == 0, complaints
            return shown, complaints
    raise AssertionError("Chromium did not come back from the page, three times")


@pytest.mark.browser
def test_a_browser_shows_the_page(chromium, path, economy, tmp_path):
    text = path.read_text("utf-8")
    probe = (
        "<script>addEventListener('load', () => { const wide = document.documentElement;"
        "document.title = JSON.stringify({text: document.body.innerText, "
        "over: wide.scrollWidth - wide.clientWidth, "
        "flat: [...document.querySelectorAll('svg')]"
        ".filter(s => s.getBoundingClientRect().height < 50).length})"
        "})</script></body>"
    )
    probed = tmp_path / "probed.html"
    probed.write_text(text.replace("</body>", probe), encoding="utf-8")
    shown, complaints = browse(
        chromium, tmp_path, "--window-size=500,900", "--dump-dom", f"file://{probed}"
    )
    assert "CONSOLE" not in complaints
    title = html.unescape(re.search(r"<title>(.*?)</title>", shown, re.DOTALL)[1])
    seen = json.loads(title)
    assert seen["over"] <= 0, "a narrow screen would scroll sideways"
    assert seen["flat"] == 0
    for words in ("What it learned", "Who is who", "The books", "not a tick lost", economy.digest):
        assert words in seen["text"]


def test_what_hardly_moves_is_drawn_on_an_axis_whose_labels_differ():
    ticks = nice_ticks(1.0, 1.00001)
    assert ticks[0] < 0.95 and ticks[-1] > 1.05
    assert len({number(tick) for tick in ticks}) == len(ticks)

import json
import os
import re
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pyarrow
import pyarrow.parquet as parquet
import pytest

import catallax as cx
from catallax._cli import _parser, main
from catallax._cli._market_files import FAMILIES, read_market
from catallax._cli._picture import demand_curves, has_curves
from catallax._cli._show_market import amount
from catallax._cli._solve import plain

GOODS, AGENTS = ["bread", "wine", "cloth"], ["ann", "bob", "cem"]
VALUES = [[2.0, 5.0, 3.0], [3.0, 4.0, 1.0], [1.0, 6.0, 4.0]]
SUPPLY, WEALTH = [10.0, 4.0, 6.0], [30.0, 16.0, 15.0]
MARKET = {
    "goods": GOODS,
    "agents": AGENTS,
    "supply": SUPPLY,
    "wealth": WEALTH,
    "money": "budget",
    "family": "linear",
    "values": VALUES,
}
# Ann has money left, so what she buys costs what it is worth to her: 2, 5, 3. Bob gets most for
# his money in bread, and Cem in cloth.
PRICES, BUNDLES = [2.0, 5.0, 3.0], [[2.0, 4.0, 1.0], [8.0, 0.0, 0.0], [0.0, 0.0, 5.0]]


def written(folder, market=MARKET, name="market.json"):
    path = folder / name
    path.write_text(json.dumps(market), "utf-8")
    return path


def without(*names):
    return {name: value for name, value in MARKET.items() if name not in names}


def said(capfd, *words):
    """What `catallax solve` prints as JSON when it runs in this process, and its exit code."""
    capfd.readouterr()
    code = main(["solve", *map(str, words), "--json"])
    out = capfd.readouterr().out
    assert out.count("\n") == 1
    return json.loads(out), code


def solved(folder, capfd, *words, market=MARKET):
    facts, code = said(capfd, written(folder, market), *words)
    assert code == 0, facts
    return facts


# --- the real command


def test_the_command_prints_tables_in_a_pipe(tmp_path):
    written(tmp_path)
    call = [sys.executable, "-m", "catallax", "solve", "market.json"]
    ran = subprocess.run(call, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert ran.returncode == 0 and ran.stderr == ""
    first = ran.stdout.splitlines()[0]
    assert first.startswith("market.json, with budgets: 3 agents, 3 goods; certified in ")
    assert re.search(r"wine +4 +5 +20 +0 ", ran.stdout)
    assert re.search(r"bob +16 +16 +24 +8 +0 +0 ", ran.stdout)
    assert "within the tolerance of 1e-06" in ran.stdout and "paid beyond wealth" in ran.stdout
    assert "\x1b" not in ran.stdout and "…" not in ran.stdout


def test_one_object_has_all_that_was_found(tmp_path, capfd):
    facts = solved(tmp_path, capfd)
    assert list(facts) == [
        *("market", "money", "method", "result", "steps", "seconds", "tolerance", "goods"),
        *("agents", "prices", "bundles", "spending", "all_caps_met", "no_supply", "certificate"),
    ]
    assert facts["prices"] == pytest.approx(PRICES, rel=1e-6)
    assert facts["goods"] == GOODS and facts["agents"] == AGENTS
    assert facts["result"] == "certified" and facts["money"] == "budget" and facts["steps"] > 0
    assert np.allclose(facts["bundles"], BUNDLES, atol=1e-5)
    assert facts["spending"] == pytest.approx([1.0, 2 / 3, 3 / 4], rel=1e-5)
    seen = facts["certificate"]
    assert 0 <= seen["violation"] <= 1e-6 and facts["tolerance"] == 1e-6
    assert set(seen) == {
        *("violation", "leftover", "unallocated", "shortage", "overspent", "irrational"),
        *("regret", "regret_mean", "gap", "local"),
    }
    again = cx.certify(
        cx.valuations.Linear(VALUES),
        *(SUPPLY, WEALTH, facts["prices"], facts["bundles"]),
        money="budget",
    )
    assert float(again.violation) == pytest.approx(seen["violation"], rel=1e-3, abs=1e-12)


def test_money_and_supply_that_are_typed_replace_those_of_the_file(tmp_path, capfd):
    facts = solved(tmp_path, capfd, "--money", "fisher")
    assert facts["money"] == "fisher"
    assert np.dot(facts["prices"], SUPPLY) == pytest.approx(sum(WEALTH), rel=1e-6)
    facts = solved(tmp_path, capfd, "--supply", "20,4,6")
    assert np.sum(facts["bundles"], axis=0) == pytest.approx([20, 4, 6], rel=1e-6)
    facts = solved(tmp_path, capfd, "--supply", "2")
    assert np.sum(facts["bundles"], axis=0) == pytest.approx([2, 2, 2], rel=1e-6)


def test_money_may_be_left_to_the_command_line_and_wealth_out_without_budgets(tmp_path, capfd):
    facts = solved(tmp_path, capfd, "--money", "none", market=without("money", "wealth"))
    assert facts["prices"] == pytest.approx(np.max(VALUES, axis=0), rel=1e-6)


def test_every_method_is_one_of_the_engine(tmp_path, capfd):
    from catallax.clearing import equilibrium

    assert all(isinstance(getattr(equilibrium, name), type) for name in _parser.METHODS.values())
    facts = solved(tmp_path, capfd, "--method", "interior-point")
    assert facts["method"] == _parser.METHODS["interior-point"]


@pytest.mark.parametrize(
    ("method", "changed", "prices"),
    [
        ("smoothed", {}, PRICES),
        ("proportional-response", {}, PRICES),
        ("closed-form", {"money": "none"}, [3.0, 6.0, 4.0]),
        # Cobb-Douglas prices are the sums of what everybody spends on a good.
        (
            "tatonnement",
            {"money": "fisher", "family": "cobb-douglas", "values": None, "supply": [1.0, 1.0, 1.0]}
            | {"shares": [[0.5, 0.5, 0.0], [0.0, 0.5, 0.5], [0.0, 0.0, 1.0]]},
            [15.0, 23.0, 23.0],
        ),
    ],
)
def test_methods_are_chosen_by_name(tmp_path, capfd, method, changed, prices):
    market = {name: value for name, value in (MARKET | changed).items() if value is not None}
    facts = solved(tmp_path, capfd, "--method", method, "--tol", "1e-4", market=market)
    assert facts["method"] == _parser.METHODS[method] and facts["result"] == "certified"
    assert facts["prices"] == pytest.approx(prices, rel=1e-2)


def test_a_method_that_does_not_serve_a_market_says_why(tmp_path, capfd):
    facts, code = said(capfd, written(tmp_path), "--method", "closed-form")
    assert code == 1 and "Only three kinds of markets are a formula" in json.dumps(facts)


def test_large_markets_are_cut_to_the_top(tmp_path, capfd):
    assert main(["solve", str(written(tmp_path)), "--top", "1"]) == 0
    out = capfd.readouterr().out
    assert "the 1 goods of most value, of 3" in out and "the 1 agents who pay most, of 3" in out
    assert "ann" in out.split("Bundles")[1] and "cem" not in out.split("Bundles")[1]


# --- formats


def npz(path, market):
    np.savez(path, **{name: np.asarray(value) for name, value in market.items()})
    return path


def table(path, market, supply=None, **metadata):
    columns = dict(zip(market["goods"], np.transpose(market["values"]), strict=True))
    columns = {"agent": market["agents"], "wealth": market["wealth"], **columns}
    said = {"supply": json.dumps(supply)} if supply is not None else {}
    made = pyarrow.table(columns).replace_schema_metadata(said | metadata)
    parquet.write_table(made, path)
    return path


def test_three_formats_describe_one_market(tmp_path):
    by_name = dict(zip(GOODS, SUPPLY, strict=True))
    files = [
        written(tmp_path),
        npz(tmp_path / "market.npz", MARKET),
        table(tmp_path / "list.parquet", MARKET, SUPPLY, money="budget"),
        table(tmp_path / "names.parquet", MARKET, by_name, money="budget"),
    ]
    for path in files:
        market = read_market(path)
        assert type(market.valuations) is cx.valuations.Linear
        assert np.array_equal(market.valuations.values, VALUES)
        assert np.array_equal(market.supply, SUPPLY) and np.array_equal(market.wealth, WEALTH)
        assert market.goods == tuple(GOODS) and market.agents == tuple(AGENTS)
        assert market.money == "budget"
    bare = table(tmp_path / "bare.parquet", MARKET)
    assert np.array_equal(read_market(bare, "none", [1.0]).supply, [1, 1, 1])


EVERY = {
    "linear": {"values": [[1.0, 2.0]]},
    "ces": {"weights": [[1.0, 2.0]], "rho": -1, "scale": [2.0]},
    "cobb-douglas": {"shares": [[0.25, 0.75]]},
    "leontief": {"needs": [[1.0, 2.0]], "scale": 3.0},
    "quadratic": {"slopes": [[1.0, 2.0]], "curvatures": [[1.0, 1.0]]},
    "logarithmic": {"scales": [[1.0, 2.0]], "offsets": 1.0},
    "piecewise-linear": {"slopes": [[[2.0, 1.0]] * 2], "widths": [[[1.0, None]] * 2]},
    "piecewise-quadratic": {
        "slopes": [[[2.0, 1.0]] * 2],
        "curvatures": [[[1.0, 0.0]] * 2],
        "widths": [[[1.0, None]] * 2],
    },
    "bounded-leontief": {"needs": [[1.0, 2.0]], "slopes": [3.0], "bounds": [None]},
    "coupled-quadratic": {"slopes": [[1.0, 2.0]], "curvatures": [[[1.0, 0.0], [0.0, 1.0]]]},
}


def endless(value):
    return np.nan_to_num(np.asarray(value, float), nan=np.inf, posinf=np.inf)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("kind", ["json", "npz"])
def test_every_family_is_read(family, kind, tmp_path):
    market = {"family": family, "supply": [1, 1], "money": "none", **EVERY[family]}
    if kind == "npz":
        parts = {
            name: endless(value) if name in EVERY[family] else value
            for name, value in market.items()
        }
        path = npz(tmp_path / "market.npz", parts)
    else:
        path = written(tmp_path, market)
    read = read_market(path).valuations
    assert type(read) is FAMILIES[family]
    for name, value in EVERY[family].items():
        assert np.array_equal(getattr(read, name), endless(value))
    assert read_market(path).goods == ("good 0", "good 1")


def test_several_families_stand_in_a_list(tmp_path):
    parts = [{"family": name, **EVERY[name]} for name in ("linear", "leontief")]
    about = {"supply": [1, 1], "money": "none"}
    flat = {f"families.{k}.{name}": part[name] for k, part in enumerate(parts) for name in part}
    for path in (
        written(tmp_path, about | {"families": parts}),
        npz(tmp_path / "market.npz", about | flat),
    ):
        read = read_market(path).valuations
        kinds = [cx.valuations.Linear, cx.valuations.Leontief]
        assert [type(family) for family in read.families] == kinds and read.agents == 2


# --- bad files

BAD = {
    "missing": (None, "No such file"),
    "cut": ('{"supply": [1', "Reading it fails"),
    "list": ("[1, 2]", "not an object"),
    "twice": ('{"supply": [1], "supply": [2]}', "'supply' is given twice"),
    "no family": (without("family"), "has no family"),
    "unknown family": (MARKET | {"family": "cubic"}, "cubic"),
    "no supply": (without("supply"), "--supply"),
    "no wealth": (without("wealth"), "has no wealth"),
    "no money": (without("money"), "--money"),
    "odd money": (MARKET | {"money": "gold"}, "none, cap, budget, fisher"),
    "misspelt": (MARKET | {"welth": [1]}, "Did you mean 'wealth'"),
    "of another family": (MARKET | {"needs": VALUES}, "'needs'"),
    "ragged": (MARKET | {"values": [[1, 2, 3], [1]]}, "rows of different lengths"),
    "words": (MARKET | {"values": [["1", "2", "3"]]}, "not all numbers"),
    "null": (MARKET | {"values": [[1, None, 2]]}, "not all numbers"),
    "flat": (MARKET | {"values": [1, 2, 3]}, "[agents, goods]"),
    "short supply": (MARKET | {"supply": [1, 2]}, "There are 3 goods"),
    "short wealth": (MARKET | {"wealth": [1, 2]}, "There are 3 agents"),
    "few names": (MARKET | {"goods": ["bread"]}, "names 1 goods"),
    "same names": (MARKET | {"agents": ["ann", "bob", "ann"]}, "'ann'"),
    "numbers as names": (MARKET | {"agents": [1, 2, 3]}, "list of names"),
    "both": (without("values") | {"families": []}, "both a family and families"),
    "nobody": (without("family", "values") | {"families": []}, "families"),
    "below 0": (MARKET | {"values": [[-1.0, 1, 1]] * 3}, "values"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_file_is_one_named_paragraph(name, tmp_path, capfd):
    content, words = BAD[name]
    path = tmp_path / "market.json"
    if isinstance(content, str):
        path.write_text(content)
    elif content is not None:
        written(tmp_path, content)
    facts, code = said(capfd, path, "--out", tmp_path / "out.json")
    assert code == 1 and facts["error"] == "InvalidMarket"
    assert words in facts["what"] + facts["why"]
    assert all(facts[part] for part in ("what", "why", "remedy"))
    assert main(["solve", str(path)]) == 1
    shown = capfd.readouterr()
    assert shown.out == "" and shown.err.startswith("catallax: ") and shown.err.count("\n") == 1
    assert not (tmp_path / "out.json").exists()


def test_bad_binary_files_are_named(tmp_path):
    broken = tmp_path / "broken.npz"
    broken.write_bytes(b"PK\x03\x04 no archive")
    np.savez(tmp_path / "pickled.npz", values=np.array([{}], object))
    np.save(tmp_path / "single.npy", np.ones(3))
    os.replace(tmp_path / "single.npy", tmp_path / "single.npz")
    (tmp_path / "broken.parquet").write_bytes(b"PAR1")
    gap = pyarrow.table({"wealth": [1.0, None], "bread": [1.0, 2.0]})
    parquet.write_table(gap, tmp_path / "gap.parquet")
    parquet.write_table(pyarrow.table({"wealth": [1.0]}), tmp_path / "bare.parquet")
    parquet.write_table(pyarrow.table({"bread": ["a"]}), tmp_path / "words.parquet")
    table(tmp_path / "other.parquet", MARKET, {"bread": 1}, money="budget")
    (tmp_path / "market.csv").write_text("1,2")
    for path in (*tmp_path.glob("*.npz"), *tmp_path.glob("*.parquet"), tmp_path / "market.csv"):
        with pytest.raises(cx.CatallaxError, match=path.name) as failure:
            read_market(path, "none", [1.0])
        assert type(failure.value).__name__ == "InvalidMarket"


# --- what can go wrong besides


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        ([], "market"),
        (["market.csv"], "does not end with .json, .npz, .parquet"),
        (["market.json", "--money", "gold"], "invalid choice: 'gold'"),
        (["market.json", "--method", "luck"], "invalid choice: 'luck'"),
        (["market.json", "--tol", "2"], "'2' is not a number between 0 and 1"),
        (["market.json", "--tol", "small"], "between 0 and 1"),
        (["market.json", "--supply", "1,x"], "numbers with commas"),
        (["market.json", "--out", "x.csv"], "does not end with"),
        (["market.json", "--plot", "x.json"], "does not end with .png, .svg"),
    ],
)
def test_what_is_typed_wrongly_is_exit_code_2(words, complaint, capsys):
    assert main(["solve", *words]) == 2
    shown = capsys.readouterr()
    assert shown.out == "" and shown.err.startswith("usage: catallax solve")
    assert complaint in shown.err


def test_help_teaches_every_format(capsys):
    assert main(["solve", "--help"]) == 0
    words = capsys.readouterr().out
    parts = "example", "what you see", "exit codes:", "market.npz", "market.parquet"
    assert all(part in words for part in (*parts, *FAMILIES, *_parser.MONEY))
    example = re.search(r"^  \{.*?\}$", words, re.MULTILINE | re.DOTALL)
    assert json.loads(example.group())["family"] == "linear"


def test_what_is_not_certified_is_shown_and_not_written(tmp_path, capfd):
    """A tolerance that no float can reach."""
    out, picture = tmp_path / "out.json", tmp_path / "out.png"
    words = written(tmp_path), "--tol", "1e-300", "--out", out, "--plot", picture
    facts, code = said(capfd, *words)
    assert code == 1 and facts["result"] == "not_converged" and facts["error"] == "NotConverged"
    assert facts["prices"] == pytest.approx(PRICES, rel=1e-3) and facts["what"] and facts["remedy"]
    assert main(["solve", *map(str, words)]) == 1
    shown = capfd.readouterr()
    assert "NOT CONVERGED" in shown.out and shown.err.startswith("catallax: ")
    assert not out.exists() and not picture.exists()


# --- what is written


@pytest.mark.parametrize("kind", ["json", "npz", "parquet"])
def test_prices_and_bundles_are_written(kind, tmp_path, capfd):
    out = tmp_path / "new" / f"out.{kind}"
    facts = solved(tmp_path, capfd, "--out", out)
    if kind == "json":
        assert json.loads(out.read_text()) == facts
    elif kind == "npz":
        found = np.load(out)
        assert np.array_equal(found["bundles"], facts["bundles"])
        assert np.array_equal(found["prices"], facts["prices"])
        assert found["goods"].tolist() == GOODS and str(found["result"]) == "certified"
        assert found["certificate.violation"] == facts["certificate"]["violation"]
    else:
        found = parquet.read_table(out)
        assert found.column_names == ["agent", *GOODS]
        assert found["agent"].to_pylist() == AGENTS
        assert np.array_equal(np.transpose(facts["bundles"])[1], found["wine"].to_numpy())
        said = {name.decode(): json.loads(value) for name, value in found.schema.metadata.items()}
        assert said["prices"] == dict(zip(GOODS, facts["prices"], strict=True))
        assert said["certificate"] == facts["certificate"] and said["result"] == "certified"
    assert [path.name for path in out.parent.iterdir()] == [out.name]


def test_a_place_that_cannot_be_written_is_said(tmp_path, capfd):
    (tmp_path / "file").write_text("")
    out = tmp_path / "file" / "out.json"
    facts, code = said(capfd, written(tmp_path), "--out", out)
    assert code == 1 and facts["error"] == "CannotWrite" and str(out) in facts["what"]


def test_numbers_that_are_not_finite_are_null():
    assert json.dumps(plain([[1.0, np.inf], [np.nan, 2.0]])) == "[[1.0, null], [null, 2.0]]"
    assert plain(np.float64("nan")) is None and plain(np.array([True])) == [True]
    assert (amount(1e-9, 1e-8), amount(-0.25), amount(np.inf)) == ("0", "-0.25", "inf")


# --- the picture


def outcome(market, **facts):
    """A market and an outcome, known without solving."""
    valuations = market.pop("valuations")
    names = {"goods": ("x", "y"), "agents": ("a", "b")}
    given = SimpleNamespace(valuations=valuations, **names, **market)
    seen = SimpleNamespace(leftover=np.zeros(2), violation=0.0)
    return given, SimpleNamespace(certificate=seen, **facts)


def test_demand_is_what_the_families_say():
    """Cobb-Douglas spends a share on each good; a logarithm wants a/p − c."""
    shares, wealth = np.array([[0.25, 0.75], [0.5, 0.5]]), np.array([4.0, 2.0])
    market, found = outcome(
        {
            "valuations": cx.valuations.CobbDouglas(shares),
            "supply": np.array([2.0, 4.0]),
            "wealth": wealth,
            "money": "fisher",
        },
        prices=np.array([1.0, 1.0]),
        bundles=shares * wealth[:, None],
    )
    [(edges, demand)] = demand_curves(market, found, np.array([0]))
    assert (edges == 1.0).any() and edges[-1] == 2.0
    # The mean of 2/p between two prices.
    mean = 2.0 * np.diff(np.log(edges)) / np.diff(edges)
    assert demand == pytest.approx(mean, rel=1e-9)

    scales = np.array([[2.0, 1.0], [4.0, 1.0]])
    market, found = outcome(
        {
            "valuations": cx.valuations.Logarithmic(scales, 1.0),
            "supply": np.array([4.0, 1.0]),
            "wealth": None,
            "money": "none",
        },
        prices=np.array([1.0, 0.5]),
        bundles=np.array([[1.0, 1.0], [3.0, 1.0]]),
    )
    [(edges, demand)] = demand_curves(market, found, np.array([0]))
    above = edges[:-1] >= 1.0  # below, it wants more than the box of twice the supply
    mean = 6.0 * np.diff(np.log(edges)) / np.diff(edges) - 2.0
    assert demand[above] == pytest.approx(mean[above], rel=1e-9)


def test_families_without_a_dual_have_no_curves():
    quadratic = cx.valuations.Quadratic([[1.0]], [[1.0]])
    coupled = cx.valuations.CoupledQuadratic([[1.0]], [[[1.0]]])
    assert has_curves(SimpleNamespace(valuations=quadratic, money="none"))
    assert not has_curves(SimpleNamespace(valuations=quadratic, money="budget"))
    assert not has_curves(SimpleNamespace(valuations=coupled, money="none"))


def test_a_picture_is_drawn(tmp_path, capfd):
    pictures = [tmp_path / "market.png", tmp_path / "market.svg"]
    for picture in pictures:
        solved(tmp_path, capfd, "--plot", picture)
    assert pictures[0].read_bytes().startswith(b"\x89PNG\r\n")
    svg = pictures[1].read_text("utf-8")
    assert svg.count("<svg") == 1 and "<dc:date>" not in svg
    # One label an axis, a bar a price, and three crossings, as matplotlib names its groups.
    assert svg.count('id="axes_') == 5
    alone = [sys.executable, "-c", "import catallax, sys; sys.exit('matplotlib' in sys.modules)"]
    assert subprocess.run(alone, check=False).returncode == 0


def test_without_matplotlib_the_extra_is_named_before_anything_is_solved(
    tmp_path, capfd, monkeypatch
):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    monkeypatch.setattr("catallax._cli._solve._found", None)
    facts, code = said(capfd, written(tmp_path), "--plot", tmp_path / "market.png")
    assert code == 1 and facts["error"] == "MissingExtra" and "catallax[plot]" in facts["remedy"]

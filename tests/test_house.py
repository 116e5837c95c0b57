import json
import os
import statistics
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import house

# The storeys of src/catallax, lowest first. A module imports from lower storeys and its own part.
STOREYS = (
    # words
    "_types _errors _interrupts _callbacks _lazy _xla",
    "_keys _shares",
    # things
    "techniques",
    "_ledger _goods _population _rules worlds _values _checkpoint",
    "_property industries",
    "_journal _stocks planner",
    "_rundir",
    # wishes
    "agents",
    # clearing
    "_auctions clearing",
    "_exploration tastes",
    "_clearing _quanta",
    # payments
    "_settlement _trade",
    "_payments",
    # change
    "_learning _life",
    # markets
    "_market",
    "_state _presets",
    "_quotes",
    "_acting",
    "_deep wide _network _message",
    # drivers
    "_genesis _faults",
    "_chunk",
    "_compiled",
    "_host",
    "_drivers",
    # economies
    "_books _membership _store _evaluate",
    "_inspect",
    "_economy _train_wide",
    # edges
    "_train _tensorboard",
    "_report checks gym llm sklearn systems",
    "_cli",
    # the contents page, which passes on names from every floor, and the door
    "__init__ __main__",
)
FLOORS = {part: floor for floor, parts in enumerate(STOREYS) for part in parts.split()}

# (importer, imported) on one floor, each with its reason. One direction only.
NEIGHBOURS: dict[tuple[str, str], str] = {}

# `import catallax` leaves these to the functions that need them.
LATE = {"gymnax", "matplotlib", "pyarrow", "rich", "sklearn", "sphinx", "tensorboardX", "tyro"}

TREE = house.sources()
SHIPPED = house.in_package(TREE)
MODULES = {house.dotted(path) for path in SHIPPED}
PAGES = "\n".join(
    path.read_text("utf-8")
    for folder in (house.ROOT, house.ROOT / "docs")
    for path in sorted(folder.glob("*.md"))
)
LINES = ("one = 1\n" * 501, "def f():\n" + "    one = 1\n" * 70)


def lookup(tree):
    by_name = {house.dotted(path): text for path, text in tree.items()}
    inits = {
        f"{house.dotted(path)}.__init__": text
        for path, text in tree.items()
        if path.name == "__init__.py"
    }
    return (by_name | inits).get


def over(tree, rule):
    return [complaint for path, source in tree.items() for complaint in rule(path, source)]


def floors(path, source):
    return house.floor_complaints(path, source, FLOORS, NEIGHBOURS, MODULES)


# --- the tree as it is


def test_imports_go_down():
    assert over(SHIPPED, floors) == []


def test_neighbours_live_on_one_floor_and_look_one_way():
    for mine, theirs in NEIGHBOURS:
        assert FLOORS[mine] == FLOORS[theirs]
        assert (theirs, mine) not in NEIGHBOURS


def test_files_and_functions_are_short():
    assert over(TREE, house.size_complaints) == []


def test_half_of_the_files_are_very_short():
    assert statistics.median(len(s.splitlines()) for s in SHIPPED.values()) <= house.MEDIAN_LINES


def test_every_public_name_is_documented_with_an_example():
    find = lookup(SHIPPED)
    assert over(SHIPPED, lambda path, source: house.example_complaints(path, source, find)) == []


def test_the_library_does_not_print():
    assert over(SHIPPED, house.print_complaints) == []


@pytest.mark.parametrize(
    "rule",
    [
        house.wildcard_complaints,
        house.silencer_complaints,
        house.unfinished_complaints,
        house.left_out_complaints,
    ],
    ids=lambda rule: rule.__name__,
)
def test_every_python_file_keeps(rule):
    assert over(TREE, rule) == []


def test_init_files_are_contents_pages():
    assert over(SHIPPED, house.contents_complaints) == []


def test_every_module_has_its_tests():
    tests = {path.name for path in TREE if path.parts[0] == "tests"}
    assert over(SHIPPED, lambda path, _: house.untested_complaints(path, tests)) == []


def test_the_changelog_is_kept():
    version = tomllib.loads((house.ROOT / "pyproject.toml").read_text("utf-8"))["project"][
        "version"
    ]
    assert (
        house.changelog_complaints((house.ROOT / "CHANGELOG.md").read_text("utf-8"), version) == []
    )
    assert f"version: {version}\n" in (house.ROOT / "CITATION.cff").read_text("utf-8")


def test_no_file_names_a_registry_or_a_machine():
    complaints = []
    for path in house.files():
        text = path.read_bytes().decode("utf-8", errors="ignore")
        complaints += house.place_complaints(path.relative_to(house.ROOT), text)
    assert complaints == []


def test_the_lock_is_hashed_and_says_nothing_else():
    assert house.lock_complaints((house.ROOT / "requirements.lock").read_text("utf-8")) == []


def test_our_pages_name_make_targets_that_exist():
    _, targets = house.typed_commands(PAGES)
    assert targets <= house.make_targets((house.ROOT / "Makefile").read_text("utf-8"))


def test_our_pages_name_commands_that_exist():
    commands, _ = house.typed_commands(PAGES)
    for command in sorted(commands):
        call = [sys.executable, "-m", "catallax", command, "--help"]
        ran = subprocess.run(call, capture_output=True, text=True, check=False)
        assert house.is_help_of(ran.stdout, command), f"{call}: {ran.stdout}{ran.stderr}"


@pytest.mark.parametrize("wide_numbers", ["0", "1"])
def test_importing_is_quiet_and_changes_nothing(tmp_path, wide_numbers):
    script = (
        "import json, pathlib, sys, catallax, jax;"
        "seen = [sorted({name.split('.')[0] for name in sys.modules}), jax.config.jax_enable_x64];"
        "pathlib.Path(sys.argv[1]).write_text(json.dumps(seen))"
    )
    env = os.environ | {"JAX_ENABLE_X64": wide_numbers}
    call = [sys.executable, "-c", script, str(tmp_path / "seen.json")]
    ran = subprocess.run(call, capture_output=True, text=True, check=True, env=env)
    modules, x64 = json.loads((tmp_path / "seen.json").read_text())
    assert ran.stdout + ran.stderr == ""
    assert LATE & set(modules) == set()
    assert x64 is (wide_numbers == "1")


# --- each rule on something wrong

INNER = Path("src/catallax/_ledger.py")


@pytest.mark.parametrize(
    ("where", "source", "said"),
    [
        (
            "_ledger.py",
            "from catallax._deep import Market",
            f"floor {FLOORS['_ledger']} (_ledger) imports floor {FLOORS['_deep']}",
        ),
        ("_ledger.py", "from ._deep import Market", f"floor {FLOORS['_deep']} (_deep)"),
        ("_ledger.py", "from . import _deep", f"floor {FLOORS['_deep']} (_deep)"),
        ("_ledger.py", "def f():\n    import catallax._deep", f":2: floor {FLOORS['_ledger']}"),
        (
            "_ledger.py",
            "from importlib import import_module as import_it\nimport_it('catallax._cli')",
            ":2:",
        ),
        ("_ledger.py", "from catallax import Market", f"floor {FLOORS['__init__']} (__init__)"),
        ("_ledger.py", "from catallax._goods import Good", f"floor {FLOORS['_goods']} (_goods)"),
        ("worlds/_chain.py", "from .._deep import Market", f"floor {FLOORS['_deep']} (_deep)"),
        ("worlds/__init__.py", "from .._deep import Market", f"floor {FLOORS['_deep']} (_deep)"),
        ("_ledger.py", "from catallax._cellar import wine", "'_cellar', which has no floor"),
        ("_cellar.py", "", "add it to FLOORS"),
        ("_state.py", "import catallax._presets", "(_presets)"),
    ],
)
def test_an_import_that_goes_up_is_seen(where, source, said):
    modules = {"catallax", "catallax._deep", "catallax._goods", "catallax._presets"}
    path = Path("src/catallax") / where
    [complaint] = house.floor_complaints(path, source, FLOORS, NEIGHBOURS, modules)
    assert said in complaint


@pytest.mark.parametrize(
    ("where", "source"),
    [
        ("_deep.py", "from catallax._ledger import Ledger\nimport jax"),
        ("worlds/_chain.py", "from catallax.worlds._world import World\nfrom ._world import World"),
        ("_cli.py", "def f():\n    from ._train import train"),
        ("__init__.py", "from ._deep import Market as Market"),
        ("worlds/__init__.py", "from . import _chain\nfrom ._chain import Chain as Chain"),
    ],
)
def test_an_import_that_goes_down_is_fine(where, source):
    modules = {"catallax", "catallax._deep", "catallax.worlds", "catallax.worlds._chain"}
    path = Path("src/catallax") / where
    assert house.floor_complaints(path, source, FLOORS, NEIGHBOURS, modules) == []


def test_a_long_file_and_a_long_function_are_seen():
    assert "501 lines" in house.size_complaints(INNER, LINES[0])[0]
    assert "f has 71 lines" in house.size_complaints(INNER, LINES[1])[0]


def test_a_docstring_does_not_make_a_function_long():
    words = '    """Words.\n' + "\n    words\n" * 50 + '    """\n'
    assert house.size_complaints(INNER, "def f():\n" + words + "    one = 1\n" * 69) == []


@pytest.mark.parametrize(
    ("made", "said"),
    [
        ("class Market: ...", "'Market' has no docstring"),
        ('def Market():\n    """A market."""', "'Market' has no >>> example"),
        ("Market = 1", "'Market' has no docstring"),
        ("", "cannot find where 'Market' is defined"),
        ("from .nowhere import Market", "cannot find where 'Market' is defined"),
    ],
)
def test_a_public_name_without_words_is_seen(made, said):
    path = Path("src/catallax/__init__.py")
    source = "from ._deep import Market as Market\nfrom ._deep import _hidden"
    find = lookup({Path("src/catallax/_deep.py"): made, path: source})
    [complaint] = house.example_complaints(path, source, find)
    assert said in complaint


def test_a_public_name_is_followed_to_where_it_is_made():
    tree = {
        Path("src/catallax/__init__.py"): "from .worlds import Chain as Chain\n"
        "from . import worlds as worlds",
        Path(
            "src/catallax/worlds/__init__.py"
        ): '"""Worlds."""\nfrom ._chain import Chain as Chain',
        Path(
            "src/catallax/worlds/_chain.py"
        ): 'class Chain:\n    """A chain.\n\n    >>> Chain()\n    """',
        Path("src/catallax/checks.py"): 'import jax\nLIMIT = 3\n"""How far."""\n_own = 1',
    }
    for path, source in tree.items():
        assert house.example_complaints(path, source, lookup(tree)) == []


@pytest.mark.parametrize(
    ("rule", "wrong", "right"),
    [
        (house.print_complaints, "def f():\n    print(1)", "fingerprint(1)  # print(1)"),
        (house.wildcard_complaints, "from jax import *", "from jax import numpy"),
        (
            house.silencer_complaints,
            "x = 1  # " + house.SILENCERS[0],
            'x = "' + house.SILENCERS[0] + '"',
        ),
        (house.silencer_complaints, "x = 1  # " + house.SILENCERS[1], "x = 1  # number"),
        (house.unfinished_complaints, "# " + house.UNFINISHED[0], "# " + house.UNFINISHED[0] + "S"),
        (house.unfinished_complaints, "raise " + house.UNFINISHED[3], "raise Not"),
        (house.left_out_complaints, f"pytest.{house.LEAVE_OUTS[0]}('x')", "stream.skip(2)"),
        (
            house.left_out_complaints,
            f"@pytest.mark.{house.LEAVE_OUTS[2]}\ndef f(): ...",
            "pytest.raises",
        ),
    ],
)
def test_what_has_no_place_is_seen(rule, wrong, right):
    assert len(rule(INNER, wrong)) == 1
    assert rule(INNER, right) == []


def test_an_init_that_does_more_is_seen():
    path = Path("src/catallax/worlds/__init__.py")
    assert "has no docstring" in house.contents_complaints(path, "import jax")[0]
    assert ":2: holds more" in house.contents_complaints(path, '"""Worlds."""\nx = 1')[0]
    assert (
        house.contents_complaints(path, '"""Worlds."""\nfrom ._chain import Chain as Chain') == []
    )
    assert house.contents_complaints(INNER, "x = 1") == []


def test_a_module_without_tests_is_seen():
    chain = Path("src/catallax/worlds/_chain.py")
    [complaint] = house.untested_complaints(chain, {"test_chain.py"})
    assert "tests/test_worlds_chain.py or tests/test_worlds.py" in complaint
    assert house.untested_complaints(chain, {"test_worlds_chain.py"}) == []
    assert house.untested_complaints(chain, {"test_worlds.py"}) == []
    assert house.untested_complaints(INNER, {"test_ledger.py"}) == []
    assert house.untested_complaints(Path("src/catallax/__init__.py"), set()) == []


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("# Changelog", "# News", "does not start"),
        ("## [Unreleased]\n", "", "first section"),
        ("[0.1.0] - 2025-01-02", "[0.1.0]", "yyyy-mm-dd"),
        ("[0.2.0]", "[0.0.9]", "newest first"),
        ("[0.2.0]", "[0.3.0]", "no section for 0.2.0"),
        ("### Added", "### News", "not a kind of change"),
    ],
)
def test_a_bad_changelog_is_seen(old, new, said):
    good = (
        "# Changelog\n\n## [Unreleased]\n\n## [0.2.0] - 2025-02-03\n\n### Added\n\n- x\n\n"
        "## [0.1.0] - 2025-01-02\n"
    )
    assert house.changelog_complaints(good, "0.2.0") == []
    assert any(
        said in words for words in house.changelog_complaints(good.replace(old, new), "0.2.0")
    )


@pytest.mark.parametrize("word", [*house.HOSTS, *house.PLACES])
def test_a_host_or_a_place_is_seen(word):
    assert len(house.place_complaints(Path("README.md"), f"see\nhere: {word}x\n")) == 1


def test_a_lock_of_the_wrong_kind_is_seen():
    good = "numpy==2.0.0 ; python_version > '3' \\\n    --hash=sha256:00\n    # via jax\n"
    assert house.lock_complaints(good) == []
    assert house.place_complaints(Path("uv.lock"), "") != []
    assert "not pinned" in house.lock_complaints("numpy==2.0.0\n")[0]
    assert "not pinned" in house.lock_complaints("numpy>=2 --hash=sha256:00\n")[0]
    for line in ("--index-url x\n", "numpy @ file.whl --hash=sha256:0\n", "-r other\n"):
        assert "where to get" in house.lock_complaints(line)[0]


def test_commands_are_read_from_shell_blocks_only():
    page = (
        "`make soup`\n```python\nimport catallax as cx\n```\n"
        "```sh\nmake demo && make test  # make tea\n"
        "$ .venv/bin/catallax train X\npip install catallax\n```\n"
        "```\ncatallax audit runs/demo\n```\n"
    )
    assert house.typed_commands(page) == ({"train", "audit"}, {"demo", "test"})
    assert house.make_targets("demo: x\nA := 1\nbench-deep:\n\techo tea: x\n") == {
        "demo",
        "bench-deep",
    }


def test_the_help_of_another_command_is_no_help():
    assert house.is_help_of("usage: catallax train [-h] WORLD\n", "train")
    assert house.is_help_of("usage: python -m catallax train\n", "train")
    assert not house.is_help_of("usage: catallax [-h] {train,audit}\n\ntrain\n", "train")
    assert not house.is_help_of("", "train")

import ast
import dataclasses
import linecache
import re
import shutil
import subprocess
import sys

import pytest

import house

DOCS = house.ROOT / "docs"
PAGES = sorted(DOCS.glob("*.md"))

CELL = re.compile(
    r"^(?P<fence>`{3,}|:{3,})\{code-cell\}[^\n]*\n(?P<body>.*?)^(?P=fence)[ \t]*$",
    re.MULTILINE | re.DOTALL,
)
OPTIONS = re.compile(r"\A(?:---\n.*?^---\n|(?::[^\n]*\n)+)", re.MULTILINE | re.DOTALL)


@dataclasses.dataclass(frozen=True)
class Cell:
    line: int
    code: str
    raises: bool


def cells(page):
    """The code cells of a page, each with the line of its first line of code."""
    found = []
    for match in CELL.finditer(page):
        body = match["body"]
        options = OPTIONS.match(body)
        start = options.end() if options else 0
        line = page.count("\n", 0, match.start("body") + start) + 1
        raises = bool(options) and "raises-exception" in options.group()
        found.append(Cell(line, body[start:], raises))
    return found


def run(page, name):
    """Run the cells of a page top to bottom, as one program whose lines are the page's own."""
    # A traceback, and inspect.getsource, then show the page.
    linecache.cache[name] = (len(page), None, page.splitlines(keepends=True), name)
    space = {"__name__": "__main__"}
    for cell in cells(page):
        tree = ast.increment_lineno(ast.parse(cell.code, name), cell.line - 1)
        program = compile(tree, name, "exec")
        try:
            exec(program, space)
        except Exception:
            if not cell.raises:
                raise
        else:
            assert not cell.raises, f"{name}:{cell.line}: the cell should have failed"
    return space


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_page_runs(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run(page.read_text("utf-8"), str(page))


def unexecuted(page):
    """Whether a page has code cells that Sphinx would only show: MyST-NB runs what names itself."""
    return bool(cells(page)) and not re.match(r"---\n(?:.*\n)*?file_format: mystnb\n", page)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_page_is_a_notebook_if_it_has_cells(page):
    assert not unexecuted(page.read_text("utf-8"))


def test_the_index_lists_every_page_and_no_other():
    index = (DOCS / "index.md").read_text("utf-8")
    [toctree] = re.findall(r"^```\{toctree\}\n(.*?)^```", index, re.MULTILINE | re.DOTALL)
    listed = [line for line in toctree.splitlines() if line and not line.startswith(":")]
    assert sorted(listed) == [page.stem for page in PAGES if page.stem != "index"]


def test_the_reference_builds_without_a_warning(tmp_path):
    """A name that is listed twice, or that is not there, would fail `make docs`."""
    shutil.copy(DOCS / "reference.md", tmp_path)
    command = [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", "-b", "dummy"]
    command += ["-c", DOCS, "-D", "root_doc=reference"]
    command += ["-D", "extensions=myst_nb,sphinx.ext.autodoc,sphinx.ext.napoleon"]
    done = subprocess.run([*command, tmp_path, tmp_path / "out"], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


TOY = """\
# A page

```{code-cell} python
:tags: [hide-input]

x = 1
```

```python
x = 5
```

:::{code-cell}
---
tags: [raises-exception]
---
x += 1
raise ValueError
:::

```{code-cell}
y = x + 1
```
"""


def test_cells_run_in_order_and_share_their_names():
    assert [cell.line for cell in cells(TOY)] == [5, 17, 22]
    space = run(TOY, "toy")
    assert (space["x"], space["y"]) == (2, 3)


def test_a_page_that_would_not_run_is_seen():
    assert unexecuted(TOY)
    assert not unexecuted("---\nfile_format: mystnb\n---\n" + TOY)
    assert not unexecuted("# No cells\n")


def test_a_cell_that_fails_is_a_failure_at_its_line():
    with pytest.raises(ZeroDivisionError) as failure:
        run(TOY + "\n```{code-cell}\n1 / 0\n```\n", "toy")
    assert failure.traceback[-1].lineno + 1 == 26


def test_a_cell_that_should_fail_and_does_not_is_a_failure():
    with pytest.raises(AssertionError, match="toy:17: the cell should have failed"):
        run(TOY.replace("raise ValueError", "pass"), "toy")

"""The rules of the house, as functions from sources to complaints.

Each rule looks at one file (or one text) and returns a list of sentences; an empty list means that
the rule is kept. ``test_house.py`` runs them over the real tree, and over sources that are wrong on
purpose. Words that must not stand in the tree are put together from halves, so that this file does
not hold them.
"""

import ast
import io
import itertools
import re
import shutil
import subprocess
import tokenize
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = "catallax"

FILE_LINES, FUNCTION_LINES, MEDIAN_LINES = 500, 70, 200

UNFINISHED = ("TO" + "DO", "FIX" + "ME", "XX" + "X", "NotImplemented" + "Error")
SILENCERS = ("type: " + "ignore", "no" + "qa")
LEAVE_OUTS = ("sk" + "ip", "sk" + "ipif", "xf" + "ail", "importor" + "sk" + "ip")
HOSTS = ("pypi" + ".org", "python" + "hosted", "registry." + "npmjs", "deb." + "debian")
PLACES = ("/wo" + "rk/", "/fa" + "rm/", "/op" + "t/", "/ro" + "ot/", "../sha" + "red")

CHANGES = ("Added", "Changed", "Deprecated", "Removed", "Fixed", "Security")
NOT_OURS = {".git", ".venv", ".pytest_cache", ".ruff_cache", ".hypothesis", "__pycache__", "_build"}

FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef


# --- files


def files(root: Path = ROOT) -> list[Path]:
    """Every file that is tracked, or present and not ignored; without git, every file of ours."""
    git = shutil.which("git")
    if git and (root / ".git").exists():
        command = [git, "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        listed = subprocess.run(
            command, cwd=root, capture_output=True, text=True, check=True
        ).stdout
        found = [root / name for name in listed.split("\0") if name]
    else:
        found = [p for p in root.rglob("*") if not NOT_OURS & set(p.relative_to(root).parts)]
        found = [p for p in found if p.relative_to(root).parts[0] != "runs"]
    return sorted(p for p in set(found) if p.is_file())


def sources(root: Path = ROOT) -> dict[Path, str]:
    """Every Python file of the project, by its path from the root."""
    found = {p.relative_to(root): p.read_text("utf-8") for p in files(root) if p.suffix == ".py"}
    # A package whose names load late keeps its contents page in a stub beside it.
    stubs = {p: root / p.with_suffix(".pyi") for p in found if p.name == "__init__.py"}
    return found | {p: stub.read_text("utf-8") for p, stub in stubs.items() if stub.exists()}


def in_package(tree: Mapping[Path, str]) -> dict[Path, str]:
    """Those of the files that are shipped."""
    return {path: text for path, text in tree.items() if path.parts[:2] == ("src", PACKAGE)}


def dotted(path: Path) -> str:
    """``src/catallax/worlds/_chain.py`` is ``catallax.worlds._chain``; a package is its folder."""
    parts = path.with_suffix("").parts[1:]
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def part_of(module: str) -> str:
    """The part of the house that a module is in: ``catallax.worlds._chain`` is in ``worlds``."""
    names = module.split(".")
    return names[1] if len(names) > 1 else "__init__"


# --- 1. floors


def imported(path: Path, source: str, modules: set[str]) -> Iterator[tuple[int, str]]:
    """Line and name of each of our modules that a file imports, at the top or inside a function."""
    here = dotted(path).split(".")
    folder = here if path.name == "__init__.py" else here[:-1]
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name
        elif isinstance(node, ast.ImportFrom):
            above = folder[: len(folder) - node.level + 1] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            for alias in node.names:
                inner = f"{base}.{alias.name}"
                yield node.lineno, inner if inner in modules else base
        elif isinstance(node, ast.Call) and "import" in ast.unparse(node.func):
            first = node.args[0] if node.args else None
            if isinstance(first, ast.Constant) and isinstance(first.value, str):
                yield node.lineno, first.value


def floor_complaints(
    path: Path,
    source: str,
    floors: Mapping[str, int],
    neighbours: Mapping[tuple[str, str], str],
    modules: set[str],
) -> list[str]:
    """Imports go down: to a lower floor, to the same part, or to a neighbour that is listed."""
    mine = part_of(dotted(path))
    if mine not in floors:
        return [f"{path}: '{mine}' has no floor; add it to FLOORS in tests/test_house.py"]
    complaints = []
    for line, module in imported(path, source, modules):
        if module.split(".")[0] != PACKAGE:
            continue
        theirs = part_of(module)
        if theirs == mine or (mine, theirs) in neighbours:
            continue
        if theirs not in floors:
            complaints.append(f"{path}:{line}: imports '{theirs}', which has no floor in FLOORS")
        elif floors[theirs] >= floors[mine]:
            complaints.append(
                f"{path}:{line}: floor {floors[mine]} ({mine}) imports "
                f"floor {floors[theirs]} ({theirs})"
            )
    return complaints


# --- 2. sizes


def functions(tree: ast.AST) -> Iterator[FunctionNode]:
    """Every function and method, inner ones too."""
    return (node for node in ast.walk(tree) if isinstance(node, FunctionNode))


def lines_of(function: FunctionNode) -> int:
    """Lines from ``def`` to the end, its docstring left out."""
    lines = (function.end_lineno or function.lineno) - function.lineno + 1
    if ast.get_docstring(function) is not None:
        words = function.body[0]
        lines -= (words.end_lineno or words.lineno) - words.lineno + 1
    return lines


def size_complaints(path: Path, source: str) -> list[str]:
    """No file over 500 lines, no function over 70."""
    complaints = []
    count = len(source.splitlines())
    if count > FILE_LINES:
        complaints.append(f"{path}: {count} lines, {FILE_LINES} allowed")
    for function in functions(ast.parse(source)):
        if lines_of(function) > FUNCTION_LINES:
            complaints.append(
                f"{path}:{function.lineno}: {function.name} has {lines_of(function)} lines, "
                f"{FUNCTION_LINES} allowed"
            )
    return complaints


# --- 3. examples


def is_public(path: Path) -> bool:
    """Whether users import from this file: nothing on its way starts with an underscore."""
    return path.name == "__init__.py" or not path.name.startswith("_")


def top_level(source: str) -> dict[str, tuple[ast.stmt, str | None]]:
    """What a module binds: name to (statement, docstring); a value's is the string below it."""
    body = ast.parse(source).body
    bound: dict[str, tuple[ast.stmt, str | None]] = {}
    for node, below in itertools.zip_longest(body, body[1:]):
        if isinstance(node, FunctionNode | ast.ClassDef):
            bound[node.name] = node, ast.get_docstring(node)
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            words = below.value if isinstance(below, ast.Expr) else None
            said = words.value if isinstance(words, ast.Constant) else None
            for target in targets:
                bound[ast.unparse(target)] = node, said if isinstance(said, str) else None
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                bound[alias.asname or alias.name] = node, None
    return bound


def exports(path: Path, source: str) -> list[str]:
    """The public names of a public file: what it defines and, with ``import Y as Y``, passes on."""
    names = []
    for name, (node, _) in top_level(source).items():
        passed_on = isinstance(node, ast.ImportFrom) and any(a.asname == name for a in node.names)
        if (passed_on or not isinstance(node, ast.ImportFrom)) and not name.startswith("_"):
            names.append(name)
    return names if is_public(path) else []


def example_complaints(path: Path, source: str, lookup: Callable[[str], str | None]) -> list[str]:
    """Every public function and class has a docstring with an example, every other name words.

    ``lookup`` gives the source of a module by its dotted name, or None.
    """
    complaints = []
    for name in exports(path, source):
        module, kind, said = _definition(
            dotted(path), path.name == "__init__.py", source, name, lookup
        )
        if kind is None:
            complaints.append(f"{path}: cannot find where '{name}' is defined ({module})")
        elif not said:
            complaints.append(f"{module}: public name '{name}' has no docstring")
        elif isinstance(kind, FunctionNode | ast.ClassDef) and ">>>" not in said:
            complaints.append(f"{module}: the docstring of '{name}' has no >>> example")
    return complaints


def _definition(module, is_package, source, name, lookup):
    """Follow an exported name to (module, statement, docstring) where it is made."""
    node, said = top_level(source).get(name, (None, None))
    if not isinstance(node, ast.ImportFrom):
        return module, node, said
    folder = module.split(".") if is_package else module.split(".")[:-1]
    above = folder[: len(folder) - node.level + 1] if node.level else []
    origin = ".".join([*above, *([node.module] if node.module else [])])
    original = next(a.name for a in node.names if (a.asname or a.name) == name)
    submodule = lookup(f"{origin}.{original}")
    if submodule is not None:
        tree = ast.parse(submodule)
        return f"{origin}.{original}", tree, ast.get_docstring(tree)
    inner = lookup(origin)
    if inner is None or origin == module:
        return origin, None, None
    return _definition(origin, lookup(f"{origin}.__init__") is not None, inner, original, lookup)


# --- 4. words and calls that have no place


def print_complaints(path: Path, source: str) -> list[str]:
    """The library does not print; the edges write to a console that is passed in."""
    calls = (n for n in ast.walk(ast.parse(source)) if isinstance(n, ast.Call))
    return [
        f"{path}:{call.lineno}: calls print"
        for call in calls
        if isinstance(call.func, ast.Name) and call.func.id == "print"
    ]


def wildcard_complaints(path: Path, source: str) -> list[str]:
    """Names are imported one by one."""
    return [
        f"{path}:{node.lineno}: wildcard import"
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.ImportFrom) and any(alias.name == "*" for alias in node.names)
    ]


def silencer_complaints(path: Path, source: str) -> list[str]:
    """No comment that tells a checker to look away."""
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    return [
        f"{path}:{token.start[0]}: '{word}'"
        for token in tokens
        if token.type == tokenize.COMMENT
        for word in SILENCERS
        if word in token.string
    ]


def unfinished_complaints(path: Path, source: str) -> list[str]:
    """No notes to self and no promises: what is there, works."""
    words = re.compile(rf"\b({'|'.join(UNFINISHED)})\b")
    return [
        f"{path}:{number}: '{found.group(1)}'"
        for number, line in enumerate(source.splitlines(), start=1)
        if (found := words.search(line))
    ]


def left_out_complaints(path: Path, source: str) -> list[str]:
    """Every test runs, and every test is expected to pass."""
    return [
        f"{path}:{node.lineno}: {ast.unparse(node)}"
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Attribute)
        and node.attr in LEAVE_OUTS
        and ast.unparse(node.value) in ("pytest", "pytest.mark", "unittest")
    ]


# --- 5. packages, and 6. a test file for each module


def contents_complaints(path: Path, source: str) -> list[str]:
    """An ``__init__`` is a contents page: a docstring and imports."""
    if path.name != "__init__.py":
        return []
    body = ast.parse(source).body
    rest = body[1:] if ast.get_docstring(ast.parse(source)) is not None else body
    complaints = [] if len(rest) < len(body) else [f"{path}: has no docstring"]
    for node in rest:
        if not isinstance(node, ast.Import | ast.ImportFrom):
            complaints.append(f"{path}:{node.lineno}: holds more than imports")
    return complaints


def untested_complaints(path: Path, tests: set[str]) -> list[str]:
    """``worlds/_chain.py`` is tested in ``test_worlds_chain.py`` or ``test_worlds.py``."""
    if path.name in ("__init__.py", "__main__.py"):
        return []
    names = [name.lstrip("_") for name in dotted(path).split(".")[1:]]
    choices = [f"test_{'_'.join(names[: count + 1])}.py" for count in range(len(names))]
    if tests & set(choices):
        return []
    return [f"{path}: no test file; write tests/{' or tests/'.join(reversed(choices))}"]


# --- 7. the changelog


def changelog_complaints(text: str, version: str) -> list[str]:
    """Keep a Changelog: Unreleased first, dated versions newest first, the six kinds of change."""
    complaints = []
    heads = re.findall(r"^## (.*)$", text, re.MULTILINE)
    if not text.startswith("# Changelog\n"):
        complaints.append("the changelog does not start with '# Changelog'")
    if heads[:1] != ["[Unreleased]"]:
        complaints.append("the first section of the changelog is not '## [Unreleased]'")
    versions = [re.fullmatch(r"\[(\d+)\.(\d+)\.(\d+)\] - \d{4}-\d{2}-\d{2}", h) for h in heads[1:]]
    if None in versions:
        complaints.append("a section of the changelog is not '## [x.y.z] - yyyy-mm-dd'")
    numbers = [tuple(int(part) for part in found.groups()) for found in versions if found]
    if numbers != sorted(set(numbers), reverse=True):
        complaints.append("the versions of the changelog are not newest first")
    if tuple(int(part) for part in version.split(".")) not in numbers:
        complaints.append(f"the changelog has no section for {version}")
    for kind in re.findall(r"^### (.*)$", text, re.MULTILINE):
        if kind not in CHANGES:
            complaints.append(f"'{kind}' is not a kind of change; one of {', '.join(CHANGES)} is")
    return complaints


# --- 8. hosts and places, and the lock


def place_complaints(path: Path, text: str) -> list[str]:
    """No host of a package registry, no path of anybody's machine."""
    complaints = []
    if path.name == "uv.lock":
        complaints.append(f"{path}: names registry hosts; the lock is requirements.lock")
    for number, line in enumerate(text.splitlines(), start=1):
        for word in (*HOSTS, *PLACES):
            if word in line:
                complaints.append(f"{path}:{number}: '{word}'")
    return complaints


def lock_complaints(text: str) -> list[str]:
    """Every requirement is pinned and hashed, and nothing says where it comes from."""
    complaints = []
    joined = text.replace("\\\n", " ")
    for line in joined.splitlines():
        line = line.strip()
        if not line or line.startswith("#"):
            continue
        if "://" in line or line.startswith("-") or " @ " in line:
            complaints.append(f"the lock says where to get things: {line[:80]}")
        elif (
            not re.match(r"[A-Za-z0-9._-]+(\[[^]]+\])?==\S+", line) or "--hash=sha256:" not in line
        ):
            complaints.append(f"not pinned, or not hashed: {line[:80]}")
    return complaints


# --- 9. what our pages tell people to type


def typed_commands(text: str) -> tuple[set[str], set[str]]:
    """The ``catallax`` subcommands and the ``make`` targets in the shell blocks of a page."""
    shell = r"^```(?:sh|bash|shell|console)?[ \t]*\n(.*?)^```[ \t]*$"
    other = r"^```[^\n`]*\n.*?^```[ \t]*$"
    blocks = []
    for found in re.finditer(other, text, re.MULTILINE | re.DOTALL):
        block = re.fullmatch(shell, found.group(0), re.MULTILINE | re.DOTALL)
        if block:
            blocks.append(re.sub(r"(^|\s)#.*", "", block.group(1)))
    script = "\n".join(blocks)
    subcommands = re.findall(r"(?:^|[\s/])catallax[ \t]+([a-z][a-z-]*)", script)
    targets = re.findall(r"(?:^|[\s;&])make[ \t]+([a-z][a-z-]*)", script)
    return set(subcommands), set(targets)


def make_targets(makefile: str) -> set[str]:
    """The targets a Makefile defines."""
    return set(re.findall(r"^([a-z][a-z-]*):(?!=)", makefile, re.MULTILINE))


def is_help_of(text: str, command: str) -> bool:
    """Whether this is a subcommand's help: a parser answers an unknown one with its own."""
    usage = re.search(r"usage: ([^\[{\n]*)", text, re.IGNORECASE)
    return usage is not None and command in usage.group(1).split()

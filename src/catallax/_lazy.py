"""Loads public names when they are first used, so that `import catallax` and `--help` are quick."""

import ast
import importlib
import sys
from functools import cache
from pathlib import Path
from typing import Any

CONTENTS = Path(__file__).with_name("__init__.pyi")


@cache
def contents() -> dict[str, tuple[str, str]]:
    """Returns, for every public name, the module that has it and its name there."""
    tree = ast.parse(CONTENTS.read_text("utf-8"))
    lines = [node for node in tree.body if isinstance(node, ast.ImportFrom)]
    return {
        alias.asname or alias.name: (node.module or "", alias.name)
        for node in lines
        for alias in node.names
    }


def __getattr__(name: str) -> Any:
    """Returns a public name of `catallax` and keeps it there."""
    if name not in contents():
        raise AttributeError(f"module 'catallax' has no attribute {name!r}")
    module, own_name = contents()[name]
    if module == "catallax":  # a part that is a package: catallax.worlds
        found = importlib.import_module(f"catallax.{own_name}")
    else:
        found = getattr(importlib.import_module(module), own_name)
    setattr(sys.modules["catallax"], name, found)
    return found


def __dir__() -> list[str]:
    """Returns the public names."""
    return sorted(contents())

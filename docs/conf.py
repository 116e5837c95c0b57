"""Sphinx: MyST pages whose code runs when they are built."""

import os
import tomllib
from pathlib import Path

os.environ.setdefault("JAX_PLATFORMS", "cpu")
# The kernel's debugger warns about frozen modules otherwise.
os.environ.setdefault("PYDEVD_DISABLE_FILE_VALIDATION", "1")

_project = tomllib.loads((Path(__file__).parent.parent / "pyproject.toml").read_text("utf-8"))

project = "Catallax"
author = "The Catallax authors"
copyright = author
release = version = _project["project"]["version"]

extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx.ext.viewcode"]
exclude_patterns = ["_build", "jupyter_execute"]

# Pages run anew at every build, in a folder of their own, and a cell that fails fails the build.
nb_execution_mode = "force"
nb_execution_in_temp = True
nb_execution_raise_on_error = True
nb_execution_show_tb = True
nb_execution_timeout = 300
nb_merge_streams = True
myst_enable_extensions = ["colon_fence", "dollarmath", "deflist"]
myst_heading_anchors = 3

autodoc_member_order = "bysource"
autodoc_typehints = "description"
autodoc_typehints_description_target = "documented"
napoleon_google_docstring = True
napoleon_numpy_docstring = False

html_theme = "furo"
html_title = f"Catallax {release}"

import subprocess
import sys

import pytest

import catallax as cx
from catallax._lazy import contents


def test_every_name_of_the_contents_page_can_be_had():
    for name in contents():
        assert getattr(cx, name) is not None
    assert set(dir(cx)) >= set(contents())


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'Vickery'"):
        _ = cx.Vickery


def test_importing_loads_nothing_heavy():
    code = "import sys, catallax; print(sorted({'jax', 'numpy', 'gymnasium'} & set(sys.modules)))"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"

"""Catallax: market-based agents. `__init__.pyi` is the contents page; names load when used."""

from catallax._lazy import __dir__ as __dir__
from catallax._lazy import __getattr__ as __getattr__

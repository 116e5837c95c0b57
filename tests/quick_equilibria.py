"""The programs of `catallax.equilibrium`, compiled in little time: for tests of what they find."""

import jax

from catallax._xla import compiler_options
from catallax.clearing.equilibrium import _solve

QUICK = compiler_options(level=0)
SEARCHED = jax.jit(
    _solve._searched.__wrapped__, static_argnames=("method", "tol"), compiler_options=QUICK
)
MEASURED = jax.jit(_solve._measured.__wrapped__, compiler_options=QUICK)


def compile_soon(monkeypatch):
    """As the library compiles them, but sooner."""
    monkeypatch.setattr(_solve, "_searched", SEARCHED)
    monkeypatch.setattr(_solve, "_measured", MEASURED)

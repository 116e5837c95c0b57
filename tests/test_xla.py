"""How programs are compiled: when first called, with options that this platform knows."""

import jax
import jax.numpy as jnp

from catallax import _xla
from catallax._xla import compiled, compiler_options


def test_a_function_is_compiled_once_for_a_shape_and_keeps_its_name():
    traced = []

    def double(numbers, times):
        """Doubles."""
        traced.append(numbers.shape)
        return 2 * times * numbers

    program = compiled(double, static_argnames="times")
    assert (program.__name__, program.__doc__) == ("double", "Doubles.")
    for _ in range(3):
        assert program(jnp.ones(2), times=3).tolist() == [6.0, 6.0]
    program(jnp.ones(3), times=3)
    assert traced == [(2,), (3,)]
    assert program.program()._cache_size() == 2


def test_options_are_for_a_cpu_alone(monkeypatch):
    assert compiler_options(level=1)["xla_backend_optimization_level"] == 0, "as the tests ask"
    monkeypatch.setattr(_xla, "LEVEL_MOST", 1)
    options = compiler_options(level=1)
    assert options["xla_backend_optimization_level"] == 1
    assert "xla_cpu_multi_thread_eigen" not in options
    assert compiler_options(level=1, threads=False)["xla_cpu_multi_thread_eigen"] is False
    assert jax.jit(jnp.sin, compiler_options=options)(0.0) == 0.0
    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
    assert compiler_options(level=1) == {}

"""How programs are compiled: what XLA is told, and when it is asked."""

import functools
from collections.abc import Callable
from typing import Any

import jax

LEVEL_MOST = 1
"""LLVM optimises so much at most; who compiles more than they run, such as tests, sets 0."""


def compiler_options(level: int, long: bool = False, threads: bool = True) -> dict[str, Any]:
    """Returns XLA's options: on a CPU its costliest passes take seconds and gain little here.

    Args:
        level: Of LLVM's optimisation; 0 for what runs once.
        long: Whether to compile loops with the emitters that take twice as long and give loops
            over weights a quarter less time.
        threads: Whether an operation may be shared out to several cores.

    Returns:
        Options for `jax.jit`; none on other devices.
    """
    if jax.default_backend() != "cpu":
        return {}
    options = {} if threads else {"xla_cpu_multi_thread_eigen": False}
    return options | {
        "xla_backend_optimization_level": min(level, LEVEL_MOST),
        "xla_cpu_use_fusion_emitters": long and LEVEL_MOST > 0,
        "xla_llvm_disable_expensive_passes": True,
    }


def compiled(function: Callable[..., Any], **arguments: Any) -> Any:
    """Compiles a function when it is first called, with `compiler_options`.

    Asking XLA for its options starts it, which an import must not do. XLA's newer emitters leave
    plain products of arrays without vectors of the processor, and take twice as long to compile.
    To share an operation out to other cores costs more than it gains below a million numbers.

    Args:
        function: To compile.
        arguments: Of `jax.jit`.

    Returns:
        A function; its `program()` is what `jax.jit` returned.
    """

    @functools.cache
    def program() -> Any:
        options = compiler_options(level=1, threads=False)
        return jax.jit(function, compiler_options=options, **arguments)

    def call(*given: Any, **named: Any) -> Any:
        return program()(*given, **named)

    wrapped: Any = functools.update_wrapper(call, function)
    wrapped.program = program
    return wrapped

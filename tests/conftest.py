"""What all tests share. The environment is set before JAX is imported; subprocesses inherit it."""

import gc
import os
import shutil
from pathlib import Path

os.environ["JAX_PLATFORMS"] = "cpu"
# Tests compile far more than they run.
os.environ["XLA_FLAGS"] = " ".join(
    [
        "--xla_force_host_platform_device_count=2",
        "--xla_backend_optimization_level=0",
        "--xla_cpu_use_fusion_emitters=false",
        "--xla_llvm_disable_expensive_passes=true",
        "--xla_cpu_parallel_codegen_split_count=1",
    ]
)
os.environ["OPENBLAS_NUM_THREADS"] = "1"
os.environ["MPLBACKEND"] = "agg"
# Compiled programs are kept from run to run, by each worker for itself: JAX writes without a lock.
os.environ["JAX_COMPILATION_CACHE_DIR"] = str(
    Path(__file__).resolve().parent.parent
    / ".pytest_cache"
    / "jax"
    / os.environ.get("PYTEST_XDIST_WORKER", "main")
)
os.environ["JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"] = "0.5"

import hypothesis
import jax
import pytest
from jax._src import pjit
from jax._src.interpreters import pxla

from catallax import _xla

_xla.LEVEL_MOST = 0

# The same examples on every run: a failure on one machine is a failure on all.
hypothesis.settings.register_profile("catallax", max_examples=25, deadline=None, derandomize=True)
hypothesis.settings.load_profile("catallax")


MOST_MAPPED = 30_000
"""Linux gives a process 65,530 mappings; every compiled program takes some, and the compiler
aborts the process that has none left."""


@pytest.fixture(scope="module", autouse=True)
def _what_a_module_leaves_behind_costs_the_next_ones_little():
    """Lets go of what JAX keeps of programs and nobody asks for again.

    What a program was compiled from is most of the memory that it takes, and the more of it there
    is the longer the next one takes; it is compiled all the same. What stays need not be looked
    through by each collection of garbage.
    """
    yield
    pxla._cached_lowering_to_hlo.cache_clear()
    pjit._pjit_lower.cache_clear()
    mapped = Path("/proc/self/maps")
    if mapped.exists() and mapped.read_bytes().count(b"\n") > MOST_MAPPED:
        gc.unfreeze()
        jax.clear_caches()
    gc.collect()
    gc.freeze()


@pytest.fixture
def strict_jax():
    """Inside the test, JAX neither broadcasts ranks nor mixes number types on its own.

    Not for all tests: third parties (optax, gymnax) rely on both.
    """
    with jax.numpy_rank_promotion("raise"), jax.numpy_dtype_promotion("strict"):
        yield


@pytest.fixture(scope="session")
def chromium():
    """The browser's program, for tests marked ``browser``."""
    names = ("chromium", "chromium-browser", "google-chrome")
    found = next((path for name in names if (path := shutil.which(name))), None)
    assert found, (
        "no Chromium on the PATH; `make test` leaves browser tests out, .ci/run installs it"
    )
    return found

"""What all tests share. The environment is set before JAX is imported; subprocesses inherit it."""

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

from catallax import _xla

_xla.LEVEL_MOST = 0

# The same examples on every run: a failure on one machine is a failure on all.
hypothesis.settings.register_profile("catallax", max_examples=25, deadline=None, derandomize=True)
hypothesis.settings.load_profile("catallax")


MOST_MAPPED = 30_000
"""Linux gives a process 65,530 mappings; every compiled program takes some, and the compiler
aborts the process that has none left."""


@pytest.fixture(scope="module", autouse=True)
def _programs_are_dropped_before_there_are_too_many():
    yield
    mapped = Path("/proc/self/maps")
    if mapped.exists() and mapped.read_bytes().count(b"\n") > MOST_MAPPED:
        jax.clear_caches()


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

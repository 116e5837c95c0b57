# Everything here needs Python 3.11 or newer, make and a C compiler, and nothing else.
# `make demo` and `make test` set up what they need in .venv, from requirements.lock.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/ready
PIP    := $(BIN)/python -m pip --disable-pip-version-check

# jaxlib's linear algebra is many times slower when OpenBLAS starts threads of its own.
export OPENBLAS_NUM_THREADS := 1

# Tests that open a page need a browser; without one they are left out, and we say so.
BROWSER := $(shell command -v chromium || command -v chromium-browser || command -v google-chrome)
SELECT  := $(if $(BROWSER),,-m "not browser")

.DEFAULT_GOAL := help
.PHONY: help setup demo test lint format docs bench-deep bench-learning bench-equilibrium bench-wide bench-wide-peers lock clean

help:
	@echo "make demo            set up, train a market on CartPole-v1, look at it and audit its books"
	@echo "make test            set up, check style and types, run every test"
	@echo "make lint            check style and types only"
	@echo "make format          write the style that lint asks for"
	@echo "make docs            build the documentation into docs/_build/html"
	@echo "make bench-deep      measure the speed of the deep market"
	@echo "make bench-learning  measure what markets learn"
	@echo "make bench-equilibrium  measure equilibria: right, and how fast"
	@echo "make bench-wide      measure the wide market against a planner"
	@echo "make bench-wide-peers   measure PPO where the wide market was (after bench-wide)"
	@echo "make lock            resolve requirements.lock anew (needs uv)"
	@echo "make clean           remove .venv, caches and built pages; runs/ stays"

setup: $(READY)

$(READY): pyproject.toml requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit("Catallax needs Python 3.11 or newer; name one with PYTHON=..." if sys.version_info < (3, 11) else 0)'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(PIP) install --quiet --require-hashes -r requirements.lock
	$(PIP) install --quiet --no-deps --no-build-isolation -e .
	@touch $@

demo: $(READY)
	$(BIN)/catallax train CartPole-v1 --out runs/demo --seed 0 --overwrite
	$(BIN)/catallax evaluate runs/demo --episodes 100
	$(BIN)/catallax inspect runs/demo
	$(BIN)/catallax audit runs/demo
	$(BIN)/catallax report runs/demo

lint: $(READY)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/basedpyright

format: $(READY)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

# pytest runs last and prints last.
test: lint
	@$(if $(BROWSER),:,echo "No Chromium on the PATH: the tests marked 'browser' are left out. .ci/run installs it.")
	@$(BIN)/python -m pytest -n 2 --dist worksteal $(SELECT) $(PYTEST_ARGS)

docs: $(READY)
	$(BIN)/python -m sphinx -E -W --keep-going -b html docs docs/_build/html

bench-deep: $(READY)
	$(BIN)/python -m benchmarks.deep

bench-learning: $(READY)
	$(BIN)/python -m benchmarks.learning

bench-wide: $(READY)
	$(BIN)/python -m benchmarks.wide

bench-wide-peers: $(READY)
	$(BIN)/python -m benchmarks.wide_peers

bench-equilibrium: $(READY)
	$(BIN)/python -m benchmarks.equilibrium
	$(BIN)/python -m benchmarks.equilibrium_tier2

lock:
	uv pip compile pyproject.toml --group dev --all-extras --universal --python-version 3.11 \
		--fork-strategy fewest --generate-hashes --no-emit-index-url --no-emit-find-links \
		--no-header --no-annotate --quiet --output-file requirements.lock

clean:
	rm -rf $(VENV) .pytest_cache .ruff_cache .hypothesis docs/_build build dist
	find src tests docs benchmarks -name __pycache__ -type d -prune -exec rm -rf {} + 2>/dev/null || true

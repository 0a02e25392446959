# What a person types in a fresh clone. `make demo` and `make test` set up their own environments.
#
#   PYTHON   the interpreter that the environments are made from (3.11 or newer)
#   TORCH    what pip is asked for first; where it is not to be had, plain `torch` is taken
#   JOBS     test processes at once

PYTHON ?= python3
TORCH ?= torch==2.13.0
JOBS ?= auto
PYTEST_ARGS ?=
DEMO_ARGS ?=

DEMO := .venv-demo
DEV := .venv
DOCS := .venv-docs
PIP := -m pip --disable-pip-version-check install --quiet

# One thread a process: the tests run in several processes, and sums come out the same everywhere.
export OMP_NUM_THREADS ?= 1
export OPENBLAS_NUM_THREADS ?= 1

.PHONY: help demo test lint format types contracts house pytest docs bench wheel clean python

help:
	@echo 'make demo    classify real ZTF light curves: a table, and a figure an object in demo/'
	@echo 'make test    style, types, layers and all tests (what CI runs)'
	@echo 'make lint    ruff check and ruff format --check     make format   let ruff repair'
	@echo 'make types   mypy --strict                          make contracts   import-linter'
	@echo 'make house   how much there is to read, circles, names, walks; and their limits'
	@echo 'make docs    the documentation, executed, into docs/_build/html'
	@echo 'make bench   the tables of benchmarks/README.md'
	@echo 'make wheel   the wheel, into dist/                  make clean   remove all of it'

demo: $(DEMO)/.installed
	$(DEMO)/bin/python examples/demo.py --out demo $(DEMO_ARGS)

test: lint types contracts pytest

lint: $(DEV)/.installed
	$(DEV)/bin/ruff check .
	$(DEV)/bin/ruff format --check .

format: $(DEV)/.installed
	$(DEV)/bin/ruff check --fix .
	$(DEV)/bin/ruff format .

types: $(DEV)/.installed
	$(DEV)/bin/mypy

contracts: $(DEV)/.installed
	$(DEV)/bin/lint-imports

house: $(DEV)/.installed
	$(DEV)/bin/python scripts/house.py

pytest: $(DEV)/.installed
	$(DEV)/bin/python -m pytest -n $(JOBS) --dist worksteal $(PYTEST_ARGS)

docs: $(DOCS)/.installed
	$(DOCS)/bin/python -m sphinx -W --keep-going -b html docs docs/_build/html

bench: $(DEV)/.installed
	$(DEV)/bin/python -m benchmarks

wheel: $(DEV)/.installed
	$(DEV)/bin/python -m build --wheel --outdir dist

# An environment is made again only when pyproject.toml changes: the stamp is newer than it.
$(DEMO)/.installed: pyproject.toml | python
	$(PYTHON) -m venv $(DEMO)
	$(DEMO)/bin/python $(PIP) --editable '.[plot]'
	touch $@

$(DEV)/.installed: pyproject.toml | python
	$(PYTHON) -m venv $(DEV)
	$(DEV)/bin/python $(PIP) '$(TORCH)' || $(DEV)/bin/python $(PIP) torch
	$(DEV)/bin/python $(PIP) --editable '.[dev]'
	touch $@

$(DOCS)/.installed: pyproject.toml | python
	$(PYTHON) -m venv $(DOCS)
	$(DOCS)/bin/python $(PIP) '$(TORCH)' || $(DOCS)/bin/python $(PIP) torch
	$(DOCS)/bin/python $(PIP) --editable '.[docs,learn,study,frames]'
	touch $@

python:
	@command -v $(PYTHON) >/dev/null || { \
	  echo "There is no '$(PYTHON)'. Name a Python 3.11 or newer: make PYTHON=python3.12 ..." >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "firstlight needs Python 3.11 or newer; '$(PYTHON)' is $$($(PYTHON) --version 2>&1)." >&2; \
	  echo "Name another one: make PYTHON=python3.12 ..." >&2; exit 1; }

clean:
	rm -rf $(DEMO) $(DEV) $(DOCS) build dist demo docs/_build
	rm -rf .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find src tests benchmarks examples scripts -name __pycache__ -type d -prune -exec rm -rf {} + 2>/dev/null || true

# What a newcomer types. Everything happens in ./.venv, which the first call makes.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
PIP := $(BIN)/python -m pip --disable-pip-version-check

.PHONY: run demo test lint format bench golden fuzz torture docs dist deb constraints clean help

help:
	@echo "make run      a daemon on port 9696, with a drop server of its own"
	@echo "make demo     two people exchange messages, from empty directories"
	@echo "make test     all tests"
	@echo "make lint     ruff, mypy, import-linter"
	@echo "make docs     the documentation, to docs/_build"
	@echo "make bench    the benchmarks, as ratios"
	@echo "make golden   record anew what people and programs see of the outside"
	@echo "make fuzz     thousands of made-up requests; nothing may break"
	@echo "make torture  kill everything again and again, and count the messages"
	@echo "make dist     a source distribution and a wheel, to dist"
	@echo "make deb      a Debian package, to dist"

# One install, pinned by constraints.txt; made again when what it depends on changes.
$(STAMP): pyproject.toml setup.py constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(PIP) install --quiet --constraint constraints.txt --editable '.[dev]'
	touch $@

run: $(STAMP)
	@$(BIN)/python examples/run.py

demo: $(STAMP)
	@$(BIN)/python examples/demo.py

test: $(STAMP)
	$(BIN)/python -m pytest

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(STAMP)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(STAMP)
	$(BIN)/python -m bench

golden: $(STAMP)
	$(BIN)/python -m tests.golden.recorded

fuzz: $(STAMP)
	$(BIN)/python -m tests.fuzz $(FUZZ)

torture: $(STAMP)
	$(BIN)/python -m tests.integration.torture $(TORTURE)

# A warning is an error here: a reference to nowhere, a page in no table of contents.
docs: $(STAMP)
	$(BIN)/sphinx-build -q -W -n --keep-going -b html docs docs/_build/html
	$(BIN)/sphinx-build -q -W -n --keep-going -b man docs docs/_build/man
	@echo "See docs/_build/html/index.html and docs/_build/man."

dist: $(STAMP)
	rm -rf build
	$(BIN)/python -c "import setuptools.build_meta as b; b.build_sdist('dist')"
	$(PIP) wheel --quiet --no-deps --no-build-isolation --wheel-dir dist .

deb: docs
	packaging/debian/build-deb dist

# Pins what a new environment gets today.
constraints:
	rm -rf $(VENV)
	$(PYTHON) -m venv $(VENV)
	$(PIP) install --quiet --editable '.[dev]'
	{ head -n 1 constraints.txt; $(PIP) freeze --all --exclude-editable | grep -v '^pip=='; } > constraints.new
	mv constraints.new constraints.txt
	touch $(STAMP)

clean:
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .ruff_cache .run docs/_build

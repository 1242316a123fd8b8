# What a newcomer types. Everything happens in ./.venv, which the first call makes.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: run demo test lint format bench torture docs clean help

help:
	@echo "make run      a daemon on port 9696, with a drop server of its own"
	@echo "make demo     two people exchange messages, from empty directories"
	@echo "make test     all tests"
	@echo "make lint     ruff, mypy, import-linter"
	@echo "make bench    the benchmarks, as ratios"
	@echo "make torture  kill everything again and again, and count the messages"

# One install, pinned by constraints.txt; made again when what it depends on changes.
$(STAMP): pyproject.toml setup.py constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check \
		--constraint constraints.txt --editable '.[dev]'
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

torture: $(STAMP)
	$(BIN)/python -m tests.integration.torture $(TORTURE)

clean:
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .ruff_cache .run

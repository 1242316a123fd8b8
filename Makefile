# Everything runs in ./.venv, which the first call creates.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
# Most tests wait for other processes, so that four of them fit on a small machine.
TESTERS ?= 4
STAMP := $(VENV)/.installed
TSC := tests/browser/node_modules/.bin/tsc
PIP := $(BIN)/python -m pip --disable-pip-version-check

.PHONY: run demo test lint format screenshots bench golden fuzz torture siege anonymity docs dist deb constraints vendor clean help

help:
	@echo "make run         run a daemon on port 9696, and a drop server"
	@echo "make demo        show two people exchanging messages"
	@echo "make test        run all tests"
	@echo "make lint        run ruff, mypy, import-linter and tsc"
	@echo "make format      format the code, and fix what ruff can fix"
	@echo "make docs        build the documentation in docs/_build"
	@echo "make screenshots take pictures of every view of the page for people"
	@echo "make bench       run the benchmarks"
	@echo "make golden      record the help, the contract, metrics and exit statuses again"
	@echo "make fuzz        send thousands of generated requests, and check that nothing breaks"
	@echo "make torture     kill, freeze and fill everything repeatedly, and count the messages"
	@echo "make siege       use drop servers while strangers attack them and all is killed"
	@echo "make anonymity   measure what drop servers can find out about who writes to whom"
	@echo "make dist        build a source distribution and a wheel in dist"
	@echo "make deb         build a Debian package in dist"
	@echo "make constraints pin the newest versions of all dependencies"
	@echo "make vendor      fetch the libraries of the page from npm, and write their licences"
	@echo "make clean       remove what the other targets created"

# Installed with the versions in constraints.txt, and again when one of these files changes.
$(STAMP): pyproject.toml setup.py constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(PIP) install --quiet --constraint constraints.txt --editable '.[dev]'
	touch $@

run: $(STAMP)
	@PORT="$(PORT)" DROP_PORT="$(DROP_PORT)" $(BIN)/python examples/run.py

demo: $(STAMP)
	@$(BIN)/python examples/demo.py

test: $(STAMP)
	$(BIN)/python -m pytest -n $(TESTERS) --dist loadfile --no-loadscope-reorder

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	@if [ -x $(TSC) ]; then echo "$(TSC) -p tests/browser"; $(TSC) -p tests/browser; \
	else echo "The types of the page are not checked: run npm ci in tests/browser first."; fi

format: $(STAMP)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# In docs/_build/screenshots, and two of them as small files for README and docs/console.rst.
screenshots: $(STAMP)
	$(BIN)/python -m tests.browser.pictures docs/_build/screenshots
	cp docs/_build/screenshots/conversation-light-1280.png docs/console-light.png
	cp docs/_build/screenshots/health-dark-800.png docs/console-dark.png

bench: $(STAMP)
	$(BIN)/python -m bench

golden: $(STAMP)
	$(BIN)/python -m tests.golden.recorded

fuzz: $(STAMP)
	$(BIN)/python -m tests.fuzz $(FUZZ)

torture: $(STAMP)
	$(BIN)/python -m tests.torture $(TORTURE)

siege: $(STAMP)
	$(BIN)/python -m tests.siege $(SIEGE)

anonymity: $(STAMP)
	$(BIN)/python -m tests.anonymity $(ANONYMITY)

# Warnings are errors: a reference without a target, a page in no table of contents.
docs: $(STAMP)
	$(BIN)/sphinx-build -q -W -n --keep-going -b html docs docs/_build/html
	$(BIN)/sphinx-build -q -W -n --keep-going -b man docs docs/_build/man
	@echo "See docs/_build/html/index.html and docs/_build/man."

# Needs npm and node. It is run by hand, for new versions.
vendor: $(STAMP)
	$(BIN)/python packaging/vendor.py

dist: $(STAMP)
	rm -rf build dist/qabel-*.whl
	$(BIN)/python -c "import setuptools.build_meta as b; b.build_sdist('dist')" >/dev/null
	$(PIP) wheel --quiet --no-deps --no-build-isolation --wheel-dir dist .

deb: docs dist
	PIP="$(PIP)" packaging/debian/build-deb dist/qabel-*.whl dist

# Pins the versions that a new environment gets today.
constraints:
	rm -rf $(VENV)
	$(PYTHON) -m venv $(VENV)
	$(PIP) install --quiet --editable '.[dev]'
	{ head -n 1 constraints.txt; $(PIP) freeze --all --exclude-editable | grep -v '^pip=='; } > constraints.new
	mv constraints.new constraints.txt
	touch $(STAMP)

clean:
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .ruff_cache .run docs/_build

# Every target can be run again at no cost.
PYTHON ?= python3
# Test files or folders for `make test` and `make test-latest`; all of them by default.
TESTS ?=

PYTHON_VERSION := $(shell $(PYTHON) -c 'import sys; print("%d.%d" % sys.version_info[:2])')
SUPPORTED := 3.11 3.12 3.13
CONSTRAINTS := constraints/py$(PYTHON_VERSION).txt
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
LATEST := .venv-latest
DOCS := .venv-docs
PIP_INSTALL := -m pip install --quiet --disable-pip-version-check
PYTEST := -m pytest -n 2 --dist loadfile --no-loadscope-reorder

.PHONY: setup demo test test-slow test-latest lint check docs constraints clean

setup: $(READY)

# The constraints hold for the package and for the isolated environment that builds it:
# older versions of pip take PIP_CONSTRAINT for both, newer ones PIP_BUILD_CONSTRAINT for the latter.
$(READY): pyproject.toml $(wildcard constraints/*.txt)
	@test -n '$(filter $(PYTHON_VERSION),$(SUPPORTED))' || \
		{ echo "error: $(PYTHON) is $$($(PYTHON) --version 2>&1); Modelwright needs Python 3.11 to 3.13: make setup PYTHON=python3.12" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	PIP_CONSTRAINT=$(CONSTRAINTS) PIP_BUILD_CONSTRAINT=$(CONSTRAINTS) \
		$(BIN)/python $(PIP_INSTALL) -e '.[dev]'
	@touch $(READY)

demo: $(READY)
	@PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python -m modelwright.demo

test: $(READY)
	$(BIN)/python $(PYTEST) $(TESTS)

test-slow: $(READY)
	$(BIN)/python -m pytest -m slow $(TESTS)

# The newest versions that pyproject.toml allows, in an environment of their own.
test-latest:
	$(PYTHON) -m venv $(LATEST)
	$(LATEST)/bin/python $(PIP_INSTALL) --upgrade --upgrade-strategy eager -e '.[dev]'
	$(LATEST)/bin/python $(PYTEST) $(TESTS)

lint: $(READY)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

# The site in build/site, from the Markdown pages and the docstrings.
docs: $(DOCS)/.ready
	$(DOCS)/bin/python docs/site/build_site.py

$(DOCS)/.ready: constraints/docs.txt
	$(PYTHON) -m venv $(DOCS)
	$(DOCS)/bin/python $(PIP_INSTALL) -r constraints/docs.txt
	@touch $(DOCS)/.ready

check: lint test docs

# Rewrites constraints/ with the newest versions that pyproject.toml allows.
constraints:
	$(PYTHON) constraints/compile_constraints.py $(SUPPORTED)

clean:
	rm -rf $(VENV) $(LATEST) $(DOCS) demo build dist

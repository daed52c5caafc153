PYTHON ?= python3
BIN := .venv/bin
# torch is pinned; where pip offers a CPU build of it, nothing larger is fetched
INSTALL := $(BIN)/pip install --quiet --disable-pip-version-check

.PHONY: run test lint format

run: .venv/installed
	$(BIN)/cable-qa serve

test: .venv/tested lint
	$(BIN)/python -m pytest

lint: .venv/tested
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: .venv/tested
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

.venv/installed: pyproject.toml
	test -d .venv || $(PYTHON) -m venv .venv
	$(INSTALL) -e .
	touch $@

.venv/tested: .venv/installed
	$(INSTALL) -e '.[test]'
	touch $@

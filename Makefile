# make demo   everything bundled, no input needed
# make test   style, types and tests
#
# Each sets itself up on a fresh machine, in .venv; all it needs is Python (3.11 or newer) with pip, and make.

PYTHON ?= python3
BIN := .venv/bin
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt

.PHONY: demo test models docs site clean
.DEFAULT_GOAL := demo
.DELETE_ON_ERROR:

demo: .venv/core.stamp models
	$(BIN)/lipwright demo

test: .venv/dev.stamp models
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -n auto --dist loadfile

models: .venv/core.stamp
	$(BIN)/lipwright models pull

docs: .venv/core.stamp
	$(BIN)/python scripts/write_help.py

site: .venv/dev.stamp
	$(BIN)/mkdocs build --quiet

clean:
	rm -rf .venv build dist demo site .mypy_cache .pytest_cache .ruff_cache

.venv/bin/python:
	$(PYTHON) -m venv .venv || ( $(PYTHON) -m venv --clear --without-pip .venv \
	    && $(PYTHON) -m pip --python $(BIN)/python install --quiet pip )

.venv/core.stamp: .venv/bin/python pyproject.toml constraints.txt
	$(INSTALL) -e .
	touch $@

.venv/dev.stamp: .venv/core.stamp
	$(INSTALL) -e ".[train,tune,voices,web,c2pa,site,dev]"
	touch $@

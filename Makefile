# make demo   a comparison of models, on texts that are on the machine
# make test   lint and the whole test suite
# make soak   the tests that take minutes
# make docs   the documentation, as HTML in docs/_build
# Each works in a fresh clone with Python 3.11 or newer, make and a package registry.

PYTHON ?= python3
BIN := .venv/bin

.PHONY: demo test soak docs clean

demo: .venv/plot.stamp
	$(BIN)/python -m benchmarks.accuracy.demo

test: .venv/dev.stamp
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports --no-cache
	$(BIN)/basedpyright
	$(BIN)/mypy
	$(BIN)/python -m pytest --numprocesses auto

soak: .venv/dev.stamp
	$(BIN)/python -m pytest -m slow

docs: .venv/dev.stamp
	$(BIN)/python -m sphinx -W --keep-going -b html docs docs/_build/html

# Install each set of extras once, and again when a requirement changes.
.venv/%.stamp: pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[$*]'
	touch $@

clean:
	rm -rf .venv out docs/_build docs/generated docs/_public_names.rst docs/gallery dist

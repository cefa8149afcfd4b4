# `make demo` and `make test` need nothing but Python (3.11 or later) and make.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
JOBS ?= 2

.PHONY: env demo test lint nightly mutants docs clean

env: $(VENV)/dev.stamp

# The demo needs the core alone; the tests need the development tools as well.
$(VENV)/core.stamp: pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(PIP) install --constraint constraints.txt --editable .
	touch $@

$(VENV)/dev.stamp: $(VENV)/core.stamp
	$(PIP) install --constraint constraints.txt --editable ".[dev]"
	touch $@

demo: $(VENV)/core.stamp
	$(BIN)/marketsim pi-curve --config demo.toml --jobs $(JOBS) --fresh --out out/demo
	@echo "Open out/demo/report.html"

test: $(VENV)/dev.stamp
	$(BIN)/python -m pytest -n $(JOBS) --dist loadfile --no-loadscope-reorder -m "not slow"

lint: $(VENV)/dev.stamp
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

nightly: $(VENV)/dev.stamp
	HYPOTHESIS_PROFILE=nightly $(BIN)/python -m pytest -n $(JOBS)

# Hours: every mutant of the kernel, the ledger and the venues against their tests. Interrupted, it goes on where it was.
mutants: $(VENV)/dev.stamp
	HYPOTHESIS_PROFILE=mutants $(BIN)/mutmut run --max-children $(JOBS)
	$(BIN)/mutmut results

docs: $(VENV)/dev.stamp
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict
	@echo "Open site/index.html"

clean:
	rm -rf $(VENV) out site mutants build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis

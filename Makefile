# Two commands do everything: `make demo` and `make test`.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
ONCE ?=

.PHONY: setup setup-test demo test check clean

$(BIN)/.base: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Sitegate needs Python 3.11 or newer; set PYTHON=/path/to/python3.11"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || { echo "No venv module: on Debian or Ubuntu run 'apt-get install python3-venv' first"; exit 1; }
	$(BIN)/python -m pip install --quiet --upgrade 'pip>=25.1'
	$(BIN)/python -m pip install --quiet --editable .
	@touch $@

$(BIN)/.test: $(BIN)/.base
	$(BIN)/python -m pip install --quiet --editable '.[test]'
	@touch $@

setup: $(BIN)/.base
setup-test: $(BIN)/.test

$(BIN)/.demo: $(BIN)/.base
	$(BIN)/python -m pip install --quiet --editable '.[demo]'
	@touch $@

demo: $(BIN)/.demo
	@sh tests/system-packages.sh demo
	$(BIN)/sitegate demo $(if $(ONCE),--once)

test: setup-test
	@sh tests/system-packages.sh
	$(BIN)/sitegate models fetch --all-free
	$(MAKE) --no-print-directory lint
	$(BIN)/pytest -n 2

check: setup-test lint
	$(BIN)/pytest -n 2 -m "not slow and not browser"

.PHONY: lint
lint: setup-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis var out

# A fresh machine needs Python 3.11 or newer, make and a network; everything else lands in .venv.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check -qq
PYTEST := $(BIN)/pytest -n auto --dist loadgroup --no-loadscope-reorder
# Files of unit tests live in memory where there is some: they commit often, and no test of theirs is about the disk.
MEMORY := $(shell test -d /dev/shm -a -w /dev/shm && echo /dev/shm)
UNIT := PYTEST_DEBUG_TEMPROOT=$(MEMORY) $(PYTEST) -m "not process"

LOCK := deploy/requirements.lock
LOCK_DEV := deploy/requirements-dev.lock
RUNTIME := $(VENV)/.installed
DEV := $(VENV)/.installed-dev

.DEFAULT_GOAL := help
.PHONY: help run test check bench fuzz lock fmt clean

help: ## show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## /{printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: $(RUNTIME) ## install and start: demo tenants, web and consumer on http://127.0.0.1:8000
	@exec $(BIN)/wabot serve --demo

test: $(DEV) ## run all tests; those of real processes come last, one at a time
	@$(UNIT)
	@$(PYTEST) -m process

check: $(DEV) ## what CI runs: lint, format, types, import contracts, generated docs, tests
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/cog --check README.md
	$(UNIT)
	$(PYTEST) -m process

bench: $(DEV) ## run the benchmark; prints a table and writes var/bench.json
	@$(BIN)/python -m tests.bench

fuzz: $(DEV) ## fuzz every webhook parser with atheris; SECONDS=300
	@$(PIP) install --no-deps atheris==3.0.0
	@$(BIN)/python -m tests.fuzz $(or $(SECONDS),300)

.PHONY: chaos
MINUTES := 30

chaos: $(DEV) ## kill, stop and misinform everything for MINUTES=30, then check the invariants; SEED=n repeats a run
	@$(BIN)/python -m tests.chaos --minutes $(MINUTES) $(if $(SEED),--seed $(SEED))

fmt: $(DEV) ## format the code and paste the generated parts into README
	$(BIN)/ruff check --fix-only --quiet
	$(BIN)/ruff format
	$(BIN)/cog -r README.md

# The lock is resolved from the public index alone, whatever pip is told on this machine, and with
# the oldest Python that wabot runs on. Versions stay as they are unless UPGRADE=1.
COMPILE = env -u PIP_FIND_LINKS -u PIP_INDEX_URL -u PIP_EXTRA_INDEX_URL PIP_CONFIG_FILE=/dev/null \
	CUSTOM_COMPILE_COMMAND="make lock" $(BIN)/pip-compile --quiet --no-config --strip-extras \
	--generate-hashes --allow-unsafe --build-deps-for=editable --no-emit-index-url --no-emit-find-links \
	--no-emit-trusted-host $(if $(UPGRADE),--upgrade)

lock: $(DEV) ## resolve deploy/*.lock anew from pyproject.toml; UPGRADE=1 for the newest versions
	@$(BIN)/python -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' \
		|| { echo "make lock needs a .venv of Python 3.11: make clean, then make lock PYTHON=python3.11"; exit 1; }
	$(COMPILE) --output-file=$(LOCK) pyproject.toml
	$(COMPILE) --extra=dev --constraint=$(LOCK) --output-file=$(LOCK_DEV) pyproject.toml

clean: ## remove .venv and caches; your data in var/ stays
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find wabot tests -name __pycache__ -type d -prune -exec rm -rf {} +

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
		|| { echo "wabot needs Python 3.11 or newer; '$(PYTHON)' is $$($(PYTHON) --version 2>/dev/null || echo missing)."; \
		     echo "Name one that is: make run PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -m venv $(VENV) \
		|| { rm -rf $(VENV); echo "Python's venv module is missing; on Debian: apt-get install python3-venv"; exit 1; }

$(RUNTIME): pyproject.toml $(LOCK) | $(BIN)/python
	@echo "Installing wabot into $(VENV) …"
	@$(PIP) install --require-hashes -r $(LOCK)
	@$(PIP) install --no-deps --no-build-isolation -e .
	@touch $@

$(DEV): pyproject.toml $(LOCK_DEV) | $(BIN)/python
	@echo "Installing wabot and its development tools into $(VENV) …"
	@$(PIP) install --require-hashes -r $(LOCK_DEV)
	@$(PIP) install --no-deps --no-build-isolation -e .
	@touch $(RUNTIME) $@

# Everything here bootstraps itself: a machine needs Python >= 3.11, make and nothing else.
# `make help` lists the targets.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
UV = $(firstword $(wildcard $(BIN)/uv) $(shell command -v uv 2>/dev/null))

# What the web interface is made of: hatch_build.py builds it where any of it changed.
UI := $(shell find ui -type f -not -path '*/node_modules/*')

# Bytecode written once makes every later start two to three times faster.
unexport PYTHONDONTWRITEBYTECODE

# Python packages come from wherever this machine's pip is told to take them; uv is told the same.
export UV_DEFAULT_INDEX ?= $(shell $(PYTHON) -m pip config get global.index-url 2>/dev/null)
ifeq ($(strip $(UV_DEFAULT_INDEX)),)
unexport UV_DEFAULT_INDEX
endif

.PHONY: help setup demo test check bench screenshots lock format hooks clean

help:  ## what there is
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(VENV)/.setup-demo  ## make .venv with Flowmaker and the clients that the demo uses

demo: setup  ## the tutorial, from IAM to a prediction, on this machine
	@$(BIN)/flowmaker demo

# A file's tests run one after the other, in one of several processes: one more than there are
# processors, since many tests wait.
test: $(VENV)/.setup-dev  ## every test, in every tier
	@$(BIN)/pytest -n $$(($$(getconf _NPROCESSORS_ONLN) + 1)) --maxprocesses 4 --dist loadfile --no-loadscope-reorder

check: $(VENV)/.setup-dev  ## format, lint, types, import contracts, unit tests
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/pyright
	@$(BIN)/lint-imports
	@test -d ui/node_modules/typescript || scripts/ui ci --ignore-scripts
	@scripts/ui run check
	@$(BIN)/pytest tests/unit -q

bench: $(VENV)/.setup-dev  ## performance, each figure a ratio against a peer in the same run
	@$(BIN)/python -m bench

screenshots: $(VENV)/.setup-dev  ## a picture of every page of the web interface, in docs/images
	@$(BIN)/python -W ignore -m scripts.screenshots

format: $(VENV)/.setup-dev  ## let ruff write the code
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

lock: $(BIN)/uv  ## pin all requirements anew
	@scripts/lock

hooks:  ## have git run `make check` before each commit
	@git config core.hooksPath .githooks

clean:  ## remove what make made
	rm -rf $(VENV) ui/node_modules src/flowmaker/web/static .pytest_cache .ruff_cache

$(BIN)/uv:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Flowmaker needs Python 3.11 or newer; $$($(PYTHON) --version) is too old. Try: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/bootstrap.txt

$(VENV)/.setup-%: $(BIN)/uv requirements/%.txt pyproject.toml hatch_build.py $(UI)
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --compile-bytecode --require-hashes -r requirements/$*.txt
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@touch $@

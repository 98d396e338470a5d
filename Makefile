# The few commands there are. `make` alone lists them.

PYTHON ?= python3
PORT ?= 8080
ARGS ?=

VENV := .venv
BIN := $(VENV)/bin
PACKAGES := $(wildcard gateway channels agent handoff config bus demo tests bench)
# What tests need beside Python: the program, and the Debian package that has it.
TEST_PROGRAMS := chromium=chromium redis-server=redis-server postgres=postgresql

# Stamps: what is installed, as of when. With nothing changed every command starts at once.
BUILD := $(VENV)/.installed-build
RUNTIME := $(VENV)/.installed-runtime
DEVELOPMENT := $(VENV)/.installed-development

.DEFAULT_GOAL := help
.PHONY: help demo test test-programs check bench prove lock clean
.DELETE_ON_ERROR:

help: ## list the commands
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(RUNTIME) ## serve the demo on http://127.0.0.1:8080 (PORT=... to change)
	@exec $(BIN)/gateway demo --port $(PORT)

test: $(DEVELOPMENT) test-programs ## run every test (ARGS="tests/bus -k lease" to choose)
	@$(BIN)/python -m pytest -n 2 $(ARGS)

check: $(DEVELOPMENT) ## lint, format, types, import contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy $(PACKAGES)
	$(BIN)/lint-imports

bench: $(DEVELOPMENT) ## measure side by side
	@$(BIN)/python -m bench $(ARGS)

prove: $(DEVELOPMENT) ## break things on purpose and count what was lost
	@$(BIN)/python -m bench.prove $(ARGS)

# Resolved for every supported Python and platform at once. Keeps what still fits; ARGS=--upgrade takes the newest.
LOCK = $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header $(ARGS)
lock: $(BUILD) ## resolve the dependencies again (ARGS=--upgrade for the newest)
	$(LOCK) pyproject.toml --output-file requirements.txt
	$(LOCK) --constraint requirements.txt --group build --output-file requirements-build.txt
	$(LOCK) --constraint requirements.txt --constraint requirements-build.txt pyproject.toml --extra dev --group build \
		--output-file requirements-dev.txt

clean: ## remove what the commands made, .venv too
	rm -rf $(VENV) dist .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find $(PACKAGES) -name __pycache__ -type d -prune -exec rm -rf {} +

# The locks are complete, so nothing is resolved; they are hashed, so nothing is replaced; wheels only, so nothing of theirs
# runs while it is installed. uv is ten times quicker than pip; where it cannot reach a package index that pip can, pip does it.
LOCKED := --no-deps --only-binary :all: --require-hashes
define install
	@echo "Installing $(1) ..."
	@UV_LINK_MODE=copy $(BIN)/uv pip install --quiet --python $(BIN)/python $(LOCKED) -r $(1) \
		|| $(BIN)/python -m pip install --quiet --disable-pip-version-check $(LOCKED) -r $(1)
endef

$(BIN)/python:
	@$(PYTHON) -c 'import sys; (3, 11) <= sys.version_info < (3, 15) or sys.exit("Support Gateway needs Python 3.11 to 3.14; $(PYTHON) is " + sys.version.split()[0] + ". Name another one: make ... PYTHON=python3.12")'
	@echo "Creating $(VENV) ..."
	@$(PYTHON) -m venv $(VENV)

$(BUILD): requirements-build.txt | $(BIN)/python
	@echo "Installing $< ..."
	@$(BIN)/python -m pip install -qq --disable-pip-version-check $(LOCKED) -r $<
	@touch $@

$(RUNTIME): requirements.txt pyproject.toml $(BUILD)
	$(call install,requirements.txt)
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --offline --editable .
	@touch $@

$(DEVELOPMENT): requirements-dev.txt $(RUNTIME)
	$(call install,requirements-dev.txt)
	@touch $@

test-programs:
	@there() { command -v $$1 >/dev/null || ls /usr/lib/postgresql/*/bin/$$1 >/dev/null 2>&1; }; \
	missing() { for pair in $(TEST_PROGRAMS); do there $${pair%=*} || echo $${pair#*=}; done; }; \
	if [ -n "$$(missing)" ] && [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		echo "Installing" $$(missing) "..."; \
		apt-get update -qq; \
		for program in $$(missing); do \
			DEBIAN_FRONTEND=noninteractive apt-get install -qq --yes --no-install-recommends $$program >/dev/null; \
		done; \
	fi; \
	for program in $$(missing); do echo "No $$program here: the tests that need it are skipped."; done

# Wanneng. `make help` lists the targets; each one installs what it needs into .venv first.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Test processes: two for each core of a small machine, since half of a test is waiting. The whole
# suite takes about 8 minutes so.
WORKERS ?= 4

# Marks of what is installed; another PYTHON has other marks, so that .venv is then made anew.
RUNTIME := $(VENV)/.runtime-$(subst /,_,$(PYTHON))
DEV := $(VENV)/.dev-$(subst /,_,$(PYTHON))

.DEFAULT_GOAL := help
.PHONY: help demo run test lint types check bench prompts lock migrations clean
.SILENT:

help: ## Show this list
	echo 'make TARGET, where TARGET is one of:'
	sed -n 's/^\([a-z]*\):.*## \(.*\)/  \1|\2/p' $(MAKEFILE_LIST) | while IFS='|' read -r name text; \
	do printf '%-14s %s\n' "$$name" "$$text"; done
	echo
	echo 'PYTHON=python3.12 make ... chooses the Python that .venv is made with (3.11 to 3.13).'

demo: $(RUNTIME) ## Run a month of trade on the embedded database: from blank cards to a green audit
	$(BIN)/wanneng demo

run: $(RUNTIME) ## Serve on the embedded database, ready to click and curl
	$(BIN)/wanneng init
	$(BIN)/wanneng serve

test: $(DEV) ## Run all tests, on SQLite, a real PostgreSQL and a real Redis-protocol server
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal $(ARGS)

lint: $(DEV) ## Check style and the arrows between packages
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports

types: $(DEV) ## Check types
	$(BIN)/mypy

check: lint types test ## Everything that must hold before a commit

bench: $(DEV) ## Measure speed and size against what is promised (up to 45 minutes; ARGS="S1 --rounds 7")
	$(BIN)/wanneng bench $(ARGS)

prompts: $(DEV) ## Speak the prompts whose words changed (needs espeak-ng and sox)
	$(BIN)/python -m redemption.dialogue.render

lock: ## Write requirements/*.txt anew from pyproject.toml (UPGRADE=1: newest versions)
	sh requirements/lock.sh $(if $(UPGRADE),--upgrade)

migrations: $(DEV) ## Write a revision from the changed tables (M="what it is for")
	$(BIN)/python -m migrations.develop $(if $(M),"$(M)",--first)

clean: ## Remove .venv and caches; data and keys in var/ stay
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(RUNTIME): requirements/runtime.txt requirements/build.txt requirements/install.sh pyproject.toml
	sh requirements/install.sh $(PYTHON) $(VENV) runtime
	touch $@

$(DEV): requirements/dev.txt requirements/install.sh pyproject.toml
	sh requirements/install.sh $(PYTHON) $(VENV) dev
	touch $@ $(RUNTIME)

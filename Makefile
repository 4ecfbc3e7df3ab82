# Zentra. `make help` tells what there is. Python 3.11 or newer and make are all that must be there before.

# The first of these that is new enough; the Redis wheel exists for 3.11 and 3.12. `make PYTHON=…` names another.
ifndef PYTHON
PYTHON := $(shell for python in python3 python3.12 python3.11 python3.13; do \
	command -v $$python >/dev/null 2>&1 && $$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	&& { echo $$python; exit; }; done; echo python3)
endif
VENV := .venv
RUN := $(VENV)/bin/python
# The tests share two servers and start their own processes: more workers than this only wait for each other.
TEST_WORKERS ?= $(shell $(PYTHON) -c 'import os; print(min(4, os.cpu_count() or 1))')
# Files keep their order: those that start Zentra's own processes come last, and their worker takes work of its database.
PYTEST ?= $(RUN) -m pytest -n $(TEST_WORKERS) --dist loadfile --no-loadscope-reorder

MONEY_CORE_TESTS := $(wildcard tests/core tests/tenants tests/ledger tests/policy tests/runtime tests/evidence)

.DEFAULT_GOAL := help
.PHONY: help up down reset status code test test-postgres-16 audit lint types imports format format-check migrations-check check bench \
	lock install install-dev

help: ## what can be made
	@awk 'BEGIN { FS = ":.*## " } /^[a-z0-9-]+:.*## / { printf "  make %-18s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

up: install ## start everything, seeded, and stay with it (Ctrl-C stops; ZENTRA_PORT=8000)
	@exec $(RUN) -m zentra.embedded up

down: install ## stop it, from elsewhere
	@$(RUN) -m zentra.embedded down

reset: install ## stop it and delete its data; the next `make up` starts anew
	@$(RUN) -m zentra.embedded reset

status: install ## what runs, and whether it is ready
	@$(RUN) -m zentra.embedded status

code: install ## the one-time code of a demo person (WHO=operator@northwind.example)
	@$(RUN) -m zentra.embedded code $(or $(WHO),operator@northwind.example)

test: install-dev ## all tests; those of the browser where there is a Chromium
	@$(RUN) -m tests.browser
	@$(PYTEST)

test-postgres-16: install-dev ## migrations and the money core, on PostgreSQL 16
	@ZENTRA_TEST_POSTGRES=16 $(PYTEST) $(MONEY_CORE_TESTS)

audit: ## known flaws of what is locked (takes pip-audit on this machine, and the network)
	@command -v pip-audit >/dev/null || { echo "make audit: pip-audit is not here; pipx install pip-audit" >&2; exit 1; }
	@pip-audit --strict --disable-pip --require-hashes --requirement requirements.txt --requirement requirements-dev.txt

lint: install-dev ## ruff
	@$(RUN) -m ruff check .

types: install-dev ## mypy --strict
	@$(RUN) -m zentra.embedded ephemeral $(RUN) -m mypy

imports: install-dev ## who may import whom
	@$(VENV)/bin/lint-imports --no-cache

format: install-dev ## put the code into its one form
	@$(RUN) -m ruff check --select I --fix --quiet .
	@$(RUN) -m ruff format .

format-check: install-dev
	@$(RUN) -m ruff format --check .

migrations-check: install-dev
	@$(RUN) -m zentra.embedded ephemeral $(RUN) manage.py makemigrations --check --dry-run

check: lint format-check types imports migrations-check test test-postgres-16 ## all that .ci/run holds

bench: install-dev ## postings and intents per second, as ratios to this machine's own limits
	@$(RUN) -m bench

# The lock is made by hand, when dependencies change, with uv on the machine of whoever changes them:
#   uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --output-file requirements.txt pyproject.toml
#   uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --group dev \
#     --output-file requirements-dev.txt pyproject.toml
# Neither file may name an index: which one is used is each machine's own affair.
lock:
	@sed -n '/^# The lock is made/,/^lock:/p' Makefile | sed -n 's/^# \{0,1\}//p'

install:
	@$(PYTHON) zentra/embedded/install.py $(VENV) requirements.txt

install-dev:
	@$(PYTHON) zentra/embedded/install.py $(VENV) requirements-dev.txt

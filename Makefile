# Everything here needs Python 3.11 or later and nothing else: the first target that needs them makes .venv and the servers.
#   PYTHON=python3.13  the Python that .venv is made with        PORT=8000  where the site is served
#   ARGS="..."         more arguments for demo, worker or pytest
#   JOBS=1             tests in so many processes, each with servers of its own; one more than there are cores, as tests wait much, at
#                      most four, unless DATABASE_URL or REDIS_URL name the servers

PYTHON ?= python3
PORT ?= 8000
ARGS ?=
PROCESSES = $(shell cores=$$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 1); echo $$((cores < 3 ? cores + 1 : 4)))
JOBS ?= $(if $(DATABASE_URL)$(REDIS_URL),1,$(PROCESSES))

# What many processes import is compiled once, also where the environment says otherwise.
export PYTHONDONTWRITEBYTECODE :=
VENV := .venv
BIN := $(VENV)/bin
MANAGE := DEBUG=1 $(BIN)/python manage.py
# What the demo needs, and what checks and tests need besides: a first demo does not wait for browsers' drivers and type checkers.
RUNTIME := requirements.txt requirements-embedded.txt
REQUIREMENTS := $(RUNTIME) requirements-dev.txt
INSTALLED := $(VENV)/installed-requirements.txt
AUDIT := $(VENV)/audit
# Settings of a production site that need no server, for `check --deploy`: none of these secrets is one.
PRODUCTION := DEBUG=0 THEO_EMBEDDED=0 SECRET_KEY=for-the-check-of-deployment-alone-0123456789-0123456789 ALLOWED_HOSTS=theo.example.com \
	SECURE_HSTS_ALL=1 DATABASE_URL=postgresql://theo@localhost/theo REDIS_URL=redis://localhost:6379/0 OPENAI_API_KEY=none
FITS := import sys, pip; sys.exit(sys.version_info < (3, 11))

.PHONY: help setup runtime venv new-venv packages demo test chaos screenshots lint audit serve worker
.NOTPARALLEL:

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' Makefile

setup: venv ## .venv with all packages, installed again only when a requirements file has changed
	@cat $(REQUIREMENTS) | cmp -s - $(INSTALLED) || $(MAKE) --no-print-directory packages FILES="$(REQUIREMENTS)"

runtime: venv
	@cat $(REQUIREMENTS) | cmp -s - $(INSTALLED) || cat $(RUNTIME) | cmp -s - $(INSTALLED) \
		|| $(MAKE) --no-print-directory packages FILES="$(RUNTIME)"

# A .venv is made anew for another Python only if PYTHON was given.
venv:
	@$(BIN)/python -c '$(FITS)' 2>/dev/null \
		&& { [ "$(origin PYTHON)" = file ] || [ "$$($(BIN)/python -V 2>&1)" = "$$($(PYTHON) -V 2>&1)" ]; } \
		|| $(MAKE) --no-print-directory new-venv

new-venv:
	@command -v "$(PYTHON)" >/dev/null \
		|| { echo "$(PYTHON) was not found: install Python 3.11 or later, or name one with PYTHON=/path/to/python." >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Python 3.11 or later is needed and $(PYTHON) is $$($(PYTHON) -V 2>&1): name another one with PYTHON=python3.12." >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null \
		|| { echo "$(PYTHON) cannot make a virtual environment: install its venv module (Debian and Ubuntu: apt install python3-venv)." >&2; exit 1; }
	@said=$$($(PYTHON) -m venv --clear $(VENV) 2>&1) || { echo "$(VENV) could not be made. $$said" | tail -n 1 >&2; exit 1; }

packages:
	@echo "Installing packages into $(VENV), once. This takes a minute or several."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check $(FILES:%=-r %) \
		|| { echo "The packages could not be installed. Is there a network? Platforms that have them all: Linux (glibc) and macOS, x86_64 and arm64." >&2; exit 1; }
	@cat $(FILES) > $(INSTALLED)

demo: runtime ## sample data, a worker and the site at http://127.0.0.1:PORT, until Ctrl-C
	@$(MANAGE) demo --port $(PORT) $(ARGS)

test: setup lint ## every check and every test
	@$(MANAGE) makemigrations --check --dry-run
	@$(MANAGE) check
	@$(PRODUCTION) $(BIN)/python manage.py check --deploy --fail-level WARNING
	@$(BIN)/python -m pytest $(if $(filter-out 1,$(JOBS)),-n $(JOBS) --dist loadfile --no-loadscope-reorder) $(ARGS)

chaos: setup ## 20,000 jobs, and 20,000 random changes by signals and by triggers, while workers are killed and Redis restarts; with figures
	@EMBEDDINGS_CHAOS_OPERATIONS=$${EMBEDDINGS_CHAOS_OPERATIONS:-20000} QUEUES_CHAOS_JOBS=$${QUEUES_CHAOS_JOBS:-20000} \
		$(BIN)/python -m pytest tests/chaos $(ARGS)

screenshots: setup ## every admin page into docs/screenshots, from a scene of its own, by Chromium
	@$(BIN)/python -m tests.browser.screenshots $(ARGS)

lint: setup ## ruff, mypy, import-linter
	@$(BIN)/python -m ruff check .
	@$(BIN)/python -m ruff format --check .
	@$(BIN)/python -m mypy
	@$(BIN)/python -c 'from importlinter.cli import lint_imports_command; lint_imports_command()'

audit: setup ## known vulnerabilities of what is installed, asked of osv.dev: needs a network, so no part of `test`
	@test -x $(AUDIT)/bin/pip-audit \
		|| { $(BIN)/python -m venv $(AUDIT) && $(AUDIT)/bin/pip install --quiet --disable-pip-version-check pip-audit~=2.10; } \
		|| { echo "pip-audit could not be installed. Is there a network?" >&2; exit 1; }
	@$(AUDIT)/bin/pip-audit --progress-spinner off --vulnerability-service osv --path $(VENV)/lib/python3*/site-packages 2>$(AUDIT)/said \
		|| { grep -q '^Traceback' $(AUDIT)/said || { cat $(AUDIT)/said >&2; exit 1; }; \
			echo "Nothing is known: osv.dev could not be asked. $$(tail -n 1 $(AUDIT)/said)" >&2; exit 1; }
	@cat $(AUDIT)/said

serve: runtime ## the site alone, reloading when code changes
	@$(MANAGE) migrate --verbosity 0
	@$(MANAGE) runserver $(PORT)

worker: runtime ## a worker for all queues
	@$(MANAGE) rqworker $(ARGS)

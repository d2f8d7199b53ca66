# Only Python 3.11 and make are needed. The first target sets up `.venv`: `run` with the libraries of
# the service, the others also with the tools of the tests.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
RUN := $(VENV)/.installed-run
STAMP := $(VENV)/.installed

# What takes longest: whole services, browsers, models trained and exported, kills, backups.
LONG := acceptance/console acceptance/test_up.py acceptance/test_widget.py faults \
  integration/api/console/administering/test_bringing.py integration/api/console/insights \
  integration/api/http/test_openapi.py integration/api/routes/test_archives.py integration/api/uploading \
  integration/cli/examining integration/cli/test_preparing.py integration/cli/training \
  integration/db/keeping integration/db/test_schema.py integration/samples integration/training/recipes \
  integration/worker/adapting integration/worker/archives/stages/test_slices.py \
  integration/worker/test_tasks.py integration/worker/weights unit/test_lean.py
# One worker more than there are cores, each with databases of its own.
PYTEST := $(BIN)/python -m pytest -n auto --maxprocesses 8 --dist loadfile --no-loadscope-reorder

.PHONY: run test test-long lint docs bench mutants screenshots demo-forum test-forums deploy-test compose-test locks audit faults fuzz servers

run: $(RUN)
	@$(BIN)/askedbefore up

test: $(STAMP) lint
	@$(PYTEST) --hypothesis-profile few $(LONG:%=--ignore tests/%)

# All that `make test` leaves out, and the tests of laws again, with three times the examples.
test-long: $(STAMP)
	@$(PYTEST) $(LONG:%=tests/%)
	@$(PYTEST) -m "hypothesis and not gpu and not forums" $(LONG:%=--ignore tests/%)

# make faults MINUTES=60 SEED=7: kills, pauses, cuts and fills everything, and reports what is lost.
MINUTES ?= 10
faults: $(STAMP)
	@$(BIN)/python -m tests.faults --minutes $(MINUTES) $(if $(SEED),--seed $(SEED))

fuzz: $(STAMP)
	@$(BIN)/python -m tests.faults.fuzz
	@$(BIN)/python -m tests.faults.mutants

# As root: makes Postgres and Redis fail, and reports what a forum is answered meanwhile.
servers: $(STAMP)
	@sh tests/programs.sh .programs
	@PATH="$(abspath .programs/bin):$$PATH" $(BIN)/python -m tests.faults.servers

lint: $(STAMP)
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check -q .
	@$(BIN)/lint-imports
	@$(BIN)/mypy

screenshots: $(STAMP)
	@$(BIN)/python -m tests.screenshots screenshots
	@cp screenshots/review-1440-light.png docs/console.png

# A real Askbot beside the service; it is installed into .demo, with a Python environment of its own.
demo-forum: $(RUN)
	@$(BIN)/python -m integrations.demo

# Installs Askbot and Misago into .demo: a few minutes the first time.
test-forums: $(STAMP)
	@$(BIN)/python -m pytest tests/forums -m forums

# Checks deploy/ with the real nginx, Caddy, Prometheus and Helm, if these can be installed.
deploy-test: $(STAMP)
	@sh tests/programs.sh .programs
	@$(BIN)/pip install --quiet 'helm-python-sdk==0.2.*' 'kubernetes-validate==1.*' || echo "Helm cannot be installed from PyPI here, so its tests are left out"
	@PATH="$(abspath .programs/bin):$$PATH" $(BIN)/python -m pytest tests/unit/deploy tests/integration/api/http/test_under.py

docs: $(STAMP)
	@$(BIN)/python -m tests.documents

bench: $(STAMP)
	@$(BIN)/python -m bench

mutants: $(STAMP)
	@$(BIN)/pip install --quiet 'mutmut==3.*'
	@$(BIN)/mutmut run --max-children 2 $(if $(ROOM),"$(ROOM).*","worker.*")
	@$(BIN)/mutmut results

# Known vulnerabilities of the locked packages. If the database cannot be reached, it says why.
audit:
	@sh deploy/locks/audit.sh $(PYTHON) $(abspath $(VENV))-audit

# Builds the images and tests their operation; without a Docker engine it says so and ends.
compose-test:
	@sh deploy/compose/test.sh

# After a change of pyproject.toml; needs uv.
locks:
	@bash deploy/locks/make.sh

$(VENV)/bin/python:
	@echo "Setting up $(VENV): a few minutes the first time"
	@$(PYTHON) -m venv $(VENV)

$(RUN): pyproject.toml | $(VENV)/bin/python
	@$(BIN)/pip install --quiet --editable '.[embedded]'
	@touch $@

$(STAMP): pyproject.toml | $(VENV)/bin/python
	@$(BIN)/pip install --quiet --editable '.[embedded,train,dev]'
	@touch $(RUN) $@

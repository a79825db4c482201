# Every target installs what it needs: Debian packages, a virtual environment, wheels.
SHELL := /bin/bash
VENV  := .venv
PY    := $(VENV)/bin/python
.DEFAULT_GOAL := help

TARGET ?= .

PEERS := .venv-peers
RUNS ?= 200
CRASH_RUNS ?= 100

.PHONY: help setup scan bench demo test test-rekey lint docs check bench-accuracy bench-vault bench-rotation bench-broker bench-daemon at-once crash crash-all golden clean

help:  ## Say what there is
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

setup: $(VENV)/.ready  ## Install what the project needs

$(VENV)/.ready: pyproject.toml scripts/setup.sh
	@scripts/setup.sh $(VENV)
	@touch $@

scan: setup  ## Look for leaked keys in TARGET: a path, or git:PATH
	@$(VENV)/bin/keysweep scan $(TARGET)

demo: setup  ## The whole loop on samples/, with real parts and generated keys
	@$(PY) -m samples.demo

test: setup  ## Run the tests
	@$(PY) -m pytest -n auto --dist loadgroup -q

test-rekey: setup  ## Rotate the master key of 10,000 secrets, killed at random 50 times
	@KEYSWEEP_TEST_KILLS=50 KEYSWEEP_TEST_SECRETS=10000 $(PY) -m pytest -q tests/rotation/vault/test_rekey.py -k killed

lint: setup  ## Formatter, linter, types, import contracts, generated pages
	@$(PY) -m ruff format --check .
	@$(PY) -m ruff check .
	@$(PY) -m mypy
	@$(VENV)/bin/lint-imports
	@$(PY) scripts/write_docs.py --check

docs: setup  ## Write the generated pages: commands, rules, providers, code map
	@$(PY) scripts/write_docs.py

check: lint test  ## Everything that CI runs

bench-accuracy: setup $(PEERS)/.ready  ## Accuracy of the scanner and its peers, on generated keys and hard negatives
	@$(PY) -m benchmarks.accuracy --json out/accuracy.json

$(PEERS)/.ready:
	@python3 -m venv $(PEERS)
	@$(PEERS)/bin/python -m pip install --quiet --disable-pip-version-check kingfisher-bin==2.14.0 detect-secrets==1.5.0 credsweeper==1.19.5
	@mkdir -p out && touch $@

bench: setup $(PEERS)/.ready  ## Speed beside the peers, in one run on one input
	@$(PY) -m benchmarks.speed

bench-vault: setup  ## An inventory of 100,000 credentials: import, recognise, list, verify
	@$(PY) -m benchmarks.vault

bench-rotation: setup  ## From an accepted finding to the agent on a new key and the old one refused, RUNS times
	@$(PY) -m benchmarks.rotation $(RUNS)

bench-broker: setup  ## What the egress broker adds to a small request, beside the same request sent directly
	@$(PY) -m benchmarks.broker

bench-daemon: setup  ## How long an agent waits for its key, through the daemon and by opening the store, RUNS times
	@$(PY) -m benchmarks.daemon $(RUNS)

at-once: setup  ## Fifty processes that report one leak, and twenty credentials in three times the time of one
	@RESPONDERS=50 AT_MOST=3 $(PY) -m pytest -n0 -q tests/commands/test_rotate_at_once.py

crash: setup  ## Kill rotations of every kind of adapter at random, CRASH_RUNS times; CRASH_SEED and CRASH_REPEAT repeat
	@$(PY) -m tests.crash --runs $(CRASH_RUNS) $(if $(CRASH_SEED),--seed $(CRASH_SEED)) $(if $(CRASH_REPEAT),--repeat '$(CRASH_REPEAT)')

crash-all: setup  ## Every crash point of every kind of adapter in both modes, once
	@$(PY) -m tests.crash --all --runs 0

golden: setup  ## Write the expected outputs anew; review them as a diff
	@$(PY) -m pytest -q tests/golden --update-golden

clean:  ## Remove what was installed and built here
	@rm -rf $(VENV) build dist out .pytest_cache .mypy_cache .ruff_cache .hypothesis

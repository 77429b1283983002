# `make demo` and `make test` are all that a fresh machine needs: each sets itself up.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
export HF_HUB_OFFLINE ?= 1
# Tests wait for brokers and time-outs as much as they compute; more processes make those wait for one another that are timed.
TEST_PROCESSES ?= 2

.PHONY: demo test quick coverage lint format bench chaos soak lock schema audit sbom clean help

help: ## Show what can be made
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

# The worker, and what makes models without torch.
$(VENV)/.demo: requirements.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Tocsin needs Python 3.11 or later: make PYTHON=python3.12 ...")'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --disable-pip-version-check --progress-bar on -r requirements.txt
	$(BIN)/python -m pip install --disable-pip-version-check --no-deps --quiet -e .
	@touch $@

# Everything: tests, linters, torch (on x86-64 Linux about 3 GB to fetch).
$(VENV)/.dev: requirements-dev.txt $(VENV)/.demo
	$(BIN)/python -m pip install --disable-pip-version-check --progress-bar on -r requirements-dev.txt
	@touch $@

demo: $(VENV)/.demo ## Run the main job on the embedded broker, on sample messages, for about a minute
	@$(BIN)/tocsin demo

test: $(VENV)/.dev ## Lint, check types and arrows, and run every test
	$(MAKE) --no-print-directory lint
	$(BIN)/tocsin models bootstrap --if-missing
	$(BIN)/python -m pytest -n $(TEST_PROCESSES)

quick: $(VENV)/.dev ## Lint, check types and arrows, and run the tests that start neither brokers nor workers (nine of ten)
	$(MAKE) --no-print-directory lint
	$(BIN)/tocsin models bootstrap --if-missing
	$(BIN)/python -m pytest -n $(TEST_PROCESSES) -m "not integration and not kafka"

coverage: $(VENV)/.dev ## Run every test, and tell which lines none of them runs
	$(BIN)/python -m pytest -n $(TEST_PROCESSES) --cov --cov-report=term

lint: $(VENV)/.dev ## Ruff, mypy, import-linter
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(VENV)/.dev ## Format the code
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(VENV)/.dev ## Run the benchmarks (hours), and write benchmarks/results/*.json
	$(BIN)/python -m benchmarks.throughput
	$(BIN)/python -m benchmarks.surge
	$(BIN)/python -m benchmarks.swap
	$(BIN)/python -m benchmarks.retrieval
	$(BIN)/python -m benchmarks.replies
	$(BIN)/python -m benchmarks.generation
	$(BIN)/python -m benchmarks.recommend
	$(BIN)/python -m benchmarks.growth
	$(BIN)/python -m benchmarks.gate
	$(BIN)/python -m benchmarks.quality

soak: $(VENV)/.dev ## Run for an hour under load while all changes, then overload it, and write benchmarks/results/soak.json
	$(BIN)/python -m benchmarks.soak

chaos: $(VENV)/.dev ## Break each thing on purpose, count what came out (twenty minutes), and write benchmarks/results/chaos.json
	$(BIN)/tocsin models bootstrap --if-missing
	$(BIN)/python -m benchmarks.chaos

schema: $(VENV)/.dev ## Make docs/schemas, docs/asyncapi.json, and the pages of settings, topics and metrics anew
	$(BIN)/tocsin schema --write docs

audit: $(VENV)/.dev ## Ask the advisory database for known faults of what is locked
	@$(BIN)/python .ci/audit requirements.txt

sbom: $(VENV)/.dev ## Write dist/sbom.cdx.json, the bill of materials (CycloneDX) of what is locked
	@mkdir -p dist
	$(BIN)/cyclonedx-py requirements requirements.txt --of JSON --output-reproducible -o dist/sbom.cdx.json

lock: $(VENV)/.dev ## Resolve the exact versions anew
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --no-emit-index-url --no-header pyproject.toml --extra bootstrap --extra retrain --extra desk -o requirements.txt
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --no-emit-index-url --no-header pyproject.toml --extra dev -c requirements.txt -o requirements-dev.txt

clean: ## Remove what was built, models included
	rm -rf $(VENV) .tocsin

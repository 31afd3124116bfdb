# What a developer types. Every target makes .venv first, from the locked requirements.
SHELL := bash
PYTHON := .venv/bin/python
# One more than there are CPUs: many tests wait for a program or an answer.
TESTS_AT_ONCE := $(shell expr $$(getconf _NPROCESSORS_ONLN) + 1)
SHELL_SCRIPTS := launch runtime/step runtime/venv runtime/entrypoint $(shell grep -lE '^\#!.*sh$$' scripts/*) .ci/run

.PHONY: help
help: ## these lines
	@sed -n 's/^\([a-z]*\):.*## /make \1: /p' $(MAKEFILE_LIST)

.PHONY: smoke
smoke: .venv/smoke ## measure the built-in model with the embedded engine; ARGS="--tokens 16" and the like
	@$(PYTHON) -m perf_smoke run $(ARGS)

# The engine is asked for first, for its tests: what this machine cannot have, they skip and say so.
# With PERF_SMOKE_REQUIRE_DOCKER=1 (as in .ci/run) that is a failure.
.PHONY: test
test: .venv/dev ## every test, with coverage; ARGS="-k comment" and the like
	@scripts/docker-engine || [ -z "$$PERF_SMOKE_REQUIRE_DOCKER" ]
	$(PYTHON) -m pytest --numprocesses $(TESTS_AT_ONCE) --dist worksteal --cov $(ARGS)

.PHONY: golden
golden: .venv/dev ## the golden reports anew, from what the product says; read what has changed
	@PYTHONPATH=src $(PYTHON) -m tests.unit.report.golden

.PHONY: faults
faults: .venv/dev ## docs/FAULTS.md anew, from what happens; read what has changed
	@scripts/docker-engine # without one its rows would be missing
	@rm -rf .pytest_cache/faults
	PERF_SMOKE_FAULTS=$$PWD/.pytest_cache/faults $(PYTHON) -m pytest --numprocesses $(TESTS_AT_ONCE) \
	  --dist worksteal tests/e2e/test_fault_table.py tests/e2e/test_survivors.py
	@$(PYTHON) -m tests.e2e.fault_table .pytest_cache/faults

.PHONY: check
check: .venv/dev ## formatting, types and every linter; no test is run
	$(PYTHON) -m ruff format --check .
	$(PYTHON) -m ruff check .
	$(PYTHON) -m mypy
	.venv/bin/zizmor --offline --quiet action.yml report/action.yml .github
	.venv/bin/actionlint .github/workflows/*.yml examples/*.yml examples/recipes/*.yml
	.venv/bin/check-jsonschema --builtin-schema vendor.github-actions action.yml report/action.yml
	.venv/bin/check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml examples/*.yml examples/recipes/*.yml
	.venv/bin/hadolint Dockerfile
	.venv/bin/shellcheck --check-sourced --external-sources $(SHELL_SCRIPTS)

.PHONY: bench
bench: .venv/dev ## the figures of docs/EVIDENCE.md; hours, and resumed where it stopped
	$(PYTHON) -m benchmarks.validate $(ARGS)

.PHONY: lock
lock: .venv/dev ## requirements/*.txt anew from requirements/*.in
	@PATH="$$PWD/.venv/bin:$$PATH" scripts/lock

.venv/smoke: requirements/runtime.txt requirements/embedded.txt requirements/huggingface.txt runtime/venv
	@runtime/venv .venv runtime embedded huggingface
	@touch $@

.venv/dev: requirements/dev.txt runtime/venv
	@runtime/venv .venv dev
	@touch $@

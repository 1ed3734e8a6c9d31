# Everything starts from python3 (3.11 or later), git and make; the rest is set up inside the checkout (ops/bootstrap.py).

PYTHON ?= python3
BIN := .venv/bin
SERVICES := intake assessment referral consent
CODE := shared services sdk ops examples tests bench

.DEFAULT_GOAL := help
.PHONY: help bootstrap demo story people test check evidence simulation mutation no-detriment bench clean $(SERVICES:%=test-%)

help: ## show this
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo "  make test-<service>   its own tests: seconds, no broker ($(SERVICES))"

demo: bootstrap ## start everything, play the stories, stay up until Ctrl-C (of another town: TOWN=folder)
	@$(BIN)/python -m ops.demo $(TOWN:%=--town %)

story: bootstrap ## play the stories and leave; exit code 0 only if every step came out right
	@$(BIN)/python -m ops.demo --once $(TOWN:%=--town %)

people: bootstrap ## play the stories of eight people, with all their providers, and leave
	@$(BIN)/python -m ops.demo --once --people

test: bootstrap ## all tests, a real broker included (that each service stands alone is tried by `make check`)
	@$(BIN)/pytest -n auto --dist worksteal --ignore tests/architecture/test_independence.py --ignore tests/evidence tests/system $(SERVICES:%=tests/%) tests

evidence: bootstrap ## the promises, tried at large; ends with one table (GESEHEN_EVIDENCE=20 for a night, GESEHEN_SEED=7)
	@$(BIN)/pytest -n auto --dist worksteal tests/evidence

$(SERVICES:%=test-%): test-%: bootstrap
	@$(BIN)/pytest tests/$*

check: bootstrap ## format, lint, types, import rules, contract drift
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy $(CODE)
	@$(BIN)/lint-imports
	@$(BIN)/pytest -n auto --dist worksteal tests/architecture tests/contracts

simulation: bootstrap ## ninety days of two thousand synthetic people; prints a report (about six minutes; PEOPLE=500 for two)
	@$(BIN)/python -m tests.simulation.ninety_days $(or $(PEOPLE),2000)

mutation: bootstrap ## break decision and release in every small way; what survives stands in docs/mutation-survivors.md
	@UV_PROJECT_ENVIRONMENT=.run/mutation UV_CACHE_DIR=.run/cache/uv .run/tools/uv sync --quiet --frozen --group mutation
	@.run/mutation/bin/mutmut run >.run/mutation.log 2>&1; .run/mutation/bin/mutmut results | grep -v killed

no-detriment: bootstrap ## compare who releases all with who refuses all; print the statement (takes about two minutes)
	@$(BIN)/python -m tests.consent.no_detriment

bench: bootstrap ## how fast kit and gate are here, beside a bare forwarder; prints tables (takes some minutes)
	@$(BIN)/python -m bench.kit
	@$(BIN)/python -m bench.gate 2>&1 | grep "|"
	@$(BIN)/python -m bench.withdrawal 2>&1 | grep "|"
	@$(BIN)/python -m bench.stored 5
	@$(BIN)/python -m bench.backlog 6000
	@$(BIN)/python -m bench.start
	@$(BIN)/python -m bench.idle
	@$(BIN)/python -m bench.decision

bootstrap: ## set up .venv from uv.lock; does nothing the second time
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("bootstrap: Python 3.11 or later is needed, this is %d.%d; try: make PYTHON=python3.12 ..." % sys.version_info[:2])'
	@GESEHEN_PYTHON_CHOSEN=$(if $(filter file,$(origin PYTHON)),,yes) $(PYTHON) ops/bootstrap.py

clean: ## remove everything that was made here: .venv, .run, caches
	rm -rf .venv .run mutants .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# `make run` trains the example problem; `make test` and `make check` judge a change; `make help` lists the rest.
# The first of them sets up $(VENV) from requirements.lock, and so does the next one after the lock has changed.

VENV   ?= .venv
PYTHON ?= python3.13 python3.12 python3.11 python3  # the first that runs, is 3.11 to 3.13 and has venv makes $(VENV)
UV     ?= uv
LOCK   ?= requirements.lock
ARGS   ?=
BENCH_SCALE ?= 1
FUZZ   ?= 5000
SEED   ?= 1
# One process a core; the tests of a file share what they set up, so they stay together.
PARALLEL ?= -n auto --maxprocesses 8 --dist loadfile

BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --quiet --quiet --disable-pip-version-check --no-input

# A machine may forbid bytecode; without it every start takes two to three times as long.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help setup run test test-all fuzz coverage check bench example lock clean
.DEFAULT_GOAL := help

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/make \1\t\2/p' Makefile | expand -t 16
	@echo 'ARGS="…" is passed on by run, test, test-all, coverage, bench and example; BENCH_SCALE=0.05 tries bench; PYTHON=… makes a new $(VENV) (make clean first).'

# What the set-up was made from, kept in $(VENV): a copied checkout, another lock or an interrupted set-up all differ.
# The lock is whole, so pip looks for nothing else: it would take a name with an extra for something to look up anew.
LOCKED_FROM  := { echo '$(CURDIR)'; cat $(LOCK); }
PACKAGE_FROM := cat pyproject.toml

setup:
	@set -e; \
	exec 9>.venv.lock; if command -v flock >/dev/null 2>&1; then flock 9; fi; \
	if ! [ -x $(BIN)/python ] || ! $(LOCKED_FROM) | cmp -s - $(VENV)/locked-from; then \
	    for python in $(PYTHON) none; do \
	        "$$python" -c 'import ensurepip, sys, venv; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' \
	            2>/dev/null && break; \
	    done; \
	    if [ "$$python" = none ]; then \
	        echo 'no Python 3.11, 3.12 or 3.13 with venv among: $(strip $(PYTHON)); name one: make PYTHON=/path/to/python3.12' >&2; \
	        exit 1; \
	    fi; \
	    echo "setting up $(VENV) from $(LOCK) with $$python, which takes a minute or two"; \
	    "$$python" -m venv --clear $(VENV); \
	    $(PIP) install --no-compile --no-deps --require-hashes -r $(LOCK); \
	    PYTHONWARNINGS=ignore $(BIN)/python -m compileall -qq -j 0 $(VENV)/lib || :; \
	    $(LOCKED_FROM) > $(VENV)/locked-from; \
	fi; \
	if ! $(PACKAGE_FROM) | cmp -s - $(VENV)/package-from; then \
	    $(PIP) install --no-deps --no-build-isolation --editable .; \
	    $(BIN)/python -m compileall -q flows tasks; \
	    $(PACKAGE_FROM) > $(VENV)/package-from; \
	fi

run: setup ## train the example problem and leave its report under artifacts/
	@$(BIN)/linear-neuron run $(ARGS)

test: setup ## run the tests, less the slow ones
	@$(BIN)/python -m pytest -m "not slow" $(PARALLEL) $(ARGS)

test-all: setup ## run every test
	@$(BIN)/python -m pytest $(PARALLEL) $(ARGS)

# Half an hour for 10⁵ inputs. A seed gives the same ones again; what fails is kept in .hypothesis and tried first.
fuzz: setup ## draw FUZZ=5000 malformed inputs for each of the twenty fuzz tests, with SEED=1
	@FUZZ=$(FUZZ) $(BIN)/python -m pytest tests/table/test_fuzz.py tests/flows/command/test_predict_fuzz.py \
	    --hypothesis-seed=$(SEED) -n auto --maxprocesses 8 $(ARGS)

# Processes that the tests start are measured too, except those that are killed.
coverage: setup ## run the same tests and print what share of the lines and branches of each room they reach
	@$(BIN)/python -m coverage erase
	@$(BIN)/python -m coverage run -m pytest -m "not slow" $(PARALLEL) $(ARGS)
	@$(BIN)/python -m coverage combine --quiet
	@$(BIN)/python -m coverage report --skip-covered --show-missing
	@for room in $$(find flows tasks -name __init__.py -exec dirname {} + | sort); do \
	    echo "$$room: $$($(BIN)/python -m coverage report --include="$$room/*.py" --format=total) %"; \
	done

check: setup ## format, lint, types and the direction of imports
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# The rivals lie beside the set-up, not in it: nothing else is to see them.
bench: setup ## run the benchmarks, tests/benchmarks/bench_*.py; the rivals they need take 6 GB of disk
	@set -e; \
	if ! cmp -s tests/benchmarks/requirements.lock $(VENV)/rivals/locked-from; then \
	    echo 'setting up $(VENV)/rivals from tests/benchmarks/requirements.lock, which takes a few minutes'; \
	    rm -rf $(VENV)/rivals; \
	    $(PIP) install --no-compile --no-deps --require-hashes --target $(VENV)/rivals \
	        -r tests/benchmarks/requirements.lock; \
	    cp tests/benchmarks/requirements.lock $(VENV)/rivals/locked-from; \
	fi; \
	BENCH_SCALE=$(BENCH_SCALE) PYTHONPATH=$(VENV)/rivals $(BIN)/python -m pytest tests/benchmarks -W default -s \
	    -o addopts=--import-mode=importlib -o python_files='bench_*.py' $(ARGS)

example: setup ## remake artifacts/example/: a report, and screenshots of it and of Prefect's UI (needs Chromium)
	@$(BIN)/python -m pytest tests/nightly/make_example.py $(ARGS)

COMPILE := $(UV) pip compile --quiet --universal --python-version 3.11 --fork-strategy fewest --generate-hashes \
    --no-emit-index-url --no-emit-find-links --no-annotate --custom-compile-command 'make lock'

CANDIDATE := $(VENV)/candidate

# A server that starts may still make no scheduled run. So a new set is set up apart, beside $(VENV), and becomes the lock
# once schedules have been seen to fire with it and the server's other services to work: some eight minutes.
lock: ## remake requirements.lock and that of the rivals with uv, if schedules fire with it; pins are kept unless ARGS=--upgrade
	@command -v $(UV) >/dev/null || { echo 'make lock needs uv: pip install uv, or make lock UV=/path/to/uv' >&2; exit 1; }
	@rm -rf $(CANDIDATE) && mkdir -p $(CANDIDATE)
	@cp requirements.lock $(CANDIDATE)/requirements.lock
	@cp tests/benchmarks/requirements.lock $(CANDIDATE)/rivals.lock
	@$(COMPILE) pyproject.toml --extra dev --output-file $(CANDIDATE)/requirements.lock $(ARGS)
	@$(COMPILE) tests/benchmarks/requirements.in --constraint $(CANDIDATE)/requirements.lock \
	    --output-file $(CANDIDATE)/rivals.lock $(ARGS)
	@$(MAKE) --no-print-directory test-all VENV=$(CANDIDATE)/venv LOCK=$(CANDIDATE)/requirements.lock \
	    ARGS=tests/nightly/test_schedule.py
	@mv $(CANDIDATE)/requirements.lock requirements.lock
	@mv $(CANDIDATE)/rivals.lock tests/benchmarks/requirements.lock
	@rm -rf $(CANDIDATE)

clean: ## remove the set-up and the tools' caches; artifacts/ stays
	rm -rf $(VENV) .venv.lock build dist .pytest_cache .hypothesis .mypy_cache .ruff_cache .import_linter_cache .coverage*
	find flows tasks tests -name __pycache__ -type d -prune -exec rm -rf {} +

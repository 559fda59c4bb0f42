# make report   sets up, makes the demo shop, runs its newest month, says where the report is
# make test     sets up, checks the code, runs all tests
# make bench-stats  measures the statistics against teams whose truth is known (minutes); 1 where a bound is missed
# make demo-table  makes up a shop that has only its backend's tables; params/table_door.yaml is its settings
# make lab      opens JupyterLab on notebooks/
# make docs     writes to docs/: the metrics dictionary and the exports known, Chinese and English; the coverage table
# make bench    measures csperf against SQL, polars and pandas on made-up shops of 1, 10 and 50 million messages (hours)
# make spark    adds pyspark, for `engine: {backend: spark}` (needs Java 17 or newer)
# make bench-packs  measures ten shops' packs against one Papermill process each; make bench-spark csperf on Spark;
# make bench-incremental  a month more on a store of a year against that month alone
# make lock     compiles requirements.lock and those of `make spark` and `make bench` from pyproject.toml (needs uv)
# Only make and a python3 of 3.11 or newer are assumed; uv is used where it is found.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := report
.PHONY: setup report test check bench bench-incremental bench-packs bench-spark bench-stats lab docs spark lock

VENV  := .venv
READY := $(VENV)/.ready
RUN   := $(VENV)/bin

# A python on the PATH may be a shim that does not run, so each is asked for its version; the lock is made for 3.11 to 3.13.
WITHIN = import sys; sys.exit(not ((3, 11) <= sys.version_info < $(1)))
PYTHON ?= $(shell \
	for p in python3 python3.13 python3.12 python3.11; do $$p -c '$(call WITHIN,(3, 14))' 2>/dev/null && echo $$p && exit; done; \
	python3 -c '$(call WITHIN,(4,))' 2>/dev/null && echo python3)
UV := $(shell uv --version >/dev/null 2>&1 && echo uv)
ADD = $(if $(UV),uv pip install --quiet --compile-bytecode --python $(RUN)/python,$(RUN)/python -m pip install --quiet \
	--disable-pip-version-check)

setup: $(READY)

$(READY): requirements.lock pyproject.toml
	@test -n '$(PYTHON)' || { echo 'csperf needs python3 3.11 or newer, none was found: install one, or name it: make setup PYTHON=/path/to/python3' >&2; exit 1; }
	@$(RUN)/python -c '$(call WITHIN,(4,))' 2>/dev/null || rm -rf $(VENV)
ifeq ($(UV),uv)
	@test -d $(VENV) || uv venv --quiet --no-project --python "$$($(PYTHON) -c 'import sys; print(sys.executable)')" $(VENV)
	uv pip sync --quiet --python $(RUN)/python --require-hashes --compile-bytecode requirements.lock
	uv pip install --quiet --python $(RUN)/python --no-deps --no-build-isolation --offline --editable .
else
	@$(RUN)/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear $(VENV) || { rm -rf $(VENV); \
	  echo 'this python cannot make a virtual environment: on Debian and Ubuntu install python3-venv, then try again' >&2; exit 1; }
	$(RUN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements.lock
	$(RUN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --no-index --editable .
	$(RUN)/python -m compileall -q -j 0 $(VENV)/lib >/dev/null || true   # some packages ship files for other Python versions
endif
	@touch $(READY)

demo/truth.json: | $(READY)
	$(RUN)/csperf sample demo

demo-table: | $(READY)
	$(RUN)/csperf sample demo-table --door table --platform pdd --months 3 --agents 8 --messages 40000

report: $(READY) demo/truth.json
	$(RUN)/csperf load params/demo.yaml
	$(RUN)/csperf run params/demo.yaml

check: $(READY)
	$(RUN)/ruff check --quiet .
	$(RUN)/ruff format --quiet --check .
	$(RUN)/lint-imports --no-logo
	$(RUN)/mypy

# A worker takes whole files, in the order of tests/conftest.py: the longest first; -rs: what is skipped says why.
test: check
	$(RUN)/pytest -n 2 --dist loadfile --no-loadscope-reorder -rs

SIZES ?= 1000000 10000000 50000000
bench: $(READY)
	$(ADD) --require-hashes --requirement requirements-bench.lock
	$(RUN)/python -m bench.speed $(SIZES)

bench-incremental: $(READY)
	$(RUN)/python -m bench.incremental

bench-packs: $(READY)
	$(RUN)/python -m bench.packs

bench-spark: spark
	$(RUN)/python -m bench.spark

bench-stats: $(READY)
	$(RUN)/python -m bench.stats

lab: $(READY)
	$(RUN)/jupyter lab notebooks

docs: $(READY)
	$(RUN)/python -m csperf.dictionary docs
	$(RUN)/python -m docs.coverage

spark: $(READY)
	$(ADD) --require-hashes --requirement requirements-spark.lock

COMPILE = uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --quiet \
	--custom-compile-command "make lock"
lock:
	$(COMPILE) --extra dev pyproject.toml --output-file requirements.lock
	$(COMPILE) --group spark --constraint requirements.lock --output-file requirements-spark.lock
	$(COMPILE) --group bench --constraint requirements.lock --output-file requirements-bench.lock

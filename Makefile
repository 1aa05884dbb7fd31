# The front door: `make run` and `make test` need git, make and Python 3.11 or newer, and set up the rest.
.DEFAULT_GOAL := help
SHELL := /bin/sh
export PATH := $(CURDIR)/.venv/bin:$(PATH)
export SAM_CLI_TELEMETRY := 0
COMPILE := uv pip compile --quiet --universal --generate-hashes --python-version 3.13 \
	--custom-compile-command 'make lock' pyproject.toml

.PHONY: help setup run search test lint format bench bench-instruments bench-tail bench-year calendars dashboards lock build invoke-producer invoke-transform invoke-alert deploy cost clean

help:  ## say what there is
	@sed -n 's/^\([a-z][a-z -]*\):.*  ## /\1	/p' $(MAKEFILE_LIST) | expand -t 48

setup: .venv/.ready  ## make .venv with the locked packages

.venv/.ready: requirements/dev.txt pyproject.toml local/setup.sh
	@local/setup.sh

run: setup  ## run the whole pipeline here, until Ctrl-C (ARGS='--bars 100')
	@stockstream up $(ARGS)

search: setup  ## OpenSearch and Dashboards here, in Docker, filled from `make run`
	@stockstream search up

test: setup lint  ## check and test everything (ARGS='-k transform')
	pytest $(ARGS)

lint: setup  ## check style, types, the template and the locks
	ruff format --check --quiet .
	ruff check --quiet .
	mypy
	lint-imports --no-logo --no-cache
	cfn-lint template.yaml
	sam validate --lint
	@kept=$$(mktemp -d) && trap 'rm -rf "$$kept"' EXIT \
		&& cp layers/common/requirements.txt "$$kept/layer.txt" && cp requirements/dev.txt "$$kept/dev.txt" \
		&& $(COMPILE) -o "$$kept/layer.txt" \
		&& $(COMPILE) --group dev -c layers/common/requirements.txt -o "$$kept/dev.txt" \
		&& cmp -s "$$kept/layer.txt" layers/common/requirements.txt && cmp -s "$$kept/dev.txt" requirements/dev.txt \
		|| { echo "The locks are not what pyproject.toml asks for: run make lock."; exit 1; }

format: setup  ## mend what ruff can mend
	ruff format .
	ruff check --fix .

bench: setup  ## measure the transform beside other ways to do its work
	@OPENBLAS_NUM_THREADS=1 python bench/run.py

lock: setup  ## compile the locks from pyproject.toml (ARGS=--upgrade for newer versions)
	$(COMPILE) $(ARGS) -o layers/common/requirements.txt
	$(COMPILE) $(ARGS) --group dev -c layers/common/requirements.txt -o requirements/dev.txt

calendars: setup  ## make the producer's trading calendars anew
	python -m stockstream_local.calendars

dashboards: setup  ## make dashboards/saved-objects.ndjson anew from its sources
	python -m stockstream_dashboards.saved_objects

bench-year: setup  ## run the quota planner through a simulated trading year (two minutes)
	@python bench/trading_year.py

build: setup  ## sam build, for AWS
	sam build

invoke-producer invoke-transform invoke-alert: invoke-%: setup  ## sam local invoke with every sample event (EVENT=events/alarm-ok.json)
	@stockstream invoke $* $(EVENT)

deploy: build  ## sam deploy, with the answers of sam deploy --guided (ARGS='--config-env prod')
	sam deploy $(ARGS)

bench-instruments: setup  ## measure how a run grows from 1 to 1,000 instruments
	@POWERTOOLS_LOG_LEVEL=CRITICAL python bench/instruments.py

bench-tail: setup  ## measure what a tail takes in DynamoDB, and what a million bars cost
	@python bench/tail_cost.py

cost: setup  ## count what the default stack costs in a month
	@python bench/monthly_cost.py

clean:  ## remove what the other targets made
	rm -rf .aws-sam .hypothesis .mypy_cache .pytest_cache .ruff_cache .stockstream .uv .venv

# The front door: `make run` and `make test` need git, make and Python 3.11 or newer, and set up the rest.
.DEFAULT_GOAL := help
SHELL := /bin/sh
export PATH := $(CURDIR)/.venv/bin:$(PATH)
export SAM_CLI_TELEMETRY := 0
FUNCTIONS := producer transform alert

.PHONY: help setup run test lint format bench fuzz lock build deploy clean $(FUNCTIONS:%=invoke-%)

help:  ## say what there is
	@sed -n 's/^\([a-z][a-z%-]*\):.*  ## /\1	/p' $(MAKEFILE_LIST) | expand -t 20

setup: .venv/.ready  ## make .venv with the locked packages

.venv/.ready: requirements/dev.txt pyproject.toml local/setup.sh
	@local/setup.sh

run: setup  ## run the whole pipeline here, until Ctrl-C (ARGS='--bars 100')
	@stockstream up $(ARGS)

test: setup lint  ## check and test everything (ARGS='-k transform')
	pytest $(ARGS)

lint: setup  ## check style, types, the template and the locks
	ruff format --check --quiet .
	ruff check --quiet .
	mypy
	cfn-lint template.yaml
	sam validate --lint

format: setup  ## mend what ruff can mend
	ruff format .
	ruff check --fix .

bench: setup  ## measure the transform beside other ways to do its work
	@OPENBLAS_NUM_THREADS=1 python bench/run.py

fuzz: setup  ## throw rubbish at the transform (Linux; MINUTES=5)
	@uv run --quiet --no-project --python .venv/bin/python --with atheris==3.1.0 bench/fuzz.py $(or $(MINUTES),5)

lock: setup  ## compile the locks from pyproject.toml
	uv pip compile --quiet --universal --generate-hashes --python-version 3.13 pyproject.toml -o layers/common/requirements.txt
	uv pip compile --quiet --universal --generate-hashes --python-version 3.13 pyproject.toml --group dev -c layers/common/requirements.txt -o requirements/dev.txt

clean:  ## remove what the other targets made
	rm -rf .aws-sam .hypothesis .mypy_cache .pytest_cache .ruff_cache .stockstream .uv .venv

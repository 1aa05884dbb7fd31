# The front door: `make run` and `make test` need git, make and Python 3.11 or newer, and set up the rest.
.DEFAULT_GOAL := help
SHELL := /bin/sh
export PATH := $(CURDIR)/.venv/bin:$(PATH)
export SAM_CLI_TELEMETRY := 0
# Some containers forbid Python to keep compiled modules: each process would compile all that it imports anew.
unexport PYTHONDONTWRITEBYTECODE
# A file's tests stay together, since they may share a stack; more workers than two, since some of them wait.
WORKERS := -n 4 --dist loadfile --no-loadscope-reorder
LINTS := lint-style lint-types lint-imports lint-template lint-locks
COMPILE := uv pip compile --quiet --universal --generate-hashes --python-version 3.13 \
	--custom-compile-command 'make lock'
# What some targets need is installed for them alone.
ALONE := uv run --quiet --no-project --isolated --python .venv/bin/python --with-requirements
AUDIT := $(ALONE) requirements/audit.txt

.PHONY: help setup setup-tests run search test all-tests check check-tests test-slow drill soak year mutants audit docs sbom release lint lint-style lint-types lint-imports lint-template lint-locks format bench bench-record bench-instruments bench-tail bench-year bench-lake bench-start bench-page generate lock build invoke-producer invoke-transform invoke-alert deploy cost clean pictures compatibility

help:  ## say what there is
	@sed -n 's/^\([a-z][a-z -]*\):.*  ## /\1	/p' $(MAKEFILE_LIST) | expand -t 48

# A clone that was moved or copied has the .venv of another place, which would run that place's code.
ifneq ($(shell cat .venv/.ready 2>/dev/null),$(realpath $(CURDIR)))
.PHONY: .venv/.ready .venv/.complete
endif

setup: .venv/.ready  ## make .venv with what running and deploying need

setup-tests: .venv/.complete  ## and with what testing and generating need

.venv/.ready: requirements/run.txt pyproject.toml local/setup.sh
	@local/setup.sh

.venv/.complete: requirements/dev.txt pyproject.toml local/setup.sh
	@local/setup.sh tests

run: setup  ## run the whole pipeline here, until Ctrl-C (ARGS='--bars 100')
	@stockstream up $(ARGS)

search: setup  ## OpenSearch and Dashboards here, in Docker, filled from `make run`
	@stockstream search up

test: setup-tests  ## check and test everything, in random order (ARGS='-k transform')
	@started=$$(date +%s); $(MAKE) --no-print-directory -k -j 6 $(LINTS) all-tests; status=$$?; \
		echo "make test took $$(( $$(date +%s) - started )) s"; exit $$status

all-tests:
	@pytest $(WORKERS) $(ARGS)

check: setup-tests  ## the quick part of it: style, types, imports, unit and property tests
	@started=$$(date +%s); $(MAKE) --no-print-directory -k -j 4 lint-style lint-types lint-imports check-tests; status=$$?; \
		echo "make check took $$(( $$(date +%s) - started )) s"; exit $$status

check-tests:
	@pytest $(WORKERS) --quiet tests/unit tests/property

test-slow: setup-tests  ## the same with all that `make test` leaves out: long days, each case, each fault's notice
	pytest $(WORKERS) --thorough $(ARGS)

drill: setup-tests  ## play trading days under faults, and look whether anything is lost or wrong (ARGS='--seeds 7')
	@python tests/drill/drill.py $(ARGS)

soak: setup-tests  ## run the functions through a trading month in one process, and look whether anything grows
	@python tests/soak/soak.py $(ARGS)

year: setup-tests  ## play the year 2026 with 30 mixed instruments and 1,000 shares, and compare all with an oracle
	@python tests/year/year.py $(ARGS)

mutants: setup-tests  ## break the code in each place and see which tests notice (ARGS=indicators for one module)
	@uv run --quiet --no-project --python .venv/bin/python --with-requirements requirements/mutants.txt \
		tests/mutants/mutants.py $(ARGS)

audit: setup-tests  ## check GitHub's workflows, and the locked packages for known weaknesses (needs the internet)
	@$(AUDIT) zizmor --quiet --offline --persona auditor .github
	@set -e; for lock in layers/common/requirements.txt requirements/*.txt; do \
		$(AUDIT) pip-audit --progress-spinner off --strict --disable-pip --require-hashes --requirement $$lock || { \
			echo "audit: see above what pip-audit found in $$lock. \"Not found on PyPI\", \"could not be audited\" and errors of a" \
				"connection mean that its database was not reached from here: nothing is known then."; exit 1; }; done

docs: setup-tests  ## build the docs as a site, .stockstream/site/index.html, and check its links
	@python -m stockstream_generate.site stage
	@said=$$($(ALONE) requirements/docs.txt zensical build --strict --clean 2>&1) || { echo "$$said"; exit 1; }
	@python -m stockstream_generate.site check
	@echo ".stockstream/site/index.html; its search needs a server: python3 -m http.server --bind 127.0.0.1 --directory .stockstream/site"

sbom: setup-tests  ## write dist/stockstream.cdx.json: what the functions bring into Lambda, as CycloneDX
	@mkdir -p dist
	@$(AUDIT) python -W ignore -m cyclonedx_py requirements --pyproject pyproject.toml --output-reproducible \
		--output-file dist/stockstream.cdx.json layers/common/requirements.txt

release: setup-tests sbom  ## write dist/ for a tag: packages, bill of materials, what has changed (TAG=v0.1.0)
	@python -m stockstream_generate.release_notes "$(TAG)" >dist/changes.md
	@uv build --quiet --no-build-isolation --python .venv/bin/python --out-dir dist

lint: setup-tests  ## check style, types, imports, the template and the locks, side by side
	@$(MAKE) --no-print-directory -k -j 4 $(LINTS)

lint-style:
	@ruff format --check --quiet .
	@ruff check --quiet .

lint-types:
	@mypy --no-error-summary

lint-imports:
	@said=$$(lint-imports --no-logo --no-cache) || { echo "$$said"; exit 1; }

lint-template:
	@cfn-lint template.yaml budget.yaml deploy-role.yaml

lint-locks:
	@kept=$$(mktemp -d) && trap 'rm -rf "$$kept"' EXIT \
		&& cp layers/common/requirements.txt "$$kept/layer.txt" && cp requirements/*.txt "$$kept" \
		&& $(COMPILE) --group layer -o "$$kept/layer.txt" \
		&& $(COMPILE) pyproject.toml --group dev -c layers/common/requirements.txt -o "$$kept/dev.txt" \
		&& $(COMPILE) pyproject.toml -c requirements/dev.txt -o "$$kept/operate.txt" \
		&& $(COMPILE) pyproject.toml --group run -c requirements/dev.txt -o "$$kept/run.txt" \
		&& $(COMPILE) --group mutants -c requirements/dev.txt -o "$$kept/mutants.txt" \
		&& $(COMPILE) --group audit -o "$$kept/audit.txt" && $(COMPILE) --group docs -o "$$kept/docs.txt" \
		&& cmp -s "$$kept/layer.txt" layers/common/requirements.txt && cmp -s "$$kept/dev.txt" requirements/dev.txt \
		&& cmp -s "$$kept/mutants.txt" requirements/mutants.txt && cmp -s "$$kept/audit.txt" requirements/audit.txt \
		&& cmp -s "$$kept/docs.txt" requirements/docs.txt && cmp -s "$$kept/operate.txt" requirements/operate.txt \
		&& cmp -s "$$kept/run.txt" requirements/run.txt \
		|| { echo "The locks are not what pyproject.toml asks for: run make lock."; exit 1; }

format: setup-tests  ## mend what ruff can mend
	ruff format .
	ruff check --fix .

bench: setup-tests  ## measure the transform beside other ways to do its work
	@OPENBLAS_NUM_THREADS=1 python bench/run.py

lock: setup-tests  ## compile the locks from pyproject.toml (ARGS=--upgrade for newer versions)
	$(COMPILE) $(ARGS) --group layer -o layers/common/requirements.txt
	$(COMPILE) $(ARGS) pyproject.toml --group dev -c layers/common/requirements.txt -o requirements/dev.txt
	$(COMPILE) $(ARGS) pyproject.toml -c requirements/dev.txt -o requirements/operate.txt
	$(COMPILE) $(ARGS) pyproject.toml --group run -c requirements/dev.txt -o requirements/run.txt
	$(COMPILE) $(ARGS) --group mutants -c requirements/dev.txt -o requirements/mutants.txt
	$(COMPILE) $(ARGS) --group audit -o requirements/audit.txt
	$(COMPILE) $(ARGS) --group docs -o requirements/docs.txt

generate: setup-tests  ## write what follows from something else: schemas, pages, calendars, saved objects, the dashboards' pictures
	@python -m stockstream_generate

compatibility: setup-tests  ## write down what this version writes, for later ones to read; before a release
	@PYTHONPATH=tests/models python tests/compatibility/write.py

bench-page: setup-tests  ## measure the page over a day and over three years (needs Chromium; ARGS='--days 1 100')
	@python bench/page.py $(ARGS)

pictures: setup-tests  ## take the pictures of the page that the docs show (needs Chromium)
	@PYTHONPATH=tests/models python tests/pictures/take.py

bench-year: setup-tests  ## run the quota planner through a simulated trading year (two minutes)
	@python bench/trading_year.py

bench-lake: setup-tests  ## measure how a lake of many days answers (ARGS='--days 1000 --small 20')
	@python bench/lake.py $(ARGS)

build: setup  ## sam build, for AWS, to look at it: make deploy builds by itself
	sam build

invoke-producer invoke-transform invoke-alert: invoke-%: setup  ## sam local invoke with every sample event (EVENT=events/alarm-ok.json)
	@stockstream invoke $* $(EVENT)

deploy: setup  ## check, build and deploy to AWS, without a question (ARGS='Instruments=AAPL,MSFT AlertEmail=me@example.com')
	@stockstream deploy $(ARGS)

bench-start: setup-tests  ## measure how long `make run` takes until its first bars, step by step
	@python bench/first_bar.py

bench-instruments: setup-tests  ## measure how a run grows from 1 to 5,000 instruments
	@python bench/instruments.py $(ARGS)

bench-tail: setup-tests  ## measure what a tail takes in DynamoDB, and what a million bars cost
	@python bench/tail_cost.py

bench-record: setup-tests  ## measure what a look-back takes in a record
	@python bench/record_size.py

cost: setup  ## count what a stack costs in a month (ARGS='--instruments 1000 --provider alpaca')
	@stockstream cost $(ARGS)

clean:  ## remove what the other targets made
	rm -rf .aws-sam .hypothesis .mypy_cache .pytest_cache .ruff_cache .stockstream .uv .venv dist

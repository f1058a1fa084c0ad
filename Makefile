# `make` alone prints this list. Every target sets up what it needs.

PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
PIP_INSTALL := $(BIN)/pip install --quiet --constraint constraints.txt
# For an installation that is to stand without this checkout, and serves the default model alone:
# make install VENV=/opt/nutgraf EDITABLE= EXTRAS=
EDITABLE := --editable
EXTRAS := torch
comma := ,

.DEFAULT_GOAL := help
.PHONY: help install demo dist checkpoints test coverage test-fast test-slow lock test-lowest test-pythons test-ray fuzz soak lint audit protos protos-check bench eval train clean

help:  ## Print this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/\1|\2/' | \
		while IFS='|' read -r target text; do printf '  make %-13s %s\n' "$$target" "$$text"; done

install: $(VENV)/service.stamp  ## Make .venv with everything that serving needs

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "make: $(PYTHON) is not Python 3.11 or newer; name one with PYTHON=..." >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

# torch comes first and by itself: pinned, it is the CPU build.
$(VENV)/service.stamp: pyproject.toml client/pyproject.toml constraints.txt | $(BIN)/python
	$(if $(filter torch train,$(subst $(comma), ,$(EXTRAS))),$(PIP_INSTALL) torch)
	$(PIP_INSTALL) $(EDITABLE) './client[cli]' $(EDITABLE) '.$(EXTRAS:%=[%])'
	@touch $@

$(VENV)/dev.stamp: $(VENV)/service.stamp
	$(PIP_INSTALL) --editable './client[cli]' --editable '.[torch,eval,otel,dev]'
	@touch $@

# By itself: few need it, and it is large.
$(VENV)/ray.stamp: $(VENV)/dev.stamp
	$(PIP_INSTALL) --editable './client[cli]' --editable '.[torch,ray]'
	@touch $@

PROTOS_TOOLS := grpcio-tools mypy-protobuf googleapis-common-protos
$(VENV)-protos/stamp: protos/constraints.txt
	$(PYTHON) -m venv $(VENV)-protos
	$(VENV)-protos/bin/pip install --quiet --constraint protos/constraints.txt $(PROTOS_TOOLS)
	@touch $@

$(VENV)-audit/stamp:
	$(PYTHON) -m venv $(VENV)-audit
	$(VENV)-audit/bin/pip install --quiet pip-audit
	@touch $@

TEST_TOOLS := pytest pytest-asyncio pytest-timeout trustme
$(VENV)-lowest/stamp: client/pyproject.toml constraints-lowest.txt
	$(PYTHON) -m venv $(VENV)-lowest
	$(VENV)-lowest/bin/pip install --quiet --constraint constraints-lowest.txt --editable './client[cli]' $(TEST_TOOLS)
	@touch $@

lock: | $(BIN)/python  ## Pin the newest releases that pyproject.toml and constraints.in allow
	$(BIN)/pip install --quiet --dry-run --ignore-installed --report - --constraint constraints.in \
		--editable './client[cli]' --editable '.[torch,train,eval,otel,ray,dev]' >$(VENV)/lock.json
	$(BIN)/python .ci/lock 'The Makefile installs with them.' <$(VENV)/lock.json >constraints.txt
	$(BIN)/pip install --quiet --dry-run --ignore-installed --report - --constraint constraints.in \
		$(PROTOS_TOOLS) >$(VENV)/lock.json
	$(BIN)/python .ci/lock 'For `make protos`.' <$(VENV)/lock.json >protos/constraints.txt

demo: install  ## Summarise the articles in seeds/ with the default model
	@$(BIN)/nutgraf models pull
	@$(BIN)/python seeds/demo.py

# The small models that tests use.
checkpoints: $(VENV)/dev.stamp
	PYTHONPATH=tests $(BIN)/python -m checkpoints

TEST_PROCESSES ?= 3
test: checkpoints  ## Run the tests
	$(BIN)/nutgraf models pull
	$(BIN)/pytest -m 'not slow and not ray' --numprocesses $(TEST_PROCESSES) --dist loadfile

coverage: checkpoints  ## Run the tests, and list the lines and branches that they miss
	$(BIN)/nutgraf models pull
	$(BIN)/coverage erase
	$(BIN)/pytest -m 'not slow and not ray' --numprocesses $(TEST_PROCESSES) --dist loadfile --cov --cov-report=term

# Tests without a model or a server process; they find most mistakes in a fraction of the time.
FAST_TESTS = tests/client tests/test_rooms.py tests/test_readme.py $(shell grep -L checkpoint tests/models/test_*.py)
test-fast: $(VENV)/dev.stamp  ## Run the tests of the client and of text, without models
	$(BIN)/pytest -m 'not slow and not ray' --numprocesses $(TEST_PROCESSES) --dist loadfile $(FAST_TESTS)

test-slow: $(VENV)/dev.stamp  ## Run the tests that take minutes or gigabytes
	$(BIN)/nutgraf models pull
	$(BIN)/pytest -m slow

test-lowest: $(VENV)-lowest/stamp  ## Run the client's tests with the lowest of all that it declares
	$(VENV)-lowest/bin/pytest tests/client

PYTHONS ?= python3.12 python3.13
PYTHONS_TESTS = tests/client tests/service/test_calls.py tests/service/test_check_summary.py tests/service/test_errors.py
test-pythons: dist  ## Install the wheels with each of PYTHONS (python3.12 python3.13), without torch, and try them
	@for python in $(PYTHONS); do \
		$$python -c '' 2>/dev/null || { echo "make: there is no $$python here; not tried with it" >&2; continue; }; \
		venv=$(VENV)-$$(basename $$python) && rm -rf $$venv && $$python -m venv $$venv && \
		$$venv/bin/pip install --quiet --constraint constraints.txt dist/*.whl $(TEST_TOOLS) pytest-xdist && \
		$$venv/bin/pytest -m 'not slow and not ray' --numprocesses $(TEST_PROCESSES) --dist worksteal $(PYTHONS_TESTS) || exit 1; \
	done

dist: $(VENV)/dev.stamp  ## Build the wheels and sdists of nutgraf and nutgraf-server
	rm -rf dist
	$(BIN)/python -m build --outdir dist client >/dev/null
	$(BIN)/python -m build --outdir dist . >/dev/null

test-ray: $(VENV)/ray.stamp  ## Run the tests of the service on Ray Serve, on a cluster of this machine
	NUTGRAF_TEST_RAY=1 $(BIN)/python tests/support/own_network.py $(BIN)/pytest -m ray tests/service

FUZZ_TIMES ?= 20
FUZZ_TESTS ?= tests
SEED ?=
fuzz: $(VENV)/dev.stamp  ## Try the property tests at random, with FUZZ_TIMES (20) as many examples: make fuzz SEED=...
	@seed=$(or $(SEED),$$($(BIN)/python -c 'import secrets; print(secrets.randbelow(10**9))')) && \
		echo "seed $$seed" && \
		{ FUZZ_TIMES=$(FUZZ_TIMES) $(BIN)/pytest -m hypothesis --timeout 7200 --hypothesis-seed=$$seed $(FUZZ_TESTS) || \
			{ echo "make: to try the same again: make fuzz SEED=$$seed FUZZ_TIMES=$(FUZZ_TIMES)" >&2; exit 1; }; }

SOAK_SECONDS ?= 900
soak: $(VENV)/dev.stamp  ## Mixed traffic and random faults, for SOAK_SECONDS (900), and what became of each call
	PYTHONPATH=tests $(BIN)/python -m soak --seconds $(SOAK_SECONDS) $(SOAK_FLAGS)

lint: $(VENV)/dev.stamp $(VENV)-protos/stamp  ## Check style, types, the contract, and that generated code is up to date
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/deptry --no-ansi client --config client/pyproject.toml
	$(BIN)/deptry --no-ansi models service
	@$(MAKE) --no-print-directory protos-check

audit: $(VENV)/dev.stamp $(VENV)-audit/stamp  ## Look the installed packages up in a database of vulnerabilities
	@{ $(VENV)-audit/bin/pip-audit --path $$($(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))') \
		--progress-spinner off --format json 2>/dev/null || true; } | $(BIN)/python .ci/audit

protos: $(VENV)-protos/stamp  ## Generate client/nutgraf/v1 from protos/
	PATH="$(CURDIR)/$(VENV)-protos/bin:$$PATH" $(VENV)-protos/bin/python protos/generate.py

protos-check: $(VENV)/dev.stamp $(VENV)-protos/stamp
	PATH="$(CURDIR)/$(VENV)-protos/bin:$$PATH" $(VENV)-protos/bin/python protos/generate.py --check
	$(VENV)-protos/bin/python protos/generate.py --image $(VENV)-protos/image.binpb
	$(BIN)/buf lint $(VENV)-protos/image.binpb --config protos/buf.yaml
	@tag=$$(git describe --tags --abbrev=0 --match 'v*' 2>/dev/null) || exit 0; \
		rm -rf $(VENV)-protos/released && mkdir $(VENV)-protos/released && \
		git archive "$$tag" protos | tar -x -C $(VENV)-protos/released && \
		$(VENV)-protos/bin/python protos/generate.py --image $(VENV)-protos/released.binpb \
			--root $(VENV)-protos/released/protos && \
		echo "buf breaking against $$tag" && \
		$(BIN)/buf breaking $(VENV)-protos/image.binpb --config protos/buf.yaml --against $(VENV)-protos/released.binpb

bench: $(VENV)/dev.stamp  ## Measure start-up, memory and the time of a summary
	@$(BIN)/nutgraf models pull
	@$(BIN)/python tests/benchmarks/first_figures.py

DATA ?=
eval: $(VENV)/dev.stamp  ## Score a model: make eval DATA=articles.jsonl LENGTH=short MODEL=...
	@test -n "$(DATA)" || { echo 'make: name JSON lines of "article" and "reference": make eval DATA=articles.jsonl' >&2; exit 1; }
	@$(BIN)/nutgraf models pull
	@$(BIN)/nutgraf eval $(DATA) --length $(or $(LENGTH),short) $(if $(MODEL),--model $(MODEL)) $(EVAL_FLAGS)

TRAIN ?=
DEV ?=
RUN ?= .cache/train
train: $(VENV)/dev.stamp  ## Train an adapter: make train TRAIN="a.jsonl b.jsonl" DEV=c.jsonl RUN=folder; goes on where it was
	@test -n "$(TRAIN)" -a -n "$(DEV)" || { echo 'make: name JSON lines of "article", "short" and "long" to train on and to check' \
		'with: make train TRAIN="a.jsonl b.jsonl" DEV=c.jsonl' >&2; exit 1; }
	@mkdir -p $(RUN)
	@$(BIN)/nutgraf train pairs $(DEV) --output $(RUN)/dev.jsonl
	@$(BIN)/nutgraf train pairs $(TRAIN) $(addprefix --not-in ,$(DEV)) --output $(RUN)/train.jsonl
	@$(BIN)/nutgraf train run $(RUN)/train.jsonl --dev $(RUN)/dev.jsonl --output $(RUN)/run $(TRAIN_FLAGS)

clean:  ## Remove what make made, but not the cache of models
	rm -rf client/examples/node/node_modules client/examples/ruby/lib $(VENV) $(VENV)-protos $(VENV)-lowest $(VENV)-audit $(VENV)-python3.* .cache .pytest_cache .mypy_cache .ruff_cache build dist

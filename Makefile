# What a developer and CI call. A fresh machine needs Python 3.11 to 3.13 with venv, make and a package registry.
SHELL := bash
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
SOURCES := operator/src stages/src tests images manifests
TIERS ?= unit,store,control-plane,nodes,gpu
COMMA := ,
CHOSEN := $(subst $(COMMA), ,$(TIERS))
TOOLS ?= $(CHOSEN)
# Tiers without nodes are shared by so many processes, a file each; then so many, with a cluster each, do what needs nodes.
WORKERS ?= 3
CLUSTERS ?= 2
SHARED := $(subst $() ,$(COMMA),$(filter-out nodes,$(CHOSEN)))
NODES := $(filter nodes,$(CHOSEN))
.DEFAULT_GOAL := install
.PHONY: install prepare demo test test-trainers test-models test-pythons check format generate images lock bench bench-operator cluster cluster-down

install: $(VENV)/.installed

# uv first, by pip: it is a pin of the lock like all else. Then the lock, then the two distributions, built by its hatchling.
$(VENV)/.installed: requirements.lock operator/pyproject.toml stages/pyproject.toml
	@$(PYTHON) -c 'import sys; (3, 11) <= sys.version_info < (3, 14) or sys.exit("reelmill needs Python 3.11, 3.12 or 3.13: say make PYTHON=python3.12")'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "installing requirements.lock into $(VENV)"
	@test -x $(BIN)/uv || $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes \
	  --requirement <(awk '/^[^ ]/ {chosen = /^uv==/} chosen' requirements.lock)
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements.lock
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation -e ./operator -e ./stages
	@touch $@

# What the tiers need and is not there yet is made here, before any test: programs, packages, images. See CONTRIBUTING.md.
prepare: install
	@PYTHONPATH=tests $(BIN)/python -m tools $(TOOLS)

cluster: TOOLS = nodes
cluster: prepare
	@PYTHONPATH=tests $(BIN)/python -m cluster up $(ARGS)

cluster-down: install
	@PYTHONPATH=tests $(BIN)/python -m cluster down

demo: install
	@$(BIN)/python tests/demo

test: prepare
	@shared=5; nodes=5; \
	$(if $(SHARED),REELMILL_TIERS=$(SHARED) $(BIN)/pytest -n $(WORKERS) --dist loadfile $(ARGS); shared=$$?;) \
	$(if $(NODES),REELMILL_TIERS=$(NODES) $(BIN)/pytest -n $(CLUSTERS) --dist loadfile $(ARGS); nodes=$$?;) \
	case $$shared,$$nodes in 0,0|0,5|5,0) ;; *) exit 1;; esac  # 5: no test was chosen

# The trainers of others open what we write: environments of several GB, made once and kept in ~/.cache.
test-trainers: TOOLS = trainers
test-trainers: prepare
	REELMILL_TRAINERS=1 $(BIN)/pytest tests/trainers $(ARGS)

# Stages that run models, in pods: an image of several GB, and twenty more on the disk while it is built and unpacked.
test-models: TOOLS = models
test-models: prepare
	REELMILL_MODELS=1 REELMILL_REQUIRE=nodes REELMILL_TIERS=nodes $(BIN)/pytest tests/nodes/test_models_on_nodes.py $(ARGS)

test-pythons: install
	$(BIN)/python tests/pythons.py -n $(WORKERS) --dist loadfile $(ARGS)

check: install
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/ruff format --check $(SOURCES)
	$(BIN)/mypy
	$(BIN)/mypy --platform darwin --no-warn-unreachable --cache-dir .mypy_cache/darwin
	$(BIN)/lint-imports --no-logo
	REELMILL_REQUIRE= $(BIN)/pytest -q tests/repo

format: install
	$(BIN)/ruff check --fix $(SOURCES)
	$(BIN)/ruff format $(SOURCES)

generate: install
	PYTHONPATH=tests $(BIN)/python -m release_version
	PYTHONPATH=tests $(BIN)/python -m decisions
	$(BIN)/python -P -m reelmill.schema
	$(BIN)/python -P -m reelmill.cli.manual
	$(BIN)/python manifests/generate.py
	PYTHONPATH=tests $(BIN)/python -m features
	PYTHONPATH=tests $(BIN)/python -m api_pages
	PYTHONPATH=tests $(BIN)/python -m stage_folders

# make images ARGS="operator --registry registry.example/video"; after --, words for the builder.
images:
	@$(PYTHON) images/build.py $(ARGS)

# Versions stay unless a requirement changed; make lock ARGS=--upgrade moves them all.
LOCK = $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
  --no-emit-index-url --no-emit-find-links --no-emit-package reelmill --no-emit-package reelmill-stages
PINNED = $(LOCK) --no-annotate --constraint requirements.lock
lock: install
	$(LOCK) $(ARGS) requirements.in -o requirements.lock
	$(PINNED) $(ARGS) requirements-torch.in -o requirements-torch.lock
	$(PINNED) images/build.in -o images/build.lock
	$(PINNED) images/operator/requirements.in -o images/operator/requirements.lock
	$(PINNED) images/stages/requirements.in -o images/stages/requirements.lock
	$(PINNED) --constraint requirements-torch.lock images/stages/requirements-embed.in -o images/stages/requirements-embed.lock

bench: TOOLS = store
bench: prepare
	$(BIN)/python tests/bench

# The operator under load, by hand: make bench-operator ARGS="many --pipelines 100"; with --page it writes the page.
bench-operator: TOOLS = control-plane
bench-operator: prepare
	@$(BIN)/python tests/bench_operator $(ARGS)

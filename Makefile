# Two commands are enough on a fresh machine: `make demo` and `make test`.

PYTHON ?= python3
TORCH ?= torch==2.13.0
VENV ?= .venv
WORKERS ?= 2

BIN := $(VENV)/bin
INSTALL := $(BIN)/pip install --disable-pip-version-check --quiet -c $(VENV)/constraints.txt

.PHONY: demo test lint bench bench-smoke studies docs faults pictures clean

demo: $(VENV)/.installed-demo  ## train on real data and write the report: build/demo/index.html
	$(BIN)/inscape demo -o build/demo

test: $(VENV)/.installed-dev  ## everything, in random order, then the kernels once more as plain Python
	$(BIN)/coverage erase
	$(BIN)/pytest -n $(WORKERS) --dist worksteal --cov --cov-report=
	NUMBA_DISABLE_JIT=1 $(BIN)/pytest -m interpreted --cov --cov-append --cov-report=
	$(BIN)/coverage report --fail-under=90

lint: $(VENV)/.installed-dev  ## style, docstrings, types, floors
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/basedpyright
	$(BIN)/lint-imports --no-logo

bench: $(VENV)/.installed-dev  ## every script of benchmarks/, into benchmarks/results/
	set -e; for script in benchmarks/[a-z]*.py; do $(BIN)/python $$script -o benchmarks/results; done

bench-smoke: $(VENV)/.installed-dev  ## the same in small, to see that it runs
	set -e; for script in benchmarks/[a-z]*.py; do $(BIN)/python $$script --quick -o build/bench; done

studies: $(VENV)/.installed-demo  ## every study at full size, on all cores; goes on where it was interrupted
	set -e; for name in capacity geometry; do $(BIN)/inscape study $$name --resume -o build/study-$$name; done

docs: $(VENV)/.installed-dev  ## build/docs/index.html
	$(BIN)/sphinx-build -W --keep-going -q -b html docs build/docs

faults: $(VENV)/.installed-demo  ## train the suite of planted faults anew, and write its labels and its page's table
	$(BIN)/python docs/make_faults.py

pictures: $(VENV)/.installed-demo  ## the picture of the README
	$(BIN)/python docs/images/make.py

clean:  ## what was built; the environment stays
	rm -rf build dist .pytest_cache .ruff_cache .hypothesis .import_linter_cache .coverage htmlcov

# torch goes in first and by itself, so that TORCH may name another build than constraints.txt does.
$(VENV)/.installed-torch: constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed")'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	grep -v '^torch==' constraints.txt > $(VENV)/constraints.txt
	@echo "Installing torch and what comes with it into $(VENV); this takes a few minutes the first time."
	$(INSTALL) '$(TORCH)'
	touch $@

$(VENV)/.installed-demo: $(VENV)/.installed-torch pyproject.toml
	$(INSTALL) -e '.[data]'
	touch $@

$(VENV)/.installed-dev: $(VENV)/.installed-torch pyproject.toml
	$(INSTALL) -e '.[dev]'
	touch $@ $(VENV)/.installed-demo

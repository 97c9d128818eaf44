# make demo    install into .venv and run the closed loop on Iris
# make test    install with the development tools and run the tests (test-full: the slow ones too)
# make bench   the benchmark table, and bench.json (bench-peers: other array simulators, in an environment of their own)
# make lint    ruff and pyright

VENV := .venv
BIN := $(VENV)/bin

# the first interpreter that is new enough, unless PYTHON says which
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)

.PHONY: demo test test-full bench bench-peers lint clean

demo: $(VENV)/.installed
	$(BIN)/anamorph run iris

# Each worker compiles on one core, so two halve the wait; a file's tests stay together, as they share fixtures.
WORKERS ?= 2
PYTEST := $(BIN)/python -m pytest --numprocesses $(WORKERS) --dist loadfile

test: $(VENV)/.installed-dev
	$(PYTEST) -m "not slow"

test-full: $(VENV)/.installed-dev
	$(PYTEST)

bench: $(VENV)/.installed
	$(BIN)/python benchmarks/run.py

# badcrossbar without what only its plots need; CrossSim is on no index (CROSSSIM may name a folder of it)
CROSSSIM ?= git+https://github.com/sandialabs/cross-sim
# aihwkit by name (pip builds it) or as a folder of its unpacked source (its Python part suffices)
AIHWKIT ?= aihwkit
PEERS := .venv-peers
bench-peers:
	@$(PYTHON) scripts/make_venv.py $(PEERS)
	$(PEERS)/bin/python -m pip install --quiet --disable-pip-version-check numpy scipy pathvalidate sigfig
	-$(PEERS)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps badcrossbar
	-$(PEERS)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps $(CROSSSIM)
	-$(PEERS)/bin/python -m pip install --quiet --disable-pip-version-check torch scikit-learn requests tqdm
	-$(PEERS)/bin/python benchmarks/peers/install_aihwkit.py $(AIHWKIT)

lint: $(VENV)/.installed-dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/pyright

# The stamps are older than pyproject.toml only when the requirements may have changed. The install is
# editable, so changes of the code itself need nothing.
$(VENV)/.installed: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	touch $@

$(VENV)/.installed-dev: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	touch $@ $(VENV)/.installed

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "anamorph needs Python 3.11 or newer: none found." \
		"Install one, or name it: make PYTHON=/path/to/python3" >&2; exit 2; }
	@$(PYTHON) scripts/make_venv.py $(VENV)

clean:
	rm -rf $(VENV) .cache .pytest_cache .ruff_cache .hypothesis build dist

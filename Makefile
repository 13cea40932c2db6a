# Everything a contributor runs. `make help` says what there is.

PRECISE_CACHE ?= $(if $(XDG_CACHE_HOME),$(XDG_CACHE_HOME),$(HOME)/.cache)/precise
export PRECISE_CACHE
export CARGO_TARGET_DIR = $(PRECISE_CACHE)/target
PYTHON = $(PRECISE_CACHE)/venv/bin/python

# Go, in which the judges of logs are written, keeps what it has with the rest, and takes no other
# release of itself than setup has installed.
export GOCACHE = $(PRECISE_CACHE)/go/build
export GOMODCACHE = $(PRECISE_CACHE)/go/modules
export GOFLAGS = -mod=readonly -modcacherw
export GOTOOLCHAIN = local

.DEFAULT_GOAL := help
.PHONY: help setup test test-all lint bench bench-pg bench-log bench-attribution bench-royalty fuzz
.PHONY: pg-build pg-install pg-uninstall pg-deb

help: ## Say what there is
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) \
	    | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 26
	@echo
	@echo "Builds and tools are kept in $(PRECISE_CACHE) (set PRECISE_CACHE to change that)."

setup: ## Install what the tests need and this machine lacks (says first what)
	@tests/setup.sh

test: setup ## Run every test, one line per leg
	@tests/legs.sh

test-all: ## make test, other versions and the long runs; writes docs/tested.md
	@tests/setup.sh --all
	@tests/legs.sh --all

lint: setup ## Format, clippy, licences, generated files, style
	@tests/legs.sh --only format clippy clippy-postgres deny generated tidy

bench: setup ## Print the table of ratios to peers (release builds; wants a quiet machine)
	@$(PYTHON) -m pip install --quiet --disable-pip-version-check -r tests/bench/requirements.txt
	@$(PYTHON) tests/bench/bench.py

PG_CONFIG ?= /usr/lib/postgresql/15/bin/pg_config
bench-pg: setup ## Print the ratios inside PostgreSQL (release build; wants a quiet machine)
	@PG_CONFIG=$(PG_CONFIG) $(PYTHON) tests/bench/bench_postgres.py

bench-log: setup ## Print how fast the log is (release build; wants a quiet machine)
	@PG_CONFIG=$(PG_CONFIG) $(PYTHON) tests/bench/bench_log.py

bench-attribution: setup ## Print how fast paths are credited (release; wants a quiet machine)
	@$(PYTHON) -m pip install --quiet --disable-pip-version-check \
	    -r tests/reference/requirements-long.txt
	@$(PYTHON) tests/bench/bench_attribution.py

bench-royalty: setup ## Print how fast royalties are summed (release; wants a quiet machine)
	@$(PYTHON) tests/bench/bench_royalty.py

pg-build: ## Build the PostgreSQL extension for the server of PG_CONFIG (needs its headers)
	@pg_precise/package.sh build "$(PG_CONFIG)"

pg-install: ## Build it and install it, below DESTDIR if given (LIBRARY: one that is built)
	@pg_precise/package.sh install "$(PG_CONFIG)"

pg-uninstall: ## Remove what pg-install installed
	@pg_precise/package.sh uninstall "$(PG_CONFIG)"

pg-deb: ## Build a Debian package of the extension
	@pg_precise/package.sh deb "$(PG_CONFIG)"

fuzz: ## Fuzz each target for a minute (needs nightly Rust)
	@tests/fuzz/fuzz.sh

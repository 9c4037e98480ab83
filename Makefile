# `make run` needs Python 3.11 or newer with venv, git and make; everything else it installs into .venv.
# Written for GNU make 3.81 and later, which macOS has.

VENV := .venv
BIN := $(VENV)/bin
ADDRESS_OF_NO_SERVER := FUTSIM_SECRET_KEY=lint DATABASE_URL=postgresql://lint@localhost/lint REDIS_URL=redis://localhost
WITH_SERVERS := $(BIN)/python -m futsim.stack.testing --
PYTEST := $(BIN)/python -m pytest
PEERS := $(or $(FUTSIM_PEERS),var/peers)
PEERS_PYTHON := $(or $(PYTHON),python3.11)
CHROMIUM := $(or $(FUTSIM_CHROMIUM),$(shell command -v chromium || command -v chromium-browser || command -v google-chrome))

.DEFAULT_GOAL := help
.PHONY: help run test test-js test-python test-stack test-browser faults load lint fmt bench bench-ranks peers clean erase .venv-run .venv-dev

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' Makefile

run: .venv-run ## install what is missing, then start everything; Ctrl-C stops it
	@$(BIN)/python manage.py up

test: test-js test-python test-stack test-browser ## run all tests

test-js: ## the JavaScript tests, with node's own runner
	@if ! command -v node >/dev/null; then \
		echo "futsim: node is not installed, so the JavaScript tests did not run (Debian: apt install nodejs)."; \
		[ "$$CI" != true ]; \
	else node --test $$(find tests/js -name "*.test.*js"); fi

test-python: .venv-dev ## the Python tests, on two processors
	@$(WITH_SERVERS) $(PYTEST) -n 2 --dist loadfile -m "not browser and not stack and not faults"

test-stack: .venv-dev ## the tests that start and kill whole process trees
	@$(WITH_SERVERS) $(PYTEST) -m stack

test-browser: .venv-dev ## the tests in a real Chromium: the system's, or Playwright's own
	@if [ -z "$(CHROMIUM)" ] && ! $(BIN)/python -m playwright install chromium; then \
		echo "futsim: there is no Chromium, so the browser tests did not run (Debian: apt install chromium)."; \
		[ "$$CI" != true ]; \
	else FUTSIM_CHROMIUM="$(CHROMIUM)" $(WITH_SERVERS) $(PYTEST) -m browser; fi

faults: .venv-dev ## every fault that the live feed must stand, and a week of it (some 20 minutes)
	@$(WITH_SERVERS) $(PYTEST) -m faults

lint: .venv-dev ## check style, types and which room imports which
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(ADDRESS_OF_NO_SERVER) $(BIN)/mypy
	@$(BIN)/lint-imports

fmt: .venv-dev ## format the Python files
	@$(BIN)/ruff check --fix-only --quiet
	@$(BIN)/ruff format

bench: .venv-dev ## measure the engines and the fan-out
	@$(WITH_SERVERS) $(BIN)/python -m tests.bench

load: .venv-dev ## a hundred replays at once on the running product; 500 pages at live, one of them stalled
	@$(BIN)/python -m tests.load
	@$(WITH_SERVERS) $(BIN)/python -m tests.load.live_pages

bench-ranks: .venv-dev ## how well Pending foresees, beside simpler ways
	@$(BIN)/python -m tests.bench.pending ../shared/data

peers: ## install hftbacktest and nautilus_trader for the tests and benchmarks that compare with them
	@test -x $(PEERS)/bin/python || $(PEERS_PYTHON) -m venv $(PEERS)
	@$(PEERS)/bin/python -m pip install --disable-pip-version-check --quiet -r requirements-peers.txt

clean: ## remove .venv and the tools' caches; the data stay
	@echo "removing $(VENV) and the tools' caches"
	@rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache test-results

erase: .venv-run ## remove the database, the market data and the logs (asks for SURE=yes)
	@$(BIN)/python -m futsim.stack.erase $(if $(filter yes,$(SURE)),--yes)

# --- the virtual environment -------------------------------------------------------------------------
# Each stamp holds the checksum of what was installed, so that changed requirements are installed again.

.venv-run:
	@$(call install,requirements.txt)

.venv-dev:
	@$(call install,requirements-dev.txt)

find_python = \
	enough='import sys; sys.exit(sys.version_info < (3, 11))'; \
	for candidate in $(or $(PYTHON),python3 python3.14 python3.13 python3.12 python3.11); do \
		if "$$candidate" -c "$$enough" >/dev/null 2>&1; then python="$$candidate"; break; fi; \
	done; \
	if [ -z "$$python" ]; then \
		echo "futsim: needs Python 3.11 or newer and found none as $(or $(PYTHON),python3). Install one, or name it: make run PYTHON=/path/to/python3.12" >&2; \
		exit 1; \
	fi; \
	if ! "$$python" -c 'import ensurepip, venv' >/dev/null 2>&1; then \
		echo "futsim: $$python cannot make virtual environments. Install its venv module (Debian, Ubuntu: apt install python3-venv)." >&2; \
		exit 1; \
	fi

# $(1): the requirements file
install = \
	stamp="$(VENV)/installed-$(1)"; \
	wanted=`cat requirements.txt $(1) constraints.txt | cksum`; \
	if [ ! -f "$$stamp" ] || [ "`cat "$$stamp"`" != "$$wanted" ] || ! $(BIN)/python -c '' 2>/dev/null; then \
		if ! $(BIN)/python -c 'import pip' 2>/dev/null; then \
			$(find_python); \
			echo "futsim: creating $(VENV) with `"$$python" --version`"; \
			"$$python" -m venv --clear $(VENV) || exit 1; \
		fi; \
		echo "futsim: installing $(1) into $(VENV); the first time takes a minute"; \
		$(BIN)/python -m pip install --disable-pip-version-check -r $(1) -c constraints.txt || { \
			echo "futsim: the packages could not be installed; pip's reason is above. They need Linux (glibc) on x86-64 or ARM64, or macOS on Apple silicon, and a way to a package index." >&2; \
			exit 1; \
		}; \
		echo "$$wanted" > "$$stamp"; \
	fi

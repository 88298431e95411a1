# What a developer or an operator types. Every target sets up what it needs, and is quick when that is there.

PYTHON ?= python3
VENV := .venv
STAMP := $(VENV)/.installed
PORT ?= 8000

# Hundreds of processes start in the tests: none of them is to compile everything anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: run test prove faults kills lint bench docs clean

run: $(STAMP)
	@$(VENV)/bin/rxauth sandbox --port $(PORT)

test:
	@tools/system-packages postgresql softhsm2 chromium npm fonts-dejavu-core systemd sqlite3 xmlsec1 nginx haproxy caddy
	@tools/node-modules & modules=$$!; \
	$(MAKE) --no-print-directory $(VENV)/.docs-installed; made=$$?; \
	wait $$modules && exit $$made
	@$(VENV)/bin/mypy & types=$$!; \
	npm --prefix sdk --silent test && $(VENV)/bin/ruff check && $(VENV)/bin/ruff format --check --quiet && \
	$(VENV)/bin/lint-imports --no-cache; tried=$$?; \
	wait $$types && exit $$tried
	@$(VENV)/bin/pytest --numprocesses 3 --dist worksteal

prove: $(STAMP)
	@tools/system-packages postgresql softhsm2
	@$(VENV)/bin/pytest -m "hypothesis or proof" --prove --numprocesses 2 --dist worksteal -vv --durations 0 --durations-min 1 -rP

faults: $(STAMP)
	@tools/system-packages postgresql nftables iproute2 patroni etcd-server
	@$(VENV)/bin/python -m tests.faults $(ONE)

kills: $(STAMP)
	@tools/system-packages postgresql
	@$(VENV)/bin/python -m tests.faults.kills

lint: $(STAMP)
	@$(VENV)/bin/ruff check --fix
	@$(VENV)/bin/ruff format
	@$(VENV)/bin/mypy
	@$(VENV)/bin/lint-imports --no-cache

bench: $(STAMP)
	@tools/system-packages postgresql wrk npm
	@$(VENV)/bin/python -m bench
	@$(VENV)/bin/python -m bench.growth
	@$(VENV)/bin/python -m bench.big

docs: $(VENV)/.docs-installed
	@tools/system-packages npm && tools/node-modules sdk
	@NO_MKDOCS_2_WARNING=1 $(VENV)/bin/python -m mkdocs --quiet build --strict --site-dir site
	@$(VENV)/bin/python -m reference.foreign site
	@echo "The site is in the folder site. To read it, with its search: $(VENV)/bin/python -m http.server --directory site"

$(VENV)/.docs-installed: $(STAMP)
	@echo "Installing what makes the site ..."
	@$(VENV)/bin/pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[docs]'
	@touch $@

$(STAMP): pyproject.toml clients/python/pyproject.toml constraints.txt tools/make-venv
	@tools/make-venv $(PYTHON) $(VENV)
	@touch $@

clean:
	rm -rf $(VENV) site .mypy_cache .pytest_cache .ruff_cache .hypothesis

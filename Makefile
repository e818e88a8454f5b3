# `make demo` needs Python >= 3.11, git and make; everything else comes into .venv by itself.
# ARGS go to the command behind a target: make up ARGS="--port 0"

.PHONY: demo up test check bench soak fuzz explore clean requirements help
.NOTPARALLEL:

PYTHON := .venv/bin/python
# Compiled once: else each of the processes that a stack starts compiles every library it imports.
export PYTHONDONTWRITEBYTECODE :=

# A stamp carries the checksum of what was installed: the same content is never installed twice.
checksum = $(shell cat pyproject.toml requirements/$(1).txt | cksum | cut -d ' ' -f 1)
LOCAL := .venv/.local-$(call checksum,local)
DEV := .venv/.dev-$(call checksum,dev)

help:
	@echo "make demo    start everything, let a small company trade, check its books and stop"
	@echo "make up      start everything and keep it running"
	@echo "make test    run the tests"
	@echo "make check   run the linters, type and architecture checks"
	@echo "make bench   measure (ONLY=attacks, or SIZE=1000000: what attacks, or that many orders, cost)"
	@echo "make soak    sell for an hour and tell what grows (ARGS=\"--minutes 15 --rate 2\")"
	@echo "make fuzz    send 100,000 odd requests (SEED=… and REQUESTS=… as given)"
	@echo "make explore live random lives and properties that make test does not take (SECONDS=… a test)"
	@echo "make clean   remove .venv and the data of the local stack"

demo: $(LOCAL)
	@.venv/bin/stateset demo $(ARGS)

up: $(LOCAL)
	@.venv/bin/stateset up $(ARGS)

# Three processes on two cores: one often waits for its servers.
test: $(DEV)
	$(PYTHON) -m pytest --numprocesses 3 --dist loadfile $(ARGS)

# Random lives and properties with new seeds; make test takes the same ones in every run.
explore: $(DEV)
	STATESET_EXPLORE=$(or $(SECONDS),60) $(PYTHON) -m pytest --numprocesses 2 --dist loadfile \
	  tests/domain tests/activities -k "whatever or random or any_order or not activities" $(ARGS)

bench: $(DEV)
	$(PYTHON) -m tests.bench $(if $(ONLY),--only $(ONLY)) $(if $(SIZE),--size $(SIZE)) $(ARGS)

soak: $(LOCAL)
	@.venv/bin/stateset soak $(ARGS)

fuzz: $(DEV)
	$(PYTHON) -m tests.fuzz $(if $(SEED),--seed $(SEED)) $(if $(REQUESTS),--requests $(REQUESTS))

# One target per check; add a name here and its recipe below.
CHECKS := check-lint check-format check-types check-imports check-repository
.PHONY: $(CHECKS)
check: $(CHECKS)

check-lint: $(DEV)
	.venv/bin/ruff check
check-format: $(DEV)
	.venv/bin/ruff format --check
check-types: $(DEV)
	.venv/bin/mypy
check-imports: $(DEV)
	.venv/bin/lint-imports
check-repository: $(DEV)
	$(PYTHON) -m tests.checks

clean:
	@! { [ -x $(PYTHON) ] && $(PYTHON) -m runtime.local.record .stateset 2>/dev/null; } \
	  || { echo "a stack runs on .stateset: stop it first" >&2; exit 1; }
	@if [ -L .stateset/postgres ]; then rm -rf "$$(readlink .stateset/postgres)"; fi
	rm -rf .venv .stateset stateset.egg-info build .mypy_cache .ruff_cache .pytest_cache \
	  .hypothesis .import_linter_cache .coverage
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# After a change of the dependencies in pyproject.toml. UPGRADE=--upgrade takes newer versions.
# uv keeps the versions that it finds in its output file, so all three files agree.
COMPILE = uv pip compile --quiet --universal --generate-hashes --no-header --python-version 3.11 \
  pyproject.toml requirements/build.in
requirements:
	$(COMPILE) --extra dev $(UPGRADE) -o requirements/dev.txt
	cp requirements/dev.txt requirements/local.txt
	$(COMPILE) --extra local -o requirements/local.txt
	cp requirements/dev.txt requirements/production.txt
	$(COMPILE) -o requirements/production.txt

$(LOCAL):
	@$(call install,local)
	@touch $(LOCAL)

# dev contains everything of local, in the same versions.
$(DEV):
	@$(call install,dev)
	@touch $(DEV) $(LOCAL)

# uv when it is there, else the Python that is there. A shim may exist for a Python that does not,
# and Debian's python3 may come without venv: so each candidate is tried, not just found.
define install
set -eu; \
old_enough='import sys; sys.exit(sys.version_info < (3, 11))'; \
if uv --version >/dev/null 2>&1; then uv=yes; else uv=; fi; \
if ! $(PYTHON) -c "$$old_enough" 2>/dev/null; then \
  rm -rf .venv; found=; seen=; \
  for candidate in python3.13 python3.12 python3.11 python3; do \
    "$$candidate" -c "$$old_enough" 2>/dev/null || continue; \
    seen=$$candidate; \
    [ -n "$$uv" ] || "$$candidate" -c 'import ensurepip, venv' 2>/dev/null || continue; \
    found=$$candidate; break; \
  done; \
  if [ -n "$$uv" ]; then uv venv --quiet --python "$${found:->=3.11}" .venv; \
  elif [ -n "$$found" ]; then "$$found" -m venv .venv; \
  elif [ -n "$$seen" ]; then \
    echo "$$seen has no venv module: install it (Debian: apt-get install python3-venv)" >&2; exit 1; \
  else \
    echo "StateSet needs Python 3.11 or newer: none of python3.13, python3.12, python3.11 and python3 is" >&2; exit 1; \
  fi; \
fi; \
echo "Installing requirements/$(1).txt into .venv"; \
if [ -n "$$uv" ]; then \
  uv pip install --quiet --python $(PYTHON) --require-hashes -r requirements/$(1).txt; \
  uv pip install --quiet --python $(PYTHON) --no-deps --no-build-isolation -e .; \
else \
  $(PYTHON) -m pip --version >/dev/null 2>&1 || $(PYTHON) -m ensurepip >/dev/null; \
  $(PYTHON) -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/$(1).txt; \
  $(PYTHON) -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .; \
fi
endef

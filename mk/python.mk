# The Python package: built as a wheel, tested as the installed wheel.

PROFILE ?= release
PYTHON ?= python3
PYTHON_VENV := $(CURDIR)/build/venv
PYTHON_WHEELS := $(CURDIR)/build/wheels
PYTHON_PANIC := $(CURDIR)/build/python-panic

PYTHON_BUILD = $(PYTHON_VENV)/bin/maturin build --profile $(PROFILE) $(if $(filter release,$(PROFILE)),--strip --compression-level 9) --compatibility linux \
	--manifest-path bindings-python/Cargo.toml --interpreter $(PYTHON_VENV)/bin/python
PYTHON_INSTALL = $(PYTHON_VENV)/bin/pip install --quiet --disable-pip-version-check --no-deps
# What is imported is what is installed, never what lies in the current folder (Python 3.10 has no word for it).
PYTHON_RUN = PYTHONSAFEPATH=1 $(PYTHON_VENV)/bin/python -m
PYTHON_TEST = $(PYTHON_RUN) pytest --quiet -c bindings-python/pyproject.toml

.PHONY: python-build python-test python-stubs python-panic

$(PYTHON_VENV)/.ready: bindings-python/requirements-test.txt
	$(PYTHON) -m venv $(PYTHON_VENV)
	$(PYTHON_VENV)/bin/pip install --quiet --disable-pip-version-check --requirement $<
	touch $@

python-build: $(PYTHON_VENV)/.ready ## the Python wheel, installed into build/venv
	rm -rf $(PYTHON_WHEELS)
	$(PYTHON_BUILD) --out $(PYTHON_WHEELS)
	$(PYTHON_INSTALL) --force-reinstall $(PYTHON_WHEELS)/*.whl

python-test: ## the Python tests, on the installed wheel
	$(PYTHON_TEST) bindings-python/tests

python-stubs: ## the Python types: mypy --strict on the package and its users, stubtest on the native module
	cd bindings-python && $(PYTHON_RUN) mypy --no-incremental --package sessile
	cd bindings-python && $(PYTHON_RUN) mypy --no-incremental $(CURDIR)/examples/python tests
	cd bindings-python && $(PYTHON_RUN) mypy.stubtest sessile._native

python-panic: $(PYTHON_VENV)/.ready ## a panic arrives as SessileError, on a build made for that
	rm -rf $(PYTHON_PANIC)
	$(PYTHON_BUILD) --features test-panic --out $(PYTHON_PANIC)/wheels
	$(PYTHON_INSTALL) --target $(PYTHON_PANIC)/packages $(PYTHON_PANIC)/wheels/*.whl
	PYTHONPATH=$(PYTHON_PANIC)/packages $(PYTHON_TEST) bindings-python/tests/panic.py

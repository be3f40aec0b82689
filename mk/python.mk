# The Python package: built as a wheel, tested as the installed wheel.

PYTHON ?= python3
PYTHON_VENV := $(CURDIR)/build/venv
PYTHON_WHEELS := $(CURDIR)/build/wheels
PYTHON_PANIC := $(CURDIR)/build/python-panic
PYTHON_PROFILE = $(if $(filter release,$(PROFILE)),--release,--profile $(PROFILE))
PYTHON_MATURIN = VIRTUAL_ENV=$(PYTHON_VENV) $(PYTHON_VENV)/bin/maturin build --quiet --manifest-path bindings-python/Cargo.toml \
	--interpreter $(PYTHON_VENV)/bin/python --compatibility linux

.PHONY: python-build python-test python-vectors python-stubs python-panic

$(PYTHON_VENV)/.ready: bindings-python/requirements-test.txt
	$(PYTHON) -m venv $(PYTHON_VENV)
	$(PYTHON_VENV)/bin/pip install --quiet --disable-pip-version-check --requirement $<
	touch $@

python-build: $(PYTHON_VENV)/.ready ## the Python wheel, installed into build/venv
	rm -rf $(PYTHON_WHEELS)
	$(PYTHON_MATURIN) $(PYTHON_PROFILE) --out $(PYTHON_WHEELS)
	$(PYTHON_VENV)/bin/pip install --quiet --disable-pip-version-check --force-reinstall --no-deps $(PYTHON_WHEELS)/*.whl

python-test: python-stubs ## the Python tests, on the installed wheel
	$(PYTHON_VENV)/bin/python -P -m pytest --quiet -c bindings-python/pyproject.toml bindings-python/tests

python-stubs: ## the Python types: mypy --strict on package and examples, stubtest on the native module
	cd bindings-python/tests && $(PYTHON_VENV)/bin/python -P -m mypy --strict --no-incremental -p sessile
	cd bindings-python/tests && $(PYTHON_VENV)/bin/python -P -m mypy --strict --no-incremental $(CURDIR)/examples/python
	cd bindings-python/tests && $(PYTHON_VENV)/bin/python -P -m mypy.stubtest sessile._native

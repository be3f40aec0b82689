# Sessile. `make help` lists what there is; README.md says what to type first.

.DEFAULT_GOAL := help
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c

PROFILE ?= release
export CARGO_TARGET_DIR ?= $(CURDIR)/target

include mk/c.mk
include mk/python.mk
include mk/node.mk
include mk/keys.mk
include mk/identity.mk
include mk/torture.mk
include mk/fuzz.mk
include mk/bench.mk

.PHONY: help prepare artefacts demo demo-check test test-rust test-format test-docs test-relay test-servers test-panic lint fmt clean

help: ## lists the commands
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 24

prepare: ## installs what is missing: system packages if it may, else it says which
	@scripts/prepare

artefacts: prepare ## one release build of everything: libsessile, the wheel, the npm package
	@scripts/say "building libsessile (C and C++)"
	@$(MAKE) --no-print-directory c-root
	@scripts/say "building the Python wheel"
	@$(MAKE) --no-print-directory python-build
	@scripts/say "building the npm package"
	@$(MAKE) --no-print-directory node-build

demo: artefacts ## three pipelines in two languages on one encrypted file
	@examples/demo/run

test: artefacts ## every test of every language
	@scripts/test

demo-check:
	@examples/demo/run

test-rust: $(PYTHON_VENV)/.ready ## the core's unit tests, contract tests, vectors and doctests
	@mkdir -p build/expiry
	$(PYTHON_VENV)/bin/python tests/expiry/make_cases.py 10000 >build/expiry/cases.txt
	suite=$$($(PYTHON_VENV)/bin/python tests/schema/fetch_suite.py); \
	    SESSILE_EXPIRY_CASES=$(CURDIR)/build/expiry/cases.txt SESSILE_SCHEMA_SUITE=$$suite cargo test -p sessile -- --nocapture

test-format: ## a second implementation, in Python, opens the golden records
	$(PYTHON_VENV)/bin/python tests/format/open_golden.py

test-relay: ## five languages on one file, one Redis and one PostgreSQL, at the same time
	@PYTHON=$(PYTHON_VENV)/bin/python python3 tests/relay/run.py

test-servers: ## vectors, forks, processes and threads of every language on a Redis, a Redis Cluster and a PostgreSQL of their own
	@python3 tests/servers/run.py

test-panic: ## a panic never leaves the library, in any language
	@# Built like the tests: the guard is the same code in every profile, and what ships in release is not touched.
	@$(MAKE) --no-print-directory PROFILE=dev c-panic python-panic node-panic

test-docs: ## docs and README name no file that isn't there
	@python3 tests/docs/check.py

lint: ## formats and lints are as they should be
	cargo fmt --all --check
	cargo fmt --manifest-path benches/rust/Cargo.toml --check
	cargo clippy --workspace --all-targets -- -D warnings

fmt: ## formats all Rust
	cargo fmt --all
	cargo fmt --manifest-path benches/rust/Cargo.toml

clean: ## removes what was built
	rm -rf target build

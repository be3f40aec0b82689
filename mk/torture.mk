# Races and bad days: kills, power cuts, flipped bits, faults, a long run. `make test` runs a bounded sample of what
# `make torture` does with its full counts, which takes hours and both cores.

.PHONY: test-torture torture torture-races torture-store torture-tokens torture-servers

TORTURE = PYTHONSAFEPATH= PROFILE=$(PROFILE) $(PYTHON_VENV)/bin/python tests/torture/run.py

test-torture: ## a sample of the bad days of a store on a file
	@$(TORTURE)

torture: torture-races torture-store torture-tokens torture-servers ## all of them: 10,000 races, 2,000 kills, 1,200 power cuts, 10,000 bit flips, 30 minutes of load

torture-races:
	SESSILE_TORTURE=1 cargo test --release -p sessile --test races -- --nocapture --test-threads=1

torture-store: artefacts c-programs
	$(C_OUT)/fork 2000
	@$(TORTURE) --full
	SESSILE_TORTURE=1 cargo test -p sessile --lib many_sessions -- --nocapture
	@mkdir -p build && rm -rf build/group-commit
	cargo run --release -p sessile --example group_commit -- build/group-commit

torture-tokens: differential-peers
	$(PYTHON_VENV)/bin/python tests/differential/run.py --tokens 20000

torture-servers:
	SESSILE_TORTURE=1 cargo test -p sessile --lib -- --nocapture --test-threads=1 restarts
	SESSILE_TORTURE=1 cargo test -p sessile --test failovers -- --nocapture --test-threads=1
	SESSILE_TORTURE=1 cargo test --release -p sessile --test processes -- --nocapture --test-threads=1

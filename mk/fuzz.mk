# Fuzzing: bytes that nobody thought of, for everything that reads what others wrote. The corpora in fuzz/corpus/ are kept;
# `cargo test` runs them as they are (core/src/fuzz.rs).

.PHONY: fuzz-build test-fuzz torture torture-fuzz

CARGO_FUZZ_VERSION = 0.13.2
CARGO_FUZZ = $(abspath $(CARGO_TARGET_DIR))/tools/bin/cargo-fuzz
FUZZ_TARGETS = token key_set field head keyring step message schema selector
FUZZ_SECONDS ?= 10

# The sanitizers are there in stable Rust, behind flags that are not.
FUZZ = RUSTC_BOOTSTRAP=1 CARGO_TARGET_DIR=$(abspath $(CARGO_TARGET_DIR))/fuzz $(CARGO_FUZZ) fuzz

$(CARGO_FUZZ):
	cargo install cargo-fuzz --quiet --locked --version $(CARGO_FUZZ_VERSION) --root $(CARGO_TARGET_DIR)/tools --target-dir $(CARGO_TARGET_DIR)/tools/build

fuzz-build: $(CARGO_FUZZ)
	$(FUZZ) build

# What a run finds new goes to build/fuzz/; an input that fails stays in fuzz/artifacts/.
test-fuzz: fuzz-build ## ten seconds of fuzzing for each target
	@for target in $(FUZZ_TARGETS); do \
	    mkdir -p build/fuzz/$$target; \
	    echo "== $$target, $(FUZZ_SECONDS) s"; \
	    $(FUZZ) run $$target build/fuzz/$$target fuzz/corpus/$$target -- \
	        -max_total_time=$(FUZZ_SECONDS) -max_len=16384 -timeout=10 -rss_limit_mb=4096 -verbosity=0 -print_final_stats=1 \
	        2>&1 | tee build/fuzz/$$target.log | grep -E 'number_of_executed_units|panicked|ERROR|SUMMARY' || true; \
	    grep -q '^stat::number_of_executed_units' build/fuzz/$$target.log && ! grep -qE 'ERROR: |SUMMARY: ' build/fuzz/$$target.log || exit 1; \
	done

torture: torture-fuzz

torture-fuzz: ## ten minutes of fuzzing for each target
	@$(MAKE) --no-print-directory test-fuzz FUZZ_SECONDS=600

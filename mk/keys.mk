# Keys and dependencies: what is too long for `make test`.

CARGO_DENY_VERSION = 0.20.2
CARGO_DENY = $(abspath $(CARGO_TARGET_DIR))/tools/bin/cargo-deny

.PHONY: deny torture torture-keys

$(CARGO_DENY):
	cargo install cargo-deny --quiet --locked --version $(CARGO_DENY_VERSION) --root $(CARGO_TARGET_DIR)/tools --target-dir $(CARGO_TARGET_DIR)/tools/build

# Not a part of `make lint`: to build cargo-deny takes 190 s of a processor, once for each checkout.
deny: $(CARGO_DENY) ## dependencies: licences, sources, bans
	$(CARGO_DENY) check bans licenses sources

torture: deny torture-keys

torture-keys: ## a rotation under load whose rewrapper is killed 50 times
	SESSILE_ROTATION_ROUNDS=50 cargo test --release -p sessile --test rotation -- --nocapture --test-threads=1

# Tokens: against other libraries, and with both providers of signatures in one build.

DIFFERENTIAL := $(CURDIR)/build/differential

.PHONY: test-tokens test-providers differential-peers

differential-peers: $(PYTHON_VENV)/.ready
	$(PYTHON_VENV)/bin/pip install --quiet --disable-pip-version-check PyJWT==2.15.1
	@mkdir -p $(DIFFERENTIAL) && cp tests/differential/package.json tests/differential/jose.mjs $(DIFFERENTIAL)/
	cd $(DIFFERENTIAL) && npm install --silent --no-audit --no-fund --no-package-lock

test-tokens: differential-peers ## 2,000 tokens, the same each time, read by sessile, PyJWT and jose
	$(PYTHON_VENV)/bin/python tests/differential/run.py --seed 1

test-providers: ## tokens with both providers of jsonwebtoken compiled in, as somebody else's features may do
	cargo test -p sessile --features both-providers --lib -- identity::

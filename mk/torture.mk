# Full counts of what `make test` runs a sample of. Each part is a few lines.

.PHONY: torture torture-tokens

torture: torture-tokens ## the long versions of the tests: minutes to hours

torture-tokens: differential-peers
	$(PYTHON_VENV)/bin/python tests/differential/run.py --tokens 20000

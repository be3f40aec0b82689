# The benchmark: benches/README.md says what it measures and how to read it.

.PHONY: bench bench-quick test-bench

bench: artefacts ## sessile beside its peers, all of it: about half an hour, on a machine that does nothing else
	python3 benches/run.py $(BENCH_OPTIONS)

bench-quick: artefacts ## the same with 10,000 sessions and fewer rounds: an impression in under three minutes
	python3 benches/run.py --quick $(BENCH_OPTIONS)

test-bench: ## the benchmark's statistics, and its refusal to tell apart what is not
	@python3 benches/harness/test_harness.py

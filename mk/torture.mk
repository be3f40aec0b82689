# What `make test` runs a bounded sample of, with its full counts. It takes long, and both cores.

.PHONY: torture torture-races

torture: torture-races ## the races with their full counts; takes long

torture-races:
	SESSILE_TORTURE=1 cargo test --release -p sessile --test races -- --nocapture --test-threads=1

# What `make test` runs a bounded sample of, with its full counts. It takes long, and both cores.

.PHONY: torture torture-redis

torture: torture-redis ## what is tested in samples, with its full counts; takes long

torture-redis:
	SESSILE_TORTURE=1 cargo test -p sessile --lib redis::tests::failover -- --nocapture --test-threads=1

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| sessile::fuzz::schema(data));

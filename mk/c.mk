# The C library, its headers, and what is written in C and C++.

PROFILE ?= release
export CARGO_TARGET_DIR ?= $(CURDIR)/target
PREFIX ?= /usr/local

# Debian packages that the targets here want.
APT_C = gcc g++ pkg-config binutils valgrind

C_PROFILE_DIR = $(CARGO_TARGET_DIR)/$(if $(filter dev,$(PROFILE)),debug,$(PROFILE))
C_VERSION = $(shell sed -n '/^\[workspace.package\]/,/^\[/s/^version = "\(.*\)"/\1/p' Cargo.toml)
# The ABI's major version, as in ffi-c/build.rs.
C_SONAME = libsessile.so.0
CBINDGEN_VERSION = 0.29.4
CBINDGEN = $(abspath $(CARGO_TARGET_DIR))/tools/bin/cbindgen

C_OUT = build/c
C_ROOT = $(CURDIR)/$(C_OUT)/root
C_WARN = -Wall -Wextra -Werror -pedantic
C_ALL_FLAGS = -std=c11 -O1 -g $(C_WARN)
CXX_ALL_FLAGS = -std=c++17 -O1 -g $(C_WARN)
C_PKG = PKG_CONFIG_PATH=$(C_ROOT)/lib/pkgconfig pkg-config
# The runners of the vectors: the C one, and what the C++ one has of it.
C_RUNNER = $(addprefix tests/c/,run_vectors.c identity.c keys.c lifecycle.c call.c kept.c compare.c json.c server.c)
CXX_RUNNER_C = compare json server
# What a program of ours is compiled and linked with: the install, and nothing else.
C_USE = $$($(C_PKG) --cflags --libs sessile) -Wl,-rpath,$(C_ROOT)/lib
# What a thread of the host leaves behind is reachable until it ends; all else is a leak.
C_VALGRIND = valgrind --quiet --suppressions=tests/c/valgrind.supp --error-exitcode=9 --leak-check=full --show-leak-kinds=definite,indirect --errors-for-leak-kinds=definite,indirect
C_ASAN = -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer

.PHONY: c-build c-header c-check-header c-root c-programs c-test c-headers-alone c-exports c-examples c-valgrind test-instructions c-asan c-panic install

c-build:
	cargo build --profile $(PROFILE) -p sessile-c

$(CBINDGEN):
	cargo install cbindgen --quiet --locked --version $(CBINDGEN_VERSION) --root $(CARGO_TARGET_DIR)/tools --target-dir $(CARGO_TARGET_DIR)/tools/build

c-header: $(CBINDGEN) ## writes include/sessile.h from ffi-c/src
	cd ffi-c && $(CBINDGEN) --quiet --config cbindgen.toml --crate sessile-c . >../include/sessile.h

c-check-header: $(CBINDGEN)
	@mkdir -p $(C_OUT)
	cd ffi-c && $(CBINDGEN) --quiet --config cbindgen.toml --crate sessile-c . >../$(C_OUT)/sessile.h
	@diff -u include/sessile.h $(C_OUT)/sessile.h || { echo "include/sessile.h is not what ffi-c/src says: make c-header"; exit 1; }

install: c-build ## installs the C library, headers and pkg-config file: make install PREFIX=… DESTDIR=…
	install -d $(DESTDIR)$(PREFIX)/lib/pkgconfig $(DESTDIR)$(PREFIX)/include
	install -m 755 $(C_PROFILE_DIR)/libsessile_c.so $(DESTDIR)$(PREFIX)/lib/libsessile.so.$(C_VERSION)
	ln -sf libsessile.so.$(C_VERSION) $(DESTDIR)$(PREFIX)/lib/$(C_SONAME)
	ln -sf $(C_SONAME) $(DESTDIR)$(PREFIX)/lib/libsessile.so
	install -m 644 $(C_PROFILE_DIR)/libsessile_c.a $(DESTDIR)$(PREFIX)/lib/libsessile.a
	install -m 644 include/sessile.h include/sessile.hpp $(DESTDIR)$(PREFIX)/include
	sed -e 's|@PREFIX@|$(PREFIX)|' -e 's|@VERSION@|$(C_VERSION)|' ffi-c/sessile.pc.in >$(DESTDIR)$(PREFIX)/lib/pkgconfig/sessile.pc

# An install for the tests, which see nothing but it.
c-root:
	@$(MAKE) --no-print-directory install PREFIX=$(C_ROOT) DESTDIR= >/dev/null

c-programs: c-root
	gcc $(C_ALL_FLAGS) $(C_RUNNER) $(C_USE) -o $(C_OUT)/run_vectors_c
	gcc $(C_ALL_FLAGS) tests/c/abi.c tests/c/json.c $(C_USE) -pthread -o $(C_OUT)/abi
	gcc $(C_ALL_FLAGS) tests/c/fork.c $(C_USE) -pthread -o $(C_OUT)/fork
	gcc $(C_ALL_FLAGS) tests/c/upkeep.c tests/c/json.c $(C_USE) -o $(C_OUT)/upkeep_c
	g++ $(CXX_ALL_FLAGS) tests/c/upkeep.cpp $(C_USE) -o $(C_OUT)/upkeep_cpp
	gcc $(C_ALL_FLAGS) tests/c/rotation.c tests/c/json.c $(C_USE) -pthread -o $(C_OUT)/rotation_c
	g++ $(CXX_ALL_FLAGS) tests/c/rotation.cpp $(C_USE) -pthread -o $(C_OUT)/rotation_cpp
	for part in $(CXX_RUNNER_C); do gcc $(C_ALL_FLAGS) -c tests/c/$$part.c -o $(C_OUT)/$$part.o; done
	g++ $(CXX_ALL_FLAGS) tests/c/run_vectors.cpp $(CXX_RUNNER_C:%=$(C_OUT)/%.o) $(C_USE) -o $(C_OUT)/run_vectors_cpp

c-test: c-check-header c-programs c-headers-alone c-exports c-examples ## the C and C++ tests, against an install
	cargo test --profile $(if $(filter release,$(PROFILE)),dev,$(PROFILE)) -p sessile-c
	@# With half the stack that the header asks for.
	ulimit -s 128 && $(C_OUT)/run_vectors_c tests/vectors
	$(C_OUT)/run_vectors_cpp tests/vectors
	$(C_OUT)/abi
	$(C_OUT)/upkeep_c tests/golden
	$(C_OUT)/upkeep_cpp
	$(C_OUT)/rotation_c
	$(C_OUT)/rotation_cpp
	$(C_OUT)/fork 200

# The headers alone, twice in one file and in two files of one program; with warnings as errors, and no -I of ours.
c-headers-alone: c-root
	for std in c99 c11; do \
	    gcc -std=$$std $(C_WARN) tests/c/header.c tests/c/header2.c $(C_USE) -o $(C_OUT)/header_$$std; $(C_OUT)/header_$$std; \
	done
	g++ -std=c++17 $(C_WARN) -x c++ tests/c/header.c tests/c/header2.c -x none $(C_USE) -o $(C_OUT)/header_c_as_cpp
	$(C_OUT)/header_c_as_cpp
	for std in c++17 c++20; do \
	    g++ -std=$$std $(C_WARN) tests/c/header.cpp tests/c/header2.cpp $(C_USE) -o $(C_OUT)/header_$$std; $(C_OUT)/header_$$std; \
	done

# Only sessile_* leaves the library, under the name that programs will ask for.
c-exports: c-root
	@others=$$(nm -D --defined-only $(C_ROOT)/lib/libsessile.so | awk '{print $$3}' | grep -v '^sessile_' || true); \
	    if [ -n "$$others" ]; then echo "exported, but not ours:" $$others; exit 1; fi
	@readelf -d $(C_ROOT)/lib/libsessile.so | grep -q 'SONAME.*\[$(C_SONAME)\]' || { echo "no SONAME $(C_SONAME)"; exit 1; }

# Shared and static; in memory, and twice on one file.
c-examples: c-root
	rm -rf $(C_OUT)/data && mkdir -p $(C_OUT)/data
	for example in pipeline sessions; do \
	    gcc -std=c99 $(C_WARN) examples/c/$$example.c $(C_USE) -o $(C_OUT)/$${example}_c; \
	    g++ -std=c++17 $(C_WARN) examples/cpp/$$example.cpp $(C_USE) -o $(C_OUT)/$${example}_cpp; \
	done
	gcc -std=c99 $(C_WARN) examples/c/pipeline.c -I$(C_ROOT)/include $(C_ROOT)/lib/libsessile.a $$($(C_PKG) --libs-only-l --static sessile | sed 's/-lsessile//') -o $(C_OUT)/pipeline_static
	@try() { for where in 'memory:' "sqlite:$(C_OUT)/data/$$1.db $(C_OUT)/data/keyring.json"; do \
	        echo "$$2 $$where"; \
	        $(C_OUT)/$$2 $$where | tee $(C_OUT)/data/printed; \
	        grep -qxF "$$3" $(C_OUT)/data/printed || { echo "$$2 did not print: $$3"; exit 1; }; \
	    done; }; \
	    for program in pipeline_c pipeline_static pipeline_cpp; do \
	        try pipeline $$program 'receipt {"receipt": 1.0,"cart":["tea","honey"],"total":11}'; \
	    done; \
	    for program in sessions_c sessions_cpp; do \
	        try sessions $$program 'revoked {"valid":false,"reason":"revoked"}'; \
	    done

test-instructions: c-root ## ten operations take no more instructions than they did
	g++ -std=c++17 -O2 $(C_WARN) tests/instructions/operations.cpp $(C_USE) -o $(C_OUT)/operations
	@python3 tests/instructions/run.py $(C_OUT)/operations

c-valgrind: c-programs ## the C tests under valgrind
	$(C_VALGRIND) $(C_OUT)/abi 5
	$(C_VALGRIND) $(C_OUT)/upkeep_c tests/golden
	$(C_VALGRIND) $(C_OUT)/upkeep_cpp
	$(C_VALGRIND) $(C_OUT)/rotation_c
	$(C_VALGRIND) $(C_OUT)/rotation_cpp
	$(C_VALGRIND) $(C_OUT)/run_vectors_c tests/vectors
	$(C_VALGRIND) $(C_OUT)/run_vectors_cpp tests/vectors

c-asan: c-root ## the C tests with AddressSanitizer and UndefinedBehaviorSanitizer
	gcc $(C_ALL_FLAGS) $(C_ASAN) tests/c/overflow.c -o $(C_OUT)/overflow
	@if $(C_OUT)/overflow 2>$(C_OUT)/overflow.log || ! grep -q heap-buffer-overflow $(C_OUT)/overflow.log; then \
	    echo "the sanitizer does not see a deliberate overflow"; exit 1; fi
	gcc $(C_ALL_FLAGS) $(C_ASAN) tests/c/abi.c tests/c/json.c $(C_USE) -pthread -o $(C_OUT)/abi_asan
	gcc $(C_ALL_FLAGS) $(C_ASAN) tests/c/upkeep.c tests/c/json.c $(C_USE) -o $(C_OUT)/upkeep_c_asan
	g++ $(CXX_ALL_FLAGS) $(C_ASAN) tests/c/upkeep.cpp $(C_USE) -o $(C_OUT)/upkeep_cpp_asan
	gcc $(C_ALL_FLAGS) $(C_ASAN) tests/c/rotation.c tests/c/json.c $(C_USE) -pthread -o $(C_OUT)/rotation_c_asan
	g++ $(CXX_ALL_FLAGS) $(C_ASAN) tests/c/rotation.cpp $(C_USE) -pthread -o $(C_OUT)/rotation_cpp_asan
	gcc $(C_ALL_FLAGS) $(C_ASAN) $(C_RUNNER) $(C_USE) -o $(C_OUT)/run_vectors_c_asan
	for part in $(CXX_RUNNER_C); do gcc $(C_ALL_FLAGS) $(C_ASAN) -c tests/c/$$part.c -o $(C_OUT)/$${part}_asan.o; done
	g++ $(CXX_ALL_FLAGS) $(C_ASAN) tests/c/run_vectors.cpp $(CXX_RUNNER_C:%=$(C_OUT)/%_asan.o) $(C_USE) -o $(C_OUT)/run_vectors_cpp_asan
	ASAN_OPTIONS=detect_leaks=1 $(C_OUT)/abi_asan
	ASAN_OPTIONS=detect_leaks=1 $(C_OUT)/upkeep_c_asan tests/golden
	ASAN_OPTIONS=detect_leaks=1 $(C_OUT)/upkeep_cpp_asan
	ASAN_OPTIONS=detect_leaks=1 $(C_OUT)/rotation_c_asan
	ASAN_OPTIONS=detect_leaks=1 $(C_OUT)/rotation_cpp_asan
	ASAN_OPTIONS=detect_leaks=1 $(C_OUT)/run_vectors_c_asan tests/vectors
	ASAN_OPTIONS=detect_leaks=1 $(C_OUT)/run_vectors_cpp_asan tests/vectors

c-panic: ## a panic never leaves the C library
	cargo build --profile $(PROFILE) -p sessile-c --features test-panic
	@mkdir -p $(C_OUT)
	gcc $(C_ALL_FLAGS) -Iinclude tests/c/panic.c $(C_PROFILE_DIR)/libsessile_c.a \
	    $$(sed -n 's/^Libs.private: //p' ffi-c/sessile.pc.in) -o $(C_OUT)/panic
	$(C_OUT)/panic

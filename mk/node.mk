# The npm package: the addon, the TypeScript façade, the tarball, and its tests against the tarball as installed.

PROFILE ?= release
CARGO_TARGET_DIR ?= $(CURDIR)/target

node_package := $(CURDIR)/bindings-node
node_test := $(CURDIR)/build/node-test
node_panic := $(CURDIR)/build/node-panic
node_platform = $(shell node -p 'process.platform + "-" + process.arch')
node_profile_folder = $(if $(filter dev,$(PROFILE)),debug,$(PROFILE))
node_cargo = cargo build --profile $(PROFILE) -p sessile-node
node_run_tests = node --test --test-reporter=./test/reporter.mjs --test-reporter-destination=stdout
npm := npm --loglevel=error --no-fund --no-audit --no-update-notifier

.PHONY: node-build node-test node-panic

node-build: ## the npm package, packed in build/ and installed in build/node-test/
	cd $(node_package) && $(npm) ci
	CARGO_TARGET_DIR=$(CARGO_TARGET_DIR) $(node_cargo)
	rm -rf $(node_package)/dist $(node_package)/prebuilds
	cp LICENSE-APACHE LICENSE-MIT $(node_package)/
	@$(call node_copy_addon,$(CARGO_TARGET_DIR),$(node_package))
	cd $(node_package) && npx --no-install tsc --project tsconfig.json
	@mkdir -p $(CURDIR)/build && rm -f $(CURDIR)/build/sessile-*.tgz
	cd $(node_package) && $(npm) pack --pack-destination $(CURDIR)/build >/dev/null
	@$(call node_install,$(node_test))

node-test: ## the npm package, installed from its tarball: vectors, language, threads, types
	@test -d $(node_test)/node_modules/sessile || $(MAKE) --no-print-directory node-build
	@$(call node_copy_tests,$(node_test))
	cd $(node_test) && SESSILE_ROOT=$(CURDIR) node test/vectors.mjs
	cd $(node_test) && SESSILE_ROOT=$(CURDIR) COUNTED_AS=node-language $(node_run_tests) test/language/*.test.mjs test/language/*.test.cjs
	cd $(node_test) && $(node_package)/node_modules/.bin/tsc --project test/types/tsconfig.json

node-panic: ## a panic of the core is an error in Node, by promise and by Sync
	@test -d $(node_test)/node_modules/sessile || $(MAKE) --no-print-directory node-build
	CARGO_TARGET_DIR=$(CARGO_TARGET_DIR) $(node_cargo) --features test-panic
	@$(call node_install,$(node_panic))
	@$(call node_copy_tests,$(node_panic))
	@$(call node_copy_addon,$(CARGO_TARGET_DIR),$(node_panic)/node_modules/sessile)
	cd $(node_panic) && COUNTED_AS=node-panic $(node_run_tests) test/panic.test.mjs

# The tarball, installed in a folder of its own.
define node_install
rm -rf $(1) && mkdir -p $(1) && cd $(1) && \
	echo '{"private": true, "description": "the npm package as its users install it"}' > package.json && \
	$(npm) install --offline --no-package-lock $(CURDIR)/build/sessile-*.tgz >/dev/null
endef

# The tests and the examples beside it, so that `sessile` is the installed package, and the types they are checked with.
define node_copy_tests
rm -rf $(1)/test && cp -r $(node_package)/test $(1)/test && cp $(CURDIR)/examples/node/*.mjs $(1)/ && \
	mkdir -p $(1)/node_modules/@types && rm -rf $(1)/node_modules/@types/node && \
	cp -r $(node_package)/node_modules/@types/node $(1)/node_modules/@types/node && \
	cp -r $(node_package)/node_modules/undici-types $(1)/node_modules/
endef

# The library, whatever the platform calls it, into the folder of a package: what is there when the recipe runs.
define node_copy_addon
mkdir -p $(2)/prebuilds/$(node_platform) && cp "$$(ls $(1)/$(node_profile_folder)/libsessile_node.so \
	$(1)/$(node_profile_folder)/libsessile_node.dylib $(1)/$(node_profile_folder)/sessile_node.dll 2>/dev/null | head -n 1)" \
	$(2)/prebuilds/$(node_platform)/sessile.node \
	$(if $(filter release,$(PROFILE)),&& strip $(2)/prebuilds/$(node_platform)/sessile.node)
endef

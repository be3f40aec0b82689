# The npm package: the addon, the TypeScript façade, the tarball, and its tests against the tarball as installed.

PROFILE ?= release
CARGO_TARGET_DIR ?= $(CURDIR)/target

node_package := $(CURDIR)/bindings-node
node_test := $(CURDIR)/build/node-test
node_panic := $(CURDIR)/build/node-panic
node_platform = $(shell node -p 'process.platform + "-" + process.arch')
node_cargo = cargo build -p sessile-node $(if $(filter release,$(PROFILE)),--release,--profile $(patsubst debug,dev,$(PROFILE)))
# Whatever the platform calls the library; looked for when the recipe runs.
node_library = "$$(ls $(CARGO_TARGET_DIR)/$(PROFILE)/libsessile_node.so $(CARGO_TARGET_DIR)/$(PROFILE)/libsessile_node.dylib \
	$(CARGO_TARGET_DIR)/$(PROFILE)/sessile_node.dll 2>/dev/null | head -n 1)"
npm := npm --loglevel=error --no-fund --no-audit --no-update-notifier

.PHONY: node-build node-test node-panic

node-build: ## the npm package, packed in build/ and installed in build/node-test/
	cd $(node_package) && $(npm) ci
	CARGO_TARGET_DIR=$(CARGO_TARGET_DIR) $(node_cargo)
	rm -rf $(node_package)/dist $(node_package)/prebuilds
	mkdir -p $(node_package)/prebuilds/$(node_platform) $(CURDIR)/build
	cp $(node_library) $(node_package)/prebuilds/$(node_platform)/sessile.node
	cd $(node_package) && npx --no-install tsc --project tsconfig.json
	rm -f $(CURDIR)/build/sessile-*.tgz
	cd $(node_package) && $(npm) pack --pack-destination $(CURDIR)/build >/dev/null
	@$(call node_install,$(node_test))

node-test: ## the npm package, installed from its tarball: vectors, language, threads, types
	@test -d $(node_test)/node_modules/sessile || $(MAKE) --no-print-directory node-build
	@$(call node_copy_tests,$(node_test))
	cd $(node_test) && SESSILE_ROOT=$(CURDIR) node test/vectors.mjs
	cd $(node_test) && node --test --test-reporter=./test/reporter.mjs --test-reporter-destination=stdout \
		test/language/*.test.mjs test/language/*.test.cjs
	cd $(node_test) && $(node_package)/node_modules/.bin/tsc --project test/types/tsconfig.json

node-panic: ## a panic of the core is an error in Node, by promise and by Sync
	@test -d $(node_test)/node_modules/sessile || $(MAKE) --no-print-directory node-build
	@$(call node_install,$(node_panic))
	@$(call node_copy_tests,$(node_panic))
	CARGO_TARGET_DIR=$(CARGO_TARGET_DIR) $(node_cargo) --features test-panic
	cp $(node_library) $(node_panic)/node_modules/sessile/prebuilds/$(node_platform)/sessile.node
	@# The library that ships goes back in its place.
	CARGO_TARGET_DIR=$(CARGO_TARGET_DIR) $(node_cargo)
	cd $(node_panic) && node --test --test-reporter=./test/reporter.mjs --test-reporter-destination=stdout test/panic.test.mjs

define node_install
rm -rf $(1) && mkdir -p $(1) && cd $(1) && \
	echo '{"private": true, "description": "the npm package as its users install it"}' > package.json && \
	$(npm) install --offline --no-package-lock $(CURDIR)/build/sessile-*.tgz >/dev/null
endef

define node_copy_tests
rm -rf $(1)/test && cp -r $(node_package)/test $(1)/test && cp $(CURDIR)/examples/node/*.mjs $(1)/ && \
	mkdir -p $(1)/node_modules/@types && rm -rf $(1)/node_modules/@types/node && \
	cp -r $(node_package)/node_modules/@types/node $(1)/node_modules/@types/node && \
	cp -r $(node_package)/node_modules/undici-types $(1)/node_modules/
endef

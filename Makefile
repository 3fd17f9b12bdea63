# The commands of the repository; CMake and Ninja do the building (CMakePresets.json: release, dev, tsan, fuzz).
# Every target installs the Debian packages it needs first (tools/packages.txt). `make` alone lists the targets.
#
# JOBS=N limits how many things run at once. LIVE=1 lets `make demo` use, and bill, the configured model.

PREFIX ?= /usr/local
DESTDIR ?=
export JOBS ?= $(shell nproc)

.DEFAULT_GOAL := help
.PHONY: help build test lint bench soak demo install clean

help: ## lists the targets
	@sed -n 's/^\([a-z]*\):.*## /  make \1\t/p' $(MAKEFILE_LIST) | expand -t 18

build: ## the release programs, build/bin/lathe and lathe-grpc
	@tools/setup build
	@tools/build release lathe lathe-grpc
	@mkdir -p build && ln -sfn release/bin build/bin

demo: ## a recorded model repairs a small repository with real tools (LIVE=1: the configured model)
	@tools/setup build demo
	@$(MAKE) --no-print-directory build
	@demo/run $(if $(LIVE),--live)

test: ## all tests, under the address and undefined-behaviour sanitizers
	@tools/setup build test
	@tools/test

lint: ## format, static checks, and the rules that only this repository has
	@tools/setup lint
	@tools/lint/run

bench: ## the performance table (PEERS=1: Codex CLI and Claude Code beside it)
	@tools/setup build bench $(if $(PEERS),peers)
	@tests/bench/run $(if $(PEERS),--peers) $(if $(ACCEPT),--accept)

soak: ## the long forms: fuzzing, crash points, the release program, the thread sanitizer
	@tools/setup build test
	@tools/test --soak

install: build ## into PREFIX (/usr/local) below DESTDIR
	@tools/install "$(DESTDIR)$(PREFIX)"

clean: ## removes everything that was built
	@rm -rf build

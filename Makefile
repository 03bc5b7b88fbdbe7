# `make` lists what there is to make.

.PHONY: help build cross man docs demo demo-down lab lab-down test test-vm fuzz bench bench-clients bench-fairness images lint fmt clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-15s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build: ## build bin/hyper, bin/hyperd and libexec/hyper
	@scripts/setup build
	@scripts/build all

cross: ## build the client for Linux, macOS and Windows, in build/cross
	@scripts/build cross

man: ## make the client's manual pages, in build/man
	@scripts/build man

docs: ## make docs/reference/cli from the commands
	@scripts/build docs

demo: ## run MySQL and WordPress on a hyperd of their own, and leave them running
	@scripts/demo up

demo-down: ## remove everything that the demo has made
	@scripts/demo down

lab: ## start a hyperd to play with: eval "$(make -s lab)"
	@scripts/lab up

lab-down: ## remove the lab
	@scripts/lab down

test: ## install what is missing, build, and run every test
	@scripts/test

test-vm: ## test control groups of version 2, and disks that grow in use, in an emulated machine
	@scripts/vm

fuzz: ## try every fuzz target for SECONDS (60) each
	@scripts/fuzz $(or $(SECONDS),60)

bench: ## measure against Docker and runc on this machine
	@scripts/bench

bench-clients: ## measure Docker's own client with hyperd, and with Docker's daemon
	@scripts/bench -clients

bench-fairness: ## measure what a noisy account does to another one
	@scripts/bench -fairness

images: ## make the test images, and print where they are
	@scripts/images

lint: ## run the linters
	@scripts/lint

fmt: ## format the Go code
	@gofmt -w $$(git ls-files '*.go')

clean: ## remove what was built (the cache of test images stays)
	@rm -rf bin libexec build

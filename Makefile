# parsec-agent. `make help` lists the targets.
#
# Every target installs the Debian packages that it needs when it runs as root, and names
# them otherwise. Tools of development are built from pinned versions into .tools and are
# no dependency of the module.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

GO ?= $(shell command -v go || echo /usr/local/go/bin/go)
export PATH := $(CURDIR)/.tools:$(dir $(GO)):$(PATH)

VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
BUILD   := CGO_ENABLED=0 $(GO) build -tags grpcnotrace -trimpath -buildvcs=false -ldflags '-s -w -X main.version=$(VERSION)'

# The one program with C: it loads PKCS#11 libraries.
HELPER  := CGO_ENABLED=1 $(GO) build -trimpath -buildvcs=false -ldflags '-s -w'

GOLANGCI_LINT_VERSION := v2.15.0
GOVULNCHECK_VERSION   := v1.8.0
VERSITYGW_VERSION     := v1.8.0

# What `make cross` builds; everything without cgo.
TARGETS := linux/amd64 linux/arm64 linux/arm linux/riscv64 linux/386

# Passed to every go test, such as TESTFLAGS=-count=1.
TESTFLAGS ?=
TEST_TIMEOUT ?= 20m
FUZZTIME ?= 60s

# A C compiler may come without the C library's headers.
NEED_BUILD   := git:git /etc/ssl/certs/ca-certificates.crt:ca-certificates $(if $(shell command -v $(CC)),/usr/include/stdlib.h:libc6-dev)
NEED_RUN     := $(NEED_BUILD) openssl:openssl
NEED_TEST    := $(NEED_RUN) protoc:protobuf-compiler sqlite3:sqlite3 swtpm:swtpm swtpm_setup:swtpm-tools ps:procps setpriv:util-linux gcc:gcc /usr/include/stdlib.h:libc6-dev \
                softhsm2-util:softhsm2 pkcs11-tool:opensc tpm2-abrmd:tpm2-abrmd dbus-daemon:dbus-daemon tpm2_ptool:libtpm2-pkcs11-tools tpm2_encodeobject:tpm2-tools pcscd:pcscd \
                /usr/lib/pcsc/drivers/serial/libifdvpcd.so:vsmartcard-vpcd yubico-piv-tool:yubico-piv-tool \
                $(or $(wildcard /usr/lib/*/libykcs11.so.2),/usr/lib/libykcs11.so.2):ykcs11 mount:mount unshare:util-linux zbarimg:zbar-tools \
                $(or $(wildcard /usr/lib/postgresql/*/bin/postgres),/usr/lib/postgresql/bin/postgres):postgresql \
                $(or $(wildcard /usr/lib/*/libtss2-tcti-tabrmd.so.0),/usr/lib/libtss2-tcti-tabrmd.so.0):libtss2-tcti-tabrmd0 \
                $(or $(wildcard /usr/lib/*/pkcs11/libtpm2_pkcs11.so),/usr/lib/libtpm2_pkcs11.so):libtpm2-pkcs11-1
NEED_INTEROP := $(NEED_TEST) debootstrap:debootstrap mount:mount pip3:python3-pip
NEED_CROSS   := $(NEED_RUN) swtpm:swtpm readelf:binutils qemu-aarch64-static:qemu-user-static
NEED_DEB     := $(NEED_BUILD) dh:debhelper po2debconf:po-debconf fakeroot:fakeroot /usr/share/build-essential/list:build-essential
NEED_BOOT    := debootstrap:debootstrap mount:mount systemd-nspawn:systemd-container
NEED_CROSS_arm64 := aarch64-linux-gnu-gcc:crossbuild-essential-arm64
NEED_RACE    := $(NEED_TEST) gcc:gcc /usr/include/stdlib.h:libc6-dev

.PHONY: help build helper run test race lint fuzz bench interop reference versitygw peers soak docs generate vectors cross cross-smoke vuln deb deb-test deb-smoke check clean
.PHONY: FORCE

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "%-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

build: ## build parsec-agentd, parsecctl, parsec-tool and parsec-server into bin/
	@scripts/need $(NEED_BUILD)
	$(BUILD) -o bin/ ./agentd/parsec-agentd ./ctl/parsecctl ./server/parsec-server
	@ln -sf parsecctl bin/parsec-tool
	@$(MAKE) helper

helper: ## build bin/parsec-pkcs11-helper, for PKCS#11 tokens, where a C compiler is
	@if command -v $(CC) >/dev/null; then \
	  echo '$(HELPER) -o bin/ ./providers/pkcs11/parsec-pkcs11-helper'; \
	  $(HELPER) -o bin/ ./providers/pkcs11/parsec-pkcs11-helper; \
	else \
	  echo 'make: without a C compiler (Debian packages gcc and libc6-dev) there is no parsec-pkcs11-helper, and no PKCS#11 provider' >&2; \
	fi

run: ## build, start an agent of your own, show a tour, leave it running until Ctrl-C (TOUR_ONCE=1: end after the tour)
	@scripts/need $(NEED_RUN)
	@$(MAKE) build
	@scripts/tour bin

test: versitygw ## unit and integration tests on real components
	@scripts/need $(NEED_TEST)
	$(GO) test -timeout $(TEST_TIMEOUT) $(TESTFLAGS) ./...

race: versitygw ## the same tests under the race detector
	@scripts/need $(NEED_RACE)
	CGO_ENABLED=1 $(GO) test -race -timeout 40m $(TESTFLAGS) ./...

lint: .tools/golangci-lint-$(GOLANGCI_LINT_VERSION) ## go vet, golangci-lint with gofumpt
	$(GO) mod tidy -diff
	$(GO) vet ./...
	$(GO) vet -tags interop ./...
	.tools/golangci-lint-$(GOLANGCI_LINT_VERSION) run --allow-parallel-runners ./...

fuzz: ## run every fuzz target for FUZZTIME (60s) each
	@FUZZTIME=$(FUZZTIME) scripts/fuzz ./...

bench: ## measure against the original service in one run, print ratios
	@scripts/need $(NEED_INTEROP)
	@$(MAKE) peers
	@$(MAKE) build
	$(GO) run ./bench $(BENCHFLAGS)

interop: ## run the original's programs and state against ours, and ours against the original
	@scripts/need $(NEED_INTEROP)
	@$(MAKE) build
	@$(MAKE) peers
	@interop/peers reference -c 'import parsec._parsec'
	$(GO) test -tags interop -timeout 40m $(TESTFLAGS) ./interop/...
	$(GO) test -tags interop -run '^TestReference' -timeout 40m $(TESTFLAGS) ./proto/cloud ./device ./enrol ./session ./ctl

reference: ## compare us with the reference implementation of workspaces (PARSEC_SOAK=1: a whole run)
	@scripts/need $(NEED_INTEROP)
	$(GO) test -v -tags interop -timeout 40m $(TESTFLAGS) ./interop/reference
	$(GO) test -v -tags interop -run Reference -timeout 40m $(TESTFLAGS) ./proto/cloud ./device ./enrol ./session ./ctl

versitygw: .tools/versitygw-$(VERSITYGW_VERSION) ## build the S3 gateway that tests start (once, some minutes)

peers: ## make the Debian tree with the original's programs (once, some minutes)
	@scripts/need $(NEED_INTEROP)
	@[ -e "$$(interop/peers root)/usr/bin/parsec-tool" ] || interop/peers setup parsec-service parsec-tool softhsm2

soak: versitygw ## the long runs in full: 500 kill -9 rounds, 10,000 connections, thousands of differential requests
	@scripts/need $(NEED_INTEROP)
	@$(MAKE) peers
	@interop/peers reference -c 'import parsec._parsec'
	PARSEC_SOAK=1 $(GO) test -tags interop -count=1 -timeout 4h $(TESTFLAGS) ./...

docs: ## regenerate the generated documents
	$(GO) generate ./ctl ./server/command
	$(GO) test -count=1 -run TestDifferencesDocumentIsCurrent . -update
	$(GO) test -count=1 -run TestErrorsDocumentIsCurrent ./providers/tpm ./providers/pkcs11/internal/ck -update
	$(GO) test -count=1 -run TestForgeriesDocumentIsCurrent ./interop/organisations -update

# The plugin comes from the module that the generated code needs: both always fit.
generate: ## regenerate the protobuf messages and the MessagePack codecs
	@scripts/need protoc:protobuf-compiler
	$(GO) build -o .tools/protoc-gen-go google.golang.org/protobuf/cmd/protoc-gen-go
	@for file in proto/psa/psapb/psa.proto proto/agent/agentpb/agent.proto; do \
	  echo protoc "$$file"; \
	  protoc --plugin=protoc-gen-go=.tools/protoc-gen-go \
	    --go_out=paths=source_relative:"$${file%/*}" -I "$${file%/*}" "$${file##*/}"; \
	done
	$(GO) generate ./trust ./proto/cloud ./enrol

vectors: ## replay the golden vectors only
	$(GO) test -count=1 -run 'Vector|Golden' $(TESTFLAGS) ./...

cross: ## build for every supported processor without cgo
	@for target in $(TARGETS); do \
	  echo "CGO_ENABLED=0 GOOS=$${target%/*} GOARCH=$${target#*/} go build ./..."; \
	  CGO_ENABLED=0 GOOS=$${target%/*} GOARCH=$${target#*/} $(GO) build ./...; \
	done

cross-smoke: ## run an agent for another processor (ARCH, default arm64) under emulation, with keys in software and in TPMs
	@scripts/need $(NEED_CROSS)
	scripts/cross-smoke $(ARCH)

vuln: .tools/govulncheck-$(GOVULNCHECK_VERSION) ## look the dependencies up in Go's vulnerability database (needs its server)
	.tools/govulncheck-$(GOVULNCHECK_VERSION) ./...

deb: ## build the Debian packages for this machine into dist/deb (DEB_ARCH=arm64: for that one)
	@scripts/need $(NEED_DEB) $(if $(filter-out $(shell dpkg --print-architecture),$(DEB_ARCH)),$(NEED_CROSS_$(DEB_ARCH)))
	@scripts/deb dist/deb $(DEB_ARCH)

deb-test: ## lint the packages, build them twice and compare, boot them on Debian 12 and 13, over the original, and on arm64
	@scripts/need $(NEED_DEB) $(NEED_BOOT) $(NEED_CROSS_arm64) lintian:lintian diffoscope:diffoscope-minimal qemu-aarch64-static:qemu-user-static
	@rm -rf dist/deb
	@scripts/deb dist/deb $(shell dpkg --print-architecture) arm64
	@scripts/deb-check dist/deb
	@scripts/deb-test dist/deb bookworm fresh server
	@scripts/deb-test dist/deb trixie fresh sandbox resilience server
	@scripts/deb-test dist/deb original upgrade devices
	@scripts/deb-test dist/deb hosting hosting

deb-smoke: ## build the packages, lint them, and put them in the place of the original on a booted machine
	@scripts/need $(NEED_DEB) $(NEED_BOOT) lintian:lintian
	@$(MAKE) peers
	@scripts/deb dist/deb
	@lintian --allow-root --fail-on error,warning dist/deb/*.deb
	@PEERS_ROOT="$$(interop/peers root)" scripts/deb-test dist/deb original upgrade

check: ## everything that CI runs
	@.ci/run

clean: ## remove what was built
	rm -rf bin dist .tools

# Tools, from the Go module proxy, outside of go.mod.
define tool
.tools/$(1)-$(2):
	@mkdir -p .tools/build
	cd .tools/build && GOFLAGS= GOBIN=$(CURDIR)/.tools/build $(GO) install $(3)@$(2)
	@mv .tools/build/$(1) $$@ && rmdir .tools/build
endef
$(eval $(call tool,golangci-lint,$(GOLANGCI_LINT_VERSION),github.com/golangci/golangci-lint/v2/cmd/golangci-lint))
$(eval $(call tool,versitygw,$(VERSITYGW_VERSION),github.com/versity/versitygw/cmd/versitygw))
$(eval $(call tool,govulncheck,$(GOVULNCHECK_VERSION),golang.org/x/vuln/cmd/govulncheck))

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
export CGO_ENABLED := 0

BIN    := bin/otelcol-ebpfsecurity
DOCTOR := bin/ebpfsecurity-doctor
DIST   := build/otelcol
TOOLS  := $(CURDIR)/build/tools
TREE   := $(CURDIR)/build/.debian12
NEED   := internal/tools/need.sh
SUDO   := $(if $(filter-out 0,$(shell id -u)),$(shell command -v sudo))

# Which clang and strip bpf2go calls: the object must be the same on every machine.
export BPF2GO_CC    := clang-19
export BPF2GO_STRIP := llvm-strip-19

# What the distribution's own sources (go.mod, main.go) and its binary are made from.
RECIPE  := builder-config.yaml go.mod go.sum
SOURCES := $(shell find receiver internal -name '*.go' -not -name '*_test.go' -o -name '*.o')

# In this order: what fails soonest comes first.
TESTS := lint check-generated test-unit cross test-host-tools test-kernels test-cost test-e2e

.PHONY: help run build package generate check-generated lint test test-unit test-host-tools need-host-tools compare \
	test-kernel-host test-kernels test-cost test-e2e cross bench budget clean need-go doctor pictures FORCE

help: ## say what the targets are
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-18s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: build ## from a fresh clone to a running collector: metrics at http://127.0.0.1:9102/metrics
	@[ "$$(id -u)" = 0 ] || [ -n "$(SUDO)" ] || echo "not root and no sudo: the kernel part will say what it lacks"
	@echo "metrics: http://127.0.0.1:9102/metrics   stop: Ctrl-C"
	@exec $(SUDO) $(BIN) --config examples/quickstart.yaml

build: $(BIN) ## build the distribution: bin/otelcol-ebpfsecurity

doctor: $(DOCTOR) ## say what the sensor can see on this host, and why not more (as root)
	@$(SUDO) $(DOCTOR) || [ $$? = 1 ]

$(DOCTOR): $(SOURCES) | need-go
	go build -trimpath -buildvcs=false -ldflags='-s -w' -o $@ ./internal/doctor

need-go:
	@command -v go > /dev/null || { echo "Go is missing: install the version that go.mod names, or newer" >&2; exit 1; }

$(TOOLS)/builder $(TOOLS)/golangci-lint: internal/tools/go.mod internal/tools/go.sum | need-go
	@internal/tools/patiently.sh "building the tool $(@F)" \
		go -C internal/tools build -o $@ $$(awk '/^\t[^ ]*\/$(@F)$$/ { print $$1 }' internal/tools/go.mod)
	@touch $@

# The modules that the receiver is made of: new when one was added or is gone.
build/modules: FORCE | need-go
	@mkdir -p build
	@go list -deps -f '{{with .Module}}{{.Path}}{{end}}' ./receiver | sort -u > $@.new
	@if cmp -s $@.new $@; then rm $@.new; else mv $@.new $@; fi

FORCE:

# `-e`: ocb tidies, which wants modules that only tests of the components' tests need and that are not all to be had.
$(DIST)/go.mod: $(RECIPE) build/modules $(TOOLS)/builder
	@mkdir -p $(DIST)
	@GOFLAGS="-buildvcs=false -e" internal/tools/patiently.sh "fetching the collector's modules" \
		$(TOOLS)/builder --config builder-config.yaml --skip-compilation
	@touch $@

$(BIN): $(DIST)/go.mod $(SOURCES)
	@echo "compiling $@"
	@total=$$(go -C $(DIST) list -deps . | wc -l); \
		go -C $(DIST) build -v -trimpath -buildvcs=false -ldflags='-s -w' -o $(CURDIR)/$@ . 2>&1 | \
		awk -v total=$$total -f internal/tools/progress.awk
	@touch $@; echo "built $@"

# Go and Debian have the same names for these two.
HOST_DEB := build/otelcol-ebpfsecurity_$(shell go env GOARCH 2> /dev/null).deb

package: build/otelcol-ebpfsecurity_amd64.deb build/otelcol-ebpfsecurity_arm64.deb ## build the Debian packages

build/otelcol-ebpfsecurity_%.deb: build/%/otelcol-ebpfsecurity $(shell find packaging examples/deploy -type f) README.md CHANGELOG.md $(wildcard docs/*.md)
	@$(NEED) dpkg-deb=dpkg
	@internal/tools/patiently.sh "packaging $(@F)" packaging/deb/build.sh $< $* $@

$(HOST_DEB:build/otelcol-ebpfsecurity_%.deb=build/%/otelcol-ebpfsecurity): $(BIN)
	@mkdir -p $(@D)
	@ln -f $< $@

build/%/otelcol-ebpfsecurity: $(DIST)/go.mod $(SOURCES)
	@internal/tools/patiently.sh "compiling for $*" env GOOS=linux GOARCH=$* \
		go -C $(DIST) build -trimpath -buildvcs=false -ldflags='-s -w' -o $(CURDIR)/$@ .

generate: | need-go ## make the BPF objects and all generated Go again
	@$(NEED) clang-19 llvm-strip-19=llvm-19 clang-format-19 bpftool /usr/include/bpf/bpf_helpers.h=libbpf-dev
	go generate ./internal/sensor ./receiver

check-generated: ## make the generated files again and fail if that changes one
	@state() { git status --porcelain; git diff --binary; }; \
		before=$$(state | sha256sum); \
		$(MAKE) --no-print-directory generate; \
		[ "$$(state | sha256sum)" = "$$before" ] || \
		{ git status --short; git diff --stat; echo "generated files are out of date: commit what make generate makes" >&2; exit 1; }

lint: $(TOOLS)/golangci-lint ## check Go with golangci-lint and gofumpt, C with clang-format
	@$(NEED) clang-format-19
	$(TOOLS)/golangci-lint run ./...
	clang-format-19 --dry-run -Werror bpf/*.c bpf/*.h

test: ## everything that proves it, and at the end what ran on which kernel
	@rm -rf build/kernels build/test; mkdir -p build/test; failed=; \
		for t in $(TESTS); do \
			echo "── make $$t"; start=$$SECONDS; \
			$(MAKE) --no-print-directory $$t 2>&1 | tee build/test/$$t || failed+=" $$t"; \
			echo "── $$t took $$((SECONDS - start)) s"; \
		done; \
		echo "── what ran on which kernel"; \
		awk -f testdata/kernels/total.awk build/kernels/*.report 2>&1 | tee build/test/kernels || failed+=" kernels"; \
		for t in $$failed; do \
			echo "── what failed in $$t"; \
			grep -vE -e '--- (PASS|SKIP)|=== |^ *skipped ' build/test/$$t > build/test/failed; \
			grep -B 5 -A 12 -E -e '--- FAIL|WRONG|panic:' build/test/failed | cut -c1-200 | tail -30; tail -4 build/test/failed; \
		done; \
		[ -z "$$failed" ] || { echo "FAILED:$$failed"; exit 1; }; \
		echo "all passed: $(TESTS)"

test-unit: | need-go ## unit tests with the race detector
	@$(NEED) gcc /usr/include/stdlib.h=libc6-dev
	CGO_ENABLED=1 go test -race -skip '^TestKernel' ./...

test-host-tools: need-host-tools ## compare the checks with sshd, sudo and others of this host and of a Debian (as root)
	PATH=$(TOOLS):$$PATH DEBIAN=$(TREE) go test -tags host -count 1 -timeout 1h -run '^TestHost' \
		./internal/check ./internal/rpmdb ./internal/sensor

compare: need-host-tools ## compare the checks with OpenSCAP and Lynis, and write docs/comparison.md (as root)
	PATH=$(TOOLS):$$PATH DEBIAN=$(TREE) go test -tags host -count 1 -timeout 1h -run '^TestHostComparison$$' ./internal/check -update

need-host-tools: $(TOOLS)/sshd $(TOOLS)/auditctl $(TREE) | need-go
	@$(NEED) sudo unshare=util-linux ssh-keygen=openssh-client getent=libc-bin passwd ip=iproute2 ss=iproute2 \
		nft=nftables iptables dbus-daemon systemctl=systemd rpm db5.3_load=db5.3-util /usr/bin/python3=python3 \
		/usr/lib/$$(uname -m)-linux-gnu/libauparse.so.0=libauparse0 systemd-nspawn=systemd-container \
		oscap=openscap-scanner /usr/share/xml/scap/ssg/content/ssg-debian11-xccdf.xml=ssg-debian lynis

# A Debian to compare with: tests start it, and leave it as it is. The dot hides it from Go.
$(TREE): internal/check/testdata/comparison/packages
	@$(NEED) mmdebstrap
	@rm -rf $@ $@.new; mkdir -p $(@D)
	@internal/tools/patiently.sh "installing a Debian in $@" \
		mmdebstrap --quiet --variant=minbase --include="$$(tr '\n' ' ' < $<)" --dpkgopt=force-unsafe-io \
		--aptopt='APT::Install-Recommends "false"' --dpkgopt='path-exclude=/usr/share/man/*' \
		--dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/locale/*' bookworm $@.new
	@mv $@.new $@; touch $@

# What would start a server when it is installed is taken out of its package.
$(TOOLS)/auditctl:
	@mkdir -p $(TOOLS)
	@if p=$$(PATH=$$PATH:/usr/sbin command -v auditctl); then ln -sf "$$p" $@; \
		else internal/tools/unpack.sh auditd $(TOOLS) sbin/auditctl; fi

$(TOOLS)/sshd:
	@mkdir -p $(TOOLS)
	@if p=$$(PATH=$$PATH:/usr/sbin command -v sshd); then ln -sf "$$p" $@; \
		else internal/tools/unpack.sh openssh-server $(TOOLS) usr/sbin/sshd; fi

test-kernel-host: | need-go ## kernel tests on the running kernel (as root)
	@$(NEED) ip=iproute2 ss=iproute2 sudo
	@testdata/kernels/test-host.sh

test-kernels: | need-go ## kernel tests on the running kernel (as root), and in QEMU on those of testdata/kernels/matrix
	@$(NEED) ip=iproute2 ss=iproute2 sudo
	@$(NEED) qemu-system-x86_64=qemu-system-x86 qemu-system-aarch64=qemu-system-arm cpio xz=xz-utils
	@testdata/kernels/test-matrix.sh

test-e2e: build $(DOCTOR) $(TOOLS)/manifest $(HOST_DEB) $(TOOLS)/prometheus $(TOOLS)/promtool ## run the built distribution as a user would (as root)
	@$(NEED) curl ip=iproute2 jq kcat perl zstd runc buildah puppet=puppet-agent lintian adduser systemctl=systemd \
		nsenter=util-linux /etc/ssl/certs/ca-certificates.crt=ca-certificates
	@testdata/kernels/mount-host.sh
	PATH=$(TOOLS):$$PATH BIN=$(CURDIR)/$(BIN) DEB=$(CURDIR)/$(HOST_DEB) DOCTOR=$(CURDIR)/$(DOCTOR) \
		go test -tags e2e -count 1 -timeout 2h -v ./internal/e2e

pictures: build $(TOOLS)/prometheus ## draw what the dashboards show of a run of some minutes: docs/images (as root)
	@mkdir -p build/pictures docs/images
	PATH=$(TOOLS):$$PATH BIN=$(CURDIR)/$(BIN) E2E_PICTURES=$(CURDIR)/build/pictures \
		go test -tags e2e -count 1 -timeout 1h -run TestDashboardsShowWhatHappened ./internal/e2e
	@for p in build/pictures/*.json; do \
		go -C internal/tools run ./draw $(CURDIR)/docs/images/$$(basename $$p .json).svg < $$p; done

$(TOOLS)/manifest: $(wildcard internal/tools/manifest/*) | need-go
	@mkdir -p $(TOOLS)
	@internal/tools/patiently.sh "building the tool $(@F)" go -C internal/tools/manifest build -o $@ .

# Prometheus is taken out of its package, as installing it would start a server.
$(TOOLS)/prometheus $(TOOLS)/promtool:
	@mkdir -p $(TOOLS)
	@if p=$$(command -v $(@F)); then ln -sf "$$p" $@; \
		else internal/tools/unpack.sh prometheus $(TOOLS) usr/bin/$(@F); fi

cross: | need-go ## compile and vet for arm64 Linux and for macOS
	@for p in linux/arm64 darwin/arm64; do \
		echo "building for $$p"; \
		GOOS=$${p%/*} GOARCH=$${p#*/} go build ./...; \
		GOOS=$${p%/*} GOARCH=$${p#*/} go vet ./...; \
	done

# Without network it does without the programs to compare with, and says so.
bench: build ## measure what it costs next to others, print it, and write docs/performance.md (as root)
	@$(NEED) qemu-system-x86_64=qemu-system-x86 qemu-system-aarch64=qemu-system-arm cpio xz=xz-utils curl unshare=util-linux \
		ip=iproute2 /usr/bin/python3=python3
	@testdata/kernels/mount-host.sh
	@testdata/kernels/peers.sh build/peers || echo "auditd, bpftrace and libbpf-tools are not to be had: they are left out"
	COST_PEERS=$$([ ! -e build/peers/packages ] || echo build/peers) go run ./internal/bench

test-cost: | need-go ## count the instructions that the sensor adds, and hold them against testdata/budget
	@$(NEED) qemu-system-x86_64=qemu-system-x86 cpio xz=xz-utils
	go run ./internal/bench -budget

budget: | need-go ## measure what testdata/budget has, and write it anew (as root)
	@BUDGET=new go test -count 1 -v -run '^TestARecord' ./receiver > build/budget.log
	@BUDGET=new go run ./internal/bench -budget >> build/budget.log
	@BUDGET=new RIK_ENV=BUDGET KERNEL_TESTS='^TestKernelVerified' testdata/kernels/test-matrix.sh $$(grep -Ev '^(#|host)' testdata/kernels/matrix)
	@{ sed '/^#/!d' testdata/budget; cat build/budget.log build/kernels/*.log | tr -d '\r' | \
		sed -n 's/.*budget \([a-z]*\/.*\)/\1/p' | sort -u; } > build/budget.new
	@mv build/budget.new testdata/budget; git diff --stat testdata/budget

clean: ## remove what was built
	rm -rf bin build

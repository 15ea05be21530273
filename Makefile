.PHONY: help run build test check generate bench golden fuzz

GO ?= go

help: ## list the targets
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  %-10s %s\n", $$1, $$2}'

run: ## build eiplan and size a real model
	CGO_ENABLED=0 $(GO) build -o bin/eiplan ./cmd/eiplan
	bin/eiplan size zoo:resnet50 --latency 100ms

build: ## build bin/eiplan
	CGO_ENABLED=0 $(GO) build -o bin/eiplan ./cmd/eiplan

test: ## run the tests
	$(GO) test ./...

check: ## everything that a commit must pass
	@test -z "$$(gofmt -l cmd planner engine pricing models)" || { gofmt -l cmd planner engine pricing models; exit 1; }
	$(GO) vet ./...
	GOARCH=arm64 $(GO) vet ./...
	$(GO) tool staticcheck ./...
	$(GO) test ./...
	$(GO) test -tags purego ./engine/...
	$(MAKE) generate
	git diff --exit-code

generate: ## make generated code and data again
	$(GO) generate ./engine/...
	@if [ -n "$$EIPLAN_SHARED" ]; then $(GO) generate ./pricing; else echo "SKIPPED pricing/snapshot.bin: EIPLAN_SHARED names no folder of collected figures"; fi

bench: ## measure the kernels, and the zoo against ONNX Runtime where ORT_NODE names its npm package
	$(GO) test -run '^$$' -bench . -benchtime 200ms ./engine/... ./planner/... ./pricing
	$(GO) test -run '^$$' -bench ONNXRuntime -benchtime 1x -timeout 30m ./cmd/eiplan

golden: ## accept what golden tests print now
	EIPLAN_GOLDEN=write $(GO) test ./cmd/... ./planner/...

fuzz: ## fuzz each target for a short while
	@for p in $$($(GO) list ./...); do for f in $$($(GO) test -list '^Fuzz' $$p | grep '^Fuzz'); do \
		$(GO) test -run '^$$' -fuzz "^$$f$$" -fuzztime 10s $$p || exit 1; done; done

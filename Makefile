.PHONY: help run build test test-browser check arm64 generate bench bench-peers golden fuzz

GO ?= go
# A package's tests may take longer than go test allows, where cores are few and busy.
PATIENT = -timeout 30m

help: ## list the targets
	@grep -hE '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  %-12s %s\n", $$1, $$2}'

run: ## build eiplan and size a real model
	CGO_ENABLED=0 $(GO) build -ldflags '-s -w' -o bin/eiplan ./cmd/eiplan
	bin/eiplan size zoo:resnet50 --latency 100ms

build: ## build bin/eiplan
	CGO_ENABLED=0 $(GO) build -ldflags '-s -w' -o bin/eiplan ./cmd/eiplan

test: ## run the tests
	$(GO) test $(PATIENT) ./...

PLAYWRIGHT_VERSION ?= 1.65.1
CHROMIUM ?= $(firstword $(foreach name,chromium chromium-browser google-chrome,$(shell command -v $(name))))
PLAYWRIGHT = bin/browser/node_modules/playwright-core
REVIEW = SOURCE_DATE_EPOCH=1770000000 bin/eiplan plan --measured testdata/records/resnet50.yaml -o html --out bin/browser

$(PLAYWRIGHT):
	npm install --prefix bin/browser --ignore-scripts --no-audit --no-fund --no-save playwright-core@$(PLAYWRIGHT_VERSION)

test-browser: build $(PLAYWRIGHT) ## open reviews in Chromium: nothing fetched, filters, names, contrast, focus; screenshots stand in bin/browser/shots
	@test -n "$(CHROMIUM)" || { echo "test-browser needs Chromium (Debian: chromium), or CHROMIUM=its path"; exit 1; }
	$(REVIEW)/feasible.html --total 300ms --reserve preprocess=200ms --explain=1
	$(REVIEW)/regions.html --latency 50ms --rate 400/s --region us-east-1,eu-west-1 --objective per-million
	$(REVIEW)/infeasible.html --latency 100us || test $$? = 3
	$(REVIEW)/plan.yaml --latency 100ms --accelerator none -o yaml
	bin/eiplan report bin/browser/plan.yaml bin/browser/plan.yaml -o html --out bin/browser/several.html
	bin/eiplan plan testdata/records/resnet50.yaml testdata/records/mnist8.yaml --latency 20ms --purchase on-demand -o html --out bin/browser/portfolio.html
	NODE_PATH=bin/browser/node_modules node testdata/browser/review.js "$(CHROMIUM)" bin/browser/shots bin/browser/*.html

check: ## everything that a commit must pass
	@test -z "$$(gofmt -l cmd planner engine pricing models)" || { gofmt -l cmd planner engine pricing models; exit 1; }
	$(GO) vet ./...
	GOARCH=arm64 $(GO) vet ./...
	$(GO) tool staticcheck ./...
	$(GO) test $(PATIENT) ./...
	$(GO) test $(PATIENT) -tags purego ./engine/...
	$(MAKE) arm64
	$(MAKE) generate
	git diff --exit-code

arm64: ## test the kernels of arm64, in an emulator of it
	@if command -v qemu-aarch64 >/dev/null; then \
		GOARCH=arm64 $(GO) test $(PATIENT) -short -exec 'qemu-aarch64 -cpu max' ./engine/cpu ./engine/kernels/...; \
	else echo "SKIPPED kernels of arm64: there is no qemu-aarch64 (Debian: qemu-user)"; fi

generate: ## make generated code and data again
	$(GO) generate ./engine/...
	@if [ -n "$$EIPLAN_SHARED" ]; then $(GO) generate ./pricing; else echo "SKIPPED pricing/snapshot.bin: EIPLAN_SHARED names no folder of collected figures"; fi

bench: ## measure the kernels, and planning: of one model everywhere, of 4,000 operators, of 200 models
	$(GO) test -run '^$$' -bench . -benchtime 200ms ./engine/... ./planner/... ./pricing/...
	$(GO) test -run '^$$' -bench PlanPortfolio -benchtime 3x ./cmd/eiplan

ORT_VERSION ?= 1.30.0
ORT_NODE ?= $(CURDIR)/bin/peers/node_modules/onnxruntime-node

bench-peers: ## compare with ONNX Runtime: MODELS=resnet50,… THREADS=1,2 TIME=10s a model, TUNE=1 with the tuner, BUSY=1 beside a process that competes for the processors, SAVE=1 keeps the ratios for the latency model
	@test -d "$(ORT_NODE)" || npm install --prefix bin/peers --ignore-scripts --no-audit --no-fund --no-save onnxruntime-node@$(ORT_VERSION)
	ORT_NODE="$(ORT_NODE)" $(GO) test -run '^$$' -bench AgainstONNXRuntime -benchtime 1x -timeout 2h ./cmd/eiplan

golden: ## accept what golden tests print now
	EIPLAN_GOLDEN=write $(GO) test ./cmd/... ./planner/...

fuzz: ## fuzz each target for a short while
	@for p in $$($(GO) list ./...); do for f in $$($(GO) test -list '^Fuzz' $$p | grep '^Fuzz'); do \
		$(GO) test -run '^$$' -fuzz "^$$f$$" -fuzztime 10s $$p || exit 1; done; done

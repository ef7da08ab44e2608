# Everything that a person needs; each target is a line that one could type.
GO ?= go
SEED ?= 0

.PHONY: build test check lint sim sim-long crash crash-moments bench bench-nexmark bench-tpch bench-checkpoints bench-ingest bench-hard bench-latency bench-growth bench-footprint bench-where record-flink clean

build: ## the binary, static
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags "-s -w" -o millrace ./cmd/millrace

test: ## every test
	$(GO) vet ./...
	$(GO) test -timeout 20m ./...

check: ## what to run before a commit, under a minute when warm
	test -z "$$(gofmt -l .)"
	$(GO) vet ./...
	$(GO) test -short ./...

lint: ## golangci-lint, from its own module
	$(GO) tool -modfile=tools/go.mod golangci-lint run ./...

sim: ## replay one seed of the simulator
	$(GO) test ./internal/sim -run TestSeeds -seed $(SEED) -v

SEEDS ?= 1000000
FROM ?= 0
sim-long: ## a million seeds, on all processors; FROM=n goes on from a seed
	$(GO) test ./internal/sim -run TestSeeds -seeds $(SEEDS) -from $(FROM) -timeout 0

MINUTES ?= 10
crash: ## random jobs by the real binary: killed, stopped, short of memory and disk, damaged; as root, for full disks
	$(GO) test ./test/crash -run TestOrdeal -minutes $(MINUTES) -seed $(SEED) -parallel 4 -timeout 0 -v

crash-moments: ## kill the real binary some hundred times, at every moment of a commit
	$(GO) test ./test/crash -long -timeout 2h -v

bench: ## micro-benchmarks
	$(GO) test -run '^$$' -bench . -benchtime 200ms ./...

bench-nexmark: build ## Nexmark side by side with Apache Flink, which it installs
	$(GO) run ./bench/nexmark -kind files
	$(GO) run ./bench/nexmark -kind generator

bench-ingest: build ## what it costs to read files
	$(GO) run ./bench/ingest -millrace ./millrace

bench-checkpoints: build ## what checkpoints write, how long they take, what they cost
	$(GO) run ./bench/checkpoints

CASES ?= test/flink/more
record-flink: ## run case files through Apache Flink, which it installs, and write what it gave; needs a JDK 17, pip and mvn
	$(GO) run ./test/flink/record $(CASES)

bench-tpch: build ## TPC-H at scale factor 1 side by side with DuckDB, which it installs
	$(GO) run ./bench/tpch -millrace ./millrace

bench-hard: build ## input that is bad for speed, in bounded memory
	$(GO) run ./bench/hard -millrace ./millrace

bench-latency: build ## from the arrival of a row to the row that it makes
	$(GO) run ./bench/latency -millrace ./millrace

bench-growth: build ## twice the events, twice the subtasks, a thousand times the keys
	$(GO) run ./bench/growth -millrace ./millrace

bench-footprint: build ## what it takes to start, and to wait
	$(GO) run ./bench/footprint -millrace ./millrace

bench-where: build ## where the processor time of each Nexmark query goes
	$(GO) run ./bench/where -millrace ./millrace

clean:
	rm -f millrace

# What a person or CI does with this repository; `make help` lists it.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.PHONY: help setup venv build build-tests release run test test-swift test-integration chaos soak test-servers test-tsan test-asan \
	test-example bench counted-pieces test-instructions record-instructions profile-piece bench-pieces bench-grants \
	bench-postgres-grants bench-handlers bench-local-queue bench-tracing bench-console docs lint format clean

PYTHON := .venv/bin/python
QUERY_PYTHON := .venv-query/bin/python
# `make test` draws the same each time; `make chaos` and `swift test` draw anew.
export SEED := 2084839504
WORKER := .build/debug/worker
SWIFT_FILES = git ls-files --cached --others --exclude-standard -z '*.swift'

# Of Swift's tests so many run at once. With all of them, each would wait long for its turn on the pool's threads, of which there are as
# many as processors, and what takes real time would measure that.
export SWT_EXPERIMENTAL_MAXIMUM_PARALLELIZATION_WIDTH := 8

# Homebrew links neither of these where pkg-config looks.
ifeq ($(shell uname -s),Darwin)
BREW := $(shell brew --prefix 2>/dev/null)
export PKG_CONFIG_PATH := $(BREW)/opt/openssl@3/lib/pkgconfig:$(BREW)/opt/sqlite/lib/pkgconfig:$(BREW)/opt/curl/lib/pkgconfig:$(BREW)/opt/libpq/lib/pkgconfig:$(PKG_CONFIG_PATH)
endif

# Swift's libraries are part of what is built for production: it runs without Swift, and a message costs it three fifths. lld
# warns of nothing in them, and leaves out more. On macOS they are the system's.
RELEASE := --configuration release
ifeq ($(shell uname -s),Linux)
RELEASE += --static-swift-stdlib -Xswiftc -use-ld=lld
endif

define announce
@printf '\n== %s\n' "$(1)"
endef
# The first build compiles every dependency, and looks like a hang to whoever was not told.
define announce_build
@printf '\n== %s\n' "$(1)"; [ -e $(2) ] || echo "   the first time takes a few minutes: it fetches and compiles the dependencies"
endef

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-20s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

setup: ## Install what the system lacks (apt on Debian and Ubuntu, brew on macOS)
	@scripts/setup.sh

venv: setup
	@scripts/setup.sh venv

build: setup ## Build the worker for development, as .build/debug/worker
	$(call announce_build,building the worker,.build)
	swift build --product worker

release: setup ## Build the worker for production, as .build-release/release/worker
	$(call announce_build,building the worker with optimization,.build-release)
	swift build --product worker $(RELEASE) --scratch-path .build-release

run: build ## See it work: the worker on a local queue of its own, until Ctrl-C (ARGS='--until-empty --port 0')
	@echo; exec $(WORKER) dev $(ARGS)

test: test-swift test-integration test-example test-instructions ## Run all tests
	$(call announce,all tests passed)

build-tests: setup
	$(call announce_build,building the worker and its tests,.build)
	swift build --build-tests

test-swift: venv build-tests ## Run the tests in Swift alone
	$(call announce,tests in Swift)
	@# What failed is said again at the end: it stands among thousands of lines.
	$(PYTHON) scripts/sqs_server.py moto $(PYTHON) scripts/postgres_server.py swift test --skip-build 2>&1 | tee .build/swift-tests.log || \
		{ printf '\n== what failed\n'; grep -a '✘' .build/swift-tests.log; exit 1; }

test-integration: venv build-tests ## Run the worker against local queues alone (ARGS='-k shutdown' chooses)
	$(call announce,integration tests: the worker against two local queues)
	WORKER_BINARY=$(abspath $(WORKER)) $(PYTHON) -m pytest Tests/Integration --seed $(SEED) $(ARGS)
	$(call announce,the local queue through the Query protocol)
	WORKER_BINARY=$(abspath $(WORKER)) $(QUERY_PYTHON) -m pytest Tests/Integration/local_queue -m 'not one_client' $(ARGS) || [ $$? -eq 5 ]

chaos: venv build-tests ## Kill, stop and repeat everything under load for minutes (ARGS='--events 20000 --seed 7')
	$(call announce,chaos: workers and queues that die at random)
	WORKER_BINARY=$(abspath $(WORKER)) $(PYTHON) -m pytest Tests/Integration/chaos Tests/Integration/process_run/test_chaos.py -n 0 -s --events 10000 $(ARGS)

soak: venv release ## A million messages through one worker: its memory stays what it is (ARGS='--events 200000')
	$(call announce,soak: a million messages)
	WORKER_BINARY=$(abspath .build-release/release/worker) $(PYTHON) -m pytest Tests/Integration/soak -n 0 -s --events 1000000 $(ARGS)

test-servers: build-tests ## Check the client's contract on MiniStack and LocalStack too (LocalStack needs Python 3.13)
	$(call announce,the contract of queues on other servers)
	@scripts/setup.sh ministack
	.venv-ministack/bin/python scripts/sqs_server.py ministack swift test --skip-build --filter QueueContract
	@scripts/setup.sh localstack
	.venv-localstack/bin/python scripts/sqs_server.py localstack swift test --skip-build --filter QueueContract

test-tsan: venv ## Run the tests in Swift under ThreadSanitizer, in a build of their own
	$(call announce_build,building with ThreadSanitizer,.build-tsan)
	TSAN_OPTIONS=suppressions=$(abspath Tests/Sanitizers/thread.txt) \
		$(PYTHON) scripts/sqs_server.py moto $(PYTHON) scripts/postgres_server.py swift test --scratch-path .build-tsan --sanitize=thread -Xswiftc -DTHREAD_SANITIZER

test-asan: venv ## The same under AddressSanitizer, which finds leaks, too
	$(call announce_build,building with AddressSanitizer,.build-asan)
	ASAN_OPTIONS=suppressions=$(abspath Tests/Sanitizers/address.txt) LSAN_OPTIONS=suppressions=$(abspath Tests/Sanitizers/leak.txt) \
		$(PYTHON) scripts/sqs_server.py moto $(PYTHON) scripts/postgres_server.py swift test --scratch-path .build-asan --sanitize=address --disable-xctest

# Their headers look empty to whatever includes them.
HIDE_HEADERS := -Xcc -DCURLINC_CURL_H -Xcc -DOPENSSL_EVP_H

test-example: setup ## Build and test the packages in Examples
	$(call announce_build,testing the worker in Examples/RaffleWorker,Examples/RaffleWorker/.build)
	swift test --package-path Examples/RaffleWorker
	$(call announce_build,testing the queue in Examples/TableQueue with the headers of libcurl and OpenSSL hidden,Examples/TableQueue/.build)
	swift test --package-path Examples/TableQueue $(HIDE_HEADERS)
ifeq ($(shell uname -s),Linux)
	for tests in RaffleWorker TableQueue; do \
	  if ldd "Examples/$$tests/.build/debug/$${tests}PackageTests.xctest" | grep -E 'libcurl|libcrypto|libssl'; then \
	    echo "the tests of a plugin's package must link neither libcurl nor OpenSSL" >&2; exit 1; fi; done
endif

bench: venv ## Measure what a message costs, with round trips, beside Go and boto3 (ARGS='--quick', ARGS='--tls --rounds 5')
	$(call announce_build,building the worker and a stub server with optimization,.build-benchmarks)
	WORKER_BENCHMARKS=1 swift build --product StubServer $(RELEASE) --scratch-path .build-benchmarks
	WORKER_BENCHMARKS=1 swift build --product BenchmarkWorker $(RELEASE) --scratch-path .build-benchmarks
	$(call announce,what a message costs)
	$(PYTHON) Benchmarks/consumer.py $(ARGS)

bench-handlers: venv ## Measure what handlers in other languages cost, beside one that does nothing (ARGS='--rounds 3')
	$(call announce_build,building the worker and a stub server with optimization,.build-benchmarks)
	WORKER_BENCHMARKS=1 swift build --product StubServer $(RELEASE) --scratch-path .build-benchmarks
	WORKER_BENCHMARKS=1 swift build --product BenchmarkWorker $(RELEASE) --scratch-path .build-benchmarks
	$(call announce,what a handler in another language costs)
	$(PYTHON) Benchmarks/handlers.py $(ARGS)

counted-pieces: setup
	@scripts/setup.sh valgrind
	$(call announce_build,building the hot pieces with optimization,.build-benchmarks)
	WORKER_BENCHMARKS=1 swift build --product CountedPieces $(RELEASE) --scratch-path .build-benchmarks

test-instructions: counted-pieces ## Compare the hot pieces' instructions with those on record
	$(call announce,instructions of the hot pieces)
	python3 Benchmarks/instructions.py

record-instructions: counted-pieces ## Put the hot pieces' instructions on record, in Benchmarks/instructions.json
	$(call announce,instructions of the hot pieces)
	python3 Benchmarks/instructions.py --record

profile-piece: counted-pieces ## Show in which functions a hot piece's instructions are (PIECE=consume)
	python3 Benchmarks/instructions.py --profile $(PIECE)

bench-pieces: setup ## Time the hot pieces (needs Swift 6.3; ARGS='--filter grant')
	$(call announce_build,building the hot pieces with optimization,.build-timings)
	WORKER_BENCHMARKS=timings swift package --scratch-path .build-timings --allow-writing-to-package-directory benchmark --target Timings $(ARGS)

bench-grants: setup ## Measure durable grants, beside SQLite's own limit on the disk (ARGS='--folder /mnt/data --rounds 3')
	$(call announce_build,building the benchmark with optimization,.build-benchmarks)
	WORKER_BENCHMARKS=1 swift build --product GrantBenchmark $(RELEASE) --scratch-path .build-benchmarks
	$(call announce,what the prize database can do)
	.build-benchmarks/release/GrantBenchmark $(ARGS)

bench-postgres-grants: venv ## The same on PostgreSQL, beside pgbench with the same statements and beside SQLite (ARGS='--rounds 3')
	$(call announce_build,building the benchmark with optimization,.build-benchmarks)
	WORKER_BENCHMARKS=1 swift build --product GrantBenchmark $(RELEASE) --scratch-path .build-benchmarks
	$(call announce,what the prize database on PostgreSQL can do)
	$(PYTHON) Benchmarks/postgres_grants.py $(ARGS) .build-benchmarks/release/GrantBenchmark

bench-local-queue: venv release ## Measure the local queue, beside moto's server (ARGS='--messages 20000 --depth 0')
	$(call announce,what the local queue can do)
	$(PYTHON) Benchmarks/local_queue.py $(ARGS)

bench-tracing: release ## Measure what tracing costs the worker (ARGS='--messages 5000 --rounds 3')
	$(call announce,what tracing costs)
	python3 Benchmarks/tracing.py $(ARGS)

bench-console: release ## Measure what the console costs the worker, and how long 10,000 dead letters take (ARGS='--rounds 3')
	$(call announce,what the console costs)
	python3 Benchmarks/console.py $(ARGS)

docs: setup ## Build the documentation of WorkerKit and WorkerTesting, as .build/docs; a warning is an error
	$(call announce_build,building the documentation,.build)
	swift package --allow-writing-to-directory .build/docs generate-documentation --target WorkerKit --target WorkerTesting \
		--enable-experimental-combined-documentation --warnings-as-errors --output-path .build/docs

lint: venv ## Check formatting, scripts and the README's code
	$(call announce,lint)
	$(SWIFT_FILES) | xargs -0 swift format lint --strict --parallel
	git ls-files --cached --others --exclude-standard -z '*.py' | xargs -0 python3 scripts/check_python.py
	python3 scripts/readme.py --check
	python3 scripts/check_rooms.py
	for script in scripts/*.sh deploy/*/*.sh .ci/run; do bash -n "$$script"; done
	if command -v shellcheck >/dev/null; then shellcheck scripts/*.sh deploy/*/*.sh .ci/run; else echo "shellcheck is not here: scripts were checked for syntax alone"; fi

format: ## Format the Swift sources in place
	$(SWIFT_FILES) | xargs -0 swift format --in-place --parallel

clean: ## Remove what was built, the demo's files and the virtual environments
	rm -rf .build .build-* Examples/*/.build .worker .venv .venv-* .pgbouncer .prometheus .pytest_cache
	find Benchmarks scripts Tests -name __pycache__ -type d -prune -exec rm -rf {} +

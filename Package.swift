// swift-tools-version:6.2
import PackageDescription

let package = Package(
  name: "swift-queue-worker",
  platforms: [.macOS(.v15)],
  products: [
    .executable(name: "worker", targets: ["worker"]),
    .library(name: "WorkerKit", targets: ["WorkerKit"]),
    .library(name: "WorkerCommands", targets: ["WorkerCommands"]),
    .library(name: "WorkerTesting", targets: ["WorkerTesting"]),
    .library(name: "LocalQueue", targets: ["LocalQueue"]),
    .library(name: "PrizePlugins", targets: ["PrizePlugins"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
    .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
    .package(url: "https://github.com/apple/swift-distributed-tracing", from: "1.7.0"),
    .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0", traits: []),
    .package(url: "https://github.com/apple/swift-log", from: "1.16.0"),
    .package(url: "https://github.com/apple/swift-metrics", from: "2.13.0"),
    .package(url: "https://github.com/apple/swift-nio", from: "2.101.0"),
    .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
    .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.0", traits: []),
    .package(url: "https://github.com/jpsim/Yams", from: "6.2.0"),
    .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
  ],
  targets: [
    .target(name: "CCurl", linkerSettings: [.linkedLibrary("curl")]),
    .systemLibrary(
      name: "COpenSSL", pkgConfig: "libcrypto",
      providers: [.apt(["libssl-dev"]), .brew(["openssl@3"])]),
    .systemLibrary(name: "CZlib", providers: [.apt(["zlib1g-dev"])]),
    .target(
      name: "WorkerKit",
      dependencies: [
        "CCurl",
        "COpenSSL",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
        .product(name: "Logging", package: "swift-log"),
        .product(name: "Metrics", package: "swift-metrics"),
        .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
        .product(name: "Tracing", package: "swift-distributed-tracing"),
        .product(name: "Yams", package: "Yams"),
      ]),
    .target(
      name: "WorkerTesting",
      dependencies: ["WorkerKit", .product(name: "Logging", package: "swift-log")]),
    .target(
      name: "WorkerTelemetry",
      dependencies: [
        "CZlib",
        "WorkerKit",
        .product(name: "CoreMetrics", package: "swift-metrics"),
        .product(name: "DequeModule", package: "swift-collections"),
        .product(name: "Logging", package: "swift-log"),
        .product(name: "Metrics", package: "swift-metrics"),
        .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
        .product(name: "Tracing", package: "swift-distributed-tracing"),
      ]),
    // Nothing of WorkerKit: a server that shared the client's code would agree with the client's mistakes.
    .target(
      name: "LocalQueue",
      dependencies: [
        "COpenSSL",
        .product(name: "DequeModule", package: "swift-collections"),
        .product(name: "GRDB", package: "GRDB.swift"),
        .product(name: "HTTPTypes", package: "swift-http-types"),
        .product(name: "HeapModule", package: "swift-collections"),
        .product(name: "Hummingbird", package: "hummingbird"),
        .product(name: "Logging", package: "swift-log"),
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "NIOPosix", package: "swift-nio"),
        .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
      ]),
    .target(
      name: "WorkerAdmin",
      dependencies: [
        "WorkerKit",
        .product(name: "HTTPTypes", package: "swift-http-types"),
        .product(name: "Hummingbird", package: "hummingbird"),
        .product(name: "Logging", package: "swift-log"),
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "NIOPosix", package: "swift-nio"),
        .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
      ]),
    .target(
      name: "WorkerCommands",
      dependencies: [
        "LocalQueue",
        "WorkerAdmin",
        "WorkerKit",
        "WorkerTelemetry",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
        .product(name: "CoreMetrics", package: "swift-metrics"),
        .product(name: "Logging", package: "swift-log"),
        .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
        .product(name: "Tracing", package: "swift-distributed-tracing"),
        .product(name: "UnixSignals", package: "swift-service-lifecycle"),
      ]),
    .target(
      name: "PrizePlugins",
      dependencies: [
        "WorkerKit",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
        .product(name: "GRDB", package: "GRDB.swift"),
        .product(name: "GRDBSQLite", package: "GRDB.swift"),
        .product(name: "Logging", package: "swift-log"),
        .product(name: "Tracing", package: "swift-distributed-tracing"),
        .product(name: "Yams", package: "Yams"),
      ]),
    .executableTarget(name: "worker", dependencies: ["WorkerCommands", "PrizePlugins"]),
    .target(name: "TestSupport", path: "Tests/TestSupport"),
    .testTarget(
      name: "LocalQueueTests",
      dependencies: [
        "LocalQueue",
        "TestSupport",
        .product(name: "GRDB", package: "GRDB.swift"),
        .product(name: "Logging", package: "swift-log"),
      ]),
    .testTarget(
      name: "WorkerKitTests",
      dependencies: [
        "LocalQueue",
        "TestSupport",
        "WorkerKit",
        "WorkerTesting",
        .product(name: "InMemoryLogging", package: "swift-log"),
        .product(name: "InMemoryTracing", package: "swift-distributed-tracing"),
        .product(name: "Logging", package: "swift-log"),
        .product(name: "Metrics", package: "swift-metrics"),
        .product(name: "MetricsTestKit", package: "swift-metrics"),
        .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
        .product(name: "Tracing", package: "swift-distributed-tracing"),
      ],
      exclude: ["SQS/make_signatures.py", "Support/scripted_server.py"],
      resources: [.copy("SQS/botocore-signatures.json")]),
    .testTarget(name: "WorkerAdminTests", dependencies: ["WorkerAdmin", "WorkerKit"]),
    .testTarget(
      name: "WorkerTelemetryTests",
      dependencies: [
        "TestSupport",
        "WorkerKit",
        "WorkerTelemetry",
        "WorkerTesting",
        .product(name: "CoreMetrics", package: "swift-metrics"),
        .product(name: "InMemoryLogging", package: "swift-log"),
        .product(name: "Logging", package: "swift-log"),
        .product(name: "Metrics", package: "swift-metrics"),
        .product(name: "MetricsTestKit", package: "swift-metrics"),
        .product(name: "Tracing", package: "swift-distributed-tracing"),
      ],
      exclude: ["Metrics/read_exposition.py"]),
    .testTarget(
      name: "PrizePluginsTests",
      dependencies: [
        "PrizePlugins",
        "TestSupport",
        "WorkerKit",
        "WorkerTesting",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
        .product(name: "GRDB", package: "GRDB.swift"),
        .product(name: "InMemoryTracing", package: "swift-distributed-tracing"),
        .product(name: "Logging", package: "swift-log"),
        .product(name: "Tracing", package: "swift-distributed-tracing"),
      ]),
  ],
  swiftLanguageModes: [.v6]
)

// What measures the worker. Users of the package neither resolve nor build it.
if let benchmarks = Context.environment["WORKER_BENCHMARKS"] {
  package.targets += [
    .target(
      name: "HotPieces",
      dependencies: [
        "COpenSSL",
        "PrizePlugins",
        "WorkerKit",
        .product(name: "Logging", package: "swift-log"),
      ],
      path: "Benchmarks/HotPieces"),
    .executableTarget(
      name: "CountedPieces", dependencies: ["HotPieces", "WorkerKit"], path: "Benchmarks/CountedPieces"),
    // Nothing of ours, as with the local queue.
    .executableTarget(
      name: "StubServer",
      dependencies: [
        "COpenSSL",
        .product(name: "Histogram", package: "hdrhistogram-swift"),
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "NIOPosix", package: "swift-nio"),
      ],
      path: "Benchmarks/StubServer"),
    .executableTarget(
      name: "BenchmarkWorker",
      dependencies: [
        "WorkerCommands",
        "WorkerKit",
        .product(name: "Histogram", package: "hdrhistogram-swift"),
      ],
      path: "Benchmarks/BenchmarkWorker"),
    .executableTarget(
      name: "GrantBenchmark",
      dependencies: [
        "PrizePlugins",
        "WorkerKit",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
        .product(name: "GRDBSQLite", package: "GRDB.swift"),
        .product(name: "Logging", package: "swift-log"),
      ],
      path: "Benchmarks/GrantBenchmark"),
  ]
  package.dependencies.append(
    .package(url: "https://github.com/HdrHistogram/hdrhistogram-swift", from: "0.2.0"))
  // Apart from the rest, which needs no more than the worker does: its manifest needs Swift 6.3.
  if benchmarks == "timings" {
    package.dependencies.append(.package(url: "https://github.com/ordo-one/benchmark", from: "1.38.1", traits: []))
    package.targets.append(
      .executableTarget(
        name: "Timings",
        dependencies: ["HotPieces", "WorkerKit", .product(name: "Benchmark", package: "benchmark")],
        path: "Benchmarks/Timings",
        plugins: [.plugin(name: "BenchmarkPlugin", package: "benchmark")]))
  }
}

for target in package.targets where target.type == .regular || target.type == .executable || target.type == .test {
  guard target.name != "CCurl" else { continue }
  target.swiftSettings = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .treatAllWarnings(as: .error),
  ]
}

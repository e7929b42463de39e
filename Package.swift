// swift-tools-version:6.2
import PackageDescription

let package = Package(
  name: "swift-queue-worker",
  platforms: [.macOS(.v15)],
  products: [
    .executable(name: "worker", targets: ["worker"]),
    .library(name: "WorkerKit", targets: ["WorkerKit"]),
    .library(name: "WorkerHTTP", targets: ["WorkerHTTP"]),
    .library(name: "WorkerSQS", targets: ["WorkerSQS"]),
    .library(name: "WorkerCommands", targets: ["WorkerCommands"]),
    .library(name: "WorkerTesting", targets: ["WorkerTesting"]),
    .library(name: "LocalQueue", targets: ["LocalQueue"]),
    .library(name: "PrizePlugins", targets: ["PrizePlugins"]),
    .library(name: "ProcessPlugin", targets: ["ProcessPlugin"]),
    .library(name: "WebhookPlugin", targets: ["WebhookPlugin"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
    .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
    .package(url: "https://github.com/apple/swift-distributed-tracing", from: "1.7.0"),
    .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0", traits: []),
    .package(url: "https://github.com/apple/swift-log", from: "1.16.0"),
    .package(url: "https://github.com/apple/swift-metrics", from: "2.13.0"),
    .package(url: "https://github.com/apple/swift-nio", from: "2.101.0"),
    .package(url: "https://github.com/apple/swift-system", from: "1.5.0"),
    .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
    .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.0", traits: []),
    .package(url: "https://github.com/hummingbird-project/swift-mustache", from: "2.1.0"),
    .package(url: "https://github.com/jpsim/Yams", from: "6.2.0"),
    .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
    .package(url: "https://github.com/swiftlang/swift-docc-plugin", from: "1.5.0"),
    .package(url: "https://github.com/swiftlang/swift-subprocess", from: "1.0.2", traits: []),

  ],
  targets: [
    // The lock of all others but the local queue; see there for why it is not WorkerKit's.
    .target(name: "WorkerLocks"),
    // WorkerKit is all that a plugin's author imports. But for the lock it imports nothing of ours: neither HTTP, nor SQS, nor what
    // they stand on.
    .target(name: "CCurl", linkerSettings: [.linkedLibrary("curl")]),
    .systemLibrary(
      name: "COpenSSL", pkgConfig: "libcrypto",
      providers: [.apt(["libssl-dev"]), .brew(["openssl@3"])]),
    .systemLibrary(name: "CZlib", providers: [.apt(["zlib1g-dev"])]),
    .systemLibrary(
      name: "CPostgres", pkgConfig: "libpq",
      providers: [.apt(["libpq-dev"]), .brew(["libpq"])]),
    .target(
      name: "WorkerKit",
      dependencies: [
        "WorkerLocks",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
        .product(name: "DequeModule", package: "swift-collections"),
        .product(name: "Logging", package: "swift-log"),
        .product(name: "Metrics", package: "swift-metrics"),
        .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
        .product(name: "Tracing", package: "swift-distributed-tracing"),
        .product(name: "Yams", package: "Yams"),
      ]),
    .target(name: "WorkerHTTP", dependencies: ["CCurl", "WorkerKit", "WorkerLocks"]),
    .target(
      name: "WorkerSQS",
      dependencies: [
        "COpenSSL",
        "WorkerHTTP",
        "WorkerKit",
        "WorkerLocks",
        .product(name: "Logging", package: "swift-log"),
        .product(name: "Metrics", package: "swift-metrics"),
        .product(name: "Subprocess", package: "swift-subprocess"),
        .product(name: "SystemPackage", package: "swift-system"),
        .product(name: "Tracing", package: "swift-distributed-tracing"),
      ]),
    .target(
      name: "WorkerTesting",
      dependencies: ["WorkerKit", "WorkerLocks", .product(name: "Logging", package: "swift-log")]),
    .target(
      name: "WorkerTelemetry",
      dependencies: [
        "CZlib",
        "WorkerHTTP",
        "WorkerKit",
        "WorkerLocks",
        .product(name: "CoreMetrics", package: "swift-metrics"),
        .product(name: "DequeModule", package: "swift-collections"),
        .product(name: "Logging", package: "swift-log"),
        .product(name: "Metrics", package: "swift-metrics"),
        .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
        .product(name: "Tracing", package: "swift-distributed-tracing"),
      ]),
    // How the local queue and the admin server listen: connections, time limits, stops. It knows neither of them.
    .target(
      name: "HTTPServing",
      dependencies: [
        .product(name: "HTTPTypes", package: "swift-http-types"),
        .product(name: "HummingbirdCore", package: "hummingbird"),
        .product(name: "Logging", package: "swift-log"),
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "NIOHTTP1", package: "swift-nio"),
        .product(name: "NIOPosix", package: "swift-nio"),
        .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
      ]),
    // Nothing of WorkerKit: a server that shared the client's code would agree with the client's mistakes.
    .target(
      name: "LocalQueue",
      dependencies: [
        "COpenSSL",
        "HTTPServing",
        .product(name: "DequeModule", package: "swift-collections"),
        .product(name: "GRDB", package: "GRDB.swift"),
        .product(name: "GRDBSQLite", package: "GRDB.swift"),
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
        "COpenSSL",
        "HTTPServing",
        "WorkerKit",
        "WorkerLocks",
        .product(name: "HTTPTypes", package: "swift-http-types"),
        .product(name: "Hummingbird", package: "hummingbird"),
        .product(name: "Logging", package: "swift-log"),
        .product(name: "Mustache", package: "swift-mustache"),
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "NIOPosix", package: "swift-nio"),
        .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
      ],
      // In the binary itself, which is copied alone.
      resources: [.embedInCode("Assets")]),
    .target(
      name: "WorkerCommands",
      dependencies: [
        "LocalQueue",
        "WorkerAdmin",
        "WorkerHTTP",
        "WorkerKit",
        "WorkerLocks",
        "WorkerSQS",
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
        "CPostgres",
        "WorkerKit",
        "WorkerLocks",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
        .product(name: "GRDB", package: "GRDB.swift"),
        .product(name: "GRDBSQLite", package: "GRDB.swift"),
        .product(name: "Logging", package: "swift-log"),
        .product(name: "Metrics", package: "swift-metrics"),
        .product(name: "Tracing", package: "swift-distributed-tracing"),
        .product(name: "Yams", package: "Yams"),
      ]),
    // A child's first steps, which neither posix_spawn nor Swift can make.
    .target(name: "CChildProcess"),
    .target(
      name: "ProcessPlugin",
      dependencies: [
        "CChildProcess",
        "WorkerKit",
        "WorkerLocks",
        .product(name: "Logging", package: "swift-log"),
        .product(name: "Subprocess", package: "swift-subprocess"),
        .product(name: "SystemPackage", package: "swift-system"),
        .product(name: "Tracing", package: "swift-distributed-tracing"),
      ]),
    .target(
      name: "WebhookPlugin",
      dependencies: [
        "COpenSSL",
        "WorkerHTTP",
        "WorkerKit",
        "WorkerLocks",
        .product(name: "Tracing", package: "swift-distributed-tracing"),
      ]),
    .executableTarget(
      name: "worker", dependencies: ["PrizePlugins", "ProcessPlugin", "WebhookPlugin", "WorkerCommands"]),
    .target(
      name: "TestSupport", dependencies: ["WorkerKit", .product(name: "Logging", package: "swift-log")],
      path: "Tests/TestSupport"),
    .target(
      name: "HTTPTestSupport", dependencies: ["TestSupport", "WorkerHTTP"], path: "Tests/HTTPTestSupport",
      exclude: ["scripted_server.py"]),
    // For tests from outside: handlers that block, wait and fail when their events say so, beside those of prizes.
    .executableTarget(
      name: "TrialWorker",
      dependencies: ["PrizePlugins", "WorkerCommands", "WorkerKit", .product(name: "Logging", package: "swift-log")],
      path: "Tests/TrialWorker"),
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
        "TestSupport",
        "WorkerKit",
        "WorkerLocks",
        "WorkerTesting",
        .product(name: "InMemoryLogging", package: "swift-log"),
        .product(name: "InMemoryTracing", package: "swift-distributed-tracing"),
        .product(name: "Logging", package: "swift-log"),
        .product(name: "Metrics", package: "swift-metrics"),
        .product(name: "MetricsTestKit", package: "swift-metrics"),
        .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
        .product(name: "Tracing", package: "swift-distributed-tracing"),
      ]),
    .testTarget(name: "WorkerTestingTests", dependencies: ["WorkerKit", "WorkerTesting"]),
    .testTarget(name: "WorkerHTTPTests", dependencies: ["HTTPTestSupport", "TestSupport", "WorkerHTTP", "WorkerKit"]),
    .testTarget(
      name: "WorkerSQSTests",
      dependencies: [
        "HTTPTestSupport",
        "LocalQueue",
        "TestSupport",
        "WorkerHTTP",
        "WorkerKit",
        "WorkerLocks",
        "WorkerSQS",
        "WorkerTesting",
        .product(name: "InMemoryLogging", package: "swift-log"),
        .product(name: "InMemoryTracing", package: "swift-distributed-tracing"),
        .product(name: "Logging", package: "swift-log"),
        .product(name: "Metrics", package: "swift-metrics"),
        .product(name: "MetricsTestKit", package: "swift-metrics"),
        .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
        .product(name: "Tracing", package: "swift-distributed-tracing"),
      ],
      exclude: ["make_settings.py", "make_signatures.py"],
      resources: [.copy("botocore-settings.json"), .copy("botocore-signatures.json")]),
    .testTarget(
      name: "HTTPServingTests",
      dependencies: [
        "HTTPServing",
        .product(name: "HTTPTypes", package: "swift-http-types"),
        .product(name: "HummingbirdCore", package: "hummingbird"),
        .product(name: "Logging", package: "swift-log"),
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "NIOEmbedded", package: "swift-nio"),
        .product(name: "NIOHTTP1", package: "swift-nio"),
      ]),
    .testTarget(
      name: "WorkerAdminTests",
      dependencies: [
        "TestSupport",
        "WorkerAdmin",
        "WorkerKit",
        "WorkerLocks",
        "WorkerTesting",
        .product(name: "HTTPTypes", package: "swift-http-types"),
        .product(name: "Hummingbird", package: "hummingbird"),
        .product(name: "Logging", package: "swift-log"),
        .product(name: "NIOCore", package: "swift-nio"),
      ]),
    .testTarget(
      name: "WorkerTelemetryTests",
      dependencies: [
        "TestSupport",
        "WorkerHTTP",
        "WorkerKit",
        "WorkerLocks",
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
      name: "ProcessPluginTests",
      dependencies: [
        "ProcessPlugin",
        "WorkerKit",
        .product(name: "Logging", package: "swift-log"),
      ]),
    .testTarget(
      name: "WebhookPluginTests",
      dependencies: [
        "WebhookPlugin",
        "WorkerHTTP",
        "WorkerKit",
        .product(name: "Logging", package: "swift-log"),
      ]),
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
        "WorkerHTTP",
        "WorkerKit",
        "WorkerLocks",
        "WorkerSQS",
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
        "ProcessPlugin",
        "WebhookPlugin",
        "WorkerCommands",
        "WorkerKit",
        "WorkerLocks",
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
        dependencies: ["HotPieces", "WorkerKit", "WorkerLocks", .product(name: "Benchmark", package: "benchmark")],
        path: "Benchmarks/Timings",
        plugins: [.plugin(name: "BenchmarkPlugin", package: "benchmark")]))
  }
}

for target in package.targets where target.type == .regular || target.type == .executable || target.type == .test {
  guard !["CCurl", "CChildProcess"].contains(target.name) else { continue }
  target.swiftSettings = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .treatAllWarnings(as: .error),
  ]
}

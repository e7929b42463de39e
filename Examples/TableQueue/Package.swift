// swift-tools-version:6.2
import PackageDescription

// A queue of your own for the worker, checked by the contract of queues. It needs no HTTP, no SQS, and none of their libraries.
let package = Package(
  name: "TableQueue",
  platforms: [.macOS(.v15)],
  products: [.library(name: "TableQueue", targets: ["TableQueue"])],
  dependencies: [
    .package(name: "swift-queue-worker", path: "../..")
  ],
  targets: [
    .target(name: "TableQueue", dependencies: [.product(name: "WorkerKit", package: "swift-queue-worker")]),
    .testTarget(
      name: "TableQueueTests",
      dependencies: ["TableQueue", .product(name: "WorkerTesting", package: "swift-queue-worker")]),
  ],
  swiftLanguageModes: [.v6]
)
